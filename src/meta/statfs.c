/* statfs.c: space and files: the monitor's numbers for the data pool, the root's recursive counts. */
#include "meta.h"

#include <errno.h>
#include <string.h>

enum { SF_BEGIN, SF_MON };
enum { STATFS_BLOCK = 4 << 20, STATFS_TIMEOUT_S = 30 };

struct statfs_wait {
	struct mon_request q; /* first */
	struct op *op;
};

static void statfs_done(struct mon_request *q, int err)
{
	struct statfs_wait *w = (struct statfs_wait *)q;
	struct op *op = w->op;
	struct cephring_statfs *out = op->u.statfs.out;
	struct meta *m = op->m;

	op->u.statfs.pending = NULL;
	if (!err) {
		*out = (struct cephring_statfs){
			.block_size = STATFS_BLOCK,
			.blocks = q->statfs.kb >> 12,
			.blocks_free = q->statfs.kb_avail >> 12,
			.name_max = WALK_NAME_MAX,
		};
		if (m->root && m->root->dir)
			out->files = m->root->dir->a.rfiles + m->root->dir->a.rsubdirs;
		memcpy(&out->fsid, mon_monmap(m->mon)->fsid, sizeof out->fsid);
	}
	mem_free(w, sizeof *w);
	op_resume(op, err);
}

/* A quota on the root is the size of what is mounted. */
static void apply_quota(const struct inode *root, struct cephring_statfs *out)
{
	uint64_t used;

	if (!root || !root->dir || root->dir->quota_max_bytes < STATFS_BLOCK)
		return;
	used = root->dir->a.rbytes >> 22;
	out->blocks = root->dir->quota_max_bytes >> 22;
	out->blocks_free = used < out->blocks ? out->blocks - used : 0;
}

static int64_t statfs_step(struct op *op, int64_t res)
{
	struct meta *m = op->m;
	struct statfs_wait *w;
	int err;

	if (op->at == SF_MON) {
		if (!res)
			apply_quota(m->root, op->u.statfs.out);
		return res;
	}
	if (!m->root) /* asked before the mount was done, or after it failed */
		return -ENOTCONN;
	w = mem_alloc(sizeof *w);
	if (!w)
		return -ENOMEM;
	w->op = op;
	w->q.done = statfs_done;
	op->at = SF_MON;
	op->sent = true;
	op->u.statfs.pending = w;
	err = mon_statfs(m->mon, &w->q, m->map && m->map->data_pool_count == 1 ? m->map->data_pool[0] : -1,
			 STATFS_TIMEOUT_S * 1000000000ull);
	if (!err)
		return OP_PENDING;
	op->u.statfs.pending = NULL;
	mem_free(w, sizeof *w);
	return err;
}

static void statfs_end(struct op *op, int64_t res)
{
	struct statfs_wait *w = op->u.statfs.pending;

	(void)res;
	if (!w)
		return;
	mon_request_cancel(op->m->mon, &w->q);
	mem_free(w, sizeof *w);
}

const struct op_family op_statfs_family = { .name = "statfs", .step = statfs_step, .end = statfs_end };

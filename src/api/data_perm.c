/* data_perm.c: may this client's key use a pool and namespace? The OSDs are asked once for each, before the
 * first byte: a write that is cached could not be refused any more.
 *
 *   read    STAT of the file's first object: there or not, it may be read; EPERM: it may not
 *   write   CREATE of it, exclusively: made or already there, it may be written; EPERM: it may not
 *
 * Anything else decides nothing: the I/O itself will tell, and the next one asks again.
 */
#include "data_op.h"

#include <errno.h>
#include <string.h>

struct data_perm {
	struct osd_req q; /* first */
	cephring_mount *mt;
	LIST_ENTRY(data_perm) link;
	struct data_ops waiters; /* in order */
	uint32_t answers;
	int64_t pool;
	char *ns;                    /* owned; NULL = none */
	uint64_t ino;                /* whose object is asked for */
	unsigned known, may, asking; /* DATA_MAY_* */
};

static bool same_ns(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct data_perm *find(struct data_op *d)
{
	const struct inode *i = d->inode;
	struct data_side *side = &d->mt->data;
	struct data_perm *p;

	LIST_FOREACH(p, &side->perms, link)
	if (p->pool == i->a.layout.pool && same_ns(p->ns, i->pool_ns))
		return p;
	p = mem_alloc(sizeof *p);
	if (!p)
		return NULL;
	p->mt = d->mt;
	p->pool = i->a.layout.pool;
	p->ns = i->pool_ns ? mem_strdup(i->pool_ns) : NULL;
	if (i->pool_ns && !p->ns) {
		mem_free(p, sizeof *p);
		return NULL;
	}
	TAILQ_INIT(&p->waiters);
	LIST_INSERT_HEAD(&side->perms, p, link);
	return p;
}

/* Who has waited for this answer: some of them ask on, and wait for the next. */
static void wake(struct data_perm *p)
{
	uint32_t answer = p->answers++;
	struct data_op *d;

	while ((d = TAILQ_FIRST(&p->waiters)) != NULL && d->perm_answer == answer) {
		data_perm_leave(d);
		op_resume(d->op, 0);
	}
}

static void asked(struct osd_req *q, int result)
{
	struct data_perm *p = (struct data_perm *)q;

	p->known |= p->asking;
	if (result != -EPERM)
		p->may |= p->asking;
	else
		log_emit(&p->mt->log, LOG_WARN, "pool %lld%s%s: this client's key does not allow to %s",
			 (long long)p->pool, p->ns ? " namespace " : "", p->ns ? p->ns : "",
			 p->asking == DATA_MAY_READ ? "read" : "write");
	p->asking = 0;
	wake(p);
}

static int ask(struct data_perm *p, unsigned what)
{
	struct slice ns = { (const uint8_t *)p->ns, p->ns ? (uint32_t)strlen(p->ns) : 0 };
	char name[STRIPE_NAME_MAX];
	int err = osd_req_init(&p->q, p->pool, ns, name, stripe_object_name(p->ino, 0, name));

	if (err)
		return err;
	if (what == DATA_MAY_READ) {
		osd_op_stat(osd_req_op(&p->q));
	} else {
		osd_op_create(osd_req_op(&p->q), true);
		p->q.flags = OSD_FLAG_FULL_TRY;
	}
	p->q.done = asked;
	p->asking = what;
	err = osdc_submit(p->mt->data.osdc, &p->q);
	if (err)
		p->asking = 0;
	return err;
}

int64_t data_perm_step(struct data_op *d, unsigned may)
{
	struct data_perm *p;
	unsigned unknown;
	int err;

	if (d->inode->key.snapid != SNAP_HEAD)
		return 0;
	p = find(d);
	if (!p)
		return -ENOMEM;
	unknown = may & ~p->known;
	if (!unknown)
		return (p->may & may) == may ? 0 : -EPERM;
	if (!p->asking) {
		p->ino = d->inode->key.ino;
		err = ask(p, (unknown & DATA_MAY_READ) ? DATA_MAY_READ : DATA_MAY_WRITE);
		if (err)
			return err;
	}
	d->perm = p;
	d->perm_answer = p->answers;
	TAILQ_INSERT_TAIL(&p->waiters, d, perm_wait);
	d->op->sent = true;
	return OP_PENDING;
}

void data_perm_leave(struct data_op *d)
{
	if (d->perm)
		TAILQ_REMOVE(&d->perm->waiters, d, perm_wait);
	d->perm = NULL;
}

void data_perms_free(cephring_mount *mt)
{
	struct data_perm *p;

	while ((p = LIST_FIRST(&mt->data.perms)) != NULL) {
		LIST_REMOVE(p, link);
		mem_free(p->ns, 0);
		mem_free(p, sizeof *p);
	}
}

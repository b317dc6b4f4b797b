/* layout.c: how files lie in pools, and where pools and OSDs are. */
#include "compat.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { STRIPE_UNIT_MIN = 65536 };

static int layout_of(struct ceph_mount_info *cm, cephring_inode *i, struct cephring_layout *l)
{
	struct inside_inode info;
	int err = inside_inode_info(cm->m, i, &info);

	if (!err)
		*l = info.layout;
	return err;
}

static int fd_layout(struct ceph_mount_info *cm, int fd, struct cephring_layout *l)
{
	ENTER(cm);
	FD(s, cm, fd);
	return layout_of(cm, cephring_file_inode(s->file), l);
}

static int path_layout(struct ceph_mount_info *cm, const char *path, struct cephring_layout *l)
{
	cephring_inode *i;
	int err;

	ENTER(cm);
	PATH(w, where_path(cm, path));
	err = cephring_sync_lookup(cm->m, w.at, w.path, 0, NULL, &i);
	if (err)
		return err;
	err = layout_of(cm, i, l);
	cephring_put(cm->m, i);
	return err;
}

/* One field, by descriptor and by path. */
#define FIELD(name, field)                                                                                   \
	int ceph_get_file_##name(struct ceph_mount_info *cm, int fd)                                         \
	{                                                                                                    \
		struct cephring_layout l;                                                                    \
		int err = fd_layout(cm, fd, &l);                                                             \
                                                                                                             \
		return err ? err : (int)l.field;                                                             \
	}                                                                                                    \
	int ceph_get_path_##name(struct ceph_mount_info *cm, const char *path)                               \
	{                                                                                                    \
		struct cephring_layout l;                                                                    \
		int err = path_layout(cm, path, &l);                                                         \
                                                                                                             \
		return err ? err : (int)l.field;                                                             \
	}
FIELD(stripe_unit, stripe_unit)
FIELD(stripe_count, stripe_count)
FIELD(object_size, object_size)
FIELD(pool, pool)

static int layout_give(const struct cephring_layout *l, int *unit, int *count, int *size, int *pool)
{
	if (unit)
		*unit = (int)l->stripe_unit;
	if (count)
		*count = (int)l->stripe_count;
	if (size)
		*size = (int)l->object_size;
	if (pool)
		*pool = (int)l->pool;
	return 0;
}

int ceph_get_file_layout(struct ceph_mount_info *cm, int fd, int *unit, int *count, int *size, int *pool)
{
	struct cephring_layout l;
	int err = fd_layout(cm, fd, &l);

	return err ? err : layout_give(&l, unit, count, size, pool);
}

int ceph_get_path_layout(struct ceph_mount_info *cm, const char *path, int *unit, int *count, int *size,
			 int *pool)
{
	struct cephring_layout l;
	int err = path_layout(cm, path, &l);

	return err ? err : layout_give(&l, unit, count, size, pool);
}

/* ---- pools ---- */

static int pool_by_id(struct ceph_mount_info *cm, int64_t id, struct inside_pool *p)
{
	p->id = id;
	p->name[0] = '\0';
	ENTER(cm);
	return inside_pool(cm->m, p);
}

/* Its length; buflen 0 asks for that only. Without a NUL where it just fits, as the real one has it. */
static int name_give(const char *name, char *buf, size_t buflen)
{
	size_t len = strlen(name);

	if (!buflen)
		return (int)len;
	if (len > buflen)
		return -ERANGE;
	memcpy(buf, name, len < buflen ? len + 1 : len);
	return (int)len;
}

int ceph_get_pool_name(struct ceph_mount_info *cm, int pool, char *buf, size_t buflen)
{
	struct inside_pool p;
	int err = pool_by_id(cm, pool, &p);

	/* a pool that does not exist has no name, says the real one, and that this is no error */
	return err && err != -ENOENT ? err : name_give(err ? "" : p.name, buf, buflen);
}

int ceph_get_file_pool_name(struct ceph_mount_info *cm, int fd, char *buf, size_t buflen)
{
	int pool = ceph_get_file_pool(cm, fd);

	return pool < 0 ? pool : ceph_get_pool_name(cm, pool, buf, buflen);
}

int ceph_get_path_pool_name(struct ceph_mount_info *cm, const char *path, char *buf, size_t buflen)
{
	int pool = ceph_get_path_pool(cm, path);

	return pool < 0 ? pool : ceph_get_pool_name(cm, pool, buf, buflen);
}

int ceph_get_default_data_pool_name(struct ceph_mount_info *cm, char *buf, size_t buflen)
{
	struct inside_mount info;
	int err;

	ENTER(cm);
	err = inside_mount_info(cm->m, &info);
	return err ? err : ceph_get_pool_name(cm, (int)info.data_pool, buf, buflen);
}

int ceph_get_pool_id(struct ceph_mount_info *cm, const char *name)
{
	struct inside_pool p;
	int err;

	ENTER(cm);
	if (!name)
		return -EFAULT;
	if (!*name || strlen(name) >= sizeof p.name)
		return -ENOENT;
	strcpy(p.name, name);
	err = inside_pool(cm->m, &p);
	return err ? err : (int)p.id;
}

int ceph_get_pool_replication(struct ceph_mount_info *cm, int pool)
{
	struct inside_pool p;
	int err = pool_by_id(cm, pool, &p);

	return err ? err : (int)p.replicas;
}

int ceph_get_file_replication(struct ceph_mount_info *cm, int fd)
{
	int pool = ceph_get_file_pool(cm, fd);

	return pool < 0 ? pool : ceph_get_pool_replication(cm, pool);
}

int ceph_get_path_replication(struct ceph_mount_info *cm, const char *path)
{
	int pool = ceph_get_path_pool(cm, path);

	return pool < 0 ? pool : ceph_get_pool_replication(cm, pool);
}

/* ---- where a byte of a file lies ---- */

static int object_of(struct ceph_mount_info *cm, int fd, int64_t offset, struct inside_object *o)
{
	int err;

	ENTER(cm);
	FD(s, cm, fd);
	if (offset < 0)
		return -EINVAL;
	o->ino = cephring_ino(cephring_file_inode(s->file));
	o->offset = (uint64_t)offset;
	err = layout_of(cm, cephring_file_inode(s->file), &o->layout);
	if (!err)
		err = inside_object(cm->m, o);
	return err ? err : o->count ? 0 : -EINVAL;
}

int ceph_get_file_stripe_address(struct ceph_mount_info *cm, int fd, int64_t offset,
				 struct sockaddr_storage *addr, int naddr)
{
	struct sockaddr_storage *all = malloc(64 * sizeof *all);
	struct inside_object o = { .addr = all };
	int err = all ? object_of(cm, fd, offset, &o) : -ENOMEM;

	if (!err)
		for (int n = 0; n < naddr && n < (int)o.count; n++)
			addr[n] = all[n];
	free(all);
	return err ? err : (int)o.count;
}

int ceph_get_file_extent_osds(struct ceph_mount_info *cm, int fd, int64_t offset, int64_t *length, int *osds,
			      int nosds)
{
	struct inside_object o = { 0 };
	int err = object_of(cm, fd, offset, &o);

	if (err)
		return err;
	if (length)
		*length = (int64_t)(o.layout.stripe_unit - (uint64_t)offset % o.layout.stripe_unit);
	if (!nosds)
		return (int)o.count;
	if (nosds < (int)o.count)
		return -ERANGE;
	for (uint32_t n = 0; n < o.count; n++)
		osds[n] = o.osd[n];
	return (int)o.count;
}

/* ---- OSDs ---- */

int ceph_get_osd_crush_location(struct ceph_mount_info *cm, int osd, char *path, size_t len)
{
	int n;

	ENTER(cm);
	if (osd < 0 || (!path && len))
		return -EINVAL;
	n = inside_osd_place(cm->m, osd, path, len);
	return n > 0 && len && (size_t)n > len ? -ERANGE : n;
}

int ceph_get_osd_addr(struct ceph_mount_info *cm, int osd, struct sockaddr_storage *addr)
{
	ENTER(cm);
	return !addr ? -EINVAL : inside_osd_addr(cm->m, osd, addr);
}

int ceph_ll_num_osds(struct ceph_mount_info *cm)
{
	ENTER(cm);
	return inside_osd_count(cm->m);
}

int ceph_ll_osdaddr(struct ceph_mount_info *cm, int osd, uint32_t *addr)
{
	struct sockaddr_storage ss;
	int err;

	ENTER(cm);
	if (!addr)
		return -EINVAL;
	err = inside_osd_addr(cm->m, osd, &ss);
	if (err || ss.ss_family != AF_INET)
		return err ? err : -EAFNOSUPPORT;
	*addr = ntohl(((struct sockaddr_in *)&ss)->sin_addr.s_addr);
	return 0;
}

int ceph_get_local_osd(struct ceph_mount_info *cm)
{
	ENTER(cm);
	return -1; /* none is preferred for being near */
}

int ceph_localize_reads(struct ceph_mount_info *cm, int val)
{
	ENTER(cm);
	inside_localize_reads(cm->m, val);
	return 0;
}

/* ---- of old: the real library has them in name only ---- */

int ceph_get_stripe_unit_granularity(struct ceph_mount_info *cm)
{
	ENTER(cm);
	return STRIPE_UNIT_MIN;
}

static int gone(struct ceph_mount_info *cm)
{
	ENTER(cm);
	return -EOPNOTSUPP;
}

int ceph_set_default_file_stripe_unit(struct ceph_mount_info *cm, int stripe)
{
	(void)stripe;
	return gone(cm);
}

int ceph_set_default_file_stripe_count(struct ceph_mount_info *cm, int count)
{
	(void)count;
	return gone(cm);
}

int ceph_set_default_object_size(struct ceph_mount_info *cm, int size)
{
	(void)size;
	return gone(cm);
}

int ceph_set_default_preferred_pg(struct ceph_mount_info *cm, int osd)
{
	(void)osd;
	return gone(cm);
}

int ceph_set_default_file_replication(struct ceph_mount_info *cm, int replication)
{
	(void)replication;
	return gone(cm);
}

/* ---- by inode ---- */

void layout_to_ceph(const struct cephring_layout *l, struct ceph_file_layout *out)
{
	*out = (struct ceph_file_layout){
		.fl_stripe_unit = l->stripe_unit,
		.fl_stripe_count = l->stripe_count,
		.fl_object_size = l->object_size,
		.fl_pg_preferred = (uint32_t)-1,
		.fl_pg_pool = (uint32_t)l->pool,
	};
}

uint32_t ceph_ll_stripe_unit(struct ceph_mount_info *cm, struct Inode *i)
{
	struct cephring_layout l;

	ENTER_ELSE(cm, 0);
	return i && !layout_of(cm, (cephring_inode *)i, &l) ? l.stripe_unit : 0;
}

uint32_t ceph_ll_file_layout(struct ceph_mount_info *cm, struct Inode *i, struct ceph_file_layout *layout)
{
	struct cephring_layout l;
	int err;

	ENTER_ELSE(cm, (uint32_t)-ENOTCONN);
	err = i && layout ? layout_of(cm, (cephring_inode *)i, &l) : -EINVAL;
	if (!err)
		layout_to_ceph(&l, layout);
	return (uint32_t)err;
}

uint64_t ceph_ll_snap_seq(struct ceph_mount_info *cm, struct Inode *i)
{
	struct inside_inode info;

	ENTER_ELSE(cm, 0);
	return i && !inside_inode_info(cm->m, (cephring_inode *)i, &info) ? info.snap_seq : 0;
}

int ceph_ll_get_stripe_osd(struct ceph_mount_info *cm, struct Inode *i, uint64_t block,
			   struct ceph_file_layout *layout)
{
	struct inside_object o = { 0 };
	int err;

	ENTER(cm);
	if (!i || !layout)
		return -EINVAL;
	o.layout = (struct cephring_layout){ layout->fl_stripe_unit, layout->fl_stripe_count,
					     layout->fl_object_size, layout->fl_pg_pool };
	o.ino = cephring_ino((cephring_inode *)i);
	if (__builtin_mul_overflow(block, (uint64_t)o.layout.stripe_unit, &o.offset))
		return -EINVAL;
	err = inside_object(cm->m, &o);
	return err ? err : o.count ? o.osd[0] : -1;
}

uint64_t ceph_ll_get_internal_offset(struct ceph_mount_info *cm, struct Inode *i, uint64_t block)
{
	struct cephring_layout l;

	ENTER_ELSE(cm, (uint64_t)-ENOTCONN);
	if (!i || layout_of(cm, (cephring_inode *)i, &l) || !l.stripe_unit || !l.stripe_count)
		return 0;
	return block / l.stripe_count % (l.object_size / l.stripe_unit) * l.stripe_unit;
}

/* A part of the object `block` of the file, as it lies in the pool: neither what is cached nor the file's
 * size matters. */
static int block_io(struct ceph_mount_info *cm, struct inside_block *b, uint64_t length,
		    const struct ceph_file_layout *layout)
{
	if (!b->inode || !layout)
		return -EINVAL;
	if (!b->buf)
		return -EFAULT;
	if (length > INT_MAX)
		return -EINVAL; /* the result is an int */
	b->len = (uint32_t)length;
	b->pool = layout->fl_pg_pool;
	return inside_block(cm->m, b);
}

int ceph_ll_read_block(struct ceph_mount_info *cm, struct Inode *i, uint64_t block, char *buf,
		       uint64_t offset, uint64_t length, struct ceph_file_layout *layout)
{
	struct inside_block b = {
		.inode = (cephring_inode *)i, .object = block, .offset = offset, .buf = buf
	};

	ENTER(cm);
	return length ? block_io(cm, &b, length, layout) : 0;
}

int ceph_ll_write_block(struct ceph_mount_info *cm, struct Inode *i, uint64_t block, char *buf,
			uint64_t offset, uint64_t length, struct ceph_file_layout *layout, uint64_t snapseq,
			uint32_t sync)
{
	struct inside_block b = { .inode = (cephring_inode *)i,
				  .object = block,
				  .offset = offset,
				  .buf = buf,
				  .write = true,
				  .snap_seq = snapseq };

	(void)sync; /* when it returns it is safe in any case */
	ENTER(cm);
	return length ? block_io(cm, &b, length, layout) : -EINVAL;
}

/* Every block that was written is safe. */
int ceph_ll_commit_blocks(struct ceph_mount_info *cm, struct Inode *i, uint64_t offset, uint64_t range)
{
	(void)i, (void)offset, (void)range;
	ENTER(cm);
	return 0;
}

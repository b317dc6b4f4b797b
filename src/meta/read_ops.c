/* read_ops.c: what is looked for in the cache by other threads; see read.h. Each is its operation in stat.c
 * or xattr.c, without the waiting. */
#include "read_impl.h"
#include "xattr_map.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- statx ---- */

struct statx_reading {
	struct reading r;
	uint32_t want, known;
	bool any_age, is_dir;
	struct inode_key key;
	struct attrs a;
	struct dir_attrs d;
	struct cephring_statx *out;
};

static int64_t statx_answer(struct reading *r, struct inode *i)
{
	struct statx_reading *s = (struct statx_reading *)r;

	s->known = s->any_age ? ~0u : read_caps(r, i);
	if (statx_caps(s->want) & ~s->known)
		return -EAGAIN;
	s->key = i->key;
	read_attrs(i, &s->a);
	s->is_dir = read_dir_attrs(i, &s->d);
	return 0;
}

static int64_t statx_deliver(struct reading *r)
{
	struct statx_reading *s = (struct statx_reading *)r;

	statx_from(&s->key, &s->a, s->is_dir ? &s->d : NULL, s->known, s->out);
	return 0;
}

int read_statx(struct meta *m, const struct read_path *p, uint32_t want, struct cephring_statx *out)
{
	struct statx_reading s;

	s.r.answer = statx_answer;
	s.r.deliver = statx_deliver;
	s.want = want;
	s.any_age = p->flags & CEPHRING_DONT_SYNC;
	s.out = out;
	return p->flags & CEPHRING_FORCE_SYNC ? -EAGAIN : (int)read_cached(m, p, &s.r);
}

/* ---- lookup ---- */

static int64_t lookup_answer(struct reading *r, struct inode *i)
{
	if (!inode_share(i)) /* on its way out */
		return -EAGAIN;
	r->shared = i;
	return 0;
}

int read_lookup(struct meta *m, const struct read_path *p, struct inode **out)
{
	struct reading r;
	int res;

	r.answer = lookup_answer;
	r.deliver = NULL;
	res = (int)read_cached(m, p, &r);
	if (!res)
		*out = r.shared;
	return res;
}

/* ---- access ---- */

struct access_reading {
	struct reading r;
	int mode;
};

static int64_t access_answer(struct reading *r, struct inode *i)
{
	int mode = ((struct access_reading *)r)->mode, want = 0;

	if (!read_caps(r, i))
		return -EAGAIN;
	if (mode == F_OK)
		return 0;
	want |= (mode & R_OK) ? MAY_READ : 0;
	want |= (mode & W_OK) ? MAY_WRITE : 0;
	want |= (mode & X_OK) ? MAY_EXEC : 0;
	return read_judge(r, i, want);
}

int read_access(struct meta *m, const struct read_path *p, int mode)
{
	struct access_reading a;

	a.r.answer = access_answer;
	a.r.deliver = NULL;
	a.mode = mode;
	return (int)read_cached(m, p, &a.r);
}

/* ---- readlink ---- */

struct bytes_reading {
	struct reading r;
	const char *name;   /* getxattr */
	struct slice found; /* in memory of the cache, which does not change as long as it is there */
	void *buf;
	size_t size;
};

static int64_t readlink_answer(struct reading *r, struct inode *i)
{
	struct bytes_reading *b = (struct bytes_reading *)r;
	const char *text = PUB_GET(i->symlink);

	if (!read_caps(r, i))
		return -EAGAIN;
	if ((PUB_GET(i->a.mode) & 0170000) != 0120000)
		return -EINVAL;
	if (!text)
		return -EAGAIN;
	b->found = (struct slice){ (const uint8_t *)text, (uint32_t)strlen(text) };
	return 0;
}

static int64_t readlink_deliver(struct reading *r)
{
	struct bytes_reading *b = (struct bytes_reading *)r;

	if (b->size)
		memcpy(b->buf, b->found.p, b->found.len < b->size ? b->found.len : b->size);
	return b->found.len;
}

int64_t read_readlink(struct meta *m, const struct read_path *p, char *buf, size_t size)
{
	struct read_path itself = *p;
	struct bytes_reading b;

	itself.flags |= CEPHRING_NOFOLLOW;
	b.r.answer = readlink_answer;
	b.r.deliver = readlink_deliver;
	b.buf = buf;
	b.size = size;
	return read_cached(m, &itself, &b.r);
}

/* ---- getxattr ---- */

static int64_t may_read_xattr(struct reading *r, const struct inode *i, const char *name)
{
	if (!strncmp(name, "trusted.", 8))
		return r->free_pass ? 0 : -ENODATA;
	return strncmp(name, "user.", 5) ? 0 : read_judge(r, i, MAY_READ);
}

static int64_t getxattr_answer(struct reading *r, struct inode *i)
{
	struct bytes_reading *b = (struct bytes_reading *)r;
	int64_t res;

	if (!(read_caps(r, i) & (CAP_XS | CAP_XX)))
		return -EAGAIN;
	res = may_read_xattr(r, i, b->name);
	if (res)
		return res;
	return xattr_map_find(read_xattrs(i), b->name, &b->found) ? 0 : -ENODATA;
}

static int64_t getxattr_deliver(struct reading *r)
{
	struct bytes_reading *b = (struct bytes_reading *)r;

	if (b->size && b->found.len > b->size)
		return -ERANGE;
	if (b->size)
		memcpy(b->buf, b->found.p, b->found.len);
	return b->found.len;
}

int64_t read_getxattr(struct meta *m, const struct read_path *p, const char *name, void *buf, size_t size)
{
	struct bytes_reading b;

	if (!strncmp(name, "ceph.", 5)) /* made up, many of them by the MDS */
		return -EAGAIN;
	b.r.answer = getxattr_answer;
	b.r.deliver = getxattr_deliver;
	b.name = name;
	b.buf = buf;
	b.size = size;
	return read_cached(m, p, &b.r);
}

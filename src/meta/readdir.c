/* readdir.c: listing a directory with attributes, all fragments in parallel.
 *
 * Names have one order over the whole directory: (hash, name). A fragment is a range of hashes. The stream
 * cuts the hash space into the fragments known at its start; each range is read by a READER that has one
 * request under way or one chunk waiting, so that the next chunk travels while this one is consumed. Chunks
 * are delivered in order. When fragments split or merge meanwhile the answers cover other ranges: what was
 * delivered already is left out by its position, and a reader goes on until its own range is covered.
 *
 * A directory whose every name is cached (complete, Fs held) is listed from the cache.
 *
 * A .snap has no fragments and no order: its names are read whole (LSSNAP), then listed from the cache as far
 * as this listing, or a later one, was told of them.
 */
#include "readdir_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	READERS_AHEAD = 8, /* fragments read at once */
	READDIR_ENTRIES = 768,
	READDIR_BYTES = 384 << 10, /* asked for in one request */
	CHUNK_AHEAD = 1 << 20, /* bytes packed and not delivered, beyond which nothing more is asked for */
	HASH_END = 1 << 24,
};

/* Positions: 0 is `.`, 1 is `..`, 2 the first name; behind a name, its hash and its number among the names of
 * that hash, which begin at 2. Linux and libcephfs count the same way. */
#define OFFSET_HASHED (0xffull << 52)

static bool lists_snaps(const struct dir_stream *s)
{
	return s->dir->key.snapid == SNAP_DIR;
}

/* ---- packing ---- */

static struct cephring_dirent *chunk_add(struct chunk *c, const char *name, uint32_t len)
{
	size_t need = (sizeof(struct cephring_dirent) + len + 1 + 7) & ~(size_t)7;
	struct cephring_dirent *e;

	if (c->cap - c->len < need) {
		size_t cap = c->cap ? c->cap * 2 : 64 * 1024;
		uint8_t *buf = mem_realloc(c->buf, cap < c->len + need ? c->len + need : cap);

		if (!buf)
			return NULL;
		c->buf = buf;
		c->cap = cap < c->len + need ? c->len + need : cap;
	}
	e = (struct cephring_dirent *)(c->buf + c->len);
	c->len += need;
	e->reclen = (uint32_t)need;
	e->name_len = (uint16_t)len;
	memcpy(e->name, name, len);
	memset(e->name + len, 0, need - sizeof *e - len);
	return e;
}

static int pack(struct dir_stream *s, struct chunk *c, const char *name, uint32_t len, uint32_t hash,
		const struct inode *i)
{
	struct cephring_dirent *e;

	s->same_hash = hash == s->prev_hash && s->same_hash ? s->same_hash + 1 : 2;
	s->prev_hash = hash;
	if (hash == s->skip_hash && s->same_hash < s->skip_to)
		return 0;
	e = chunk_add(c, name, len);
	if (!e)
		return -ENOMEM;
	e->next_offset = OFFSET_HASHED | (uint64_t)hash << 28 | (s->same_hash + 1);
	e->type = (uint16_t)(i->a.mode >> 12 & 15);
	/* The MDS tells what it knows; another client may hold some of it alone and know better. */
	statx_fill(i, caps_issued(i, ring_now(s->m->ring)), &e->st);
	return 0;
}

static int pos_compare(uint32_t hash, const char *name, uint32_t len, const struct dir_pos *p)
{
	int c;

	if (hash != p->hash)
		return hash < p->hash ? -1 : 1;
	c = memcmp(name, p->name, len < p->name_len ? len : p->name_len);
	return c ? c : (int)len - (int)p->name_len;
}

/* ---- answers ---- */

struct entry_sink {
	struct reader *reader;
	bool ordered;
}; /* reader NULL: nobody listens, only the cache */

static int take_entry(struct meta *m, struct session *s, struct inode *dir, const struct readdir_entry *e,
		      uint64_t sent_ns, const struct entry_sink *sink)
{
	struct reader *rd = sink->reader;
	struct dentry *d = NULL;
	struct inode *i;

	if (e->name.len > WALK_NAME_MAX)
		return -EBADMSG;
	cache_write_begin(&m->cache);
	i = trace_inode(m, s, &e->inode);
	if (i) {
		inode_get(i);
		d = trace_dentry(m, s, dir, e->name, i, &e->lease, sent_ns);
		inode_put(m, i);
	}
	cache_write_end(&m->cache);
	if (!d)
		return -ENOMEM;
	if (dir->key.snapid == SNAP_DIR)
		d->lease_seq = m->snap_lists;
	if (!rd)
		return 0;
	if (sink->ordered && rd->last.name_len &&
	    pos_compare(d->hash, d->key.name, d->key.len, &rd->last) <= 0)
		return 0;
	/* Another fragment's than asked for: its own reader has it. */
	if (sink->ordered && (d->hash < rd->from || d->hash >= rd->to))
		return 0;
	rd->last.hash = d->hash;
	rd->last.name_len = d->key.len;
	memcpy(rd->last.name, d->key.name, d->key.len);
	if (lists_snaps(rd->stream) || rd->stream->ahead)
		return 0;
	return pack(rd->stream, &rd->chunk, d->key.name, d->key.len, d->hash, i);
}

static void reader_done(struct mreq *r, int result, const struct reply *rep);

/* Behind the name `after` (len 0: from the start) of a fragment. */
static int reader_send(struct reader *rd, uint32_t frag, const char *after, uint32_t len)
{
	struct dir_stream *s = rd->stream;
	struct meta *m = s->m;
	struct mreq *r = mreq_new(m, lists_snaps(s) ? MDS_OP_LSSNAP : MDS_OP_READDIR, s->dir, NULL, 0);
	const struct dir *d = s->dir->dir;

	if (!r)
		return -EAGAIN;
	/* Without a name to go on behind: from the hash on where this reader's range begins. */
	args_readdir(r->args, frag, READDIR_ENTRIES, READDIR_BYTES,
		     !len && rd->from > frag_value(frag) ? rd->from : 0);
	if (len) {
		r->path2 = mem_alloc(len);
		if (r->path2)
			memcpy(r->path2, after, len);
		r->path2_len = len;
	}
	r->need_auth = true;
	for (uint32_t n = 0; n < d->rank_count; n++)
		if (d->ranks[n].frag == frag)
			r->forced_rank = d->ranks[n].rank;
	r->done = reader_done;
	r->arg = rd;
	if ((len && !r->path2) || mreq_set_cred(r, s->cred)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	rd->req = r;
	mreq_submit(r);
	return 0;
}

static int reader_next(struct reader *rd)
{
	const struct dir *d = rd->stream->dir->dir;

	if (!rd->in_frag)
		rd->frag = fragtree_find(&d->frags, rd->last.name_len ? rd->last.hash : rd->from);
	return reader_send(rd, rd->frag, rd->last.name, rd->in_frag ? rd->last.name_len : 0);
}

static size_t chunk_left(const struct chunk *c)
{
	return c->len - c->used;
}

/* The chunk that is being read has a successor: ask for it before working through this one, so that the MDS
 * makes it meanwhile. `d` stands before the first entry. */
static void reader_ahead(struct reader *rd, struct dec d, const struct readdir_head *h)
{
	struct dir_stream *s = rd->stream;
	struct readdir_entry e = { 0 };

	if ((h->flags & READDIR_END) || !h->count || rd != &s->readers[s->current] ||
	    chunk_left(&rd->chunk) > CHUNK_AHEAD)
		return;
	for (uint32_t n = 0; n < h->count; n++)
		if (readdir_next(&d, &e))
			return;
	if (e.name.len && e.name.len <= WALK_NAME_MAX &&
	    !reader_send(rd, h->dir.frag, (const char *)e.name.p, e.name.len))
		ring_push(s->m->ring);
}

/* After an answer: is the range covered, or where does it go on? */
static void reader_advance(struct reader *rd, uint32_t frag, uint16_t flags)
{
	uint32_t end = frag_value(frag) + (HASH_END >> frag_bits(frag));

	rd->frag = frag;
	rd->in_frag = true;
	if (!(flags & READDIR_END))
		return;
	if (end >= rd->to) {
		rd->ended = true;
		return;
	}
	/* The fragment was smaller than the range: go on behind it, from its first name. */
	rd->from = end;
	rd->in_frag = false;
	rd->last.name_len = 0;
	rd->last.hash = end;
}

static int pack_cached(struct dir_stream *s);

static int reader_take(struct meta *m, struct mreq *r, struct reader *rd, const struct reply *rep)
{
	struct dec d = dec_init(rep->extra.p, rep->extra.len);
	struct readdir_head h;
	struct readdir_entry e;
	struct entry_sink sink = { .reader = rd };
	int err = readdir_head_decode(&d, &h);

	if (err || !frag_valid(h.dir.frag))
		return -EBADMSG;
	sink.ordered = (h.flags & READDIR_HASH_ORDER) != 0;
	if (rd)
		reader_ahead(rd, d, &h);
	for (uint32_t n = 0; n < h.count && !err; n++) {
		err = readdir_next(&d, &e);
		if (!err)
			err = take_entry(m, r->from, r->base, &e, r->sent_ns, &sink);
	}
	if (!err && rd)
		reader_advance(rd, h.dir.frag, h.flags);
	if (!err && rd && rd->ended && lists_snaps(rd->stream))
		err = pack_cached(rd->stream);
	return err;
}

static void reader_done(struct mreq *r, int result, const struct reply *rep)
{
	struct reader *rd = r->arg;
	struct dir_stream *s = rd ? rd->stream : NULL;
	struct meta *m = r->m;
	struct op *waiter;

	if (rd)
		rd->req = NULL;
	if (s && !s->counted && s->dir->dir) { /* Fs came with this very answer, at the latest */
		s->counted = true;
		s->release_count = s->dir->dir->release_count;
	}
	if (!result && rep)
		result = reader_take(m, r, rd, rep);
	if (!s)
		return;
	if (result)
		s->err = s->err ? s->err : result;
	waiter = s->waiter;
	s->waiter = NULL;
	if (waiter)
		op_resume(waiter, 0);
	else if (s->ahead)
		dir_ahead_step(s->ahead);
}

/* ---- the stream ---- */

static int compare_dentries(const void *a, const void *b)
{
	const struct dentry *x = *(struct dentry *const *)a, *y = *(struct dentry *const *)b;
	uint32_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
	int c;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	c = memcmp(x->key.name, y->key.name, n);
	return c ? c : (int)x->key.len - (int)y->key.len;
}

/* A .snap hangs in its directory, and shows in no listing. */
static bool is_listed(const struct dir_stream *s, const struct dentry *d)
{
	if (lists_snaps(s))
		return d->inode && (int32_t)(d->lease_seq - s->snap_list) >= 0;
	return d->inode && d->inode->key.snapid != SNAP_DIR;
}

/* Everything at once from the cache, as the only reader's chunk. */
static int pack_cached(struct dir_stream *s)
{
	struct dir *d = s->dir->dir;
	struct reader *rd = &s->readers[0];
	struct dentry **list, *dn;
	uint32_t n = 0;
	int err = 0;

	s->count = 1;
	s->current = 0;
	s->spoiled = true; /* nothing new to learn of completeness */
	rd->ended = true;
	if (!d->child_count)
		return 0;
	list = mem_alloc(d->child_count * sizeof *list);
	if (!list)
		return -ENOMEM;
	LIST_FOREACH(dn, &d->children, child)
	if (is_listed(s, dn))
		list[n++] = dn;
	qsort(list, n, sizeof *list, compare_dentries);
	for (uint32_t k = 0; k < n && !err; k++)
		if (list[k]->hash >= rd->from)
			err = pack(s, &rd->chunk, list[k]->key.name, list[k]->key.len, list[k]->hash,
				   list[k]->inode);
	mem_free(list, 0);
	return err;
}

static bool cache_will_do(struct meta *m, struct inode *dir)
{
	uint64_t now = ring_now(m->ring);
	struct dentry *dn;

	if (!dir_complete(m, dir, now))
		return false;
	LIST_FOREACH(dn, &dir->dir->children, child)
	if (!dentry_valid(m, dn, now) || (dn->inode && dn->inode->key.snapid != SNAP_DIR &&
					  CAP_ANY_SHARED & ~CAP_XS & ~caps_issued(dn->inode, now)))
		return false;
	return true;
}

/* Begins at the hash of a position; what lies before it is not this listing's. */
static void stream_seek(struct dir_stream *s, uint64_t offset)
{
	uint32_t hash = (uint32_t)(offset >> 28) & (HASH_END - 1);

	s->skip_hash = hash;
	s->skip_to = (uint32_t)offset & ((1u << 28) - 1);
	s->spoiled = true;
	while (s->current + 1 < s->count && s->readers[s->current].to <= hash)
		s->current++;
	for (uint32_t n = 0; n < s->current; n++)
		s->readers[n].ended = true;
	s->readers[s->current].from = hash;
	s->readers[0].from = hash; /* the cache's */
}

int dir_stream_new(struct meta *m, struct inode *dir, const struct cephring_cred *cred,
		   struct dir_stream **out)
{
	struct dir *d = inode_dir(m, dir);
	struct dir_stream *s;
	uint32_t frag, n = 0;
	bool more = true;

	if (!d)
		return -ENOMEM;
	s = mem_alloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->m = m;
	s->dir = dir;
	s->cred = cred;
	if (lists_snaps(s))
		s->snap_list = ++m->snap_lists;
	*out = s;
	for (frag = fragtree_first(&d->frags); more; more = fragtree_after(&d->frags, frag, &frag))
		n++;
	s->readers = mem_alloc(n * sizeof *s->readers);
	if (!s->readers)
		return -ENOMEM;
	s->count = n;
	n = 0;
	more = true;
	for (frag = fragtree_first(&d->frags); more && n < s->count;
	     more = fragtree_after(&d->frags, frag, &frag)) {
		struct reader *rd = &s->readers[n++];

		rd->stream = s;
		rd->from = frag_value(frag);
		rd->to = rd->from + (HASH_END >> frag_bits(frag));
	}
	return 0;
}

/* Where the file stands. */
static int stream_open(struct file *f)
{
	struct dir_stream *s;
	int err = dir_stream_new(f->m, f->inode, &f->cred, &f->dir);

	if (err)
		return err;
	s = f->dir;
	if (f->offset > 2)
		stream_seek(s, f->offset);
	s->dots = f->offset < 2 ? (uint8_t)f->offset : 2;
	return cache_will_do(f->m, f->inode) ? pack_cached(s) : 0;
}

int dir_seek(struct file *f, uint64_t offset)
{
	if (offset > 2 && (offset & ~((1ull << 52) - 1)) != OFFSET_HASHED)
		return -EINVAL;
	f->offset = offset;
	f->sought = true;
	return 0;
}

uint64_t dir_tell(const struct file *f)
{
	return f->offset;
}

void dir_stream_free(struct meta *m, struct dir_stream *s)
{
	(void)m;
	if (!s)
		return;
	for (uint32_t n = 0; n < s->count && s->readers; n++) {
		/* The answer still grants caps: it goes to the cache without us. */
		if (s->readers[n].req)
			s->readers[n].req->arg = NULL;
		mem_free(s->readers[n].chunk.buf, 0);
	}
	mem_free(s->readers, 0);
	mem_free(s, sizeof *s);
}

/* Keeps the readers from the current one on busy. */
int dir_stream_pump(struct dir_stream *s)
{
	for (uint32_t n = s->current; n < s->count && n < s->current + READERS_AHEAD; n++) {
		struct reader *rd = &s->readers[n];
		size_t left = chunk_left(&rd->chunk);

		/* The current chunk is being consumed: its successor may travel. */
		if (rd->ended || rd->req || (left && n != s->current) || left > CHUNK_AHEAD)
			continue;
		s->err = s->err ? s->err : reader_next(rd);
	}
	return s->err;
}

static size_t dots(struct file *f, uint8_t *out, size_t room)
{
	struct dir_stream *s = f->dir;
	struct dentry *d = LIST_FIRST(&s->dir->aliases);
	struct chunk c = { 0 };
	size_t len = 0;

	while (s->dots < 2) {
		const struct inode *i = s->dots && d && s->dir != s->m->root ? d->key.dir : s->dir;
		struct cephring_dirent *e = chunk_add(&c, "..", s->dots + 1u);

		if (!e || len + e->reclen > room)
			break;
		e->next_offset = f->offset = ++s->dots;
		e->type = 4; /* DT_DIR */
		statx_fill(i, caps_issued(i, ring_now(s->m->ring)), &e->st);
		memcpy(out + len, e, e->reclen);
		len += e->reclen;
	}
	mem_free(c.buf, 0);
	return len;
}

/* Whole entries of the current reader's chunk. */
static size_t deliver(struct file *f, struct reader *rd, uint8_t *out, size_t room)
{
	struct chunk *c = &rd->chunk;
	size_t end = c->used;

	while (end < c->len) {
		const struct cephring_dirent *e = (const struct cephring_dirent *)(c->buf + end);

		if (end - c->used + e->reclen > room)
			break;
		end += e->reclen;
		f->offset = e->next_offset;
	}
	room = end - c->used;
	if (!room)
		return 0; /* there may be no buffer at all yet */
	memcpy(out, c->buf + c->used, room);
	c->used = end;
	if (c->used == c->len)
		c->used = c->len = 0;
	return room;
}

void dir_stream_finished(struct dir_stream *s)
{
	struct dir *d = s->dir->dir;

	if (!s->spoiled && s->counted && s->release_count == d->release_count &&
	    (caps_issued(s->dir, ring_now(s->m->ring)) & CAP_FS)) {
		cache_write_begin(&s->m->cache);
		PUB_SET(d->complete, true);
		cache_write_end(&s->m->cache);
	}
	s->spoiled = true;
}

static int64_t readdir_step(struct op *op, int64_t res)
{
	struct file *f = op->u.file.file;
	uint8_t *out = op->u.file.buf;
	size_t room = op->u.file.size, got = 0, n;
	struct dir_stream *s;
	int err = 0;

	if (res < 0)
		return res;
	if (!inode_is_dir(f->inode))
		return -ENOTDIR;
	if (!out || !room)
		return -EINVAL;
	if (f->sought) {
		dir_stream_free(f->m, f->dir);
		f->dir = NULL;
		f->sought = false;
	}
	if (!f->dir)
		err = stream_open(f);
	s = f->dir;
	if (err)
		return err;
	got = dots(f, out, room);
	while (s->current < s->count) {
		struct reader *rd = &s->readers[s->current];

		if (s->err || dir_stream_pump(s))
			return got ? (int64_t)got : s->err;
		n = deliver(f, rd, out + got, room - got);
		got += n;
		if (rd->chunk.len)
			return got ? (int64_t)got : -EINVAL; /* not even one entry fits */
		if (rd->ended) {
			s->current++;
			continue;
		}
		if (n) /* room for more, and the next chunk is asked for at once */
			continue;
		if (got)
			return (int64_t)got;
		s->waiter = op;
		op->sent = true;
		return OP_PENDING;
	}
	dir_stream_finished(s);
	return (int64_t)got;
}

static void readdir_end(struct op *op, int64_t res)
{
	struct file *f = op->u.file.file;

	(void)res;
	if (f->dir && f->dir->waiter == op)
		f->dir->waiter = NULL;
	__atomic_store_n(&f->listing, false, __ATOMIC_RELEASE);
	__atomic_sub_fetch(&f->busy, 1, __ATOMIC_RELEASE);
}

const struct op_family op_readdir_family = { .name = "readdir", .step = readdir_step, .end = readdir_end };

/* meta_bed.h: an MDS client without a network: a ring, a meta, sessions that are open but have no connection
 * (what they would send is dropped), and InodeStats made by hand. */
#pragma once
#ifndef cr_assert /* tests/stress has its own */
#include <criterion/criterion.h>
#endif
#include <string.h>
#include "meta/meta.h"
#include "meta/walk_impl.h"

struct bed {
	struct ring *ring;
	struct log log;
	struct meta m;
	struct mdsmap map;
};

static inline struct session *bed_session(struct bed *b, int rank)
{
	struct session *s = mem_alloc(sizeof *s);

	s->m = &b->m;
	s->rank = rank;
	s->state = SESS_OPEN;
	s->cap_gen = 1;
	s->cap_ttl_ns = ring_now(b->ring) + 60000000000ull;
	TAILQ_INIT(&s->caps);
	TAILQ_INIT(&s->waiting);
	b->m.session[rank] = s;
	session_publish(s);
	return s;
}

static inline struct bed *bed_new(uint64_t cache_bytes)
{
	struct bed *b = calloc(1, sizeof *b);
	struct meta_opts o = {
		.cache_bytes = cache_bytes, .max_ops = 64, .entity_id = "test", .hostname = "h", .root = "/"
	};
	char why[256];

	cr_assert_eq(ring_new(&(struct ring_opts){ .cpu = -1 }, &b->ring, why, sizeof why), 0, "%s", why);
	cr_assert_eq(meta_init(&b->m, b->ring, &b->log, &o), 0);
	cr_assert_eq(meta_start(&b->m), 0);
	ring_now_fresh(b->ring);
	b->map = (struct mdsmap){ .epoch = 1, .session_timeout = 60, .rank_count = 2 };
	for (int r = 0; r < 2; r++)
		b->map.rank[r] = (struct mds_info){
			.gid = 10 + (uint64_t)r, .rank = r, .state = MDS_STATE_ACTIVE, .present = true
		};
	b->m.map = mem_alloc(sizeof b->map);
	*b->m.map = b->map;
	return b;
}

static inline void bed_free(struct bed *b)
{
	meta_fini(&b->m);
	ring_free(b->ring);
	free(b);
}

/* `dir` 1: a directory. Auth, version rising with each call. */
static inline struct inode_stat bed_stat(uint64_t ino, bool dir, uint32_t caps, uint32_t seq)
{
	static uint64_t version = 1;

	return (struct inode_stat){
		.ino = ino,
		.snapid = SNAP_HEAD,
		.version = version += 2,
		.mode = dir ? 040755 : 0100644,
		.nlink = 1,
		.files = 1,
		.cap = { .caps = caps, .seq = seq, .mseq = 1, .cap_id = ino * 10, .flags = 1 },
		.dir_hash = DIR_HASH_RJENKINS,
		.dir_pin = -1,
	};
}

static inline struct inode *bed_inode(struct bed *b, struct session *s, uint64_t ino, bool dir, uint32_t caps,
				      uint32_t seq)
{
	struct inode_stat st = bed_stat(ino, dir, caps, seq);
	struct inode *i = trace_inode(&b->m, s, &st);

	cr_assert_not_null(i);
	cr_assert_null(caps_check(i));
	return i;
}

static inline struct dentry *bed_name(struct bed *b, struct session *s, struct inode *dir, const char *name,
				      struct inode *to, uint32_t lease_ms)
{
	struct lease_stat l = { .mask = lease_ms ? 7 : 0, .duration_ms = lease_ms, .seq = 1 };
	struct slice n = { (const uint8_t *)name, (uint32_t)strlen(name) };

	return trace_dentry(&b->m, s, dir, n, to, &l, ring_now(b->ring));
}

static inline bool bed_valid(struct bed *b, struct inode *dir, const char *name)
{
	struct dentry *d = dentry_find(&b->m.cache, dir, name, (uint32_t)strlen(name));

	return d && dentry_valid(&b->m, d, ring_now(b->ring));
}

/* requests.h: a request as the daemon would read it. */
#pragma once
#include <criterion/criterion.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

enum { RELEASES = 16, GIDS = 16 };

struct parsed {
	struct mds_request q;
	uint16_t head_version;
	struct mds_release releases[RELEASES];
	uint32_t gids[GIDS];
};

static inline void head_parse(struct dec *d, struct parsed *r)
{
	struct mds_request *q = &r->q;

	r->head_version = dec_u16(d);
	q->oldest_tid = dec_u64(d);
	q->mdsmap_epoch = dec_u32(d);
	q->flags = dec_u32(d);
	q->num_retry = dec_u8(d);
	q->num_fwd = dec_u8(d);
	q->release_count = dec_u16(d);
	q->op = dec_u32(d);
	q->uid = dec_u32(d);
	q->gid = dec_u32(d);
	q->ino = dec_u64(d);
	memcpy(q->args, dec_take(d, MDS_ARGS_SIZE), MDS_ARGS_SIZE);
	if (r->head_version >= 2) {
		q->num_retry = dec_u32(d);
		q->num_fwd = dec_u32(d);
	}
	if (r->head_version >= 3) {
		cr_assert_eq(dec_u32(d), 118);
		q->owner_uid = dec_u32(d);
		q->owner_gid = dec_u32(d);
	}
}

static inline void path_parse(struct dec *d, uint64_t *ino, const char **path, uint32_t *len)
{
	struct slice s;

	cr_assert_eq(dec_u8(d), 1);
	*ino = dec_u64(d);
	s = dec_slice(d);
	*path = (const char *)s.p;
	*len = s.len;
}

static inline void release_parse(struct dec *d, struct mds_release *r)
{
	r->ino = dec_u64(d);
	r->cap_id = dec_u64(d);
	r->caps = dec_u32(d);
	r->wanted = dec_u32(d);
	r->seq = dec_u32(d);
	r->issue_seq = dec_u32(d);
	r->mseq = dec_u32(d);
	r->dname_seq = dec_u32(d);
	r->dname_len = dec_u32(d);
	r->dname = (const char *)dec_take(d, r->dname_len);
}

static inline void request_parse(const struct message *m, struct parsed *r)
{
	struct dec d = dec_init(m->front, m->front_len);

	*r = (struct parsed){ .q = { .releases = r->releases, .gids = r->gids } };
	head_parse(&d, r);
	path_parse(&d, &r->q.ino1, &r->q.path1, &r->q.path1_len);
	path_parse(&d, &r->q.ino2, &r->q.path2, &r->q.path2_len);
	cr_assert(r->q.release_count <= RELEASES);
	for (uint32_t i = 0; i < r->q.release_count; i++)
		release_parse(&d, &r->releases[i]);
	r->q.stamp_ns = dec_time(&d);
	r->q.gid_count = dec_count(&d, 8);
	cr_assert(r->q.gid_count <= GIDS);
	for (uint32_t i = 0; i < r->q.gid_count; i++)
		r->gids[i] = (uint32_t)dec_u64(&d);
	if (m->version >= 5)
		cr_assert_eq(dec_u32(&d), 0);
	if (m->version >= 6)
		cr_assert_eq(dec_u64(&d), 0);
	dec_end(&d);
	cr_assert_eq(d.err, 0, "%s %u", m->file, m->index);
}

/* realm_bed.h: snap traces made by hand, on a bed (meta_bed.h). */
#pragma once
#include <stdio.h>
#include "meta_bed.h"

enum { TOLD_SNAPS = 8 };
enum { BIT_NEW_FORM = 19, OP_UPDATE = 0, OP_CREATE, OP_DESTROY, OP_SPLIT };

struct told {
	uint64_t ino, parent, seq, created, since;
	uint64_t snaps[TOLD_SNAPS], prior[TOLD_SNAPS]; /* up to the first 0 */
};

static inline uint32_t told_count(const uint64_t *list)
{
	uint32_t n = 0;

	while (n < TOLD_SNAPS && list[n])
		n++;
	return n;
}

static inline void told_put(struct enc *e, const struct told *t, bool wrapped)
{
	uint32_t own = told_count(t->snaps), prior = told_count(t->prior);
	size_t mark = wrapped ? enc_section(e, 1, 1) : 0;

	enc_u64(e, t->ino);
	enc_u64(e, t->created);
	enc_u64(e, t->parent);
	enc_u64(e, t->since);
	enc_u64(e, t->seq);
	enc_u32(e, own);
	enc_u32(e, prior);
	for (uint32_t n = 0; n < own; n++)
		enc_u64(e, t->snaps[n]);
	for (uint32_t n = 0; n < prior; n++)
		enc_u64(e, t->prior[n]);
	if (wrapped) {
		enc_time(e, 0);
		enc_u64(e, 0);
		enc_close(e, mark);
	}
}

static inline void told_all(struct enc *e, const struct session *s, const struct told *t, size_t count)
{
	enc_init(e);
	for (size_t n = 0; n < count; n++)
		told_put(e, &t[n], s->features >> BIT_NEW_FORM & 1);
}

static inline void fine(struct bed *b)
{
	cr_assert_null(realms_check(&b->m), "%s", realms_check(&b->m));
}

static inline int trace_n(struct bed *b, struct session *s, const struct told *t, size_t count)
{
	struct enc e;
	int err;

	told_all(&e, s, t, count);
	err = realm_trace(&b->m, s, (struct slice){ e.buf, (uint32_t)e.len });
	enc_free(&e);
	fine(b);
	return err;
}

/* Innermost first. */
#define trace(b, s, ...)                                                                                     \
	trace_n(b, s, (const struct told[]){ __VA_ARGS__ },                                                  \
		sizeof((const struct told[]){ __VA_ARGS__ }) / sizeof(struct told))

struct push {
	uint32_t op;
	uint64_t split, inos[TOLD_SNAPS], realms[TOLD_SNAPS];
};

static inline void push_n(struct bed *b, struct session *s, struct push p, const struct told *t, size_t count)
{
	struct snap_msg m = { .op = p.op,
			      .split = p.split,
			      .split_inos = { (const uint8_t *)p.inos, told_count(p.inos) * 8 },
			      .split_realms = { (const uint8_t *)p.realms, told_count(p.realms) * 8 } };
	struct enc e;

	told_all(&e, s, t, count);
	m.trace = (struct slice){ e.buf, (uint32_t)e.len };
	realm_handle_snap(&b->m, s, &m);
	enc_free(&e);
	fine(b);
}

#define OP(...) ((struct push){ __VA_ARGS__ })
#define push(b, s, p, ...)                                                                                   \
	push_n(b, s, p, (const struct told[]){ __VA_ARGS__ },                                                \
	       sizeof((const struct told[]){ __VA_ARGS__ }) / sizeof(struct told))

/* An inode in a realm, which keeps that. */
static inline struct inode *inode_in(struct bed *b, struct session *s, uint64_t ino, uint64_t realm)
{
	struct inode_stat st = bed_stat(ino, ino & 1, CAP_STAT_ALL, 1);
	struct inode *i;

	st.cap.realm = realm;
	i = trace_inode(&b->m, s, &st);
	cr_assert_not_null(i);
	fine(b);
	return i;
}

/* "seq: newest ... oldest" */
static inline const char *context_text(const struct inode *i)
{
	static char text[256];
	const struct snapctx *c = realm_context(i);
	int n = snprintf(text, sizeof text, "%llu:", c ? (unsigned long long)c->seq : 0ull);

	for (uint32_t k = 0; c && k < c->count; k++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %llu", (unsigned long long)c->snaps[k]);
	return text;
}

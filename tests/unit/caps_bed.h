/* caps_bed.h: meta_bed.h, and what is said to the MDSs is kept. Link with --wrap=session_send_msg. */
#pragma once
#include <errno.h>
#include "meta/caps_impl.h"
#include "meta_bed.h"

enum { SAID_MAX = 4096, XATTRS_MAX = 256 };

struct said {
	int rank;
	uint16_t type;
	struct caps_msg c; /* of MSG_CLIENT_CAPS; c.tid is the header's */
	uint8_t xattrs[XATTRS_MAX];
};

static struct said said[SAID_MAX]; /* a ring */
static unsigned said_count, said_taken;
/* Called at the moment of sending. */
static void (*on_said)(struct session *s, const struct said *a);

void __wrap_session_send_msg(struct session *s, struct msg *msg);
void __wrap_session_send_msg(struct session *s, struct msg *msg)
{
	struct said *a = &said[said_count++ % SAID_MAX];
	struct dec d = dec_init(msg->front.buf, msg->front.len);

	cr_assert_lt(said_count - said_taken, SAID_MAX);
	*a = (struct said){ .rank = s->rank, .type = msg->type };
	if (msg->type == MSG_CLIENT_CAPS) {
		cr_assert_eq(caps_decode(&d, msg->version, &a->c), 0, "%s", d.what);
		a->c.tid = msg->tid;
		cr_assert_eq(a->c.xattr_len, msg->middle.len);
		cr_assert_leq(msg->middle.len, XATTRS_MAX);
		memcpy(a->xattrs, msg->middle.buf ? msg->middle.buf : a->xattrs, msg->middle.len);
		a->c.inline_data = a->c.pool_ns = a->c.snaptrace = (struct slice){ NULL, 0 };
	}
	if (on_said)
		on_said(s, a);
	msg_free(msg);
}

/* The next thing said, or NULL. */
static inline const struct said *heard(void)
{
	return said_taken == said_count ? NULL : &said[said_taken++ % SAID_MAX];
}

/* The next caps message; fails when something else, or nothing, was said. */
static inline const struct caps_msg *heard_caps(int rank, uint32_t op)
{
	const struct said *a = heard();

	cr_assert_not_null(a, "nothing was said");
	cr_assert_eq(a->type, MSG_CLIENT_CAPS, "message %u", a->type);
	cr_assert_eq(a->rank, rank);
	cr_assert_eq(a->c.op, op, "op %u", a->c.op);
	return &a->c;
}

static inline void heard_nothing(void)
{
	const struct said *a = heard();
	char text[2][CAP_TEXT_MAX];

	cr_assert_null(a, "said: %u op %u caps %s wanted %s", a->type, a->c.op, cap_text(a->c.caps, text[0]),
		       cap_text(a->c.wanted, text[1]));
}

static inline void fine(const struct inode *i)
{
	const char *why = caps_check(i);

	cr_assert_null(why, "%s", why);
}

/* A message about `i` of the cap that bed_stat() makes, with its attributes as they are. */
static inline void push(struct bed *b, struct session *s, struct inode *i, struct caps_msg msg)
{
	struct cap *c = cap_find(i, s);

	msg.ino = i->key.ino;
	msg.cap_id = msg.cap_id ? msg.cap_id : c ? c->cap_id : i->key.ino * 10;
	msg.mseq = msg.mseq ? msg.mseq : c ? c->mseq : 1;
	if (!msg.mode) {
		msg.mode = i->a.mode;
		msg.uid = i->a.uid;
		msg.gid = i->a.gid;
		msg.nlink = i->a.nlink;
		msg.size = msg.size ? msg.size : i->a.size;
		msg.truncate_seq = i->truncate_seq;
		msg.truncate_size = i->truncate_size;
	}
	caps_handle(&b->m, s, &msg);
	fine(i);
}

/* Timers that are due, and tasks. */
static inline void turn(struct bed *b)
{
	ring_run(b->ring, 0);
}

/* What waits for a little while, waits no more. */
static inline void turn_wishes(struct bed *b)
{
	if (b->m.want_timer.slot) {
		ring_timer_clear(b->ring, &b->m.want_timer);
		b->m.want_timer.fn(&b->m.want_timer);
	}
	turn(b);
}

static inline uint32_t issued(struct bed *b, const struct inode *i)
{
	return caps_issued(i, ring_now(b->ring));
}

enum {
	EXCL_FILE =
	    CAP_PIN | CAP_ANY_SHARED | CAP_AX | CAP_LX | CAP_XX | CAP_FX | CAP_FR | CAP_FC | CAP_FW | CAP_FB
};

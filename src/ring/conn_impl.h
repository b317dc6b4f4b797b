/* conn_impl.h: what the files of the connection share. Private to conn*.c.
 *
 * One connection goes through attempts: each is one TCP stream, one authenticator, one handshake. What
 * belongs to an attempt dies with it (conn_stream_end); what belongs to the session (cookies, sequence
 * numbers, messages not yet acked) outlives it on lossless connections.
 *
 * Every entry from below (bytes, timer, flush) runs between conn_enter() and conn_leave(): a user may call
 * conn_free() from any callback, and the memory goes when the last of them has returned. Handlers return
 * 0 or the reason why the stream cannot go on (conn_bad, conn_final); only the entry points act on it, by
 * conn_broken(), so that nothing is torn down under a handler's feet.
 */
#pragma once
#include "../proto/frame.h"
#include "../proto/msgr.h"
#include "conn.h"
#include "mem.h"
#include "tcp.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

enum {
	CONN_NAME_MAX = ADDR_TEXT_MAX + 48,
	CONN_WHY_MAX = 384,
	CONN_OUT_SOFT = 1 << 20,         /* bytes for one send before the rest waits for the next */
	CONN_OUT_PIECES = 256,           /* pieces of memory, likewise */
	CONN_LEND_MIN = 1024,            /* less bulk is copied: cheaper than to keep it apart */
	CONN_PLACE_MIN = 16 << 10,       /* less data is copied: one receive brings several such messages */
	CONN_PLACE_CHUNK = 256 << 10,    /* data placed by one receive: it fits the CPU's cache */
	CONN_PLACE_HEAD = 64 << 10,      /* a frame with more in front of its data is not placed */
	CONN_BUF_KEEP = 256 << 10,       /* buffers above it are given back when empty */
	CONN_TRANSCRIPT_MAX = 512 << 10, /* bytes before AUTH_DONE, each way */
	CONN_AUTH_ROUNDS = 16,           /* AUTH_REPLY_MORE, RETRY and RETRY_GLOBAL of one attempt */
	CONN_ACK_MSGS = 64,              /* received messages that we leave without an ack of ours at most */
	CONN_ACK_BYTES = 256 << 10,
	CONN_LOWAT_CRC = 45, /* one more byte than a lone ACK frame */
	CONN_LOWAT_SECURE = 97,
};
#define CONN_ACK_NS           (1 * NS_PER_S)
#define CONN_BACKOFF_FIRST_NS (50 * NS_PER_MS)
#define CONN_BACKOFF_MAX_NS   (5 * NS_PER_S)

/* Nothing below works without 64-bit addresses in vectors (SERVER and client encodings of Nautilus on). */
#define CONN_FEATURES_REQUIRED (1ull << 59)

/* In the order of a handshake. */
enum conn_state {
	CONN_START,       /* the first attempt, or the one after a back-off, is due at `timer` */
	CONN_TICKET_WAIT, /* conn_auth said -EAGAIN: until conn_auth_ready() */
	CONN_CONNECTING,  /* TCP */
	CONN_BANNER,      /* banner, HELLO and AUTH_REQUEST are sent; each is awaited in turn */
	CONN_HELLO,
	CONN_AUTH,
	CONN_SIGN, /* AUTH_SIGNATURE and CLIENT_IDENT or SESSION_RECONNECT are sent */
	CONN_IDENT,
	CONN_RECONNECT,
	CONN_OPEN,
	CONN_FAILED, /* ops->fault was called */
	CONN_STATES
};

struct msg_queue {
	struct msg *head, *tail;
};

/* What goes into one send: frames encoded here, and between them bulk that stays where it lies. */
struct conn_out {
	struct conn_place *with; /* owned; after the stream's end: what the kernel may still write to */
	struct enc bytes;
	struct msg_queue lent; /* whose bulk goes in front of bytes[cut]; in that order */
	size_t lent_bytes;
	unsigned pieces;   /* of all of it */
	struct iovec *iov; /* owned: what the kernel is given */
	unsigned iov_cap;
};

/* A frame whose data segment goes to a place of the user's. It outlives the connection while the kernel may
 * still write there. */
struct conn_place {
	bool active;
	struct frame_split split;
	struct msg_header head;
	size_t got;      /* bytes of the frame that are here: head, data, tail */
	uint32_t copied; /* of the data: those that came with the head */
	uint32_t crc;    /* of the data so far */
	struct conn_dest dest;
	struct iovec *room; /* owned: the user's pieces, as they get filled */
	unsigned rooms, room_cap, room_at;
	struct iovec *iov; /* owned: what the kernel is given */
	uint8_t *bytes;    /* owned: the head */
	size_t bytes_cap;
	uint8_t tail[FRAME_TAIL_MAX];
};

struct conn {
	struct ring *ring;
	struct log *log;
	struct conn_opts opts;
	const struct conn_ops *ops;
	void *arg;
	char name[CONN_NAME_MAX]; /* "mds.0 v2:127.0.0.1:6800/123" */
	unsigned depth;           /* entries from below on the stack */
	bool freed;               /* by the user: nothing may be called any more */

	enum conn_state state;
	struct ring_timer
	    timer; /* start of the next attempt; while it runs, its deadline; ticket wait: the end */
	struct ring_timer tick; /* open: keepalive */
	struct ring_timer ack_timer;
	struct ring_flusher flusher;
	char why[CONN_WHY_MAX]; /* why the stream cannot go on */
	bool final, retry;      /* of that reason: no further attempt; an attempt even if lossy */

	/* The attempt. */
	struct tcp *tcp;
	struct conn_out *out, *spare; /* frames of this turn; an empty one, unless `flight` is out */
	struct conn_out *flight;      /* lent to the kernel until sent() */
	struct conn_place *place;     /* NULL: never needed */
	size_t head_hint;      /* where the data began in the last frame that was placed; 0: long ago */
	unsigned hint_misses;  /* messages since then */
	bool place_asked;      /* of the frame at hand */
	uint32_t frame_copied; /* bytes of its data that were copied */
	uint8_t *in;           /* the beginning of a frame whose end has not come */
	size_t in_len, in_cap;
	size_t need; /* bytes from its start that must be there to get on */
	int lowat;
	bool ack_wakes;                  /* a wake-up brought nothing but ACKs: worth a low-water mark */
	unsigned wake_frames, wake_acks; /* of this wake-up */
	struct frame_dec dec;
	struct frame_crypto *crypto; /* owned; NULL: crc mode */
	struct conn_auth *auth;      /* owned */
	uint32_t auth_method;
	struct enc auth_payload, tx_log,
	    rx_log; /* the logs: wire bytes until AUTH_DONE, for the signatures */
	uint8_t want_sig[MSGR_SIGNATURE_LEN];
	unsigned rounds;
	uint32_t mode;
	bool resuming;         /* said SESSION_RECONNECT */
	uint64_t rx_ns;        /* last bytes */
	uint64_t keepalive_ns; /* since when a keepalive is out */
	uint64_t echo_ns;      /* stamp to send back */
	bool keepalive_out, want_keepalive, want_echo, want_ack;

	/* The session. */
	bool lossy;
	uint64_t client_cookie, server_cookie, connect_seq, gid, peer_features;
	struct entity_addr self;
	struct msg_queue queue, sent; /* not yet sent; sent and not acked (lossless) */
	size_t queued_bytes;          /* of both */
	uint64_t in_seq, out_seq;
	uint64_t acked_seq;       /* by the peer */
	uint64_t told_seq;        /* the in_seq that the peer was told */
	unsigned untold_bytes;    /* received since then */
	int send_err;             /* a message that cannot be sent */
	unsigned attempt;         /* failed ones in a row */
	uint64_t down_ns;         /* since when the session has no open connection */
	uint64_t opened_progress; /* in_seq + acked_seq when it opened */

	uint64_t reconnects, sent_count, received_count, sent_bytes, received_bytes, lent_bytes, placed_bytes;
};

/* conn.c */
static inline void conn_enter(struct conn *c)
{
	c->depth++;
}
void conn_leave(struct conn *c);
/* Notes in words why the stream (conn_final: the whole connection) cannot go on; gives `err` back. */
int conn_bad(struct conn *c, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int conn_final(struct conn *c, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* conn_handshake.c */
void conn_attempt(struct conn *c);
int conn_say_hello(struct conn *c, const union tcp_addr *local);
/* Bytes consumed, 0 with c->need, or an error. */
ssize_t conn_banner(struct conn *c, const uint8_t *p, size_t len);
int conn_frame(struct conn *c, const struct frame *f);
int conn_identify(struct conn *c); /* CLIENT_IDENT or SESSION_RECONNECT */
int conn_stream_over(struct conn *c, int err);
void conn_auth_end(struct conn *c);
const char *conn_state_name(enum conn_state s);

/* conn_session.c */
void conn_broken(struct conn *c, int err); /* from entry points only */
int conn_opened(struct conn *c, bool resumed);
int conn_reset(struct conn *c);
int conn_acked(struct conn *c, uint64_t seq);
bool conn_pending(const struct conn *c);
void conn_encode(struct conn *c); /* what is due into c->out */
unsigned conn_drop_messages(struct conn *c);
void conn_new_cookie(struct conn *c);
int conn_handle_message(struct conn *c, const struct frame *f);
int conn_handle_ack(struct conn *c, const struct frame *f);
int conn_handle_keepalive(struct conn *c, const struct frame *f);
int conn_handle_keepalive_ack(struct conn *c, const struct frame *f);
void conn_on_tick(struct ring_timer *t);
void conn_on_ack_timer(struct ring_timer *t);

/* conn_out.c */
int conn_out_init(struct conn *c);
void conn_out_fini(struct conn *c);
int conn_out_end(struct conn *c); /* of a stream: ready for the next; 0 or -ENOMEM */
/* Encodes a message; true: `m` is kept until its bulk was sent. */
bool conn_out_message(struct conn *c, const struct msg_header *h, struct msg *m);
bool conn_out_full(const struct conn *c, const struct msg *next);
void conn_on_flush(struct ring_flusher *f);
void conn_on_sent(void *arg);
void conn_out_free(struct conn_out *o); /* with what it was lent; takes NULL */

/* conn_place.c */
/* The unfinished frame at `p` was asked about: > 0: it is placed, with all `len` bytes; 0: it is not, or more
 * bytes must come (c->need); or an error. */
ssize_t conn_place_begin(struct conn *c, const uint8_t *p, size_t len);
/* Bytes of a placed frame, that came by themselves or with others: how many were taken, or an error. */
ssize_t conn_place_feed(struct conn *c, const uint8_t *p, size_t len);
int conn_place_iov(struct conn *c, struct iovec **iov, size_t *limit);
int conn_place_filled(struct conn *c, size_t len);
void conn_place_missed(struct conn *c);     /* a message came that was not placed */
void conn_place_free(struct conn_place *p); /* takes NULL */

/* conn_io.c */
extern const struct tcp_ops conn_tcp_ops, conn_place_ops;
int conn_io_init(struct conn *c);
void conn_io_fini(struct conn *c);
/* Closes the stream; bytes being decoded stay readable. */
void conn_stream_close(struct conn *c);
/* Closes it and makes ready for the next; 0 or -ENOMEM. */
int conn_stream_end(struct conn *c);
void conn_lowat(struct conn *c);
static inline void conn_kick(struct conn *c)
{
	ring_flush_later(c->ring, &c->flusher);
}

/* conn_msg.c: the thread's cache of messages lives as long as it has connections. */
void msg_cache_get(void);
void msg_cache_put(void);
static inline size_t msg_bytes(const struct msg *m)
{
	return sizeof *m + m->front.len + m->middle.len + m->data.len + m->bulk_len;
}
static inline void msgq_push(struct msg_queue *q, struct msg *m)
{
	m->next = NULL;
	if (q->tail)
		q->tail->next = m;
	else
		q->head = m;
	q->tail = m;
}
static inline struct msg *msgq_pop(struct msg_queue *q)
{
	struct msg *m = q->head;

	if (m) {
		q->head = m->next;
		if (!q->head)
			q->tail = NULL;
	}
	return m;
}

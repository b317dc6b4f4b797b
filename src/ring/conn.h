/* conn.h: a msgr2.1 connection to one daemon: handshake, frames, sequence numbers, reconnect.
 *
 * Owner thread only. Source of the format: doc/dev/msgr2.rst of Ceph and what the daemons showed
 * (doc/protocol.md 1). Messages handed over before the handshake is done wait in order. All frames queued
 * in a turn leave in one send at its end.
 *
 * Lossless (the MDS): sent messages are kept until acked; after a broken TCP connection the session is
 * resumed (SESSION_RECONNECT) and they are sent again with their old seq; the user sees nothing of it.
 * Lossy (mon, OSD): a broken connection ends in `fault`.
 */
#pragma once
#include <sys/uio.h>
#include "../proto/addr.h"
#include "../proto/enc.h"
#include "log.h"
#include "ring.h"

struct conn;

enum { CON_MODE_CRC = 1, CON_MODE_SECURE = 2 };
enum { CONN_FRONT_MAX = 16 << 20, CONN_MIDDLE_MAX = 16 << 20, CONN_DATA_MAX = 64 << 20 };

/* A message that arrived. Everything borrowed during the call. */
struct msg_in {
	uint64_t seq, tid;
	uint16_t type, version, compat, priority;
	const uint8_t *front, *middle, *data;
	uint32_t front_len, middle_len, data_len;
	bool placed;     /* the data segment lies where conn_ops.dest() said; `data` is NULL */
	uint32_t copied; /* bytes of the data segment that were copied on the way here */
};

/* A message to send, from msg_new(). Encode the front into `front` (and middle, data), then conn_send().
 *
 * `bulk`: bytes of the caller's that belong into the data segment, behind the first `bulk_at` bytes of
 * `data`. They are sent from where they lie and must not change until `released`, which comes once, also for
 * messages that are never sent: when the kernel has them all (lossless connections: when the peer has acked
 * them). It may come from inside conn_send(), conn_unsend() and conn_free(), and after conn_free(). In secure
 * mode they are copied, as encryption needs its own. */
struct msg {
	struct msg *next;
	uint64_t tid, seq;
	uint16_t type, version, compat;
	uint16_t priority;              /* 0 = the default, 127 */
	struct enc front, middle, data; /* owned */
	const struct iovec *bulk;       /* borrowed until released, as what it points to */
	unsigned bulk_count;
	uint32_t bulk_len, bulk_at;                 /* bytes; the pieces have at least bulk_len */
	bool bulk_copied;                           /* in released: they were not sent from where they lay */
	void (*released)(struct msg *m, void *arg); /* NULL: nobody cares; `m` is freed after it */
	void *arg;
	size_t cut; /* the connection's */
};
struct msg *msg_new(uint16_t type, uint16_t version, uint16_t compat, uint64_t tid); /* NULL: no memory */
void msg_free(struct msg *m);

/* Where the data segment of a message that is arriving shall go: at least as much room as it has bytes, in at
 * most CONN_DEST_MAX pieces (the array is copied). `released` comes once: just before the message is
 * delivered, or when it will not be (the connection broke, also after conn_free()). Until then the memory is
 * the connection's. */
enum { CONN_DEST_MAX = 1000 };
struct conn_dest {
	const struct iovec *iov;
	unsigned count;
	void (*released)(void *arg);
	void *arg;
};

/* How a connection proves who it is; the mon client implements both kinds (monitor login, service
 * authorizer). One object per handshake attempt. Called on the owner thread; 0 or a negative errno. */
struct conn_auth {
	const struct conn_auth_ops *ops;
};
struct conn_auth_result {
	uint64_t global_id;
	uint8_t session_key[32];  /* HMAC key of AUTH_SIGNATURE */
	uint32_t session_key_len; /* 16, 32; 0 = auth none: signatures are zeros */
	uint8_t con_secret[64];
	uint32_t con_secret_len; /* 64 in secure mode */
};
struct conn_auth_ops {
	/* AUTH_REQUEST: *method (1 none, 2 cephx) and its payload; asked before connecting. -EAGAIN: no
	 * ticket yet; this object is freed, and conn_auth_ready() goes on with a fresh one. */
	int (*request)(struct conn_auth *a, uint32_t *method, struct enc *payload);
	/* AUTH_REPLY_MORE in, AUTH_REQUEST_MORE out. */
	int (*more)(struct conn_auth *a, const uint8_t *p, uint32_t len, struct enc *reply);
	/* AUTH_DONE in; fills `res`. */
	int (*done)(struct conn_auth *a, uint64_t global_id, uint32_t con_mode, const uint8_t *p,
		    uint32_t len, struct conn_auth_result *res);
	/* AUTH_BAD_METHOD, or EOF during authentication (result -ECONNRESET, counts 0). 0 = try again on a
	 * new TCP connection (with back-off), negative = give up with that errno. */
	int (*refused)(struct conn_auth *a, uint32_t method, int32_t result, const uint32_t *methods,
		       unsigned method_count, const uint32_t *modes, unsigned mode_count);
	void (*free)(struct conn_auth *a); /* end of this attempt, always called once */
};

struct conn_ops {
	/* Handshake done, first time or after a reset; messages flow. `resumed`: the lossless session went
	 * on. */
	void (*ready)(void *arg, bool resumed);
	void (*message)(void *arg, const struct msg_in *m);
	/* May be NULL. The header of a message with much data (place_min) has come, and not yet all of it
	 * (`head` has no bytes, only lengths). True: its data is to go where `dest` says; not in secure mode.
	 * False: message() gets it as ever. The connection must not be freed from inside. */
	bool (*dest)(void *arg, const struct msg_in *head, struct conn_dest *dest);
	/* Lossless only: the peer forgot the session (RESET). Queued messages are dropped; the connection
	 * goes on with a new one. The user reopens its own session and resends what it needs. */
	void (*reset)(void *arg);
	/* The end: lossy fault, refused authentication, conn_opts.give_up_ns over. err is negative, `why` in
	 * words and with the peer's address. No further callback; the user calls conn_free(). */
	void (*fault)(void *arg, int err, const char *why);
	/* A fresh authenticator for each attempt. NULL: fault with -ENOMEM. */
	struct conn_auth *(*auth)(void *arg);
};

struct conn_opts {
	uint8_t peer_type;       /* entity type: 1 mon, 2 mds, 4 osd, 16 mgr */
	struct entity_addr peer; /* type 2 (msgr2), with the nonce of the map */
	const char *peer_name;   /* for the log: "mds.0", copied */
	uint32_t modes[2];       /* CON_MODE_*, best first */
	unsigned mode_count;
	uint64_t nonce;        /* of this client instance (same for all its connections), non-zero u32 */
	uint64_t *global_seq;  /* one counter per client instance, borrowed */
	uint64_t *global_id;   /* borrowed; as the mon gave it */
	uint64_t keepalive_ns; /* idle time until a KEEPALIVE2, 0 = 10 s */
	uint64_t dead_ns;      /* silence after it that counts as a broken connection, 0 = 20 s */
	uint64_t connect_ns;   /* limit for TCP connect + handshake of one attempt, 0 = 10 s */
	uint64_t give_up_ns;   /* lossless: stop retrying after so long, 0 = never */
	uint32_t place_min;    /* ops.dest is asked from so many bytes of data on, 0 = 16 KiB */
	bool lossy;            /* what we expect; the server's answer decides (mon, osd: true) */
};

int conn_new(struct ring *r, struct log *log, const struct conn_opts *o, const struct conn_ops *ops,
	     void *arg, struct conn **out);
/* Takes `m`. Never blocks, never calls back from inside (but msg.released, of what cannot be sent). */
void conn_send(struct conn *c, struct msg *m);
/* Takes a message back that nothing was sent of yet: true, and it is freed. False: too late. */
bool conn_unsend(struct conn *c, struct msg *m);
/* Bytes queued and not yet acked or sent, for back-pressure. */
size_t conn_queued(const struct conn *c);
void conn_auth_ready(struct conn *c);
/* Ends it now, without callbacks. `c` is gone for the caller; memory in the kernel's hands goes later. Also
 * from inside any of its callbacks, except those of a conn_auth. Takes NULL. */
void conn_free(struct conn *c);

struct conn_info {
	const char *state; /* "connecting", "auth", "open", "standby" ... static */
	uint32_t mode;     /* CON_MODE_*, 0 = not yet */
	uint64_t peer_features, in_seq, out_seq, acked_seq, reconnects, sent, received, sent_bytes,
	    received_bytes;
	uint64_t lent_bytes, placed_bytes; /* of them: sent from the user's memory, received into it */
	struct entity_addr self, peer;
};
void conn_info(const struct conn *c, struct conn_info *out);

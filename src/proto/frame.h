/* frame.h: msgr2.1 frames: a 32-byte preamble, up to four segments, checksums or AES-128-GCM tags.
 *
 * A frame is decoded where it lies: in CRC mode the segments point into the bytes given; in SECURE mode
 * into a buffer of the decoder's own. Nothing is consumed before the whole frame is there, so the user
 * keeps the bytes of an unfinished frame together (`need` says how many it takes). No allocation in CRC mode.
 * Format: ceph src/msg/async/frames_v2.h; doc/protocol.md 1.3. Pure: no I/O, no clock.
 */
#pragma once
#include <sys/uio.h>
#include "dec.h"
#include "enc.h"

enum frame_tag {
	TAG_HELLO = 1,
	TAG_AUTH_REQUEST,
	TAG_AUTH_BAD_METHOD,
	TAG_AUTH_REPLY_MORE,
	TAG_AUTH_REQUEST_MORE,
	TAG_AUTH_DONE,
	TAG_AUTH_SIGNATURE,
	TAG_CLIENT_IDENT,
	TAG_SERVER_IDENT,
	TAG_IDENT_MISSING_FEATURES,
	TAG_SESSION_RECONNECT,
	TAG_SESSION_RESET,
	TAG_SESSION_RETRY,
	TAG_SESSION_RETRY_GLOBAL,
	TAG_SESSION_RECONNECT_OK,
	TAG_WAIT,
	TAG_MESSAGE,
	TAG_KEEPALIVE2,
	TAG_KEEPALIVE2_ACK,
	TAG_ACK,
};
const char *frame_tag_name(uint8_t tag); /* "hello"; "unknown"; static */

enum {
	FRAME_SEGS = 4,
	FRAME_PREAMBLE = 32,
	FRAME_CONTROL_MAX = 64 << 10, /* payload of a control frame */
	FRAME_MAX = ENC_LIMIT - 4096, /* all segments together, so that padding and tags fit too */
	CON_SECRET_LEN = 64,
};

/* SECURE mode: key, nonces and contexts of both directions; every GCM operation moves its nonce on. */
struct frame_crypto;
/* From the connection secret of AUTH_DONE; `server`: the other end's view. NULL: no memory. */
struct frame_crypto *frame_crypto_new(const uint8_t secret[CON_SECRET_LEN], bool server);
void frame_crypto_free(struct frame_crypto *x); /* takes NULL; wipes the key */

struct frame {
	uint8_t tag;
	uint8_t count;                /* segments used, 1..4; the others have length 0 */
	struct slice seg[FRAME_SEGS]; /* borrowed: from the caller's bytes, or (SECURE) until the next
					 frame_decode() */
	size_t wire_len;              /* bytes of the frame on the wire: what to consume */
};

struct frame_dec {
	struct frame_crypto *crypto; /* borrowed; NULL = CRC mode. Switch it between frames only */
	uint32_t max[FRAME_SEGS];    /* longest segments of a MESSAGE: header, front, middle, data */
	size_t need;                 /* after 0: bytes from the frame's start that must be there to get on */
	const char *why;             /* after an error: static words */
	/* Of the frame at hand. */
	bool head_done; /* preamble read and checked */
	uint8_t tag, count;
	uint32_t len[FRAME_SEGS];
	size_t wire_len;
	uint8_t head[FRAME_PREAMBLE + 48]; /* SECURE: the decrypted first block */
	struct enc plain;                  /* owned; SECURE: the decrypted segments */
};

void frame_dec_init(struct frame_dec *d, uint32_t front_max, uint32_t middle_max, uint32_t data_max);
void frame_dec_fini(struct frame_dec *d);
/* The frame that starts at `p`, of which `len` bytes (or more) are there. 1 = `f` is whole: consume
 * f->wire_len; 0 = call again with the same bytes (they may have moved) and at least d->need of them;
 * -EBADMSG or -ENOMEM with d->why: the connection is beyond repair. */
int frame_decode(struct frame_dec *d, const uint8_t *p, size_t len, struct frame *f);

/* A control frame built in place: begin, write the payload with enc_*, end. Errors stick in `e`.
 * `x` NULL = CRC mode. */
size_t frame_begin(struct enc *e);
void frame_end(struct enc *e, size_t mark, uint8_t tag, struct frame_crypto *x);
/* A whole frame from `count` segments (1..4), copied. Trailing empty segments are left out. */
void frame_encode(struct enc *e, uint8_t tag, const struct slice *seg, unsigned count,
		  struct frame_crypto *x);

/* The header of a MESSAGE: its segment 0. */
enum { MSG_HEADER_LEN = 41, MSG_PRIO_DEFAULT = 127 };
struct msg_header {
	uint64_t seq, tid, ack_seq;
	uint16_t type, priority, version, compat, data_off;
	uint32_t data_pre_padding_len;
	uint8_t flags;
};
int msg_header_decode(struct slice seg0, struct msg_header *h); /* 0, -EBADMSG */
void msg_header_encode(uint8_t out[MSG_HEADER_LEN], const struct msg_header *h);
/* header + front, middle, data. */
void frame_encode_message(struct enc *e, const struct msg_header *h, struct slice front, struct slice middle,
			  struct slice data, struct frame_crypto *x);

/* A data segment whose middle part lies in pieces of the caller's: bulk_len bytes, which these have at least.
 */
struct frame_data {
	struct slice before, after;
	const struct iovec *bulk;
	unsigned bulk_count;
	uint32_t bulk_len;
};
/* The same with such a data segment. With `lend` (CRC mode only) the bulk is left out, to be sent from where
 * it lies: true, and it belongs in front of e->buf[*cut]. Its checksum is taken now: it may not change any
 * more. False: everything is in `e`. */
bool frame_encode_bulk(struct enc *e, const struct msg_header *h, struct slice front, struct slice middle,
		       const struct frame_data *data, bool lend, struct frame_crypto *x, size_t *cut);

/* The other way round (CRC mode): the data segment goes somewhere else than the rest of its frame, as soon as
 * the message's header is there to say where.
 *
 * 1 = the frame at `p` is a message with data of which at least the header is there: `h` is filled, and
 * `split`; 0 = it is none, or d->need bytes of it must be there to know; -EBADMSG. After frame_decode() gave
 * 0. */
struct frame_split {
	size_t head_len; /* bytes in front of the data segment */
	uint32_t data_len;
	size_t tail_len; /* bytes behind it */
};
enum { FRAME_TAIL_MAX = 16 };
int frame_split(struct frame_dec *d, const uint8_t *p, size_t len, struct msg_header *h,
		struct frame_split *split);
/* The checksum of a data segment, piece by piece: from FRAME_CRC_START on. */
#define FRAME_CRC_START 0xffffffffu
uint32_t frame_crc(uint32_t crc, const void *p, size_t len);
/* All parts are there. 0: `f` is the frame, its data segment without bytes; or -EBADMSG with d->why. */
int frame_join(struct frame_dec *d, const uint8_t *head, const uint8_t *tail, uint32_t data_crc,
	       struct frame *f);

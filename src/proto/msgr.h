/* msgr.h: what the msgr2.1 control frames say: banner, hello, authentication, identification, reconnect.
 *
 * Each struct is one payload; decode takes segment 0 of a frame (borrowing from it), encode writes the
 * payload between frame_begin() and frame_end(). Both directions of each are here, so that a test can be the
 * daemon. Format: ceph src/msg/async/frames_v2.h, ProtocolV2.cc; doc/protocol.md 1. Pure.
 */
#pragma once
#include "addr.h"
#include "frame.h"

enum {
	MSGR_BANNER_LEN = 26,
	MSGR_BANNER_MAX = 10 + 512,
	MSGR_FEATURE_REV1 = 1,
	MSGR_FEATURE_COMPRESSION = 2
};
enum { MSGR_MODES_MAX = 8, MSGR_SIGNATURE_LEN = 32 };
enum { AUTH_METHOD_NONE = 1, AUTH_METHOD_CEPHX = 2 };
enum { MSGR_FLAG_LOSSY = 1 };
/* What a 16.2.15 daemon announces: with all of it every release uses its modern encodings. */
#define MSGR_FEATURES 0x3f01cfbdfffdffffull

struct msgr_banner {
	uint64_t supported, required;
};
/* 1 = read, *need = its length; 0 = *need bytes are wanted; -EBADMSG = not a msgr2 peer. */
int msgr_banner_decode(const uint8_t *p, size_t len, struct msgr_banner *b, size_t *need);
void msgr_banner_encode(struct enc *e, const struct msgr_banner *b);

struct msgr_hello {
	uint8_t entity_type;
	struct entity_addr peer; /* the receiver, as the sender sees it */
};
struct msgr_auth_request {
	uint32_t method;
	uint32_t modes[MSGR_MODES_MAX], mode_count; /* best first */
	struct slice payload;
};
struct msgr_auth_bad_method {
	uint32_t method;
	int32_t result; /* negative errno */
	uint32_t methods[MSGR_MODES_MAX], method_count;
	uint32_t modes[MSGR_MODES_MAX], mode_count;
};
struct msgr_auth_done {
	uint64_t global_id;
	uint32_t con_mode;
	struct slice payload;
};
struct msgr_client_ident {
	struct entity_addrvec addrs; /* ours: one entry of type any */
	struct entity_addr target;
	int64_t gid; /* the global_id */
	uint64_t global_seq, supported, required, flags, cookie;
};
struct msgr_server_ident {
	struct entity_addrvec addrs;
	int64_t gid;
	uint64_t global_seq, supported, required, flags, cookie;
};
struct msgr_reconnect {
	struct entity_addrvec addrs;
	uint64_t client_cookie, server_cookie, global_seq, connect_seq, in_seq;
};

/* All: 0 or -EBADMSG. Longer payloads than known are read as far as known (a newer peer may say more). */
int msgr_hello_decode(struct slice s, struct msgr_hello *h);
int msgr_auth_request_decode(struct slice s, struct msgr_auth_request *r);
int msgr_auth_bad_method_decode(struct slice s, struct msgr_auth_bad_method *b);
int msgr_auth_more_decode(struct slice s, struct slice *payload); /* AUTH_REPLY_MORE, AUTH_REQUEST_MORE */
int msgr_auth_done_decode(struct slice s, struct msgr_auth_done *a);
int msgr_signature_decode(struct slice s, uint8_t sig[MSGR_SIGNATURE_LEN]);
int msgr_client_ident_decode(struct slice s, struct msgr_client_ident *c);
int msgr_server_ident_decode(struct slice s, struct msgr_server_ident *c);
int msgr_reconnect_decode(struct slice s, struct msgr_reconnect *r);
int msgr_reset_decode(struct slice s, bool *full);
/* One u64: IDENT_MISSING_FEATURES, SESSION_RETRY, SESSION_RETRY_GLOBAL, SESSION_RECONNECT_OK, ACK. */
int msgr_u64_decode(struct slice s, uint64_t *v);
/* KEEPALIVE2 and its ack: the sender's stamp, echoed. */
int msgr_keepalive_decode(struct slice s, uint64_t *stamp_ns);

void msgr_hello_encode(struct enc *e, const struct msgr_hello *h);
void msgr_auth_request_encode(struct enc *e, const struct msgr_auth_request *r);
void msgr_auth_bad_method_encode(struct enc *e, const struct msgr_auth_bad_method *b);
void msgr_auth_more_encode(struct enc *e, struct slice payload);
void msgr_auth_done_encode(struct enc *e, const struct msgr_auth_done *a);
void msgr_signature_encode(struct enc *e, const uint8_t sig[MSGR_SIGNATURE_LEN]);
void msgr_client_ident_encode(struct enc *e, const struct msgr_client_ident *c);
void msgr_server_ident_encode(struct enc *e, const struct msgr_server_ident *c);
void msgr_reconnect_encode(struct enc *e, const struct msgr_reconnect *r);
void msgr_reset_encode(struct enc *e, bool full);
void msgr_u64_encode(struct enc *e, uint64_t v);
void msgr_keepalive_encode(struct enc *e, uint64_t stamp_ns);

/* AUTH_SIGNATURE: HMAC-SHA256 over `n` wire bytes with the session key; key_len 0 (auth none) gives zeros. 0,
 * -ENOMEM. */
int msgr_sign(const uint8_t *key, size_t key_len, const void *bytes, size_t n,
	      uint8_t sig[MSGR_SIGNATURE_LEN]);
/* In constant time. */
bool msgr_signature_equal(const uint8_t a[MSGR_SIGNATURE_LEN], const uint8_t b[MSGR_SIGNATURE_LEN]);

/* tcp.h: a byte stream on the ring: connect, send, multishot receive.
 *
 * Received bytes arrive in the ring's provided buffers and are lent to the user for the length of one
 * call. One send is in flight per stream at most; what is queued meanwhile leaves in the next one.
 */
#pragma once
#include <netinet/in.h>
#include "ring.h"

struct tcp;

union tcp_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct tcp_ops {
	/* The connection is up; `local` is our own end. */
	void (*connected)(void *arg, const union tcp_addr *local);
	/* Bytes, borrowed during the call. The user may call tcp_close() from inside. */
	void (*received)(void *arg, const uint8_t *p, size_t len);
	/* The send buffer went to the kernel completely: it may be reused. */
	void (*sent)(void *arg);
	/* The stream is over: 0 = the peer closed, else a negative errno. Comes once, after all that was
	 * received; then no other. The user still calls tcp_close(). */
	void (*closed)(void *arg, int err);
};

/* Starts connecting. 0 and *out, or a negative errno (nothing will be called). */
int tcp_connect(struct ring *r, const union tcp_addr *to, const struct tcp_ops *ops, void *arg,
		struct tcp **out);
enum { TCP_IOV_MAX = 64 };
/* Sends all of `iov` (at most TCP_IOV_MAX entries; they and their memory stay untouched until sent()). -EBUSY
 * while one is in flight, -ENOTCONN before connected(), -EPIPE after the end. MSG_NOSIGNAL; short sends are
 * continued inside. */
int tcp_send(struct tcp *t, const struct iovec *iov, int n);
/* Do not wake for fewer bytes than this (SO_RCVLOWAT); 1 = any. */
void tcp_recv_lowat(struct tcp *t, int bytes);
/* Ends it without any further callback and frees it once the kernel is done with its buffers; `sent`
 * memory of an unfinished send must stay valid until `released(arg)` (may be NULL if none is in flight),
 * which comes from a later point of the engine's turn, never from inside this call. */
void tcp_close(struct tcp *t, void (*released)(void *arg), void *arg);

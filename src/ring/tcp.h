/* tcp.h: a byte stream on the ring: connect, send, receive.
 *
 * Received bytes arrive in the ring's provided buffers and are lent to the user for the length of one
 * call; or, where the user says so, in memory of its own. One send is in flight per stream at most; what is
 * queued meanwhile leaves in the next one.
 */
#pragma once
#include <netinet/in.h>
#include <sys/uio.h>
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
	/* NULL: as many bytes as come go to received(). Else asked before each receive, where the next bytes
	 * of the stream are to go: gives the number of pieces (at most TCP_IOV_MAX) that *iov was set to,
	 * which are filled completely, and the stream's (it may change the array) until placed() or the end
	 * of tcp_close(). Or 0: to received(), at most *limit bytes if that was set (to be the beginning of
	 * what shall be placed).
	 */
	int (*place)(void *arg, struct iovec **iov, size_t *limit);
	/* So many bytes came where place() said. The user may call tcp_close() from inside. */
	void (*placed)(void *arg, size_t len);
	/* The stream is over: 0 = the peer closed, else a negative errno. Comes once, after all that was
	 * received; then no other. The user still calls tcp_close(). */
	void (*closed)(void *arg, int err);
};

/* Starts connecting. 0 and *out, or a negative errno (nothing will be called). */
int tcp_connect(struct ring *r, const union tcp_addr *to, const struct tcp_ops *ops, void *arg,
		struct tcp **out);
enum { TCP_IOV_MAX = 1024 };
/* Sends all of `iov` (at most TCP_IOV_MAX entries). The array is the stream's until sent(), and it changes
 * it; the memory stays untouched. -EBUSY while one is in flight, -ENOTCONN before connected(), -EPIPE after
 * the end. MSG_NOSIGNAL; short sends are continued inside. */
int tcp_send(struct tcp *t, struct iovec *iov, int n);
/* Do not wake for fewer bytes than this (SO_RCVLOWAT); 1 = any. */
void tcp_recv_lowat(struct tcp *t, int bytes);
/* Ends it without any further callback and frees it once the kernel is done with its buffers; the memory of
 * an unfinished send, or of a place that was given, must stay valid until `released(arg)` (may be NULL if
 * there is neither), which comes from a later point of the engine's turn, never from inside this call. */
void tcp_close(struct tcp *t, void (*released)(void *arg), void *arg);

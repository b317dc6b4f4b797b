/* conn.c: a connection's public calls and its lifetime. The model is in conn.h and conn_impl.h. */
#include "conn_impl.h"

#include <errno.h>
#include <stdio.h>

static void on_timer(struct ring_timer *t)
{
	struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, timer));

	conn_enter(c);
	if (c->state == CONN_START)
		conn_attempt(c);
	else if (c->state == CONN_TICKET_WAIT)
		conn_broken(c, conn_bad(c, -ETIMEDOUT, "no ticket to authenticate with"));
	else if (c->state < CONN_OPEN)
		conn_broken(c, conn_bad(c, -ETIMEDOUT, "no answer in time (%s)", conn_state_name(c->state)));
	conn_leave(c);
}

static int opts_check(const struct conn_opts *o, const struct conn_ops *ops)
{
	if (!ops->auth || !ops->fault || !ops->message || !o->nonce || o->nonce > UINT32_MAX ||
	    !o->global_seq)
		return -EINVAL;
	if (o->mode_count < 1 || o->mode_count > 2)
		return -EINVAL;
	if (o->peer.type != ADDR_MSGR2)
		return -EPROTONOSUPPORT;
	return o->peer.family == AF_INET || o->peer.family == AF_INET6 ? 0 : -EAFNOSUPPORT;
}

static void name_peer(struct conn *c, const struct conn_opts *o)
{
	char addr[ADDR_TEXT_MAX];

	snprintf(c->name, sizeof c->name, "%s %s", o->peer_name ? o->peer_name : "peer",
		 addr_text(&o->peer, addr));
	c->opts.peer_name = NULL; /* was the caller's */
}

int conn_new(struct ring *r, struct log *log, const struct conn_opts *o, const struct conn_ops *ops,
	     void *arg, struct conn **out)
{
	int err = opts_check(o, ops);
	struct conn *c;

	if (err)
		return err;
	c = mem_alloc(sizeof *c);
	if (!c)
		return -ENOMEM;
	c->ring = r;
	c->log = log;
	c->opts = *o;
	c->ops = ops;
	c->arg = arg;
	c->opts.keepalive_ns = o->keepalive_ns ? o->keepalive_ns : 10 * NS_PER_S;
	c->opts.dead_ns = o->dead_ns ? o->dead_ns : 20 * NS_PER_S;
	c->opts.connect_ns = o->connect_ns ? o->connect_ns : 10 * NS_PER_S;
	c->opts.place_min = o->place_min ? o->place_min : CONN_PLACE_MIN;
	c->lossy = o->lossy;
	c->timer.fn = on_timer;
	c->tick.fn = conn_on_tick;
	c->ack_timer.fn = conn_on_ack_timer;
	c->flusher.fn = conn_on_flush;
	name_peer(c, o);
	err = conn_io_init(c);
	if (err) {
		mem_free(c, sizeof *c);
		return err;
	}
	conn_new_cookie(c);
	msg_cache_get();
	c->down_ns = ring_now_fresh(r);
	ring_timer_set(r, &c->timer, c->down_ns);
	*out = c;
	return 0;
}

void conn_send(struct conn *c, struct msg *m)
{
	int err = m->front.err ? m->front.err : m->middle.err ? m->middle.err : m->data.err;

	if (!err && (m->front.len > CONN_FRONT_MAX || m->middle.len > CONN_MIDDLE_MAX ||
		     m->data.len + m->bulk_len > CONN_DATA_MAX))
		err = -EMSGSIZE;
	if (err && !c->send_err) {
		c->send_err = err; /* found by the flush, so that no callback comes from here */
		conn_kick(c);
	}
	if (err || c->state == CONN_FAILED) {
		msg_free(m);
		return;
	}
	m->seq = 0;
	c->queued_bytes += msg_bytes(m);
	msgq_push(&c->queue, m);
	if (c->state == CONN_OPEN)
		conn_kick(c);
}

size_t conn_queued(const struct conn *c)
{
	return c->queued_bytes;
}

void conn_auth_ready(struct conn *c)
{
	if (c->state != CONN_TICKET_WAIT)
		return;
	c->state = CONN_START;
	ring_timer_set(c->ring, &c->timer, ring_now_fresh(c->ring));
}

static void conn_destroy(struct conn *c)
{
	conn_io_fini(c);
	mem_free(c, sizeof *c);
}

void conn_leave(struct conn *c)
{
	/* The ring still holds a queued flusher: it comes back here. */
	if (--c->depth == 0 && c->freed && !c->flusher.queued)
		conn_destroy(c);
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	conn_enter(c);
	c->freed = true;
	ring_timer_clear(c->ring, &c->timer);
	conn_auth_end(c);
	conn_stream_close(c);
	conn_drop_messages(c);
	msg_cache_put();
	conn_leave(c);
}

static void why(struct conn *c, const char *fmt, va_list ap)
{
	int n = snprintf(c->why, sizeof c->why, "%s: ", c->name);

	vsnprintf(c->why + n, sizeof c->why - (size_t)n, fmt, ap);
}

int conn_bad(struct conn *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	why(c, fmt, ap);
	va_end(ap);
	return err;
}

int conn_final(struct conn *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	why(c, fmt, ap);
	va_end(ap);
	c->final = true;
	return err;
}

void conn_info(const struct conn *c, struct conn_info *out)
{
	*out = (struct conn_info){
		.state = conn_state_name(c->state),
		.mode = c->mode,
		.peer_features = c->peer_features,
		.in_seq = c->in_seq,
		.out_seq = c->out_seq,
		.acked_seq = c->acked_seq,
		.reconnects = c->reconnects,
		.sent = c->sent_count,
		.received = c->received_count,
		.sent_bytes = c->sent_bytes,
		.received_bytes = c->received_bytes,
		.lent_bytes = c->lent_bytes,
		.placed_bytes = c->placed_bytes,
		.self = c->self,
		.peer = c->opts.peer,
	};
}

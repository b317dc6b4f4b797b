/* conn_session.c: what must survive a broken TCP connection: sequence numbers, messages kept until acked,
 * acknowledgements, back-off, and the end of it all.
 *
 *     queue --encode--> [lossless: sent --acked--> freed] [lossy: freed]
 *       ^                         |
 *       +------- broken ----------+   with their old seq: the peer drops what it already has
 */
#include "conn_impl.h"

#include <errno.h>

/* --- out --- */

static void requeue_sent(struct conn *c)
{
	if (!c->sent.head)
		return;
	c->sent.tail->next = c->queue.head;
	if (!c->queue.head)
		c->queue.tail = c->sent.tail;
	c->queue.head = c->sent.head;
	c->sent = (struct msg_queue){ 0 };
}

static void drop(struct conn *c, struct msg *m)
{
	c->queued_bytes -= msg_bytes(m);
	msg_free(m);
}

bool conn_unsend(struct conn *c, struct msg *m)
{
	struct msg *before = NULL;

	if (m->seq) /* some of it went out once: it must be sent again with its place in the sequence */
		return false;
	for (struct msg *at = c->queue.head; at && at != m; at = at->next)
		before = at;
	if (before ? before->next != m : c->queue.head != m)
		return false;
	if (before)
		before->next = m->next;
	else
		c->queue.head = m->next;
	if (c->queue.tail == m)
		c->queue.tail = before;
	drop(c, m);
	return true;
}

unsigned conn_drop_messages(struct conn *c)
{
	struct msg *m;
	unsigned n = 0;

	requeue_sent(c);
	while ((m = msgq_pop(&c->queue))) {
		drop(c, m);
		n++;
	}
	return n;
}

static void told(struct conn *c)
{
	c->told_seq = c->in_seq;
	c->untold_bytes = 0;
	c->want_ack = false;
}

static void encode_message(struct conn *c, struct msg *m)
{
	struct msg_header h = {
		.seq = m->seq ? m->seq : ++c->out_seq,
		.tid = m->tid,
		.ack_seq = c->in_seq,
		.type = m->type,
		.priority = m->priority ? m->priority : MSG_PRIO_DEFAULT,
		.version = m->version,
		.compat = m->compat,
	};

	m->seq = h.seq;
	if (conn_out_message(c, &h, m))
		;
	else if (c->lossy)
		drop(c, m);
	else
		msgq_push(&c->sent, m);
	told(c);
	c->sent_count++;
}

static void encode_u64(struct conn *c, uint8_t tag, uint64_t v)
{
	size_t mark = frame_begin(&c->out->bytes);

	msgr_u64_encode(&c->out->bytes, v);
	frame_end(&c->out->bytes, mark, tag, c->crypto);
}

static void encode_stamp(struct conn *c, uint8_t tag, uint64_t stamp_ns)
{
	size_t mark = frame_begin(&c->out->bytes);

	msgr_keepalive_encode(&c->out->bytes, stamp_ns);
	frame_end(&c->out->bytes, mark, tag, c->crypto);
}

bool conn_pending(const struct conn *c)
{
	return c->state == CONN_OPEN && (c->queue.head || c->want_ack || c->want_keepalive || c->want_echo);
}

void conn_encode(struct conn *c)
{
	struct msg *m;

	if (c->want_echo)
		encode_stamp(c, TAG_KEEPALIVE2_ACK, c->echo_ns);
	if (c->want_keepalive)
		encode_stamp(c, TAG_KEEPALIVE2, ring_wall(c->ring));
	c->want_echo = c->want_keepalive = false;
	while ((m = c->queue.head) && !conn_out_full(c, m) && !c->out->bytes.err) {
		msgq_pop(&c->queue);
		encode_message(c, m);
	}
	if (c->want_ack) {
		encode_u64(c, TAG_ACK, c->in_seq);
		told(c);
	}
}

int conn_acked(struct conn *c, uint64_t seq)
{
	if (c->lossy)
		return 0;
	if (seq > c->out_seq)
		return conn_bad(c, -EPROTO, "acks message %llu, of %llu sent", (unsigned long long)seq,
				(unsigned long long)c->out_seq);
	while (c->sent.head && c->sent.head->seq <= seq)
		drop(c, msgq_pop(&c->sent));
	/* Before a replay they stand in the queue again. */
	while (c->queue.head && c->queue.head->seq && c->queue.head->seq <= seq)
		drop(c, msgq_pop(&c->queue));
	if (seq > c->acked_seq)
		c->acked_seq = seq;
	return 0;
}

/* --- in --- */

/* A lossless peer keeps what it sent until we say that we have it: mostly by our next message. */
static void received_one(struct conn *c, size_t bytes)
{
	if (c->lossy)
		return;
	c->untold_bytes += (unsigned)bytes;
	if (c->in_seq - c->told_seq >= CONN_ACK_MSGS || c->untold_bytes >= CONN_ACK_BYTES) {
		c->want_ack = true;
		conn_kick(c);
	} else if (!c->ack_timer.slot) {
		ring_timer_set(c->ring, &c->ack_timer, ring_now(c->ring) + CONN_ACK_NS);
	}
}

void conn_on_ack_timer(struct ring_timer *t)
{
	struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, ack_timer));

	if (c->state != CONN_OPEN || c->in_seq == c->told_seq)
		return;
	c->want_ack = true;
	conn_kick(c);
}

int conn_handle_message(struct conn *c, const struct frame *f)
{
	struct msg_header h;
	struct msg_in m;
	int err;

	if (msg_header_decode(f->seg[0], &h))
		return conn_bad(c, -EBADMSG, "broken message header");
	if (h.seq > c->in_seq + 1)
		return conn_bad(c, -EPROTO, "message %llu follows %llu: some are missing",
				(unsigned long long)h.seq, (unsigned long long)c->in_seq);
	err = conn_acked(c, h.ack_seq);
	if (err || h.seq <= c->in_seq)
		return err; /* a replay of what we have */
	c->in_seq = h.seq;
	c->received_count++;
	received_one(c, f->wire_len);
	m = (struct msg_in){
		.seq = h.seq,
		.tid = h.tid,
		.type = h.type,
		.version = h.version,
		.compat = h.compat,
		.priority = h.priority,
		.front = f->seg[1].p,
		.front_len = f->seg[1].len,
		.middle = f->seg[2].p,
		.middle_len = f->seg[2].len,
		.data = f->seg[3].p,
		.data_len = f->seg[3].len,
		.placed = f->seg[3].len && !f->seg[3].p,
		.copied = c->frame_copied,
	};
	c->ops->message(c->arg, &m);
	return 0;
}

int conn_handle_ack(struct conn *c, const struct frame *f)
{
	uint64_t seq;

	if (msgr_u64_decode(f->seg[0], &seq))
		return conn_bad(c, -EBADMSG, "broken ack");
	return conn_acked(c, seq);
}

int conn_handle_keepalive(struct conn *c, const struct frame *f)
{
	if (msgr_keepalive_decode(f->seg[0], &c->echo_ns))
		return conn_bad(c, -EBADMSG, "broken keepalive2");
	c->want_echo = true; /* the newest only: a flood of them costs nothing */
	conn_kick(c);
	return 0;
}

int conn_handle_keepalive_ack(struct conn *c, const struct frame *f)
{
	if (c->keepalive_out) {
		c->keepalive_out = false;
		ring_timer_set(c->ring, &c->tick, c->rx_ns + c->opts.keepalive_ns);
	}
	return 0;
}

/* --- life of the session --- */

int conn_opened(struct conn *c, bool resumed)
{
	c->state = CONN_OPEN;
	told(c); /* SESSION_RECONNECT did, or there is nothing to tell */
	c->opened_progress = c->in_seq + c->acked_seq;
	c->rx_ns = ring_now(c->ring);
	ring_timer_clear(c->ring, &c->timer);
	ring_timer_set(c->ring, &c->tick, c->rx_ns + c->opts.keepalive_ns);
	if (resumed)
		c->reconnects++;
	log_emit(c->log, LOG_DEBUG, "%s: open%s, %s mode, %s", c->name, resumed ? " again" : "",
		 c->mode == CON_MODE_SECURE ? "secure" : "crc", c->lossy ? "lossy" : "lossless");
	if (conn_pending(c))
		conn_kick(c);
	if (c->ops->ready)
		c->ops->ready(c->arg, resumed);
	return 0;
}

void conn_new_cookie(struct conn *c)
{
	do
		ring_random(c->ring, &c->client_cookie, sizeof c->client_cookie);
	while (!c->client_cookie);
}

int conn_reset(struct conn *c)
{
	unsigned lost = conn_drop_messages(c);

	log_emit(c->log, LOG_WARN, "%s: the peer has no session of ours any more; %u messages are void",
		 c->name, lost);
	c->in_seq = c->out_seq = c->acked_seq = c->connect_seq = c->server_cookie = 0;
	told(c);
	conn_new_cookie(c);
	if (c->ops->reset)
		c->ops->reset(c->arg);
	return c->freed ? -ECONNABORTED : conn_identify(c);
}

static void fault(struct conn *c, int err)
{
	c->state = CONN_FAILED;
	conn_drop_messages(c);
	log_emit(c->log, LOG_WARN, "%s", c->why);
	c->ops->fault(c->arg, err, c->why);
}

static uint64_t backoff_ns(struct conn *c)
{
	uint64_t top = CONN_BACKOFF_FIRST_NS << (c->attempt < 7 ? c->attempt : 7), r;

	if (top > CONN_BACKOFF_MAX_NS)
		top = CONN_BACKOFF_MAX_NS;
	ring_random(c->ring, &r, sizeof r);
	return top / 5 + r % (top - top / 5); /* spread, so that many clients do not come back at once */
}

static void retry_later(struct conn *c)
{
	uint64_t now = ring_now(c->ring), delay = backoff_ns(c);

	if (c->opts.give_up_ns && now + delay - c->down_ns > c->opts.give_up_ns) {
		fault(c, -ETIMEDOUT);
		return;
	}
	log_emit(c->log, c->attempt ? LOG_DEBUG : LOG_WARN, "%s; next attempt in %u ms", c->why,
		 (unsigned)(delay / NS_PER_MS));
	c->attempt++;
	c->state = CONN_START;
	ring_timer_set(c->ring, &c->timer, now + delay);
}

void conn_broken(struct conn *c, int err)
{
	if (c->freed || c->state == CONN_FAILED)
		return;
	if (c->state == CONN_OPEN) {
		c->down_ns = ring_now(c->ring);
		/* A peer that opens and breaks without a word said is no better than one that is away. */
		if (c->in_seq + c->acked_seq != c->opened_progress)
			c->attempt = 0;
	}
	ring_timer_clear(c->ring, &c->timer);
	conn_auth_end(c);
	if (conn_stream_end(c))
		err = conn_final(c, -ENOMEM, "no memory");
	if (c->freed)
		return; /* by the authenticator's end */
	if (c->final || (c->lossy && !c->retry)) {
		fault(c, err);
		return;
	}
	c->retry = false;
	requeue_sent(c);
	retry_later(c);
}

/* --- silence --- */

void conn_on_tick(struct ring_timer *t)
{
	struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, tick));
	uint64_t now = ring_now(c->ring), next;

	if (c->state != CONN_OPEN)
		return;
	conn_enter(c);
	if (c->keepalive_out && c->rx_ns > c->keepalive_ns)
		c->keepalive_out = false; /* whatever came, it lives */
	if (c->keepalive_out) {
		conn_broken(c, conn_bad(c, -ETIMEDOUT, "silent for %llu s",
					(unsigned long long)((now - c->rx_ns) / NS_PER_S)));
	} else {
		next = c->rx_ns + c->opts.keepalive_ns;
		if (next <= now) {
			c->keepalive_out = c->want_keepalive = true;
			c->keepalive_ns = now;
			conn_kick(c);
			next = now + c->opts.dead_ns;
		}
		conn_lowat(c);
		ring_timer_set(c->ring, &c->tick, next);
	}
	conn_leave(c);
}

/* osdc_message.c: what an OSD says: replies, backoffs, maps. */
#include "osdc_impl.h"

#include <errno.h>

/* The request that a reply is for; NULL: it answers an attempt that does not count any more. */
static struct osd_req *req_of(struct osd_session *s, uint64_t tid, int32_t attempt)
{
	struct osd_req *q = (struct osd_req *)tid_find(&s->c->reqs, tid);

	if (!q || q->state != OSD_REQ_SENT || q->session != s || q->attempt != attempt)
		return NULL;
	return q;
}

/* Redirected, or (EAGAIN) sent away by a replica that does not know the object to be stable. False: neither,
 * or for too long. */
static bool elsewhere(struct osd_req *q, const struct osd_reply *r)
{
	struct osdc *c = q->c;

	if (!r->redirected && r->result != -EAGAIN)
		return false;
	if (q->redirects == OSD_REDIRECTS_MAX) {
		log_emit(c->log, LOG_ERROR, "osd.%d: sends %.*s in circles", q->target.osd, (int)q->name_len,
			 q->name);
		return false;
	}
	q->redirects++;
	if (r->redirected) {
		c->stats.redirects++;
		if (osd_req_redirect(q, r)) {
			osd_req_end_later(q, -ENOMEM);
			return true;
		}
		q->target.known = false;
	} else {
		c->stats.again++;
		q->plain = true;
	}
	osd_req_renew(q);
	return true;
}

static void dest_released(void *arg)
{
	osd_req_give_back(arg);
}

bool osd_session_dest(void *arg, const struct msg_in *head, struct conn_dest *dest)
{
	struct osd_session *s = arg;
	struct osd_req *q =
	    head->type == MSG_OSD_OPREPLY ? (struct osd_req *)tid_find(&s->c->reqs, head->tid) : NULL;

	/* The output of another operation would stand in front or behind. */
	if (!q || q->state != OSD_REQ_SENT || q->session != s || !q->dest || q->op_count != 1 ||
	    head->data_len > q->dest_len)
		return false;
	osd_req_lend(q);
	q->msg_osd = s->osd;
	*dest =
	    (struct conn_dest){ .iov = q->dest, .count = q->dest_count, .released = dest_released, .arg = q };
	return true;
}

static void copy_to_dest(struct osd_req *q, const uint8_t *data, uint32_t left)
{
	for (uint32_t i = 0; left; i++) {
		uint32_t n = q->dest[i].iov_len < left ? (uint32_t)q->dest[i].iov_len : left;

		if (n)
			memcpy(q->dest[i].iov_base, data, n);
		data += n;
		left -= n;
	}
}

static int fill_dest(struct osd_req *q, const struct osd_reply *r, const struct msg_in *m)
{
	const struct osd_reply_op *op = &r->op[q->dest_op];

	if (q->dest_op >= r->op_count)
		return r->result < 0 ? 0 : -EBADMSG;
	if (op->len > q->dest_len)
		return -EBADMSG;
	if (!m->placed && op->len) {
		copy_to_dest(q, m->data + op->at, op->len);
		q->c->stats.copied_in += op->len;
	}
	q->dest_done = op->len;
	q->c->stats.read_bytes += op->len;
	q->c->stats.copied_in += m->copied;
	return 0;
}

static void complete(struct osd_session *s, struct osd_req *q, const struct osd_reply *r,
		     const struct msg_in *m)
{
	struct osdc *c = s->c;
	int err = q->dest ? fill_dest(q, r, m) : 0;

	if (err) {
		osd_req_end_later(q, log_fail(c->log, err,
					      "osd.%d: the reply to %s %.*s does not fit what was asked",
					      s->osd, osd_op_name(q->op[0].code), (int)q->name_len, q->name));
		return;
	}
	if (r->result >= 0)
		c->stats.write_bytes += q->bulk_len;
	if (r->result == -ESHUTDOWN) /* blocklisted: the map will say so */
		osdc_want_map(c);
	s->used_ns = ring_now(c->ring);
	osd_req_replied(q, r->result, r, m->data, m->data_len);
}

static void handle_reply(struct osd_session *s, const struct msg_in *m)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct osdc *c = s->c;
	struct osd_reply *r = &c->reply;
	struct osd_req *q;

	c->stats.replies++;
	if (osd_reply_decode(&d, m->version, m->data_len, r)) {
		log_fail(c->log, -EBADMSG, "osd.%d: broken reply to %llu: %s", s->osd,
			 (unsigned long long)m->tid, d.what);
		q = (struct osd_req *)tid_find(&c->reqs, m->tid);
		if (q && q->session == s && q->state == OSD_REQ_SENT)
			osd_req_end_later(q, -EBADMSG);
		return;
	}
	q = req_of(s, m->tid, r->attempt);
	if (!q)
		c->stats.stale_replies++;
	else if (!elsewhere(q, r))
		complete(s, q, r, m);
}

void osd_session_message(void *arg, const struct msg_in *m)
{
	struct osd_session *s = arg;

	switch (m->type) {
	case MSG_OSD_OPREPLY:
		handle_reply(s, m);
		return;
	case MSG_OSD_BACKOFF:
		osd_backoff_handle(s, m);
		return;
	case MSG_OSD_MAP:
		osdc_take_maps(s->c, m, false);
		return;
	default:
		log_emit(s->c->log, LOG_DEBUG, "osd.%d: a message of type %u is not for us", s->osd, m->type);
	}
}

/* mon.c: the monitor client's lifetime, and the way from a message to whom it concerns.
 *
 * The model is in mon.h and mon_impl.h. Logged in and ready are two steps: a login is complete when the
 * connection is open; the user hears `ready` when the first monmap has come, which is asked for in the same
 * send.
 */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *mon_errname(int err)
{
	const char *s = strerrordesc_np(-err);

	return s ? s : "unknown error";
}

static int opts_check(struct log *log, const struct mon_opts *o)
{
	uint32_t type;

	if (!o->addr_count || !o->addrs || o->addr_count > MON_TARGETS_MAX)
		return log_fail(log, -EINVAL, "mon: %u monitor addresses given, 1 to %d can be used",
				o->addr_count, MON_TARGETS_MAX);
	if (!o->entity || !entity_name_parse(o->entity, &type) || strlen(o->entity) >= CEPHX_NAME_MAX)
		return log_fail(log, -EINVAL, "mon: the name of the client is none, or too long");
	if (!(o->allow_cephx && o->have_key) && !o->allow_none)
		return log_fail(log, -EINVAL, "mon: %s has no key and may not use auth none", o->entity);
	if (o->mon_mode_count < 1 || o->mon_mode_count > 2 || o->service_mode_count < 1 ||
	    o->service_mode_count > 2)
		return log_fail(log, -EINVAL, "mon: a list of connection modes is empty or too long");
	if (!o->nonce)
		return log_fail(log, -EINVAL, "mon: the nonce of the client is 0");
	return 0;
}

int mon_new(struct ring *r, struct log *log, const struct mon_opts *o, const struct mon_ops *ops, void *arg,
	    struct mon **out)
{
	int err = opts_check(log, o);
	struct mon *m;

	if (err)
		return err;
	m = mem_alloc(sizeof *m);
	if (!m)
		return -ENOMEM;
	m->ring = r;
	m->log = log;
	m->ops = ops;
	m->arg = arg;
	m->opts = *o;
	snprintf(m->entity, sizeof m->entity, "%s", o->entity);
	if (gethostname(m->host, sizeof m->host) != 0)
		m->host[0] = 0;
	m->host[sizeof m->host - 1] = 0;
	m->method = o->allow_cephx && o->have_key ? AUTH_METHOD_CEPHX : AUTH_METHOD_NONE;
	m->hunt_timer.fn = mon_on_hunt_timer;
	m->deadline.fn = mon_on_deadline;
	m->renew_timer.fn = mon_on_renew_timer;
	m->request_timer.fn = mon_on_request_timer;
	m->requests_end = &m->requests;
	mon_targets_init(m);
	mon_tickets_init(m);
	mon_subs_init(m);
	m->opts.addrs = NULL; /* were the caller's */
	m->opts.entity = NULL;
	*out = m;
	return 0;
}

void mon_start(struct mon *m)
{
	uint64_t now = ring_now_fresh(m->ring);

	if (m->started)
		return;
	m->started = true;
	ring_timer_set(m->ring, &m->deadline,
		       now + (m->opts.timeout_ns ? m->opts.timeout_ns : MON_TIMEOUT_NS));
	ring_timer_set(m->ring, &m->hunt_timer, now);
}

static void stop(struct mon *m)
{
	ring_timer_clear(m->ring, &m->deadline);
	ring_timer_clear(m->ring, &m->renew_timer);
	ring_timer_clear(m->ring, &m->request_timer);
	mon_hunt_end(m);
	if (m->session)
		mon_try_free(m->session);
	m->session = NULL;
}

void mon_leave(struct mon *m)
{
	if (--m->depth || !m->dead)
		return;
	mon_tickets_fini(m);
	mem_free(m->fsmap, sizeof *m->fsmap);
	crypto_wipe(&m->opts.key, sizeof m->opts.key);
	mem_free(m, sizeof *m);
}

void mon_free(struct mon *m)
{
	if (!m || m->dead)
		return;
	mon_enter(m);
	m->dead = true;
	stop(m);
	mon_requests_end(m, -ECANCELED);
	mon_leave(m);
}

void mon_fail(struct mon *m, int err, const char *why)
{
	m->failed = true;
	stop(m);
	log_emit(m->log, LOG_ERROR, "mon: %s", why);
	mon_requests_end(m, err);
	if (!m->dead && m->ops->failed)
		m->ops->failed(m->arg, err, why);
}

struct msg *mon_msg(struct mon *m, uint16_t type, uint16_t version, uint64_t tid)
{
	struct msg *msg = m->session ? msg_new(type, version, 1, tid) : NULL;

	if (m->session && !msg)
		log_emit(m->log, LOG_ERROR, "mon: no memory for a message of type %u", type);
	return msg;
}

void mon_send(struct mon *m, struct msg *msg)
{
	conn_send(m->session->conn, msg);
}

void mon_opened(struct mon *m)
{
	char label[MON_LABEL_MAX];
	struct conn_info info;

	conn_info(m->session->conn, &info);
	log_emit(m->log, LOG_INFO, "mon: %s logged in at %s as client.%llu (%s, %s)", m->entity,
		 mon_label(m->session->name, &m->session->addr, label), (unsigned long long)m->global_id,
		 m->method == AUTH_METHOD_NONE ? "auth none" : "cephx",
		 info.mode == CON_MODE_SECURE ? "secure" : "crc");
	m->logged_in = true;
	mon_subs_send(m);
	mon_requests_send(m, true);
	if (m->ready && m->ops->tickets)
		m->ops->tickets(m->arg);
}

static void name_session(struct mon *m)
{
	for (unsigned i = 0; i < m->target_count; i++)
		if (addr_equal(&m->target[i].addr, &m->session->addr))
			memcpy(m->session->name, m->target[i].name, sizeof m->session->name);
}

static int monmap_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct dec body = dec_blob(&d);
	struct monmap *fresh = mem_alloc(sizeof *fresh);
	int err = 0;

	if (!fresh)
		return 0; /* the old one stays; the next change brings another */
	if (d.err || monmap_decode(&body, fresh)) {
		err = -EBADMSG;
	} else if (m->monmap.epoch && memcmp(fresh->fsid, m->monmap.fsid, sizeof fresh->fsid)) {
		log_emit(m->log, LOG_ERROR, "mon: a monitor of another cluster (other fsid) answered");
		err = -EBADMSG;
	} else if (fresh->epoch >= m->monmap.epoch) {
		m->monmap = *fresh;
		mon_targets_from_monmap(m);
		name_session(m);
	}
	mem_free(fresh, sizeof *fresh);
	return err;
}

static int monmap_arrived(struct mon *m, const struct msg_in *in)
{
	int err = monmap_message(m, in);

	if (err || m->ready || !m->monmap.epoch)
		return err;
	m->ready = true;
	ring_timer_clear(m->ring, &m->deadline);
	mon_requests_send(m, false);
	if (m->ops->ready)
		m->ops->ready(m->arg);
	return 0;
}

static int dispatch(struct mon *m, const struct msg_in *in)
{
	int err;

	switch (in->type) {
	case MSG_MON_MAP:
		err = monmap_arrived(m, in);
		if (!err && !m->dead)
			err = mon_map_message(m, in);
		return err;
	case MSG_AUTH_REPLY:
		return mon_renewal_reply(m, in);
	case MSG_STATFS_REPLY:
	case MSG_MON_GET_VERSION_REPLY:
		return mon_request_message(m, in);
	case MSG_MON_SUBSCRIBE_ACK:
		return 0; /* sent to clients that do not keep their subscriptions */
	default:
		return mon_map_message(m, in);
	}
}

void mon_message(struct mon_try *t, const struct msg_in *in)
{
	struct mon *m = t->mon;
	char why[96];
	int err;

	if (t != m->session)
		return;
	err = dispatch(m, in);
	if (m->dead || t != m->session)
		return;
	if (err == -ENOMSG)
		log_emit(m->log, LOG_DEBUG, "mon: message of type %u is not for us", in->type);
	if (err == -EBADMSG) {
		snprintf(why, sizeof why, "a message of type %u version %u that makes no sense", in->type,
			 in->version);
		mon_session_drop(m, why);
	}
}

uint64_t *mon_global_id(struct mon *m)
{
	return &m->global_id;
}

uint64_t *mon_global_seq(struct mon *m)
{
	return &m->global_seq;
}

const struct monmap *mon_monmap(const struct mon *m)
{
	return &m->monmap;
}

void mon_info(const struct mon *m, struct mon_info *out)
{
	static const uint32_t services[] = { ENTITY_AUTH, ENTITY_MDS, ENTITY_OSD, ENTITY_MGR };

	*out = (struct mon_info){
		.hunts = m->hunts,
		.renewals = m->renewals,
		.now_ns = ring_now(m->ring),
		.key_type = m->method == AUTH_METHOD_NONE ? 0 : m->opts.key.type,
	};
	if (m->session) {
		memcpy(out->current, m->session->name, sizeof out->current);
		conn_info(m->session->conn, &out->conn);
	}
	for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++) {
		const struct cephx_ticket *t = cephx_ticket_find(&m->tickets, services[i]);

		out->ticket_expires_ns[i] = t ? t->expires_ns : 0;
	}
}

/* data_view.c: what the data side is doing: OSD sessions, requests and what they wait for, counters. */
#include "data_cache.h"
#include "dump.h"

enum { VIEW_REQUESTS_MAX = 10000 };

static void session_view(void *arg, const struct osd_session_info *s)
{
	json_t *o = json_object();

	view_set(o, "osd", json_integer(s->osd));
	view_set(o, "requests", view_number(s->requests));
	view_set(o, "backoffs", view_number(s->backoffs));
	view_set(o, "connection", view_conn(&s->conn));
	json_array_append_new(arg, o);
}

struct listing {
	json_t *list;
	uint64_t now_ns;
};

static json_t *ops_view(const struct osd_req *q)
{
	json_t *list = json_array();

	for (unsigned n = 0; n < q->op_count; n++)
		json_array_append_new(list, json_string(osd_op_name(q->op[n].code)));
	return list;
}

static void request_view(void *arg, const struct osd_req *q)
{
	struct listing *l = arg;
	json_t *o;

	if (json_array_size(l->list) >= VIEW_REQUESTS_MAX)
		return;
	o = json_object();
	view_set(o, "tid", view_number(q->id.tid));
	view_set(o, "ops", ops_view(q));
	view_set(o, "pool", json_integer((json_int_t)q->pool));
	view_set(o, "namespace", view_name((const char *)q->nspace.p, q->nspace.len));
	view_set(o, "object", view_name(q->name, q->name_len));
	view_set(o, "bytes", view_number(q->bulk_len + (uint64_t)q->dest_len));
	view_set(o, "state", json_string(osd_req_state_name(q->state)));
	view_set(o, "why", json_string(osd_req_why_name(q->why)));
	view_set(o, "osd", json_integer(q->target.known ? q->target.osd : -1));
	view_set(o, "attempts", json_integer(q->attempt + 1));
	view_set(o, "age_s",
		 json_real(l->now_ns > q->begun_ns ? (double)(l->now_ns - q->begun_ns) / 1e9 : 0));
	json_array_append_new(l->list, o);
}

json_t *view_data(cephring_mount *mt)
{
	struct listing l = { json_array(), ring_now(mt->meta.ring) };
	json_t *o = json_object(), *sessions = json_array();
	struct osdc_info info = { 0 };

	if (mt->data.osdc) {
		osdc_info(mt->data.osdc, &info);
		osdc_each_session(mt->data.osdc, session_view, sessions);
		osdc_each_req(mt->data.osdc, request_view, &l);
	}
	view_set(o, "begun", json_boolean(mt->data.osdc != NULL));
	view_set(o, "epoch", view_number(info.epoch));
	view_set(o, "barrier", view_number(info.barrier));
	view_set(o, "blocklisted", json_boolean(info.blocklisted));
	view_set(o, "waiting_for_room", view_number(info.room));
	view_set(o, "parked", view_number(info.parked));
	view_set(o, "detached", view_number(mt->meta.data_detached));
	view_set(o, "held", view_number(info.held));
	view_set(o, "sent", view_number(info.sent));
	view_set(o, "bytes_in_flight", view_number(info.sent_bytes));
	view_set(o, "resends", view_number(info.stats.resends));
	view_set(o, "backoffs", view_number(info.stats.backoffs));
	view_set(o, "maps", view_number(info.stats.maps));
	view_set(o, "incremental_maps", view_number(info.stats.incrementals));
	view_set(o, "full_maps", view_number(info.stats.fulls));
	view_set(o, "map_gaps", view_number(info.stats.gaps));
	view_set(o, "sessions", sessions);
	view_set(o, "requests", l.list);
	return o;
}

static void look_mode(void *arg, const struct osd_session_info *s)
{
	*(bool *)arg |= s->conn.mode == CON_MODE_CRC;
}

void data_stats(cephring_mount *mt, struct cephring_stats *s)
{
	const struct data_side *d = &mt->data;
	struct osdc_info info;
	bool plain = false;

	s->reads = d->reads;
	s->writes = d->writes;
	s->read_bytes = d->read_bytes;
	s->written_bytes = d->written_bytes;
	data_cache_stats(mt, s);
	if (!d->osdc)
		return;
	osdc_info(d->osdc, &info);
	osdc_each_session(d->osdc, look_mode, &plain);
	s->osd_ops = info.stats.requests;
	s->osd_resends = info.stats.resends;
	s->osd_read_bytes = info.stats.read_bytes;
	s->osd_written_bytes = info.stats.write_bytes;
	/* One mount's connections are all of one mode, but while a cluster is being changed over. */
	*(plain ? &s->copied_small : &s->copied_secure) = info.stats.copied_in + info.stats.copied_out;
}

/* dump.c: debug views as JSON: what a person asks first when something hangs. */
#include "dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DUMP_CAPS_MAX = 10000 };

void view_set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

/* Names need not be UTF-8; JSON must. */
json_t *view_name(const char *s, size_t len)
{
	json_t *o = json_stringn(s, len);
	char hex[2 * 64 + 8] = "hex:";
	size_t n = len < 64 ? len : 64;

	if (o)
		return o;
	for (size_t k = 0; k < n; k++)
		snprintf(hex + 4 + 2 * k, 3, "%02x", (unsigned char)s[k]);
	return json_string(hex);
}

json_t *view_number(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static const char *mode_name(uint32_t mode)
{
	return mode == CON_MODE_SECURE ? "secure" : mode == CON_MODE_CRC ? "crc" : "none";
}

json_t *view_conn(const struct conn_info *c)
{
	char text[ADDR_TEXT_MAX];
	json_t *o = json_object();

	view_set(o, "state", json_string(c->state ? c->state : "closed"));
	view_set(o, "mode", json_string(mode_name(c->mode)));
	view_set(o, "peer", json_string(addr_text(&c->peer, text)));
	view_set(o, "self", json_string(addr_text(&c->self, text)));
	view_set(o, "peer_features", json_sprintf("0x%llx", (unsigned long long)c->peer_features));
	view_set(o, "in_seq", view_number(c->in_seq));
	view_set(o, "out_seq", view_number(c->out_seq));
	view_set(o, "acked_seq", view_number(c->acked_seq));
	view_set(o, "reconnects", view_number(c->reconnects));
	view_set(o, "sent", view_number(c->sent));
	view_set(o, "received", view_number(c->received));
	view_set(o, "sent_bytes", view_number(c->sent_bytes));
	view_set(o, "received_bytes", view_number(c->received_bytes));
	return o;
}

static json_t *mon_view(struct mon *mon)
{
	const struct monmap *map = mon_monmap(mon);
	json_t *o = json_object(), *list = json_array();
	char text[ADDR_TEXT_MAX];
	struct mon_info info;

	mon_info(mon, &info);
	view_set(o, "current", json_string(info.current));
	view_set(o, "connection", view_conn(&info.conn));
	view_set(o, "hunts", view_number(info.hunts));
	view_set(o, "ticket_renewals", view_number(info.renewals));
	view_set(o, "key", json_string(info.key_type == 2 ? "aes256k" : info.key_type == 1 ? "aes" : "none"));
	for (uint32_t n = 0; map && n < map->count; n++) {
		const struct entity_addr *a = addrvec_msgr2(&map->mon[n].addrs);
		json_t *m = json_object();

		view_set(m, "name", json_string(map->mon[n].name));
		view_set(m, "addr", json_string(a ? addr_text(a, text) : "no msgr2 address"));
		json_array_append_new(list, m);
	}
	view_set(o, "epoch", view_number(map ? map->epoch : 0));
	view_set(o, "monitors", list);
	return o;
}

static const char *state_name(int32_t state)
{
	static const char *const names[] = { "replay",       "resolve", "reconnect", "rejoin",
					     "clientreplay", "active",  "stopping" };

	return state >= MDS_STATE_REPLAY && state <= MDS_STATE_STOPPING ? names[state - MDS_STATE_REPLAY]
									: "down";
}

static json_t *map_view(const struct mdsmap *map)
{
	json_t *o = json_object(), *ranks = json_array();
	char text[ADDR_TEXT_MAX];

	view_set(o, "epoch", view_number(map->epoch));
	view_set(o, "fs_name", json_string(map->fs_name));
	view_set(o, "max_mds", view_number(map->max_mds));
	view_set(o, "session_timeout_s", view_number(map->session_timeout));
	view_set(o, "session_autoclose_s", view_number(map->session_autoclose));
	view_set(o, "max_file_size", view_number(map->max_file_size));
	for (uint32_t n = 0; n < map->rank_count; n++) {
		json_t *r;

		if (!map->rank[n].present)
			continue;
		r = json_object();
		view_set(r, "rank", view_number(n));
		view_set(r, "name", json_string(map->rank[n].name));
		view_set(r, "gid", view_number(map->rank[n].gid));
		view_set(r, "state", json_string(state_name(map->rank[n].state)));
		view_set(r, "addr", json_string(addr_text(&map->rank[n].addr, text)));
		view_set(r, "laggy", json_boolean(map->rank[n].laggy));
		json_array_append_new(ranks, r);
	}
	view_set(o, "ranks", ranks);
	return o;
}

static json_t *session_view(const struct session *s, uint64_t now)
{
	struct conn_info info;
	json_t *o = json_object();

	view_set(o, "rank", view_number((uint64_t)s->rank));
	view_set(o, "state", json_string(session_state_name(s->state)));
	view_set(o, "features", json_sprintf("0x%llx", (unsigned long long)s->features));
	view_set(o, "caps", view_number(s->cap_count));
	view_set(o, "in_flight", view_number(s->in_flight));
	view_set(o, "push_seq", view_number(s->push_seq));
	view_set(o, "renew_seq", view_number(s->renew_seq));
	view_set(o, "cap_gen", view_number(s->cap_gen));
	view_set(o, "cap_ttl_s", json_real(s->cap_ttl_ns > now ? (double)(s->cap_ttl_ns - now) / 1e9 : 0));
	view_set(o, "read_only", json_boolean(s->read_only));
	if (s->error[0])
		view_set(o, "error", json_string(s->error));
	if (s->conn) {
		conn_info(s->conn, &info);
		view_set(o, "connection", view_conn(&info));
	}
	return o;
}

static json_t *sessions_view(const struct meta *m)
{
	json_t *list = json_array();

	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			json_array_append_new(list, session_view(m->session[r], ring_now(m->ring)));
	return list;
}

static json_t *cache_view(const struct meta *m)
{
	json_t *o = json_object();

	view_set(o, "inodes", view_number(m->cache.inode_count));
	view_set(o, "dentries", view_number(m->cache.dentry_count));
	view_set(o, "negative_dentries", view_number(m->cache.negative_count));
	view_set(o, "caps", view_number(m->caps.live));
	view_set(o, "bytes", view_number(m->cache.bytes));
	view_set(o, "limit_bytes", view_number(m->cache.limit));
	view_set(o, "evictions", view_number(m->cache.evictions));
	return o;
}

static json_t *status_view(cephring_mount *mt)
{
	const struct meta *m = &mt->meta;
	char fsid[FSID_TEXT_MAX];
	json_t *o = json_object();

	view_set(o, "version", json_string(cephring_version()));
	view_set(o, "entity", json_string(mt->entity));
	view_set(o, "mounted", json_boolean(mt->mounted));
	view_set(o, "root", view_name(mt->meta.o.root, strlen(mt->meta.o.root)));
	if (mt->mon) {
		view_set(o, "global_id", view_number(*mon_global_id(mt->mon)));
		if (mon_monmap(mt->mon))
			view_set(o, "fsid", json_string(fsid_text(mon_monmap(mt->mon)->fsid, fsid)));
		view_set(o, "monitor", mon_view(mt->mon));
	}
	if (m->map)
		view_set(o, "mdsmap", map_view(m->map));
	view_set(o, "sessions", sessions_view(m));
	view_set(o, "cache", cache_view(m));
	view_set(o, "ops_in_flight", view_number(m->op_count));
	view_set(o, "requests_in_flight", view_number(m->request_count - m->unsafe_count));
	view_set(o, "requests_unsafe", view_number(m->unsafe_count));
	view_set(o, "unsafe_replies", view_number(m->stats.unsafe));
	view_set(o, "replays", view_number(m->stats.replays));
	view_set(o, "flushes", view_number(m->stats.flushes));
	return o;
}

static void request_view(void *arg, struct mreq *r)
{
	static const char *const states[] = { "new",   "waits for session", "waits for map", "sent", "unsafe",
					      "failed" };
	json_t *o = json_object();

	view_set(o, "tid", view_number(r->id.tid));
	view_set(o, "op", json_string(mds_op_name(r->op)));
	view_set(o, "state", json_string(states[r->state]));
	view_set(o, "rank", json_integer(r->session ? r->session->rank : -1));
	view_set(o, "base",
		 json_sprintf("0x%llx", (unsigned long long)(r->base ? r->base->key.ino : r->base_ino)));
	view_set(o, "path", view_name(r->path, r->path_len));
	view_set(o, "attempts", view_number(r->attempts));
	view_set(o, "forwards", view_number(r->num_fwd));
	view_set(o, "age_s", json_real(r->sent_ns ? (double)(ring_now(r->m->ring) - r->sent_ns) / 1e9 : 0));
	json_array_append_new(arg, o);
}

static json_t *caps_view(const struct meta *m)
{
	json_t *list = json_array();
	char text[CAP_TEXT_MAX];
	unsigned n = 0;

	for (int r = 0; r < MDS_RANK_MAX; r++) {
		const struct cap *c;

		if (!m->session[r])
			continue;
		TAILQ_FOREACH(c, &m->session[r]->caps, by_session)
		{
			json_t *o;

			if (n++ >= DUMP_CAPS_MAX)
				return list;
			o = json_object();
			view_set(o, "ino", json_sprintf("0x%llx", (unsigned long long)c->inode->key.ino));
			view_set(o, "rank", view_number((uint64_t)r));
			view_set(o, "auth", json_boolean(c->auth));
			view_set(o, "issued", json_string(cap_text(c->issued, text)));
			view_set(o, "implemented", json_string(cap_text(c->implemented, text)));
			view_set(o, "revoking", json_string(cap_text(c->implemented & ~c->issued, text)));
			view_set(o, "used", json_string(cap_text(caps_used(c->inode), text)));
			view_set(o, "dirty",
				 json_string(cap_text(c->inode->use ? c->inode->use->dirty : 0, text)));
			view_set(o, "flushing",
				 json_string(cap_text(c->inode->use ? c->inode->use->flushing : 0, text)));
			view_set(o, "file_wanted", json_string(cap_text(caps_file_wanted(c->inode), text)));
			view_set(o, "wanted", json_string(cap_text(caps_wanted(c->inode), text)));
			view_set(o, "retain", json_string(cap_text(caps_retain(m, c->inode), text)));
			view_set(o, "mds_wanted", json_string(cap_text(c->mds_wanted, text)));
			view_set(o, "seq", view_number(c->seq));
			view_set(o, "issue_seq", view_number(c->issue_seq));
			view_set(o, "mseq", view_number(c->mseq));
			view_set(o, "valid",
				 json_boolean(session_caps_valid(c->session, c->gen, ring_now(m->ring))));
			json_array_append_new(list, o);
		}
	}
	return list;
}

int cephring_dump(cephring_mount *mt, const char *what, char **text)
{
	json_t *root = NULL;

	*text = NULL;
	if (!strcmp(what, "status")) {
		root = status_view(mt);
	} else if (!strcmp(what, "sessions")) {
		root = sessions_view(&mt->meta);
	} else if (!strcmp(what, "requests")) {
		root = json_array();
		meta_each_request(&mt->meta, request_view, root);
	} else if (!strcmp(what, "caps")) {
		root = caps_view(&mt->meta);
	} else if (!strcmp(what, "data")) {
		root = view_data(mt);
	} else {
		return -EINVAL;
	}
	*text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	return *text ? 0 : -ENOMEM;
}

void cephring_text_free(char *text)
{
	free(text);
}

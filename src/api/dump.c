/* dump.c: debug views as JSON: what a person asks first when something hangs. */
#include "mount.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DUMP_CAPS_MAX = 10000 };

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

/* Names need not be UTF-8; JSON must. */
static json_t *name_string(const char *s, size_t len)
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

static json_t *num(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static const char *mode_name(uint32_t mode)
{
	return mode == CON_MODE_SECURE ? "secure" : mode == CON_MODE_CRC ? "crc" : "none";
}

static json_t *conn_view(const struct conn_info *c)
{
	char text[ADDR_TEXT_MAX];
	json_t *o = json_object();

	set(o, "state", json_string(c->state ? c->state : "closed"));
	set(o, "mode", json_string(mode_name(c->mode)));
	set(o, "peer", json_string(addr_text(&c->peer, text)));
	set(o, "self", json_string(addr_text(&c->self, text)));
	set(o, "peer_features", json_sprintf("0x%llx", (unsigned long long)c->peer_features));
	set(o, "in_seq", num(c->in_seq));
	set(o, "out_seq", num(c->out_seq));
	set(o, "acked_seq", num(c->acked_seq));
	set(o, "reconnects", num(c->reconnects));
	set(o, "sent", num(c->sent));
	set(o, "received", num(c->received));
	set(o, "sent_bytes", num(c->sent_bytes));
	set(o, "received_bytes", num(c->received_bytes));
	return o;
}

static json_t *mon_view(struct mon *mon)
{
	const struct monmap *map = mon_monmap(mon);
	json_t *o = json_object(), *list = json_array();
	char text[ADDR_TEXT_MAX];
	struct mon_info info;

	mon_info(mon, &info);
	set(o, "current", json_string(info.current));
	set(o, "connection", conn_view(&info.conn));
	set(o, "hunts", num(info.hunts));
	set(o, "ticket_renewals", num(info.renewals));
	set(o, "key", json_string(info.key_type == 2 ? "aes256k" : info.key_type == 1 ? "aes" : "none"));
	for (uint32_t n = 0; map && n < map->count; n++) {
		const struct entity_addr *a = addrvec_msgr2(&map->mon[n].addrs);
		json_t *m = json_object();

		set(m, "name", json_string(map->mon[n].name));
		set(m, "addr", json_string(a ? addr_text(a, text) : "no msgr2 address"));
		json_array_append_new(list, m);
	}
	set(o, "epoch", num(map ? map->epoch : 0));
	set(o, "monitors", list);
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

	set(o, "epoch", num(map->epoch));
	set(o, "fs_name", json_string(map->fs_name));
	set(o, "max_mds", num(map->max_mds));
	set(o, "session_timeout_s", num(map->session_timeout));
	set(o, "session_autoclose_s", num(map->session_autoclose));
	set(o, "max_file_size", num(map->max_file_size));
	for (uint32_t n = 0; n < map->rank_count; n++) {
		json_t *r;

		if (!map->rank[n].present)
			continue;
		r = json_object();
		set(r, "rank", num(n));
		set(r, "name", json_string(map->rank[n].name));
		set(r, "gid", num(map->rank[n].gid));
		set(r, "state", json_string(state_name(map->rank[n].state)));
		set(r, "addr", json_string(addr_text(&map->rank[n].addr, text)));
		set(r, "laggy", json_boolean(map->rank[n].laggy));
		json_array_append_new(ranks, r);
	}
	set(o, "ranks", ranks);
	return o;
}

static json_t *session_view(const struct session *s, uint64_t now)
{
	struct conn_info info;
	json_t *o = json_object();

	set(o, "rank", num((uint64_t)s->rank));
	set(o, "state", json_string(session_state_name(s->state)));
	set(o, "features", json_sprintf("0x%llx", (unsigned long long)s->features));
	set(o, "caps", num(s->cap_count));
	set(o, "in_flight", num(s->in_flight));
	set(o, "push_seq", num(s->push_seq));
	set(o, "renew_seq", num(s->renew_seq));
	set(o, "cap_gen", num(s->cap_gen));
	set(o, "cap_ttl_s", json_real(s->cap_ttl_ns > now ? (double)(s->cap_ttl_ns - now) / 1e9 : 0));
	set(o, "read_only", json_boolean(s->read_only));
	if (s->error[0])
		set(o, "error", json_string(s->error));
	if (s->conn) {
		conn_info(s->conn, &info);
		set(o, "connection", conn_view(&info));
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

	set(o, "inodes", num(m->cache.inode_count));
	set(o, "dentries", num(m->cache.dentry_count));
	set(o, "negative_dentries", num(m->cache.negative_count));
	set(o, "caps", num(m->caps.live));
	set(o, "bytes", num(m->cache.bytes));
	set(o, "limit_bytes", num(m->cache.limit));
	set(o, "evictions", num(m->cache.evictions));
	return o;
}

static json_t *status_view(cephring_mount *mt)
{
	const struct meta *m = &mt->meta;
	char fsid[FSID_TEXT_MAX];
	json_t *o = json_object();

	set(o, "version", json_string(cephring_version()));
	set(o, "entity", json_sprintf("client.%s", mt->entity_id));
	set(o, "mounted", json_boolean(mt->mounted));
	set(o, "root", name_string(mt->meta.o.root, strlen(mt->meta.o.root)));
	if (mt->mon) {
		set(o, "global_id", num(*mon_global_id(mt->mon)));
		if (mon_monmap(mt->mon))
			set(o, "fsid", json_string(fsid_text(mon_monmap(mt->mon)->fsid, fsid)));
		set(o, "monitor", mon_view(mt->mon));
	}
	if (m->map)
		set(o, "mdsmap", map_view(m->map));
	set(o, "sessions", sessions_view(m));
	set(o, "cache", cache_view(m));
	set(o, "ops_in_flight", num(m->op_count));
	set(o, "requests_in_flight", num(m->request_count - m->unsafe_count));
	set(o, "requests_unsafe", num(m->unsafe_count));
	set(o, "unsafe_replies", num(m->stats.unsafe));
	set(o, "replays", num(m->stats.replays));
	set(o, "flushes", num(m->stats.flushes));
	return o;
}

static void request_view(void *arg, struct mreq *r)
{
	static const char *const states[] = { "new",   "waits for session", "waits for map", "sent", "unsafe",
					      "failed" };
	json_t *o = json_object();

	set(o, "tid", num(r->id.tid));
	set(o, "op", json_string(mds_op_name(r->op)));
	set(o, "state", json_string(states[r->state]));
	set(o, "rank", json_integer(r->session ? r->session->rank : -1));
	set(o, "base",
	    json_sprintf("0x%llx", (unsigned long long)(r->base ? r->base->key.ino : r->base_ino)));
	set(o, "path", name_string(r->path, r->path_len));
	set(o, "attempts", num(r->attempts));
	set(o, "forwards", num(r->num_fwd));
	set(o, "age_s", json_real(r->sent_ns ? (double)(ring_now(r->m->ring) - r->sent_ns) / 1e9 : 0));
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
			set(o, "ino", json_sprintf("0x%llx", (unsigned long long)c->inode->key.ino));
			set(o, "rank", num((uint64_t)r));
			set(o, "auth", json_boolean(c->auth));
			set(o, "issued", json_string(cap_text(c->issued, text)));
			set(o, "implemented", json_string(cap_text(c->implemented, text)));
			set(o, "revoking", json_string(cap_text(c->implemented & ~c->issued, text)));
			set(o, "used", json_string(cap_text(caps_used(c->inode), text)));
			set(o, "dirty",
			    json_string(cap_text(c->inode->use ? c->inode->use->dirty : 0, text)));
			set(o, "flushing",
			    json_string(cap_text(c->inode->use ? c->inode->use->flushing : 0, text)));
			set(o, "file_wanted", json_string(cap_text(caps_file_wanted(c->inode), text)));
			set(o, "wanted", json_string(cap_text(caps_wanted(c->inode), text)));
			set(o, "retain", json_string(cap_text(caps_retain(m, c->inode), text)));
			set(o, "mds_wanted", json_string(cap_text(c->mds_wanted, text)));
			set(o, "seq", num(c->seq));
			set(o, "issue_seq", num(c->issue_seq));
			set(o, "mseq", num(c->mseq));
			set(o, "valid",
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

/* mon_subs.c: subscriptions: which maps we want, from which epoch on.
 *
 * The monitor remembers them as long as the session lives and pushes each new map. Every new session gets the
 * whole list again, each with the epoch after the newest one seen, so nothing is missed and nothing comes
 * twice. The monmap and the configuration are subscribed for ourselves.
 */
#include "mon_impl.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBSCRIBE_VERSION = 3, CONFIG_TEXT_MAX = 4096 };

static struct mon_sub_entry *sub_find(struct mon *m, const char *what)
{
	for (unsigned i = 0; i < m->sub_count; i++)
		if (!strcmp(m->sub[i].what, what))
			return &m->sub[i];
	return NULL;
}

static struct mon_sub_entry *sub_add(struct mon *m, const char *what)
{
	struct mon_sub_entry *s;

	if (m->sub_count == MON_SUBS_MAX)
		return NULL;
	s = &m->sub[m->sub_count++];
	memset(s, 0, sizeof *s);
	snprintf(s->what, sizeof s->what, "%s", what);
	return s;
}

static void sub_remove(struct mon *m, struct mon_sub_entry *s)
{
	size_t at = (size_t)(s - m->sub);

	memmove(s, s + 1, (m->sub_count - at - 1) * sizeof *s);
	m->sub_count--;
}

void mon_subs_init(struct mon *m)
{
	sub_add(m, "config")->ours = true;
	sub_add(m, "monmap")->ours = true;
}

static void send(struct mon *m, const struct mon_sub_entry *subs, unsigned count)
{
	struct mon_sub list[MON_SUBS_MAX];
	struct msg *msg = mon_msg(m, MSG_MON_SUBSCRIBE, SUBSCRIBE_VERSION, 0);

	if (!msg)
		return;
	for (unsigned i = 0; i < count; i++)
		list[i] = (struct mon_sub){ subs[i].what, subs[i].next, subs[i].onetime };
	subscribe_encode(&msg->front, list, count, m->host);
	mon_send(m, msg);
}

/* Ours go first in a message of their own: so the monmap comes before the other maps, and `ready` before
 * their callbacks. They are the first two of the list. */
void mon_subs_send(struct mon *m)
{
	unsigned ours = 0;

	while (ours < m->sub_count && m->sub[ours].ours)
		ours++;
	send(m, m->sub, ours);
	if (m->sub_count > ours)
		send(m, m->sub + ours, m->sub_count - ours);
}

int mon_subscribe(struct mon *m, const char *what, uint64_t start, bool onetime)
{
	struct mon_sub_entry *s;

	if (!what[0] || strlen(what) >= MON_SUB_NAME)
		return -EINVAL;
	s = sub_find(m, what);
	if (!s)
		s = sub_add(m, what);
	if (!s)
		return log_fail(m->log, -ENOSPC, "mon: more than %d subscriptions", MON_SUBS_MAX);
	if (s->ours)
		return 0; /* goes on as it is: every new one is told anyway */
	s->next = start;
	s->onetime = onetime;
	if (m->session)
		send(m, s, 1);
	return 0;
}

/* The monitor has no word for it: what still comes is dropped here, and the next session does not ask for it.
 */
void mon_unsubscribe(struct mon *m, const char *what)
{
	struct mon_sub_entry *s = sub_find(m, what);

	if (s && !s->ours)
		sub_remove(m, s);
}

/* ---- arrivals ---- */

static void sub_got(struct mon *m, struct mon_sub_entry *s, uint64_t epoch)
{
	if (epoch >= s->next)
		s->next = epoch + 1;
	if (s->onetime)
		sub_remove(m, s);
}

static const char *fs_name(const struct mon *m, int fscid)
{
	for (uint32_t i = 0; m->fsmap && i < m->fsmap->count; i++)
		if (m->fsmap->fs[i].fscid == fscid)
			return m->fsmap->fs[i].name;
	return NULL;
}

/* The file system that a subscription is for: its name, or NULL: there is none. */
static const char *sub_fs(const struct mon *m, const struct mon_sub_entry *s)
{
	return fs_name(m, s->what[6] == '.' ? atoi(s->what + 7) : m->fsmap->legacy_fscid);
}

/* An mdsmap says the name of its file system, a subscription its number: fsmap.user joins them. With one
 * subscription there is nothing to choose. */
static struct mon_sub_entry *mdsmap_sub(struct mon *m, const char *name)
{
	struct mon_sub_entry *only = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < m->sub_count; i++) {
		struct mon_sub_entry *s = &m->sub[i];
		const char *known;

		if (strncmp(s->what, "mdsmap", 6))
			continue;
		count++;
		only = s;
		known = m->fsmap ? sub_fs(m, s) : NULL;
		if (known && !strcmp(known, name))
			return s;
	}
	return count == 1 ? only : NULL;
}

/* What a monitor sends where there is no file system: epoch 0, or the largest there is. It counts as no epoch
 * that was seen. */
static bool is_null_map(const struct mdsmap *map)
{
	return map->epoch == 0 || map->epoch == UINT32_MAX;
}

static int mdsmap_take(struct mon *m, struct dec *body)
{
	struct mdsmap *map = mem_alloc(sizeof *map);
	struct mon_sub_entry *s;
	bool nothing;
	int err = 0;

	if (!map)
		return log_fail(m->log, -ENOMEM, "mon: no memory for an mdsmap");
	if (mdsmap_decode(body, map)) {
		err = -EBADMSG;
		goto out;
	}
	s = mdsmap_sub(m, map->fs_name);
	nothing = is_null_map(map);
	if (!s || (nothing ? s->gone : map->epoch < s->next))
		goto out;
	s->gone = nothing;
	if (!nothing)
		sub_got(m, s, map->epoch);
	if (m->ops->mdsmap)
		m->ops->mdsmap(m->arg, nothing ? NULL : map);
out:
	mem_free(map, sizeof *map);
	return err;
}

static int mdsmap_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len), body;
	struct mdsmap_msg head;

	if (mdsmap_msg_decode(&d, in->version, &head))
		return -EBADMSG;
	body = dec_init(head.map.p, head.map.len);
	return mdsmap_take(m, &body);
}

/* The monitor says nothing to who watches a file system that is removed, and forgets who was told that there
 * is none: the fsmap tells both. */
static void fs_changes(struct mon *m)
{
	for (unsigned i = 0; i < m->sub_count && !m->dead; i++) {
		struct mon_sub_entry *s = &m->sub[i];
		const char *name = strncmp(s->what, "mdsmap", 6) ? NULL : sub_fs(m, s);

		if (strncmp(s->what, "mdsmap", 6) || s->gone == !name)
			continue;
		s->gone = !name;
		if (name) {
			s->next = 0;
			send(m, s, 1);
		} else if (m->ops->mdsmap) {
			m->ops->mdsmap(m->arg, NULL);
			i = UINT32_MAX; /* the list may be another now; what was told is marked */
		}
	}
}

static int fsmap_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct fsmap_user *map = mem_alloc(sizeof *map);
	struct mon_sub_entry *s = sub_find(m, "fsmap.user");

	if (!map)
		return log_fail(m->log, -ENOMEM, "mon: no memory for an fsmap");
	if (fsmap_user_decode(&d, map)) {
		mem_free(map, sizeof *map);
		return -EBADMSG;
	}
	if (!s || map->epoch < s->next) {
		mem_free(map, sizeof *map);
		return 0;
	}
	sub_got(m, s, map->epoch);
	mem_free(m->fsmap, sizeof *m->fsmap);
	m->fsmap = map;
	if (m->ops->fsmap)
		m->ops->fsmap(m->arg, map);
	if (!m->dead)
		fs_changes(m);
	return 0;
}

static int osdmap_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct mon_sub_entry *s = sub_find(m, "osdmap");
	struct osdmap_msg head;

	if (osdmap_msg_decode(&d, in->version, &head))
		return -EBADMSG;
	if (!s)
		return 0;
	sub_got(m, s, head.newest);
	if (m->ops->osdmap)
		m->ops->osdmap(m->arg, in, &head);
	return 0;
}

static void config_each(void *arg, struct slice key, struct slice value)
{
	struct mon *m = arg;
	char k[NAME_MAX_LEN * 2], v[CONFIG_TEXT_MAX];

	if (m->dead || key.len >= sizeof k || value.len >= sizeof v)
		return;
	memcpy(k, key.p, key.len);
	k[key.len] = 0;
	memcpy(v, value.p, value.len);
	v[value.len] = 0;
	log_emit(m->log, LOG_DEBUG, "mon: the cluster's configuration has %s = %s", k, v);
	if (m->ops->config)
		m->ops->config(m->arg, k, v);
}

static int config_message(struct mon *m, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);

	return config_decode(&d, config_each, m);
}

int mon_map_message(struct mon *m, const struct msg_in *in)
{
	switch (in->type) {
	case MSG_MON_MAP:
		sub_got(m, sub_find(m, "monmap"), m->monmap.epoch);
		return 0;
	case MSG_MDS_MAP:
		return mdsmap_message(m, in);
	case MSG_FS_MAP_USER:
		return fsmap_message(m, in);
	case MSG_OSD_MAP:
		return osdmap_message(m, in);
	case MSG_CONFIG:
		return config_message(m, in);
	default:
		return -ENOMSG;
	}
}

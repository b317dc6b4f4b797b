/* map_changes.h: changes of the OSD map by the hundred, made by a thread of its own through librados: each
 * costs a few milliseconds there, and a second as a command of the shell.
 *
 * No change takes data away for good: weights, upmaps, pg_temp and affinities only move who serves it, flags
 * only hold it up, and pools that come and go are nobody's. What is missing is primary_temp: with it an OSD
 * of Ceph 16 died once ("corrupted size vs. prev_size"). Why was not found; a guess is a primary_temp that
 * names an OSD which is not in the set any more. */
#pragma once
#include <inttypes.h>
#include <pthread.h>
#include <rados/librados.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>
#include "tap.h"

struct map_changes {
	int64_t pool; /* whose placement groups are moved; OSDs are 0, 1 and 2 */
	unsigned pgs, count;
	bool harmless; /* only what nobody who reads or writes would notice */
	unsigned made, refused;
	char why[256]; /* of the first refused */
	atomic_bool ended;
	pthread_t thread;
};

static rados_t map_cluster; /* connected once */

/* A monitor's command in JSON; 0 or a negative errno. */
static inline int mon_says(const char *command, char *why, size_t room)
{
	size_t out_len = 0, words_len = 0;
	char *out = NULL, *words = NULL;
	int r = rados_mon_command(map_cluster, &command, 1, "", 0, &out, &out_len, &words, &words_len);

	if (why)
		snprintf(why, room, "%s: %.*s", command, (int)words_len, words_len ? words : "");
	rados_buffer_free(out);
	rados_buffer_free(words);
	return r;
}

/* By this machine's librados, as the old client (second.h). */
static inline void map_changes_connect(void)
{
	char ring[4096];

	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	if (rados_create(&map_cluster, "second") || rados_conf_read_file(map_cluster, getenv("CEPH_CONF")) ||
	    rados_conf_set(map_cluster, "keyring", ring) || rados_connect(map_cluster))
		tap_die("librados connects");
	if (mon_says("{\"prefix\":\"osd set-require-min-compat-client\",\"version\":\"luminous\","
		     "\"yes_i_really_mean_it\":true}",
		     NULL, 0))
		tap_die("upmaps are allowed");
}

__attribute__((format(printf, 2, 3))) static inline void change(struct map_changes *c, const char *fmt, ...)
{
	char command[256], why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	c->made++;
	if (mon_says(command, why, sizeof why) && !c->refused++)
		memcpy(c->why, why, sizeof why);
}

static inline void change_flag(struct map_changes *c, unsigned n)
{
	change(c, "{\"prefix\":\"osd %s\",\"key\":\"noscrub\"}", n & 1 ? "unset" : "set");
}

/* Each is undone by a later one, or by the end. */
static inline void change_nth(struct map_changes *c, unsigned n)
{
	unsigned round = n / 16, osd = round % 3, other = (osd + 1 + round / 3 % 2) % 3, pg = round % c->pgs;

	switch (n % 16) {
	case 0:
	case 8:
		change(c, "{\"prefix\":\"osd primary-affinity\",\"id\":%u,\"weight\":%u.0}", osd, n % 16 / 8);
		break;
	case 1:
		change(c, "{\"prefix\":\"osd pg-upmap\",\"pgid\":\"%" PRId64 ".%x\",\"id\":[%u,%u]}", c->pool,
		       pg, osd, other);
		break;
	case 9:
		change(c, "{\"prefix\":\"osd rm-pg-upmap\",\"pgid\":\"%" PRId64 ".%x\"}", c->pool, pg);
		break;
	case 2:
	case 10:
		change(c, "{\"prefix\":\"osd pg-upmap-items\",\"pgid\":\"%" PRId64 ".%x\",\"id\":[%u,%u]}",
		       c->pool, (pg + 1) % c->pgs, osd, other);
		break;
	case 4:
	case 12:
		change(c, "{\"prefix\":\"osd pg-temp\",\"pgid\":\"%" PRId64 ".%x\",\"id\":[%u,%u]}", c->pool,
		       (pg + 2) % c->pgs, other, osd);
		break;
	case 5:
	case 13:
		change(c, "{\"prefix\":\"osd reweight\",\"id\":%u,\"weight\":%s}", other,
		       n % 16 == 5 ? "0.5" : "1.0");
		break;
	case 6:
	case 14:
		change(c, "{\"prefix\":\"osd crush reweight\",\"name\":\"osd.%u\",\"weight\":%s}", osd,
		       n % 16 == 6 ? "0.3" : "1.0");
		break;
	case 7:
		change(c, "{\"prefix\":\"osd %s\",\"ids\":[\"osd.%u\"]}", round & 1 ? "in" : "out",
		       round / 2 % 3);
		break;
	case 15:
		if (round % 4 == 2)
			change(c, "{\"prefix\":\"osd pool create\",\"pool\":\"passing\",\"pg_num\":1}");
		else if (round % 4 == 3)
			change(c, "{\"prefix\":\"osd pool rm\",\"pool\":\"passing\",\"pool2\":\"passing\","
				  "\"yes_i_really_really_mean_it\":true}");
		else
			change(c, "{\"prefix\":\"osd %s\",\"key\":\"pause\"}", round & 1 ? "unset" : "set");
		break;
	default:
		change_flag(c, n / 8);
	}
}

/* What a round left behind. */
static inline void changes_undo(struct map_changes *c)
{
	change(c, "{\"prefix\":\"osd unset\",\"key\":\"pause\"}");
	change(c, "{\"prefix\":\"osd unset\",\"key\":\"noscrub\"}");
	for (unsigned n = 0; n < 3; n++) {
		change(c, "{\"prefix\":\"osd in\",\"ids\":[\"osd.%u\"]}", n);
		change(c, "{\"prefix\":\"osd primary-affinity\",\"id\":%u,\"weight\":1.0}", n);
		change(c, "{\"prefix\":\"osd reweight\",\"id\":%u,\"weight\":1.0}", n);
		change(c, "{\"prefix\":\"osd crush reweight\",\"name\":\"osd.%u\",\"weight\":1.0}", n);
	}
}

static inline void *changes_thread(void *arg)
{
	struct map_changes *c = arg;

	for (unsigned n = 0; n < c->count; n++)
		if (c->harmless)
			change_flag(c, n);
		else
			change_nth(c, n);
	changes_undo(c);
	atomic_store(&c->ended, true);
	return NULL;
}

static inline void map_changes_begin(struct map_changes *c)
{
	c->made = c->refused = 0;
	atomic_store(&c->ended, false);
	if (pthread_create(&c->thread, NULL, changes_thread, c))
		tap_die("a thread");
}

/* It must have said that it ended. */
static inline void map_changes_end(struct map_changes *c, const char *name)
{
	pthread_join(c->thread, NULL);
	if (!tap_eq(c->refused, 0, name))
		tap_note("%s", c->why);
	tap_note("%u changes", c->made);
}

/* ours.h: our client under hard conditions: mounts that may fail, with the time they took and what they said;
 * the client's view of itself; operations in flight; and its TCP connections, which a test may break.
 *
 * A connection is broken from inside, by its descriptor: connect() to nowhere resets it at once and throws
 * away what either side had not read yet, as a lost network would. */
#pragma once
#include <jansson.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "both.h"

struct ours {
	cephring_engine *engine;
	cephring_config *config;
	cephring_mount *mount;
	int res;
	double took_s;
	char words[2048]; /* of the mount's failure, or the configuration's */
};

static inline cephring_engine *ours_engine(void)
{
	cephring_engine *e;
	char why[256];

	if (cephring_engine_new(NULL, &e, why, sizeof why))
		tap_die(why);
	return e;
}

/* `options`: pairs ended by NULL, or NULL. The result is in o->res too; ours_end() must follow whatever it
 * is. */
static inline int ours_mount(struct ours *o, const char *const *options,
			     const struct cephring_mount_opts *more)
{
	struct cephring_mount_opts opts = { .size = sizeof opts };
	uint64_t start;

	*o = (struct ours){ .engine = ours_engine() };
	if (more)
		opts = *more;
	opts.size = sizeof opts;
	cephring_config_new(&o->config);
	for (; options && *options && !o->res; options += 2)
		o->res = cephring_config_set(o->config, options[0], options[1]);
	if (!o->res)
		o->res = cephring_config_load(o->config);
	if (o->res) {
		snprintf(o->words, sizeof o->words, "%s", cephring_config_error(o->config));
		return o->res;
	}
	start = now_ns();
	o->res = cephring_sync_mount(o->engine, o->config, &opts, &o->mount);
	o->took_s = (double)(now_ns() - start) / 1e9;
	if (o->res && o->mount)
		snprintf(o->words, sizeof o->words, "%s", cephring_strerror(o->mount, o->res));
	return o->res;
}

static inline void ours_end(struct ours *o)
{
	if (o->mount)
		tap_eq(cephring_sync_unmount(o->mount), 0, "unmount");
	tap_eq(cephring_engine_free(o->engine), 0, "the engine is freed");
	cephring_config_free(o->config);
}

/* A mount that must fail so, with words that hold all of `said` (ended by NULL). */
static inline void ours_refused(const char *const *options, const struct cephring_mount_opts *more, int want,
				const char *const *said, const char *name)
{
	struct ours o;
	int good = 1;

	tap_eq(ours_mount(&o, options, more), want, name);
	for (; *said; said++)
		good &= strstr(o.words, *said) != NULL;
	tap_ok(good, "%s: in words", name);
	tap_note("%.2f s: %s", o.took_s, o.words);
	ours_end(&o);
}

/* ---- what it says of itself ---- */

static inline json_t *our_view(cephring_mount *m, const char *what)
{
	json_t *root;
	char *text;

	if (cephring_dump(m, what, &text))
		tap_die("a view");
	root = json_loads(text, 0, NULL);
	cephring_text_free(text);
	return root;
}

static inline int our_number(cephring_mount *m, const char *format, const char *a, const char *b)
{
	json_t *v = our_view(m, "status");
	int n = -1;

	if (b)
		json_unpack(v, format, a, b, &n);
	else
		json_unpack(v, format, a, &n);
	json_decref(v);
	return n;
}

static inline void our_monitor(cephring_mount *m, char name[64])
{
	json_t *v = our_view(m, "status");
	const char *now = "";

	json_unpack(v, "{s:{s:s}}", "monitor", "current", &now);
	snprintf(name, 64, "%s", now);
	json_decref(v);
}

/* A member of the session with rank 0, or of its connection; -1: there is none. */
static inline double our_session(cephring_mount *m, const char *key)
{
	json_t *v = our_view(m, "sessions"), *s = json_array_get(v, 0), *found = json_object_get(s, key);
	double n = -1;

	if (!found)
		found = json_object_get(json_object_get(s, "connection"), key);
	if (json_is_number(found))
		n = json_number_value(found);
	json_decref(v);
	return n;
}

static inline long long our_id(cephring_mount *m)
{
	json_t *v = our_view(m, "status");
	json_int_t id = 0;

	json_unpack(v, "{s:I}", "global_id", &id);
	json_decref(v);
	return id;
}

/* Where rank 0 listens. */
static inline int our_mds_port(cephring_mount *m)
{
	json_t *v = our_view(m, "status");
	const char *addr = "", *colon;
	int port;

	json_unpack(v, "{s:{s:[{s:s}]}}", "mdsmap", "ranks", "addr", &addr);
	colon = strrchr(addr, ':');
	port = colon ? atoi(colon + 1) : -1;
	json_decref(v);
	return port;
}

/* ---- TCP ---- */

/* Breaks this process's connections to `port` of loopback, libcephfs's too; how many. */
static inline int sever(int port)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int n = 0;

	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in to;
		socklen_t len = sizeof to;

		if (getpeername(fd, (struct sockaddr *)&to, &len) || to.sin_family != AF_INET ||
		    ntohs(to.sin_port) != port)
			continue;
		n += connect(fd, &nowhere, sizeof nowhere) == 0;
	}
	return n;
}

/* ---- operations in flight ---- */

struct asked {
	struct cephring_op op;
	struct cephring_statx st;
	char path[128];
	int64_t res;
	unsigned calls;
};

static inline void asked_ended(struct cephring_op *op, int64_t res, void *user)
{
	struct asked *a = user;

	(void)op;
	a->res = res;
	a->calls++;
}

/* What `a->path` is, asked of the MDS. `deadline_ms` 0: none. */
static inline int ask(cephring_mount *m, struct asked *a, int flags, unsigned deadline_ms)
{
	a->calls = 0;
	a->res = 1;
	if (deadline_ms)
		cephring_op_deadline(&a->op, now_ns() + deadline_ms * 1000000ull);
	return cephring_statx(m, NULL, a->path, CEPHRING_STATX_BASIC, flags, NULL, &a->st, &a->op,
			      asked_ended, a);
}

static inline unsigned answered(const struct asked *a, unsigned count)
{
	unsigned n = 0;

	for (unsigned k = 0; k < count; k++)
		n += a[k].calls > 0;
	return n;
}

/* Serves the engine until `count` have ended, or for `ms`; whether all have. */
static inline int answers(cephring_engine *e, const struct asked *a, unsigned count, unsigned ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;

	while (answered(a, count) < count && now_ns() < end)
		both_turn(e, -1, 50);
	return answered(a, count) == count;
}

/* Serves the engine for a while, whatever happens. */
static inline void serve(cephring_engine *e, unsigned ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;

	while (now_ns() < end)
		both_turn(e, -1, 50);
}

/* ---- a tree to ask about ---- */

struct plant {
	const char *dir;
	int count;
};

/* Files 0, 1, ... in one directory. */
static inline int plant_files(struct ceph_mount_info *cm, void *arg)
{
	const struct plant *p = arg;
	int err = their_rm_r(cm, p->dir);

	if (!err)
		err = ceph_mkdirs(cm, p->dir, 0755);
	for (int n = 0; n < p->count && !err; n++) {
		char path[128];

		snprintf(path, sizeof path, "%s/%d", p->dir, n);
		err = their_create(cm, path, 0644);
	}
	return err;
}

/* The same by a client that comes and goes. */
static inline void plant_now(const char *dir, int count)
{
	struct plant p = { dir, count };
	struct ceph_mount_info *cm;

	if (second_mount(&cm) || plant_files(cm, &p))
		tap_die("libcephfs makes the files");
	second_unmount(cm);
}

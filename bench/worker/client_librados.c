/* client_librados.c: the floor of file data: librados on the file system's pool, with objects of 4 MiB named
 * as a file's would be. It has no names, no caps and no cache, so of client.h it has what these rows need; a
 * file is a name, and creating one costs nothing. Many in flight: its asynchronous calls, from one thread. */
#include "client.h"
#include "io.h"
#include "meter.h"

#include <errno.h>
#include <rados/librados.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT = 4 << 20, NAME_MAX_ = 160 };

const char client_name[] = "librados";

struct client {
	rados_t cluster;
	rados_ioctx_t pool;
	bool connected;
};

struct client_file {
	char name[NAME_MAX_];
};

const char *client_words(struct client *c, int err)
{
	return strerror(-err);
}

int client_new(const char *conf, struct client **out)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*out = c;
	int err = rados_create(&c->cluster, NULL);
	if (!err)
		err = rados_conf_read_file(c->cluster, conf);
	return err ? err : rados_conf_parse_env(c->cluster, NULL);
}

void client_free(struct client *c)
{
	if (c && c->cluster)
		rados_shutdown(c->cluster);
	free(c);
}

/* The pool of file data: the one whose name says so. */
static int find_pool(struct client *c, char out[NAME_MAX_])
{
	static char names[4096];
	int len = rados_pool_list(c->cluster, names, sizeof(names));
	const char *given = getenv("BENCH_POOL");

	if (given) {
		snprintf(out, NAME_MAX_, "%s", given);
		return 0;
	}
	for (const char *p = names; len > 0 && *p; p += strlen(p) + 1) {
		if (!strstr(p, "data") || strstr(p, "meta") || strlen(p) >= NAME_MAX_)
			continue;
		memcpy(out, p, strlen(p) + 1);
		return 0;
	}
	return len < 0 ? len : -ENOENT;
}

int client_mount(struct client *c, const char *root, const struct client_how *how)
{
	char pool[NAME_MAX_];
	int err = rados_connect(c->cluster);

	if (!err)
		err = find_pool(c, pool);
	return err ? err : rados_ioctx_create(c->cluster, pool, &c->pool);
}

int client_unmount(struct client *c)
{
	rados_ioctx_destroy(c->pool);
	return 0;
}

int client_open(struct client *c, const char *path, int flags, uint32_t mode, struct client_file **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	snprintf((*out)->name, NAME_MAX_, "bench-%s", path);
	return 0;
}

int client_close(struct client_file *f)
{
	free(f);
	return 0;
}

/* ---- data: a run never crosses an object ---- */

static void object_of(const struct io_act *a, char out[NAME_MAX_ + 32])
{
	if (a->file)
		snprintf(out, NAME_MAX_ + 32, "%s.%08llx", a->file->name,
			 (unsigned long long)(a->offset / OBJECT));
	else
		snprintf(out, NAME_MAX_ + 32, "bench-%s.00000000", a->path);
}

static int one(struct client *c, const struct io_act *a, char *buf)
{
	char name[NAME_MAX_ + 32];
	uint64_t offset = a->offset % OBJECT;

	object_of(a, name);
	if (!io_writes(a))
		return io_check(a, buf, rados_read(c->pool, name, buf, a->size, offset));
	return rados_write(c->pool, name, buf, a->size, offset);
}

struct many;
struct slot {
	struct many *all;
	rados_completion_t done;
	char *buf;
	size_t i;
	uint64_t began_ns;
	struct slot *next;
};

/* Completions come on librados's threads; they are handed to the one that submits, which goes on. */
struct many {
	struct client *c;
	const struct io_act *acts;
	uint64_t *took_ns;
	sem_t ended;
	_Atomic(struct slot *) stack;
};

static void slot_ended(rados_completion_t done, void *arg)
{
	struct slot *s = arg;
	struct many *m = s->all;

	m->took_ns[s->i] = meter_now_ns() - s->began_ns;
	s->next = m->stack;
	while (!atomic_compare_exchange_weak(&m->stack, &s->next, s))
		;
	sem_post(&m->ended);
}

static int slot_begin(struct slot *s, size_t i)
{
	struct many *m = s->all;
	const struct io_act *a = &m->acts[i];
	char name[NAME_MAX_ + 32];
	int err = rados_aio_create_completion2(s, slot_ended, &s->done);

	if (err)
		return err;
	s->i = i;
	object_of(a, name);
	if (io_writes(a))
		io_fill(a, s->buf);
	s->began_ns = meter_now_ns();
	return io_writes(a) ? rados_aio_write(m->c->pool, name, s->done, s->buf, a->size, a->offset % OBJECT)
			    : rados_aio_read(m->c->pool, name, s->done, s->buf, a->size, a->offset % OBJECT);
}

static int slot_result(struct slot *s)
{
	const struct io_act *a = &s->all->acts[s->i];
	int got = rados_aio_get_return_value(s->done);

	rados_aio_release(s->done);
	return io_writes(a) ? got : io_check(a, s->buf, got);
}

static int flow(struct many *m, struct slot *slots, size_t n, unsigned depth, size_t *bad)
{
	struct slot *got = NULL;
	size_t next = 0, flying = 0;
	int err = 0;

	while (next < n && next < depth && !err) {
		err = slot_begin(&slots[next], next);
		next++;
		flying += !err;
	}
	while (flying) {
		if (sem_wait(&m->ended))
			continue; /* a signal */
		if (!got)
			got = atomic_exchange(&m->stack, NULL);
		struct slot *s = got;
		got = s->next;
		flying--;
		int res = slot_result(s);
		if (res && !err) {
			err = res;
			*bad = s->i;
		}
		if (!err && next < n) {
			err = slot_begin(s, next++);
			flying += !err;
		}
	}
	return err;
}

int io_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth, uint64_t *took_ns,
	    size_t *bad)
{
	struct many m = { .c = c, .acts = acts, .took_ns = took_ns };
	size_t size = (io_largest(acts, n) + IO_BLOCK - 1) / IO_BLOCK * IO_BLOCK;
	struct slot slots[IO_DEPTH_MAX] = { 0 };
	char *bufs;

	if (depth == 1)
		return io_blocking_many(c, acts, n, 1, one, took_ns, bad);
	if (!depth || depth > IO_DEPTH_MAX || sem_init(&m.ended, 0, 0))
		return -EINVAL;
	bufs = aligned_alloc(IO_BLOCK, depth * size);
	if (!bufs)
		return -ENOMEM;
	memset(bufs, 1, depth * size);
	for (unsigned i = 0; i < depth; i++) {
		slots[i].all = &m;
		slots[i].buf = bufs + i * size;
	}
	int err = flow(&m, slots, n, depth, bad);
	sem_destroy(&m.ended);
	free(bufs);
	return err;
}

int io_fsync(struct client *c, struct client_file *f)
{
	return 0; /* what was answered is stored */
}

/* ---- what it has not ---- */

int client_become(struct client *c, uint32_t uid)
{
	return 0;
}

int client_sync(struct client *c)
{
	return 0;
}

void client_idle(struct client *c, uint64_t ns) {}

int client_walk(struct client *c, const char *path)
{
	return -ENOTSUP;
}

int client_stat_cached(struct client *c, const char *path)
{
	return -ENOTSUP;
}

int client_open_close(struct client *c, const char *path)
{
	return -ENOTSUP;
}

int64_t client_readdirplus(struct client *c, const char *path)
{
	return -ENOTSUP;
}

int client_dir_get(struct client *c, const char *path, struct client_dir **out)
{
	return -ENOTSUP;
}

void client_dir_put(struct client_dir *d) {}

int client_lookup(struct client_dir *d, const char *name)
{
	return -ENOTSUP;
}

/* Objects need no directory; a file of the small ones is one object. */
int client_act(struct client *c, const struct client_act *a)
{
	char name[NAME_MAX_ + 32];

	if (a->verb == CLIENT_MKDIR || a->verb == CLIENT_RMDIR)
		return 0;
	if (a->verb != CLIENT_UNLINK)
		return -ENOTSUP;
	object_of(&(struct io_act){ .path = a->path }, name);
	return rados_remove(c->pool, name);
}

int client_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned depth,
		    unsigned threads, uint64_t *took_ns, size_t *bad)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		*bad = i;
		err = client_act(c, &acts[i]);
	}
	return err;
}

int client_count(struct client *c, struct client_counters *out)
{
	return -ENOTSUP;
}

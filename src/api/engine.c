/* engine.c: see engine.h. The public engine calls, thin over src/ring. */
#include "engine.h"
#include "../ring/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The inbox is a power of two for the ring; callers may say any number. */
static unsigned round_up_pow2(unsigned n)
{
	unsigned p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

static int opts_read(const struct cephring_engine_opts *in, struct ring_opts *out)
{
	struct cephring_engine_opts o = { .cpu = -1 };

	if (in) {
		if (in->size < offsetof(struct cephring_engine_opts, cpu))
			return -EINVAL;
		memcpy(&o, in, in->size < sizeof o ? in->size : sizeof o);
	}
	if (o.inbox > ENGINE_INBOX_MAX || o.entries > ENGINE_ENTRIES_MAX)
		return -EINVAL;
	*out = (struct ring_opts){ .entries = o.entries, .cpu = o.cpu, .own_thread = o.own_thread };
	out->inbox_size = o.inbox ? round_up_pow2(o.inbox) : 0;
	return 0;
}

int cephring_engine_new(const struct cephring_engine_opts *opts, cephring_engine **out, char *why,
			size_t why_size)
{
	struct cephring_engine *e;
	struct ring_opts ro;
	int err;

	*out = NULL;
	if (why && why_size)
		why[0] = '\0';
	err = opts_read(opts, &ro);
	if (err) {
		if (why && why_size)
			snprintf(why, why_size, "engine options: size, entries or inbox is out of range");
		return err;
	}
	e = mem_alloc(sizeof *e);
	if (!e)
		return -ENOMEM;
	e->own_thread = ro.own_thread;
	err = ring_new(&ro, &e->ring, why, why_size);
	if (err) {
		mem_free(e, sizeof *e);
		return err;
	}
	*out = e;
	return 0;
}

int cephring_engine_free(cephring_engine *e)
{
	if (!e)
		return 0;
	if (engine_inside(e))
		return -EDEADLK;
	if (__atomic_load_n(&e->mounts, __ATOMIC_ACQUIRE))
		return -EBUSY;
	if (e->own_thread)
		ring_stop(e->ring);
	ring_free(e->ring);
	mem_free(e, sizeof *e);
	return 0;
}

int cephring_engine_fd(cephring_engine *e)
{
	return e->own_thread ? -EINVAL : ring_fd(e->ring);
}

int64_t cephring_engine_timeout_ns(cephring_engine *e)
{
	return e->own_thread ? -1 : ring_timeout_ns(e->ring);
}

int cephring_run(cephring_engine *e, int64_t wait_ns)
{
	int n;

	if (e->own_thread)
		return -EINVAL;
	if (!engine_is_owner(e))
		return -EPERM;
	if (e->running)
		return -EDEADLK;
	e->running = true;
	n = ring_run(e->ring, wait_ns);
	e->running = false;
	return n;
}

int engine_run_until(cephring_engine *e, const bool *done)
{
	int ret;

	e->running = true;
	ret = ring_run_until(e->ring, done, -1);
	e->running = false;
	return ret;
}

void engine_mount_get(cephring_engine *e)
{
	__atomic_fetch_add(&e->mounts, 1, __ATOMIC_RELAXED);
}

void engine_mount_put(cephring_engine *e)
{
	__atomic_fetch_sub(&e->mounts, 1, __ATOMIC_RELEASE);
}

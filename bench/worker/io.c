/* io.c: see io.h. */
#include "io.h"
#include "crew.h"
#include "meter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

size_t io_largest(const struct io_act *acts, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = acts[i].size > most ? acts[i].size : most;
	return most;
}

void io_fill(const struct io_act *a, char *buf)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= a->size; at += IO_BLOCK) {
		uint64_t tag = a->offset + at;
		memcpy(buf + at, &tag, sizeof(tag));
	}
}

int io_check(const struct io_act *a, const char *buf, int64_t got)
{
	if (got < 0)
		return (int)got;
	if ((size_t)got != a->size)
		return -EIO;
	for (size_t at = 0; !io_writes(a) && at + sizeof(uint64_t) <= a->size; at += IO_BLOCK) {
		uint64_t tag;
		memcpy(&tag, buf + at, sizeof(tag));
		if (tag != a->offset + at)
			return -EBADMSG;
	}
	return 0;
}

/* ---- blocking calls ---- */

struct many {
	struct client *c;
	const struct io_act *acts;
	int (*one)(struct client *c, const struct io_act *a, char *buf);
	uint64_t *took_ns;
	char *bufs; /* owned; one for each in flight */
	size_t size;
	atomic_ullong busy; /* bit n: buffer n */
};

static unsigned buf_take(struct many *m)
{
	unsigned long long busy = m->busy;
	unsigned n;

	do
		n = (unsigned)__builtin_ctzll(~busy); /* there is always one */
	while (!atomic_compare_exchange_weak(&m->busy, &busy, busy | 1ull << n));
	return n;
}

static int one(void *arg, size_t i)
{
	struct many *m = arg;
	unsigned n = buf_take(m);
	char *buf = m->bufs + n * m->size;

	if (io_writes(&m->acts[i]))
		io_fill(&m->acts[i], buf);
	uint64_t began = meter_now_ns();
	int err = m->one(m->c, &m->acts[i], buf);
	m->took_ns[i] = meter_now_ns() - began;
	atomic_fetch_and(&m->busy, ~(1ull << n));
	return err;
}

int io_blocking_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth,
		     int (*act)(struct client *c, const struct io_act *a, char *buf), uint64_t *took_ns,
		     size_t *bad)
{
	struct many m = { .c = c, .acts = acts, .one = act, .took_ns = took_ns };

	m.size = (io_largest(acts, n) + IO_BLOCK - 1) / IO_BLOCK * IO_BLOCK;
	if (!depth || depth > IO_DEPTH_MAX)
		return -EINVAL;
	m.bufs = aligned_alloc(IO_BLOCK, depth * m.size);
	if (!m.bufs)
		return -ENOMEM;
	memset(m.bufs, 1, depth * m.size);
	int err = crew_run(depth, n, one, &m, bad, NULL);
	free(m.bufs);
	return err;
}

/* io_cephring.c: file data through this library: one at a time by the blocking helpers, many from the one
 * thread that drives the engine. A slot is one place in flight with its buffer; a completion goes on with its
 * slot at once. */
#include "client.h"
#include "client_cephring.h"
#include "io.h"
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct many {
	struct client *c;
	const struct io_act *acts;
	uint64_t *took_ns;
	size_t n, next, bad;
	unsigned flying;
	int err; /* the first */
};

struct slot {
	struct cephring_op op;
	struct many *all;
	char *buf;
	size_t i;
	bool syncing;
	uint64_t began_ns;
};

static cephring_file *file_of(const struct io_act *a)
{
	return (cephring_file *)a->file;
}

int io_fsync(struct client *c, struct client_file *f)
{
	return cephring_sync_fsync((cephring_file *)f, 0);
}

/* ---- one at a time ---- */

static int one(struct client *c, const struct io_act *a, char *buf)
{
	int64_t got;
	int err;

	switch (a->verb) {
	case IO_READ:
		return io_check(a, buf, cephring_sync_read(file_of(a), buf, a->size, a->offset, 0));
	case IO_FILE_READ:
		got = cephring_sync_read_path(c->mount, NULL, a->path, buf, a->size, NULL, &c->user);
		return io_check(a, buf, got);
	case IO_FILE_WRITE:
		got = cephring_sync_write_path(c->mount, NULL, a->path, buf, a->size, O_EXCL, 0644, &c->user);
		return io_check(a, buf, got);
	default:
		err = io_check(a, buf, cephring_sync_write(file_of(a), buf, a->size, a->offset, 0));
	}
	if (err || a->verb == IO_WRITE)
		return err;
	return cephring_sync_fsync(file_of(a), a->verb == IO_WRITE_FDATASYNC);
}

/* ---- many ---- */

static void slot_ended(struct cephring_op *op, int64_t res, void *user);

static int submit(struct slot *s, const struct io_act *a)
{
	struct client *c = s->all->c;

	switch (a->verb) {
	case IO_READ:
		return cephring_read(file_of(a), s->buf, a->size, a->offset, 0, &s->op, slot_ended, s);
	case IO_FILE_READ:
		return cephring_read_path(c->mount, NULL, a->path, s->buf, a->size, NULL, &c->user, &s->op,
					  slot_ended, s);
	case IO_FILE_WRITE:
		return cephring_write_path(c->mount, NULL, a->path, s->buf, a->size, O_EXCL, 0644, &c->user,
					   &s->op, slot_ended, s);
	default:
		return cephring_write(file_of(a), s->buf, a->size, a->offset, 0, &s->op, slot_ended, s);
	}
}

static void slot_done(struct slot *s, int err)
{
	struct many *m = s->all;

	m->took_ns[s->i] = meter_now_ns() - s->began_ns;
	if (err && !m->err) {
		m->err = err;
		m->bad = s->i;
	}
}

/* Takes the next act, until one is in flight or none is left. */
static void slot_begin(struct slot *s)
{
	struct many *m = s->all;
	int err;

	while (!m->err && m->next < m->n) {
		const struct io_act *a = &m->acts[m->next];

		s->i = m->next++;
		s->syncing = false;
		if (io_writes(a))
			io_fill(a, s->buf);
		s->began_ns = meter_now_ns();
		err = submit(s, a);
		if (!err) {
			m->flying++;
			return;
		}
		slot_done(s, err);
	}
}

static void slot_ended(struct cephring_op *op, int64_t res, void *user)
{
	struct slot *s = user;
	struct many *m = s->all;
	const struct io_act *a = &m->acts[s->i];
	int err = s->syncing ? (int)res : io_check(a, s->buf, res);

	m->flying--;
	if (!err && !s->syncing && (a->verb == IO_WRITE_FSYNC || a->verb == IO_WRITE_FDATASYNC)) {
		s->syncing = true;
		err = cephring_fsync(file_of(a), a->verb == IO_WRITE_FDATASYNC, &s->op, slot_ended, s);
		if (!err) {
			m->flying++;
			return;
		}
	}
	slot_done(s, err);
	slot_begin(s);
}

static int drive(struct many *m, struct slot *slots, unsigned depth)
{
	int ran = 0;

	for (unsigned i = 0; i < depth; i++)
		slot_begin(&slots[i]);
	while (m->flying && ran >= 0)
		ran = cephring_run(m->c->engine, -1);
	return ran < 0 ? ran : m->err;
}

int io_many(struct client *c, const struct io_act *acts, size_t n, unsigned depth, uint64_t *took_ns,
	    size_t *bad)
{
	struct many m = { .c = c, .acts = acts, .took_ns = took_ns, .n = n, .bad = *bad };
	size_t size = (io_largest(acts, n) + IO_BLOCK - 1) / IO_BLOCK * IO_BLOCK;
	struct slot *slots;
	char *bufs;
	int err = -ENOMEM;

	if (depth == 1)
		return io_blocking_many(c, acts, n, 1, one, took_ns, bad);
	if (!depth || depth > IO_DEPTH_MAX || c->own_thread)
		return -EINVAL;
	slots = calloc(depth, sizeof(*slots));
	bufs = aligned_alloc(IO_BLOCK, depth * size);
	if (slots && bufs) {
		memset(bufs, 1, depth * size);
		for (unsigned i = 0; i < depth; i++) {
			slots[i].all = &m;
			slots[i].buf = bufs + i * size;
		}
		err = drive(&m, slots, depth);
		*bad = m.bad;
	}
	if (m.flying)
		return err; /* what is in flight still writes into slots */
	free(slots);
	free(bufs);
	return err;
}

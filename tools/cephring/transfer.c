/* transfer.c: see transfer.h.
 *
 * A file's way, one call at a time but for the chunks:
 *
 *   OPEN_FROM -> STAT_FROM -> OPEN_TO -> STAT_TO -> CUT (what is there and not wanted) -> MOVE (chunks)
 *     -> SIZE (it ends in a hole) -> SYNC -> CHECK (chunks are read again)   with verify
 *     -> ATTRS                                   with preserve
 *     -> CLOSE_TO -> CLOSE_FROM -> over
 *
 * Within a CephFS the OSDs copy, and a chunk is read for its checksum only. Elsewhere a chunk of zeros is a
 * hole. A failure lets the chunks in flight end, then goes on with CLOSE_TO.
 */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc64.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum step {
	AT_OPEN_FROM,
	AT_STAT_FROM,
	AT_OPEN_TO,
	AT_STAT_TO,
	AT_CUT,
	AT_MOVE,
	AT_SIZE,
	AT_SYNC,
	AT_CHECK,
	AT_ATTRS,
	AT_CLOSE_TO,
	AT_CLOSE_FROM,
	AT_OVER
};

struct chunk {
	struct side_call call;
	struct job *job;
	struct chunk *next; /* free, or of its job's list */
	char *buf;          /* owned, once used */
	uint64_t index;
	size_t len;
	bool read; /* it waits for its turn to be written */
};

struct job {
	struct transfer *all;
	struct transfer_item *item;
	struct job *next;
	enum step at;
	struct side_call call;
	struct side_file from, to;
	struct cephring_statx from_st, to_st;
	uint64_t size;       /* bytes to move; UINT64_MAX: until the source ends */
	uint64_t write_from; /* chunks before this one are there */
	uint64_t begin;      /* the next chunk to begin */
	uint64_t low;        /* the first one that is not done */
	uint64_t kept;       /* bytes of the target that were there and stay, */
	uint64_t length;     /* and those that there are by now */
	uint32_t done_mask;  /* bit n: low + n is done */
	uint64_t write_next; /* of streams: whose turn it is */
	struct chunk *chunks;
	unsigned flying;
	bool reading, writing; /* streams: one at a time */
	uint64_t *sums;        /* owned: of chunks, as they left */
	size_t sums_room;
};

struct transfer {
	struct tool *tool;
	const struct transfer_opts *o;
	struct sides *sides;
	struct job *jobs;
	unsigned active;
	struct chunk *chunks, *idle;
	void (*done)(void *arg, struct transfer_item *item);
	void *arg;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = 1;
}

uint64_t transfer_resume_at(uint64_t length)
{
	uint64_t last;

	if (!length)
		return 0;
	last = (length - 1) / TRANSFER_CHUNK;
	return last < TRANSFER_WINDOW ? 0 : (last - TRANSFER_WINDOW + 1) * TRANSFER_CHUNK;
}

/* ---- errors ---- */

static void fail(struct job *j, int64_t err, const char *at, char *why)
{
	struct transfer_item *i = j->item;

	if (i->res < 0) {
		free(why);
		return;
	}
	i->res = err;
	i->at = at;
	i->why = why;
}

static void fail_words(struct job *j, int64_t err, const char *at, const char *why)
{
	char *copy = strdup(why);

	if (!copy)
		tool_no_memory();
	fail(j, err, at, copy);
}

/* What the call has to say about its failure. */
static void fail_call(struct job *j, int64_t err, const char *at, struct side_call *c)
{
	fail(j, err, at, c->why);
	c->why = NULL;
}

/* ---- checksums ---- */

static void keep_sum(struct job *j, const struct chunk *k)
{
	if (k->index >= j->sums_room) {
		size_t room = j->sums_room ? j->sums_room * 2 : 16;

		while (room <= k->index)
			room *= 2;
		j->sums = realloc(j->sums, room * sizeof *j->sums);
		if (!j->sums)
			tool_no_memory();
		j->sums_room = room;
	}
	j->sums[k->index] = crc64_ecma_refl(0, (const unsigned char *)k->buf, k->len);
}

static void check_sum(struct job *j, const struct chunk *k)
{
	char words[80];

	if (j->sums[k->index] == crc64_ecma_refl(0, (const unsigned char *)k->buf, k->len))
		return;
	snprintf(words, sizeof words, "what arrived differs from the source, from byte %llu on",
		 (unsigned long long)(k->index * TRANSFER_CHUNK));
	fail_words(j, -EIO, j->item->to, words);
}

/* ---- chunks ---- */

static void go_on(struct job *j);
static void chunk_read(struct side_call *c, int64_t res);
static void chunk_written(struct side_call *c, int64_t res);
static void chunk_copied(struct side_call *c, int64_t res);

static bool checking(const struct job *j)
{
	return j->at == AT_CHECK;
}

/* Both ends are in the file system. */
static bool copies(const struct job *j)
{
	return j->from.side == SIDE_CEPH && j->to.side == SIDE_CEPH;
}

static uint64_t chunk_count(const struct job *j)
{
	return j->size == UINT64_MAX ? UINT64_MAX : (j->size + TRANSFER_CHUNK - 1) / TRANSFER_CHUNK;
}

static struct chunk *chunk_take(struct job *j)
{
	struct chunk *k = j->all->idle;

	j->all->idle = k->next;
	if (!k->buf) {
		k->buf = aligned_alloc(4096, TRANSFER_CHUNK);
		if (!k->buf)
			tool_no_memory();
	}
	k->job = j;
	k->read = false;
	k->index = j->begin++;
	k->next = j->chunks;
	j->chunks = k;
	j->flying++;
	return k;
}

static void chunk_free(struct chunk *k)
{
	struct job *j = k->job;
	struct chunk **at = &j->chunks;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	k->next = j->all->idle;
	j->all->idle = k;
	j->flying--;
}

static void chunk_done(struct chunk *k)
{
	struct job *j = k->job;

	j->done_mask |= 1u << (k->index - j->low);
	while (j->done_mask & 1) {
		j->done_mask >>= 1;
		j->low++;
	}
	chunk_free(k);
}

static bool may_begin(const struct job *j)
{
	const struct side_file *source = checking(j) ? &j->to : &j->from;

	if (j->item->res < 0 || !j->all->idle || j->begin >= chunk_count(j))
		return false;
	return j->begin < j->low + TRANSFER_WINDOW && !(source->stream && j->reading);
}

static void chunk_copy(struct chunk *k)
{
	struct job *j = k->job;

	k->call.done = chunk_copied;
	side_copy(j->all->sides, &j->from, &j->to, k->len, k->index * TRANSFER_CHUNK, &k->call);
}

static void chunk_begin(struct job *j)
{
	struct side_file *source = checking(j) ? &j->to : &j->from;
	struct chunk *k = chunk_take(j);
	uint64_t offset = k->index * TRANSFER_CHUNK;

	k->len = TRANSFER_CHUNK;
	if (j->size - offset < k->len)
		k->len = (size_t)(j->size - offset);
	k->call.user = k;
	if (copies(j) && !j->all->o->verify) {
		chunk_copy(k);
		return;
	}
	j->reading = true;
	k->call.done = chunk_read;
	side_read(j->all->sides, source, k->buf, k->len, offset, &k->call);
}

static void chunk_write(struct chunk *k)
{
	struct job *j = k->job;

	k->read = false;
	j->writing = true;
	k->call.done = chunk_written;
	side_write(j->all->sides, &j->to, k->buf, k->len, k->index * TRANSFER_CHUNK, &k->call);
}

/* What goes into a stream goes in order. */
static void write_in_turn(struct job *j)
{
	struct chunk *k, *next;

	if (j->item->res < 0) { /* it is not wanted any more */
		for (k = j->chunks; k; k = next) {
			next = k->next;
			if (k->read)
				chunk_free(k);
		}
		return;
	}
	if (j->writing)
		return;
	for (k = j->chunks; k; k = k->next) {
		if (k->read && k->index == j->write_next) {
			j->write_next++;
			chunk_write(k);
			return;
		}
	}
}

/* The source ended earlier than it said, or where nobody knew. */
static void short_read(struct job *j, struct chunk *k, size_t got)
{
	bool stream = !checking(j) && j->from.stream;

	if (!stream) {
		fail_words(j, -EIO, checking(j) ? j->item->to : j->item->from,
			   "it became shorter while it was read");
		return;
	}
	k->len = got;
	j->size = k->index * TRANSFER_CHUNK + got;
}

static bool is_zeros(const struct chunk *k)
{
	return !k->buf[0] && !memcmp(k->buf, k->buf + 1, k->len - 1);
}

/* It is in the target. */
static void chunk_arrived(struct chunk *k)
{
	k->job->item->moved += k->len;
	k->job->all->o->progress->done += k->len;
	chunk_done(k);
}

static void chunk_read(struct side_call *c, int64_t res)
{
	struct chunk *k = c->user;
	struct job *j = k->job;

	j->reading = false;
	if (res < 0)
		fail_call(j, res, checking(j) ? j->item->to : j->item->from, c);
	else if ((size_t)res < k->len)
		short_read(j, k, (size_t)res);
	if (j->item->res < 0) {
		chunk_free(k);
	} else if (checking(j)) {
		check_sum(j, k);
		chunk_done(k);
	} else {
		if (j->all->o->verify)
			keep_sum(j, k);
		if (!k->len || k->index < j->write_from)
			chunk_done(k);
		else if (copies(j))
			chunk_copy(k);
		else if (j->to.stream)
			k->read = true;
		else if (k->index * TRANSFER_CHUNK >= j->kept && is_zeros(k))
			chunk_arrived(k);
		else
			chunk_write(k);
	}
	go_on(j);
}

static void chunk_written(struct side_call *c, int64_t res)
{
	struct chunk *k = c->user;
	struct job *j = k->job;
	uint64_t end = k->index * TRANSFER_CHUNK + k->len;

	j->writing = false;
	if (res < 0) {
		fail_call(j, res, j->item->to, c);
		chunk_free(k);
	} else {
		j->length = end > j->length ? end : j->length;
		chunk_arrived(k);
	}
	go_on(j);
}

static void chunk_copied(struct side_call *c, int64_t res)
{
	struct chunk *k = c->user;

	if (res >= 0 && (size_t)res < k->len) {
		short_read(k->job, k, (size_t)res);
		chunk_free(k);
		go_on(k->job);
		return;
	}
	chunk_written(c, res);
}

static void chunks_reset(struct job *j)
{
	j->begin = j->low = j->done_mask = 0;
}

/* True: all of them are done, or the rest is not wanted. */
static bool chunks_over(struct job *j)
{
	if (j->to.stream && !checking(j))
		write_in_turn(j);
	while (may_begin(j))
		chunk_begin(j);
	return !j->flying && (j->item->res < 0 || j->begin >= chunk_count(j));
}

/* ---- steps ---- */

static void step_done(struct side_call *c, int64_t res);

static struct side_call *step_call(struct job *j)
{
	j->call.user = j;
	j->call.done = step_done;
	return &j->call;
}

static void open_from(struct job *j)
{
	struct transfer_item *i = j->item;

	j->from = (struct side_file){ .side = i->from_side };
	if (i->from_side == SIDE_LOCAL && !strcmp(i->from, "-")) {
		j->from = (struct side_file){
			.stream = true, .open = true, .borrowed = true, .side = SIDE_LOCAL, .fd = STDIN_FILENO
		};
		step_done(step_call(j), 0);
		return;
	}
	side_open(j->all->sides, &j->from, i->from, O_RDONLY, 0, step_call(j));
}

static void open_to(struct job *j)
{
	const struct transfer_opts *o = j->all->o;
	struct transfer_item *i = j->item;

	j->to = (struct side_file){ .side = i->to_side };
	if (i->to_side == SIDE_LOCAL && !strcmp(i->to, "-")) {
		j->to = (struct side_file){ .stream = true,
					    .open = true,
					    .borrowed = true,
					    .side = SIDE_LOCAL,
					    .fd = STDOUT_FILENO };
		step_done(step_call(j), 0);
		return;
	}
	side_open(j->all->sides, &j->to, i->to, O_CREAT | (o->verify ? O_RDWR : O_WRONLY), i->mode,
		  step_call(j));
}

/* Knows now what the source is. */
static void took_from(struct job *j)
{
	struct progress *p = j->all->o->progress;

	j->size = j->from.stream ? UINT64_MAX : j->from_st.size;
	if (!j->from.stream) {
		p->total += j->from_st.size - j->item->size;
		j->item->size = j->from_st.size;
	}
	if (!j->from.stream && S_ISDIR(j->from_st.mode))
		fail(j, -EISDIR, j->item->from, NULL);
}

static bool same_file(const struct job *j)
{
	return j->from.side == j->to.side && j->from_st.ino == j->to_st.ino &&
	       j->from_st.dev == j->to_st.dev && j->from_st.snapid == j->to_st.snapid;
}

/* Knows now what is there: what of it stays, and where to go on. True: some of it is to be cut off. */
static bool took_to(struct job *j)
{
	const struct transfer_opts *o = j->all->o;
	uint64_t there = j->to_st.size, from;

	if (!j->from.stream && same_file(j)) {
		fail_words(j, -EINVAL, j->item->to, "source and target are the same file");
		return false;
	}
	if (!o->resume || there > j->size)
		return there > 0;
	j->kept = j->length = there;
	from = transfer_resume_at(there);
	if (o->preserve && there == j->size && j->to_st.mtime_ns == j->from_st.mtime_ns)
		from = j->size; /* times are set last: it is whole */
	j->item->skipped = from;
	o->progress->done += from;
	j->write_from = (from + TRANSFER_CHUNK - 1) / TRANSFER_CHUNK;
	if (!o->verify)
		j->begin = j->low = j->write_from;
	return false;
}

static void set_attrs(struct job *j)
{
	struct cephring_setattr set = { .set = CEPHRING_SET_MODE | CEPHRING_SET_ATIME | CEPHRING_SET_MTIME,
					.mode = j->from_st.mode & 07777,
					.atime_ns = j->from_st.atime_ns,
					.mtime_ns = j->from_st.mtime_ns };

	side_set(j->all->sides, &j->to, &set, step_call(j));
}

static void set_size(struct job *j, uint64_t size)
{
	struct cephring_setattr set = { .set = CEPHRING_SET_SIZE, .size = size };

	side_set(j->all->sides, &j->to, &set, step_call(j));
}

static bool close_one(struct job *j, struct side_file *f)
{
	if (!f->open)
		return false;
	side_close(j->all->sides, f, step_call(j));
	return true;
}

/* Begins step `at`, or finds that it is not needed and looks at the next; stops where something is in flight.
 */
static void enter(struct job *j, enum step at)
{
	const struct transfer_opts *o = j->all->o;
	bool later = false;

	for (; !later && at != AT_OVER; at++) {
		j->at = at;
		if (j->item->res < 0 && at < AT_CLOSE_TO)
			continue;
		switch (at) {
		case AT_OPEN_FROM:
			open_from(j);
			return;
		case AT_STAT_FROM:
			later = !j->from.stream;
			if (later)
				side_stat(j->all->sides, &j->from, &j->from_st, step_call(j));
			else
				took_from(j);
			break;
		case AT_OPEN_TO:
			open_to(j);
			return;
		case AT_STAT_TO:
			later = !j->to.stream;
			if (later)
				side_stat(j->all->sides, &j->to, &j->to_st, step_call(j));
			break;
		case AT_CUT: /* took_to() enters it by itself */
			break;
		case AT_MOVE:
			later = !chunks_over(j);
			break;
		case AT_SIZE:
			later = !j->to.stream && j->length < j->size;
			if (later)
				set_size(j, j->size);
			break;
		case AT_SYNC:
			later = o->verify;
			if (later)
				side_sync(j->all->sides, &j->to, step_call(j));
			break;
		case AT_CHECK:
			if (o->verify)
				chunks_reset(j);
			later = o->verify && !chunks_over(j);
			break;
		case AT_ATTRS:
			later = o->preserve && !j->from.stream && !j->to.stream;
			if (later)
				set_attrs(j);
			break;
		case AT_CLOSE_TO:
			later = close_one(j, &j->to);
			break;
		case AT_CLOSE_FROM:
			later = close_one(j, &j->from);
			break;
		case AT_OVER:
			break;
		}
	}
	if (!later)
		j->at = AT_OVER;
}

static void step_done(struct side_call *c, int64_t res)
{
	struct job *j = c->user;
	bool source = j->at == AT_OPEN_FROM || j->at == AT_STAT_FROM || j->at == AT_CLOSE_FROM;

	if (res < 0)
		fail_call(j, res, source ? j->item->from : j->item->to, c);
	else if (j->at == AT_STAT_FROM)
		took_from(j);
	else if (j->at == AT_STAT_TO && took_to(j)) {
		j->at = AT_CUT;
		set_size(j, 0);
		return;
	}
	enter(j, j->at + 1);
}

/* A chunk has ended. */
static void go_on(struct job *j)
{
	if (chunks_over(j))
		enter(j, j->at + 1);
}

/* ---- all of them ---- */

static void job_begin(struct transfer *x, struct transfer_item *item)
{
	struct job *j = tool_alloc(sizeof *j);

	j->all = x;
	j->item = item;
	j->next = x->jobs;
	x->jobs = j;
	x->active++;
	enter(j, AT_OPEN_FROM);
}

static void jobs_reap(struct transfer *x)
{
	struct job **at = &x->jobs, *j;

	while ((j = *at) != NULL) {
		if (j->at != AT_OVER) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		x->active--;
		x->o->progress->files_done += j->item->res >= 0;
		x->done(x->arg, j->item);
		free(j->call.why);
		free(j->sums);
		free(j);
	}
}

/* Chunks that others gave back may be wanted; after a signal, nothing is. */
static void jobs_feed(struct transfer *x)
{
	struct job *next;

	for (struct job *j = x->jobs; j; j = next) {
		next = j->next;
		if (j->at != AT_MOVE && j->at != AT_CHECK)
			continue;
		if (interrupted)
			fail_words(j, -EINTR, j->item->to, "--resume goes on from here");
		go_on(j);
	}
}

static void chunks_make(struct transfer *x)
{
	x->chunks = tool_alloc(x->o->depth * sizeof *x->chunks);
	for (unsigned n = 0; n < x->o->depth; n++) {
		x->chunks[n].next = x->idle;
		x->idle = &x->chunks[n];
	}
}

static void chunks_free(struct transfer *x)
{
	for (unsigned n = 0; n < x->o->depth; n++) {
		free(x->chunks[n].buf);
		free(x->chunks[n].call.why);
	}
	free(x->chunks);
}

static void run(struct transfer *x, struct transfer_item *items, size_t count)
{
	size_t next = 0;

	while (next < count || x->jobs) {
		while (next < count && interrupted) {
			struct transfer_item *i = &items[next++];

			i->res = -EINTR;
			i->at = i->to;
			x->done(x->arg, i);
		}
		while (next < count && x->active < TRANSFER_FILES)
			job_begin(x, &items[next++]);
		jobs_feed(x);
		jobs_reap(x);
		if (x->jobs)
			sides_turn(x->sides, x->o->progress->on ? 200000000 : -1);
		progress_say(x->o->progress);
	}
}

static bool has_pipe(const struct transfer_item *items, size_t count)
{
	for (size_t n = 0; n < count; n++)
		if ((items[n].from_side == SIDE_LOCAL && !strcmp(items[n].from, "-")) ||
		    (items[n].to_side == SIDE_LOCAL && !strcmp(items[n].to, "-")))
			return true;
	return false;
}

void transfer_run(struct tool *t, const struct transfer_opts *o, struct transfer_item *items, size_t count,
		  void (*done)(void *arg, struct transfer_item *item), void *arg)
{
	struct transfer x = { .tool = t, .o = o, .done = done, .arg = arg };
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND }, old[3];
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* what waits for a pipe cannot be asked to end: there a signal does what it always does */
	if (has_pipe(items, count))
		act.sa_handler = SIG_DFL;
	sigaction(SIGINT, &act, &old[0]);
	sigaction(SIGTERM, &act, &old[1]);
	sigaction(SIGPIPE, &ignore, &old[2]);
	x.sides = sides_new(t);
	chunks_make(&x);
	run(&x, items, count);
	chunks_free(&x);
	sides_free(x.sides);
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	sigaction(SIGPIPE, &old[2], NULL);
}

/* data_load.h: a load on files while something is done to the cluster: blocks of several files written over
 * and over, and read between, records appended to a log, fsync now and then; half of it through the cache.
 * What was answered is known, every read is held against it, and in the end libcephfs finds it there. */
#pragma once
#include "bytes.h"
#include "flight.h"
#include "ours.h"

enum {
	LOAD_FILES = 3,
	LOAD_BLOCKS = 72, /* round the files */
	LOAD_BLOCK = 16 << 10,
	LOAD_ACTORS = 8,
	LOAD_RECORD = 1000,
	LOAD_APPENDERS = 4,
	LOAD_RECORDS = 4000,
	LOAD_PATIENCE_S = 60, /* for what is under way when the cluster is whole again */
};

struct load_actor {
	struct flight x;
	uint32_t block, round; /* 0: nothing under way */
	bool reads;
	uint8_t mem[LOAD_BLOCK];
};

struct load {
	struct both *b;
	const char *dir;
	cephring_file *f[LOAD_FILES], *log;
	struct load_actor w[LOAD_ACTORS], a[LOAD_APPENDERS];
	struct flight sync;
	uint32_t round[LOAD_BLOCKS]; /* of the newest write that was answered */
	bool busy[LOAD_BLOCKS], stopping;
	uint32_t next, turns, records, answered, reads, synced, syncs, bad;
	int64_t error;
};
static struct load load;

static inline void load_failed(int64_t res)
{
	load.error = load.bad++ ? load.error : res;
}

static inline uint64_t load_offset(uint32_t block)
{
	return (uint64_t)(block / LOAD_FILES) * LOAD_BLOCK;
}

static inline void load_next(struct load_actor *w)
{
	cephring_file *f;
	int flags, err;

	do
		w->block = load.next++ % LOAD_BLOCKS;
	while (load.busy[w->block]);
	load.busy[w->block] = true;
	f = load.f[w->block % LOAD_FILES];
	w->reads = load.round[w->block] && ++load.turns % 3 == 0;
	w->round = load.round[w->block] + !w->reads;
	w->x.ended = 0;
	flags = (w->round + w->reads) & 1 ? CEPHRING_IO_DIRECT : 0;
	if (!w->reads)
		bytes_fill(w->mem, LOAD_BLOCK, load_offset(w->block), w->round);
	err = w->reads ? cephring_read(f, w->mem, LOAD_BLOCK, load_offset(w->block), flags, &w->x.op, landed,
				       &w->x)
		       : cephring_write(f, w->mem, LOAD_BLOCK, load_offset(w->block), flags, &w->x.op, landed,
					&w->x);
	if (err)
		tap_die("an operation is taken");
}

static inline void load_ended(struct load_actor *w)
{
	static uint8_t want[LOAD_BLOCK];

	load.busy[w->block] = false;
	if (w->x.res != LOAD_BLOCK)
		load_failed(w->x.res);
	if (w->reads) {
		load.reads++;
		bytes_fill(want, LOAD_BLOCK, load_offset(w->block), w->round);
		if (memcmp(want, w->mem, LOAD_BLOCK))
			load_failed(-EILSEQ);
	} else {
		load.round[w->block] = w->round;
		load.answered++;
	}
	w->round = 0;
}

static inline void load_append(struct load_actor *w)
{
	w->round = load.records++;
	bytes_fill(w->mem, LOAD_RECORD, (uint64_t)w->round * LOAD_RECORD, 99);
	w->x.ended = 0;
	if (cephring_write(load.log, w->mem, LOAD_RECORD, 0, w->round & 2 ? CEPHRING_IO_DIRECT : 0, &w->x.op,
			   landed, &w->x))
		tap_die("a record is taken");
}

static inline void load_sync(void)
{
	if (load.sync.res)
		load_failed(load.sync.res);
	load.synced = load.answered;
	load.sync.ended = 0;
	if (cephring_fsync(load.syncs & 1 ? load.log : load.f[load.syncs / 2 % LOAD_FILES], 0, &load.sync.op,
			   landed, &load.sync))
		tap_die("fsync is taken");
	load.syncs++;
}

static inline void load_turn(int ms)
{
	both_turn(load.b->engine, -1, ms);
	for (struct load_actor *w = load.w; w < load.w + LOAD_ACTORS; w++) {
		if (w->x.ended && w->round)
			load_ended(w);
		if (!w->round && !load.stopping)
			load_next(w);
	}
	for (struct load_actor *a = load.a; a < load.a + LOAD_APPENDERS; a++) {
		if (!a->x.ended)
			continue;
		if (a->x.res != LOAD_RECORD)
			load_failed(a->x.res);
		if (!load.stopping && load.records < LOAD_RECORDS)
			load_append(a);
	}
	if (load.sync.ended && !load.stopping && load.answered >= load.synced + 32)
		load_sync();
}

static inline void load_for(unsigned ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;

	while (now_ns() < end)
		load_turn(5);
}

static inline void load_path(char path[64], unsigned file)
{
	snprintf(path, 64, "%s/blocks%u", load.dir, file);
}

static inline cephring_file *load_open(const char *path, int flags, const struct cephring_layout *l)
{
	static const struct cephring_cred superuser;
	cephring_file *f;
	int64_t err = cephring_sync_open(load.b->mount, NULL, path, O_RDWR | O_CREAT | O_TRUNC | flags, 0644,
					 l, &superuser, &f);

	if (err < 0)
		tap_die(cephring_strerror(load.b->mount, (int)err));
	return f;
}

/* In a directory that is there. */
static inline void load_begin(struct both *b, const char *dir)
{
	static const struct cephring_layout layouts[LOAD_FILES] = { { 0, 0, 0, -1 },
								    { 65536, 1, 65536, -1 },
								    { 65536, 3, 131072, -1 } };
	char path[64];

	memset(&load, 0, sizeof load);
	load.b = b;
	load.dir = dir;
	for (unsigned n = 0; n < LOAD_FILES; n++) {
		load_path(path, n);
		load.f[n] = load_open(path, 0, &layouts[n]);
	}
	snprintf(path, sizeof path, "%s/log", dir);
	load.log = load_open(path, O_APPEND, NULL);
	load.sync.ended = 1;
	for (unsigned n = 0; n < LOAD_APPENDERS; n++)
		load_append(&load.a[n]);
	load_for(300);
}

static inline int load_in_flight(void)
{
	int n = !load.sync.ended;

	for (unsigned k = 0; k < LOAD_ACTORS; k++)
		n += load.w[k].round != 0;
	for (unsigned k = 0; k < LOAD_APPENDERS; k++)
		n += !load.a[k].x.ended;
	return n;
}

/* What libcephfs reads of one file's blocks. */
static inline bool load_file_good(unsigned file)
{
	static uint8_t want[LOAD_BLOCK], got[LOAD_BLOCK * LOAD_BLOCKS / LOAD_FILES];
	char path[64];

	load_path(path, file);
	memset(got, 0, sizeof got);
	if (they_read(load.b, path, got, sizeof got, 0) <= 0)
		return false;
	for (uint32_t n = file; n < LOAD_BLOCKS; n += LOAD_FILES) {
		bytes_fill(want, LOAD_BLOCK, load_offset(n), load.round[n]);
		if (load.round[n] && memcmp(got + load_offset(n), want, LOAD_BLOCK)) {
			tap_note("%s: block %u", path, n / LOAD_FILES);
			return false;
		}
	}
	return true;
}

static inline void load_log_good(void)
{
	static uint8_t want[(LOAD_RECORDS + 1) * LOAD_RECORD], got[sizeof want];
	size_t len = (size_t)load.records * LOAD_RECORD;
	char path[64];

	snprintf(path, sizeof path, "%s/log", load.dir);
	bytes_fill(want, len, 0, 99);
	tap_eq(they_read(load.b, path, got, sizeof got, 0), (long long)len, "and the records");
	tap_eq(bytes_differ(got, want, len), -1, "each is there once, in order");
}

/* Whatever was done to the cluster is over. */
static inline void load_end(const char *what)
{
	uint64_t limit = now_ns() + LOAD_PATIENCE_S * 1000000000ull;
	int err = 0, good = 1;

	load.stopping = true;
	while (load_in_flight() && now_ns() < limit)
		load_turn(20);
	tap_eq(load_in_flight(), 0, what);
	if (!tap_eq(load.bad, 0, "nothing failed, and every read brought what was written last"))
		tap_note("the first: %" PRId64, load.error);
	for (unsigned n = 0; n < LOAD_FILES; n++)
		err |= cephring_sync_fsync(load.f[n], 0);
	tap_eq(err | cephring_sync_fsync(load.log, 0), 0, "fsync");
	tap_ok(load.answered && load.reads && load.records > LOAD_APPENDERS && load.syncs > 2,
	       "there was something to lose");
	tap_note("%u writes, %u reads, %u records, %u fsyncs", load.answered, load.reads, load.records,
		 load.syncs);
	for (unsigned n = 0; n < LOAD_FILES; n++)
		good &= load_file_good(n);
	tap_ok(good, "libcephfs reads the blocks: each is what was written last");
	load_log_good();
	for (unsigned n = 0; n < LOAD_FILES; n++)
		err |= cephring_sync_close(load.f[n]);
	tap_eq(err | cephring_sync_close(load.log), 0, "closed");
}

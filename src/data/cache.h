/* cache.h: the cached data of files: what was read, and what is written and not yet on the OSDs.
 *
 * Knows nothing of caps, objects or connections: a table of callbacks reads and writes ranges of a file, and
 * is told what must be held for what is here. Files are cut into pages of 4 KiB; of each it is known byte by
 * byte what is valid and what of that is dirty (span.h), so a write never waits for a read.
 *
 *   a page    has                                 in                  goes
 *   CLEAN     valid bytes                         the LRU list        when room is needed, drop, discard
 *   DIRTY     dirty bytes (others too)            the dirty list      to SENT: age, target, flush
 *   SENT      no dirty bytes, some in transfers   no list             its last transfer ended: CLEAN, or gone
 *             out
 *
 *   what happens to                   a page in a transfer out     a page in a transfer in (a fetch)
 *   write                             gets other memory (the old   its bytes stay, the fetch brings the
 *                                     one is the transfer's), DIRTY others
 *   flush                             what is dirty anew leaves in  -
 *                                     a transfer of its own: OSDs keep the order
 *   discard (truncate, punched hole,  its bytes are not valid any   spoiled
 *   written past the cache)           more; what is under way arrives before what discarded it
 *   drop (Fc is gone, DONTNEED)       goes when it has ended        spoiled
 *   evicted                           never                         spoiled
 *   the transfer failed               its bytes are not valid any   who waits gets the error
 *                                     more, `lost` is called once
 *
 * A fetch has memory of its own, which becomes the page's when it ends, if there is none yet; else the page's
 * missing bytes are filled. So nobody ever waits for a page, only for fetches; a reader gets from a fetch
 * exactly the bytes that were missing when he asked. What is spoiled may be older than what somebody wrote or
 * dropped since: no later reader joins it, and none of it stays.
 *
 * Dirty bytes of a page belong to one context (a snapshot's set): writing under another sends the old ones
 * first.
 *
 * Who writes while too much is dirty (max_dirty), or while no page can be had, waits, in order. Who reads
 * never waits for room: without it, and for long stretches (direct_min), bytes come straight into his memory.
 *
 * One thread. Callbacks marked *late* come when a call into the cache is about to return, or a transfer has
 * ended: with everything in order, so that they may call anything here again.
 */
#pragma once
#include <sys/queue.h>
#include <sys/uio.h>
#include <stdbool.h>
#include "pagepool.h"
#include "pagetree.h"
#include "span.h"

struct pcache;
struct pcache_io;
struct pcache_want;

enum {
	PCACHE_IO_MAX = 16 << 20, /* bytes of one transfer at most, whatever `cut` says */
	PCACHE_WANTS_MAX = 1 << 20,
	PCACHE_PARKED_MAX = 65536, /* writers that wait */
};

struct pcache_opts {
	uint64_t max_bytes;               /* of pages */
	uint64_t max_dirty, target_dirty; /* bytes not yet written back: writers wait; writing back begins */
	uint64_t max_age_ns;              /* of dirty bytes */
	uint32_t direct_min;              /* missing bytes in a row that are not worth keeping */
};

/* A file; the user's memory, until it is idle (pcache_file_idle) and forgotten (pcache_file_fini). */
struct pcache_file {
	struct pcache *c;
	void *user;
	uint32_t cut; /* transfers do not cross its multiples: the size of an object, or of an object set */
	struct pagetree tree;
	TAILQ_HEAD(, pcache_io) ios;      /* under way, oldest first */
	TAILQ_HEAD(, pcache_page) dirty;  /* pages by the time they became that */
	LIST_HEAD(, pcache_under) under;  /* bytes not yet written back, by context */
	TAILQ_HEAD(, pcache_sync) syncs;  /* in order */
	uint64_t pages, clean_pages;      /* in the tree; of them CLEAN */
	uint64_t dirty_bytes, sent_bytes; /* the latter in transfers out */
	uint32_t io_count, live_fetches;  /* transfers; of them fetches whose bytes may stay */
	bool held, owing;                 /* what `hold` and `dirty` were last told */
	bool queued;                      /* in c->changed */
	TAILQ_ENTRY(pcache_file) changed;
};

/* A transfer. The cache's, for the user to look at until he says pcache_io_done(). */
struct pcache_io {
	struct pcache_file *file;
	bool out; /* to the OSDs */
	uint64_t off, len;
	const struct iovec *iov; /* of the whole length */
	uint32_t iov_count;
	void *ctx;  /* out: the context */
	void *user; /* anything */

	/* The cache's. */
	TAILQ_ENTRY(pcache_io) link;
	uint64_t seq;
	struct iovec *own_iov;
	struct pagemem **mem; /* a reference for each page; NULL: direct, into a reader's memory */
	uint8_t *flags;       /* fetch: for each page */
	uint32_t pages;
	uint32_t keep; /* fetch: of its pages, not spoiled; counted in live_fetches while there is one */
	LIST_HEAD(, pcache_want) wants;
};

/* Reads. Embedded; file, off, len, iov, iov_count, once, done and arg are the caller's. */
struct pcache_read {
	struct pcache_file *file;
	uint64_t off, len;
	const struct iovec *iov; /* at least `len` bytes; borrowed until done, with its memory */
	uint32_t iov_count;
	bool once;                                    /* what has to be fetched for it is not worth keeping */
	void (*done)(struct pcache_read *r, int err); /* late. 0: all of it is there */
	void *arg;

	TAILQ_ENTRY(pcache_read) link;
	LIST_HEAD(, pcache_want) wants;
	int err;
	bool waiting, ending;
};

/* Writes. Embedded; the same. */
struct pcache_write {
	struct pcache_file *file;
	uint64_t off, len;
	const struct iovec *iov;
	uint32_t iov_count;
	uint64_t zero_from; /* from here on the file is zeros now: its size, or UINT64_MAX */
	void *ctx;          /* a reference is taken for as long as it is needed */
	/* late. 0; else `written` bytes were taken before the error. */
	void (*done)(struct pcache_write *w, int err);
	void *arg;

	uint64_t written;
	TAILQ_ENTRY(pcache_write) link;
	int err;
	bool waiting, ending;
};

/* Waits until what was dirty in a range when it was asked for is on the OSDs. Embedded; the same. */
struct pcache_sync {
	struct pcache_file *file;
	uint64_t off, len;
	void (*done)(struct pcache_sync *s, int err); /* late. The first error of one of these transfers */
	void *arg;

	TAILQ_ENTRY(pcache_sync) link;
	uint64_t seq;
	uint32_t left; /* transfers */
	int err;
	bool waiting;
};

struct pcache_ops {
	/* Begin a transfer; pcache_io_done() comes later, never from inside. What is read and not there is
	 * zeros: a fetch that went well has filled its whole length. */
	void (*io)(void *arg, struct pcache_io *io);
	/* Nobody waits for this fetch into a reader's memory any more: it may end early, with any result. May
	 * be NULL. */
	void (*cancel)(void *arg, struct pcache_io *io);
	uint64_t (*now)(void *arg);
	/* Clean data is about to be kept: may it be? From then on until `release` (late) it must be.  From
	 * inside of other calls: it may not call back. */
	bool (*hold)(void *arg, struct pcache_file *f);
	void (*release)(void *arg, struct pcache_file *f);
	/* There is something to be written back (from inside of other calls); there is nothing any more
	 * (late). */
	void (*dirty)(void *arg, struct pcache_file *f);
	void (*clean)(void *arg, struct pcache_file *f);
	/* Nothing of this context is left. Late; `ctx` is valid during the call. */
	void (*ctx_clean)(void *arg, struct pcache_file *f, void *ctx);
	/* Bytes that a writer was told are written will never be on the OSDs. `io`: the transfer that failed;
	 * NULL: there was none. Not to call back. */
	void (*lost)(void *arg, struct pcache_file *f, const struct pcache_io *io, uint64_t off, uint64_t len,
		     int err);
	/* No page and no transfer is left: the file may be forgotten. Late. */
	void (*idle)(void *arg, struct pcache_file *f);
	bool (*ctx_same)(void *arg, const void *a, const void *b);
	void *(*ctx_get)(void *arg, void *ctx);
	void (*ctx_put)(void *arg, void *ctx);
	/* pcache_tick() is wanted at this time; 0: at none. */
	void (*timer)(void *arg, uint64_t at_ns);
};

struct pcache_stats {
	uint64_t bytes, dirty_bytes;  /* of pages; not yet written back, transfers included */
	uint64_t hits, misses;        /* reads that were all here, and others */
	uint64_t copied;              /* bytes between pages and callers */
	uint64_t ahead, ahead_wasted; /* bytes asked for by pcache_ahead(); of these, never read */
	uint64_t waits, evicted;      /* writers that had to wait; pages */
	uint64_t transfers_in, transfers_out;
};

/* NULL: no memory. */
struct pcache *pcache_new(const struct pcache_opts *o, const struct pcache_ops *ops, void *arg);
void pcache_free(struct pcache *c); /* every file is forgotten; takes NULL */
void pcache_file_init(struct pcache *c, struct pcache_file *f, uint32_t cut, void *user);
void pcache_file_fini(struct pcache_file *f); /* idle */
static inline bool pcache_file_idle(const struct pcache_file *f)
{
	return !f->pages && !f->io_count;
}
/* Idle, and everybody was told all. */
static inline bool pcache_file_settled(const struct pcache_file *f)
{
	return pcache_file_idle(f) && !f->queued;
}
static inline bool pcache_file_clean(const struct pcache_file *f)
{
	return !f->dirty_bytes && !f->sent_bytes;
}

/* 0: done, `done` does not come. 1: it does. -ENOMEM. */
int pcache_read(struct pcache_read *r);
/* False: it is over, `done` does not come. True: its memory is in use, `done` comes with `err`, soon. */
bool pcache_read_cancel(struct pcache_read *r, int err);
/* 0: all is taken. 1: it waits for room, `done` comes. A negative errno: `written` bytes were taken. */
int pcache_write(struct pcache_write *w);
/* It waits no more; `done` does not come. */
void pcache_write_cancel(struct pcache_write *w);
/* Begins to fetch what of the range is not here and not under way, for somebody who will read it. Takes free
 * and clean memory only, and of that not much. */
void pcache_ahead(struct pcache_file *f, uint64_t off, uint64_t len);
/* Begins to write back what is dirty in the range. */
void pcache_flush(struct pcache_file *f, uint64_t off, uint64_t len);
/* The same, and 1: `done` comes when it is there; 0: nothing was dirty. */
int pcache_sync(struct pcache_sync *s);
void pcache_sync_cancel(struct pcache_sync *s);
/* Bytes are no more what they are here, dirty ones included: called when what changes them was submitted, for
 * writers who waited may go on at once. */
void pcache_discard(struct pcache_file *f, uint64_t off, uint64_t len);
/* What is clean goes, what is dirty goes when it is written back. */
void pcache_drop(struct pcache_file *f, uint64_t off, uint64_t len);
/* What is dirty of the file is given up: `lost`. Writers that wait get the error. */
void pcache_fail(struct pcache_file *f, int err);
/* Is any byte of the range here, or under way? */
bool pcache_touches(const struct pcache_file *f, uint64_t off, uint64_t len);
/* Is there something under this context that is not written back? */
bool pcache_dirty_under(const struct pcache_file *f, const void *ctx);
/* What is clean of all files goes, as far as it may. */
void pcache_drop_all(struct pcache *c);

/* A transfer ended: 0 or a negative errno. */
void pcache_io_done(struct pcache_io *io, int err);
/* The time has come. */
void pcache_tick(struct pcache *c);
void pcache_stats(const struct pcache *c, struct pcache_stats *out);
/* Invariants; tests run them after every step. NULL = fine, else words. */
const char *pcache_file_check(const struct pcache_file *f);
const char *pcache_check(const struct pcache *c, const struct pcache_file *const *files, unsigned count);

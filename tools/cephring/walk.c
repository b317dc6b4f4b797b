/* walk.c: see walk.h.
 *
 * A directory's way, one operation at a time:
 *
 *   OPEN -> READ (until the end) -> STATS (one statx for each entry of which the listing told too little)
 *        -> LINKS (one readlink for each symlink, if asked) -> CLOSE -> done
 *
 * An error goes straight to CLOSE (or to done, before OPEN succeeded). Two orders meet here: `line` is the
 * order of handing over, parents first; `waiting` is a stack of directories not yet begun, so that the walk
 * goes deep rather than wide and what is fetched is what the line needs next. Callbacks only note the result;
 * the loop submits.
 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum step { WALK_OPEN, WALK_READ, WALK_STATS, WALK_LINKS, WALK_CLOSE, WALK_DONE };

struct chunk {
	struct chunk *next;
	size_t used;
	_Alignas(8) char bytes[];
};

/* What only a directory that is being read needs. */
struct reading {
	struct cephring_op op;
	cephring_file *file;
	struct chunk *chunk; /* what the READ at hand fills */
	size_t entry;        /* STATS, LINKS: index of the one at hand */
	char *entry_path;
	struct cephring_statx st;
	char target[]; /* WALK_TARGET_MAX, if targets are asked for */
};

struct walk_job {
	struct walk_dir dir; /* first: what the user gets */
	struct walk *walk;
	enum step step;
	bool fresh; /* nothing was submitted since the last result */
	int64_t res;
	struct walk_job *line_next;
	struct walk_job *wait_next, **wait_link; /* in `waiting`; wait_link NULL: begun */
	struct walk_job *ready_next; /* its result is in, or the library had no room for its step */
	struct reading *reading;     /* owned, while begun and not done */
	struct chunk *chunks, **chunks_end;
	size_t bytes;
};

struct walk {
	struct tool *tool;
	const struct walk_opts *opts;
	struct walk_job *line, *waiting, *ready, **ready_end;
	unsigned in_flight; /* with the library */
	unsigned begun;     /* not done yet */
	size_t ahead;       /* bytes of listings read and not handed over */
};

/* ---- listings ---- */

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static bool shown(const struct walk_opts *o, const struct cephring_dirent *e)
{
	if (is_dots(e->name))
		return o->dots;
	if (o->dirs_only && e->type != DT_DIR)
		return false;
	return o->hidden || e->name[0] != '.';
}

static int by_name(const void *a, const void *b)
{
	const struct walk_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void add_entry(struct walk_dir *d, size_t *room, struct cephring_dirent *e)
{
	if (d->count == *room) {
		*room = *room ? *room * 2 : 16;
		d->entries = realloc(d->entries, *room * sizeof *d->entries);
		if (!d->entries)
			tool_no_memory();
	}
	if (!(e->st.mask & CEPHRING_STATX_TYPE))
		e->st.mode = (e->st.mode & ~S_IFMT) | DTTOIF(e->type);
	d->entries[d->count++] =
	    (struct walk_entry){ .name = e->name, .name_len = e->name_len, .st = &e->st };
}

/* Points `entries` into the chunks, in order of names. */
static void index_entries(struct walk_job *j)
{
	struct walk_dir *d = &j->dir;
	size_t room = 0;

	for (struct chunk *c = j->chunks; c; c = c->next) {
		for (size_t at = 0; at < c->used;) {
			struct cephring_dirent *e = (void *)(c->bytes + at);

			at += e->reclen;
			if (shown(j->walk->opts, e))
				add_entry(d, &room, e);
		}
	}
	if (d->count)
		qsort(d->entries, d->count, sizeof *d->entries, by_name);
}

static char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	char *path = tool_alloc(len + strlen(name) + 2);

	sprintf(path, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
	return path;
}

void walk_dir_free(struct walk_dir *d)
{
	struct walk_job *j = (struct walk_job *)d;
	struct chunk *next;

	if (!d)
		return;
	for (struct chunk *c = j->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	for (size_t i = 0; i < d->count; i++)
		free(d->entries[i].target);
	free(d->entries);
	free(d->path);
	free(d->why);
	free(j);
}

/* ---- the two orders ---- */

/* `line` and `waiting` are where the new directory belongs. */
static struct walk_job *job_new(struct walk *w, char *path, unsigned depth, struct walk_job **line,
				struct walk_job **waiting)
{
	struct walk_job *j = tool_alloc(sizeof *j);

	j->dir.path = path;
	j->dir.depth = depth;
	j->walk = w;
	j->chunks_end = &j->chunks;
	j->line_next = *line;
	*line = j;
	j->wait_next = *waiting;
	if (j->wait_next)
		j->wait_next->wait_link = &j->wait_next;
	j->wait_link = waiting;
	*waiting = j;
	return j;
}

bool walk_enters(const struct walk_opts *o, const struct walk_dir *d, const struct walk_entry *e)
{
	if (!o->recurse || is_dots(e->name) || !S_ISDIR(e->st->mode))
		return false;
	return !o->depth_max || d->depth + 1 < o->depth_max;
}

static void ready_add(struct walk_job *j)
{
	j->ready_next = NULL;
	*j->walk->ready_end = j;
	j->walk->ready_end = &j->ready_next;
}

/* All is read: what is below it gets its places right behind it in the line, and on top of the stack. */
static void job_done(struct walk_job *j)
{
	struct walk *w = j->walk;
	struct walk_job **line = &j->line_next, **waiting = &w->waiting;
	const struct walk_dir *d = &j->dir;

	free(j->reading->entry_path);
	free(j->reading->chunk);
	free(j->reading);
	j->reading = NULL;
	w->begun--;
	w->ahead += j->bytes;
	for (size_t i = 0; i < d->count; i++) {
		struct walk_job *child;

		if (!walk_enters(w->opts, d, &d->entries[i]))
			continue;
		child = job_new(w, path_join(d->path, d->entries[i].name), d->depth + 1, line, waiting);
		line = &child->line_next;
		waiting = &child->wait_next;
	}
}

/* ---- steps ---- */

static void noted(struct cephring_op *op, int64_t res, void *user)
{
	struct walk_job *j = user;

	j->res = res;
	j->fresh = false;
	if (res < 0 && !j->dir.err && j->step != WALK_STATS && j->step != WALK_LINKS) {
		j->dir.err = res;
		j->dir.why = tool_why(j->walk->tool, res);
	}
	j->walk->in_flight--;
	ready_add(j);
}

static bool next_stat(struct walk_job *j)
{
	const struct walk_dir *d = &j->dir;
	size_t *at = &j->reading->entry;

	while (*at < d->count && !(j->walk->opts->want & ~d->entries[*at].st->mask))
		++*at;
	return *at < d->count;
}

/* What went meanwhile keeps what the listing told. */
static void took_stat(struct walk_job *j)
{
	struct walk_entry *e = &j->dir.entries[j->reading->entry++];

	if (j->res >= 0)
		*e->st = j->reading->st;
}

static bool next_link(struct walk_job *j)
{
	const struct walk_dir *d = &j->dir;
	size_t *at = &j->reading->entry;

	while (*at < d->count && !S_ISLNK(d->entries[*at].st->mode))
		++*at;
	return j->walk->opts->targets && *at < d->count;
}

/* Behind READ: what is still to be asked for. */
static enum step next_step(struct walk_job *j)
{
	if (j->step != WALK_LINKS) {
		if (next_stat(j))
			return WALK_STATS;
		j->reading->entry = 0;
	}
	return next_link(j) ? WALK_LINKS : WALK_CLOSE;
}

static void took_link(struct walk_job *j)
{
	struct walk_entry *e = &j->dir.entries[j->reading->entry++];

	if (j->res < 0)
		return;
	e->target_len = j->res < WALK_TARGET_MAX ? j->res : WALK_TARGET_MAX;
	e->target = tool_alloc(e->target_len + 1);
	memcpy(e->target, j->reading->target, e->target_len);
}

/* Keeps what the read gave, without its unused end. */
static void took_chunk(struct walk_job *j)
{
	struct chunk *c = j->reading->chunk, *fit;

	if (j->res <= 0)
		return;
	fit = realloc(c, sizeof *c + j->res);
	c = fit ? fit : c;
	c->used = j->res;
	j->bytes += c->used;
	*j->chunks_end = c;
	j->chunks_end = &c->next;
	j->reading->chunk = NULL;
}

/* What the result of the step at hand leads to. */
static void advance(struct walk_job *j)
{
	switch (j->step) {
	case WALK_OPEN:
		j->step = j->res < 0 ? WALK_DONE : WALK_READ;
		return;
	case WALK_READ:
		took_chunk(j);
		if (j->res > 0)
			return;
		index_entries(j);
		j->step = next_step(j);
		return;
	case WALK_STATS:
		took_stat(j);
		j->step = next_step(j);
		return;
	case WALK_LINKS:
		took_link(j);
		j->step = next_step(j);
		return;
	case WALK_CLOSE:
	case WALK_DONE:
		j->step = WALK_DONE;
	}
}

static const char *entry_path(struct walk_job *j)
{
	struct reading *r = j->reading;

	free(r->entry_path);
	r->entry_path = path_join(j->dir.path, j->dir.entries[r->entry].name);
	return r->entry_path;
}

static int submit_stat(struct walk_job *j)
{
	struct tool *t = j->walk->tool;

	return cephring_statx(t->mount, NULL, entry_path(j), j->walk->opts->want, CEPHRING_NOFOLLOW,
			      tool_cred(t), &j->reading->st, &j->reading->op, noted, j);
}

static int submit_link(struct walk_job *j)
{
	struct tool *t = j->walk->tool;
	struct reading *r = j->reading;

	return cephring_readlink(t->mount, NULL, entry_path(j), tool_cred(t), r->target, WALK_TARGET_MAX,
				 &r->op, noted, j);
}

static int submit_read(struct walk_job *j)
{
	struct reading *r = j->reading;

	if (!r->chunk)
		r->chunk = tool_alloc(sizeof *r->chunk + WALK_CHUNK);
	return cephring_readdir(r->file, r->chunk->bytes, WALK_CHUNK, &r->op, noted, j);
}

static int submit(struct walk_job *j)
{
	struct tool *t = j->walk->tool;
	struct reading *r = j->reading;

	tool_deadline(t, &r->op);
	switch (j->step) {
	case WALK_OPEN:
		return cephring_open(t->mount, NULL, j->dir.path, O_RDONLY | O_DIRECTORY, 0, NULL,
				     tool_cred(t), &r->op, noted, j, &r->file);
	case WALK_READ:
		return submit_read(j);
	case WALK_STATS:
		return submit_stat(j);
	case WALK_LINKS:
		return submit_link(j);
	default:
		return cephring_close(r->file, &r->op, noted, j);
	}
}

/* Submits the step at hand, or puts it off until the library has room. */
static void go(struct walk_job *j)
{
	struct walk *w = j->walk;
	int err;

	if (j->step == WALK_DONE) {
		job_done(j);
		return;
	}
	err = submit(j);
	if (err == -EAGAIN && w->in_flight) {
		j->fresh = true;
		ready_add(j);
		return;
	}
	w->in_flight++;
	if (err)
		noted(&j->reading->op, err, j); /* the same as an operation that failed */
}

/* ---- the loop ---- */

static void take_results(struct walk *w)
{
	struct walk_job *list = w->ready, *next;

	w->ready = NULL;
	w->ready_end = &w->ready;
	for (struct walk_job *j = list; j; j = next) {
		next = j->ready_next;
		if (!j->fresh)
			advance(j);
		go(j);
	}
}

static void begin(struct walk *w, struct walk_job *j)
{
	*j->wait_link = j->wait_next;
	if (j->wait_next)
		j->wait_next->wait_link = j->wait_link;
	j->wait_link = NULL;
	j->reading = tool_alloc(sizeof *j->reading + (w->opts->targets ? WALK_TARGET_MAX : 0));
	j->fresh = true;
	w->begun++;
	ready_add(j);
}

/* What is read ahead is bounded; the head of the line may always begin. */
static void begin_more(struct walk *w)
{
	if (w->line->wait_link)
		begin(w, w->line);
	while (w->waiting && w->begun < WALK_IN_FLIGHT && w->ahead < WALK_AHEAD_BYTES)
		begin(w, w->waiting);
}

static void hand_over(struct walk *w)
{
	while (w->line && w->line->step == WALK_DONE) {
		struct walk_job *j = w->line;

		w->line = j->line_next;
		w->ahead -= j->bytes;
		w->opts->dir(w->opts->arg, &j->dir);
	}
}

void walk_run(struct tool *t, const struct walk_opts *o, char *const *roots, size_t root_count)
{
	struct walk w = { .tool = t, .opts = o };
	struct walk_job **line = &w.line, **waiting = &w.waiting;

	w.ready_end = &w.ready;
	for (size_t i = 0; i < root_count; i++) {
		char *path = strdup(roots[i]);

		if (!path)
			tool_no_memory();
		line = &job_new(&w, path, 0, line, waiting)->line_next;
		waiting = &(*waiting)->wait_next;
	}
	while (w.line) {
		begin_more(&w);
		take_results(&w);
		hand_over(&w);
		if (w.in_flight)
			tool_turn(t);
	}
}

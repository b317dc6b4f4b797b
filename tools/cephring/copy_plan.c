/* copy_plan.c: what the arguments mean: a list of directories, files and links, each with where it goes. */
#include "copy.h"
#include "stats.h"
#include "walk.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void copy_fail(struct copy *c, const char *path, int err, const char *why)
{
	progress_clear(&c->seen);
	tool_fail(c->tool, path, strlen(path), err, why);
}

static char *join(const char *dir, const char *name, size_t len)
{
	size_t at = strlen(dir);
	char *path = tool_alloc(at + 1 + len + 1);

	memcpy(path, dir, at);
	if (at && dir[at - 1] != '/')
		path[at++] = '/';
	memcpy(path + at, name, len);
	return path;
}

static char *copy_of(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		tool_no_memory();
	return copy;
}

/* ---- lists ---- */

static struct copy_name *add(struct copy_names *l, char *from, char *to, const struct cephring_statx *st,
			     unsigned depth)
{
	struct copy_name *n;

	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->list = realloc(l->list, l->room * sizeof *l->list);
		if (!l->list)
			tool_no_memory();
	}
	n = &l->list[l->count++];
	*n = (struct copy_name){ .from = from, .to = to, .st = *st, .depth = depth };
	return n;
}

static void names_free(struct copy_names *l)
{
	for (size_t n = 0; n < l->count; n++) {
		free(l->list[n].from);
		free(l->list[n].to);
		free(l->list[n].target);
	}
	free(l->list);
}

void copy_free(struct copy *c)
{
	names_free(&c->dirs);
	names_free(&c->files);
	names_free(&c->links);
}

/* Takes the paths and `target`. */
static void add_by_type(struct copy *c, char *from, char *to, const struct cephring_statx *st, char *target,
			unsigned depth)
{
	if (S_ISDIR(st->mode)) {
		add(&c->dirs, from, to, st, depth);
	} else if (S_ISREG(st->mode) || !depth) {
		add(&c->files, from, to, st, depth);
	} else if (S_ISLNK(st->mode) && target) {
		add(&c->links, from, to, st, depth)->target = target;
		return;
	} else {
		copy_fail(c, from, -EOPNOTSUPP, "neither a file nor a directory nor a symbolic link");
		free(from);
		free(to);
	}
	free(target);
}

/* ---- trees ---- */

struct tree {
	struct copy *copy;
	const char *from, *to; /* its root, there and here */
};

static void take_dir(void *arg, struct walk_dir *d)
{
	struct tree *t = arg;
	const char *below = d->path + strlen(t->from);
	char *to;

	while (*below == '/')
		below++;
	to = *below ? join(t->to, below, strlen(below)) : copy_of(t->to);
	if (d->err)
		copy_fail(t->copy, d->path, d->err, d->why);
	for (size_t n = 0; n < d->count; n++) {
		struct walk_entry *e = &d->entries[n];

		add_by_type(t->copy, join(d->path, e->name, e->name_len), join(to, e->name, e->name_len),
			    e->st, e->target, d->depth + 1);
		e->target = NULL;
	}
	free(to);
	walk_dir_free(d);
}

static void plan_ceph_tree(struct copy *c, const char *from, const char *to)
{
	struct tree t = { c, from, to };
	struct walk_opts o = { .recurse = true,
			       .hidden = true,
			       .targets = true,
			       .want = CEPHRING_STATX_BASIC,
			       .dir = take_dir,
			       .arg = &t };
	char *root = (char *)from;

	walk_run(c->tool, &o, &root, 1);
}

static void stat_local(const struct stat *s, struct cephring_statx *st)
{
	*st = (struct cephring_statx){ .mode = s->st_mode,
				       .size = (uint64_t)s->st_size,
				       .atime_ns = s->st_atim.tv_sec * 1000000000 + s->st_atim.tv_nsec,
				       .mtime_ns = s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec };
}

static char *local_target(const char *path)
{
	char *target = tool_alloc(WALK_TARGET_MAX + 1);

	if (readlink(path, target, WALK_TARGET_MAX) >= 0)
		return target;
	free(target);
	return NULL;
}

static void take_local(struct copy *c, const FTSENT *e, size_t root_len, const char *to)
{
	const char *below = e->fts_path + root_len;
	struct cephring_statx st;

	if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
		copy_fail(c, e->fts_path, -e->fts_errno, NULL);
		return;
	}
	if (e->fts_level == 0 || e->fts_info == FTS_DP)
		return;
	while (*below == '/')
		below++;
	stat_local(e->fts_statp, &st);
	add_by_type(c, copy_of(e->fts_path), join(to, below, strlen(below)), &st,
		    S_ISLNK(st.mode) ? local_target(e->fts_accpath) : NULL, (unsigned)e->fts_level);
}

static void plan_local_tree(struct copy *c, const char *from, const char *to)
{
	char *roots[] = { (char *)from, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (!fts) {
		copy_fail(c, from, -errno, NULL);
		return;
	}
	while ((e = fts_read(fts)) != NULL)
		take_local(c, e, strlen(from), to);
	fts_close(fts);
}

/* ---- arguments ---- */

static bool is_dir(const struct copy *c, enum side side, const char *path)
{
	struct cephring_statx st;
	struct stat local;

	if (side == SIDE_LOCAL)
		return !stat(path, &local) && S_ISDIR(local.st_mode);
	return !cephring_sync_statx(c->tool->mount, NULL, path, CEPHRING_STATX_MODE, 0, tool_cred(c->tool),
				    &st) &&
	       S_ISDIR(st.mode);
}

/* The last name of `path`, in `dir`. */
static char *into(const char *dir, const char *path)
{
	size_t end = strlen(path), begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin && path[begin - 1] != '/'; begin--)
		;
	return join(dir, path + begin, end - begin);
}

/* Is the target below the source? It would be copied into itself. */
static bool inside(const struct copy *c, const char *from, const char *to)
{
	size_t len = strlen(from);

	if (c->from_side != c->to_side)
		return false;
	while (len && from[len - 1] == '/')
		len--;
	return !strncmp(from, to, len) && (!to[len] || to[len] == '/');
}

static void plan_one(struct copy *c, const char *from, const char *target, bool into_it,
		     const struct cephring_statx *st)
{
	char *to = into_it ? into(target, from) : copy_of(target);

	if (!S_ISDIR(st->mode)) {
		add_by_type(c, copy_of(from), to, st, NULL, 0);
		return;
	}
	if (!c->recurse) {
		copy_fail(c, from, -EISDIR, c->one_pipe ? NULL : "-r copies directories");
		free(to);
		return;
	}
	if (inside(c, from, to)) {
		copy_fail(c, from, -EINVAL, "a directory cannot be copied into itself");
		free(to);
		return;
	}
	add(&c->dirs, copy_of(from), to, st, 0);
	if (c->from_side == SIDE_CEPH)
		plan_ceph_tree(c, from, to);
	else
		plan_local_tree(c, from, to);
}

static void plan_ceph(struct copy *c, char *const *sources, size_t count, const char *target, bool into_it)
{
	struct stats_item *found = stats_run(c->tool, sources, count, 0);

	for (size_t n = 0; n < count; n++) {
		if (found[n].item.res < 0)
			copy_fail(c, sources[n], (int)found[n].item.res, found[n].item.why);
		else
			plan_one(c, sources[n], target, into_it, &found[n].st);
	}
	stats_free(found, count);
}

static void plan_local(struct copy *c, char *const *sources, size_t count, const char *target, bool into_it)
{
	struct cephring_statx st = { .mode = S_IFREG | 0666 };
	struct stat s;

	for (size_t n = 0; n < count; n++) {
		if (!strcmp(sources[n], "-")) {
			add_by_type(c, copy_of("-"), copy_of(target), &st, NULL, 0);
		} else if (stat(sources[n], &s)) {
			copy_fail(c, sources[n], -errno, NULL);
		} else {
			struct cephring_statx own;

			stat_local(&s, &own);
			plan_one(c, sources[n], target, into_it, &own);
		}
	}
}

bool copy_plan(struct copy *c, char *const *sources, size_t count, const char *target)
{
	bool pipe = c->to_side == SIDE_LOCAL && !strcmp(target, "-");
	bool into_it = !pipe && is_dir(c, c->to_side, target);

	if (count > 1 && !into_it && !pipe) {
		copy_fail(c, target, -ENOTDIR, "several sources want a directory");
		return false;
	}
	if (c->from_side == SIDE_CEPH)
		plan_ceph(c, sources, count, target, into_it);
	else
		plan_local(c, sources, count, target, into_it);
	return c->dirs.count || c->files.count || c->links.count;
}

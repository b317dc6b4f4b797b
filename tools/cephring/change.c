/* change.c: see change.h. */
#include "change.h"
#include "json.h"
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE = 1024 /* between two looks at the progress */ };

#define WIPE "\r\033[K" /* the line of the progress */

struct change_report {
	struct json_list json;
};

/* ---- which ---- */

struct change *changes_add(struct changes *c, const char *path)
{
	struct change *one;

	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 64;
		c->list = realloc(c->list, c->room * sizeof *c->list);
		if (!c->list)
			tool_no_memory();
	}
	one = &c->list[c->count++];
	memset(one, 0, sizeof *one);
	one->path = path;
	return one;
}

static void add_joined(struct changes *c, const struct walk_dir *d, const struct walk_entry *e)
{
	size_t len = strlen(d->path);
	char *path = tool_alloc(len + 1 + e->name_len + 1);
	struct change *one;

	memcpy(path, d->path, len);
	while (len && path[len - 1] == '/')
		len--;
	path[len++] = '/';
	memcpy(path + len, e->name, e->name_len);
	one = changes_add(c, path);
	one->own = path;
	one->mode = e->st->mode;
	one->depth = d->depth + 1;
}

struct reading {
	struct tool *tool;
	struct changes *c;
	size_t told;
};

/* Reading a large tree takes as long as changing it. */
static void tell_found(struct reading *r)
{
	if (r->c->count < r->told + SLICE || !isatty(STDERR_FILENO))
		return;
	r->told = r->c->count;
	fprintf(stderr, "\rfound %zu", r->told);
}

static void take_dir(void *arg, struct walk_dir *d)
{
	struct reading *r = arg;

	if (d->err && r->told)
		fputs(WIPE, stderr);
	if (d->err)
		tool_fail(r->tool, d->path, strlen(d->path), d->err, d->why);
	for (size_t n = 0; n < d->count; n++)
		add_joined(r->c, d, &d->entries[n]);
	walk_dir_free(d);
	tell_found(r);
}

struct looked {
	struct batch_item item; /* first */
	const char *path;
	struct cephring_statx st;
};

static int submit_look(struct tool *t, struct batch_item *item)
{
	struct looked *l = (struct looked *)item;

	return cephring_statx(t->mount, NULL, l->path, CEPHRING_STATX_MODE, CEPHRING_NOFOLLOW, tool_cred(t),
			      &l->st, &item->op, batch_done, item);
}

void changes_tree(struct tool *t, struct changes *c, char *const *roots, size_t count)
{
	struct reading r = { t, c, 0 };
	struct walk_opts o = {
		.recurse = true, .hidden = true, .want = CEPHRING_STATX_MODE, .dir = take_dir, .arg = &r
	};
	struct looked *l = tool_alloc(count * sizeof *l);
	char **dirs = tool_alloc(count * sizeof *dirs);
	size_t dir_count = 0;

	for (size_t n = 0; n < count; n++)
		l[n].path = roots[n];
	batch_run(t, l, count, sizeof *l, submit_look);
	for (size_t n = 0; n < count; n++) {
		changes_add(c, roots[n])->mode = l[n].item.res < 0 ? 0 : l[n].st.mode;
		if (l[n].item.res >= 0 && S_ISDIR(l[n].st.mode))
			dirs[dir_count++] = roots[n];
		free(l[n].item.why);
	}
	if (dir_count)
		walk_run(t, &o, dirs, dir_count);
	if (r.told)
		fputs(WIPE, stderr);
	free(dirs);
	free(l);
}

static int deeper(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth < y->depth ? 1 : -1;
	return S_ISDIR(x->mode) - S_ISDIR(y->mode);
}

void changes_bottom_up(struct changes *c)
{
	qsort(c->list, c->count, sizeof *c->list, deeper);
}

void changes_free(struct changes *c)
{
	for (size_t n = 0; n < c->count; n++) {
		free(c->list[n].own);
		free(c->list[n].item.why);
	}
	free(c->list);
}

/* ---- doing it ---- */

struct change_report *change_begin(struct tool *t)
{
	struct change_report *r = tool_alloc(sizeof *r);

	if (t->json)
		json_list_begin(&r->json);
	return r;
}

void change_end(struct tool *t, struct change_report *r)
{
	if (t->json)
		json_list_end(&r->json);
	free(r);
}

/* What failed, and of two paths both: either may be why. */
static void say(struct tool *t, const struct change *one)
{
	char *what = tool_alloc(strlen(one->path) + (one->to ? strlen(one->to) : 0) + 5);

	sprintf(what, "%s%s%s", one->path, one->to ? " -> " : "", one->to ? one->to : "");
	tool_fail(t, what, strlen(what), (int)one->item.res, one->item.why);
	free(what);
}

static void report(struct tool *t, struct change_report *r, const struct change *one, bool shown)
{
	json_t *o;

	if (one->missing_ok && one->item.res == -ENOENT)
		return;
	if (one->item.res < 0) {
		if (shown)
			fputs(WIPE, stderr);
		say(t, one);
	}
	if (!t->json)
		return;
	o = json_new();
	json_bytes(o, "path", one->path, strlen(one->path));
	if (one->to)
		json_bytes(o, "to", one->to, strlen(one->to));
	if (one->item.res < 0)
		json_error(o, (int)one->item.res, one->item.why);
	json_list_item(&r->json, o);
}

/* How many may go at once from `from` on: a level must be done before the next one begins. */
static size_t slice(const struct changes *c, size_t from, bool by_level)
{
	size_t end = from + SLICE < c->count ? from + SLICE : c->count, n = from + 1;

	while (n < end && !(by_level && (c->list[n].depth != c->list[from].depth ||
					 S_ISDIR(c->list[n].mode) != S_ISDIR(c->list[from].mode))))
		n++;
	return n - from;
}

void change_run(struct tool *t, struct change_report *r, struct changes *c, batch_submit submit,
		const char *verb, bool by_level)
{
	bool show = c->count > SLICE && isatty(STDERR_FILENO);
	size_t done = 0, n;

	while (done < c->count) {
		n = slice(c, done, by_level);
		batch_run(t, c->list + done, n, sizeof *c->list, submit);
		for (size_t k = done; k < done + n; k++)
			report(t, r, &c->list[k], show && done);
		done += n;
		if (show)
			fprintf(stderr, "\r%s %zu of %zu", verb, done, c->count);
	}
	if (show)
		fputc('\n', stderr);
}

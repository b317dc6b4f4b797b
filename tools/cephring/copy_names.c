/* copy_names.c: the directories and symbolic links of what is copied. Directories of one level are made
 * together; while files are put into them their owner may write there, whatever their final mode. */
#include "batch.h"
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum name_act { NAME_MKDIR, NAME_SYMLINK, NAME_SET };

struct name_item {
	struct batch_item item; /* first */
	struct copy *copy;
	struct copy_name *name;
	enum name_act act;
	struct cephring_setattr set;
};

static uint32_t mode_while_filled(const struct copy_name *n)
{
	return (n->st.mode & 0777) | 0700;
}

static struct timespec time_of(int64_t ns)
{
	int64_t s = ns / 1000000000, rest = ns % 1000000000;

	return rest < 0 ? (struct timespec){ s - 1, rest + 1000000000 } : (struct timespec){ s, rest };
}

static int submit(struct tool *t, struct batch_item *item)
{
	struct name_item *i = (struct name_item *)item;
	const char *path = i->name->to;

	switch (i->act) {
	case NAME_MKDIR:
		return cephring_mkdir(t->mount, NULL, path, mode_while_filled(i->name), 0, tool_cred(t),
				      &item->op, batch_done, item);
	case NAME_SYMLINK:
		return cephring_symlink(t->mount, i->name->target, NULL, path, tool_cred(t), &item->op,
					batch_done, item);
	case NAME_SET:
		return cephring_setattr(t->mount, NULL, path, &i->set, 0, tool_cred(t), &item->op, batch_done,
					item);
	}
	return -EINVAL;
}

static int local_set(const struct name_item *i)
{
	struct timespec times[2] = { time_of(i->set.atime_ns), time_of(i->set.mtime_ns) };

	if (chmod(i->name->to, i->set.mode))
		return -errno;
	return (i->set.set & CEPHRING_SET_MTIME) && utimensat(AT_FDCWD, i->name->to, times, 0) ? -errno : 0;
}

static int local_act(const struct name_item *i)
{
	switch (i->act) {
	case NAME_MKDIR:
		return mkdir(i->name->to, mode_while_filled(i->name)) ? -errno : 0;
	case NAME_SYMLINK:
		return symlink(i->name->target, i->name->to) ? -errno : 0;
	case NAME_SET:
		return local_set(i);
	}
	return -EINVAL;
}

static void report(struct copy *c, struct name_item *i)
{
	int err = (int)i->item.res;

	/* a directory that is there is filled; if it is something else, so the files in it will say */
	if (err == -EEXIST && (i->act == NAME_MKDIR || c->transfer.resume))
		err = 0;
	if (err < 0)
		copy_fail(c, i->name->to, err, i->item.why);
	free(i->item.why);
}

static void act_on(struct copy *c, enum name_act act, struct copy_name *names, size_t count)
{
	struct name_item *items = tool_alloc(count * sizeof *items);

	for (size_t n = 0; n < count; n++) {
		const struct cephring_statx *st = &names[n].st;

		items[n].copy = c;
		items[n].name = &names[n];
		items[n].act = act;
		items[n].set = (struct cephring_setattr){ .struct_size = sizeof items[n].set,
							  .set = CEPHRING_SET_MODE,
							  .mode = st->mode & 07777,
							  .atime_ns = st->atime_ns,
							  .mtime_ns = st->mtime_ns };
		items[n].set.set |= c->transfer.preserve ? CEPHRING_SET_ATIME | CEPHRING_SET_MTIME : 0;
		if (c->to_side == SIDE_LOCAL)
			items[n].item.res = local_act(&items[n]);
	}
	if (c->to_side == SIDE_CEPH)
		batch_run(c->tool, items, count, sizeof *items, submit);
	for (size_t n = 0; n < count; n++)
		report(c, &items[n]);
	free(items);
}

static int shallower(const void *a, const void *b)
{
	const struct copy_name *x = a, *y = b;

	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

void copy_names_before(struct copy *c)
{
	struct copy_names *d = &c->dirs;

	if (d->count)
		qsort(d->list, d->count, sizeof *d->list, shallower);
	for (size_t from = 0, to; from < d->count; from = to) {
		for (to = from + 1; to < d->count && d->list[to].depth == d->list[from].depth; to++)
			;
		act_on(c, NAME_MKDIR, d->list + from, to - from);
	}
	if (c->links.count)
		act_on(c, NAME_SYMLINK, c->links.list, c->links.count);
}

void copy_names_after(struct copy *c)
{
	struct copy_names *d = &c->dirs;
	mode_t mask = umask(0);

	umask(mask);
	/* deepest first: above them it may not be allowed to pass any more */
	for (size_t n = d->count; n--;) {
		struct copy_name *one = &d->list[n];

		if (!c->transfer.preserve) {
			if ((one->st.mode & 0700) == 0700)
				continue;
			one->st.mode &= ~mask & ~(uint32_t)07000;
		}
		act_on(c, NAME_SET, one, 1);
	}
}

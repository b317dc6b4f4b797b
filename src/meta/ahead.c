/* ahead.c: listing a directory before anybody asks for that.
 *
 * Who opens the files of a directory one after the other, and did not list it, pays two round trips for each:
 * one to the MDS for the name, one to the OSD for the bytes. The number of a file, by which its objects are
 * called, has to be known before they can be asked for, so nothing sent at the same time can save one of
 * them. But the names can be known earlier: when enough of them were asked for alone, the directory is listed
 * into the cache, attributes and caps with it, while the opens go on. From then on opening costs nothing, and
 * a small file is one round trip to its OSD.
 *
 *   files in the directory   opened before it is listed
 *   up to 128                AHEAD_MIN
 *   more                     a sixteenth: so the MDS works at most for a few times as long as it had to
 *   too many                 never: they would take more than a quarter of the cache
 *
 * Only opens for reading count, of files whose names were asked for just now. What is listed is trusted as
 * what any listing brings, and goes with the caps that came along; then the count begins anew.
 */
#include "readdir_impl.h"

#include <errno.h>

enum {
	AHEAD_MIN = 8,
	AHEAD_PART = 16,
	AHEAD_ENTRY_BYTES = 1024, /* of the cache, for a name with its inode and cap */
};

struct dir_ahead {
	struct dir_stream *stream; /* owned */
	struct inode *dir;         /* ref */
	struct cephring_cred cred; /* without its groups: at worst the MDS refuses */
};

static void end(struct dir_ahead *a)
{
	struct inode *dir = a->dir;
	struct meta *m = a->stream->m;

	dir->dir->ahead = NULL;
	dir->dir->asked_alone = 0;
	dir_stream_free(m, a->stream);
	mem_free(a, sizeof *a);
	inode_put(m, dir);
}

void dir_ahead_step(struct dir_ahead *a)
{
	struct dir_stream *s = a->stream;
	int err = s->m->stopping ? -ESHUTDOWN : s->err;

	while (s->current < s->count && s->readers[s->current].ended)
		s->current++;
	if (!err && s->current < s->count) {
		err = dir_stream_pump(s);
		if (!err)
			return;
	}
	if (err)
		a->dir->dir->no_ahead = true; /* it would be so again */
	else
		dir_stream_finished(s);
	end(a);
}

static void begin(struct meta *m, struct inode *dir, const struct cephring_cred *cred)
{
	struct dir_ahead *a = mem_alloc(sizeof *a);

	if (!a)
		return;
	a->dir = inode_get(dir);
	a->cred = *cred;
	a->cred.groups = NULL;
	a->cred.ngroups = 0;
	if (dir_stream_new(m, dir, &a->cred, &a->stream)) {
		dir_stream_free(m, a->stream);
		mem_free(a, sizeof *a);
		inode_put(m, dir);
		return;
	}
	a->stream->ahead = a;
	dir->dir->ahead = a;
	m->stats.lists_ahead++;
	dir_ahead_step(a);
}

void dir_ahead_opened(struct meta *m, const struct inode *file, const struct cephring_cred *cred)
{
	struct dentry *name = LIST_FIRST(&file->aliases);
	struct inode *dir = name ? name->key.dir : NULL;
	struct dir *d = dir ? dir->dir : NULL;
	uint64_t names;

	if (!d || m->o.no_list_ahead || m->stopping || d->ahead || d->no_ahead || d->complete ||
	    dir->key.snapid != SNAP_HEAD)
		return;
	names = d->a.files + d->a.subdirs;
	if (++d->asked_alone < AHEAD_MIN || d->asked_alone < names / AHEAD_PART || d->asked_alone >= names ||
	    names > m->cache.limit / 4 / AHEAD_ENTRY_BYTES)
		return;
	begin(m, dir, cred);
}

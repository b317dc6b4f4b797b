/* data_failed.c: the words for bytes of a file that no OSD takes or gives. */
#include "data_op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The first object whose request failed, or that of the first byte. */
static void object_name(const struct inode *i, const struct file_io *io, uint64_t off, char *name)
{
	const struct layout *l = &i->a.layout;
	const struct stripe_layout sl = { l->stripe_unit, l->stripe_count, l->object_size };
	struct stripe_run run = { 0 };
	struct stripe_iter it;

	stripe_begin(&it, &sl, off, 1);
	stripe_next(&it, &run);
	if (io && io->failed_osd >= 0)
		run.object = io->failed_object;
	name[stripe_object_name(i->key.ino, run.object, name)] = 0;
}

static const char *reason(const cephring_mount *mt, int64_t pool, int err)
{
	const struct osdmap *m = mt->data.osdc ? osdc_map(mt->data.osdc) : NULL;
	const char *words = strerrordesc_np(-err);

	if (err == -ENOENT && m && !osdmap_pool(m, pool))
		return "the pool does not exist any more";
	return words ? words : "unknown error";
}

void data_failed(cephring_mount *mt, const struct inode *i, const struct file_io *io, uint64_t off,
		 uint64_t len, int err, const char *what)
{
	const struct dentry *d = LIST_FIRST(&i->aliases);
	char name[STRIPE_NAME_MAX + 1], osd[24] = "no osd was asked";
	long long pool = i->a.layout.pool;

	object_name(i, io, off, name);
	if (io && io->failed_osd >= 0)
		snprintf(osd, sizeof osd, "osd.%d", io->failed_osd);
	log_fail(&mt->log, err, "inode %llx (%s): %llu bytes at %llu %s: object %s of pool %lld, %s: %s",
		 (unsigned long long)i->key.ino, d ? d->key.name : "no name", (unsigned long long)len,
		 (unsigned long long)off, what, name, pool, osd, reason(mt, pool, err));
}

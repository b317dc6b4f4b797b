/* cluster: --mds 1 */
/* Positions in a directory: telldir, seekdir and rewinddir, while names come and go, from the MDS and from
 * the cache, and the same numbers as libcephfs gives. */
#include "both.h"

#define TOP "/positions"
enum { FILES = 3000 };

static const struct cephring_cred root = { 0 };

struct at {
	char name[256];
	uint64_t offset; /* behind it */
};

/* Lists from where the file stands; at most `max` names. */
static int list(cephring_file *f, struct at *out, int max)
{
	static char buf[16384];
	int count = 0;
	int64_t n;

	while (count < max && (n = cephring_sync_readdir(f, buf, sizeof buf)) > 0) {
		for (int64_t at = 0; at < n && count < max; count++) {
			const struct cephring_dirent *e = (const struct cephring_dirent *)(buf + at);

			snprintf(out[count].name, sizeof out[count].name, "%s", e->name);
			out[count].offset = e->next_offset;
			at += e->reclen;
		}
	}
	return n < 0 ? (int)n : count;
}

struct theirs {
	struct at *at;
	int count;
};

static int their_list(struct ceph_mount_info *cm, void *arg)
{
	struct theirs *t = arg;
	struct ceph_dir_result *d;
	struct dirent *e;
	int err = ceph_opendir(cm, TOP, &d);

	if (err)
		return err;
	while ((e = ceph_readdir(cm, d)) != NULL && t->count < FILES + 2) {
		snprintf(t->at[t->count].name, sizeof t->at[0].name, "%s", e->d_name);
		t->at[t->count++].offset = (uint64_t)e->d_off;
	}
	return ceph_closedir(cm, d);
}

static struct at all[FILES + 8], other[FILES + 8], one[FILES + 8];

/* From behind each of some names: the next one follows, whatever was listed before. */
static void jumps(cephring_file *f, int count, const char *when)
{
	int wrong = 0;

	for (int n = 0; n + 1 < count; n += 97) {
		if (cephring_seekdir(f, all[n].offset) || cephring_telldir(f) != all[n].offset ||
		    list(f, one, 1) != 1 || strcmp(one[0].name, all[n + 1].name))
			wrong++;
	}
	tap_eq(wrong, 0, when);
}

static void names_go(struct both *b, cephring_file *f, int count)
{
	char path[128];
	int wrong = 0;

	/* What stood there is gone: the listing goes on behind it. */
	for (int n = 10; n + 2 < count; n += 301) {
		snprintf(path, sizeof path, TOP "/%s", all[n + 1].name);
		if (cephring_sync_unlink(b->mount, NULL, path, 0, &root))
			wrong++;
	}
	tap_eq(wrong, 0, "names are removed");
	for (int n = 10; n + 2 < count; n += 301) {
		cephring_seekdir(f, all[n].offset);
		if (list(f, one, 1) != 1 || strcmp(one[0].name, all[n + 2].name))
			wrong++;
		cephring_seekdir(f, all[n + 1].offset);
		if (list(f, one, 1) != 1 || strcmp(one[0].name, all[n + 2].name))
			wrong++;
	}
	tap_eq(wrong, 0, "positions of names that are gone");
}

int main(void)
{
	struct both *b = both_new(NULL, NULL);
	struct theirs t = { .at = other };
	cephring_file *f = NULL;
	int count, wrong = 0;

	they(b, their_clean, TOP);
	tap_eq(they_do(b, THEY_MKDIR, TOP, NULL, 0755), 0, "a directory");
	tap_eq(make_many(b, TOP, 0, FILES), 0, "with files");
	tap_eq(cephring_sync_open(b->mount, NULL, TOP, O_RDONLY | O_DIRECTORY, 0, NULL, &root, &f), 0,
	       "opened");
	cephring_drop_caches(b->mount);
	tap_eq(cephring_seekdir(f, all[0].offset), 0, "to the start");
	count = list(f, all, FILES + 8);
	tap_eq(count, FILES + 2, "all names are listed");
	tap_eq(they(b, their_list, &t), 0, "by the other client too");
	for (int n = 0; n < count && n < t.count; n++)
		wrong += strcmp(all[n].name, other[n].name) || (n >= 2 && all[n].offset != other[n].offset);
	tap_ok(t.count == count && !wrong, "the same names at the same positions");
	jumps(f, count, "from the cache: the next name follows");
	cephring_drop_caches(b->mount);
	jumps(f, count, "from the MDS: the next name follows");
	cephring_rewinddir(f);
	tap_eq(list(f, one, FILES + 8), count, "from the start again");
	for (int n = 0; n < count; n++)
		wrong += strcmp(one[n].name, all[n].name) || one[n].offset != all[n].offset;
	tap_eq(wrong, 0, "the same");
	tap_eq(cephring_seekdir(f, 12345), -EINVAL, "no position");
	tap_eq(cephring_seekdir(f, all[count - 1].offset), 0, "behind the last");
	tap_eq(list(f, one, 1), 0, "there is nothing");
	names_go(b, f, count);
	tap_eq(cephring_sync_close(f), 0, "closed");
	both_free(b);
	return tap_end();
}

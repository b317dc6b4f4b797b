/* cluster: --mds 1 */
/* A random tree with symlinks, owners and modes, and random paths through it for several callers: ours and
 * libcephfs must say the same, with the cache cold, warm or half full. The seed is printed; WALK_SEED repeats
 * a run. */
#include "walked.h"

#define TOP "/random"

enum { NODES = 150, QUESTIONS = 1200, NAMES = 6, DEPTH_MAX = 9 };

static const uint32_t some_groups[] = { 2000 }, more_groups[] = { 5, 2001, 2000 };
static const struct cephring_cred who[] = {
	{ 0, 0, 0, NULL, 0 },       { 1000, 1000, 0, NULL, 0 },     { 1000, 1000, 1, some_groups, 0 },
	{ 1001, 2001, 0, NULL, 0 }, { 1002, 1, 3, more_groups, 0 },
};

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* ---- the tree ---- */

static char dirs[NODES][400];
static int dir_count;

/* "n0" to "n5", each its own kind of thing in each directory. */
static int name(char *out, size_t size)
{
	return snprintf(out, size, "n%u", rnd(NAMES));
}

/* A path of names below `from`, with dots now and then, if they may be. */
static void random_path(char *out, size_t size, const char *from, bool dots)
{
	uint32_t depth = 1 + rnd(rnd(2) ? 2 : DEPTH_MAX);
	size_t len = (size_t)snprintf(out, size, "%s", from);

	while (depth-- && len + 16 < size) {
		uint32_t what = rnd(20);

		if (len || rnd(2))
			out[len++] = '/';
		if (!rnd(12))
			out[len++] = '/';
		if (dots && what < 2)
			len += (size_t)snprintf(out + len, size - len, "..");
		else if (dots && what == 2)
			len += (size_t)snprintf(out + len, size - len, ".");
		else
			len += (size_t)name(out + len, size - len);
	}
	if (dots && !rnd(10))
		out[len++] = '/';
	out[len] = '\0';
}

static int make_link(struct ceph_mount_info *cm, const char *path)
{
	char to[600];

	/* No dots behind names: libcephfs lets them pass behind a file, and in a link that is not seen in the
	 * path. */
	if (rnd(3))
		random_path(to, sizeof to / 4, rnd(2) ? ".." : "", false);
	else
		random_path(to, sizeof to, dirs[rnd((uint32_t)dir_count)], false);
	return ceph_symlink(cm, *to ? to : ".", path);
}

static int their_random_tree(struct ceph_mount_info *cm, void *arg)
{
	static const uint32_t uids[] = { 0, 1000, 1001 }, gids[] = { 0, 1000, 2000, 2001 };
	static const mode_t modes[] = { 0755, 0755, 0711, 0750, 0700, 0070, 0007, 0000, 0111, 0644 };
	char path[600];
	int err = their_rm_r(cm, TOP);

	(void)arg;
	err = err ? err : ceph_mkdir(cm, TOP, 0755);
	strcpy(dirs[dir_count++], TOP);
	for (int n = 0; n < NODES && !err; n++) {
		size_t len = (size_t)snprintf(path, sizeof path, "%s/", dirs[rnd((uint32_t)dir_count)]);
		uint32_t kind = rnd(10);

		name(path + len, sizeof path - len);
		if (kind < 5 && len < 300) {
			err = ceph_mkdir(cm, path, 0755);
			if (!err)
				strcpy(dirs[dir_count++], path);
		} else {
			err = kind < 8 ? make_link(cm, path) : their_create(cm, path, 0644);
		}
		if (!err && !(kind >= 5 && kind < 8) && rnd(2)) {
			err = ceph_chown(cm, path, (int)uids[rnd(3)], (int)gids[rnd(4)]);
			err = err ? err : ceph_chmod(cm, path, modes[rnd(10)]);
		}
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

int main(void)
{
	const char *given = getenv("WALK_SEED");
	struct both *b = both_new(NULL, NULL);
	unsigned found = 0, cached = 0, denied = 0;
	bool same = true;
	struct walked w;

	state = given ? strtoull(given, NULL, 0) : now_ns();
	tap_note("WALK_SEED=%" PRIu64, state);
	if (!tap_eq(they(b, their_random_tree, NULL), 0, "a random tree is made"))
		return tap_end();
	for (int n = 0; n < QUESTIONS && same; n++) {
		const struct cephring_cred *c = &who[rnd(sizeof who / sizeof *who)];
		char path[1000];

		random_path(path, sizeof path, rnd(3) ? TOP : dirs[rnd((uint32_t)dir_count)], true);
		same = walked_compare(b, path, rnd(4) ? 0 : CEPHRING_NOFOLLOW, c, !rnd(3), true, &w);
		found += !w.cold.err;
		denied += w.cold.err == -EACCES;
		cached += w.was_cached;
	}
	tap_ok(same, "ours and libcephfs agree on every path, for every caller");
	tap_note("%d paths: %u lead somewhere, %u are forbidden, %u were answered from the cache", QUESTIONS,
		 found, denied, cached);
	tap_ok(!same || (found >= 20 && cached >= QUESTIONS / 4), "the paths were of all kinds");
	they(b, their_clean, (void *)TOP);
	both_free(b);
	return tap_end();
}

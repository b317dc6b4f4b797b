/* loop.c: the smallest embedding: one thread, a bare loop, several operations in flight.
 *
 *     ./loop /path [/path...]     (CEPH_CONF names the cluster)
 */
#include <cephring.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
	struct cephring_op op; /* the library's room for this operation: nothing is allocated per call */
	struct cephring_statx st;
	const char *path;
	int *left;
};

/* Comes once for each accepted operation, from inside cephring_run(). */
static void done(struct cephring_op *op, int64_t res, void *user)
{
	struct job *j = user;

	if (res < 0)
		printf("%s: %s\n", j->path, strerror((int)-res));
	else
		printf("%s: inode %" PRIu64 ", %" PRIu64 " bytes\n", j->path, j->st.ino, j->st.size);
	--*j->left;
}

static int stat_all(cephring_engine *e, cephring_mount *m, char **paths, int count)
{
	struct job *jobs = calloc(count, sizeof *jobs);
	int left = 0, err;

	if (!jobs)
		return 1;
	for (int i = 0; i < count; i++) {
		jobs[i].path = paths[i];
		jobs[i].left = &left;
		/* All requests submitted before the next turn leave in one send. */
		err = cephring_statx(m, NULL, paths[i], CEPHRING_STATX_BASIC, 0, NULL, &jobs[i].st,
				     &jobs[i].op, done, &jobs[i]);
		if (err)
			printf("%s: not accepted: %s\n", paths[i], strerror(-err));
		else
			left++;
	}
	while (left)
		cephring_run(e, -1);
	free(jobs);
	return 0;
}

int main(int argc, char **argv)
{
	cephring_engine *e;
	cephring_config *c;
	cephring_mount *m;
	char why[256];
	int err;

	err = cephring_engine_new(NULL, &e, why, sizeof why);
	if (err) {
		fprintf(stderr, "engine: %s (%s)\n", strerror(-err), why);
		return 1;
	}
	if (cephring_config_new(&c))
		return 1;
	err = cephring_config_load(c);
	if (err) {
		fprintf(stderr, "configuration: %s\n", cephring_config_error(c));
		return 1;
	}
	err = cephring_sync_mount(e, c, NULL, &m);
	if (err)
		fprintf(stderr, "mount: %s\n", m ? cephring_strerror(m, err) : strerror(-err));
	else
		err = stat_all(e, m, argv + 1, argc - 1);
	if (m)
		cephring_sync_unmount(m);
	cephring_engine_free(e);
	cephring_config_free(c);
	return err ? 1 : 0;
}

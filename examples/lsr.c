/* lsr.c: `ls -R` in a few lines with the blocking helpers: read a directory with attributes, then those below
 * it.
 *
 * (tools/cephring/walk.c shows how to have many directories in flight instead.)
 *
 *     ./lsr [/dir]     (CEPH_CONF names the cluster)
 */
#include <cephring.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUF_SIZE = 64 << 10 };

static void list(cephring_mount *m, const char *path);

static int is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* The directories of one buffer, once all of it was printed. */
static void list_below(cephring_mount *m, const char *path, const char *buf, int64_t len)
{
	const struct cephring_dirent *e;
	char *below;

	for (int64_t at = 0; at < len; at += e->reclen) {
		e = (const void *)(buf + at);
		if (!S_ISDIR(e->st.mode) || is_dots(e->name))
			continue;
		if (asprintf(&below, "%s/%s", strcmp(path, "/") ? path : "", e->name) < 0)
			return;
		list(m, below);
		free(below);
	}
}

static void print(const char *buf, int64_t len)
{
	const struct cephring_dirent *e;

	for (int64_t at = 0; at < len; at += e->reclen) {
		e = (const void *)(buf + at);
		if (!is_dots(e->name))
			printf("%06o %10" PRIu64 " %s\n", e->st.mode, e->st.size, e->name);
	}
}

static void list(cephring_mount *m, const char *path)
{
	char *bufs = NULL, *more;
	cephring_file *dir;
	int64_t len = 0, n;
	int err = cephring_sync_open(m, NULL, path, O_RDONLY | O_DIRECTORY, 0, NULL, NULL, &dir);

	if (err) {
		printf("%s: %s\n", path, strerror(-err));
		return;
	}
	printf("%s:\n", path);
	do {
		more = realloc(bufs, len + BUF_SIZE);
		if (!more)
			break;
		bufs = more;
		n = cephring_sync_readdir(dir, bufs + len, BUF_SIZE);
		len += n > 0 ? n : 0;
	} while (n > 0);
	cephring_sync_close(dir);
	print(bufs, len);
	list_below(m, path, bufs, len);
	free(bufs);
}

int main(int argc, char **argv)
{
	cephring_engine *e;
	cephring_config *c;
	cephring_mount *m;
	int err;

	if (cephring_engine_new(NULL, &e, NULL, 0) || cephring_config_new(&c) || cephring_config_load(c))
		return 1;
	err = cephring_sync_mount(e, c, NULL, &m);
	if (err)
		fprintf(stderr, "mount: %s\n", strerror(-err));
	else
		list(m, argc > 1 ? argv[1] : "/");
	if (m)
		cephring_sync_unmount(m);
	cephring_engine_free(e);
	cephring_config_free(c);
	return err ? 1 : 0;
}

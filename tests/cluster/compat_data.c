/* cluster: ; timeout: 120 */
/* The drop-in beside the real libcephfs: open flags, reading, writing, positions, holes, large offsets,
 * truncation, allocation, layouts and pools, descriptors that are not open. */
#include "twice.h"
#include <netinet/in.h>

static const struct twice_known known[] = {
	{ "open /o/file RDONLY|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/file WRONLY|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/file RDWR|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/link RDONLY|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/link WRONLY|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/link RDWR|DIRECTORY", "0", "-ENOTDIR" },
	{ "open /o/dangling RDONLY|CREAT", "-ELOOP", "0" },
	{ "open /o/dangling WRONLY|CREAT", "-ELOOP", "0" },
	{ "open /o/dangling RDWR|CREAT", "-ELOOP", "0" },
	{ "open /o/dangling WRONLY|CREAT|TRUNC", "-ELOOP", "0" },
	{ "open /o/dangling RDWR|CREAT|TRUNC", "-ELOOP", "0" },
	{ "ceph_truncate(cm, \"/big\", -5)", "-EFBIG", "-EINVAL" },
	{ NULL, NULL, NULL },
};

/* Every useful combination of flags, on what may be there. */
enum { FOLLOWED = 50 };

static void open_flags(struct ceph_mount_info *cm)
{
	static const struct {
		const char *name;
		int bits;
	} extra[] = { { "", 0 },
		      { "|CREAT", O_CREAT },
		      { "|CREAT|EXCL", O_CREAT | O_EXCL },
		      { "|TRUNC", O_TRUNC },
		      { "|CREAT|TRUNC", O_CREAT | O_TRUNC },
		      { "|APPEND", O_APPEND },
		      { "|DIRECTORY", O_DIRECTORY },
		      { "|NOFOLLOW", O_NOFOLLOW } };
	static const char *const modes[] = { "RDONLY", "WRONLY", "RDWR" };
	static const char *const what[] = { "/o/file", "/o/none", "/o/dir", "/o/link", "/o/dangling" };
	struct ceph_statx st;
	int fd;

	ceph_mkdir(cm, "/o", 0755);
	ceph_mkdir(cm, "/o/dir", 0755);
	ceph_symlink(cm, "file", "/o/link");
	ceph_symlink(cm, "none", "/o/dangling");
	for (unsigned w = 0; w < 5; w++) {
		for (unsigned e = 0; e < sizeof extra / sizeof *extra; e++) {
			for (int m = 0; m < 3; m++) {
				/* what to truncate means without writing is not said; the real one truncates
				 * a directory */
				if ((extra[e].bits & O_TRUNC) && (m == 0 || w == 2))
					continue;
				ceph_close(cm, fd = ceph_open(cm, "/o/file", O_CREAT | O_RDWR, 0644));
				ceph_truncate(cm, "/o/file", 5);
				fd = ceph_open(cm, what[w], m | extra[e].bits, 0640);
				say(fd < 0 ? fd : 0, "open %s %s%s", what[w], modes[m], extra[e].name);
				/* sizes of what both open */
				if (fd >= 0 && ceph_fstatx(cm, fd, &st, CEPH_STATX_SIZE, 0) == 0 && w < 2 &&
				    !(extra[e].bits & O_DIRECTORY))
					say((long long)st.stx_size, "open %s %s%s: size", what[w], modes[m],
					    extra[e].name);
				if (fd >= 0)
					ceph_close(cm, fd);
				ceph_unlink(cm, "/o/none");
			}
		}
	}
}

static void reading(struct ceph_mount_info *cm)
{
	char buf[256] = "";
	struct iovec iov[3] = { { "one", 3 }, { "", 0 }, { "four", 4 } },
		     in[2] = { { buf, 2 }, { buf + 10, 20 } };
	int fd, ro, wo;

	/* a slash behind the name of a file that is made */
	R((fd = ceph_open(cm, "/slash/", O_CREAT | O_RDWR, 0644)) >= 0);
	R(ceph_close(cm, fd));
	R((fd = ceph_open(cm, "/slash//", O_CREAT | O_RDWR, 0644)) >= 0);
	R(ceph_close(cm, fd));
	R(ceph_open(cm, "/slash/", O_CREAT | O_EXCL | O_RDWR, 0644));
	R(ceph_open(cm, "/o/dir/", O_CREAT | O_RDWR, 0644));
	R(ceph_open(cm, "/", O_CREAT | O_RDWR, 0644));
	R(ceph_unlink(cm, "/slash"));
	R((fd = ceph_open(cm, "/rw", O_CREAT | O_RDWR, 0644)) >= 0);
	R(ceph_write(cm, fd, "hello world", 11, 0));
	R(ceph_read(cm, fd, buf, 5, 0));
	say_text("read", buf, 5);
	R(ceph_read(cm, fd, buf, 100, 6));
	say_text("read", buf, 5);
	R(ceph_read(cm, fd, buf, 100, 11));
	R(ceph_read(cm, fd, buf, 100, 1000));
	R(ceph_read(cm, fd, buf, 0, 0));
	R(ceph_pwritev(cm, fd, iov, 3, 20));
	R(ceph_preadv(cm, fd, in, 2, 20));
	say_text("in 1", buf, 2);
	say_text("in 2", buf + 10, 5);
	/* positions */
	R(ceph_lseek(cm, fd, 0, SEEK_SET));
	R(ceph_read(cm, fd, buf, 5, -1));
	R(ceph_lseek(cm, fd, 0, SEEK_CUR));
	R(ceph_write(cm, fd, "-", 1, -1));
	R(ceph_lseek(cm, fd, 0, SEEK_CUR));
	R(ceph_read(cm, fd, buf, 100, -1));
	R(ceph_lseek(cm, fd, -3, SEEK_END));
	R(ceph_read(cm, fd, buf, 100, -1));
	say_text("the end", buf, 3);
	R(ceph_lseek(cm, fd, -3, SEEK_SET));
	R(ceph_lseek(cm, fd, -1000, SEEK_END));
	R(ceph_lseek(cm, fd, 0, 77));
	R(ceph_lseek(cm, fd, 100000, SEEK_SET));
	R(ceph_read(cm, fd, buf, 10, -1));
	R(ceph_preadv(cm, fd, in, 0, 0));
	R(ceph_fsync(cm, fd, 0));
	R(ceph_fsync(cm, fd, 1));
	R((ro = ceph_open(cm, "/rw", O_RDONLY, 0)) >= 0);
	R((wo = ceph_open(cm, "/rw", O_WRONLY, 0)) >= 0);
	R(ceph_write(cm, ro, "x", 1, 0));
	R(ceph_read(cm, wo, buf, 1, 0));
	R(ceph_fsync(cm, ro, 0));
	R(ceph_close(cm, ro));
	R(ceph_close(cm, wo));
	R((wo = ceph_open(cm, "/rw", O_WRONLY | O_APPEND, 0)) >= 0);
	R(ceph_write(cm, wo, "end", 3, 0));
	R(ceph_write(cm, wo, "END", 3, -1));
	R(ceph_lseek(cm, wo, 0, SEEK_END));
	R(ceph_close(cm, wo));
	R(ceph_read(cm, fd, buf, 256, 0));
	say_text("all", buf, 33);
	R(ceph_close(cm, fd));
	R(ceph_close(cm, fd));
	R(ceph_read(cm, fd, buf, 1, 0));
	R(ceph_write(cm, fd, buf, 1, 0));
	R(ceph_lseek(cm, fd, 0, SEEK_SET));
	R(ceph_fsync(cm, fd, 0));
	R(ceph_ftruncate(cm, fd, 0));
	R(ceph_close(cm, -1));
	R(ceph_close(cm, 0));
	R(ceph_close(cm, 1 << 30));
	R(ceph_read(cm, -1, buf, 1, 0));
	OURS(ceph_write(cm, -1, NULL, 1, 0), -EBADF);
	/* the real one aborts */
	fd = ceph_open(cm, "/rw", O_RDWR, 0);
	OURS(ceph_write(cm, fd, "", 0, 0), 0);
	OURS(ceph_write(cm, fd, "x", -1, 0), -EINVAL);
	OURS(ceph_read(cm, fd, buf, -1, 0), -EINVAL);
	OURS(ceph_read(cm, fd, NULL, 5, 0), -EFAULT);
	OURS(ceph_write(cm, fd, NULL, 5, 0), -EFAULT);
	OURS(ceph_preadv(cm, fd, NULL, 1, 0), -EFAULT);
	OURS(ceph_preadv(cm, fd, in, -1, 0), -EINVAL);
	R(ceph_close(cm, fd));
	R((fd = ceph_open(cm, "/o/dir", O_RDONLY, 0)) >= 0);
	R(ceph_close(cm, fd));
}

static uint32_t sum(const char *p, size_t n)
{
	uint32_t s = 5381;

	while (n--)
		s = s * 33 + (unsigned char)*p++;
	return s;
}

static void holes(struct ceph_mount_info *cm)
{
	const int64_t far = (int64_t)5 << 30; /* beyond 4 GiB, in another object */
	static char buf[9 << 20];
	struct ceph_statx st;
	int fd;

	R((fd = ceph_open(cm, "/big", O_CREAT | O_RDWR, 0644)) >= 0);
	R(ceph_write(cm, fd, "far", 3, far));
	R(ceph_fstatx(cm, fd, &st, CEPH_STATX_SIZE, 0));
	R(st.stx_size);
	R(ceph_read(cm, fd, buf, 10, far - 5));
	say_text("around", buf, 8);
	memset(buf, 'x', 100);
	R(ceph_read(cm, fd, buf, 100, 4096));
	R(sum(buf, 100));
	R(ceph_ftruncate(cm, fd, far + 1));
	R(ceph_read(cm, fd, buf, 10, far));
	R(ceph_ftruncate(cm, fd, far + 5));
	R(ceph_read(cm, fd, buf, 10, far));
	say_text("grown again", buf, 5);
	R(ceph_truncate(cm, "/big", -5));
	R(ceph_ftruncate(cm, fd, 0));
	for (size_t n = 0; n < sizeof buf; n++)
		buf[n] = (char)(n * 7 + n / 251);
	R(ceph_write(cm, fd, buf, sizeof buf, 0));
	memset(buf, 0, sizeof buf);
	R(ceph_read(cm, fd, buf, sizeof buf, 0));
	R(sum(buf, sizeof buf));
	/* across the border of two objects */
	R(ceph_write(cm, fd, "border", 6, (4 << 20) - 3));
	R(ceph_read(cm, fd, buf, 12, (4 << 20) - 6));
	say_text("border", buf + 3, 6);
	R(ceph_fallocate(cm, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 5 << 20));
	R(ceph_read(cm, fd, buf, sizeof buf, 0));
	R(sum(buf, sizeof buf));
	R(ceph_fallocate(cm, fd, 0, 0, 20 << 20));
	R(ceph_fstatx(cm, fd, &st, CEPH_STATX_SIZE, 0));
	R(st.stx_size);
	R(ceph_fallocate(cm, fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	R(ceph_fallocate(cm, fd, 0x40000000, 0, 10));
	R(ceph_fallocate(cm, fd, 0, -1, 10));
	R(ceph_fallocate(cm, fd, 0, 0, 0));
	R(ceph_fallocate(cm, 9999, 0, 0, 10));
	R(ceph_fsync(cm, fd, 0));
	R(ceph_close(cm, fd));
	fd = ceph_open(cm, "/big", O_RDONLY, 0);
	R(ceph_fallocate(cm, fd, 0, 0, 10));
	R(ceph_read(cm, fd, buf, sizeof buf, 0));
	R(sum(buf, sizeof buf));
	R(ceph_close(cm, fd));
	R(ceph_sync_fs(cm));
}

static void layouts(struct ceph_mount_info *cm)
{
	int fd, su = 0, sc = 0, os = 0, pool = 0, osds[8];
	struct sockaddr_storage ss[8];
	int64_t len = 0;
	char buf[128];
	int n;

	R((fd = ceph_open_layout(cm, "/lay", O_CREAT | O_RDWR, 0644, 65536, 2, 131072, "cephfs.data")) >= 0);
	R(ceph_get_file_layout(cm, fd, &su, &sc, &os, &pool));
	R(su);
	R(sc);
	R(os);
	R(pool);
	R(ceph_get_file_layout(cm, fd, NULL, NULL, NULL, NULL));
	R(ceph_get_path_layout(cm, "/lay", &su, &sc, &os, &pool));
	R(ceph_get_path_layout(cm, "/none", &su, &sc, &os, &pool));
	R(ceph_get_file_layout(cm, 9999, &su, &sc, &os, &pool));
	R(ceph_get_file_stripe_unit(cm, fd));
	R(ceph_get_file_stripe_count(cm, fd));
	R(ceph_get_file_object_size(cm, fd));
	R(ceph_get_file_pool(cm, fd));
	R(ceph_get_file_replication(cm, fd));
	R(ceph_get_path_stripe_unit(cm, "/lay"));
	R(ceph_get_path_stripe_count(cm, "/lay"));
	R(ceph_get_path_object_size(cm, "/lay"));
	R(ceph_get_path_pool(cm, "/lay"));
	R(ceph_get_path_replication(cm, "/lay"));
	R(ceph_get_path_stripe_unit(cm, "/none"));
	R(n = ceph_get_file_pool_name(cm, fd, buf, sizeof buf));
	say_text("pool", buf, n);
	R(ceph_get_file_pool_name(cm, fd, NULL, 0));
	R(ceph_get_file_pool_name(cm, fd, buf, 3));
	R(ceph_get_path_pool_name(cm, "/lay", buf, sizeof buf));
	R(n = ceph_get_pool_name(cm, pool, buf, sizeof buf));
	R(ceph_get_pool_name(cm, 9999, buf, sizeof buf));
	R(ceph_get_pool_id(cm, "cephfs.data"));
	R(ceph_get_pool_id(cm, "nopool"));
	R(ceph_get_pool_replication(cm, pool));
	R(ceph_get_pool_replication(cm, 9999));
	R(n = ceph_get_default_data_pool_name(cm, buf, sizeof buf));
	say_text("default pool", buf, n);
	R(ceph_get_stripe_unit_granularity(cm));
	R(ceph_get_file_extent_osds(cm, fd, 0, &len, osds, 8));
	R(len);
	R(osds[0]);
	R(ceph_get_file_extent_osds(cm, fd, 65536 + 100, &len, NULL, 0));
	R(len);
	R(ceph_get_file_stripe_address(cm, fd, 0, ss, 8));
	R(ss[0].ss_family);
	R(ceph_get_osd_addr(cm, 0, ss));
	R(ss[0].ss_family);
	R(ntohs(((struct sockaddr_in *)ss)->sin_port) > 0);
	R(ceph_get_osd_addr(cm, 77, ss));
	R(ceph_get_osd_addr(cm, -1, ss));
	R(n = ceph_get_osd_crush_location(cm, 0, buf, sizeof buf));
	say(n > 0 && !strcmp(buf, "host"), "osd.0 is on a host");
	R(ceph_get_osd_crush_location(cm, 0, buf, 3));
	R(ceph_get_osd_crush_location(cm, 0, NULL, 0) == n);
	R(ceph_get_osd_crush_location(cm, -1, buf, sizeof buf));
	R(ceph_set_default_file_stripe_unit(cm, 65536));
	R(ceph_set_default_file_stripe_count(cm, 1));
	R(ceph_set_default_object_size(cm, 65536));
	R(ceph_set_default_preferred_pg(cm, 0));
	R(ceph_set_default_file_replication(cm, 1));
	R(ceph_localize_reads(cm, 0));
	/* Not asked of the real one: with these among the calls its unmount was seen to hang; why is not
	 * known */
	OURS(ceph_lazyio(cm, fd, 1), 0);
	OURS(ceph_lazyio_propagate(cm, fd, 0, 10), 0);
	OURS(ceph_lazyio_synchronize(cm, fd, 0, 10), 0);
	R(ceph_lazyio(cm, 9999, 1));
	R(ceph_debug_get_fd_caps(cm, fd) > 0);
	R(ceph_debug_get_file_caps(cm, "/lay") > 0);
	R(ceph_debug_get_fd_caps(cm, 9999));
	R(ceph_debug_get_file_caps(cm, "/none"));
	R(ceph_write(cm, fd, "striped", 7, 65530));
	R(ceph_read(cm, fd, buf, 7, 65530));
	say_text("striped", buf, 7);
	R(ceph_close(cm, fd));
	R(ceph_open_layout(cm, "/lay2", O_CREAT | O_RDWR, 0644, 0, 0, 0, "nopool"));
	R(ceph_open_layout(cm, "/lay3", O_CREAT | O_RDWR, 0644, 1000, 1, 1000, NULL));
	R((fd = ceph_open_layout(cm, "/lay4", O_CREAT | O_RDWR, 0644, 0, 0, 0, NULL)) >= 0);
	R(ceph_get_file_object_size(cm, fd));
	R(ceph_close(cm, fd));
}

/* `from` appends, and `cm` finds the end, what came, and the end again: how often all of it was right. */
static int follow(struct ceph_mount_info *cm, struct ceph_mount_info *from, const char *path)
{
	int out = ceph_open(from, path, O_CREAT | O_WRONLY | O_APPEND, 0644);
	int in = ceph_open(cm, path, O_RDONLY, 0), right = 0;
	char was[100], is[200];

	if (out < 0 || in < 0)
		return -EBADF;
	for (int i = 0; i < FOLLOWED; i++) {
		memset(was, 'a' + i % 26, sizeof was);
		if (ceph_read(cm, in, is, sizeof is, -1) == 0 &&
		    ceph_write(from, out, was, sizeof was, -1) == sizeof was &&
		    ceph_read(cm, in, is, sizeof is, -1) == sizeof was && !memcmp(is, was, sizeof was) &&
		    ceph_read(cm, in, is, sizeof is, -1) == 0)
			right++;
	}
	ceph_close(from, out);
	ceph_close(cm, in);
	return right;
}

static void following(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *other;

	R(follow(cm, cm, "/log") == FOLLOWED);
	R(twice_mount(&other, twice_root(), NULL));
	R(follow(cm, other, "/log2") == FOLLOWED);
	R(follow(other, cm, "/log3") == FOLLOWED);
	R(ceph_unmount(other));
	R(ceph_release(other));
}

static void checks(struct ceph_mount_info *cm)
{
	open_flags(cm);
	reading(cm);
	holes(cm);
	layouts(cm);
	following(cm);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}

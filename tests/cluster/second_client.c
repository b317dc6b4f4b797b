/* cluster: --mds 1 */
/* The test bench itself: the cluster that a test gets is whole, libcephfs can use it, and daemons can be held
 * and brought back. Everything else in this folder stands on these. */
#include "tap.h"
#include "second.h"
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
	static const char text[] = "seen by both";
	struct ceph_mount_info *cm;
	struct ceph_statx st;
	int fd;

	tap_eq(devcluster("status"), 0, "all daemons run");
	if (!tap_eq(second_mount(&cm), 0, "libcephfs mounts"))
		return tap_end();
	fd = ceph_open(cm, "/bench_file", O_CREAT | O_RDWR, 0644);
	tap_ok(fd >= 0, "libcephfs creates a file");
	tap_eq(ceph_write(cm, fd, text, sizeof(text), 0), sizeof(text), "and writes it");
	ceph_close(cm, fd);
	tap_eq(devcluster("pause mds.a"), 0, "an MDS is paused");
	tap_ok(devcluster("status") != 0, "status tells");
	tap_eq(devcluster("resume mds.a"), 0, "and goes on");
	tap_eq(ceph_statx(cm, "/bench_file", &st, CEPH_STATX_SIZE, 0), 0, "the file is there");
	tap_eq((long long)st.stx_size, sizeof(text), "with all its bytes");
	tap_eq(ceph_unlink(cm, "/bench_file"), 0, "and goes");
	second_unmount(cm);
	return tap_end();
}

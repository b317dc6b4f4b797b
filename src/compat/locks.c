/* locks.c: byte-range locks of open handles. */
#include "compat.h"

#include <fcntl.h>
#include <unistd.h>

/* l_whence is SEEK_SET; l_len 0 reaches to the end. */
static int to_ring(const struct flock *fl, uint64_t owner, struct cephring_lock *out)
{
	if (!fl)
		return -EFAULT;
	if (fl->l_start < 0 || fl->l_len < 0)
		return -EINVAL;
	*out = (struct cephring_lock){ .type = fl->l_type,
				       .pid = fl->l_pid,
				       .start = (uint64_t)fl->l_start,
				       .length = (uint64_t)fl->l_len,
				       .owner = owner };
	return 0;
}

int ceph_ll_getlk(struct ceph_mount_info *cm, Fh *fh, struct flock *fl, uint64_t owner)
{
	struct cephring_lock lock;
	int err;

	ENTER(cm);
	FH(s, cm, fh);
	err = to_ring(fl, owner, &lock);
	if (!err)
		err = cephring_sync_getlk(s->file, &lock);
	if (err)
		return err;
	fl->l_type = lock.type;
	if (lock.type != F_UNLCK) {
		fl->l_whence = SEEK_SET;
		fl->l_start = (off_t)lock.start;
		fl->l_len = (off_t)lock.length;
		fl->l_pid = lock.pid;
	}
	return 0;
}

int ceph_ll_setlk(struct ceph_mount_info *cm, Fh *fh, struct flock *fl, uint64_t owner, int sleep)
{
	struct cephring_lock lock;
	bool waits;
	int err;

	ENTER(cm);
	FH(s, cm, fh);
	err = to_ring(fl, owner, &lock);
	if (err)
		return err;
	waits = sleep && lock.type != F_UNLCK;
	if (waits)
		callbacks_waits(cm, s);
	err = cephring_sync_setlk(s->file, &lock, sleep);
	if (waits)
		callbacks_waits(cm, NULL);
	return err;
}

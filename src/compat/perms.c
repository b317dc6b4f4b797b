/* perms.c: who calls: the mount's own credentials, those a program makes, the umask. */
#include "compat.h"

#include <stdlib.h>
#include <string.h>

UserPerm *ceph_userperm_new(uid_t uid, gid_t gid, int ngids, gid_t *gids)
{
	uint32_t n = ngids > 0 && gids ? (uint32_t)ngids : 0;
	struct UserPerm *p = malloc(sizeof *p + n * sizeof(uint32_t));
	uint32_t *groups;

	if (!p)
		return NULL;
	groups = (uint32_t *)(p + 1);
	if (n)
		memcpy(groups, gids, n * sizeof *groups);
	p->cred = (struct cephring_cred){ .uid = uid, .gid = gid, .ngroups = n, .groups = n ? groups : NULL };
	return p;
}

void ceph_userperm_destroy(UserPerm *perm)
{
	free(perm);
}

struct UserPerm *ceph_mount_perms(struct ceph_mount_info *cm)
{
	return cm ? cm->perms : NULL;
}

int ceph_mount_perms_set(struct ceph_mount_info *cm, UserPerm *perm)
{
	struct UserPerm *copy;

	if (!cm || !perm)
		return -EINVAL;
	if (ceph_is_mounted(cm))
		return -EISCONN;
	copy = ceph_userperm_new(perm->cred.uid, perm->cred.gid, (int)perm->cred.ngroups,
				 (gid_t *)perm->cred.groups);
	if (!copy)
		return -ENOMEM;
	ceph_userperm_destroy(cm->perms);
	cm->perms = copy;
	return 0;
}

mode_t ceph_umask(struct ceph_mount_info *cm, mode_t mask)
{
	return cm ? atomic_exchange(&cm->umask, mask & 0777) : 0;
}

struct cephring_cred cred_of(struct ceph_mount_info *cm, const struct UserPerm *perms)
{
	struct cephring_cred c = perms ? perms->cred : cm->perms->cred;
	client_umask_callback_t umask;

	if (!cm->masks)
		return c;
	umask = __atomic_load_n(&cm->callbacks.umask_cb, __ATOMIC_ACQUIRE);
	c.umask = umask ? umask(cm->callbacks.handle) & 0777
			: atomic_load_explicit(&cm->umask, memory_order_relaxed);
	return c;
}

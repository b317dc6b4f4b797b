/* second.h: the other client of a cluster test, the real libcephfs. It logs in as client.second, whose key is
 * of a type that this machine's libcephfs knows, whatever Ceph the cluster runs. */
#pragma once
#include <cephfs/libcephfs.h>
#include <stdio.h>
#include <stdlib.h>

/* Mounts the file system's root; "true": it judges permissions itself, by whoever asks. 0 or a negative
 * errno. */
__attribute__((unused)) static int second_mount_with(struct ceph_mount_info **out, const char *permissions)
{
	char ring[4096];
	int r = ceph_create(out, "second");

	if (r < 0)
		return r;
	snprintf(ring, sizeof(ring), "%s/second.keyring", getenv("CLUSTER_DIR"));
	r = ceph_conf_read_file(*out, getenv("CEPH_CONF"));
	if (r == 0)
		r = ceph_conf_set(*out, "keyring", ring);
	if (r == 0)
		r = ceph_conf_set(*out, "client_permissions", permissions);
	if (r == 0)
		r = ceph_mount(*out, "/");
	if (r < 0)
		ceph_release(*out);
	return r;
}

/* As the superuser. */
__attribute__((unused)) static int second_mount(struct ceph_mount_info **out)
{
	return second_mount_with(out, "false");
}

__attribute__((unused)) static void second_unmount(struct ceph_mount_info *cm)
{
	ceph_unmount(cm);
	ceph_release(cm);
}

/* cluster: ; timeout: 120 */
/* The drop-in beside the real library: mounts that are made of a rados_t or a CephContext, as the manager's
 * modules do it. */
#include "twice.h"
#include <rados/librados.h>

static const struct twice_known known[] = {
	{ NULL, NULL, NULL },
};

static rados_t connected(const char *name, const char *ring)
{
	rados_t r;

	if (rados_create2(&r, "ceph", name, 0) || rados_conf_read_file(r, getenv("CEPH_CONF")) ||
	    rados_conf_set(r, "keyring", ring) || rados_connect(r))
		exit(6);
	return r;
}

/* A mount works, is who it should be, and outlives the rados_t. */
static void mounted(struct ceph_mount_info *cm, rados_t r)
{
	struct ceph_statx st;
	char buf[256];

	R(ceph_conf_get(cm, "mds_data", buf, sizeof buf));
	say_text("of its context", buf, (long long)strlen(buf));
	R(ceph_conf_get(cm, "no_such_option", buf, sizeof buf));
	R(ceph_conf_set(cm, "client_mount_uid", "1001"));
	R(ceph_conf_set(cm, "client_mount_gid", "1002"));
	R(ceph_conf_set(cm, "client_permissions", "true"));
	R(ceph_get_mount_context(cm) == rados_cct(r));
	R(ceph_init(cm));
	R(ceph_mount(cm, twice_root()));
	rados_shutdown(r);
	R(ceph_mkdir(cm, "/made", 0755));
	R(ceph_statx(cm, "/made", &st, CEPH_STATX_UID | CEPH_STATX_GID, 0));
	R(st.stx_uid);
	R(st.stx_gid);
	R(ceph_rmdir(cm, "/made"));
	R(ceph_unmount(cm));
	R(ceph_release(cm));
}

/* The keyring of a daemon. Its key is client.second's: a librados of Debian 12 knows no type but that one,
 * and the daemons of a newer cluster have keys of another. */
static void daemon_made(char *ring, size_t size)
{
	char line[256];
	FILE *from, *to;

	snprintf(ring, size, "%s/second.keyring", getenv("CLUSTER_DIR"));
	from = fopen(ring, "r");
	snprintf(ring, size, "%s/program.keyring", getenv("CLUSTER_DIR"));
	to = fopen(ring, "w");
	if (!from || !to)
		exit(7);
	while (fgets(line, sizeof line, from))
		fputs(line[0] == '[' ? "[mgr.program]\n" : line, to);
	fclose(from);
	fclose(to);
	twice_ceph("auth import -i '%s'", ring);
}

static void checks(struct ceph_mount_info *cm)
{
	struct ceph_mount_info *made;
	char ring[4096];
	rados_t r, other;

	snprintf(ring, sizeof ring, "%s/second.keyring", getenv("CLUSTER_DIR"));
	r = connected("client.second", ring);
	R(ceph_create_from_rados(&made, r));
	mounted(made, r);
	daemon_made(ring, sizeof ring);
	r = connected("mgr.program", ring);
	R(ceph_create_with_context(&made, rados_cct(r)));
	mounted(made, r);
	/* the other way round: librados with the context of a mount */
	R(ceph_get_mount_context(cm) != NULL);
	R(rados_create_with_context(&other, ceph_get_mount_context(cm)));
	R(rados_connect(other));
	R(rados_get_instance_id(other) != ceph_get_instance_id(cm));
	rados_shutdown(other);
	OURS(ceph_create_from_rados(&made, NULL), -EINVAL);
	OURS(ceph_create_with_context(&made, NULL), -EINVAL);
	OURS(ceph_create_with_context(NULL, NULL), -EINVAL);
	OURS(ceph_get_mount_context(NULL) == NULL, 1);
}

int main(int argc, char **argv)
{
	return twice_main(argc, argv, checks, known);
}

/* cluster: --set ms_mon_service_mode=secure --set ms_service_mode=secure --set ms_cluster_mode=secure */
/* A cluster that takes encrypted connections only: a client that may not encrypt is told which option keeps
 * it out. */
#include "ours.h"

int main(void)
{
	const char *const none[] = { "ms_mon_client_mode", "crc", "ms_client_mode", "crc", NULL };
	const char *const not_mds[] = { "ms_mon_client_mode", "secure", "ms_client_mode", "crc", NULL };
	const char *const either[] = { "ms_mon_client_mode", "crc secure", "ms_client_mode", "crc secure",
				       NULL };
	const char *const said_mon[] = { "ms_mon_client_mode", "127.", NULL };
	const char *const said_mds[] = { "ms_client_mode", NULL };
	struct cephring_statx st;
	struct ours o;

	ours_refused(none, NULL, -EPROTONOSUPPORT, said_mon, "the monitor wants secure, we may only crc");
	ours_refused(not_mds, NULL, -EPROTONOSUPPORT, said_mds, "the MDS wants secure, we may only crc");
	if (!tap_eq(ours_mount(&o, either, NULL), 0, "who may do both mounts, though crc was first"))
		tap_die(o.words);
	tap_eq(cephring_sync_statx(o.mount, NULL, "/", CEPHRING_STATX_BASIC, 0, NULL, &st), 0, "and works");
	ours_end(&o);
	return tap_end();
}

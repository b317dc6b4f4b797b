/* cluster: --set auth_client_required=none --set auth_service_required=none --set auth_cluster_required=none
 */
/* A cluster without authentication: logins and connections to an MDS go without tickets and signatures. */
#include "mon_bed.h"

int main(void)
{
	struct bed *b = bed_new();
	struct mon_info info;

	bed_start(b);
	mon_subscribe(b->mon, "mdsmap", 0, false);
	if (!tap_ok(UNTIL(b, 10, b->ready && b->mdsmaps), "logs in and has an mdsmap"))
		return tap_end();
	mon_info(b->mon, &info);
	tap_ok(info.key_type == 0, "by auth none");
	tap_ok(*mon_global_id(b->mon) != 0, "has a global_id");
	tap_ok(service_works(b, 5), "the MDS lets us in");
	bed_free(b);

	b = bed_new();
	b->opts.allow_none = false;
	b->opts.allow_cephx = true;
	b->opts.have_key = true;
	b->opts.key = (struct crypto_key){ .type = KEY_AES128, .len = 16 };
	tap_ok(!bed_login(b) && b->err == -EPROTONOSUPPORT, "where only cephx may be used: EPROTONOSUPPORT");
	tap_ok(strstr(b->why, "cephx") && strstr(b->why, "none"), "and words naming both methods");
	bed_free(b);
	return tap_end();
}

/* fuzz_monmap.c: what a hostile monitor might send, but for the mdsmap. The first byte chooses the message.
 */
#include "proto/cephx.h"
#include "proto/monmaps.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each(void *arg, struct slice key, struct slice value)
{
	use(key);
	use(value);
	++*(uint32_t *)arg;
}

static void monmap_use(struct dec *d)
{
	static struct monmap m;

	must_say(monmap_decode(d, &m), d->what);
	must(m.count <= MONMAP_MAX);
	for (uint32_t i = 0; i < m.count; i++) {
		must(memchr(m.mon[i].name, 0, NAME_MAX_LEN) != NULL);
		must(m.mon[i].addrs.count <= ADDRVEC_MAX);
		addrvec_msgr2(&m.mon[i].addrs);
	}
}

static void fsmap_use(struct dec *d)
{
	static struct fsmap_user m;

	must_say(fsmap_user_decode(d, &m), d->what);
	must(m.count <= FS_MAX);
	for (uint32_t i = 0; i < m.count; i++)
		must(memchr(m.fs[i].name, 0, NAME_MAX_LEN) != NULL);
}

static void small_use(uint8_t kind, struct dec *d, size_t size)
{
	struct version_reply version;
	struct statfs_reply statfs;
	struct osdmap_msg osdmap;
	struct auth_reply auth;
	uint32_t pairs = 0;

	switch (kind) {
	case 0:
		must_say(osdmap_msg_decode(d, 4, &osdmap), d->what);
		break;
	case 1:
		must_say(statfs_reply_decode(d, &statfs), d->what);
		break;
	case 2:
		must_say(version_reply_decode(d, &version), d->what);
		break;
	case 3:
		must_say(config_decode(d, each, &pairs), d->what);
		must(pairs <= size / 8);
		break;
	default:
		if (!auth_reply_decode(d, &auth)) {
			use(auth.payload);
			use(auth.words);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	if (data[0] % 7 == 0)
		monmap_use(&d);
	else if (data[0] % 7 == 1)
		fsmap_use(&d);
	else
		small_use(data[0] % 7 - 2, &d, size);
	return 0;
}

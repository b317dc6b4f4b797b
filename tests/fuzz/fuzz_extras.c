/* What replies carry beyond their trace, listings apart: first byte which (0 CREATE, 1 GETFILELOCK,
 * 2 GETVXATTR, 3 a snapshot's metadata), then the bytes. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void create_use(struct dec *d)
{
	size_t size = dec_left(d);
	struct create_extra x;

	if (create_extra_decode(d, &x))
		return;
	require(!dec_left(d));
	require(x.created == (size > 0));
	require(x.created || (!x.ino && !x.ranges.len));
	require(x.ranges.len % 16 == 0 && x.ranges.len <= DELEGATED_MAX * 16);
	touch(x.ranges);
}

static void filelock_use(struct dec *d)
{
	const uint8_t *start = d->p;
	uint8_t again[FILELOCK_BYTES];
	struct filelock l;
	struct enc e;

	if (filelock_decode(d, &l))
		return;
	enc_init_fixed(&e, again, sizeof(again));
	filelock_encode(&e, &l);
	require(!e.err && e.len == sizeof(again) && !memcmp(again, start, sizeof(again)));
}

static void vxattr_use(struct dec *d)
{
	struct slice value;

	if (!vxattr_decode(d, &value))
		touch(value);
}

/* What can be read is what a MKSNAP would have sent, behind its section's header. */
static void metadata_use(const uint8_t *p, size_t size)
{
	enum { KEPT = 64, SECTION = 6 };
	struct kv_slice kv[KEPT];
	struct kv_iter it;
	struct enc e;
	uint32_t n = 0;
	int got = kv_begin(&it, (struct slice){ p, (uint32_t)size });

	while (!got && n < KEPT && (got = kv_next(&it, &kv[n])) == 1) {
		touch(kv[n].key);
		touch(kv[n].value);
		n++;
		got = 0;
	}
	if (got || n == KEPT || !size)
		return;
	enc_init(&e);
	mksnap_encode(&e, kv, n);
	require(!e.err && e.len == SECTION + size && !memcmp(e.buf + SECTION, p, size));
	enc_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	switch (data[0]) {
	case 0:
		create_use(&d);
		break;
	case 1:
		filelock_use(&d);
		break;
	case 2:
		vxattr_use(&d);
		break;
	case 3:
		metadata_use(data + 1, size - 1);
		break;
	}
	return 0;
}

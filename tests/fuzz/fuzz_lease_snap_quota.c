/* The small pushes: first byte which one (0 lease, 1 snap, 2 quota, 3 forward), then the front. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lease_use(struct dec *d)
{
	struct lease_msg l, back;
	struct enc e;
	struct dec again;

	if (lease_decode(d, &l))
		return;
	touch(l.dname);
	enc_init(&e);
	lease_encode(&e, &l);
	again = dec_init(e.buf, e.len);
	require(!e.err && !lease_decode(&again, &back));
	require(back.ino == l.ino && back.seq == l.seq && back.action == l.action &&
		back.dname.len == l.dname.len);
	enc_free(&e);
}

static void snap_use(struct dec *d)
{
	struct snap_msg s;

	if (snap_decode(d, &s))
		return;
	touch(s.split_inos);
	touch(s.split_realms);
	touch(s.trace);
	require(s.split_inos.len % 8 == 0 && s.split_realms.len % 8 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct forward_msg f;
	struct quota_msg q;
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	switch (data[0]) {
	case 0:
		lease_use(&d);
		break;
	case 1:
		snap_use(&d);
		break;
	case 2:
		quota_decode(&d, &q);
		break;
	case 3:
		forward_decode(&d, &f);
		break;
	}
	return 0;
}

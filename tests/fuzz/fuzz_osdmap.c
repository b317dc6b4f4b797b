/* fuzz_osdmap.c: full OSD maps and the message that brings them. */
#include "osdmap_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void batch_use(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct osdmap_batch b;
	struct slice s;

	must_say(osdmap_batch_decode(&d, 4, &b), d.what);
	if (d.err)
		return;
	for (uint32_t have = 0; have < 4; have++) {
		s = (struct slice){ 0 };
		osdmap_batch_next(&b, have, &s);
		if (s.p)
			use(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct osdmap *m;
	struct enc e;
	struct dec d;

	if (size && data[0] == 0xff) {
		batch_use(data + 1, size - 1);
		return 0;
	}
	if (wrap(&e, data, size, false) && !e.err) {
		d = dec_init(e.buf, e.len);
		must_say(osdmap_decode(&d, &fuzz_mem, &m), d.what);
		if (!d.err) {
			map_use(m);
			osdmap_free(m);
		}
	}
	enc_free(&e);
	return 0;
}

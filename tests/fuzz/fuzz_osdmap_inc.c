/* fuzz_osdmap_inc.c: incremental OSD maps, applied to a real map of Pacific or of Tentacle. */
#include "osdmap_use.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct osdmap *base(bool newer)
{
	static uint8_t bytes[2][1 << 16];
	static size_t len[2];
	struct osdmap *m;
	struct dec d;
	FILE *f;

	if (!len[newer]) {
		f = fopen(newer ? TEST_DATA "/osdmaps/chain_tentacle.e208.osdmap"
				: TEST_DATA "/osdmaps/chain_live.e109.osdmap",
			  "rb");
		must(f != NULL);
		len[newer] = fread(bytes[newer], 1, sizeof(bytes[newer]), f);
		fclose(f);
	}
	d = dec_init(bytes[newer], len[newer]);
	must(!osdmap_decode(&d, &fuzz_mem, &m));
	return m;
}

/* The input's cluster and epoch become the map's: their checks are seen in tests/unit/test_osdmap.c. */
static bool head(uint8_t *data, size_t size, const struct osdmap *m)
{
	uint32_t epoch = osdmap_epoch(m) + 1;

	if (size < INPUT_HEAD + 20)
		return false;
	memcpy(data + INPUT_HEAD, osdmap_fsid(m), 16);
	memcpy(data + INPUT_HEAD + 16, &epoch, 4);
	return true;
}

static void apply(struct osdmap *m, const uint8_t *data, size_t size)
{
	uint32_t epoch = osdmap_epoch(m);
	struct enc e;
	struct dec d;

	if (wrap(&e, data, size, true) && !e.err) {
		d = dec_init(e.buf, e.len);
		must_say(osdmap_apply(m, &d), d.what);
		must(osdmap_epoch(m) == epoch + !d.err);
	}
	enc_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	struct osdmap *m;

	if (!size)
		return 0;
	m = base(data[0] & 1);
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	if (head(copy, size, m)) {
		apply(m, copy, size);
		if (head(copy, size, m))
			apply(m, copy, size);
		map_use(m);
	}
	free(copy);
	osdmap_free(m);
	return 0;
}

/* fuzz_crush.c: CRUSH maps, and computing with them. An input is {u8 rule, u8 size of the result, u32 x, the
 * map}.
 */
#include "osdmap_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 6, DEVICES = 64 };

static void compute(const struct crush *c, const uint8_t *head)
{
	uint32_t weight[DEVICES];
	struct crush_input in = { .result_max = head[1] % (CRUSH_RESULT_MAX + 2),
				  .weight = weight,
				  .weight_count = DEVICES,
				  .work_max = WORK_MAX };
	int32_t out[CRUSH_RESULT_MAX];
	int n;

	memcpy(&in.x, head + 2, 4);
	for (uint32_t i = 0; i < DEVICES; i++)
		weight[i] = i % 5 ? 0x10000 : i * 0x400;
	n = crush_map(c, head[0] & 15, &in, out);
	must(n <= (int)in.result_max);
	for (int i = 0; i < n; i++)
		must(out[i] <= CRUSH_NONE);
}

static void names(const struct crush *c)
{
	struct crush_place here[] = { { crush_type_name(c, 1), crush_name(c, -2) },
				      { crush_type_name(c, 2), crush_name(c, -1) } };

	use(here[0].type);
	use(here[1].name);
	crush_distance(c, 0, here, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crush *c;
	struct dec d;

	if (size < HEAD)
		return 0;
	d = dec_init(data + HEAD, size - HEAD);
	must_say(crush_decode(&d, &fuzz_mem, &c), d.what);
	if (!d.err) {
		compute(c, data);
		names(c);
		crush_free(c);
	}
	return 0;
}

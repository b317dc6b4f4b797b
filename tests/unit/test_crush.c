/* test_crush.c: hashes and logarithms, MSR rules as crushtool computes them, names and places, and maps that
 * are broken on purpose. That rules and buckets choose as they should is seen by test_placement.c.
 */
#include "osdmaps.h"

#include <errno.h>
#include <openssl/evp.h>

#include "proto/enc.h"

/* --- numbers --- */

Test(crush, hashes)
{
	cr_assert_eq(crush_hash2(1, 2), 0xb78dee9c);
	cr_assert_eq(crush_hash2(0, 0), 0x19ad4ce9);
	cr_assert_eq(crush_hash3(1, 2, 3), 0x735ad42b);
	cr_assert_eq(crush_hash3(0xffffffff, 0xfffffffe, 0), 0x233b059c);
	cr_assert_eq(crush_hash4(1, 2, 3, 4), 0x696d1f16);
}

Test(crush, logarithms)
{
	static const uint8_t want[32] = { 0x7e, 0x86, 0xf3, 0x4e, 0x8f, 0xed, 0xc3, 0x6c, 0x3b, 0x62, 0x52,
					  0xe5, 0xa6, 0xe4, 0xfe, 0x3f, 0xa4, 0xe1, 0x15, 0xed, 0x44, 0xe1,
					  0x6f, 0x58, 0xf7, 0xfe, 0xd6, 0x54, 0x3a, 0xa1, 0xbd, 0x20 };
	uint64_t *ln = malloc(65536 * sizeof(*ln));
	uint8_t sum[32];

	cr_assert(ln);
	for (uint32_t u = 0; u < 65536; u++)
		ln[u] = crush_ln(u);
	cr_assert_eq(ln[0], 0);
	cr_assert_eq(ln[1], 0x100000000000);
	cr_assert_eq(ln[2], 0x195c01a39fbd);
	cr_assert_eq(ln[255], 0x800000000000);
	cr_assert_eq(ln[256], 0x80171e3b6d7a);
	cr_assert_eq(ln[32768], 0xf0002e2a60a0);
	cr_assert_eq(ln[65534], 0xfffffd61ad10);
	cr_assert_eq(ln[65535], 0xfffff0000000);
	cr_assert_eq(EVP_Digest(ln, 65536 * sizeof(*ln), sum, NULL, EVP_sha256(), NULL), 1);
	cr_assert_arr_eq(sum, want, sizeof(want), "all of them, as little-endian numbers");
	free(ln);
}

/* --- MSR rules --- */

struct msr {
	struct crush *map;
	uint32_t weight[64];
	int rule;
	unsigned size;
};

static struct crush *crush_load(const char *name)
{
	struct crush *c;
	char path[512];
	struct dec d;
	uint8_t *p;
	size_t len;

	snprintf(path, sizeof(path), "osdmaps/%s", name);
	p = test_file(path, &len);
	d = dec_init(p, len);
	cr_assert_eq(crush_decode(&d, &test_map_mem, &c), 0, "%s: %s", name, d.what);
	free(p);
	return c;
}

/* map FILE rule N size N [DEVICE:WEIGHT]... */
static void msr_begin(struct msr *s, const char *line)
{
	unsigned device, weight;
	char name[64];
	int at, more;

	crush_free(s->map);
	cr_assert_eq(sscanf(line, "map %63s rule %d size %u%n", name, &s->rule, &s->size, &at), 3);
	s->map = crush_load(name);
	for (unsigned i = 0; i < 64; i++)
		s->weight[i] = 0x10000;
	for (line += at; sscanf(line, " %u:%x%n", &device, &weight, &more) == 2; line += more)
		s->weight[device] = weight;
}

static void msr_line(struct msr *s, const char *want)
{
	struct crush_input in = { .result_max = s->size, .weight = s->weight, .weight_count = 64 };
	struct pg_set got = { 0 };
	char *line;
	size_t len;
	FILE *f;
	int n;

	cr_assert_eq(sscanf(want, "x %u", &in.x), 1, "%s", want);
	n = crush_map(s->map, s->rule, &in, got.osd);
	cr_assert_geq(n, 0);
	got.count = (uint32_t)n;
	f = open_memstream(&line, &len);
	fprintf(f, "x %u ", in.x);
	put_list(f, &got);
	fclose(f);
	cr_assert(!strcmp(line, want), "got %s, want %s", line, want);
	free(line);
}

Test(crush, msr_rules_as_crushtool_has_them)
{
	char *text = text_load("osdmaps/msr.expect.gz"), *save = NULL;
	struct msr s = { 0 };
	unsigned lines = 0;

	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (*p == 'm') {
			msr_begin(&s, p);
		} else {
			msr_line(&s, p);
			lines++;
		}
	}
	cr_assert_eq(lines, 14 * 128);
	crush_free(s.map);
	free(text);
	cr_assert_eq(test_mem.live, 0);
}

/* --- maps made here --- */

static void put_bucket(struct enc *e, int32_t id, uint16_t type, uint8_t alg, const int32_t *items,
		       uint32_t n)
{
	enc_u32(e, alg);
	enc_u32(e, (uint32_t)id);
	enc_u16(e, type);
	enc_u8(e, alg);
	enc_u8(e, 0);
	enc_u32(e, n << 16);
	enc_u32(e, n);
	for (uint32_t i = 0; i < n; i++)
		enc_u32(e, (uint32_t)items[i]);
	if (alg == 1)
		enc_u32(e, 0x10000);
	for (uint32_t i = 0; i < n && alg == 5; i++)
		enc_u32(e, 0x10000);
}

struct step {
	uint32_t op;
	int32_t arg1, arg2;
};

static void put_rule(struct enc *e, uint8_t type, const struct step *s, uint32_t n)
{
	enc_u32(e, 1);
	enc_u32(e, n);
	enc_u8(e, 0);
	enc_u8(e, type);
	enc_u8(e, 1);
	enc_u8(e, 10);
	for (uint32_t i = 0; i < n; i++, s++) {
		enc_u32(e, s->op);
		enc_u32(e, (uint32_t)s->arg1);
		enc_u32(e, (uint32_t)s->arg2);
	}
}

static void put_head(struct enc *e, uint32_t buckets, uint32_t rules)
{
	enc_init(e);
	enc_u32(e, 0x00010000);
	enc_u32(e, buckets);
	enc_u32(e, rules);
	enc_u32(e, 0);
}

static void put_name(struct enc *e, int32_t id, const char *name)
{
	enc_u32(e, (uint32_t)id);
	enc_str(e, name);
}

/* A root of the algorithm over a rack with itself and devices 0 to 2 inside, as items say; one rule. */
static int decode_small(uint8_t alg, const int32_t *items, uint32_t n, uint8_t type, const struct step *s,
			uint32_t steps, struct crush **c)
{
	struct enc e;
	struct dec d;
	int err;

	put_head(&e, 2, 1);
	put_bucket(&e, -1, 2, alg, items, n);
	put_bucket(&e, -2, 1, alg, items, n);
	put_rule(&e, type, s, steps);
	for (int i = 0; i < 3; i++)
		enc_u32(&e, 0);
	enc_u32(&e, 0);
	enc_u32(&e, 0);
	enc_u32(&e, 1u << 30); /* tries */
	d = dec_init(e.buf, e.len);
	err = crush_decode(&d, &test_map_mem, c);
	cr_assert(!err || d.what);
	enc_free(&e);
	return err;
}

static int map_within(const struct crush *c, uint32_t size, uint32_t work_max, int32_t *out)
{
	static const uint32_t weight[3] = { 0x10000, 0x10000, 0x10000 };
	struct crush_input in = {
		.x = 7, .result_max = size, .weight = weight, .weight_count = 3, .work_max = work_max
	};

	return crush_map(c, 0, &in, out);
}

static int map_small(const struct crush *c, uint32_t size, int32_t *out)
{
	return map_within(c, size, 1 << 16, out);
}

/* Each is a map whose computation would never end: the reference has no bound of its own for them. */
Test(crush, loops_end)
{
	static const int32_t self[] = { -1, -1 }, mixed[] = { -1, -2 }, devices[] = { 0, 1 };
	static const struct step ops[] = { { 2, 0, 0 }, { 3, 0, 0 }, { 6, 0, 1 }, { 7, 0, 1 } };
	struct step s[3] = { { 1, -1, 0 }, { 0 }, { 4, 0, 0 } };
	int32_t out[CRUSH_RESULT_MAX];
	struct crush *c;

	for (unsigned i = 0; i < 4; i++) {
		s[1] = ops[i];
		cr_assert_eq(decode_small(5, self, 2, 1, s, 3, &c), 0);
		cr_assert_eq(map_small(c, 3, out), -ELOOP, "a root in itself, step %u", i);
		crush_free(c);
		cr_assert_eq(decode_small(1, mixed, 2, 1, s, 3, &c), 0);
		cr_assert_eq(map_small(c, 3, out), -ELOOP, "a ring, step %u", i);
		crush_free(c);
	}
	s[1] = ops[0];
	cr_assert_eq(decode_small(5, devices, 2, 1, s, 3, &c), 0);
	cr_assert_eq(map_small(c, 3, out), -ELOOP, "a third device is sought 2^30 times");
	cr_assert_eq(map_within(c, 3, 0, out), -ELOOP, "as much as is ever allowed");
	crush_free(c);
	s[1] = (struct step){ 16, 2, 0 };
	for (uint8_t type = 4; type < 6; type++) {
		cr_assert_eq(decode_small(5, self, 2, type, s, 3, &c), 0);
		cr_assert_eq(map_small(c, 2, out), -ELOOP);
		crush_free(c);
	}
}

Test(crush, what_is_not_understood_is_refused)
{
	static const int32_t items[] = { 0, 1, 2 };
	static const struct step unknown[] = { { 1, -1, 0 }, { 17, 0, 0 }, { 4, 0, 0 } };
	static const struct step headless[] = { { 16, 1, 0 }, { 4, 0, 0 } };
	static const struct step endless[] = { { 1, -1, 0 }, { 16, 1, 0 } };
	static const struct step wide[] = { { 1, -1, 0 }, { 16, 0x7fffffff, 1 }, { 16, 3, 0 }, { 4, 0, 0 } };
	static const struct step device[] = { { 1, 0, 0 }, { 4, 0, 0 } };
	int32_t out[CRUSH_RESULT_MAX];
	struct crush *c;

	cr_assert_eq(decode_small(5, items, 3, 1, unknown, 3, &c), 0);
	cr_assert_eq(map_small(c, 2, out), -EOPNOTSUPP);
	cr_assert_eq(map_small(c, CRUSH_RESULT_MAX + 1, out), -E2BIG);
	cr_assert_eq(crush_map(c, 1, &(struct crush_input){ 0 }, out), -ENOENT);
	cr_assert_eq(crush_map(c, -1, &(struct crush_input){ 0 }, out), -ENOENT);
	crush_free(c);
	for (uint8_t type = 4; type < 6; type++) {
		cr_assert_eq(decode_small(5, items, 3, type, headless, 2, &c), 0);
		cr_assert_eq(map_small(c, 2, out), -EOPNOTSUPP);
		crush_free(c);
		cr_assert_eq(decode_small(5, items, 3, type, endless, 2, &c), 0);
		cr_assert_eq(map_small(c, 2, out), -EOPNOTSUPP);
		crush_free(c);
		cr_assert_eq(decode_small(5, items, 3, type, wide, 4, &c), 0);
		cr_assert_eq(map_small(c, 2, out), -EOPNOTSUPP);
		crush_free(c);
		cr_assert_eq(decode_small(5, items, 3, type, device, 2, &c), 0);
		cr_assert_eq(map_small(c, 2, out), -EOPNOTSUPP);
		crush_free(c);
	}
	cr_assert_eq(decode_small(6, items, 3, 1, device, 2, &c), -EBADMSG, "no such algorithm");
	cr_assert_eq(test_mem.live, 0);
}

Test(crush, every_attempt_of_a_uniform_bucket_gives_another_item)
{
	int32_t items[50], out[CRUSH_RESULT_MAX];
	static const struct step s[] = { { 1, -1, 0 }, { 2, 0, 0 }, { 4, 0, 0 } };
	uint32_t weight[50];
	struct crush_input in = { .result_max = 50, .weight = weight, .weight_count = 50 };
	bool seen[50];
	struct crush *c;

	for (int i = 0; i < 50; i++) {
		items[i] = i;
		weight[i] = 0x10000;
	}
	cr_assert_eq(decode_small(1, items, 50, 1, s, 3, &c), 0);
	for (in.x = 0; in.x < 20; in.x++) {
		memset(seen, 0, sizeof(seen));
		cr_assert_eq(crush_map(c, 0, &in, out), 50);
		for (int i = 0; i < 50; i++) {
			cr_assert_not(seen[out[i]]);
			seen[out[i]] = true;
		}
	}
	crush_free(c);
}

Test(crush, rules_by_number_and_by_mask)
{
	static const int32_t items[] = { 0 };
	static const struct step s[] = { { 1, 0, 0 }, { 4, 0, 0 } };
	int32_t out[CRUSH_RESULT_MAX];
	struct crush *c;

	cr_assert_eq(decode_small(5, items, 1, 1, s, 2, &c), 0);
	cr_assert_eq(crush_rule(c, 0), 0);
	cr_assert_eq(crush_rule(c, 1), -ENOENT);
	cr_assert_eq(crush_rule_masked(c, 0, 1, 10), 0);
	cr_assert_eq(crush_rule_masked(c, 0, 1, 11), -ENOENT);
	cr_assert_eq(crush_rule_masked(c, 0, 3, 10), -ENOENT);
	cr_assert_eq(crush_rule_masked(c, 1, 1, 10), -ENOENT);
	cr_assert_eq(map_small(c, 3, out), 1);
	cr_assert_eq(out[0], 0);
	crush_free(c);
}

/* --- places --- */

/* root -1 { rack -2 { host -3 { 0, 1 } } rack -4 { host -5 { 2 } } }, a shadow of -3, and a loop beside it */
static struct crush *tree(void)
{
	static const int32_t root[] = { -2, -4 }, r1[] = { -3 }, h1[] = { 0, 1 }, r2[] = { -5 }, h2[] = { 2 },
			     shadow[] = { 0 }, loop[] = { -7, 9 };
	struct crush *c;
	struct enc e;
	struct dec d;

	put_head(&e, 7, 0);
	put_bucket(&e, -1, 3, 5, root, 2);
	put_bucket(&e, -2, 2, 5, r1, 1);
	put_bucket(&e, -3, 1, 5, h1, 2);
	put_bucket(&e, -4, 2, 5, r2, 1);
	put_bucket(&e, -5, 1, 5, h2, 1);
	put_bucket(&e, -6, 1, 5, shadow, 1);
	put_bucket(&e, -7, 1, 5, loop, 2);
	enc_u32(&e, 4);
	put_name(&e, 0, "osd");
	enc_u32(&e, 1); /* a key of 64 bits, as old encoders wrote it */
	enc_u32(&e, 0);
	enc_str(&e, "host");
	put_name(&e, 2, "rack");
	put_name(&e, 3, "root");
	enc_u32(&e, 7);
	put_name(&e, -6, "a~ssd");
	put_name(&e, -5, "b");
	put_name(&e, -4, "r2");
	put_name(&e, -3, "a");
	put_name(&e, -2, "r1");
	put_name(&e, -1, "default");
	put_name(&e, 0, "osd.0");
	enc_u32(&e, 0);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(crush_decode(&d, &test_map_mem, &c), 0, "%s", d.what);
	enc_free(&e);
	return c;
}

static bool is(struct slice s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.p, text, s.len);
}

Test(crush, names)
{
	struct crush *c = tree();

	cr_assert(is(crush_name(c, -3), "a"));
	cr_assert(is(crush_name(c, 0), "osd.0"));
	cr_assert(is(crush_name(c, 1), ""));
	cr_assert(is(crush_type_name(c, 1), "host"));
	cr_assert(is(crush_type_name(c, 3), "root"));
	cr_assert(is(crush_type_name(c, 7), ""));
	crush_free(c);
}

Test(crush, distances)
{
	struct crush_place here[] = { { slice_of("host"), slice_of("a") },
				      { slice_of("rack"), slice_of("r1") },
				      { slice_of("root"), slice_of("default") } };
	struct crush *c = tree();

	cr_assert_eq(crush_distance(c, 0, here, 3), 1);
	cr_assert_eq(crush_distance(c, 2, here, 3), 3);
	cr_assert_eq(crush_distance(c, 0, here + 1, 2), 2);
	cr_assert_eq(crush_distance(c, 2, here, 2), -ENOENT);
	cr_assert_eq(crush_distance(c, 0, here, 0), -ENOENT);
	cr_assert_eq(crush_distance(c, 77, here, 3), -ENOENT);
	cr_assert_eq(crush_distance(c, 9, here, 3), -ENOENT, "a bucket in itself");
	crush_free(c);
	cr_assert_eq(test_mem.live, 0);
}

Test(crush, places)
{
	static const char *const bad[] = { "root", "root=", "=x", "=", "root=a host", "a=1 b", "a=1,=2" };
	struct crush_place place[CRUSH_LEVELS_MAX];
	char many[CRUSH_LEVELS_MAX * 4 + 5] = "";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(crush_places_parse(bad[i], place), -EINVAL, "%s", bad[i]);
	cr_assert_eq(crush_places_parse("", place), 0);
	cr_assert_eq(crush_places_parse(" ,;\t", place), 0);
	cr_assert_eq(crush_places_parse(" root=default;host=a=b,\track=r1 ", place), 3);
	cr_assert(is(place[0].type, "root") && is(place[0].name, "default"));
	cr_assert(is(place[1].type, "host") && is(place[1].name, "a=b"));
	cr_assert(is(place[2].type, "rack") && is(place[2].name, "r1"));
	for (int i = 0; i < CRUSH_LEVELS_MAX; i++)
		strcat(many, "a=b ");
	cr_assert_eq(crush_places_parse(many, place), CRUSH_LEVELS_MAX);
	strcat(many, "a=b ");
	cr_assert_eq(crush_places_parse(many, place), -EINVAL, "too many");
}

/* --- broken bytes --- */

static int decode_bytes(const void *p, size_t len, struct crush **c)
{
	struct dec d = dec_init(guarded(p, len), len);
	int err = crush_decode(&d, &test_map_mem, c);

	cr_assert(err == 0 || err == -EBADMSG);
	cr_assert(!err || d.what);
	cr_assert(!err || !*c);
	return err;
}

/* Tails may be missing: older maps end earlier. So a cut map may be one; then it works. */
Test(crush, cut_at_every_byte)
{
	static const uint32_t weight[64] = { 0x10000, 0x8000 };
	struct crush_input in = { .x = 1, .result_max = 4, .weight = weight, .weight_count = 64 };
	int32_t out[CRUSH_RESULT_MAX];
	unsigned whole = 0;
	struct crush *c;
	uint8_t *p;
	size_t len;

	p = test_file("osdmaps/msr_11.crush", &len);
	for (size_t n = 0; n <= len; n++) {
		if (decode_bytes(p, n, &c))
			continue;
		whole++;
		cr_assert_geq(crush_map(c, 0, &in, out), 0);
		crush_free(c);
	}
	cr_assert(whole > 3 && whole < 12, "%u", whole);
	free(p);
	cr_assert_eq(test_mem.live, 0);
}

static void expect_bad(void (*put)(struct enc *e), const char *what)
{
	struct crush *c;
	struct enc e;
	struct dec d;

	enc_init(&e);
	put(&e);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(crush_decode(&d, &test_map_mem, &c), -EBADMSG);
	cr_assert(strstr(d.what, what), "%s, not %s", d.what, what);
	enc_free(&e);
}

static void put_other_place(struct enc *e)
{
	static const int32_t items[] = { 0 };

	put_head(e, 1, 0);
	put_bucket(e, -2, 1, 5, items, 1);
}

static void put_device_type(struct enc *e)
{
	static const int32_t items[] = { 0 };

	put_head(e, 1, 0);
	put_bucket(e, -1, 0, 5, items, 1);
}

static void put_many_buckets(struct enc *e)
{
	put_head(e, CRUSH_BUCKETS_MAX + 1, 0);
	enc_zero(e, (CRUSH_BUCKETS_MAX + 1) * (size_t)4);
}

static void put_many_rules(struct enc *e)
{
	put_head(e, 0, CRUSH_RULES_MAX + 1);
	enc_zero(e, 8192);
}

static void put_long_rule(struct enc *e)
{
	put_head(e, 0, 1);
	enc_u32(e, 1);
	enc_u32(e, CRUSH_STEPS_MAX + 1);
	enc_zero(e, 4 + 12 * (CRUSH_STEPS_MAX + 1));
}

/* Up to the weight sets; then one for bucket `index`. */
static void put_args(struct enc *e, uint32_t index, uint32_t size, uint32_t ids, unsigned times)
{
	static const int32_t items[] = { 0, 1 };

	put_head(e, 1, 0);
	put_bucket(e, -1, 1, 5, items, 2);
	enc_zero(e, 3 * 4 + 3 * 4 + 4 + 1 + 1 + 4 + 1 + 3 * 4);
	enc_u32(e, 1);
	enc_u64(e, 5);
	enc_u32(e, times);
	for (unsigned i = 0; i < times; i++) {
		enc_u32(e, index);
		enc_u32(e, 1);
		enc_u32(e, size);
		enc_zero(e, size * (size_t)4);
		enc_u32(e, ids);
		enc_zero(e, ids * (size_t)4);
	}
}

static void put_args_of_none(struct enc *e)
{
	put_args(e, 1, 2, 0, 1);
}

static void put_args_too_long(struct enc *e)
{
	put_args(e, 0, 3, 0, 1);
}

static void put_ids_too_short(struct enc *e)
{
	put_args(e, 0, 2, 1, 1);
}

static void put_args_twice(struct enc *e)
{
	put_args(e, 0, 2, 2, 2);
}

Test(crush, broken_maps)
{
	expect_bad(put_other_place, "not what its place says");
	expect_bad(put_device_type, "not what its place says");
	expect_bad(put_many_buckets, "too many buckets");
	expect_bad(put_many_rules, "too many rules");
	expect_bad(put_long_rule, "too many steps");
	expect_bad(put_args_of_none, "of no bucket");
	expect_bad(put_args_too_long, "does not fit its bucket");
	expect_bad(put_ids_too_short, "do not fit their bucket");
	expect_bad(put_args_twice, "there twice");
	cr_assert_eq(test_mem.live, 0);
}

Test(crush, without_memory)
{
	struct crush *c;
	struct dec d;
	size_t len;
	uint8_t *p = test_file("osdmaps/msr_11.crush", &len);
	int err;

	for (test_mem.fail_at = 1;; test_mem.fail_at++) {
		test_mem.made = 0;
		d = dec_init(p, len);
		err = crush_decode(&d, &test_map_mem, &c);
		if (!err)
			break;
		cr_assert_eq(err, -ENOMEM);
		cr_assert_eq(test_mem.live, 0);
	}
	cr_assert_gt(test_mem.fail_at, 5);
	crush_free(c);
	crush_free(NULL);
	free(p);
}

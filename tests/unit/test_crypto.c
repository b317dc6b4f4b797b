/* test_crypto.c: both kinds of key against published samples and captured bytes. */
#include "../../src/proto/crypto.h"

#include <errno.h>
#include "vectors.h"

/* RFC 8009, appendix A: aes256-cts-hmac-sha384-192, usage 2. */
#define RFC_KEY "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52"
static const struct {
	const char *plain, *confounder, *cipher;
} rfc[] = {
	{ "", "F764E9FA15C276478B2C7D0C4E5F58E4",
	  "41F53FA5BFE7026D91FAF9BE959195A058707273A96A40F0A01960621AC612748B9BBFBE7EB4CE3C" },
	{ "000102030405", "B80D3251C1F6471494256FFE712D0B9A",
	  "4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2" },
	{ "000102030405060708090A0B0C0D0E0F", "53BF8A0D105265D4E276428624CE5E63",
	  "BC47FFEC7998EB91E8115CF8D19DAC4BBBE2E163E87DD37F49BECA92027764F68CF51F14D798C2273F35DF574D1F932E40"
	  "C4FF255B36A266" },
	{ "000102030405060708090A0B0C0D0E0F1011121314", "763E65367E864F02F55153C7E3B58AF1",
	  "40013E2DF58E8751957D2878BCD2D6FE101CCFD556CB1EAE79DB3C3EE86429F2B2A602AC86FEF6ECB647D6295FAE077A1F"
	  "EB517508D2C16B4192E01F62" },
};

Test(crypto, rfc8009_key_derivation)
{
	struct bytes key = unhex(RFC_KEY),
		     ke = unhex("56AB22BEE63D82D7BC5227F6773F8EA7A5EB1C825160C38312980C442E5C7E49"),
		     ki = unhex("69B16514E3CD8E56B82010D5C73012B622C4D00FFC23ED1F");
	uint8_t e[AES256K_KE], i[AES256K_KI];

	cr_assert_eq(aes256k_derive(key.p, 2, e, i), 0);
	assert_bytes(e, sizeof(e), ke.p, ke.len);
	assert_bytes(i, sizeof(i), ki.p, ki.len);
}

Test(crypto, rfc8009_encryption_samples)
{
	struct bytes key = unhex(RFC_KEY);

	for (unsigned i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++) {
		struct bytes plain = unhex(rfc[i].plain), conf = unhex(rfc[i].confounder),
			     cipher = unhex(rfc[i].cipher);
		uint8_t out[128];
		size_t n = 0;

		cr_assert_eq(aes256k_encrypt(key.p, 2, conf.p, plain.p, plain.len, out), 0);
		assert_bytes(out, plain.len + 40, cipher.p, cipher.len, "sample %u", i);
		cr_assert_eq(aes256k_decrypt(key.p, 2, cipher.p, cipher.len, out, &n), 0);
		assert_bytes(out + 16, n, plain.p, plain.len, "sample %u", i);
		assert_bytes(out, 16, conf.p, conf.len, "sample %u", i);
	}
}

Test(crypto, hmac_sha256_of_rfc4231)
{
	struct bytes want = unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	uint8_t out[32];

	cr_assert_eq(hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out), 0);
	assert_bytes(out, 32, want.p, want.len);
}

static struct crypto_key key_of(const char *text)
{
	struct crypto_key k;

	cr_assert_eq(crypto_key_parse(&k, text, strlen(text)), 0);
	return k;
}

Test(crypto, keys_of_both_types_are_read)
{
	struct bytes old = unhex("1a4813529626ccad341848e331ab77dc"),
		     new = unhex("b858487bd18714eaf9da662486c2a4a27d626d369cf4986aecdefd43a8f1caf8");
	struct crypto_key k = key_of(OLD_KEY);

	cr_assert_eq(k.type, KEY_AES128);
	assert_bytes(k.secret, k.len, old.p, old.len);
	k = key_of(NEW_KEY);
	cr_assert_eq(k.type, KEY_AES256K);
	assert_bytes(k.secret, k.len, new.p, new.len);
}

Test(crypto, key_is_written_as_read)
{
	struct crypto_key k = key_of(NEW_KEY), got;
	struct enc e;
	struct dec d;

	enc_init(&e);
	crypto_key_encode(&e, &k);
	cr_assert_eq(e.len, 44);
	d = dec_init(e.buf, e.len);
	crypto_key_decode(&d, &got);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_arr_eq(got.secret, k.secret, 32);
	cr_assert_eq(got.created_ns, k.created_ns);
	for (size_t n = 0; n < e.len; n++) {
		d = dec_init(guarded(e.buf, n), n);
		crypto_key_decode(&d, &got);
		cr_assert_eq(d.err, -EBADMSG);
		cr_assert_eq(got.len, 0);
	}
	enc_free(&e);
}

Test(crypto, broken_key_texts_are_refused)
{
	static const char *const bad[] = {
		"",
		"A",
		"AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A",
		"AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A=x",
		"AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A===",
		"!QBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A==",
		"AwBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A==",                     /* type 3 */
		"AgBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A==",                     /* type 2 with 16 bytes */
		"AQAzrgJr2Qv0CCAAuFhIe9GHFOr52mYkhsKkon1ibTac9Jhq7N79Q6jxyvg=", /* type 1 with 32 */
		NEW_KEY "AAAA",
	};
	struct crypto_key k;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(crypto_key_parse(&k, bad[i], strlen(bad[i])), -EINVAL, "%s", bad[i]);
}

Test(crypto, base64_takes_blanks_and_checks_room)
{
	uint8_t out[8];

	cr_assert_eq(base64_decode(" Zm9v\nYmFy\t", 11, out, sizeof(out)), 6);
	cr_assert_arr_eq(out, "foobar", 6);
	cr_assert_eq(base64_decode("Zm8=", 4, out, 2), 2);
	cr_assert_eq(base64_decode("Zg==", 4, out, 1), 1);
	cr_assert_eq(base64_decode("Zm9v", 4, out, 2), -EINVAL);
	cr_assert_eq(base64_decode("Zm9vY", 5, out, sizeof(out)), -EINVAL);
}

Test(crypto, type_1_seals_as_captured)
{
	struct crypto_key k = key_of(OLD_KEY);
	struct bytes want = unhex("4cb8b0e1a2475b9e3bcaca4dd51f527639af651f2e0598a522f3e15611e718aa");
	uint64_t challenges[2] = { 0x8b6f0c4f21685667, 0x77344374f3d6560d };
	struct enc e, plain;
	struct dec obj;

	enc_init(&e);
	enc_init(&plain);
	crypto_seal(&k, 0, NULL, challenges, sizeof(challenges), &e);
	assert_bytes(e.buf, e.len, want.p, want.len);
	cr_assert_eq(crypto_open(&k, 0, e.buf, e.len, &plain, &obj), 0);
	assert_bytes(obj.p, dec_left(&obj), challenges, sizeof(challenges));
	enc_free(&e);
	enc_free(&plain);
}

static void seal_and_open(const char *text, size_t len)
{
	static const uint8_t confounder[KEY_CONFOUNDER] = { 1, 2, 3 };
	struct crypto_key k = key_of(text), other = k;
	uint8_t obj[64];
	struct enc e, plain;
	struct dec d;

	memset(obj, 'o', sizeof(obj));
	enc_init(&e);
	enc_init(&plain);
	enc_u32(&e, 0xdeadbeef); /* sealing appends */
	crypto_seal(&k, USAGE_CHALLENGE, confounder, obj, len, &e);
	cr_assert_eq(e.err, 0);
	cr_assert(e.len - 4 <= len + SEAL_OVERHEAD_MAX);
	cr_assert_eq(crypto_open(&k, USAGE_CHALLENGE, e.buf + 4, e.len - 4, &plain, &d), 0);
	assert_bytes(d.p, dec_left(&d), obj, len);
	other.secret[3] ^= 1;
	cr_assert_eq(crypto_open(&other, USAGE_CHALLENGE, e.buf + 4, e.len - 4, &plain, &d), -EACCES);
	cr_assert_eq(dec_left(&d), 0);
	for (size_t n = 0; n + 4 < e.len; n++)
		cr_assert_lt(crypto_open(&k, USAGE_CHALLENGE, guarded(e.buf + 4, n), n, &plain, &d), 0,
			     "cut at %zu", n);
	enc_free(&e);
	enc_free(&plain);
}

Test(crypto, what_is_sealed_opens_with_that_key_only)
{
	for (size_t len = 0; len <= 40; len++) {
		seal_and_open(OLD_KEY, len);
		seal_and_open(NEW_KEY, len);
	}
}

Test(crypto, type_2_notices_every_flip_and_the_usage)
{
	static const uint8_t confounder[KEY_CONFOUNDER];
	struct crypto_key k = key_of(NEW_KEY);
	struct enc e, plain;
	struct dec d;

	enc_init(&e);
	enc_init(&plain);
	crypto_seal(&k, USAGE_AUTHORIZER, confounder, "secret", 6, &e);
	cr_assert_eq(crypto_open(&k, USAGE_CHALLENGE, e.buf, e.len, &plain, &d), -EACCES);
	for (size_t i = 0; i < e.len; i++) {
		e.buf[i] ^= 4;
		cr_assert_eq(crypto_open(&k, USAGE_AUTHORIZER, e.buf, e.len, &plain, &d), -EACCES, "byte %zu",
			     i);
		e.buf[i] ^= 4;
	}
	cr_assert_eq(crypto_open(&k, USAGE_AUTHORIZER, e.buf, e.len, &plain, &d), 0);
	enc_free(&e);
	enc_free(&plain);
}

Test(crypto, key_without_type_seals_nothing)
{
	struct crypto_key none = { 0 };
	struct enc e, plain;
	struct dec d;

	enc_init(&e);
	enc_init(&plain);
	cr_assert_eq(crypto_open(&none, 0, "0123456789abcdef", 16, &plain, &d), -EINVAL);
	crypto_seal(&none, 0, NULL, "x", 1, &e);
	cr_assert_eq(e.err, -EINVAL);
	enc_free(&e);
	enc_free(&plain);
}

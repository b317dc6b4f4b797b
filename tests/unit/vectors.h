/* vectors.h: the captured handshakes of tests/data/vectors and the throwaway secrets that open them. */
#pragma once
#include "messages.h"

struct bytes {
	uint8_t *p; /* kept() until the test's process ends */
	size_t len;
};

/* Remembers test data so that a leak checker finds leaks of the code under test only. */
static inline uint8_t *kept(uint8_t *p)
{
	static uint8_t *all[8192];
	static unsigned count;

	cr_assert(p && count < sizeof(all) / sizeof(all[0]));
	return all[count++] = p;
}

static inline struct bytes vector(const char *name)
{
	char path[128];
	struct bytes b;

	snprintf(path, sizeof(path), "vectors/%s", name);
	b.p = kept(test_file(path, &b.len));
	return b;
}

static inline struct bytes unhex(const char *hex)
{
	struct bytes b = { .p = kept(malloc(strlen(hex) / 2 + 1)), .len = strlen(hex) / 2 };
	unsigned v;

	for (size_t i = 0; i < b.len; i++) {
		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		b.p[i] = (uint8_t)v;
	}
	return b;
}

#define assert_bytes(got, got_len, want, want_len, ...)                                                      \
	do {                                                                                                 \
		cr_assert_eq((size_t)(got_len), (size_t)(want_len), "length: " __VA_ARGS__);                 \
		if (want_len)                                                                                \
			cr_assert_arr_eq((got), (want), (want_len), "bytes: " __VA_ARGS__);                  \
	} while (0)

/* 16.2.15: every key is of type 1. */
#define OLD_KEY                "AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A=="
#define OLD_SESSION_KEY        "e3243b12b81de60e5cda983e6167e798"
#define OLD_TICKET_MDS_KEY     "accb0cfafa2580a5450a6b4cd21ba4e5"
#define OLD_CLIENT_CHALLENGE   0x77344374f3d6560dull
#define OLD_MDS_NONCE          0xe0345dcf3d94bde2ull
#define OLD_SECURE_SESSION_KEY "f333792a640dbec543c5ba3a40157826"
#define OLD_CON_SECRET                                                                                       \
	"076b768fc80503c4adb7c44ceb091dbeb9ef066c6b95433fbbfae725862402ea"                                   \
	"4e7ac994b944716ec62faba31af416211b21f518492af9e604988036be19231f"
/* 20.2.4: every key is of type 2. */
#define NEW_KEY                     "AgAzrgJr2Qv0CCAAuFhIe9GHFOr52mYkhsKkon1ibTac9Jhq7N79Q6jxyvg="
#define NEW_SESSION_KEY             "b60aaa584ece023f2955525ae942181cf3abab3c5ffa012ae8ee5be1c1114e91"
#define NEW_TICKET_MDS_KEY          "6ebf6c95ef90e76c4fee435e54f5460799e14d90d65b0ecff2ca6ee6c10a6515"
#define NEW_RENEWED_MDS_KEY         "ba4075a47a7cb7a645ccefa94fd587d349daca1289195c4b205a475857dd33f8"
#define NEW_CLIENT_CHALLENGE        0x23bbf64fa4bb7eb5ull
#define NEW_MDS_NONCE               0xbee441c40180d081ull
#define NEW_MDS_CONFOUNDER_1        "deb15ba034bad5c23526f6c025879dd3"
#define NEW_MDS_CONFOUNDER_2        "708416e6521d55a2545227dc65041c63"
#define NEW_SECURE_CLIENT_CHALLENGE 0x54cf8c6561871c24ull
#define NEW_SECURE_SESSION_KEY      "71fb1420371cc96962df668f5446edf484edd2f0daefd15852219e9ad5991cf5"
#define NEW_SECURE_MDS_KEY          "7eec6eeedc7bfdd4d3a378a99aa712e44cdacddc515089fa98c8e5576d9cabbe"
#define NEW_CON_SECRET                                                                                       \
	"df4672f168b423722be712391e51e2fadbdee3f91882dbf515507bc8701a6cc5"                                   \
	"84aee438705b850162fef150f854df24d1322e8ec42a88952785b2dad65ff05a"
/* 20.2.4 with old service keys: the secret and the auth session key are of type 2, the service keys of
 * type 1. */
#define MIXED_KEY         "AgDErAJriuWbNSAApus0kIjt9oTC3YDx8HqbzqmYFrlZk1Gkpu0/oi21TLw="
#define MIXED_SESSION_KEY "0bee15cc8fceee5eaf8103420950a4b81768fa975baa2560be27a252a8a31571"
#define MIXED_MDS_KEY     "9ef34c7c0af8a9d5834c09befac1a716"

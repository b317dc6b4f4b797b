/* What libcephfs told daemons that took over, from our encoder. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

enum { REALMS = 16, LOCKS = 16 };

struct locks {
	struct filelock lock[LOCKS];
	uint32_t count;
};

static void locks_parse(struct dec *d, struct locks *l)
{
	l->count = dec_count(d, FILELOCK_BYTES);
	cr_assert(l->count <= LOCKS);
	for (uint32_t i = 0; i < l->count; i++)
		cr_assert_eq(filelock_decode(d, &l->lock[i]), 0);
}

static void cap_copy(struct dec *d, struct enc *e)
{
	struct reconnect_cap c = { .ino = dec_u64(d) };
	struct dec in = dec_section(d, 2, NULL);
	struct slice path = dec_slice(&in);
	struct locks fcntl_locks = { 0 }, flock_locks = { 0 };
	struct dec blob;

	c.path = (const char *)path.p;
	c.path_len = path.len;
	c.cap_id = dec_u64(&in);
	c.wanted = dec_u32(&in);
	c.issued = dec_u32(&in);
	c.snaprealm = dec_u64(&in);
	c.pathbase = dec_u64(&in);
	blob = dec_blob(&in);
	if (dec_left(&blob)) {
		locks_parse(&blob, &fcntl_locks);
		locks_parse(&blob, &flock_locks);
	}
	dec_end(&blob);
	dec_close(&in, &blob);
	c.fcntl_locks = fcntl_locks.lock;
	c.fcntl_count = fcntl_locks.count;
	c.flock_locks = flock_locks.lock;
	c.flock_count = flock_locks.count;
	c.snap_follows = dec_u64(&in);
	dec_end(&in);
	dec_close(d, &in);
	reconnect_cap(e, &c);
}

static uint32_t realms_parse(struct dec *d, struct reconnect_realm *realms)
{
	uint32_t n = dec_count(d, 6);

	cr_assert(n <= REALMS);
	for (uint32_t i = 0; i < n; i++) {
		struct dec in = dec_section(d, 1, NULL);

		realms[i].ino = dec_u64(&in);
		realms[i].seq = dec_u64(&in);
		realms[i].parent = dec_u64(&in);
		dec_end(&in);
		dec_close(d, &in);
	}
	return n;
}

static void same_bytes(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->data, m->data_len);
	struct reconnect_realm realms[REALMS];
	uint32_t count, realm_count;
	struct enc e;
	size_t mark;

	cr_assert_eq(m->version, RECONNECT_VERSION);
	cr_assert_eq(m->front_len, 0);
	enc_init(&e);
	mark = reconnect_begin(&e);
	count = dec_count(&d, 8);
	for (uint32_t i = 0; i < count; i++)
		cap_copy(&d, &e);
	realm_count = realms_parse(&d, realms);
	reconnect_end(&e, mark, count, realms, realm_count);
	cr_assert_eq(dec_u8(&d), 0);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	cr_assert_eq(e.err, 0);
	cr_assert_eq(e.len, m->data_len);
	cr_assert_arr_eq(e.buf, m->data, e.len, "%s %u", m->file, m->index);
	enc_free(&e);
	*(unsigned *)arg += count;
}

Test(mds_reconnect, encodes_every_capture)
{
	unsigned caps = 0;

	cr_assert_eq(messages_each(MSG_CLIENT_RECONNECT, same_bytes, &caps), 3);
	cr_assert_geq(caps, 12);
}

/* The blob of locks behind an empty path: what a daemon finds there. */
static struct slice locks_blob(struct enc *e, const struct reconnect_cap *c)
{
	struct dec d, in;

	enc_init(e);
	reconnect_cap(e, c);
	cr_assert_eq(e->err, 0);
	d = dec_init(guarded(e->buf, e->len), e->len);
	dec_skip(&d, 8);
	in = dec_section(&d, 2, NULL);
	dec_skip(&in, 4 + 8 + 4 + 4 + 8 + 8);
	return dec_slice(&in);
}

Test(mds_reconnect, without_locks_the_blob_is_empty)
{
	struct reconnect_cap c = { .ino = 1, .path = "" };
	struct enc e;

	cr_assert_eq(locks_blob(&e, &c).len, 0);
	enc_free(&e);
}

Test(mds_reconnect, one_flock_as_libcephfs_reports_it)
{
	struct filelock l = { .owner = FILELOCK_OWNER_ALONE | 0x4d, .type = FILELOCK_EXCL };
	struct reconnect_cap c = { .ino = 1, .path = "", .flock_locks = &l, .flock_count = 1 };
	static const uint8_t want[8 + FILELOCK_BYTES] = {
		[4] = 1, [8 + 24] = 0x4d, [8 + 31] = 0x80, [8 + 40] = 2
	};
	struct slice blob;
	struct enc e;

	blob = locks_blob(&e, &c);
	cr_assert_eq(blob.len, sizeof(want));
	cr_assert_arr_eq(blob.p, want, sizeof(want));
	enc_free(&e);
}

Test(mds_reconnect, both_kinds_of_locks)
{
	struct filelock ranges[2] = { { .start = 1, .length = 2, .pid = 3, .type = FILELOCK_SHARED },
				      { .start = 4, .type = FILELOCK_EXCL } },
			whole = { .owner = 5, .type = FILELOCK_EXCL };
	struct reconnect_cap c = { .ino = 1,
				   .path = "",
				   .fcntl_locks = ranges,
				   .fcntl_count = 2,
				   .flock_locks = &whole,
				   .flock_count = 1 };
	struct locks got;
	struct slice blob;
	struct dec d;
	struct enc e;

	blob = locks_blob(&e, &c);
	d = dec_init(blob.p, blob.len);
	locks_parse(&d, &got);
	cr_assert(got.count == 2 && got.lock[0].length == 2 && got.lock[0].pid == 3 &&
		  got.lock[1].start == 4);
	locks_parse(&d, &got);
	cr_assert(got.count == 1 && got.lock[0].owner == 5);
	cr_assert_eq(dec_left(&d), 0);
	enc_free(&e);
	c.flock_count = 0;
	blob = locks_blob(&e, &c);
	cr_assert_eq(blob.len, 4 + 2 * FILELOCK_BYTES + 4, "the count of the other kind is there");
	enc_free(&e);
}

Test(mds_reconnect, into_a_full_buffer)
{
	struct filelock l = { .type = FILELOCK_EXCL };
	struct reconnect_cap c = {
		.ino = 1, .path = "name", .path_len = 4, .fcntl_locks = &l, .fcntl_count = 1
	};
	struct reconnect_realm realm = { .ino = 1, .seq = 2 };
	uint8_t buf[256];
	size_t need = sizeof(buf), mark;
	struct enc e;

	for (size_t n = sizeof(buf) + 1; n--;) {
		enc_init_fixed(&e, buf, n);
		mark = reconnect_begin(&e);
		reconnect_cap(&e, &c);
		reconnect_end(&e, mark, 1, &realm, 1);
		if (n == sizeof(buf))
			need = e.len;
		cr_assert_eq(e.err, n < need ? -EMSGSIZE : 0, "%zu bytes", n);
	}
	cr_assert_lt(need, sizeof(buf));
}

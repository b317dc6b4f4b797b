/* What libcephfs told daemons that took over, from our encoder. */
#include <criterion/criterion.h>
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

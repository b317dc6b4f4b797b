/* What libcephfs told daemons that took over, from our encoder. */
#include <criterion/criterion.h>
#include <string.h>

#include "messages.h"
#include "proto/mds.h"

enum { REALMS = 16 };

static void cap_copy(struct dec *d, struct enc *e)
{
	struct reconnect_cap c = { .ino = dec_u64(d) };
	struct dec in = dec_section(d, 2, NULL);
	struct slice path = dec_slice(&in);

	c.path = (const char *)path.p;
	c.path_len = path.len;
	c.cap_id = dec_u64(&in);
	c.wanted = dec_u32(&in);
	c.issued = dec_u32(&in);
	c.snaprealm = dec_u64(&in);
	c.pathbase = dec_u64(&in);
	c.locks = dec_slice(&in);
	c.snap_follows = dec_u64(&in);
	dec_end(&in);
	dec_close(d, &in);
	reconnect_cap(e, &c);
}

static uint32_t realms_parse(struct dec *d, uint64_t (*realms)[3])
{
	uint32_t n = dec_count(d, 6);

	cr_assert(n <= REALMS);
	for (uint32_t i = 0; i < n; i++) {
		struct dec in = dec_section(d, 1, NULL);

		for (unsigned k = 0; k < 3; k++)
			realms[i][k] = dec_u64(&in);
		dec_end(&in);
		dec_close(d, &in);
	}
	return n;
}

static void same_bytes(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->data, m->data_len);
	uint64_t realms[REALMS][3];
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

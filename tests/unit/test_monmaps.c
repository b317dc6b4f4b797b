/* test_monmaps.c: the maps and small messages of monitors, as three releases sent them. */
#include "../../src/proto/monmaps.h"

#include <errno.h>
#include "vectors.h"

static struct mdsmap mds; /* too large for a stack shared with the test runner */

/* --- monmap --- */

static void check_monmap(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len), blob = dec_blob(&d);
	struct monmap map;

	cr_assert_eq(monmap_decode(&blob, &map), 0, "%s: %s", m->file, blob.what);
	cr_assert_eq(dec_left(&blob), 0);
	cr_assert_eq(map.epoch, 1);
	cr_assert_eq(map.count, 1);
	cr_assert_str_eq(map.mon[0].name, "a");
	cr_assert_eq(map.mon[0].addrs.count, 2);
	cr_assert_eq(addrvec_msgr2(&map.mon[0].addrs)->ip[0], 127);
	cr_assert_eq(map.min_release, !strcmp(m->file, "ceph16") ? 16 : !strcmp(m->file, "ceph18") ? 18 : 20);
	for (size_t n = 4; n < m->front_len; n++) {
		blob = dec_init(guarded(m->front + 4, n - 4), n - 4);
		cr_assert_eq(monmap_decode(&blob, &map), -EBADMSG, "cut at %zu", n);
	}
}

Test(monmaps, monmap_of_three_releases)
{
	cr_assert_eq(messages_each(MSG_MON_MAP, check_monmap, NULL), 6);
}

static void put_mon(struct enc *e, unsigned i)
{
	struct entity_addr a = { .type = ADDR_MSGR2, .family = 2, .port = (uint16_t)(3300 + i) };
	char name[16];
	size_t mark;

	snprintf(name, sizeof(name), "m%u", i);
	enc_str(e, name);
	mark = enc_section(e, 5, 1);
	enc_str(e, name);
	enc_addrvec(e, &a, 1);
	enc_u16(e, (uint16_t)i);
	enc_u16(e, 10);
	enc_u32(e, 0);
	enc_close(e, mark);
}

static void put_monmap(struct enc *e, uint8_t v, uint8_t compat, unsigned count)
{
	size_t mark = enc_section(e, v, compat), inner;

	enc_zero(e, 16);
	enc_u32(e, 3);
	enc_time(e, 0);
	enc_time(e, 0);
	for (int i = 0; i < 2; i++) {
		inner = enc_section(e, 1, 1);
		enc_u64(e, 0);
		enc_close(e, inner);
	}
	enc_u32(e, count);
	for (unsigned i = 0; i < count; i++)
		put_mon(e, i);
	enc_u32(e, 1);
	enc_str(e, "m0");
	enc_u8(e, 17);
	enc_close(e, mark);
}

Test(monmaps, more_monitors_than_kept_are_read)
{
	struct monmap map;
	struct enc e;
	struct dec d;

	enc_init(&e);
	put_monmap(&e, 9, 6, MONMAP_MAX + 3);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(monmap_decode(&d, &map), 0);
	cr_assert_eq(map.count, MONMAP_MAX);
	cr_assert_str_eq(map.mon[31].name, "m31");
	cr_assert_eq(map.mon[31].priority, 31);
	cr_assert_eq(map.mon[31].weight, 10);
	cr_assert_eq(map.min_release, 17);
	enc_free(&e);
}

Test(monmaps, monmap_too_old_or_too_new_is_refused)
{
	struct monmap map;
	struct enc e;
	struct dec d;

	enc_init(&e);
	put_monmap(&e, 5, 3, 1);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(monmap_decode(&d, &map), -EBADMSG);
	enc_reset(&e);
	put_monmap(&e, 20, 10, 1);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(monmap_decode(&d, &map), -EBADMSG);
	enc_reset(&e);
	put_monmap(&e, 20, 9, 1);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(monmap_decode(&d, &map), 0);
	enc_free(&e);
}

/* --- mdsmap --- */

Test(monmaps, mdsmap_with_one_active_rank)
{
	struct bytes b = vector("mdsmap_front.bin");
	struct dec d = dec_init(b.p, b.len), body;
	struct mdsmap_msg msg;

	cr_assert_eq(mdsmap_msg_decode(&d, 2, &msg), 0);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	body = dec_init(msg.map.p, msg.map.len);
	cr_assert_eq(mdsmap_decode(&body, &mds), 0, "%s", body.what);
	cr_assert_eq(dec_left(&body), 0);
	cr_assert_eq(mds.epoch, msg.epoch);
	cr_assert_eq(mds.session_timeout, 60);
	cr_assert_eq(mds.session_autoclose, 300);
	cr_assert_eq(mds.max_file_size, 1ull << 40);
	cr_assert_eq(mds.max_mds, 1);
	cr_assert_eq(mds.rank_count, 1);
	cr_assert(mds.rank[0].present);
	cr_assert_eq(mds.rank[0].state, MDS_STATE_ACTIVE);
	cr_assert_eq(mds.rank[0].addr.type, ADDR_MSGR2);
	cr_assert_neq(mds.rank[0].addr.nonce, 0);
	cr_assert_not(mds.rank[0].laggy);
	cr_assert_eq(mds.data_pool_count, 1);
	cr_assert_gt(mds.metadata_pool, 0);
	cr_assert(mds.enabled);
	cr_assert_not(mds.damaged);
	assert_bytes(mds.fs_name, strlen(mds.fs_name), msg.fs_name.p, msg.fs_name.len);
	cr_assert_eq(mds.max_xattr_size, 0);
}

struct seen {
	unsigned ranks2, standby_xattr;
};

static void check_mdsmap(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len), body;
	struct seen *seen = arg;
	struct mdsmap_msg msg;

	cr_assert_eq(mdsmap_msg_decode(&d, m->version, &msg), 0);
	cr_assert_eq(dec_left(&d), 0);
	body = dec_init(msg.map.p, msg.map.len);
	cr_assert_eq(mdsmap_decode(&body, &mds), 0, "%s: %s", m->file, body.what);
	cr_assert_eq(mds.epoch, msg.epoch);
	for (uint32_t i = 0; i < mds.rank_count; i++)
		if (mds.rank[i].present) {
			cr_assert_eq(mds.rank[i].rank, (int32_t)i);
			cr_assert_eq(mds.rank[i].addr.type, ADDR_MSGR2);
		}
	if (strcmp(m->file, "ceph16"))
		cr_assert_eq(mds.max_xattr_size, 65536, "%s", m->file);
	seen->ranks2 += mds.rank_count == 2 && mds.rank[1].present;
	for (size_t n = 0; n < msg.map.len; n++) {
		body = dec_init(guarded(msg.map.p, n), n);
		cr_assert_eq(mdsmap_decode(&body, &mds), -EBADMSG, "cut at %zu", n);
	}
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(mdsmap_msg_decode(&d, m->version, &msg), -EBADMSG, "cut at %zu", n);
	}
}

Test(monmaps, mdsmap_of_three_releases)
{
	struct seen seen = { 0 };

	cr_assert_eq(messages_each(MSG_MDS_MAP, check_mdsmap, &seen), 8);
	cr_assert_gt(seen.ranks2, 0, "no capture with two ranks");
}

struct daemon {
	uint64_t gid;
	int32_t rank, state;
};

static void put_daemon(struct enc *e, const struct daemon *d)
{
	struct entity_addr a = { .type = ADDR_MSGR2, .family = 2, .port = 6800, .nonce = (uint32_t)d->gid };
	size_t mark;

	enc_u64(e, d->gid);
	mark = enc_section(e, 10, 4);
	enc_u64(e, d->gid);
	enc_str(e, "x");
	enc_u32(e, (uint32_t)d->rank);
	enc_u32(e, 1);
	enc_u32(e, (uint32_t)d->state);
	enc_u64(e, 1);
	enc_addrvec(e, &a, 1);
	enc_time(e, 0);
	enc_close(e, mark);
}

/* A map of `ev` where `up` gives rank `rank` to gid 7. */
static void put_mdsmap(struct enc *e, uint16_t ev, int32_t rank)
{
	static const struct daemon who[] = { { 7, 0, MDS_STATE_ACTIVE }, { 8, 0, -8 } };
	size_t mark = enc_section(e, 5, 4);

	enc_zero(e, 6 * 4 + 8 + 4);
	enc_u32(e, 2);
	put_daemon(e, &who[0]);
	put_daemon(e, &who[1]);
	enc_u32(e, 0); /* data pools */
	enc_u64(e, 0);
	enc_u16(e, ev);
	for (int i = 0; i < 3; i++) {
		enc_u64(e, 1);
		enc_u32(e, 1);
		enc_u64(e, 1);
		enc_str(e, "feature");
	}
	enc_zero(e, 8 + 8 + 8 + 4);
	enc_u32(e, 1); /* in */
	enc_u32(e, (uint32_t)rank);
	enc_u32(e, 0); /* inc */
	enc_u32(e, 1); /* up */
	enc_u32(e, (uint32_t)rank);
	enc_u64(e, 7);
	enc_u32(e, 0); /* failed */
	enc_u32(e, 0); /* stopped */
	enc_zero(e, 4 + 3);
	enc_u8(e, 1);
	enc_str(e, "a-file-system-with-a-name-that-is-longer-than-what-is-kept-of-any-name");
	enc_u32(e, 1); /* damaged */
	enc_u32(e, 3);
	enc_str(e, "");
	enc_u32(e, 0);
	enc_zero(e, ev >= 13 ? 4 : 0);
	enc_zero(e, ev >= 14 ? 1 : 0);
	if (ev >= 16) {
		enc_u32(e, 8);
		enc_u64(e, 1 << 9);
	}
	if (ev >= 17) {
		enc_str(e, "-1");
		enc_u64(e, 1234);
	}
	enc_close(e, mark);
}

static int decode_made(uint16_t ev, int32_t rank)
{
	struct enc e;
	struct dec d;
	int res;

	enc_init(&e);
	put_mdsmap(&e, ev, rank);
	d = dec_init(e.buf, e.len);
	res = mdsmap_decode(&d, &mds);
	enc_free(&e);
	return res;
}

Test(monmaps, mdsmap_rank_belongs_to_the_gid_in_up)
{
	cr_assert_eq(decode_made(18, 0), 0);
	cr_assert_eq(mds.rank_count, 1);
	cr_assert_eq(mds.rank[0].gid, 7);
	cr_assert_eq(mds.rank[0].state, MDS_STATE_ACTIVE);
	cr_assert_eq(mds.required_client_features[0], 1 << 9);
	cr_assert(mds.damaged);
	cr_assert_eq(strlen(mds.fs_name), NAME_MAX_LEN - 1);
	/* Nobody claims rank 2: it is in, and down. */
	cr_assert_eq(decode_made(18, 2), 0);
	cr_assert_eq(mds.rank_count, 3);
	cr_assert_not(mds.rank[2].present);
	cr_assert_not(mds.rank[0].present);
}

Test(monmaps, mdsmap_fields_follow_their_version)
{
	cr_assert_eq(decode_made(18, 0), 0);
	cr_assert_eq(mds.max_xattr_size, 1234);
	cr_assert_eq(decode_made(17, 0), 0);
	cr_assert_eq(mds.max_xattr_size, 0, "version 17 is ambiguous");
	cr_assert_eq(decode_made(13, 0), 0);
	cr_assert_eq(mds.required_client_features[0], 0);
	cr_assert_eq(decode_made(11, 0), -EBADMSG);
}

Test(monmaps, mdsmap_rank_out_of_bounds_is_refused)
{
	cr_assert_eq(decode_made(16, MDS_RANK_MAX - 1), 0);
	cr_assert_eq(mds.rank_count, MDS_RANK_MAX);
	cr_assert_eq(decode_made(16, MDS_RANK_MAX), -EBADMSG);
	cr_assert_eq(decode_made(16, -1), -EBADMSG);
}

/* --- the others --- */

static void check_fsmap(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct fsmap_user map;

	cr_assert_eq(fsmap_user_decode(&d, &map), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(map.epoch, 5);
	cr_assert_eq(map.legacy_fscid, 1);
	cr_assert_eq(map.count, 1);
	cr_assert_eq(map.fs[0].fscid, 1);
	cr_assert_str_eq(map.fs[0].name, "cephfs");
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(fsmap_user_decode(&d, &map), -EBADMSG);
	}
}

Test(monmaps, fsmap_names_file_systems)
{
	cr_assert_eq(messages_each(MSG_FS_MAP_USER, check_fsmap, NULL), 2);
}

Test(monmaps, fsmap_without_file_systems)
{
	struct fsmap_user map;
	struct enc e;
	struct dec d;
	size_t mark;

	enc_init(&e);
	enc_u32(&e, 2);
	mark = enc_section(&e, 1, 1);
	enc_u32(&e, 2);
	enc_u32(&e, UINT32_MAX);
	enc_u32(&e, 0);
	enc_close(&e, mark);
	d = dec_init(e.buf, e.len);
	cr_assert_eq(fsmap_user_decode(&d, &map), 0);
	cr_assert_eq(map.count, 0);
	cr_assert_eq(map.legacy_fscid, -1);
	enc_free(&e);
}

static void check_osdmap(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct osdmap_msg msg;
	uint32_t first;

	cr_assert_eq(osdmap_msg_decode(&d, m->version, &msg), 0);
	memcpy(&first, m->front + (m->front[16] ? 20 : 24), 4);
	cr_assert_eq(msg.newest, first, "one map in each capture");
}

Test(monmaps, osdmap_message_tells_its_newest_epoch)
{
	struct osdmap_msg msg;
	struct enc e;
	struct dec d;

	cr_assert_eq(messages_each(MSG_OSD_MAP, check_osdmap, NULL), 11);
	enc_init(&e);
	enc_zero(&e, 16);
	enc_u32(&e, 2);
	enc_u32(&e, 9);
	enc_str(&e, "nine");
	enc_u32(&e, 8);
	enc_str(&e, "eight");
	enc_u32(&e, 1);
	enc_u32(&e, 7);
	enc_str(&e, "seven");
	d = dec_init(e.buf, e.len);
	cr_assert_eq(osdmap_msg_decode(&d, 4, &msg), 0);
	cr_assert_eq(msg.newest, 9);
	for (size_t n = 0; n < e.len; n++) {
		d = dec_init(guarded(e.buf, n), n);
		cr_assert_eq(osdmap_msg_decode(&d, 4, &msg), -EBADMSG);
	}
	enc_free(&e);
}

static void check_statfs(const struct message *m, void *arg)
{
	struct enc e;
	uint64_t have = 0;

	enc_init(&e);
	statfs_encode(&e, m->front + 18, 2);
	memcpy(e.buf, &have, 8);
	/* The version that the sender had of the paxos state is its own affair. */
	assert_bytes(e.buf + 8, e.len - 8, m->front + 8, m->front_len - 8);
	enc_reset(&e);
	statfs_encode(&e, m->front + 18, -1);
	cr_assert_eq(e.len, 18 + 16 + 1);
	cr_assert_eq(e.buf[34], 0);
	enc_free(&e);
}

static void check_statfs_reply(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct statfs_reply r;

	cr_assert_eq(statfs_reply_decode(&d, &r), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_eq(r.kb, 0x3b8f14);
	cr_assert_eq(r.kb_used, 0x40000);
	cr_assert_eq(r.kb_avail, 0x378f14);
	cr_assert_eq(r.objects, 0x40);
	for (size_t n = 0; n < m->front_len; n++) {
		d = dec_init(guarded(m->front, n), n);
		cr_assert_eq(statfs_reply_decode(&d, &r), -EBADMSG);
	}
}

Test(monmaps, statfs_as_captured)
{
	cr_assert_eq(messages_each(MSG_STATFS, check_statfs, NULL), 2);
	cr_assert_eq(messages_each(MSG_STATFS_REPLY, check_statfs_reply, NULL), 2);
}

static void check_version(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct slice what;
	char name[32] = "";
	uint64_t handle;
	struct enc e;

	handle = dec_u64(&d);
	what = dec_slice(&d);
	memcpy(name, what.p, what.len);
	enc_init(&e);
	version_encode(&e, handle, name);
	assert_bytes(e.buf, e.len, m->front, m->front_len);
	enc_free(&e);
}

static void check_version_reply(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct version_reply r;

	cr_assert_eq(version_reply_decode(&d, &r), 0);
	cr_assert_eq(dec_left(&d), 0);
	cr_assert_geq(r.newest, r.oldest);
	cr_assert_gt(r.newest, 0);
}

Test(monmaps, get_version_as_captured)
{
	cr_assert_eq(messages_each(MSG_MON_GET_VERSION, check_version, NULL), 2);
	cr_assert_eq(messages_each(MSG_MON_GET_VERSION_REPLY, check_version_reply, NULL), 2);
}

/* Decodes a captured subscription by hand and has it encoded again. */
static void check_subscribe(const struct message *m, void *arg)
{
	struct dec d = dec_init(m->front, m->front_len);
	struct mon_sub subs[8];
	char name[8][32], host[32] = "";
	uint32_t n = dec_u32(&d);
	struct slice s;
	struct enc e;

	cr_assert_leq(n, 8);
	for (uint32_t i = 0; i < n; i++) {
		s = dec_slice(&d);
		cr_assert_lt(s.len, 32);
		memcpy(name[i], s.p, s.len);
		name[i][s.len] = 0;
		subs[i].what = name[i];
		subs[i].start = dec_u64(&d);
		subs[i].onetime = dec_u8(&d) & 1;
	}
	s = dec_slice(&d);
	memcpy(host, s.p, s.len);
	dec_end(&d);
	cr_assert_eq(d.err, 0);
	enc_init(&e);
	subscribe_encode(&e, subs, n, host);
	assert_bytes(e.buf, e.len, m->front, m->front_len);
	enc_free(&e);
}

Test(monmaps, subscriptions_as_captured)
{
	cr_assert_eq(messages_each(MSG_MON_SUBSCRIBE, check_subscribe, NULL), 18);
}

static void collect(void *arg, struct slice key, struct slice value)
{
	char *text = arg;
	size_t at = strlen(text);

	snprintf(text + at, 128 - at, "%.*s=%.*s;", (int)key.len, key.p, (int)value.len, value.p);
}

Test(monmaps, config_hands_over_each_pair)
{
	char text[128] = "";
	struct enc e;
	struct dec d;

	enc_init(&e);
	enc_u32(&e, 2);
	enc_str(&e, "client_mount_timeout");
	enc_str(&e, "30");
	enc_str(&e, "debug");
	enc_str(&e, "");
	d = dec_init(e.buf, e.len);
	cr_assert_eq(config_decode(&d, collect, text), 0);
	cr_assert_str_eq(text, "client_mount_timeout=30;debug=;");
	for (size_t n = 0; n < e.len; n++) {
		char ignored[128] = "";

		d = dec_init(guarded(e.buf, n), n);
		cr_assert_eq(config_decode(&d, collect, ignored), -EBADMSG);
	}
	enc_free(&e);
}

Test(monmaps, fsid_reads_as_ceph_prints_it)
{
	const uint8_t fsid[16] = { 0, 1, 2, 3, 0xaa, 0xbb, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xff };
	char text[FSID_TEXT_MAX];

	cr_assert_str_eq(fsid_text(fsid, text), "00010203-aabb-0607-0809-0a0b0c0d0eff");
}

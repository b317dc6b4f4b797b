/* cluster: --osd 3 --store bluestore; timeout: 240 */
/* Operations on objects, against what the rados command shows: in both connection modes, replicated and
 * erasure coded pools, namespaces, snapshots, copies, replica reads, order and cancelling. */
#include "osd_bed.h"

enum { BIG = 4 << 20 };
static uint8_t big[BIG], back[BIG + 65536];

static void basics(const char *mode_name, uint32_t mode, const char *pool_name, int64_t pool)
{
	struct bed *b = obed_new(mode, NULL);
	struct osd_stat st;
	struct osd_op op;
	struct ask a;

	is(obj_read(b, pool, "none", 0, back, 100), -ENOENT, "%s: no object: ENOENT", mode_name);
	is(obj_write(b, pool, "o", 0, "hello world", 11), 0, "%s: write", mode_name);
	memset(back, 0, 100);
	is(obj_read(b, pool, "o", 0, back, 100), 11, "%s: a short read at the end", mode_name);
	tap_ok(!memcmp(back, "hello world", 11), "%s: with what was written", mode_name);
	is(obj_read(b, pool, "o", 6, back, 5), 5, "%s: a read in the middle", mode_name);
	tap_ok(!memcmp(back, "world", 5), "%s: with its bytes", mode_name);
	is(obj_read(b, pool, "o", 11, back, 5), 0, "%s: a read at the end is empty", mode_name);
	memset(back, 0, 100);
	is(rados_get(pool_name, "o", back, sizeof back), 11, "%s: rados sees it", mode_name);
	tap_ok(!memcmp(back, "hello world", 11), "%s: the same", mode_name);
	is(obj_stat(b, pool, "o", &st), 0, "%s: stat", mode_name);
	tap_ok(st.size == 11 && st.mtime_ns > ring_wall(b->ring) - 60 * 1000000000ull,
	       "%s: with size and time", mode_name);
	ask_write(&a, pool, "o", OSD_OP_APPEND, 0, "!!", 2);
	is(ask_run(b, &a), 0, "%s: append", mode_name);
	tap_ok(!obj_stat(b, pool, "o", &st) && st.size == 13, "%s: which made it longer", mode_name);
	osd_op_truncate(&op, 5, 0);
	is(obj_op(b, pool, "o", op), 0, "%s: truncate", mode_name);
	ask_write(&a, pool, "o", OSD_OP_WRITE, 8, "xyz", 3);
	ask_run(b, &a);
	is(rados_get(pool_name, "o", back, sizeof back), 11, "%s: a write behind the end", mode_name);
	tap_ok(!memcmp(back, "hello\0\0\0xyz", 11), "%s: leaves zeros before it", mode_name);
	osd_op_zero(&op, 1, 3);
	is(obj_op(b, pool, "o", op), 0, "%s: zero", mode_name);
	rados_get(pool_name, "o", back, sizeof back);
	tap_ok(!memcmp(back, "h\0\0\0o\0\0\0xyz", 11), "%s: zeroes its range only", mode_name);
	osd_op_create(&op, true);
	is(obj_op(b, pool, "o", op), -EEXIST, "%s: create of what is there: EEXIST", mode_name);
	is(obj_op(b, pool, "fresh", op), 0, "%s: create", mode_name);
	ask_write(&a, pool, "o", OSD_OP_WRITEFULL, 0, "new", 3);
	is(ask_run(b, &a), 0, "%s: writefull", mode_name);
	is(rados_get(pool_name, "o", back, sizeof back), 3, "%s: which left nothing else", mode_name);
	is(obj_delete(b, pool, "o"), 0, "%s: delete", mode_name);
	is(obj_delete(b, pool, "o"), -ENOENT, "%s: once", mode_name);
	tap_ok(rados("-p %s stat o", pool_name) != 0, "%s: rados does not see it any more", mode_name);
	rados_put(pool_name, "theirs", "from rados", 10);
	tap_ok(obj_read(b, pool, "theirs", 0, back, 100) == 10 && !memcmp(back, "from rados", 10),
	       "%s: what rados wrote is read", mode_name);
	obj_delete(b, pool, "fresh");
	obj_delete(b, pool, "theirs");
	obed_free(b);
}

/* In crc mode bulk goes from memory to socket and back. Encryption needs a copy to encrypt in, and a whole
 * frame to decrypt. */
static void uncopied(struct bed *b, const char *mode_name, bool crc, int64_t pool)
{
	struct osdc_info before, after;
	struct ask a;

	osdc_info(obed_osdc, &before);
	ask_write(&a, pool, "large", OSD_OP_WRITEFULL, 0, big, BIG);
	ask_run(b, &a);
	osdc_info(obed_osdc, &after);
	is((long long)(after.stats.copied_out - before.stats.copied_out), crc ? 0 : BIG,
	   "%s: bytes copied of 4 MiB written", mode_name);
	obj_read(b, pool, "large", 0, back, BIG);
	osdc_info(obed_osdc, &before);
	obj_read(b, pool, "large", 0, back, BIG);
	osdc_info(obed_osdc, &after);
	is((long long)(after.stats.copied_in - before.stats.copied_in), crc ? 0 : 2 * BIG,
	   "%s: bytes copied of 4 MiB read", mode_name);
	tap_ok(!memcmp(big, back, BIG), "%s: and they are right", mode_name);
}

/* Gather and scatter, and sizes around the ends of buffers. */
static void large(const char *mode_name, uint32_t mode, const char *pool_name, int64_t pool)
{
	struct bed *b = obed_new(mode, NULL);
	struct iovec pieces[50];
	struct ask a;
	uint32_t at = 0;
	int wrong = 0;

	pattern(big, BIG, 0, 7);
	for (unsigned i = 0; i < 50; i++) {
		uint32_t n = i == 49 ? BIG - at : i % 5 * 20000 + i;

		pieces[i] = (struct iovec){ big + at, n };
		at += n;
	}
	ask_init(&a, pool, "large");
	osd_req_write(&a.q, OSD_OP_WRITEFULL, 0, BIG, no_trunc, pieces, 50);
	is(ask_run(b, &a), 0, "%s: 4 MiB from 50 pieces are written", mode_name);
	memset(back, 0, sizeof back);
	tap_ok(rados_get(pool_name, "large", back, sizeof back) == BIG && !memcmp(big, back, BIG),
	       "%s: rados sees them", mode_name);
	memset(back, 0, sizeof back);
	for (unsigned i = 0; i < 50; i++)
		pieces[i].iov_base = back + ((uint8_t *)pieces[i].iov_base - big);
	ask_init(&a, pool, "large");
	osd_req_read(&a.q, 0, BIG, no_trunc, pieces, 50);
	tap_ok(ask_run(b, &a) == 0 && a.got == BIG && !memcmp(big, back, BIG),
	       "%s: 4 MiB are read into 50 pieces", mode_name);
	for (uint32_t n = 1; n < 200000; n = n * 3 / 2 + 1) {
		memset(back, 0xee, n + 1);
		wrong += obj_read(b, pool, "large", n, back, n) != (int)n || memcmp(big + n, back, n) ||
			 back[n] != 0xee;
	}
	tap_ok(!wrong, "%s: reads of all sizes bring their bytes and no more", mode_name);
	uncopied(b, mode_name, mode == CON_MODE_CRC, pool);
	tap_ok(obj_read(b, pool, "large", BIG - 70000, back, 100000) == 70000 &&
		   !memcmp(big + BIG - 70000, back, 70000),
	       "%s: a long read stops at the end", mode_name);
	obj_delete(b, pool, "large");
	obed_free(b);
}

static void attributes(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct slice v = { (const uint8_t *)"value", 5 };
	struct ask a;

	ask_init(&a, pool, "attrs");
	osd_op_setxattr(osd_req_op(&a.q), "k", v, &a.q.payload);
	osd_op_setxattr(osd_req_op(&a.q), "n", (struct slice){ (const uint8_t *)"7", 1 }, &a.q.payload);
	is(ask_run(b, &a), 0, "two attributes at once");
	ask_init(&a, pool, "attrs");
	osd_op_xattr(osd_req_op(&a.q), OSD_OP_GETXATTR, "k", &a.q.payload);
	tap_ok(!ask_run(b, &a) && a.out_len == 5 && !memcmp(a.out, "value", 5), "getxattr");
	ask_init(&a, pool, "attrs");
	osd_op_xattr(osd_req_op(&a.q), OSD_OP_GETXATTR, "absent", &a.q.payload);
	is(ask_run(b, &a), -ENODATA, "an attribute that is not there: ENODATA");
	ask_init(&a, pool, "attrs");
	osd_op_cmpxattr(osd_req_op(&a.q), "k", OSD_CMP_EQ, v, &a.q.payload);
	is(ask_run(b, &a), 1, "cmpxattr: equal");
	/* A write that depends on it: payloads before and behind the bulk. */
	ask_init(&a, pool, "attrs");
	osd_op_cmpxattr_u64(osd_req_op(&a.q), "n", OSD_CMP_GT, 7, &a.q.payload);
	a.iov = (struct iovec){ "never", 5 };
	osd_req_write(&a.q, OSD_OP_WRITE, 0, 5, no_trunc, &a.iov, 1);
	is(ask_run(b, &a), -ECANCELED, "cmpxattr: a guard that does not hold");
	ask_init(&a, pool, "attrs");
	osd_op_cmpxattr_u64(osd_req_op(&a.q), "n", OSD_CMP_GT, 8, &a.q.payload);
	a.iov = (struct iovec){ "guarded", 7 };
	osd_req_write(&a.q, OSD_OP_WRITE, 0, 7, no_trunc, &a.iov, 1);
	osd_op_setxattr(osd_req_op(&a.q), "after", v, &a.q.payload);
	is(ask_run(b, &a), 0, "cmpxattr: a guard that holds");
	tap_ok(obj_read(b, pool, "attrs", 0, back, 50) == 7 && !memcmp(back, "guarded", 7),
	       "and its write was done");
	is(rados("-p objects getxattr attrs after"), 0, "with the attribute behind it");
	ask_init(&a, pool, "attrs");
	osd_op_xattr(osd_req_op(&a.q), OSD_OP_RMXATTR, "k", &a.q.payload);
	is(ask_run(b, &a), 0, "rmxattr");
	tap_ok(rados("-p objects getxattr attrs k") != 0, "and it is gone");
	obj_delete(b, pool, "attrs");
	obed_free(b);
}

static void versions(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct ask a;
	uint64_t v;

	ask_write(&a, pool, "v", OSD_OP_WRITE, 0, "1", 1);
	ask_run(b, &a);
	v = a.version;
	ask_init(&a, pool, "v");
	osd_op_assert_version(osd_req_op(&a.q), v);
	osd_op_stat(osd_req_op(&a.q));
	a.keep = 1;
	tap_ok(!ask_run(b, &a) && a.out_len == 16, "assert-version: the one that a write told");
	obj_write(b, pool, "v", 0, "2", 1);
	ask_init(&a, pool, "v");
	osd_op_assert_version(osd_req_op(&a.q), v);
	osd_op_stat(osd_req_op(&a.q));
	is(ask_run(b, &a), -ERANGE, "assert-version: an older one");
	obj_delete(b, pool, "v");
	obed_free(b);
}

static void namespaces(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct ask a;

	obj_write(b, pool, "same", 0, "outside", 7);
	ask_write(&a, pool, "same", OSD_OP_WRITE, 0, "inside", 6);
	a.q.nspace = (struct slice){ (const uint8_t *)"ns", 2 };
	is(ask_run(b, &a), 0, "a write in a namespace");
	ask_read(&a, pool, "same", 0, back, 20);
	a.q.nspace = (struct slice){ (const uint8_t *)"ns", 2 };
	tap_ok(!ask_run(b, &a) && a.got == 6 && !memcmp(back, "inside", 6), "is read there");
	tap_ok(obj_read(b, pool, "same", 0, back, 20) == 7 && !memcmp(back, "outside", 7),
	       "and does not touch the same name outside");
	is(rados("-p objects -N ns stat same"), 0, "rados sees it there");
	obed_free(b);
}

static void snapshots(int64_t pool)
{
	static const uint64_t at_5[] = { 5 }, at_9[] = { 9, 5 };
	struct bed *b = obed_new(0, NULL);
	struct osd_snapset set;
	struct osd_clone c;
	struct ask a;
	struct dec d;

	obj_write(b, pool, "snapped", 0, "first", 5);
	ask_write(&a, pool, "snapped", OSD_OP_WRITE, 0, "other", 5);
	a.q.snap_seq = 5;
	a.q.snaps = at_5;
	a.q.snap_count = 1;
	is(ask_run(b, &a), 0, "a write under a snapshot");
	ask_write(&a, pool, "snapped", OSD_OP_WRITE, 5, "more", 4);
	a.q.snap_seq = 9;
	a.q.snaps = at_9;
	a.q.snap_count = 2;
	is(ask_run(b, &a), 0, "and under a second one");
	tap_ok(obj_read(b, pool, "snapped", 0, back, 50) == 9 && !memcmp(back, "othermore", 9), "the head");
	ask_read(&a, pool, "snapped", 0, back, 50);
	a.q.snapid = 5;
	tap_ok(!ask_run(b, &a) && a.got == 5 && !memcmp(back, "first", 5), "the first snapshot");
	ask_read(&a, pool, "snapped", 0, back, 50);
	a.q.snapid = 9;
	tap_ok(!ask_run(b, &a) && a.got == 5 && !memcmp(back, "other", 5), "the second snapshot");
	osd_op_list_snaps(osd_req_op(ask_init(&a, pool, "snapped")));
	a.q.snapid = OSD_SNAP_DIR;
	is(ask_run(b, &a), 0, "list-snaps");
	d = dec_init(a.out, a.out_len);
	tap_ok(!osd_snapset_decode(&d, &set) && set.count == 3 && set.seq == 9, "three versions");
	tap_ok(osd_clone_next(&set, &c) && c.id == 5 && c.size == 5 && c.snap_count == 1, "the oldest first");
	tap_ok(osd_clone_next(&set, &c) && c.id == 9 && c.size == 5, "then the next");
	tap_ok(osd_clone_next(&set, &c) && c.id == OSD_SNAP_HEAD && c.size == 9, "the head last");
	ask_write(&a, pool, "snapped", OSD_OP_WRITE, 0, "x", 1);
	a.q.snap_seq = 5;
	a.q.snaps = at_5;
	a.q.snap_count = 1;
	a.q.flags = OSD_FLAG_ORDERSNAP;
	is(ask_run(b, &a), -85, "an older context is refused where that is asked for");
	obed_free(b);
}

static void copies(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct osd_copy src = { .pool = pool,
				.oid = { (const uint8_t *)"source", 6 },
				.snapid = OSD_SNAP_HEAD,
				.trunc = { UINT64_MAX, 1 } };
	struct ask a;

	pattern(big, BIG, 0, 3);
	ask_write(&a, pool, "source", OSD_OP_WRITEFULL, 0, big, BIG);
	ask_run(b, &a);
	ask_init(&a, pool, "copy");
	osd_op_setxattr(osd_req_op(&a.q), "own", (struct slice){ (const uint8_t *)"x", 1 }, &a.q.payload);
	is(ask_run(b, &a), 0, "the target has an attribute");
	ask_init(&a, pool, "copy");
	osd_op_copy_from(osd_req_op(&a.q), &src, &a.q.payload);
	is(ask_run(b, &a), 0, "copy-from2: the OSDs copy among themselves");
	memset(back, 0, BIG);
	tap_ok(rados_get("objects", "copy", back, sizeof back) == BIG && !memcmp(big, back, BIG),
	       "the same bytes");
	ask_init(&a, pool, "copy");
	osd_op_xattr(osd_req_op(&a.q), OSD_OP_GETXATTR, "own", &a.q.payload);
	is(ask_run(b, &a), -ENODATA, "and the same attributes: those of its own are gone");
	src.oid = (struct slice){ (const uint8_t *)"none", 4 };
	ask_init(&a, pool, "copy2");
	osd_op_copy_from(osd_req_op(&a.q), &src, &a.q.payload);
	is(ask_run(b, &a), -ENOENT, "copy-from2 of nothing: ENOENT");
	obed_free(b);
}

/* A hole in the middle. */
static void sparse(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct osd_extents x;
	struct ask a;
	struct dec d;

	obj_write(b, pool, "sparse", 0, "a", 1);
	obj_write(b, pool, "sparse", 1 << 20, "b", 1);
	ask_init(&a, pool, "sparse");
	osd_op_read(osd_req_op(&a.q), OSD_OP_SPARSE_READ, (1 << 20) - 8, 100, no_trunc);
	is(ask_run(b, &a), 0, "sparse-read");
	d = dec_init(a.out, a.out_len);
	tap_ok(!osd_extents_decode(&d, &x) && x.count >= 1 && x.data.len && x.data.p[x.data.len - 1] == 'b',
	       "its extents end with the last byte");
	obed_free(b);
}

enum { PIPELINED = 300 };

/* Appends that are all under way at once stand in the object in the order of submission; reads between them
 * see what was submitted before. */
static void order(int64_t pool)
{
	static struct ask w[PIPELINED], r[PIPELINED];
	static uint32_t number[PIPELINED];
	static uint32_t seen[PIPELINED][PIPELINED];
	struct bed *b = obed_new(0, NULL);
	int failed = 0, wrong = 0;

	for (uint32_t i = 0; i < PIPELINED; i++) {
		number[i] = i;
		ask_write(&w[i], pool, "log", OSD_OP_APPEND, 0, &number[i], 4);
		ask_submit(&w[i]);
		ask_read(&r[i], pool, "log", 0, seen[i], sizeof seen[i]);
		ask_submit(&r[i]);
	}
	for (uint32_t i = 0; i < PIPELINED; i++) {
		failed += ask_wait(b, &w[i]) != 0 || ask_wait(b, &r[i]) != 0;
		wrong += r[i].got != 4 * (i + 1);
		for (uint32_t k = 0; k < r[i].got / 4; k++)
			wrong += seen[i][k] != k;
	}
	is(failed, 0, "%d appends and reads of one object at once", PIPELINED);
	is(wrong, 0, "each read sees the appends before it, in order");
	obj_delete(b, pool, "log");
	obed_note();
	obed_free(b);
}

static void small_room(struct osdc_opts *o)
{
	o->max_reqs = 4;
	o->max_bytes = 20000;
}

static void bounded(int64_t pool)
{
	static struct ask w[64];
	struct bed *b = obed_new(0, small_room);
	struct osdc_info info;
	uint32_t most = 0, ended = 0;
	uint64_t most_bytes = 0;
	char name[32];

	pattern(big, BIG, 0, 9);
	for (uint32_t i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "room%u", i % 8);
		ask_write(&w[i], pool, name, OSD_OP_WRITE, i * 9000, big + i * 9000, 9000);
		ask_submit(&w[i]);
	}
	while (ended < 64) {
		osdc_info(obed_osdc, &info);
		most = info.sent > most ? info.sent : most;
		most_bytes = info.sent_bytes > most_bytes ? info.sent_bytes : most_bytes;
		ring_run(b->ring, 50000000);
		ended = 0;
		for (uint32_t i = 0; i < 64; i++)
			ended += w[i].ended;
	}
	tap_ok(most == 2 && most_bytes == 18000, "what is under way is bounded in requests and bytes");
	tap_ok(obj_read(b, pool, "room7", 63 * 9000, back, 9000) == 9000 &&
		   !memcmp(back, big + 63 * 9000, 9000),
	       "and all of it is done");
	obed_free(b);
}

static void balanced(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct osdc_info info;
	struct ask a;
	uint32_t sessions_before;
	int wrong = 0;

	obj_write(b, pool, "hot", 0, "popular", 7);
	osdc_info(obed_osdc, &info);
	sessions_before = info.sessions;
	for (int i = 0; i < 60; i++) {
		memset(back, 0, 8);
		ask_read(&a, pool, "hot", 0, back, 50);
		a.q.flags = i & 1 ? OSD_FLAG_BALANCE_READS : OSD_FLAG_LOCALIZE_READS;
		wrong += ask_run(b, &a) || a.got != 7 || memcmp(back, "popular", 7);
	}
	osdc_info(obed_osdc, &info);
	tap_ok(!wrong, "reads from replicas bring the object");
	tap_ok(sessions_before == 1 && info.sessions == 3, "they went to all three OSDs");
	tap_note("%llu of 60 were sent back to the primary", (unsigned long long)info.stats.again);
	obed_free(b);
}

/* Everything to the one host named by the location: the primary or not. */
static void near_here(struct osdc_opts *o)
{
	o->location = "root=default, host=somewhere-else";
}

static void localized(int64_t pool)
{
	struct bed *b = obed_new(0, near_here);
	struct ask a;

	ask_read(&a, pool, "hot", 0, back, 50);
	a.q.flags = OSD_FLAG_LOCALIZE_READS;
	tap_ok(!ask_run(b, &a) && a.got == 7, "a localized read with a location");
	obed_free(b);
}

static void cancelled(int64_t pool)
{
	struct bed *b = obed_new(0, NULL);
	struct osdc_info info;
	struct ask a, late, first;

	ask_write(&first, pool, "c", OSD_OP_WRITE, 0, "1", 1);
	ask_submit(&first);
	ask_write(&a, pool, "c", OSD_OP_WRITE, 0, "2", 1);
	ask_submit(&a);
	osdc_cancel(&a.q, -EINTR);
	is((int)a.ended, 0, "a cancelled request does not end from inside");
	is(ask_wait(b, &a), -EINTR, "but soon, with what was said");
	osdc_cancel(&a.q, -EINTR);
	is(ask_wait(b, &first), 0, "the one before it is not touched");
	ask_write(&late, pool, "c", OSD_OP_WRITE, 0, "3", 1);
	late.q.deadline_ns = ring_now_fresh(b->ring) + 1;
	is(ask_run(b, &late), -ETIMEDOUT, "a deadline");
	is(obj_write(b, pool, "c", 0, "4", 1), 0, "the next one is done");
	osdc_info(obed_osdc, &info);
	tap_ok(info.stats.cancelled == 1 && info.stats.timeouts == 1 && !info.sent && !info.held &&
		   !info.sent_bytes,
	       "nothing is left behind");
	ask_init(&a, pool, "c");
	is(osdc_submit(obed_osdc, &a.q), -EINVAL, "a request without an operation is not taken");
	ask_read(&a, pool, "c", 0, back, 10);
	a.q.op[0].arg[8] = 0; /* a length of 0 would read all of it */
	is(osdc_submit(obed_osdc, &a.q), -EINVAL, "nor a read of no bytes");
	ask_write(&a, pool, "c", OSD_OP_WRITE, 0, "5", 1);
	ask_submit(&a);
	obed_stopped = 0;
	osdc_stop(obed_osdc, obed_on_stopped);
	is(ask_wait(b, &a), -ESHUTDOWN, "what is under way at the end: ESHUTDOWN");
	tap_ok(UNTIL(b, 5, obed_stopped == 1), "then the client has stopped");
	is(osdc_submit(obed_osdc, &late.q), -ESHUTDOWN, "and takes no more");
	osdc_free(obed_osdc);
	obed_osdc = NULL;
	bed_free(b);
}

/* A pool that is younger than our map, and one that never was. */
static void young_pool(void)
{
	struct bed *b = obed_new(0, NULL);
	int64_t pool;

	UNTIL(b, OBED_PATIENCE, osdc_map(obed_osdc));
	pool = pool_create("young", "8", 0);
	is(obj_write(b, pool, "o", 0, "x", 1), 0, "a pool that was made after our map");
	is(obj_write(b, 4711, "o", 0, "x", 1), -ENOENT, "a pool that there is not: ENOENT");
	obed_free(b);
	pool_remove("young");
}

int main(void)
{
	int64_t pool = pool_create("objects", "16 16 replicated", 3), ec;

	ceph("osd erasure-code-profile set k2m1 k=2 m=1 crush-failure-domain=osd");
	ec = pool_create("coded", "8 8 erasure k2m1", 0);
	ceph("osd pool set coded allow_ec_overwrites true");
	basics("crc", CON_MODE_CRC, "objects", pool);
	basics("secure", CON_MODE_SECURE, "objects", pool);
	basics("erasure coded", CON_MODE_CRC, "coded", ec);
	large("crc", CON_MODE_CRC, "objects", pool);
	large("secure", CON_MODE_SECURE, "objects", pool);
	large("erasure coded", CON_MODE_CRC, "coded", ec);
	attributes(pool);
	versions(pool);
	namespaces(pool);
	snapshots(pool);
	copies(pool);
	sparse(pool);
	order(pool);
	bounded(pool);
	balanced(pool);
	localized(pool);
	cancelled(pool);
	young_pool();
	return tap_end();
}

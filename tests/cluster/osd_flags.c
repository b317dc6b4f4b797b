/* cluster: --osd 2; timeout: 240 */
/* What the map says about requests: pause and full flags, pools that are full, deleted or broken,
 * blocklisting, epochs that must be waited for. */
#include "osd_bed.h"

static int64_t pool;

static void held(struct bed *b, struct ask *a, const char *what)
{
	UNTIL(b, 0.7, a->ended);
	tap_ok(!a->ended && a->q.state != OSD_REQ_SENT, "%s: is not sent", what);
	tap_note("%s: %s: %s", what, osd_req_state_name(a->q.state), osd_req_why_name(a->q.why));
}

/* We see flags when a map comes; here we ask for it. */
static void see_the_map(struct bed *b, const char *args)
{
	uint32_t epoch = osdc_epoch(obed_osdc);

	ceph(args);
	osdc_want_map(obed_osdc);
	if (!UNTIL(b, OBED_PATIENCE, osdc_epoch(obed_osdc) > epoch))
		tap_die("a new map comes");
}

static void paused(void)
{
	struct bed *b = obed_new(0, NULL);
	uint8_t buf[8];
	struct ask w, r, w2;

	obj_write(b, pool, "p", 0, "before", 6);
	see_the_map(b, "osd pause");
	ask_write(&w, pool, "p", OSD_OP_WRITE, 0, "paused", 6);
	ask_submit(&w);
	held(b, &w, "paused: a write");
	ask_read(&r, pool, "p", 0, buf, 8);
	ask_submit(&r);
	held(b, &r, "paused: a read");
	ask_write(&w2, pool, "p", OSD_OP_WRITE, 0, "second", 6);
	ask_submit(&w2);
	ceph("osd unpause");
	is(ask_wait(b, &w), 0, "unpaused: the write is done");
	is(ask_wait(b, &r), 0, "unpaused: the read is done");
	is(ask_wait(b, &w2), 0, "unpaused: and the write behind it");
	tap_ok(obj_read(b, pool, "p", 0, buf, 8) == 6 && !memcmp(buf, "second", 6), "unpaused: in order");
	obed_free(b);
}

static bool pool_is_full(void)
{
	const struct osdmap_pool *p = osdmap_pool(osdc_map(obed_osdc), pool);

	return p && p->flags & POOL_FULL;
}

/* An OSD without space makes its pools full: with ratios that a few MiB reach. */
static void out_of_space(void)
{
	enum { LEN = 4 << 20 };
	struct bed *b = obed_new(0, NULL);
	void *big = calloc(1, LEN);
	struct osd_op op;
	uint8_t buf[8];
	struct ask w, r, d;

	obj_write(b, pool, "f", 0, "before", 6);
	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof name, "fill%d", i);
		obj_write(b, pool, name, 0, big, LEN);
	}
	ceph("osd set-nearfull-ratio 0.0001");
	ceph("osd set-backfillfull-ratio 0.0002");
	ceph("osd set-full-ratio 0.0003");
	UNTIL(b, OBED_PATIENCE, (osdc_want_map(obed_osdc), pool_is_full()));
	tap_ok(pool_is_full(), "full: the pool becomes full");
	ask_write(&w, pool, "f", OSD_OP_WRITE, 0, "during", 6);
	ask_submit(&w);
	held(b, &w, "full: a write");
	ask_read(&r, pool, "f", 0, buf, 8);
	is(ask_run(b, &r), 0, "full: a read of the same object does not wait");
	osd_op_delete(&op);
	*osd_req_op(ask_init(&d, pool, "fill0")) = op;
	d.q.flags = OSD_FLAG_FULL_TRY;
	is(ask_run(b, &d), 0, "full: a delete that may try is done");
	is(osdc_cancel_writes(obed_osdc, pool, -ENOSPC), osdc_epoch(obed_osdc), "full: writes are given up");
	is(ask_wait(b, &w), -ENOSPC, "full: with ENOSPC");
	ask_write(&w, pool, "f", OSD_OP_WRITE, 0, "later", 5);
	ask_submit(&w);
	ceph("osd set-full-ratio 0.95");
	ceph("osd set-backfillfull-ratio 0.90");
	ceph("osd set-nearfull-ratio 0.85");
	is(ask_wait(b, &w), 0, "not full any more: the next write is done");
	tap_ok(obj_read(b, pool, "f", 0, buf, 8) == 6 && !memcmp(buf, "latere", 6),
	       "not full any more: and what was given up was not");
	free(big);
	obed_free(b);
}

static void pool_full(void)
{
	struct bed *b = obed_new(0, NULL);
	struct ask w;

	obj_delete(b, pool, "more");
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof name, "q%d", i);
		obj_write(b, pool, name, 0, "x", 1);
	}
	ceph("osd pool set-quota flags max_objects 3");
	UNTIL(b, OBED_PATIENCE, (osdc_want_map(obed_osdc), pool_is_full()));
	tap_ok(pool_is_full(), "quota: the pool becomes full");
	ask_write(&w, pool, "more", OSD_OP_WRITE, 0, "x", 1);
	ask_submit(&w);
	held(b, &w, "quota: a write");
	osdc_cancel(&w.q, -EINTR);
	ask_wait(b, &w);
	ask_write(&w, pool, "more", OSD_OP_WRITE, 0, "x", 1);
	w.q.flags = OSD_FLAG_FULL_TRY;
	is(ask_run(b, &w), -EDQUOT, "quota: a write that may try: EDQUOT");
	ask_write(&w, pool, "more", OSD_OP_WRITE, 0, "x", 1);
	ask_submit(&w);
	ceph("osd pool set-quota flags max_objects 0");
	is(ask_wait(b, &w), 0, "quota: lifted, and the write is done");
	obed_free(b);
}

static void pool_deleted(void)
{
	struct bed *b = obed_new(0, NULL);
	int64_t doomed = pool_create("doomed", "4", 0);
	struct ask w;

	is(obj_write(b, doomed, "o", 0, "x", 1), 0, "deleted: before");
	devcluster("pause osd.0");
	devcluster("pause osd.1");
	ask_write(&w, doomed, "o", OSD_OP_WRITE, 0, "y", 1);
	ask_submit(&w);
	UNTIL(b, 0.3, w.ended);
	tap_ok(!w.ended, "deleted: a write is under way");
	pool_remove("doomed");
	osdc_want_map(obed_osdc);
	is(ask_wait(b, &w), -ENOENT, "deleted: what was under way ends with ENOENT");
	devcluster("resume osd.0");
	devcluster("resume osd.1");
	is(obj_write(b, doomed, "o", 0, "x", 1), -ENOENT, "deleted: and what comes after");
	is(obj_write(b, pool, "o", 0, "x", 1), 0, "deleted: other pools go on");
	obed_free(b);
}

static void blocklisted(void)
{
	struct bed *b = obed_new(0, NULL);
	char args[96];
	int r = 0;

	is(obj_write(b, pool, "o", 0, "x", 1), 0, "blocklisted: before");
	snprintf(args, sizeof args, "osd blocklist add 127.0.0.1:0/%u", b->opts.nonce);
	obed_blocklisted = 0;
	ceph(args);
	/* Until the OSD has the map, or we. */
	for (int i = 0; i < 200 && !r; i++) {
		r = obj_write(b, pool, "o", 0, "y", 1);
		UNTIL(b, 0.1, obed_blocklisted);
	}
	is(r, -ESHUTDOWN, "blocklisted: a write is refused");
	tap_ok(UNTIL(b, OBED_PATIENCE, obed_blocklisted == 1),
	       "blocklisted: the map says so, and we are told");
	tap_ok(osdc_blocklisted(obed_osdc), "blocklisted: it is remembered");
	is(obj_write(b, pool, "o", 0, "z", 1), -ESHUTDOWN, "blocklisted: nothing is sent any more");
	snprintf(args, sizeof args, "osd blocklist rm 127.0.0.1:0/%u", b->opts.nonce);
	see_the_map(b, args);
	tap_ok(!osdc_blocklisted(obed_osdc), "blocklisted: and lifted");
	is(obj_write(b, pool, "o", 0, "z", 1), 0, "blocklisted: then it works again");
	obed_free(b);
}

static void barrier(void)
{
	struct bed *b = obed_new(0, NULL);
	uint32_t epoch;
	struct ask a;

	UNTIL(b, OBED_PATIENCE, osdc_map(obed_osdc));
	epoch = osdc_epoch(obed_osdc);
	osdc_barrier(obed_osdc, epoch + 2);
	ask_write(&a, pool, "b", OSD_OP_WRITE, 0, "x", 1);
	ask_submit(&a);
	held(b, &a, "barrier: a write");
	ceph("osd set noout");
	held(b, &a, "barrier: one epoch is not enough");
	ceph("osd unset noout");
	is(ask_wait(b, &a), 0, "barrier: the epoch came");
	tap_ok(osdc_epoch(obed_osdc) >= epoch + 2, "barrier: and not before");
	obed_free(b);
}

int main(void)
{
	pool = pool_create("flags", "8 8 replicated", 2);
	paused();
	out_of_space();
	pool_full();
	pool_deleted();
	blocklisted();
	barrier();
	return tap_end();
}

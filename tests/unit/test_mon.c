/* The monitor client at a monitor whose every word the test decides: what a real one does not do on demand.
 * The rest is tested at real ones (tests/cluster/mon.c). */
#include <criterion/criterion.h>
#include <errno.h>
#include "fake_daemon.h"
#include "mon/mon_impl.h"

enum { PATIENCE_TURNS = 3000 };

struct client {
	struct ring *ring;
	struct log log;
	char logged[32768];
	struct fake *fake;
	struct entity_addr addr;
	struct mon_opts opts;
	struct mon *mon;
	unsigned ready, failed, osdmaps, mdsmaps, removed, configs, answers;
	int err, answer_err;
	char why[2048], config[64];
	bool free_in_callback, free_in_answer;
};

static void on_log(void *arg, enum log_level level, const char *line)
{
	struct client *c = arg;
	size_t n = strlen(c->logged);

	snprintf(c->logged + n, sizeof c->logged - n, "%s\n", line);
}

static void callback_frees(struct client *c)
{
	if (!c->free_in_callback)
		return;
	mon_free(c->mon);
	c->mon = NULL;
}

static void on_ready(void *arg)
{
	struct client *c = arg;

	c->ready++;
	callback_frees(c);
}

static void on_failed(void *arg, int err, const char *why)
{
	struct client *c = arg;

	c->failed++;
	c->err = err;
	snprintf(c->why, sizeof c->why, "%s", why);
	callback_frees(c);
}

static void on_osdmap(void *arg, const struct msg_in *in, const struct osdmap_msg *head)
{
	((struct client *)arg)->osdmaps++;
}

static void on_mdsmap(void *arg, const struct mdsmap *m)
{
	struct client *c = arg;

	c->mdsmaps++;
	c->removed += !m;
}

static void on_config(void *arg, const char *key, const char *value)
{
	struct client *c = arg;

	c->configs++;
	snprintf(c->config, sizeof c->config, "%s=%s", key, value);
}

static const struct mon_ops ops = {
	.ready = on_ready,
	.failed = on_failed,
	.osdmap = on_osdmap,
	.mdsmap = on_mdsmap,
	.config = on_config,
};

static struct client *client_new(void)
{
	struct client *c = calloc(1, sizeof *c);
	char why[256] = "";

	cr_assert_eq(ring_new(&(struct ring_opts){ .cpu = -1 }, &c->ring, why, sizeof why), 0, "%s", why);
	c->log = (struct log){ .level = LOG_DEBUG, .sink = on_log, .arg = c };
	c->fake = fake_new(ENTITY_MON);
	c->fake->flags = MSGR_FLAG_LOSSY;
	c->fake->cookie = 0;
	c->addr = fake_addr(c->fake);
	c->opts = (struct mon_opts){
		.entity = "client.tester",
		.addrs = &c->addr,
		.addr_count = 1,
		.mon_modes = { CON_MODE_CRC },
		.mon_mode_count = 1,
		.service_modes = { CON_MODE_CRC },
		.service_mode_count = 1,
		.timeout_ns = 20 * NS_PER_S,
		.allow_none = true,
		.nonce = 4711,
	};
	return c;
}

static void client_make(struct client *c, void (*script)(struct fake *p))
{
	fake_run(c->fake, script);
	cr_assert_eq(mon_new(c->ring, &c->log, &c->opts, &ops, c, &c->mon), 0);
}

#define TURN_UNTIL(c, cond)                                                                                  \
	do {                                                                                                 \
		for (int i_ = 0; i_ < PATIENCE_TURNS && !(cond) && !fake_done((c)->fake); i_++)              \
			ring_run((c)->ring, 5 * NS_PER_MS);                                                  \
		for (int i_ = 0; i_ < 100 && !(cond); i_++)                                                  \
			ring_run((c)->ring, 5 * NS_PER_MS);                                                  \
		cr_expect(cond, "log: %s", (c)->logged);                                                     \
	} while (0)

static void client_end(struct client *c)
{
	const char *failed;

	mon_free(c->mon);
	for (int i = 0; i < 10; i++)
		ring_run(c->ring, NS_PER_MS);
	failed = fake_join(c->fake);
	cr_expect_null(failed, "%s; log: %s", failed, c->logged);
	ring_free(c->ring);
	fake_free(c->fake);
	free(c);
}

/* ---- what the monitor says and expects ---- */

static void put_message(struct fake *p, uint16_t type, uint64_t tid, struct enc *front)
{
	struct msg_header h = { .seq = ++p->seq, .type = type, .version = 1, .compat = 1, .tid = tid };

	if (type == MSG_OSD_MAP)
		h.version = 4;
	if (type == MSG_MDS_MAP)
		h.version = 2;
	frame_encode_message(&p->out, &h, (struct slice){ front->buf, (uint32_t)front->len },
			     (struct slice){ 0 }, (struct slice){ 0 }, p->crypto);
	fake_flush(p);
	enc_free(front);
}

static void say_monmap(struct fake *p, uint32_t epoch, uint8_t fsid_byte)
{
	struct entity_addr me = fake_addr(p);
	struct enc e;
	size_t blob, map, info;
	uint8_t fsid[16] = { fsid_byte };

	enc_init(&e);
	blob = enc_hole(&e);
	map = enc_section(&e, 9, 6);
	enc_bytes(&e, fsid, sizeof fsid);
	enc_u32(&e, epoch);
	enc_zero(&e, 16); /* changed, created */
	for (int i = 0; i < 2; i++) {
		size_t features = enc_section(&e, 1, 1);

		enc_u64(&e, 0);
		enc_close(&e, features);
	}
	enc_u32(&e, 1);
	enc_str(&e, "fake");
	info = enc_section(&e, 5, 1);
	enc_str(&e, "fake");
	enc_addrvec(&e, &me, 1);
	enc_u16(&e, 0);
	enc_u16(&e, 0);
	enc_u32(&e, 0);
	enc_close(&e, info);
	enc_u32(&e, 1);
	enc_str(&e, "fake");
	enc_u8(&e, 16);
	enc_close(&e, map);
	enc_close(&e, blob);
	put_message(p, MSG_MON_MAP, 0, &e);
}

static void say_osdmap(struct fake *p, uint32_t newest)
{
	struct enc e;

	enc_init(&e);
	enc_zero(&e, 16);
	enc_u32(&e, 1); /* incrementals */
	enc_u32(&e, newest);
	enc_blob(&e, "inc", 3);
	enc_u32(&e, 0);
	enc_u32(&e, 1);
	enc_u32(&e, newest);
	enc_u32(&e, 0);
	put_message(p, MSG_OSD_MAP, 0, &e);
}

static void say_version(struct fake *p, uint64_t handle, uint64_t newest)
{
	struct enc e;

	enc_init(&e);
	enc_u64(&e, handle);
	enc_u64(&e, newest);
	enc_u64(&e, 1);
	put_message(p, MSG_MON_GET_VERSION_REPLY, 0, &e);
}

/* The next message is a subscribe that holds `what` from `start` on. */
static void expect_sub(struct fake *p, uint64_t seq, const char *what, uint64_t start)
{
	struct dec d;
	uint32_t n;

	fake_expect_message(p, seq, MSG_MON_SUBSCRIBE);
	d = dec_init(p->f.seg[1].p, p->f.seg[1].len);
	n = dec_u32(&d);
	while (n--) {
		struct slice name = dec_slice(&d);
		uint64_t from = dec_u64(&d);

		dec_u8(&d);
		if (name.len == strlen(what) && !memcmp(name.p, what, name.len)) {
			if (from != start)
				fake_fail(p, "%s from %d instead of %d", what, (int)from, (int)start);
			return;
		}
	}
	fake_fail(p, "no %s in the subscription", what);
}

static void wait_for_the_end(struct fake *p)
{
	fake_expect_hangup(p);
}

/* ---- tests ---- */

static void script_order(struct fake *p)
{
	fake_open(p);
	expect_sub(p, 1, "monmap", 0);
	expect_sub(p, 2, "osdmap", 1);
	say_monmap(p, 3, 1);
	say_osdmap(p, 9);
	wait_for_the_end(p);
}

Test(mon, ready_is_said_when_the_monmap_came)
{
	struct client *c = client_new();

	client_make(c, script_order);
	cr_expect_eq(mon_subscribe(c->mon, "osdmap", 1, false), 0);
	mon_start(c->mon);
	cr_expect_eq(c->ready, 0, "nothing comes from inside mon_start()");
	TURN_UNTIL(c, c->osdmaps == 1);
	cr_expect_eq(c->ready, 1);
	cr_expect_eq(*mon_global_id(c->mon), FAKE_GLOBAL_ID);
	cr_expect_eq(mon_monmap(c->mon)->epoch, 3);
	client_end(c);
}

static void script_twice(struct fake *p)
{
	fake_open(p);
	expect_sub(p, 1, "monmap", 0);
	expect_sub(p, 2, "osdmap", 1);
	say_monmap(p, 3, 1);
	say_osdmap(p, 9);
	fake_expect_message(p, 3, MSG_MON_GET_VERSION);
	fake_hangup(p);
	fake_open(p);
	expect_sub(p, 1, "monmap", 4);
	expect_sub(p, 2, "osdmap", 10);
	fake_expect_message(p, 3, MSG_MON_GET_VERSION);
	say_version(p, 77777, 5); /* not one of ours */
	say_version(p, 1, 41);
	say_version(p, 1, 42); /* again */
	wait_for_the_end(p);
}

static void answered(struct mon_request *q, int err)
{
	struct client *c = *(struct client **)(q + 1);

	c->answers++;
	c->answer_err = err;
	c->free_in_callback = c->free_in_answer;
	callback_frees(c);
}

struct question {
	struct mon_request q;
	struct client *c;
};

Test(mon, a_new_session_goes_on_from_what_was_seen)
{
	struct client *c = client_new();
	struct question a = { .q.done = answered, .c = c };

	client_make(c, script_twice);
	mon_subscribe(c->mon, "osdmap", 1, false);
	mon_start(c->mon);
	TURN_UNTIL(c, c->osdmaps);
	cr_expect_eq(mon_getversion(c->mon, &a.q, "osdmap", 0), 0);
	TURN_UNTIL(c, c->answers);
	cr_expect_eq(c->answer_err, 0);
	cr_expect_eq(a.q.version.newest, 41);
	client_end(c);
}

static void script_other_cluster(struct fake *p)
{
	fake_open(p);
	expect_sub(p, 1, "monmap", 0);
	say_monmap(p, 3, 1);
	fake_hangup(p);
	fake_open(p);
	say_monmap(p, 4, 2);
	fake_expect_hangup(p);
}

Test(mon, a_monitor_of_another_cluster_is_left)
{
	struct client *c = client_new();

	client_make(c, script_other_cluster);
	mon_start(c->mon);
	TURN_UNTIL(c, fake_done(c->fake));
	cr_expect_eq(c->ready, 1);
	cr_expect_eq(mon_monmap(c->mon)->epoch, 3);
	cr_expect_eq(mon_monmap(c->mon)->fsid[0], 1);
	cr_expect(strstr(c->logged, "another cluster"));
	client_end(c);
}

static void script_garbage(struct fake *p)
{
	static const uint16_t types[] = { MSG_MON_MAP,      MSG_MDS_MAP,   MSG_OSD_MAP,
					  MSG_FS_MAP_USER,  MSG_CONFIG,    MSG_MON_GET_VERSION_REPLY,
					  MSG_STATFS_REPLY, MSG_AUTH_REPLY };
	struct enc e;

	for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
		fake_open(p);
		enc_init(&e);
		enc_u8(&e, 0xff);
		put_message(p, types[i], 0, &e);
		fake_expect_hangup(p);
	}
}

Test(mon, words_without_sense_end_the_session)
{
	struct client *c = client_new();

	client_make(c, script_garbage);
	for (const char *const *w = (const char *const[]){ "mdsmap", "osdmap", "fsmap.user", NULL }; *w; w++)
		mon_subscribe(c->mon, *w, 0, false);
	mon_start(c->mon);
	TURN_UNTIL(c, fake_done(c->fake));
	cr_expect_eq(c->ready, 0);
	client_end(c);
}

static void script_silent(struct fake *p)
{
	fake_accept(p);
	wait_for_the_end(p);
}

Test(mon, silence_ends_with_the_timeout_and_the_addresses)
{
	struct client *c = client_new();
	char addr[ADDR_TEXT_MAX];

	c->opts.timeout_ns = 200 * NS_PER_MS;
	client_make(c, script_silent);
	mon_start(c->mon);
	TURN_UNTIL(c, c->failed);
	cr_expect_eq(c->err, -ETIMEDOUT);
	cr_expect(strstr(c->why, addr_text(&c->addr, addr)), "%s", c->why);
	cr_expect(strstr(c->why, "no answer"), "%s", c->why);
	client_end(c);
}

static void script_msgr1(struct fake *p)
{
	fake_accept(p);
	fake_write(p, "ceph v027", 9);
	fake_expect_hangup(p);
}

Test(mon, a_monitor_with_msgr1_only_is_named)
{
	struct client *c = client_new();
	char addr[ADDR_TEXT_MAX];

	client_make(c, script_msgr1);
	mon_start(c->mon);
	TURN_UNTIL(c, c->failed);
	cr_expect_eq(c->err, -EPROTONOSUPPORT, "%s", c->why);
	cr_expect(strstr(c->why, addr_text(&c->addr, addr)), "%s", c->why);
	client_end(c);
}

static void say_bad_method(struct fake *p, int32_t result, uint32_t allowed)
{
	struct msgr_auth_request q;
	struct msgr_auth_bad_method b = { .result = result,
					  .methods = { allowed },
					  .method_count = 1,
					  .modes = { 2, 1 },
					  .mode_count = 2 };

	FAKE_NEED(p, !msgr_auth_request_decode(p->f.seg[0], &q));
	b.method = q.method;
	FAKE_SEND(p, TAG_AUTH_BAD_METHOD, msgr_auth_bad_method_encode(&p->out, &b));
	fake_expect_hangup(p);
}

static void script_wants_none(struct fake *p)
{
	fake_hello(p);
	say_bad_method(p, -EOPNOTSUPP, AUTH_METHOD_NONE);
	fake_open(p);
	say_monmap(p, 1, 1);
	wait_for_the_end(p);
}

Test(mon, another_method_is_taken_when_the_monitor_says_which)
{
	struct client *c = client_new();
	struct mon_info info;

	c->opts.allow_cephx = c->opts.have_key = true;
	c->opts.key = (struct crypto_key){ .type = KEY_AES128, .len = 16 };
	client_make(c, script_wants_none);
	mon_start(c->mon);
	TURN_UNTIL(c, c->ready);
	mon_info(c->mon, &info);
	cr_expect_eq(info.key_type, 0);
	client_end(c);
}

/* A monitor that cannot decide must not keep us turning. */
static void script_flips(struct fake *p)
{
	fake_hello(p);
	say_bad_method(p, -EOPNOTSUPP, AUTH_METHOD_NONE);
	fake_hello(p);
	say_bad_method(p, -EOPNOTSUPP, AUTH_METHOD_CEPHX);
	fake_accept(p); /* after a pause only */
	fake_expect_hangup(p);
}

Test(mon, changing_the_method_is_done_once_in_a_round)
{
	struct client *c = client_new();

	c->opts.allow_cephx = c->opts.have_key = true;
	c->opts.key = (struct crypto_key){ .type = KEY_AES128, .len = 16 };
	c->opts.timeout_ns = 2 * NS_PER_S;
	client_make(c, script_flips);
	mon_start(c->mon);
	TURN_UNTIL(c, strstr(c->logged, "no monitor lets us in"));
	mon_free(c->mon);
	c->mon = NULL;
	shutdown(c->fake->lfd, SHUT_RDWR); /* the script need not wait for a third attempt */
	for (int i = 0; i < 10; i++)
		ring_run(c->ring, NS_PER_MS);
	pthread_join(c->fake->thread, NULL);
	cr_expect_eq(c->ready + c->failed, 0);
	ring_free(c->ring);
	fake_free(c->fake);
	free(c);
}

static void script_config(struct fake *p)
{
	struct enc e;

	fake_open(p);
	enc_init(&e);
	enc_u32(&e, 1);
	enc_str(&e, "client_fs");
	enc_str(&e, "other");
	put_message(p, MSG_CONFIG, 0, &e);
	say_monmap(p, 1, 1);
	wait_for_the_end(p);
}

Test(mon, the_clusters_configuration_is_handed_on)
{
	struct client *c = client_new();

	client_make(c, script_config);
	mon_start(c->mon);
	TURN_UNTIL(c, c->ready);
	cr_expect_eq(c->configs, 1);
	cr_expect_str_eq(c->config, "client_fs=other");
	client_end(c);
}

static void script_monmap(struct fake *p)
{
	fake_open(p);
	say_monmap(p, 1, 1);
	wait_for_the_end(p);
}

Test(mon, may_be_freed_from_ready)
{
	struct client *c = client_new();

	c->free_in_callback = true;
	client_make(c, script_monmap);
	mon_start(c->mon);
	TURN_UNTIL(c, c->ready);
	cr_expect_null(c->mon);
	client_end(c);
}

Test(mon, may_be_freed_from_failed)
{
	struct client *c = client_new();

	c->free_in_callback = true;
	c->opts.timeout_ns = 50 * NS_PER_MS;
	client_make(c, script_silent);
	mon_start(c->mon);
	TURN_UNTIL(c, c->failed);
	cr_expect_null(c->mon);
	client_end(c);
}

static void script_answers(struct fake *p)
{
	fake_open(p);
	say_monmap(p, 1, 1);
	say_version(p, 1, 5);
	fake_expect_hangup(p);
}

Test(mon, may_be_freed_from_an_answer)
{
	struct client *c = client_new();
	struct question a = { .q.done = answered, .c = c }, b = a;

	client_make(c, script_answers);
	mon_getversion(c->mon, &a.q, "osdmap", 0);
	mon_getversion(c->mon, &b.q, "osdmap", 0);
	c->free_in_answer = true;
	mon_start(c->mon);
	TURN_UNTIL(c, c->answers == 2);
	cr_expect_eq(c->answer_err, -ECANCELED, "the second one was left behind");
	cr_expect_null(c->mon);
	client_end(c);
}

Test(mon, impossible_options_are_refused)
{
	struct client *c = client_new();
	struct mon_opts o = c->opts;
	struct mon *m;

	o.addr_count = 0;
	cr_expect_eq(mon_new(c->ring, &c->log, &o, &ops, c, &m), -EINVAL);
	o = c->opts;
	o.entity = "";
	cr_expect_eq(mon_new(c->ring, &c->log, &o, &ops, c, &m), -EINVAL);
	o = c->opts;
	o.allow_none = false;
	o.allow_cephx = true; /* without a key */
	cr_expect_eq(mon_new(c->ring, &c->log, &o, &ops, c, &m), -EINVAL);
	cr_expect(strstr(c->log.last_error, "client.tester has no key"), "%s", c->log.last_error);
	o = c->opts;
	o.mon_mode_count = 0;
	cr_expect_eq(mon_new(c->ring, &c->log, &o, &ops, c, &m), -EINVAL);
	o = c->opts;
	o.nonce = 0;
	cr_expect_eq(mon_new(c->ring, &c->log, &o, &ops, c, &m), -EINVAL);
	ring_free(c->ring);
	close(c->fake->lfd);
	c->fake->failed = "";
	fake_free(c->fake);
	free(c);
}

Test(mon, subscriptions_have_a_bound)
{
	struct client *c = client_new();
	char what[MON_SUB_NAME];
	int err = 0;

	cr_assert_eq(mon_new(c->ring, &c->log, &c->opts, &ops, c, &c->mon), 0);
	cr_expect_eq(mon_subscribe(c->mon, "", 0, false), -EINVAL);
	cr_expect_eq(mon_subscribe(c->mon, "a name that is longer than any map's", 0, false), -EINVAL);
	for (int i = 0; i < MON_SUBS_MAX && !err; i++) {
		snprintf(what, sizeof what, "mdsmap.%d", i);
		err = mon_subscribe(c->mon, what, 0, false);
	}
	cr_expect_eq(err, -ENOSPC);
	mon_unsubscribe(c->mon, "mdsmap.3");
	cr_expect_eq(mon_subscribe(c->mon, "osdmap", 0, false), 0, "what is given back can be used again");
	cr_expect_eq(mon_subscribe(c->mon, "osdmap", 5, true), 0, "the same again takes no room");
	mon_free(c->mon);
	ring_free(c->ring);
	close(c->fake->lfd);
	c->fake->failed = "";
	fake_free(c->fake);
	free(c);
}

/* osd_bed.h: an OSD client beside the monitor client of mon_bed.h, and requests that are waited for. */
#pragma once
#include "mon_bed.h"

#include <stdint.h>
#include <unistd.h>

#include "data/osdc.h"

enum { OBED_PATIENCE = 30 }; /* seconds: for broken code only */

/* Of one bed at a time. */
static struct osdc *obed_osdc;
static unsigned obed_maps, obed_blocklisted, obed_stopped;

static inline void obed_osdmap(void *arg, const struct msg_in *in, const struct osdmap_msg *head)
{
	bed_osdmap(arg, in, head);
	if (obed_osdc)
		osdc_handle_maps(obed_osdc, in);
}

static const struct mon_ops obed_mon_ops = {
	.ready = bed_ready,
	.failed = bed_failed,
	.mdsmap = bed_mdsmap,
	.fsmap = bed_fsmap,
	.osdmap = obed_osdmap,
	.tickets = bed_tickets,
	.config = bed_config,
};

static inline void obed_map(void *arg, const struct osdmap *m)
{
	obed_maps++;
}

static inline void obed_on_blocklist(void *arg, bool yes)
{
	obed_blocklisted += yes;
}

static inline void obed_on_stopped(void *arg)
{
	obed_stopped++;
}

static const struct osdc_ops obed_ops = { .map = obed_map, .blocklisted = obed_on_blocklist };

static inline void obed_osdc_opts(const struct bed *b, struct osdc_opts *o)
{
	memset(o, 0, sizeof *o);
	memcpy(o->modes, b->opts.service_modes, sizeof o->modes);
	o->mode_count = b->opts.service_mode_count;
	o->nonce = b->opts.nonce;
}

/* mode 0: as configured. `tune` may change the options. */
static inline struct bed *obed_new(uint32_t mode, void (*tune)(struct osdc_opts *o))
{
	struct bed *b = bed_new();
	struct osdc_opts o;

	if (mode) {
		b->opts.service_modes[0] = mode;
		b->opts.service_mode_count = 1;
	}
	if (mon_new(b->ring, &b->log, &b->opts, &obed_mon_ops, b, &b->mon))
		bed_die(b->log.last_error);
	obed_osdc_opts(b, &o);
	if (tune)
		tune(&o);
	if (osdc_new(b->ring, &b->log, b->mon, &o, &obed_ops, b, &obed_osdc))
		bed_die("no OSD client");
	mon_start(b->mon);
	osdc_start(obed_osdc);
	if (!UNTIL(b, OBED_PATIENCE, b->ready || b->failed) || !b->ready)
		bed_die("no login");
	return b;
}

static inline void obed_free(struct bed *b)
{
	obed_stopped = 0;
	osdc_stop(obed_osdc, obed_on_stopped);
	if (!UNTIL(b, OBED_PATIENCE, obed_stopped == 1))
		tap_die("the OSD client stops");
	osdc_free(obed_osdc);
	obed_osdc = NULL;
	bed_free(b);
}

/* tap_eq() with a name that is put together. */
__attribute__((format(printf, 3, 4))) static inline int is(long long got, long long want, const char *fmt,
							   ...)
{
	char name[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	return tap_eq(got, want, name);
}

/* ---- requests ---- */

struct ask {
	struct osd_req q;
	unsigned ended;
	int result;
	uint32_t got; /* bytes in dest */
	uint64_t version;
	uint8_t out[256]; /* of the operation `keep` */
	uint32_t out_len;
	int32_t rval;
	unsigned keep;
	struct iovec iov;
};

static inline void ask_done(struct osd_req *q, int result)
{
	struct ask *a = (struct ask *)q;
	struct slice s = osd_req_output(q, a->keep);

	a->ended++;
	a->result = result;
	a->got = q->dest_done;
	if (q->reply) {
		a->version = q->reply->user_version;
		a->rval = a->keep < q->reply->op_count ? q->reply->op[a->keep].rval : 0;
	}
	a->out_len = s.len < sizeof a->out ? s.len : sizeof a->out;
	if (a->out_len)
		memcpy(a->out, s.p, a->out_len);
}

static inline struct osd_req *ask_init(struct ask *a, int64_t pool, const char *name)
{
	memset(a, 0, sizeof *a);
	if (osd_req_init(&a->q, pool, (struct slice){ 0 }, name, strlen(name)))
		tap_die("a request can be made");
	a->q.done = ask_done;
	return &a->q;
}

static inline void ask_submit(struct ask *a)
{
	if (osdc_submit(obed_osdc, &a->q))
		tap_die("a request is taken");
}

/* Its result, or 1000 when it did not end. */
static inline int ask_wait(struct bed *b, struct ask *a)
{
	if (!UNTIL(b, OBED_PATIENCE, a->ended))
		tap_die("a request ends");
	return a->result;
}

static inline int ask_run(struct bed *b, struct ask *a)
{
	ask_submit(a);
	return ask_wait(b, a);
}

static const struct osd_trunc no_trunc;

static inline void ask_write(struct ask *a, int64_t pool, const char *name, uint16_t code, uint64_t off,
			     const void *p, uint32_t len)
{
	ask_init(a, pool, name);
	a->iov = (struct iovec){ (void *)p, len };
	if (osd_req_write(&a->q, code, off, len, no_trunc, &a->iov, 1))
		tap_die("a write can be made");
}

static inline void ask_read(struct ask *a, int64_t pool, const char *name, uint64_t off, void *p,
			    uint32_t len)
{
	ask_init(a, pool, name);
	a->iov = (struct iovec){ p, len };
	if (osd_req_read(&a->q, off, len, no_trunc, &a->iov, 1))
		tap_die("a read can be made");
}

static inline int obj_write(struct bed *b, int64_t pool, const char *name, uint64_t off, const void *p,
			    uint32_t len)
{
	struct ask a;

	ask_write(&a, pool, name, OSD_OP_WRITE, off, p, len);
	return ask_run(b, &a);
}

/* Bytes read, or a negative errno. */
static inline int obj_read(struct bed *b, int64_t pool, const char *name, uint64_t off, void *p, uint32_t len)
{
	struct ask a;
	int r;

	ask_read(&a, pool, name, off, p, len);
	r = ask_run(b, &a);
	return r < 0 ? r : (int)a.got;
}

/* One operation without data. */
static inline int obj_op(struct bed *b, int64_t pool, const char *name, struct osd_op op)
{
	struct ask a;

	*osd_req_op(ask_init(&a, pool, name)) = op;
	return ask_run(b, &a);
}

static inline int obj_delete(struct bed *b, int64_t pool, const char *name)
{
	struct osd_op op;

	osd_op_delete(&op);
	return obj_op(b, pool, name, op);
}

static inline int obj_stat(struct bed *b, int64_t pool, const char *name, struct osd_stat *st)
{
	struct ask a;
	struct dec d;
	int r;

	osd_op_stat(osd_req_op(ask_init(&a, pool, name)));
	r = ask_run(b, &a);
	d = dec_init(a.out, a.out_len);
	return r ? r : osd_stat_decode(&d, st);
}

/* ---- pools, and the rados command ---- */

/* The id of a pool that `ceph osd pool create` was told to make. */
static inline int64_t pool_id(const char *name)
{
	char line[256], out[64] = "";
	FILE *f;

	snprintf(line, sizeof line,
		 "'%s' ceph osd pool ls detail | sed -n \"s/^pool \\([0-9]*\\) '%s' .*/\\1/p\"",
		 getenv("DEVCLUSTER"), name);
	f = popen(line, "r");
	if (!f || !fgets(out, sizeof out, f))
		tap_die("a pool has an id");
	pclose(f);
	return atoll(out);
}

/* `size`: of a replicated pool; 0: as it comes. */
static inline int64_t pool_create(const char *name, const char *more, int size)
{
	char args[256];

	snprintf(args, sizeof args, "osd pool create %s %s", name, more);
	if (ceph(args))
		tap_die("a pool can be made");
	if (size) {
		snprintf(args, sizeof args, "osd pool set %s size %d", name, size);
		ceph(args);
		snprintf(args, sizeof args, "osd pool set %s min_size %d", name, size > 1 ? size - 1 : 1);
		ceph(args);
	}
	return pool_id(name);
}

static inline void pool_remove(const char *name)
{
	char args[256];

	snprintf(args, sizeof args, "osd pool rm %s %s --yes-i-really-really-mean-it", name, name);
	ceph(args);
}

/* The rados command of this machine. It logs in as the old client, whose key tests/runner makes for sources
 * that name libcephfs.h. */
__attribute__((format(printf, 1, 2))) static inline int rados(const char *fmt, ...)
{
	char args[512], line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof args, fmt, ap);
	va_end(ap);
	snprintf(line, sizeof line, "rados --id second -k %s/second.keyring %s >/dev/null 2>&1",
		 getenv("CLUSTER_DIR"), args);
	return system(line);
}

/* What `rados get` brings of an object: its length, or -1. */
static inline long rados_get(const char *pool, const char *name, void *buf, size_t room)
{
	char path[64];
	FILE *f;
	long n = -1;

	snprintf(path, sizeof path, "/tmp/osd-test-%d", (int)getpid());
	if (!rados("-p %s get %s %s", pool, name, path) && (f = fopen(path, "r"))) {
		n = (long)fread(buf, 1, room, f);
		fclose(f);
	}
	unlink(path);
	return n;
}

static inline int rados_put(const char *pool, const char *name, const void *buf, size_t len)
{
	char path[64];
	FILE *f;
	int r;

	snprintf(path, sizeof path, "/tmp/osd-test-%d", (int)getpid());
	f = fopen(path, "w");
	if (!f || fwrite(buf, 1, len, f) != len || fclose(f))
		return -1;
	r = rados("-p %s put %s %s", pool, name, path);
	unlink(path);
	return r;
}

/* Bytes that name their place: a function of seed and offset. */
static inline void pattern(void *buf, size_t len, uint64_t offset, uint32_t seed)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		uint64_t x = (offset + i) * 0x9e3779b97f4a7c15u + seed;

		p[i] = (uint8_t)(x >> 56 ^ x >> 24);
	}
}

static inline void obed_note(void)
{
	struct osdc_info i;

	osdc_info(obed_osdc, &i);
	tap_note(
	    "epoch %u: %llu requests, %llu sends, %llu resends, %llu replies, %llu stale, %llu faults, %llu "
	    "backoffs, %llu maps, %llu asked for",
	    i.epoch, (unsigned long long)i.stats.requests, (unsigned long long)i.stats.sends,
	    (unsigned long long)i.stats.resends, (unsigned long long)i.stats.replies,
	    (unsigned long long)i.stats.stale_replies, (unsigned long long)i.stats.faults,
	    (unsigned long long)i.stats.backoffs, (unsigned long long)i.stats.maps,
	    (unsigned long long)i.stats.map_requests);
}

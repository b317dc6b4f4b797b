/* data.c: see data.h. */
#include "data_cache.h"
#include "mount.h"

#include <errno.h>

static void on_blocklist(void *arg, bool yes)
{
	cephring_mount *mt = arg;

	if (yes) {
		log_fail(&mt->log, -ESHUTDOWN,
			 "the cluster has evicted this client: reading and writing fail");
		data_cache_fail(mt, -ESHUTDOWN);
	} else {
		log_emit(&mt->log, LOG_INFO, "the cluster lets this client in again");
	}
}

static void on_stopped(void *arg)
{
	cephring_mount *mt = arg;

	mt->data.stopped(mt->data.stopped_arg);
}

static void map_tell(cephring_mount *mt, int err)
{
	struct map_waiter *w, *all = mt->data.map_waiters;

	mt->data.map_waiters = NULL;
	while ((w = all)) {
		all = w->next;
		w->fn(w, err);
	}
}

static void on_map(void *arg, const struct osdmap *m)
{
	(void)m;
	map_tell(arg, 0);
}

void data_map_wait(cephring_mount *mt, struct map_waiter *w)
{
	int err = mt->meta.stopping ? -ESHUTDOWN : data_begin(mt);

	if (err || osdc_map(mt->data.osdc)) {
		w->fn(w, err);
		return;
	}
	w->next = mt->data.map_waiters;
	mt->data.map_waiters = w;
}

void data_map_fail(cephring_mount *mt, int err)
{
	map_tell(mt, err);
}

static const struct osdc_ops data_osdc_ops = { .blocklisted = on_blocklist, .map = on_map };

int data_begin(cephring_mount *mt)
{
	const struct meta_opts *mo = &mt->meta.o;
	struct osdc_opts o = { .modes = { mo->modes[0], mo->modes[1] },
			       .mode_count = mo->mode_count,
			       .nonce = mo->nonce,
			       .keepalive_ns = mo->keepalive_ns,
			       .dead_ns = mo->dead_ns,
			       .location = mt->data.location };
	struct data_side *d = &mt->data;
	int err;

	if (d->osdc)
		return 0;
	err = data_cache_begin(mt);
	if (err)
		return err;
	err = osdc_new(engine_ring(mt->engine), &mt->log, mt->mon, &o, &data_osdc_ops, mt, &d->osdc);
	if (err)
		return err;
	if (mt->meta.osd_epoch_barrier)
		osdc_barrier(d->osdc, mt->meta.osd_epoch_barrier);
	osdc_start(d->osdc);
	return 0;
}

void data_osdmap(cephring_mount *mt, const struct msg_in *m)
{
	if (mt->data.osdc)
		osdc_handle_maps(mt->data.osdc, m);
}

void data_init(cephring_mount *mt)
{
	LIST_INIT(&mt->data.perms);
	LIST_INIT(&mt->data.files);
	TAILQ_INIT(&mt->data.appends);
	TAILQ_INIT(&mt->data.detached);
	mt->meta.data = &data_caps_ops;
	mt->meta.data_arg = mt;
}

void data_ends(cephring_mount *mt)
{
	data_cache_ends(mt);
}

void data_stop(cephring_mount *mt, void (*stopped)(void *arg), void *arg)
{
	data_map_fail(mt, -ESHUTDOWN);
	if (!mt->data.osdc) {
		stopped(arg);
		return;
	}
	data_cache_gone(mt);
	mt->data.stopped = stopped;
	mt->data.stopped_arg = arg;
	osdc_stop(mt->data.osdc, on_stopped);
}

void data_fini(cephring_mount *mt)
{
	data_cache_fini(mt);
	osdc_free(mt->data.osdc);
	mt->data.osdc = NULL;
	data_perms_free(mt);
}

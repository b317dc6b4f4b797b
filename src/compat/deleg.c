/* deleg.c: delegations (src/meta/deleg.h): asked for, told of their end, given back.
 *
 *   engine: recalled --> a note --> the thread of callbacks.c --> the program's function
 *
 * When a delegation was given back, or its handle closed, the program may free what its function was to be
 * given. So giving back, and calling the function, take turns; only from inside the function it may be given
 * back at once. A note that comes late names a delegation that is no more.
 */
#include "compat.h"

#include <stdlib.h>

struct delegation {
	_Atomic uint32_t turn; /* whose: who calls the program, or changes the rest */
	uint64_t id;           /* 0: there is none */
	ceph_deleg_cb_t cb;
	void *priv;
};

/* Whose function this thread is in. */
static _Thread_local const struct delegation *calling;

uint32_t ceph_get_cap_return_timeout(struct ceph_mount_info *cm)
{
	struct inside_mount info;

	ENTER_ELSE(cm, 0);
	return inside_mount_info(cm->m, &info) ? 0 : info.session_autoclose;
}

int ceph_set_deleg_timeout(struct ceph_mount_info *cm, uint32_t timeout)
{
	struct inside_mount info;
	int err;

	ENTER(cm);
	err = inside_mount_info(cm->m, &info);
	if (err)
		return err;
	if (timeout >= info.session_autoclose)
		return -EINVAL;
	atomic_store(&cm->deleg_timeout, timeout);
	return 0;
}

static struct delegation *delegation_of(struct slot *s)
{
	struct delegation *d = atomic_load(&s->delegation), *made;

	if (d)
		return d;
	made = calloc(1, sizeof *made);
	if (!made || atomic_compare_exchange_strong(&s->delegation, &d, made))
		return made;
	free(made); /* another thread was faster */
	return d;
}

static void take(struct delegation *d)
{
	if (d != calling)
		turn_take(&d->turn);
}

static void give(struct delegation *d)
{
	if (d != calling)
		turn_give(&d->turn);
}

static int delegate(struct ceph_mount_info *cm, struct slot *s, unsigned type, ceph_deleg_cb_t cb, void *priv)
{
	static _Atomic uint64_t ids;
	struct inside_delegation want = { .type = (int)type,
					  .timeout_s = atomic_load(&cm->deleg_timeout),
					  .id = atomic_fetch_add(&ids, 1) + 1,
					  .who = s };
	struct delegation *d;
	int err;

	if (!want.timeout_s)
		return -ETIME;
	if (!cb)
		return -EINVAL; /* nobody could be told */
	err = callbacks_begin(cm);
	if (err)
		return err;
	d = delegation_of(s);
	if (!d)
		return -ENOMEM;
	take(d);
	err = inside_delegate(cm->m, s->file, &want);
	if (!err) {
		d->id = want.id;
		d->cb = cb;
		d->priv = priv;
	}
	give(d);
	return err;
}

void delegation_end(struct slot *s)
{
	struct delegation *d = atomic_load(&s->delegation);

	if (!d)
		return;
	take(d);
	d->id = 0;
	give(d);
}

int ceph_ll_delegation(struct ceph_mount_info *cm, Fh *fh, unsigned cmd, ceph_deleg_cb_t cb, void *priv)
{
	ENTER(cm);
	FH(s, cm, fh);
	if (cmd != CEPH_DELEGATION_NONE)
		return delegate(cm, s, cmd, cb, priv);
	delegation_end(s);
	return inside_undelegate(cm->m, s->file);
}

void delegation_recalled(struct ceph_mount_info *cm, void *who, uint64_t id)
{
	struct delegation *d;

	ENTER_ELSE(cm, );
	SLOT_ELSE(s, slot_by_pointer(&cm->handles, who, SLOT_FILE), );
	d = atomic_load(&s->delegation);
	if (!d)
		return;
	turn_take(&d->turn);
	calling = d;
	if (d->id == id)
		d->cb((Fh *)s, d->priv);
	calling = NULL;
	turn_give(&d->turn);
}

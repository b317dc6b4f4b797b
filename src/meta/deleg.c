/* deleg.c: see deleg.h. */
#include "deleg.h"
#include "caps_impl.h"
#include "flush.h"

#include <errno.h>
#include <stddef.h>

/* ---- what it pins ---- */

static uint32_t bits_of(int type)
{
	uint32_t rd = CAP_PIN | CAP_AS | CAP_LS | CAP_XS | CAP_FS | CAP_FR | CAP_FC;

	return type == DELEG_WR ? rd | CAP_FX | CAP_FW | CAP_FB : rd;
}

static void count_pins(struct inode_use *u)
{
	const struct deleg *d;

	u->pinned = 0;
	LIST_FOREACH(d, &u->delegs, link)
	u->pinned |= d->bits;
}

uint32_t deleg_known(const struct inode *i)
{
	uint32_t bits = 0;

	for (const struct cap *c = deleg_pins(i) ? i->caps : NULL; c; c = c->next)
		if (c->gen == c->session->cap_gen)
			bits |= c->implemented;
	return bits & deleg_pins(i);
}

static struct deleg *find(const struct file *f)
{
	struct deleg *d = f->inode->use ? LIST_FIRST(&f->inode->use->delegs) : NULL;

	while (d && d->file != f)
		d = LIST_NEXT(d, link);
	return d;
}

static void forget(struct inode_use *u, struct deleg *d)
{
	if (d->timer.slot)
		ring_timer_clear(d->m->ring, &d->timer);
	LIST_REMOVE(d, link);
	mem_free(d, sizeof *d);
	count_pins(u);
}

/* ---- opens that wait ---- */

static bool in_the_way(const struct inode *i, bool to_write)
{
	return deleg_pins(i) && (to_write || (deleg_pins(i) & CAP_FW));
}

static void waiters_kick(struct meta *m)
{
	struct op_waits todo = m->deleg_waits;

	LIST_INIT(&m->deleg_waits); /* who must go on waiting comes back */
	op_waits_resume(&todo);
}

bool deleg_wait(struct op *op, struct inode *i, bool to_write)
{
	if (!in_the_way(i, to_write))
		return false;
	deleg_recall(op->m, i, to_write ? ~0u : CAP_FW);
	op_wait(op, &op->m->deleg_waits);
	return true;
}

/* ---- back ---- */

/* What it pinned may go; takes the reference. */
static void let_go(struct meta *m, struct inode *i)
{
	caps_update(m, i, 0);
	caps_wake(m, i, 0);
	inode_use_settle(m, i);
	inode_put(m, i);
}

void deleg_return(struct meta *m, struct file *f)
{
	struct inode *i = f->inode;
	struct deleg *d = find(f);

	if (!d)
		return;
	inode_get(i);
	forget(i->use, d);
	let_go(m, i);
	waiters_kick(m);
}

void delegs_drop(struct inode_use *u)
{
	while (!LIST_EMPTY(&u->delegs))
		forget(u, LIST_FIRST(&u->delegs));
}

/* An inode of which others may be waiting for something. */
static struct inode_use *find_held(struct meta *m)
{
	struct inode_use *u;

	LIST_FOREACH(u, &m->in_use, in_use)
	if (!LIST_EMPTY(&u->delegs) || u->locks)
		return u;
	return NULL;
}

static void give_all_back(struct meta *m)
{
	struct inode_use *u;

	while ((u = find_held(m)) != NULL) {
		struct inode *i = inode_get(u->inode);

		delegs_drop(u);
		locks_drop(m, i);
		let_go(m, i);
	}
	waiters_kick(m);
}

static void over(struct ring_timer *t)
{
	struct deleg *d = (struct deleg *)((char *)t - offsetof(struct deleg, timer));
	struct meta *m = d->m;

	log_fail(m->log, -ETIMEDOUT,
		 "inode %llx: a delegation was recalled and not given back within %llu s: the mount is over",
		 (unsigned long long)d->file->inode->key.ino,
		 (unsigned long long)(d->timeout_ns / 1000000000u));
	m->delegs_over = true;
	if (m->on_deleg_over) /* before anything that the program relied on goes */
		m->on_deleg_over(m->arg);
	give_all_back(m);
}

/* ---- recall ---- */

static void recall(struct deleg *d)
{
	if (d->recalled)
		return;
	d->recalled = true;
	d->timer.fn = over;
	ring_timer_set(d->m->ring, &d->timer, ring_now(d->m->ring) + d->timeout_ns);
	d->m->on_recall(d->m->arg, d);
}

void deleg_recall(struct meta *m, struct inode *i, uint32_t bits)
{
	struct deleg *d;

	if (!(deleg_pins(i) & bits) || m->stopping)
		return;
	LIST_FOREACH(d, &i->use->delegs, link)
	if (d->bits & bits)
		recall(d);
}

/* ---- asked for ---- */

static bool open_elsewhere(const struct inode_use *u, int type)
{
	uint32_t count = 0;

	if (type == DELEG_RD)
		return u->opens[OPEN_WR] || u->opens[OPEN_RDWR];
	for (unsigned n = 0; n < sizeof u->opens / sizeof *u->opens; n++)
		count += u->opens[n];
	return count > 1;
}

static bool any_recalled(const struct inode_use *u)
{
	const struct deleg *d;

	LIST_FOREACH(d, &u->delegs, link)
	if (d->recalled)
		return true;
	return false;
}

int deleg_set(struct meta *m, struct file *f, const struct deleg_want *want)
{
	struct inode *i = f->inode;
	struct deleg *d = find(f);

	if (m->delegs_over)
		return -ENOTCONN;
	if (!i->use || any_recalled(i->use) || !m->on_recall)
		return -EAGAIN;
	if (want->type != DELEG_RD && want->type != DELEG_WR)
		return -EINVAL;
	if (open_elsewhere(i->use, want->type) || (bits_of(want->type) & ~caps_issued(i, ring_now(m->ring))))
		return -EAGAIN;
	if (!d) {
		d = mem_alloc(sizeof *d);
		if (!d)
			return -ENOMEM;
		d->m = m;
		d->file = f;
		LIST_INSERT_HEAD(&i->use->delegs, d, link);
	}
	d->bits = bits_of(want->type);
	d->timeout_ns = want->timeout_ns;
	d->id = want->id;
	d->who = want->who;
	count_pins(i->use);
	return 0;
}

/* op.c: see op.h. */
#include "meta.h"
#include "session_impl.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static struct op *op_of_timer(struct ring_timer *t)
{
	return (struct op *)((char *)t - offsetof(struct op, timer));
}

/* The one end. The callback may reuse the op at once, so nothing of it is touched afterwards. */
static void op_end(struct op *op, int64_t res)
{
	struct meta *m = op->m;

	if (op->timer.slot)
		ring_timer_clear(m->ring, &op->timer);
	if (op->waits)
		LIST_REMOVE(op, wait_link);
	op->waits = false;
	if (op->req)
		mreq_abandon(op->req);
	op->req = NULL;
	op->sent |= op->walk.sent | op->from.sent;
	if (op->fam->end)
		op->fam->end(op, res);
	walk_end(m, &op->walk);
	walk_end(m, &op->from);
	inode_put(m, op->inode);
	op->inode = NULL;
	LIST_REMOVE(op, active);
	m->stats.ops += !op->inner;
	m->stats.ops_cached += !op->sent && !op->inner;
	op->uncertain &= res < 0; /* what ended well is certain */
	op->state = OP_IDLE;
	op->deadline_ns = 0;
	__atomic_sub_fetch(&m->op_count, 1, __ATOMIC_RELAXED);
	pub_check_closed();
	if (op->ending && m->stopping && !m->closing)
		meta_check_stopped(m);
	op->cb((struct cephring_op *)op, res, op->user);
}

void op_retire(struct op *op)
{
	struct meta *m = op->m;

	if (op->timer.slot)
		ring_timer_clear(m->ring, &op->timer);
	LIST_REMOVE(op, active);
	op->state = OP_IDLE;
	op->deadline_ns = 0;
	__atomic_sub_fetch(&m->op_count, 1, __ATOMIC_RELAXED);
}

static void op_run(struct op *op, int64_t res)
{
	op->state = OP_RUNNING;
	res = op->fam->step(op, res);
	if (res == OP_PENDING)
		op->state = OP_WAITING;
	else
		op_end(op, res);
}

void op_resume(struct op *op, int64_t res)
{
	if (op->state != OP_WAITING)
		return;
	if (op->ending)
		op_end(op, op->ending);
	else
		op_run(op, res);
}

/* Ends a waiting operation early, now or soon. */
static void op_stop(struct op *op, int err)
{
	struct op *sub = op->sub;

	if (op->ending)
		return;
	op->ending = err;
	if (sub) {
		op_stop(sub, err); /* resumes this one, perhaps at once */
		return;
	}
	if (!op->fam->cancel || !op->fam->cancel(op, err))
		op_end(op, err);
}

static void op_deadline(struct ring_timer *t)
{
	struct op *op = op_of_timer(t);

	log_emit(op->m->log, LOG_WARN, "%s: deadline passed", op->fam->name);
	op_stop(op, -ETIMEDOUT);
}

static void op_start(struct ring_task *t)
{
	struct op *op = (struct op *)t;
	struct meta *m = op->m;

	LIST_INSERT_HEAD(&m->ops, op, active);
	if (m->stopping) {
		op_end(op, -ESHUTDOWN);
		return;
	}
	op->start_ns = ring_now(m->ring);
	if (op->deadline_ns && !op->fam->for_good) {
		if (op->deadline_ns <= op->start_ns) {
			op_end(op, -ETIMEDOUT);
			return;
		}
		op->timer.fn = op_deadline;
		ring_timer_set(m->ring, &op->timer, op->deadline_ns);
	}
	op_run(op, op->start.path ? walk_begin(m, &op->walk, op->start.at, op->start.path, op->start.flags,
					       op->start.cred, op->start.mask)
				  : 0);
}

void op_set_walk(struct op *op, struct inode *at, const char *path, int flags,
		 const struct cephring_cred *cred, uint32_t mask)
{
	op->start.at = at;
	op->start.path = path ? path : "";
	op->start.flags = flags | (at ? WALK_EMPTY_OK : 0);
	op->start.cred = cred;
	op->start.mask = mask;
}

static void prepare(struct op *op, struct meta *m, const struct op_family *fam, cephring_cb cb, void *user)
{
	op->fam = fam;
	op->m = m;
	op->cb = cb;
	op->user = user;
	op->serial = __atomic_add_fetch(&m->op_serial, 1, __ATOMIC_RELAXED);
	op->at = 0;
	op->sent = op->uncertain = false;
	op->waits = op->inner = false;
	op->ending = 0;
	op->sub = NULL;
	op->req = NULL;
	op->inode = NULL;
	op->timer = (struct ring_timer){ 0 };
	op->walk = (struct walk){ 0 };
	op->from = (struct walk){ 0 };
	op->start.path = NULL;
	op->task = (struct ring_task){ .fn = op_start };
}

int op_prepare(struct meta *m, struct cephring_op *pub, const struct op_family *fam, cephring_cb cb,
	       void *user, struct op **out)
{
	struct op *op = (struct op *)pub;

	if (!op || !cb)
		return -EINVAL;
	if (op->state != OP_IDLE)
		return -EBUSY;
	if (__atomic_add_fetch(&m->op_count, 1, __ATOMIC_RELAXED) > m->o.max_ops) {
		__atomic_sub_fetch(&m->op_count, 1, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	prepare(op, m, fam, cb, user);
	*out = op;
	return 0;
}

int op_submit(struct op *op)
{
	struct meta *m = op->m;
	int err = 0;

	op->state = OP_QUEUED;
	if (ring_is_owner(m->ring))
		ring_defer(m->ring, &op->task);
	else
		err = ring_post(m->ring, &op->task);
	if (err) {
		op->state = OP_IDLE;
		__atomic_sub_fetch(&m->op_count, 1, __ATOMIC_RELAXED);
	}
	return err;
}

/* ---- waiting for another operation, or for the program ---- */

void op_wait(struct op *op, struct op_waits *list)
{
	LIST_INSERT_HEAD(list, op, wait_link);
	op->waits = true;
}

void op_waits_resume(struct op_waits *todo)
{
	struct op *op;

	if (LIST_FIRST(todo)) /* it is a copy */
		LIST_FIRST(todo)->wait_link.le_prev = &LIST_FIRST(todo);
	while ((op = LIST_FIRST(todo)) != NULL) {
		LIST_REMOVE(op, wait_link);
		op->waits = false;
		op_resume(op, 0);
	}
}

/* ---- parts ---- */

static void sub_ended(struct cephring_op *pub, int64_t res, void *user)
{
	struct op *op = user, *sub = (struct op *)pub;

	op->sub = NULL;
	op->sub_res = res;
	op->sent |= sub->sent;
	op->uncertain |= sub->uncertain;
	op_resume(op, res);
}

struct op *op_sub_prepare(struct op *op, struct cephring_op *memory, const struct op_family *fam)
{
	struct op *sub = (struct op *)memory;

	sub->deadline_ns = 0;
	prepare(sub, op->m, fam, sub_ended, op);
	sub->inner = true;
	__atomic_add_fetch(&op->m->op_count, 1, __ATOMIC_RELAXED);
	return sub;
}

int64_t op_sub(struct op *op, struct op *sub)
{
	op->sub = sub;
	sub->state = OP_QUEUED;
	op_start(&sub->task);
	return op->sub ? OP_PENDING : op->sub_res;
}

/* ---- cancel: by pointer and serial, so that an op that ended meanwhile, even one whose memory is gone, is
 * not touched ---- */

struct cancel {
	struct ring_task task;
	struct meta *m;
	const struct op *op;
	uint64_t serial;
	bool again;
};

static void cancel_run(struct ring_task *t)
{
	struct cancel *c = (struct cancel *)t;
	struct op *op;

	LIST_FOREACH(op, &c->m->ops, active)
	{
		if (op == c->op && op->serial == c->serial) {
			if (!op->fam->for_good)
				op_stop(op, -ECANCELED);
			break;
		}
	}
	/* Through the inbox it may have overtaken an operation that the owner queued: once more, behind that.
	 */
	if (!op && !c->again) {
		c->again = true;
		ring_defer(c->m->ring, &c->task);
		return;
	}
	__atomic_sub_fetch(&c->m->op_count, 1, __ATOMIC_RELAXED);
	mem_free(c, sizeof *c);
}

int op_cancel(struct meta *m, struct cephring_op *pub)
{
	struct op *op = (struct op *)pub;
	struct cancel *c;
	int err = 0;

	if (op->state == OP_IDLE)
		return -EALREADY;
	c = mem_alloc(sizeof *c);
	if (!c)
		return -ENOMEM;
	*c = (struct cancel){ .task = { .fn = cancel_run }, .m = m, .op = op, .serial = op->serial };
	__atomic_add_fetch(&m->op_count, 1, __ATOMIC_RELAXED); /* the mount outlives it */
	if (ring_is_owner(m->ring))
		ring_defer(m->ring, &c->task);
	else
		err = ring_post(m->ring, &c->task);
	if (err) {
		__atomic_sub_fetch(&m->op_count, 1, __ATOMIC_RELAXED);
		mem_free(c, sizeof *c);
	}
	return err;
}

void ops_fail_all(struct meta *m, int err, struct op *except)
{
	struct op *op;

	do {
		LIST_FOREACH(op, &m->ops, active)
		if (op != except && !op->inner && !op->ending)
			break;
		if (op)
			op_stop(op, err);
	} while (op);
}

/* ---- one request ---- */

void op_replied(struct mreq *r, int result, const struct reply *rep)
{
	struct op *op = r->arg;

	(void)rep;
	op->req = NULL;
	op_resume(op, result);
}

int64_t op_request(struct op *op, struct mreq *r)
{
	if (!r)
		return -EAGAIN;
	op->sent = true;
	op->req = r;
	r->arg = op;
	r->uncertain = &op->uncertain;
	if (!r->done)
		r->done = op_replied;
	mreq_submit(r);
	return OP_PENDING;
}

int64_t op_ask(struct op *op, struct mreq *r)
{
	if (r && mreq_set_cred(r, &op->walk.cred)) {
		mreq_abandon(r);
		return -ENOMEM;
	}
	return op_request(op, r);
}

int64_t op_getattr(struct op *op, uint32_t mask)
{
	struct mreq *r = mreq_new(op->m, MDS_OP_GETATTR, op->inode, NULL, 0);

	if (r) {
		args_getattr(r->args, mask);
		r->need_auth = (mask & CAP_RSTAT) != 0;
	}
	return op_ask(op, r);
}

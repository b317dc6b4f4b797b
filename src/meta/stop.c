/* stop.c: the end of a mount's MDS client.
 *
 *   meta_stop --> FLUSHING  no operation goes on; dirty data is written back, what is dirty is flushed, the
 *                           MDSs are asked to write their journals
 *                    | all of it acknowledged; or the limit: the rest is lost, and logged
 *                    v
 *                 CLOSING   sessions are closed, which gives back all caps; no map is followed any more
 *                    | all closed; or the limit
 *                    v
 *                 EMPTIED   the cache is gone; who reads in it on another thread has the time to leave
 *                    | nobody is inside
 *                    v
 *                 on_closed
 *
 * An aborted mount has nothing to flush: it was lost. Its sessions end here alone; the MDSs find out later.
 *
 * While something is at stake a failover is lived through as always; so that limit is not the caller's, which
 * is for closing what nobody needs any more.
 */
#include "caps_impl.h"
#include "command.h"
#include "session_impl.h"
#include "walk_impl.h"

#include <errno.h>
#include <stddef.h>

enum { CLOSE_LIMIT_MIN_MS = 100, FLUSH_LIMIT_MS = 60000 };

static struct meta *of_timer(struct ring_timer *t)
{
	return (struct meta *)((char *)t - offsetof(struct meta, close_timer));
}

static void set_limit(struct meta *m, void (*fn)(struct ring_timer *t), uint64_t ns)
{
	if (m->close_timer.slot)
		ring_timer_clear(m->ring, &m->close_timer);
	m->close_timer.fn = fn;
	ring_timer_set(m->ring, &m->close_timer, ring_now(m->ring) + ns);
}

static void stopped(struct meta *m)
{
	void (*closed)(void *arg) = m->on_closed;

	m->on_closed = NULL;
	if (closed)
		closed(m->arg);
}

/* ---- CLOSING ---- */

static bool all_closed(const struct meta *m)
{
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r] && m->session[r]->state != SESS_CLOSED)
			return false;
	return true;
}

static void on_close_limit(struct ring_timer *t)
{
	struct meta *m = of_timer(t);

	log_emit(m->log, LOG_WARN, "unmount: an MDS did not confirm the end of its session in time");
	m->close_forced = true;
	meta_check_stopped(m); /* as a task: the last one of ours, nothing may be queued behind it */
}

static void close_sessions(struct meta *m)
{
	m->closing = true;
	mreqs_fail_all(m, -ESHUTDOWN);
	for (uint32_t n = 0; n < m->want_count; n++)
		inode_put(m, m->want_list[n]);
	m->want_count = 0;
	set_limit(m, on_close_limit, m->close_limit_ns);
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r] && m->aborted)
			session_closed(m->session[r], -ESHUTDOWN, false);
		else if (m->session[r])
			session_close(m->session[r]);
	meta_check_stopped(m);
}

/* ---- FLUSHING ---- */

/* The program was told that it is done. */
static bool is_promised(const struct mreq *r)
{
	return r->state == MREQ_UNSAFE || (r->async && r->state == MREQ_SENT);
}

/* Operations that use memory of the program's to the last, and writes that may still be carried out. */
static bool all_ended(const struct meta *m)
{
	const struct op *op;

	if (m->data_detached)
		return false;
	LIST_FOREACH(op, &m->ops, active)
	if (op->ending)
		return false;
	return true;
}

static bool all_told(const struct meta *m)
{
	const struct mreq *r;

	if (!all_ended(m))
		return false;
	TAILQ_FOREACH(r, &m->in_order, order)
	if (is_promised(r))
		return false;
	return flush_quiet(m);
}

static void lose_all(struct meta *m, int err)
{
	struct inode_use *u, *next;

	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			unsafe_lost(m, m->session[r], err);
	for (u = TAILQ_FIRST(&m->dirty); u; u = next) {
		next = TAILQ_NEXT(u, dirty_link);
		flush_lost(m, u->inode, err);
	}
	if (m->data_detached)
		m->data->abandon(m->data_arg);
}

static void on_flush_limit(struct ring_timer *t)
{
	struct meta *m = of_timer(t);

	lose_all(m, -ETIMEDOUT);
	close_sessions(m);
}

static void write_back(struct meta *m)
{
	struct inode_use *u, *next;

	for (u = TAILQ_FIRST(&m->dirty); m->data && u; u = next) {
		next = TAILQ_NEXT(u, dirty_link);
		if (u->refs[REF_FB])
			m->data->writeback(m->data_arg, u->inode);
	}
}

static void ask_journals(struct meta *m)
{
	for (int r = 0; r < MDS_RANK_MAX; r++)
		if (m->session[r])
			session_flush_mdlog(m->session[r]);
}

/* ---- both ---- */

static void stop_run(struct ring_task *t)
{
	struct meta *m = (struct meta *)((char *)t - offsetof(struct meta, stop_task));

	if (!m->closing && all_told(m)) {
		close_sessions(m);
	} else if (m->closing && !m->retired.ending && (m->close_forced || all_closed(m))) {
		meta_forget(m);
		retired_end(m, stopped);
	}
}

void meta_check_stopped(struct meta *m)
{
	m->stop_task.fn = stop_run;
	ring_defer(m->ring, &m->stop_task);
}

void meta_abort(struct meta *m)
{
	m->aborted = true;
	lose_all(m, -ESHUTDOWN);
}

void meta_stop(struct meta *m, uint64_t limit_ns, struct op *except)
{
	uint64_t min_ns = CLOSE_LIMIT_MIN_MS * 1000000ull;

	m->stopping = true;
	m->close_limit_ns = limit_ns < min_ns ? min_ns : limit_ns;
	ops_fail_all(m, -ESHUTDOWN, except);
	commands_fail_all(m, -ESHUTDOWN);
	walk_fills_drop(m);
	if (m->aborted) {
		lose_all(m, -ESHUTDOWN);
	} else {
		write_back(m);
		caps_flush_all(m, true);
	}
	if (all_told(m)) {
		close_sessions(m);
		return;
	}
	if (!m->aborted)
		ask_journals(m);
	set_limit(m, on_flush_limit, FLUSH_LIMIT_MS * 1000000ull);
}

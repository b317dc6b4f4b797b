/* The life of requests: what is sent when, what both replies do, failovers, losses, and who waits for all
 * that. */
#include <errno.h>

#include "wire_bed.h"

/* What `done` was told. */
struct told {
	unsigned calls;
	int result;
	bool had_reply, named;
};

static void on_done(struct mreq *r, int result, const struct reply *rep)
{
	struct told *t = r->arg;

	t->calls++;
	t->result = result;
	t->had_reply = rep != NULL;
	t->named = r->dentry != NULL;
}

static struct mreq *request(struct bed *b, uint32_t op, struct inode *base, const char *path, struct told *t)
{
	struct mreq *r = mreq_new(&b->m, op, base, path, (uint32_t)strlen(path));

	cr_assert_not_null(r);
	r->want_dentry = *path != 0;
	r->done = on_done;
	r->arg = t;
	return r;
}

static uint64_t submit(struct mreq *r)
{
	mreq_submit(r);
	return r->id.tid;
}

static struct mreq *find(struct bed *b, uint64_t tid)
{
	return (struct mreq *)tid_find(&b->m.requests, tid);
}

/* Nothing is registered, on any list, or counted any more. */
static void all_gone(struct bed *b)
{
	wire_turn(b);
	cr_assert_eq(b->m.request_count, 0);
	cr_assert_eq(b->m.unsafe_count, 0);
	cr_assert_eq(b->m.unsafe_loose, 0);
	cr_assert(TAILQ_EMPTY(&b->m.in_order));
	cr_assert_null(b->m.oldest);
	cr_assert_eq(tid_count(&b->m.requests), 0);
	for (int r = 0; r < 2; r++) {
		if (!b->m.session[r])
			continue;
		cr_assert_eq(b->m.session[r]->in_flight, 0);
		cr_assert_eq(b->m.session[r]->unsafe_count, 0);
		cr_assert(TAILQ_EMPTY(&b->m.session[r]->waiting));
	}
}

enum { DIR = 100, OTHER = 200, MADE = 300 };

static struct inode_stat dir_stat, made_stat;

/* The reply to something that made MADE under DIR. */
static struct answer made(uint32_t op, bool safe, const char *name)
{
	dir_stat = bed_stat(DIR, true, CAP_STAT_ALL, 2);
	made_stat = bed_stat(MADE, true, CAP_STAT_ALL, 1);
	return (struct answer){ .op = op,
				.safe = safe,
				.dir = &dir_stat,
				.target = &made_stat,
				.name = name,
				.lease_ms = 30000 };
}

static struct answer plain(uint32_t op, bool safe, int result)
{
	return (struct answer){ .op = op, .safe = safe, .result = result };
}

static void answer(struct session *s, uint64_t tid, struct answer a)
{
	wire_answer(s, tid, &a);
}

/* ---- bytes ---- */

Test(request, carries_both_paths_data_and_owner)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct inode *other = bed_inode(b, s, OTHER, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_RENAME, dir, "new", &t);
	struct parsed q;
	struct sent *x;

	r->uid = 7;
	r->gid = 8;
	cr_assert_eq(mreq_set_path2(r, other, "old", 3), 0);
	cr_assert_eq(mreq_set_data(r, "data", 4), 0);
	submit(r);
	x = wire_request(MDS_OP_RENAME, &q);
	cr_assert_eq(q.head_version, 3);
	cr_assert_eq(q.q.ino1, DIR);
	cr_assert_eq(q.q.ino2, OTHER);
	cr_assert(q.q.path1_len == 3 && !memcmp(q.q.path1, "new", 3));
	cr_assert(q.q.path2_len == 3 && !memcmp(q.q.path2, "old", 3));
	cr_assert(x->data.len == 4 && !memcmp(x->data.buf, "data", 4));
	cr_assert_eq(q.q.flags, MDS_FLAG_WANT_DENTRY);
	cr_assert_eq(q.q.owner_uid, -1u);
	cr_assert_neq(q.q.stamp_ns, 0);
	mreq_abandon(find(b, x->tid));
	answer(s, x->tid, plain(MDS_OP_RENAME, true, -ENOENT));

	r = request(b, MDS_OP_MKDIR, dir, "d", &t);
	r->uid = 7;
	r->gid = 8;
	submit(r);
	x = wire_request(MDS_OP_MKDIR, &q);
	cr_assert_eq(q.q.owner_uid, 7, "what makes an inode names its owner");
	cr_assert_eq(q.q.owner_gid, 8);
	cr_assert_eq(q.q.ino, 0);
	answer(s, x->tid, plain(MDS_OP_MKDIR, true, -EEXIST));
	cr_assert_eq(t.result, -EEXIST);
	all_gone(b);
	wire_free(b);
}

Test(request, heads_fit_the_session)
{
	static const struct {
		uint64_t features;
		unsigned head;
	} kinds[] = { { 0x1ffff, 1 }, { 0x7ffff, 2 }, { 0x1fffff, 3 } };
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct told t = { 0 };

	for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++) {
		struct parsed q;
		struct mreq *r = request(b, MDS_OP_MKDIR, NULL, "d", &t);

		s->features = kinds[n].features;
		r->base_ino = 1;
		submit(r);
		answer(s, wire_request(MDS_OP_MKDIR, &q)->tid, plain(MDS_OP_MKDIR, true, -EACCES));
		cr_assert_eq(q.head_version, kinds[n].head);
	}
	all_gone(b);
	wire_free(b);
}

Test(request, oldest_tid_leaves_out_who_waits_for_a_lock)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *i = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t lock = submit(request(b, MDS_OP_SETFILELOCK, i, "", &t));
	uint64_t one = submit(request(b, MDS_OP_GETATTR, i, "", &t));
	uint64_t lock2 = submit(request(b, MDS_OP_SETFILELOCK, i, "", &t));
	uint64_t two = submit(request(b, MDS_OP_MKDIR, i, "d", &t));
	struct parsed q;

	wire_request(MDS_OP_SETFILELOCK, &q);
	cr_assert_eq(q.q.oldest_tid, 0);
	wire_request(MDS_OP_GETATTR, &q);
	cr_assert_eq(q.q.oldest_tid, one);
	wire_request(MDS_OP_SETFILELOCK, &q);
	wire_request(MDS_OP_MKDIR, &q);
	cr_assert_eq(q.q.oldest_tid, one);
	answer(s, one, plain(MDS_OP_GETATTR, true, -EACCES));
	cr_assert_eq(mreq_oldest_tid(&b->m), two, "the lock behind it does not count either");
	answer(s, two, made(MDS_OP_MKDIR, false, "d"));
	cr_assert_eq(mreq_oldest_tid(&b->m), two, "an unsafe one still does");
	answer(s, lock, plain(MDS_OP_SETFILELOCK, true, -EAGAIN));
	answer(s, two, plain(MDS_OP_MKDIR, true, 0));
	cr_assert_eq(mreq_oldest_tid(&b->m), 0);
	answer(s, lock2, plain(MDS_OP_SETFILELOCK, true, 0));
	cr_assert_eq(t.calls, 4);
	all_gone(b);
	wire_free(b);
}

Test(request, a_snapped_inode_is_asked_by_its_way)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct inode_stat st = bed_stat(DIR, true, 0, 1), in = bed_stat(OTHER, true, 0, 1);
	struct inode *snapdir = snap_dir(&b->m, dir), *snap, *deep;
	struct told t = { 0 };
	struct mreq *r;
	struct parsed q;

	st.snapid = in.snapid = 5;
	snap = trace_inode(&b->m, s, &st);
	deep = trace_inode(&b->m, s, &in);
	cr_assert_not_null(snap_name_link(&b->m, snapdir, "s", 1, snap));
	cr_assert_not_null(snap_name_link(&b->m, snap, "sub", 3, deep));
	r = request(b, MDS_OP_LOOKUP, deep, "f", &t);
	submit(r);
	answer(s, wire_request(MDS_OP_LOOKUP, &q)->tid, plain(MDS_OP_LOOKUP, true, -ENOENT));
	cr_assert_eq(q.q.ino1, DIR);
	cr_assert(q.q.path1_len == 8 && !memcmp(q.q.path1, "/s/sub/f", 8));
	r = request(b, MDS_OP_RENAMESNAP, snapdir, "new", &t);
	cr_assert_eq(mreq_set_path2(r, snapdir, "old", 3), 0);
	submit(r);
	answer(s, wire_request(MDS_OP_RENAMESNAP, &q)->tid, plain(MDS_OP_RENAMESNAP, true, -ENOENT));
	cr_assert(q.q.ino1 == DIR && q.q.path1_len == 4 && !memcmp(q.q.path1, "/new", 4));
	cr_assert(q.q.ino2 == DIR && q.q.path2_len == 4 && !memcmp(q.q.path2, "/old", 4));
	all_gone(b);
	wire_free(b);
}

/* ---- beside libcephfs's ---- */

/* One captured request, and how to have ours say the same. */
struct twin {
	struct bed *b;
	struct session *s;
	struct parsed q;
	const struct message *m;
	struct told t;
	uint64_t tid;
};

/* The cap as it was before the bits were given up: Fs of a directory, Ls and Lx (and of what is removed, what
 * is not wanted) of another inode. */
static uint32_t given_up(const struct parsed *q, const struct mds_release *r)
{
	bool dir = r->ino == q->q.ino1 || r->ino == q->q.ino2;

	return dir ? CAP_FS : q->q.op == MDS_OP_RMDIR ? CAP_LS | CAP_FS : CAP_LS | CAP_LX;
}

static void twin_drop(struct twin *w, struct mreq *r, const struct mds_release *rel)
{
	bool dir = rel->ino == w->q.q.ino1 || rel->ino == w->q.q.ino2;
	uint32_t bits = given_up(&w->q, rel);
	struct inode *i = inode_find(&w->b->m.cache, rel->ino, SNAP_HEAD);

	if (!i) {
		i = bed_inode(w->b, w->s, rel->ino, dir || w->q.q.op == MDS_OP_RMDIR, rel->caps | bits,
			      rel->seq);
		i->caps->cap_id = rel->cap_id;
		i->caps->issue_seq = rel->issue_seq;
		i->caps->mseq = rel->mseq;
	}
	if (rel->dname_len) {
		char name[64] = { 0 };

		memcpy(name, rel->dname, rel->dname_len);
		bed_name(w->b, w->s, i, name, NULL, 30000)->lease_seq = rel->dname_seq;
	}
	mreq_drop(r, i, bits, CAP_FX, dir);
}

static struct mreq *twin_request(struct twin *w)
{
	const struct mds_request *q = &w->q.q;
	struct mreq *r = mreq_new(&w->b->m, q->op, NULL, q->path1, q->path1_len);
	struct cephring_cred cred = {
		.uid = q->uid, .gid = q->gid, .ngroups = q->gid_count, .groups = q->gids
	};

	r->base_ino = q->ino1;
	cr_assert_eq(mreq_set_cred(r, &cred), 0);
	memcpy(r->args, q->args, sizeof r->args);
	r->want_dentry = q->flags & MDS_FLAG_WANT_DENTRY;
	r->sent_wall_ns = q->stamp_ns;
	r->done = on_done;
	r->arg = &w->t;
	return r;
}

static void twin_path2(struct twin *w, struct mreq *r)
{
	const struct mds_request *q = &w->q.q;
	struct inode *i = inode_find(&w->b->m.cache, q->ino2, SNAP_HEAD);

	if (q->ino2 && !i)
		i = bed_inode(w->b, w->s, q->ino2, true, CAP_PIN, 1);
	cr_assert_eq(mreq_set_path2(r, i, q->path2, q->path2_len), 0);
}

static void twin_begin(struct twin *w, const struct message *m)
{
	static const uint64_t features[] = { 0, 0x1ffff, 0x7ffff, 0x1fffff };

	*w = (struct twin){ .m = m, .b = bed_new(1 << 20) };
	request_parse(m, &w->q);
	w->b->map.epoch = w->b->m.map->epoch = w->q.q.mdsmap_epoch;
	w->b->map.rank_count = w->b->m.map->rank_count = 1;
	w->s = wire_session(w->b, 0);
	w->s->features = features[w->q.head_version];
	if (w->q.q.oldest_tid)
		w->b->m.last_tid = w->q.q.oldest_tid - 1;
}

static void twin_end(struct twin *w)
{
	mreqs_fail_all(&w->b->m, -ESHUTDOWN);
	all_gone(w->b);
	wire_free(w->b);
}

static void same_as_captured(const struct twin *w, const struct sent *x)
{
	cr_assert_eq(x->version, w->m->version);
	cr_assert_eq(x->front.len, w->m->front_len, "%s %u %s", w->m->file, w->m->index,
		     mds_op_name(w->q.q.op));
	cr_assert_arr_eq(x->front.buf, w->m->front, w->m->front_len, "%s %u %s", w->m->file, w->m->index,
			 mds_op_name(w->q.q.op));
}

/* libcephfs tells of directories also when nothing of them is given up; what it wants depends on its open
 * files. */
static bool comparable(const struct parsed *q)
{
	for (uint32_t n = 0; n < q->q.release_count; n++) {
		const struct mds_release *r = &q->releases[n];
		bool again = n && q->releases[n - 1].ino == r->ino;

		if (r->wanted || (!r->dname_len && ((r->caps & CAP_FX) || again)))
			return false;
	}
	return q->q.release_count && !q->q.num_retry && !q->q.num_fwd;
}

static void releases_as(const struct message *m, void *arg)
{
	struct twin w;
	struct mreq *r;

	twin_begin(&w, m);
	if (comparable(&w.q)) {
		r = twin_request(&w);
		for (uint32_t n = 0; n < w.q.q.release_count; n++)
			twin_drop(&w, r, &w.q.releases[n]);
		twin_path2(&w, r);
		mreq_submit(r);
		same_as_captured(&w, wire_next());
		++*(unsigned *)arg;
	}
	twin_end(&w);
}

Test(request, gives_up_caps_as_captured)
{
	unsigned compared = 0;

	messages_each(MSG_CLIENT_REQUEST, releases_as, &compared);
	cr_assert_eq(compared, 21, "%u", compared);
}

static void replays_as(const struct message *m, void *arg)
{
	struct inode_stat st;
	struct answer a;
	struct mreq *r;
	struct twin w;

	twin_begin(&w, m);
	if (w.q.q.flags & MDS_FLAG_REPLAY) {
		st = bed_stat(w.q.q.ino, w.q.q.op == MDS_OP_MKDIR, CAP_PIN, 1);
		a = plain(w.q.q.op, false, 0);
		a.target = w.q.q.ino ? &st : NULL;
		w.b->map.epoch--;
		w.b->m.map->epoch--;
		r = twin_request(&w);
		twin_path2(&w, r);
		answer(w.s, submit(r), a);
		wire_next();
		wire_map(w.b, 77, MDS_STATE_RECONNECT);
		same_as_captured(&w, wire_next());
		++*(unsigned *)arg;
	}
	twin_end(&w);
}

Test(request, replays_as_captured)
{
	unsigned compared = 0;

	messages_each(MSG_CLIENT_REQUEST, replays_as, &compared);
	cr_assert_eq(compared, 6, "%u", compared);
}

/* ---- two replies ---- */

Test(request, done_at_the_first_reply_gone_at_the_second)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1), *target;
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));

	cr_assert(unsafe_done(&b->m, dir, tid), "nothing was answered yet");
	cr_assert(!unsafe_done(&b->m, NULL, tid), "but it may be carried out");
	answer(s, tid, made(MDS_OP_MKDIR, false, "d"));
	cr_assert(t.calls == 1 && t.result == 0 && t.named);
	cr_assert(bed_valid(b, dir, "d"));
	cr_assert_eq(find(b, tid)->state, MREQ_UNSAFE);
	cr_assert_eq(s->in_flight, 0);
	cr_assert_eq(s->unsafe_count, 1);
	cr_assert_eq(b->m.stats.unsafe, 1);
	target = inode_find(&b->m.cache, MADE, SNAP_HEAD);
	cr_assert(!unsafe_done(&b->m, dir, tid) && !unsafe_done(&b->m, target, tid));
	cr_assert(unsafe_done(&b->m, dir, tid - 1), "what came before is safe");
	answer(s, tid, made(MDS_OP_MKDIR, false, "d")); /* a duplicate */
	cr_assert_eq(t.calls, 1);
	cr_assert_eq(find(b, tid)->state, MREQ_UNSAFE);
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0));
	cr_assert_eq(t.calls, 1);
	cr_assert(unsafe_done(&b->m, dir, tid) && unsafe_done(&b->m, NULL, tid));
	cr_assert(!dir->use && !target->use, "nothing is under way any more");
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0)); /* unknown by now */
	all_gone(b);
	wire_free(b);
}

Test(request, a_rename_concerns_both_directories_and_what_moved)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct inode *other = bed_inode(b, s, OTHER, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_RENAME, dir, "new", &t);
	uint64_t tid;

	cr_assert_eq(mreq_set_path2(r, other, "old", 3), 0);
	tid = submit(r);
	answer(s, tid, made(MDS_OP_RENAME, false, "new"));
	cr_assert(!unsafe_done(&b->m, dir, tid));
	cr_assert(!unsafe_done(&b->m, other, tid));
	cr_assert(!unsafe_done(&b->m, inode_find(&b->m.cache, MADE, SNAP_HEAD), tid));
	answer(s, tid, plain(MDS_OP_RENAME, true, 0));
	cr_assert(unsafe_done(&b->m, other, tid));
	all_gone(b);
	wire_free(b);
}

Test(request, an_attribute_concerns_the_inode_alone)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *i = bed_inode(b, s, MADE, false, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_SETXATTR, i, "", &t));

	answer(s, tid, plain(MDS_OP_SETXATTR, false, 0)); /* not even a trace */
	cr_assert_eq(t.calls, 1);
	cr_assert(!unsafe_done(&b->m, i, tid));
	answer(s, tid, plain(MDS_OP_SETXATTR, true, 0));
	all_gone(b);
	wire_free(b);
}

Test(request, another_sessions_reply_is_none)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0), *s1 = wire_session(b, 1);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));

	answer(s1, tid, plain(MDS_OP_MKDIR, true, 0));
	cr_assert_eq(t.calls, 0);
	answer(s, tid, made(MDS_OP_MKDIR, false, "d"));
	answer(s1, tid, plain(MDS_OP_MKDIR, true, 0));
	cr_assert_not_null(find(b, tid));
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0));
	all_gone(b);
	wire_free(b);
}

Test(request, safe_at_once)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));

	answer(s, tid, made(MDS_OP_MKDIR, true, "d"));
	cr_assert(t.calls == 1 && t.result == 0 && t.named);
	answer(s, tid, made(MDS_OP_MKDIR, false, "d")); /* an unsafe one behind it is nothing */
	cr_assert_eq(t.calls, 1);
	all_gone(b);
	wire_free(b);
}

Test(request, truncating_opens_change_something)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *i = bed_inode(b, s, MADE, false, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_OPEN, i, "", &t);
	uint64_t tid;

	args_open(r->args, 02, 0, 0, NULL, 0);
	cr_assert(!mreq_is_write(r));
	args_open(r->args, 02 | 01000, 0, 0, NULL, 0);
	cr_assert(mreq_is_write(r));
	tid = submit(r);
	answer(s, tid, plain(MDS_OP_OPEN, false, 0));
	cr_assert_eq(find(b, tid)->state, MREQ_UNSAFE);
	answer(s, tid, plain(MDS_OP_OPEN, true, 0));
	all_gone(b);
	wire_free(b);
}

Test(request, unlinking_leaves_a_name_that_does_not_exist)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct answer a = made(MDS_OP_UNLINK, false, "f");
	struct dentry *d;
	uint64_t tid;

	bed_name(b, s, dir, "f", bed_inode(b, s, MADE, false, CAP_STAT_ALL, 1), 30000);
	tid = submit(request(b, MDS_OP_UNLINK, dir, "f", &t));
	a.target = NULL;
	answer(s, tid, a);
	d = dentry_find(&b->m.cache, dir, "f", 1);
	cr_assert(d && !d->inode && bed_valid(b, dir, "f"));
	answer(s, tid, plain(MDS_OP_UNLINK, true, 0));
	all_gone(b);
	wire_free(b);
}

/* A daemon that took over finds it carried out, and tells no name. */
Test(request, a_change_that_is_answered_without_its_name_leaves_nothing_known_of_it)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid;

	bed_name(b, s, dir, "f", NULL, 30000);
	dir->dir->complete = true;
	cr_assert(bed_valid(b, dir, "f"));
	tid = submit(request(b, MDS_OP_LINK, dir, "f", &t));
	answer(s, tid, plain(MDS_OP_LINK, true, 0));
	cr_assert_eq(t.result, 0);
	cr_assert_null(dentry_find(&b->m.cache, dir, "f", 1));
	cr_assert(!dir->dir->complete);
	all_gone(b);
	wire_free(b);
}

/* So many are answered and not safe that the MDS is asked to write its journal; and they do not use up the
 * budget of what is in flight. */
Test(request, many_unsafe_ones_ask_for_the_journal)
{
	struct bed *b = bed_new(64 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	unsigned asked = 0;
	struct sent *x;

	for (unsigned n = 0; n < 2048; n++)
		answer(s, submit(request(b, MDS_OP_SETATTR, dir, "", &t)), plain(MDS_OP_SETATTR, false, 0));
	while ((x = wire_next()) != NULL)
		asked += x->type == MSG_CLIENT_SESSION && x->front.buf[0] == SESSION_REQUEST_FLUSH_MDLOG;
	cr_assert_eq(asked, 1);
	cr_assert_eq(b->m.unsafe_count, 2048);
	for (uint64_t tid = 1; tid <= 2048; tid++)
		answer(s, tid, plain(MDS_OP_SETATTR, true, 0));
	all_gone(b);
	wire_free(b);
}

/* ---- forwards and the wrong rank ---- */

Test(request, forwarded_it_begins_anew_elsewhere)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0), *s1 = wire_session(b, 1);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL | CAP_FX, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_MKDIR, dir, "d", &t);
	struct parsed q;
	struct sent *x;
	uint64_t tid;

	mreq_drop(r, dir, CAP_FS | CAP_AX | CAP_XX, CAP_FX, true);
	tid = submit(r);
	wire_request(MDS_OP_MKDIR, &q);
	wire_forward(s, tid, 1, 1);
	x = wire_request(MDS_OP_MKDIR, &q);
	cr_assert_eq(x->rank, 1);
	cr_assert_eq(x->tid, tid);
	cr_assert(q.q.num_fwd == 1 && q.q.num_retry == 0 && q.q.release_count == 0);
	answer(s, tid, plain(MDS_OP_MKDIR, true, -EEXIST));
	cr_assert_eq(t.calls, 0, "the first rank has no say any more");
	wire_forward(s1, tid, 0, 1);
	cr_assert(t.calls == 1 && t.result == -EMULTIHOP, "its count must grow");
	all_gone(b);
	wire_free(b);
}

/* Anybody else would send it there again. */
Test(request, forwarded_to_a_rank_that_is_not_active_it_waits)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0), *s1 = wire_session(b, 1);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));
	struct parsed q;

	wire_request(MDS_OP_MKDIR, &q);
	b->map.rank[1].state = MDS_STATE_REJOIN;
	wire_map(b, 10, MDS_STATE_ACTIVE);
	wire_forward(s, tid, 1, 1);
	wire_quiet();
	cr_assert_eq(find(b, tid)->state, MREQ_WAIT_MAP);
	b->map.rank[1].state = MDS_STATE_ACTIVE;
	wire_map(b, 10, MDS_STATE_ACTIVE);
	cr_assert_eq(wire_request(MDS_OP_MKDIR, &q)->rank, 1);
	answer(s1, tid, plain(MDS_OP_MKDIR, true, -EEXIST));
	cr_assert_eq(t.result, -EEXIST);
	all_gone(b);
	wire_free(b);
}

Test(request, stale_is_asked_at_the_authority_once)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0), *s1 = wire_session(b, 1);
	struct inode *i = bed_inode(b, s, MADE, false, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_SETATTR, i, "", &t);
	struct parsed q;
	uint64_t tid;

	r->forced_rank = 1;
	tid = submit(r);
	cr_assert_eq(wire_request(MDS_OP_SETATTR, &q)->rank, 1);
	answer(s1, tid, plain(MDS_OP_SETATTR, true, -ESTALE));
	cr_assert_eq(wire_request(MDS_OP_SETATTR, &q)->rank, 0);
	answer(s, tid, plain(MDS_OP_SETATTR, true, -ESTALE));
	cr_assert(t.calls == 1 && t.result == -ESTALE);
	wire_quiet();
	all_gone(b);
	wire_free(b);
}

/* ---- a maker that leaves ---- */

Test(request, an_abandoned_change_keeps_its_place_and_binds_no_name)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	bool uncertain = false;
	struct mreq *r = request(b, MDS_OP_MKDIR, dir, "d", &t);
	uint64_t tid;

	bed_name(b, s, dir, "d", NULL, 30000);
	dir->dir->complete = true;
	r->uncertain = &uncertain;
	tid = submit(r);
	mreq_abandon(r);
	cr_assert(uncertain);
	cr_assert(!bed_valid(b, dir, "d"), "whether it exists is not known");
	cr_assert(!dir->dir->complete);
	bed_name(b, s, dir, "d", NULL, 30000); /* what somebody learned meanwhile is older than the change */
	dir->dir->complete = true;
	answer(s, tid, made(MDS_OP_MKDIR, false, "d"));
	cr_assert_eq(t.calls, 0);
	cr_assert_null(dentry_find(&b->m.cache, dir, "d", 1));
	cr_assert(!dir->dir->complete);
	cr_assert_not_null(cap_auth(inode_find(&b->m.cache, MADE, SNAP_HEAD)), "what it grants counts");
	cr_assert_eq(find(b, tid)->state, MREQ_UNSAFE);
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0));
	all_gone(b);
	wire_free(b);
}

Test(request, never_sent_it_is_certain)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	bool uncertain = false;
	struct mreq *r = request(b, MDS_OP_MKDIR, dir, "d", &t);

	s->state = SESS_OPENING;
	r->uncertain = &uncertain;
	submit(r);
	cr_assert_eq(r->state, MREQ_WAIT_SESSION);
	mreq_abandon(r);
	cr_assert(!uncertain);
	wire_quiet();
	all_gone(b);
	wire_free(b);
}

Test(request, an_abandoned_one_that_is_forwarded_is_over)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_MKDIR, dir, "d", &t);
	uint64_t tid = submit(r);

	mreq_abandon(r);
	wire_forward(s, tid, 1, 1);
	all_gone(b);
	wire_free(b);
}

/* ---- failover ---- */

/* An unsafe mkdir, an unsafe unlink, a rename that is not answered, and a question. */
struct flight {
	struct bed *b;
	struct session *s;
	struct inode *dir;
	struct told mkdir, unlink, rename, getattr;
	uint64_t mkdir_tid, unlink_tid, rename_tid, getattr_tid, mkdir_stamp;
	bool uncertain;
};

static void flight_begin(struct flight *f)
{
	struct answer gone = made(MDS_OP_UNLINK, false, "gone");
	struct parsed q;
	struct mreq *r;

	f->b = bed_new(1 << 20);
	f->b->map.rank_count = f->b->m.map->rank_count = 1;
	f->s = wire_session(f->b, 0);
	f->dir = bed_inode(f->b, f->s, DIR, true, CAP_STAT_ALL, 1);
	f->getattr_tid = submit(request(f->b, MDS_OP_GETATTR, f->dir, "", &f->getattr));
	f->mkdir_tid = submit(request(f->b, MDS_OP_MKDIR, f->dir, "d", &f->mkdir));
	r = request(f->b, MDS_OP_RENAME, f->dir, "to", &f->rename);
	cr_assert_eq(mreq_set_path2(r, f->dir, "from", 4), 0);
	r->uncertain = &f->uncertain;
	mreq_drop(r, f->dir, CAP_FS, 0, false);
	f->rename_tid = submit(r);
	f->unlink_tid = submit(request(f->b, MDS_OP_UNLINK, f->dir, "gone", &f->unlink));
	wire_request(MDS_OP_GETATTR, &q);
	wire_request(MDS_OP_MKDIR, &q);
	f->mkdir_stamp = q.q.stamp_ns;
	wire_request(MDS_OP_RENAME, &q);
	wire_request(MDS_OP_UNLINK, &q);
	gone.target = NULL;
	answer(f->s, f->unlink_tid, gone);
	answer(f->s, f->mkdir_tid, made(MDS_OP_MKDIR, false, "d"));
	wire_quiet();
}

static void expect_replays(struct flight *f)
{
	struct parsed q;
	struct sent *x = wire_request(MDS_OP_MKDIR, &q);

	cr_assert_eq(x->tid, f->mkdir_tid);
	cr_assert_eq(q.q.flags, MDS_FLAG_REPLAY | MDS_FLAG_WANT_DENTRY);
	cr_assert_eq(q.q.ino, MADE, "the number that it was given");
	cr_assert(q.q.num_retry == 1 && q.q.release_count == 0);
	cr_assert_eq(q.q.stamp_ns, f->mkdir_stamp, "the time of the first sending");
	x = wire_request(MDS_OP_UNLINK, &q);
	cr_assert_eq(x->tid, f->unlink_tid);
	cr_assert_eq(q.q.flags, MDS_FLAG_REPLAY | MDS_FLAG_WANT_DENTRY);
	cr_assert_eq(q.q.ino, 0);
	x = wire_request(MDS_OP_RENAME, &q);
	cr_assert_eq(x->tid, f->rename_tid);
	cr_assert_eq(q.q.flags, MDS_FLAG_WANT_DENTRY);
	cr_assert(q.q.num_retry == 1 && q.q.release_count == 0 && q.q.ino == 0);
	x = wire_next();
	cr_assert(x && x->type == MSG_CLIENT_RECONNECT, "then what is held");
	wire_quiet();
}

Test(failover, replays_then_what_was_not_answered_then_the_caps)
{
	struct flight f = { 0 };
	struct parsed q;

	flight_begin(&f);
	wire_map(f.b, 77, MDS_STATE_REPLAY);
	wire_quiet();
	cr_assert_eq(f.rename.calls, 0);
	wire_map(f.b, 77, MDS_STATE_RECONNECT);
	expect_replays(&f);
	wire_map(f.b, 77, MDS_STATE_REJOIN);
	wire_says(f.s, SESSION_OPEN);
	wire_quiet();
	answer(f.s, f.mkdir_tid, plain(MDS_OP_MKDIR, true, 0));
	wire_map(f.b, 77, MDS_STATE_ACTIVE);
	cr_assert_eq(wire_request(MDS_OP_GETATTR, &q)->tid, f.getattr_tid, "questions go when it is active");
	cr_assert_eq(f.b->m.stats.replays, 2);
	answer(f.s, f.unlink_tid, plain(MDS_OP_UNLINK, true, 0));
	answer(f.s, f.rename_tid, made(MDS_OP_RENAME, false, "to"));
	answer(f.s, f.rename_tid, plain(MDS_OP_RENAME, true, 0));
	answer(f.s, f.getattr_tid, plain(MDS_OP_GETATTR, true, -EACCES));
	cr_assert(f.rename.calls == 1 && f.rename.result == 0);
	cr_assert(f.mkdir.calls == 1 && f.unlink.calls == 1 && f.getattr.calls == 1);
	cr_assert_eq(f.b->m.lost, 0);
	all_gone(f.b);
	wire_free(f.b);
}

/* Twice: the daemon that took over dies too, before it was done. */
Test(failover, replays_are_repeated)
{
	struct flight f = { 0 };
	struct parsed q;

	flight_begin(&f);
	wire_map(f.b, 77, MDS_STATE_RECONNECT);
	expect_replays(&f);
	wire_map(f.b, 78, MDS_STATE_RECONNECT);
	wire_request(MDS_OP_MKDIR, &q);
	cr_assert_eq(q.q.num_retry, 2);
	cr_assert_eq(q.q.flags & MDS_FLAG_REPLAY, MDS_FLAG_REPLAY);
	wire_request(MDS_OP_UNLINK, &q);
	wire_request(MDS_OP_RENAME, &q);
	cr_assert_eq(q.q.num_retry, 2);
	cr_assert_eq(wire_next()->type, MSG_CLIENT_RECONNECT);
	mreqs_fail_all(&f.b->m, -ESHUTDOWN);
	cr_assert(f.rename.calls == 1 && f.rename.result == -ESHUTDOWN && f.uncertain);
	wire_free(f.b);
}

/* As fsync would have. */
static void errors_told(struct flight *f)
{
	struct inode *of[] = { f->dir, inode_find(&f->b->m.cache, MADE, SNAP_HEAD) };

	for (int n = 0; n < 2; n++) {
		of[n]->use->error = 0;
		inode_use_settle(&f->b->m, of[n]);
	}
}

/* The two unsafe ones are lost: their inodes say so, once; the rename failed and it is not known with what
 * effect; the question goes on. */
static void expect_lost(struct flight *f, int err)
{
	struct inode *target = inode_find(&f->b->m.cache, MADE, SNAP_HEAD);

	wire_turn(f->b);
	cr_assert(f->dir->use && f->dir->use->error == err, "the directory");
	cr_assert(target && target->use && target->use->error == err, "what was made");
	cr_assert_eq(f->b->m.lost, err);
	cr_assert(f->rename.calls == 1 && f->rename.result == -ESHUTDOWN && !f->rename.had_reply);
	cr_assert(f->uncertain);
	cr_assert_eq(f->b->m.unsafe_count, 0);
	cr_assert_null(dentry_find(&f->b->m.cache, f->dir, "d", 1), "what everybody saw may be undone");
	errors_told(f);
}

Test(failover, a_denied_reconnect_loses_what_was_unsafe)
{
	struct flight f = { 0 };
	struct parsed q;

	flight_begin(&f);
	wire_map(f.b, 77, MDS_STATE_RECONNECT);
	expect_replays(&f);
	wire_says(f.s, SESSION_CLOSE);
	expect_lost(&f, -EIO);
	wire_map(f.b, 77, MDS_STATE_ACTIVE);
	wire_session_op(SESSION_REQUEST_OPEN);
	wire_says(f.s, SESSION_OPEN);
	answer(f.s, wire_request(MDS_OP_GETATTR, &q)->tid, plain(MDS_OP_GETATTR, true, -EACCES));
	cr_assert_eq(f.getattr.result, -EACCES);
	all_gone(f.b);
	wire_free(f.b);
}

Test(failover, so_does_a_window_that_passed)
{
	struct flight f = { 0 };
	struct parsed q;

	flight_begin(&f);
	wire_map(f.b, 77, MDS_STATE_REPLAY);
	wire_map(f.b, 77, MDS_STATE_ACTIVE);
	expect_lost(&f, -EIO);
	wire_session_op(SESSION_REQUEST_OPEN);
	wire_says(f.s, SESSION_OPEN);
	answer(f.s, wire_request(MDS_OP_GETATTR, &q)->tid, plain(MDS_OP_GETATTR, true, -EACCES));
	all_gone(f.b);
	wire_free(f.b);
}

Test(failover, a_blocklisted_client_hears_it_at_once)
{
	struct flight f = { 0 };

	flight_begin(&f);
	wire_rejects(f.s, true);
	expect_lost(&f, -ESHUTDOWN);
	cr_assert(f.getattr.calls == 1 && f.getattr.result == -ESHUTDOWN);
	all_gone(f.b);
	wire_free(f.b);
}

/* A rank that stops hands all it had to others before it closes the session. */
Test(failover, a_rank_that_stopped_leaves_nothing_open)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s1 = wire_session(b, 1), *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s1, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));
	struct parsed q;

	cr_assert_eq(wire_request(MDS_OP_MKDIR, &q)->rank, 1);
	b->map.epoch++;
	b->map.rank_count = 1;
	meta_handle_mdsmap(&b->m, &b->map);
	cr_assert_eq(s1->state, SESS_CLOSED);
	cr_assert_eq(wire_request(MDS_OP_MKDIR, &q)->rank, 0);
	answer(s, tid, plain(MDS_OP_MKDIR, true, -EACCES));
	cr_assert_eq(t.result, -EACCES);
	all_gone(b);
	wire_free(b);
}

/* Carried out by whoever took over, or not: a replay that fails undoes what everybody saw. */
Test(failover, a_replay_that_fails_is_an_error_of_its_inodes)
{
	struct flight f = { 0 };

	flight_begin(&f);
	answer(f.s, f.rename_tid, plain(MDS_OP_RENAME, true, -ENOENT));
	answer(f.s, f.getattr_tid, plain(MDS_OP_GETATTR, true, -ENOENT));
	wire_map(f.b, 77, MDS_STATE_RECONNECT);
	answer(f.s, f.mkdir_tid, plain(MDS_OP_MKDIR, true, -ENOSPC));
	cr_assert_eq(f.dir->use->error, -ENOSPC);
	cr_assert_eq(f.b->m.lost, -ENOSPC);
	errors_told(&f);
	answer(f.s, f.unlink_tid, plain(MDS_OP_UNLINK, true, 0));
	all_gone(f.b);
	wire_free(f.b);
}

/* ---- those who wait ---- */

struct waiter {
	struct cephring_op pub;
	unsigned calls;
	int64_t res;
};

static void on_op(struct cephring_op *op, int64_t res, void *user)
{
	struct waiter *w = user;

	(void)op;
	w->calls++;
	w->res = res;
}

static void sync_begin(struct bed *b, struct waiter *w, struct file *f)
{
	const struct op_family *fam = f ? &op_fsync_family : &op_syncfs_family;
	struct op *op;

	*w = (struct waiter){ 0 };
	cr_assert_eq(op_prepare(&b->m, &w->pub, fam, on_op, w, &op), 0);
	memset(&op->u.sync, 0, sizeof op->u.sync);
	op->u.sync.file = f;
	if (f)
		f->busy++;
	cr_assert_eq(op_submit(op), 0);
	wire_turn(b);
}

Test(sync, waits_for_what_was_done_before)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct file f = { .m = &b->m, .inode = dir };
	struct waiter one, all, later;
	struct told t = { 0 };
	uint64_t tid, second;
	struct parsed q;

	sync_begin(b, &one, &f);
	cr_assert(one.calls == 1 && one.res == 0, "nothing was done");
	tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));
	answer(s, tid, made(MDS_OP_MKDIR, false, "d"));
	wire_request(MDS_OP_MKDIR, &q);
	sync_begin(b, &one, &f);
	wire_session_op(SESSION_REQUEST_FLUSH_MDLOG);
	sync_begin(b, &all, NULL);
	wire_session_op(SESSION_REQUEST_FLUSH_MDLOG);
	cr_assert(one.calls == 0 && all.calls == 0);
	second = submit(request(b, MDS_OP_MKDIR, dir, "d2", &t));
	answer(s, second, made(MDS_OP_MKDIR, false, "d2"));
	sync_begin(b, &later, &f);
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0));
	wire_turn(b);
	cr_assert(one.calls == 1 && one.res == 0);
	cr_assert(all.calls == 1 && all.res == 0, "what came after it is not waited for");
	cr_assert_eq(later.calls, 0);
	answer(s, second, plain(MDS_OP_MKDIR, true, 0));
	wire_turn(b);
	cr_assert(later.calls == 1 && later.res == 0);
	cr_assert_eq(f.busy, 0);
	all_gone(b);
	wire_free(b);
}

Test(sync, reports_a_loss_once)
{
	struct flight f = { 0 };
	struct waiter one, all;
	struct file file;

	flight_begin(&f);
	file = (struct file){ .m = &f.b->m, .inode = f.dir };
	sync_begin(f.b, &one, &file);
	sync_begin(f.b, &all, NULL);
	wire_map(f.b, 77, MDS_STATE_RECONNECT);
	wire_says(f.s, SESSION_CLOSE);
	wire_turn(f.b);
	cr_assert(one.calls == 1 && one.res == -EIO);
	cr_assert(all.calls == 1 && all.res == -EIO);
	sync_begin(f.b, &one, &file);
	sync_begin(f.b, &all, NULL);
	cr_assert(one.calls == 1 && one.res == 0);
	cr_assert(all.calls == 1 && all.res == 0);
	cr_assert_null(f.dir->use);
	mreqs_fail_all(&f.b->m, -ESHUTDOWN);
	inode_find(&f.b->m.cache, MADE, SNAP_HEAD)->use->error = 0;
	inode_use_settle(&f.b->m, inode_find(&f.b->m.cache, MADE, SNAP_HEAD));
	wire_free(f.b);
}

Test(sync, can_be_cancelled_and_has_deadlines)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct file f = { .m = &b->m, .inode = dir };
	struct waiter one;
	struct told t = { 0 };
	uint64_t tid = submit(request(b, MDS_OP_MKDIR, dir, "d", &t));

	answer(s, tid, made(MDS_OP_MKDIR, false, "d"));
	sync_begin(b, &one, &f);
	cr_assert_eq(op_cancel(&b->m, &one.pub), 0);
	wire_turn(b);
	cr_assert(one.calls == 1 && one.res == -ECANCELED);
	cr_assert(LIST_EMPTY(&b->m.syncs));
	cr_assert_eq(f.busy, 0);
	answer(s, tid, plain(MDS_OP_MKDIR, true, 0));
	all_gone(b);
	wire_free(b);
}

/* ---- numbers for new files ---- */

Test(delegated, taken_and_given_back)
{
	struct ino_ranges d = { 0 };

	inos_add(&d, 5, 100);       /* the MDS's own */
	inos_add(&d, ~0ull - 1, 5); /* no such range */
	inos_add(&d, 0x10000000000, 0);
	cr_assert_eq(inos_take(&d), 0);
	inos_add(&d, 0x10000000000, 2);
	inos_add(&d, 0x10000000100, 1);
	cr_assert_eq(inos_take(&d), 0x10000000000);
	inos_give(&d, 0x10000000000);
	cr_assert_eq(d.count, 2, "joined again");
	cr_assert_eq(inos_take(&d), 0x10000000000);
	cr_assert_eq(inos_take(&d), 0x10000000001);
	cr_assert_eq(inos_take(&d), 0x10000000100);
	cr_assert_eq(inos_take(&d), 0);
	inos_give(&d, 0x10000000001);
	cr_assert_eq(inos_take(&d), 0x10000000001);
}

Test(delegated, come_with_creates_and_go_with_the_session)
{
	static const uint64_t numbers[] = { MADE, 2, 0x10000000000, 5, 0x10000000100, 7 };
	uint8_t extra[6 + 8 + 4 + 32] = { 1, 1, 44 };
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct answer a;

	memcpy(extra + 6, &numbers[0], 8);
	memcpy(extra + 14, &numbers[1], 4);
	memcpy(extra + 18, &numbers[2], 32);
	for (int on = 0; on < 2; on++) {
		b->m.o.async_dirops = on;
		a = made(MDS_OP_CREATE, true, "f");
		a.extra = extra;
		a.extra_len = sizeof extra;
		answer(s, submit(request(b, MDS_OP_CREATE, dir, "f", &t)), a);
		cr_assert_eq(s->delegated.count, on ? 2 : 0);
	}
	cr_assert_eq(inos_take(&s->delegated), 0x10000000000);
	wire_map(b, 77, MDS_STATE_RECONNECT);
	cr_assert_eq(s->delegated.count, 0);
	all_gone(b);
	wire_free(b);
}

Test(request, an_asynchronous_one_never_waits)
{
	struct bed *b = bed_new(1 << 20);
	struct session *s = wire_session(b, 0);
	struct inode *dir = bed_inode(b, s, DIR, true, CAP_STAT_ALL, 1);
	struct told t = { 0 };
	struct mreq *r = request(b, MDS_OP_CREATE, dir, "f", &t);
	struct parsed q;
	uint64_t tid;

	r->async = true;
	r->created_ino = 0x10000000000;
	tid = submit(r);
	wire_request(MDS_OP_CREATE, &q);
	cr_assert_eq(q.q.flags, MDS_FLAG_WANT_DENTRY | MDS_FLAG_ASYNC);
	cr_assert_eq(q.q.ino, 0x10000000000);
	answer(s, tid, plain(MDS_OP_CREATE, true, -EEXIST));
	s->state = SESS_OPENING;
	r = request(b, MDS_OP_CREATE, dir, "f", &t);
	r->async = true;
	submit(r);
	cr_assert_eq(t.calls, 1, "not from inside the call");
	wire_turn(b);
	cr_assert(t.calls == 2 && t.result == -EAGAIN);
	wire_quiet();
	all_gone(b);
	wire_free(b);
}

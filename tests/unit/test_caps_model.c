/* Random sequences of what MDSs and users do, against a small model of the MDS's side (doc/protocol.md 7.5):
 * what it believes to be held, which revokes are open, what was flushed and what stands in its journal. Two
 * ranks, messages in order on each session and otherwise at any time; migrations, staleness, failovers.
 *
 *   always   what we count as issued the MDS knows to be ours; nothing dirty is given back unsaid
 *   at rest  no revoke is open, nobody waits, and both sides have the same values: no acknowledgement and no
 *            change was lost
 */
#include "caps_bed.h"

enum { INODES = 3, RANKS = 2, REVOKES = 64, QUEUE = 4096, TIDS = 1 << 16, WAITERS = 4 };

struct mcap {
	bool present;
	uint64_t cap_id;
	uint32_t mseq, seq, last_issue, pending, issued, wanted;
	struct {
		uint32_t before, seq;
	} revoke[REVOKES];
	int revokes;
};

struct value {
	uint32_t uid, truncate_seq;
	uint64_t size;
};

struct mnode {
	struct mcap cap[RANKS];
	int auth;
	struct value now, durable;
	uint64_t version;
	uint32_t leftover; /* what was being given back at a failover: the new daemon never knew of it */
	struct inode *i;
};

struct entry { /* the journal */
	int node;
	uint64_t tid;
	uint32_t bits;
	struct value v;
};

/* From the MDSs, in order for each rank. */
struct push_msg {
	enum { PUSH_CAPS, PUSH_STAT, PUSH_STALE } kind;
	struct caps_msg c;
	struct inode_stat st;
};

static struct bed *bed;
static struct session *ses[RANKS];
static struct mnode node[INODES];
static struct push_msg down[RANKS][QUEUE];
static unsigned down_in[RANKS], down_out[RANKS];
static struct said up[RANKS][QUEUE];
static unsigned up_in[RANKS], up_out[RANKS];
static struct entry journal[QUEUE];
static unsigned journal_in, journal_out;
static bool done_tid[TIDS], stale[RANKS];
static uint32_t refs[INODES][2];
static struct cap_wait waits[WAITERS];
static uint64_t seed, next_cap_id = 100;
static unsigned step;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static struct mnode *node_of(uint64_t ino)
{
	return &node[ino - 2];
}

/* ---- the MDS's side ---- */

static void cap_issue(struct mcap *c, uint32_t caps)
{
	if (c->pending & ~caps) {
		cr_assert_lt(c->revokes, REVOKES);
		c->revoke[c->revokes].before = c->pending;
		c->revoke[c->revokes++].seq = c->seq;
	}
	c->pending = caps;
	c->issued |= caps;
	while (c->revokes && !(c->revoke[c->revokes - 1].before & ~c->pending))
		c->revokes--;
	c->seq++;
}

static void forget_first_revoke(struct mcap *c)
{
	memmove(c->revoke, c->revoke + 1, (size_t)(--c->revokes) * sizeof *c->revoke);
}

static void cap_confirm(struct mcap *c, uint32_t seq, uint32_t caps)
{
	if (seq == c->seq) {
		c->revokes = 0;
		c->issued = caps;
		c->pending &= caps;
		return;
	}
	while (c->revokes && c->revoke[0].seq < seq)
		forget_first_revoke(c);
	if (!c->revokes) {
		c->issued = caps | c->pending;
		return;
	}
	if (c->revoke[0].seq == seq)
		c->revoke[0].before = caps;
	c->issued = c->pending;
	for (int n = 0; n < c->revokes; n++)
		c->issued |= c->revoke[n].before;
}

static struct push_msg *send_down(int rank)
{
	struct push_msg *p = &down[rank][down_in[rank]++ % QUEUE];

	cr_assert_lt(down_in[rank] - down_out[rank], QUEUE);
	*p = (struct push_msg){ 0 };
	return p;
}

static struct caps_msg *send_caps(struct mnode *n, int rank, uint32_t op)
{
	struct mcap *c = &n->cap[rank];
	struct push_msg *p = send_down(rank);

	p->c = (struct caps_msg){ .op = op,
				  .ino = (uint64_t)(n - node) + 2,
				  .cap_id = c->cap_id,
				  .seq = c->seq,
				  .mseq = c->mseq,
				  .caps = c->pending,
				  .wanted = c->wanted,
				  .mode = 0100644,
				  .uid = n->now.uid,
				  .nlink = 1,
				  .size = n->now.size,
				  .truncate_seq = n->now.truncate_seq,
				  .truncate_size = UINT64_MAX,
				  .max_size = 1 << 30 };
	return &p->c;
}

static void send_stat(struct mnode *n, int rank)
{
	struct mcap *c = &n->cap[rank];
	struct push_msg *p = send_down(rank);

	c->last_issue = c->seq;
	p->kind = PUSH_STAT;
	p->st = (struct inode_stat){ .ino = (uint64_t)(n - node) + 2,
				     .snapid = SNAP_HEAD,
				     .version = n->version,
				     .mode = 0100644,
				     .uid = n->now.uid,
				     .nlink = 1,
				     .size = n->now.size,
				     .truncate_seq = n->now.truncate_seq,
				     .truncate_size = UINT64_MAX,
				     .max_size = 1 << 30,
				     .dir_pin = -1,
				     .cap = { .caps = c->pending,
					      .wanted = c->wanted,
					      .seq = c->seq,
					      .mseq = c->mseq,
					      .cap_id = c->cap_id,
					      .flags = 1 } };
}

static void send_ack(struct mnode *n, uint64_t tid, uint32_t bits)
{
	struct caps_msg *c = send_caps(n, n->auth, CAPS_FLUSH_ACK);

	c->tid = tid;
	c->dirty = bits;
	c->caps = c->seq = c->mode = 0; /* an echo: nothing of it may be believed */
	c->size = 0;
}

static void flushed(struct mnode *n, const struct caps_msg *c)
{
	struct value was = n->now;

	cr_assert_lt(c->tid, TIDS);
	if (done_tid[c->tid]) {
		send_ack(n, c->tid, c->dirty);
		return;
	}
	if (c->dirty & CAP_AX)
		n->now.uid = c->uid;
	if (c->dirty & CAP_FW)
		n->now.size = c->size;
	n->version += 2;
	/* What stands in the journal already need not be written: answered at once. */
	if (!memcmp(&was, &n->now, sizeof was) && !memcmp(&was, &n->durable, sizeof was) && rnd(2)) {
		done_tid[c->tid] = true;
		send_ack(n, c->tid, c->dirty);
		return;
	}
	journal[journal_in++ % QUEUE] =
	    (struct entry){ .node = (int)(n - node), .tid = c->tid, .bits = c->dirty, .v = n->now };
}

static void commit(void)
{
	struct entry *e = &journal[journal_out++ % QUEUE];

	if (e->node < 0)
		return;
	node[e->node].durable = e->v;
	done_tid[e->tid] = true;
	send_ack(&node[e->node], e->tid, e->bits);
}

static void receive(int rank)
{
	const struct said *a = &up[rank][up_out[rank]++ % QUEUE];
	struct mnode *n;
	struct mcap *c;

	if (a->type != MSG_CLIENT_CAPS)
		return;
	n = node_of(a->c.ino);
	c = &n->cap[rank];
	if (c->present && (a->c.cap_id != c->cap_id || (int32_t)(a->c.mseq - c->mseq) < 0))
		return; /* of an earlier incarnation */
	if (a->c.tid && n->auth == rank)
		flushed(n, &a->c);
	if (!c->present)
		return;
	if (a->c.seq == c->seq && !stale[rank])
		cr_assert_eq(a->c.caps & ~(c->issued | n->leftover), 0,
			     "step %u: more is said to be held than was given", step);
	cap_confirm(c, a->c.seq, a->c.caps & c->issued);
	c->wanted = a->c.issue_seq == c->last_issue ? a->c.wanted : c->wanted | a->c.wanted;
}

/* ---- our side ---- */

static void keep(struct session *s, const struct said *a)
{
	struct inode *i;

	if (a->type == MSG_CLIENT_CAPS && a->c.op == CAPS_UPDATE) {
		i = inode_find(&bed->m.cache, a->c.ino, SNAP_HEAD);
		cr_assert(!i->use || !(i->use->dirty & ~a->c.caps) || !cap_find(i, s)->auth,
			  "step %u: what is dirty is given back unsaid", step);
	}
	up[s->rank][up_in[s->rank]++ % QUEUE] = *a;
	said_taken = said_count;
}

static void arrive(int rank)
{
	struct push_msg *p = &down[rank][down_out[rank]++ % QUEUE];

	if (p->kind == PUSH_CAPS) {
		caps_handle(&bed->m, ses[rank], &p->c);
	} else if (p->kind == PUSH_STAT) {
		cr_assert_not_null(trace_inode(&bed->m, ses[rank], &p->st));
	} else {
		ses[rank]->cap_gen++;
		caps_renewed(&bed->m, ses[rank]);
		stale[rank] = false;
		/* The renewal: what is wanted is granted again. */
		for (int k = 0; k < INODES; k++)
			if (node[k].cap[rank].present) {
				cap_issue(&node[k].cap[rank], CAP_STAT_ALL);
				send_caps(&node[k], rank, CAPS_GRANT);
			}
	}
}

static void set_uid(int k)
{
	struct inode *i = node[k].i;
	struct attrs a = i->a;

	if (!(issued(bed, i) & CAP_AX))
		return;
	cr_assert_eq(caps_mark_dirty(&bed->m, i, CAP_AX, 0, 0), 0);
	a.uid = 1000 + step;
	inode_set_attrs(&bed->m.cache, i, &a);
}

static void append(int k)
{
	struct inode *i = node[k].i;
	struct attrs a = i->a;

	if (caps_try(&bed->m, i, CAP_FW))
		return;
	a.size++;
	inode_set_attrs(&bed->m.cache, i, &a);
	cr_assert_eq(caps_mark_dirty(&bed->m, i, CAP_FW, 0, 0), 0);
	caps_put(&bed->m, i, CAP_FW);
}

static void hold(int k)
{
	static const uint32_t bit[2] = { CAP_FR, CAP_FC };
	int b = (int)rnd(2);

	if (refs[k][b] < 3 && !caps_try(&bed->m, node[k].i, bit[b]))
		refs[k][b]++;
}

static void let_go(int k, int b)
{
	static const uint32_t bit[2] = { CAP_FR, CAP_FC };

	if (!refs[k][b])
		return;
	refs[k][b]--;
	caps_put(&bed->m, node[k].i, bit[b]);
}

static void got_it(struct cap_wait *w, int err)
{
	cr_assert_eq(err, 0);
	caps_put(&bed->m, w->inode, w->got);
	w->got = 0;
}

static void begin_wait(int k)
{
	struct cap_wait *w = &waits[rnd(WAITERS)];

	if (w->waiting)
		return;
	*w = (struct cap_wait){
		.inode = node[k].i, .need = rnd(2) ? CAP_FR : CAP_FW, .want = CAP_FC, .fn = got_it
	};
	if (!caps_get(&bed->m, w))
		got_it(w, 0);
}

/* ---- events ---- */

static void other_changes(struct mnode *n)
{
	uint32_t held = n->cap[0].issued | n->cap[1].issued;

	if (stale[0] || stale[1])
		return;
	if (!(held & (CAP_AS | CAP_AX)) && !caps_dirty(n->i)) {
		n->now.uid = n->durable.uid = step;
		n->version += 2;
	}
	if (!(held & (CAP_FS | CAP_FX | CAP_FR | CAP_FC | CAP_FW | CAP_FB)) && !caps_dirty(n->i)) {
		n->now.size = n->durable.size = rnd(100);
		n->durable.truncate_seq = ++n->now.truncate_seq;
		n->version += 2;
	}
}

static void migrate(struct mnode *n)
{
	int from = n->auth, to = 1 - from;
	struct mcap *old = &n->cap[from], *new = &n->cap[to];
	struct caps_msg *c;

	if (!old->present || new->present || old->revokes || stale[0] || stale[1])
		return;
	/* Real MDSs wait until the client has heard all that the exporter said (FLUSHMSG). Here it need not
	 * have, but what the importer said when it last had the inode is heard. */
	if (down_in[to] != down_out[to])
		return;
	*new = (struct mcap){ .present = true,
			      .cap_id = ++next_cap_id,
			      .mseq = old->mseq + 1,
			      .seq = 1,
			      .last_issue = 1,
			      .pending = old->pending,
			      .issued = old->issued,
			      .wanted = old->wanted };
	c = send_caps(n, from, CAPS_EXPORT);
	c->has_peer = true;
	c->peer = (struct cap_peer){ .cap_id = new->cap_id, .seq = 1, .mseq = new->mseq, .rank = to };
	c->caps = c->seq = 0;
	c = send_caps(n, to, CAPS_IMPORT);
	c->has_peer = true;
	c->peer = (struct cap_peer){
		.cap_id = old->cap_id, .seq = old->seq, .mseq = old->mseq, .rank = from, .flags = 1
	};
	old->present = false;
	old->pending = old->issued = 0;
	n->auth = to;
}

/* In conflict with nobody's writing: then the MDS would evict. */
static void go_stale(int rank)
{
	if (stale[rank])
		return;
	for (int k = 0; k < INODES; k++) {
		struct mcap *c = &node[k].cap[rank];

		if (c->present && (c->issued & ~c->pending & CAP_ANY_WR))
			return;
	}
	for (int k = 0; k < INODES; k++) {
		struct mcap *c = &node[k].cap[rank];

		c->revokes = 0;
		c->pending = c->issued = c->present ? CAP_PIN : 0;
		c->seq += c->present;
	}
	stale[rank] = true;
	send_down(rank)->kind = PUSH_STALE;
}

/* What is not in the journal, or not answered, is lost with the daemon. */
static void fail_over(int rank)
{
	struct session *s = ses[rank];

	for (int k = 0; k < INODES; k++) /* a hand-over under way ends before, as the other rank saw it */
		if (node[k].cap[0].present + node[k].cap[1].present != 1 || node[k].i->caps == NULL ||
		    node[k].i->caps->next || !cap_find(node[k].i, ses[node[k].auth]) ||
		    cap_find(node[k].i, ses[node[k].auth])->cap_id != node[k].cap[node[k].auth].cap_id)
			return;
	if (stale[rank] || down_in[1 - rank] != down_out[1 - rank])
		return;
	down_out[rank] = down_in[rank];
	up_out[rank] = up_in[rank];
	for (unsigned e = journal_out; e != journal_in; e++)
		if (journal[e % QUEUE].node >= 0 && node[journal[e % QUEUE].node].auth == rank)
			journal[e % QUEUE].node = -1;
	for (int k = 0; k < INODES; k++)
		if (node[k].auth == rank) {
			node[k].now = node[k].durable;
			node[k].cap[rank].present = false;
		}
	s->state = SESS_RECONNECTING;
	s->cap_gen++;
	reconnect_send(s);
	while (up_out[rank] != up_in[rank])
		receive(rank);
	for (int k = 0; k < INODES; k++) {
		struct cap *c = cap_find(node[k].i, s);
		struct mcap *m = &node[k].cap[rank];

		if (node[k].auth == rank)
			node[k].leftover |= c->implemented & ~c->issued;
		if (node[k].auth == rank)
			*m = (struct mcap){ .present = true,
					    .cap_id = c->cap_id,
					    .pending = c->issued,
					    .issued = c->issued,
					    .wanted = c->mds_wanted };
	}
	s->state = SESS_OPEN;
	caps_kick_reconnected(&bed->m, s);
}

/* ---- what must be so ---- */

static void look(void)
{
	for (int k = 0; k < INODES; k++) {
		const char *why = caps_check(node[k].i);
		uint32_t know = node[k].cap[0].issued | node[k].cap[1].issued;
		char text[2][CAP_TEXT_MAX];

		cr_assert_null(why, "step %u: %s", step, why);
		cr_assert(stale[0] || stale[1] || !(issued(bed, node[k].i) & ~know),
			  "step %u inode %d: we count on %s, the MDS knows of %s", step, k + 2,
			  cap_text(issued(bed, node[k].i), text[0]), cap_text(know, text[1]));
	}
}

static void one_step(void)
{
	int k = (int)rnd(INODES), rank = (int)rnd(RANKS);
	struct mnode *n = &node[k];
	struct mcap *c = &n->cap[n->auth];

	switch (rnd(20)) {
	case 0:
		cap_issue(c, c->pending | (rnd(0x10000) & EXCL_FILE) | CAP_PIN);
		send_caps(n, n->auth, CAPS_GRANT);
		break;
	case 1:
	case 2:
		cap_issue(c, (c->pending & rnd(0x10000)) | CAP_PIN);
		send_caps(n, n->auth, CAPS_REVOKE);
		break;
	case 3:
		cap_issue(c, c->pending | (rnd(0x10000) & EXCL_FILE));
		send_stat(n, n->auth);
		break;
	case 4:
		set_uid(k);
		break;
	case 5:
		append(k);
		break;
	case 6:
		hold(k);
		break;
	case 7:
		let_go(k, (int)rnd(2));
		break;
	case 8:
		caps_flush(&bed->m, n->i, rnd(2));
		break;
	case 9:
		other_changes(n);
		break;
	case 10:
		if (journal_in != journal_out)
			commit();
		break;
	case 11:
		if (!rnd(8))
			migrate(n);
		break;
	case 12:
		if (!rnd(16))
			go_stale(rank);
		break;
	case 13:
		if (!rnd(16))
			fail_over(rank);
		break;
	case 14:
		turn_wishes(bed);
		break;
	case 15:
		begin_wait(k);
		break;
	case 16:
		if (!rnd(4))
			caps_give_up_kept(&bed->m);
		break;
	default:
		if (down_in[rank] != down_out[rank])
			arrive(rank);
		if (up_in[rank] != up_out[rank])
			receive(rank);
	}
	look();
}

static void drain(void)
{
	bool more = true;

	while (more) {
		more = false;
		turn_wishes(bed);
		for (int r = 0; r < RANKS; r++) {
			for (; down_in[r] != down_out[r]; more = true)
				arrive(r);
			for (; up_in[r] != up_out[r]; more = true)
				receive(r);
		}
		for (; journal_in != journal_out; more = true)
			commit();
		look();
	}
}

static void settle(void)
{
	drain();
	for (int k = 0; k < INODES; k++)
		for (int b = 0; b < 2; b++)
			while (refs[k][b])
				let_go(k, b);
	caps_flush_all(&bed->m, true);
	drain();
	cr_assert(flush_quiet(&bed->m), "something is never acknowledged");
	for (int k = 0; k < INODES; k++) {
		struct mcap *c = &node[k].cap[node[k].auth];
		char text[CAP_TEXT_MAX];

		cr_assert_eq(c->revokes, 0, "step %u inode %d: a revoke is never answered", step, k + 2);
		cr_assert_eq(c->issued & ~c->pending, 0, "step %u inode %d: %s is never given back", step,
			     k + 2, cap_text(c->issued & ~c->pending, text));
		node[k].leftover = 0;
		cap_issue(c, EXCL_FILE);
		send_caps(&node[k], node[k].auth, CAPS_GRANT);
	}
	drain();
	for (int n = 0; n < WAITERS; n++)
		cr_assert_not(waits[n].waiting, "somebody waits for what was granted");
	for (int k = 0; k < INODES; k++) {
		cr_assert_eq(node[k].i->a.uid, node[k].now.uid, "step %u inode %d: uid %u, the MDS has %u",
			     step, k + 2, node[k].i->a.uid, node[k].now.uid);
		cr_assert_eq(node[k].i->a.size, node[k].now.size,
			     "step %u inode %d: size %lu, the MDS has %lu", step, k + 2, node[k].i->a.size,
			     node[k].now.size);
	}
	cr_assert_eq(bed->m.lost, 0);
}

static void run_model(uint64_t with, unsigned steps)
{
	seed = with;
	bed = bed_new(1 << 20);
	on_said = keep;
	for (int r = 0; r < RANKS; r++)
		ses[r] = bed_session(bed, r);
	for (int k = 0; k < INODES; k++) {
		struct mnode *n = &node[k];

		n->version = 1;
		n->now.truncate_seq = n->durable.truncate_seq = 1;
		n->cap[0] = (struct mcap){ .present = true, .cap_id = ++next_cap_id };
		cap_issue(&n->cap[0], EXCL_FILE);
		send_stat(n, 0);
		arrive(0);
		n->i = inode_find(&bed->m.cache, (uint64_t)k + 2, SNAP_HEAD);
		cr_assert_eq(caps_open(&bed->m, n->i, OPEN_RDWR), 0);
	}
	for (step = 1; step <= steps; step++) {
		one_step();
		if (step % 400 == 0)
			settle();
	}
	settle();
	for (int k = 0; k < INODES; k++)
		caps_close(&bed->m, node[k].i, OPEN_RDWR);
	on_said = NULL;
	bed_free(bed);
}

Test(caps_model, one)
{
	run_model(1, 20000);
}
Test(caps_model, two)
{
	run_model(20260101, 20000);
}
Test(caps_model, three)
{
	run_model(777, 20000);
}
Test(caps_model, four)
{
	run_model(424242, 20000);
}

/* crush_msr.c: rules that retry over several steps (MSR: multi-step retry; Squid and later).
 *
 * Such a rule is: SET_MSR steps, then blocks of TAKE, CHOOSE_MSR(n, type)..., EMIT. A block fills the places
 * [start, end) of the result. Its first CHOOSE divides them into n strides of equal length, one item of the
 * type for each; the next CHOOSE divides each stride, below its item, and so on; the last one, of devices,
 * has strides of one place. When a device is out, nothing is retried on the spot: the whole block is
 * descended again, with another attempt number, until all its places are filled.
 *
 *   used[step][place]   what each step has chosen for the strides, to keep strides apart: an item may serve
 *                       one stride only. Inside a stride there may be several (a host, and the host that came
 *                       in when a device of the first was out). One that mapped nothing is forgotten at the
 *                       end of the descent, not at once, so that the descent's other choices do not depend
 *                       on it.
 *
 * ceph src/crush/mapper.c, doc/dev/crush-msr.rst; doc/protocol.md 14.8.
 */
#include "crush_impl.h"

#define FREE 0x7ffffffe

enum { MSR_STEPS_MAX = 16, MSR_CHILDREN_MAX = 1 << 16 };

struct msr {
	struct crush_run *run;
	uint32_t max, descents, collision_tries;
	bool firstn;
	int32_t *out;
	uint32_t emitted;
	/* the block */
	struct crush_step step[MSR_STEPS_MAX];
	uint32_t steps, children, start, end;
	int32_t used[MSR_STEPS_MAX][CRUSH_RESULT_MAX];
};

/* The places that one call divides, and the stride that it is at. */
struct range {
	const struct crush_bucket *bucket;
	uint32_t step, start, end, stride_len;
	uint32_t at, at_end, index; /* the stride */
	uint32_t round;
};

static void emit(struct msr *m, uint32_t place, int32_t item)
{
	m->out[m->firstn ? m->emitted : place] = item;
	m->emitted++;
}

/* The last step knows: output of firstn is not by place. */
static bool is_mapped(const struct msr *m, const struct range *g)
{
	for (uint32_t i = g->at; i < g->at_end; i++)
		if (m->used[m->steps - 1][i] == FREE)
			return false;
	return true;
}

/* Used by this stride, or by none. */
static bool is_available(const struct msr *m, const struct range *g, int32_t item)
{
	const int32_t *used = m->used[g->step];

	for (uint32_t i = g->start; i < g->end; i++)
		if (used[i] == item)
			return i >= g->at && i < g->at_end;
	return true;
}

/* false: it was there. */
static bool note_used(struct msr *m, const struct range *g, int32_t item)
{
	int32_t *used = m->used[g->step];

	for (uint32_t i = g->at; i < g->at_end; i++) {
		if (used[i] == item)
			return false;
		if (used[i] == FREE) {
			used[i] = item;
			return true;
		}
	}
	return false;
}

static void forget_used(struct msr *m, const struct range *g)
{
	int32_t *used = m->used[g->step];

	for (uint32_t i = g->at_end; i-- > g->at;) {
		if (used[i] != FREE) {
			used[i] = FREE;
			return;
		}
	}
}

/* A device, or a bucket of the step's type; CRUSH_NONE when there is none below. */
static int32_t descend(struct msr *m, const struct range *g, uint32_t try)
{
	uint32_t r = ((g->round * m->max + g->index) << 16) + try;
	const struct crush_bucket *b = g->bucket;
	int32_t item;

	while (crush_spend(m->run, 1) && b && b->size) {
		item = crush_choose(m->run, b, r, g->index);
		if (item >= 0)
			return item;
		b = crush_bucket(m->run->map, item);
		if (b && b->type == m->step[g->step].arg2)
			return item;
	}
	return CRUSH_NONE;
}

static int32_t find(struct msr *m, const struct range *g)
{
	int32_t item;

	for (uint32_t try = 0; try < m->collision_tries && !m->run->err; try++) {
		item = descend(m, g, try);
		if (item == CRUSH_NONE || is_available(m, g, item))
			return item;
	}
	return CRUSH_NONE;
}

static uint32_t choose(struct msr *m, const struct crush_bucket *bucket, uint32_t step, uint32_t children,
		       uint32_t start, uint32_t end, uint32_t round);

/* Maps places of the stride; *forget: its item is new and mapped none. */
static uint32_t choose_stride(struct msr *m, const struct range *g, bool *forget)
{
	bool last = g->step + 1 == m->steps, leaf = m->step[g->step].arg2 == 0, fresh;
	int32_t item = find(m, g);
	uint32_t mapped;

	*forget = false;
	if (item == CRUSH_NONE || leaf != last || leaf != (item >= 0) || (leaf && g->stride_len != 1))
		return 0;
	if (leaf) {
		if (crush_is_out(m->run, item))
			return 0;
		note_used(m, g, item);
		emit(m, g->at, item);
		return 1;
	}
	mapped = choose(m, crush_bucket(m->run->map, item), g->step + 1, g->stride_len, g->at, g->at_end,
			g->round);
	fresh = note_used(m, g, item);
	*forget = fresh && !mapped;
	return mapped;
}

static bool next_stride(const struct msr *m, struct range *g, bool first)
{
	g->index = first ? 0 : g->index + 1;
	g->at = first ? g->start : g->at + g->stride_len;
	g->at_end = g->at + g->stride_len < g->end ? g->at + g->stride_len : g->end;
	return g->at < g->end && crush_spend(m->run, 1);
}

static uint32_t step_strides(const struct msr *m, uint32_t step)
{
	return m->step[step].arg1 ? (uint32_t)m->step[step].arg1 : m->max;
}

static uint32_t choose(struct msr *m, const struct crush_bucket *bucket, uint32_t step, uint32_t children,
		       uint32_t start, uint32_t end, uint32_t round)
{
	struct range g = { .bucket = bucket, .step = step, .start = start, .end = end, .round = round };
	bool forget[CRUSH_RESULT_MAX] = { false }, more;
	uint32_t mapped = 0;

	g.stride_len = children / step_strides(m, step);
	for (more = next_stride(m, &g, true); more; more = next_stride(m, &g, false))
		if (!is_mapped(m, &g))
			mapped += choose_stride(m, &g, &forget[g.index]);
	for (more = next_stride(m, &g, true); more; more = next_stride(m, &g, false))
		if (forget[g.index])
			forget_used(m, &g);
	return mapped;
}

/* --- blocks --- */

/* Reads a block's CHOOSE steps; `n` is behind TAKE. Returns the place of EMIT. */
static uint32_t read_block(struct msr *m, const struct crush_rule *rule, uint32_t n)
{
	struct crush_step s;

	m->steps = 0;
	m->children = 1;
	for (; n < rule->len; n++) {
		s = crush_step(rule, n);
		if (s.op == OP_EMIT)
			return n;
		if (s.op != OP_CHOOSE_MSR || s.arg1 < 0 || m->steps == MSR_STEPS_MAX)
			break;
		m->step[m->steps++] = s;
		m->children *= step_strides(m, m->steps - 1);
		if (!m->children || m->children > MSR_CHILDREN_MAX)
			break;
	}
	m->run->err = -EOPNOTSUPP;
	return n;
}

static void run_block(struct msr *m, const struct crush_bucket *root)
{
	uint32_t goal;

	m->end = m->children < m->max - m->start ? m->start + m->children : m->max;
	goal = m->emitted + (m->end - m->start);
	for (uint32_t s = 0; s < m->steps; s++)
		for (uint32_t i = 0; i < m->max; i++)
			m->used[s][i] = FREE;
	for (uint32_t round = 0; round < m->descents && m->emitted < goal && !m->run->err; round++)
		choose(m, root, 0, m->children, m->start, m->end, round);
	m->start = m->end;
}

static uint32_t read_settings(struct msr *m, const struct crush_rule *rule)
{
	struct crush_step s;
	uint32_t n;

	for (n = 0; n < rule->len; n++) {
		s = crush_step(rule, n);
		if (s.op == OP_SET_MSR_DESCENTS)
			m->descents = (uint32_t)s.arg1;
		else if (s.op == OP_SET_MSR_COLLISION_TRIES)
			m->collision_tries = (uint32_t)s.arg1;
		else
			break;
	}
	return n;
}

/* Rules of another form, which the daemons refuse or end on, are refused. */
int crush_msr(struct crush_run *run, const struct crush_rule *rule, int32_t *out)
{
	const struct crush *c = run->map;
	struct msr m = { .run = run, .max = run->in->result_max, .out = out };
	const struct crush_bucket *root;
	struct crush_step take;
	uint32_t n, emit_at;

	m.descents = c->msr_descents;
	m.collision_tries = c->msr_collision_tries;
	m.firstn = rule->type == CRUSH_RULE_MSR_FIRSTN;
	for (uint32_t i = 0; i < m.max; i++)
		out[i] = CRUSH_NONE;
	for (n = read_settings(&m, rule); n < rule->len && !run->err; n = emit_at + 1) {
		take = crush_step(rule, n);
		root = crush_bucket(c, take.arg1);
		if (take.op != OP_TAKE || !root)
			return -EOPNOTSUPP;
		emit_at = read_block(&m, rule, n + 1);
		if (!run->err && m.steps)
			run_block(&m, root);
	}
	if (run->err)
		return run->err;
	return (int)(m.firstn ? m.emitted : m.max);
}

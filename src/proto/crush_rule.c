/* crush_rule.c: running a rule: TAKE a bucket, CHOOSE items below what is held, EMIT what is held.
 *
 * A rule holds a list of items, at first none. Each CHOOSE step replaces every bucket held by items found
 * below it; SET steps change how hard later steps try. Rules of the MSR kind are another machine:
 * crush_msr.c.
 */
#include "crush_impl.h"

struct machine {
	struct crush_run *run;
	uint32_t max; /* size of the result */
	uint32_t tries, leaf_tries, local_tries, fallback_tries;
	uint8_t vary_r, stable;
	int32_t held[CRUSH_RESULT_MAX], next[CRUSH_RESULT_MAX], leaves[CRUSH_RESULT_MAX];
	uint32_t held_count;
	int32_t *result;
	uint32_t count;
};

static void take(struct machine *m, int32_t item)
{
	const struct crush *c = m->run->map;

	if (item < 0 ? !crush_bucket(c, item) : item >= c->max_devices)
		return;
	m->held[0] = item;
	m->held_count = 1;
}

static void emit(struct machine *m)
{
	for (uint32_t i = 0; i < m->held_count && m->count < m->max; i++)
		m->result[m->count++] = m->held[i];
	m->held_count = 0;
}

static void set(struct machine *m, const struct crush_step *s)
{
	uint32_t arg = (uint32_t)s->arg1;

	if (s->arg1 < 0)
		return;
	switch (s->op) {
	case OP_SET_CHOOSE_TRIES:
		m->tries = arg ? arg : m->tries;
		break;
	case OP_SET_CHOOSELEAF_TRIES:
		m->leaf_tries = arg ? arg : m->leaf_tries;
		break;
	case OP_SET_CHOOSE_LOCAL_TRIES:
		m->local_tries = arg;
		break;
	case OP_SET_CHOOSE_LOCAL_FALLBACK_TRIES:
		m->fallback_tries = arg;
		break;
	case OP_SET_CHOOSELEAF_VARY_R:
		m->vary_r = (uint8_t)arg;
		break;
	default:
		m->stable = arg != 0;
	}
}

static uint32_t leaf_tries(const struct machine *m, bool firstn)
{
	if (m->leaf_tries)
		return m->leaf_tries;
	return firstn && !m->run->map->descend_once ? m->tries : 1;
}

/* Items below `b` are appended to the `count` in next (and leaves). */
static uint32_t choose_below(struct machine *m, const struct crush_bucket *b, const struct crush_step *s,
			     uint32_t numrep, uint32_t count)
{
	bool firstn = s->op == OP_CHOOSE_FIRSTN || s->op == OP_CHOOSELEAF_FIRSTN;
	struct crush_pick p = {
		.bucket = b,
		.type = s->arg2,
		.numrep = numrep,
		.tries = m->tries,
		.leaf_tries = leaf_tries(m, firstn),
		.local_tries = m->local_tries,
		.fallback_tries = m->fallback_tries,
		.vary_r = m->vary_r,
		.stable = m->stable,
		.leaf = s->op == OP_CHOOSELEAF_FIRSTN || s->op == OP_CHOOSELEAF_INDEP,
		.out = m->next + count,
		.leaves = m->leaves + count,
	};
	uint32_t room = m->max - count;

	if (firstn)
		return count + crush_firstn(m->run, &p, 0, room);
	if (numrep < room)
		room = numrep;
	crush_indep(m->run, &p, 0, room);
	return count + room;
}

static void choose(struct machine *m, const struct crush_step *s)
{
	bool leaf = s->op == OP_CHOOSELEAF_FIRSTN || s->op == OP_CHOOSELEAF_INDEP;
	int64_t numrep = s->arg1 > 0 ? s->arg1 : (int64_t)s->arg1 + m->max;
	const struct crush_bucket *b;
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->held_count && numrep > 0; i++) {
		b = crush_bucket(m->run->map, m->held[i]);
		if (b)
			count = choose_below(m, b, s, (uint32_t)numrep, count);
	}
	memcpy(m->held, leaf ? m->leaves : m->next, count * sizeof(*m->held));
	m->held_count = count;
}

static void step(struct machine *m, const struct crush_step *s)
{
	switch (s->op) {
	case OP_NOOP:
		break;
	case OP_TAKE:
		take(m, s->arg1);
		break;
	case OP_EMIT:
		emit(m);
		break;
	case OP_CHOOSE_FIRSTN:
	case OP_CHOOSE_INDEP:
	case OP_CHOOSELEAF_FIRSTN:
	case OP_CHOOSELEAF_INDEP:
		choose(m, s);
		break;
	case OP_SET_CHOOSE_TRIES:
	case OP_SET_CHOOSELEAF_TRIES:
	case OP_SET_CHOOSE_LOCAL_TRIES:
	case OP_SET_CHOOSE_LOCAL_FALLBACK_TRIES:
	case OP_SET_CHOOSELEAF_VARY_R:
	case OP_SET_CHOOSELEAF_STABLE:
		set(m, s);
		break;
	default:
		m->run->err = -EOPNOTSUPP;
	}
}

static int run_rule(struct crush_run *run, const struct crush_rule *rule, int32_t *out)
{
	const struct crush *c = run->map;
	struct machine m = {
		.run = run,
		.max = run->in->result_max,
		.tries = c->total_tries + 1, /* counted as retries, once */
		.local_tries = c->local_tries,
		.fallback_tries = c->fallback_tries,
		.vary_r = c->vary_r,
		.stable = c->stable,
		.result = out,
	};
	struct crush_step s;

	for (uint32_t i = 0; i < rule->len && !run->err; i++) {
		s = crush_step(rule, i);
		step(&m, &s);
	}
	return run->err ? run->err : (int)m.count;
}

int crush_map(const struct crush *c, int rule, const struct crush_input *in, int32_t *out)
{
	struct crush_run run = { .map = c, .in = in, .work = in->work_max ? in->work_max : CRUSH_WORK_MAX };
	const struct crush_rule *r;

	if (rule < 0 || (uint32_t)rule >= c->rule_count || !c->rule[rule].present)
		return -ENOENT;
	if (in->result_max > CRUSH_RESULT_MAX)
		return -E2BIG;
	run.args = crush_args_of(c, in->choose_args);
	r = &c->rule[rule];
	if (r->type == CRUSH_RULE_MSR_FIRSTN || r->type == CRUSH_RULE_MSR_INDEP)
		return crush_msr(&run, r, out);
	return run_rule(&run, r, out);
}

/* Commands to MDSs: whom they go to, what is made of their answers, and that each ends once, whatever becomes
 * of the MDS. */
#include "wire_bed.h"
#include "messages.h"
#include "meta/command.h"

#include <errno.h>

static struct monmap monmap = { .fsid = "0123456789abcdef" };

const struct monmap *__wrap_mon_monmap(const struct mon *m);
const struct monmap *__wrap_mon_monmap(const struct mon *m)
{
	(void)m;
	return &monmap;
}

static const char *const words[] = { "{\"prefix\": ", "\"version\"}" };

struct asking {
	struct command c;
	int res;
	unsigned ended;
};

static void over(struct command *c, int err)
{
	struct asking *a = c->arg;

	a->res = err;
	a->ended++;
}

static void ask(struct bed *b, struct asking *a, const char *to)
{
	*a = (struct asking){ .c = { .to = to,
				     .words = words,
				     .count = 2,
				     .in = "input",
				     .in_len = 5,
				     .done = over,
				     .arg = a } };
	command_begin(&b->m, &a->c);
}

static void asking_free(struct asking *a)
{
	mem_free(a->c.out, a->c.out_len);
	mem_free(a->c.said, a->c.said_len);
}

static void answer(struct session *s, uint64_t tid, const void *front, uint32_t len, const char *printed)
{
	struct msg_in in = { .type = MSG_COMMAND_REPLY,
			     .version = 1,
			     .tid = tid,
			     .front = guarded(front, len),
			     .front_len = len,
			     .data = (const uint8_t *)printed,
			     .data_len = (uint32_t)strlen(printed) };

	commands_handle_reply(s, &in);
}

static void answer_with(struct session *s, uint64_t tid, int32_t result, const char *said,
			const char *printed)
{
	struct enc e;

	enc_init(&e);
	enc_u32(&e, (uint32_t)result);
	enc_str(&e, said);
	answer(s, tid, e.buf, (uint32_t)e.len, printed);
	enc_free(&e);
}

static struct bed *bed(void)
{
	struct bed *b = bed_new(1 << 20);

	strcpy(b->m.map->fs_name, "fs");
	strcpy(b->m.map->rank[0].name, "a");
	strcpy(b->m.map->rank[1].name, "b");
	return b;
}

/* The next message must be a command to this rank. */
static uint64_t sent_to(int rank)
{
	struct sent *x = wire_next();

	cr_assert(x && x->type == MSG_COMMAND, "a command");
	cr_assert_eq(x->rank, rank);
	return x->tid;
}

Test(command, goes_out_and_comes_back)
{
	static const uint8_t front[] = "0123456789abcdef\2\0\0\0\13\0\0\0{\"prefix\": \12\0\0\0\"version\"}";
	struct bed *b = bed();
	struct session *s = wire_session(b, 0), *other = wire_session(b, 1);
	struct asking a;
	uint64_t tid;

	ask(b, &a, "0");
	tid = sent_to(0);
	cr_assert_null(wire_next());
	cr_assert_eq(sent[0].front.len, sizeof front - 1);
	cr_assert_arr_eq(sent[0].front.buf, front, sizeof front - 1);
	cr_assert(sent[0].data.len == 5 && !memcmp(sent[0].data.buf, "input", 5));
	answer_with(s, tid + 1, 0, "", "of another command");
	answer_with(other, tid, 0, "", "of another MDS");
	cr_assert_eq(a.ended, 0);
	answer_with(s, tid, -EACCES, "no", "printed");
	cr_assert(a.ended == 1 && a.res == -EACCES);
	cr_assert(a.c.out_len == 7 && !memcmp(a.c.out, "printed", 7));
	cr_assert(a.c.said_len == 2 && !memcmp(a.c.said, "no", 2));
	answer_with(s, tid, 0, "", "again");
	cr_assert_eq(a.ended, 1);
	asking_free(&a);
	wire_free(b);
}

Test(command, who_is_meant)
{
	static const struct {
		const char *to;
		int first, last;
	} who[] = { { "0", 0, 0 },     { "1", 1, 1 },      { "a", 0, 0 },    { "b", 1, 1 },
		    { "11", 1, 1 },    { "*", 0, 1 },      { "fs:1", 1, 1 }, { "fs:*", 0, 1 },
		    { "", -1, -2 },    { "2", -1, -2 },    { "c", -1, -2 },  { "0x", -1, -2 },
		    { "fs:", -1, -2 }, { "gs:0", -1, -2 }, { "fs", -1, -2 }, { "-1", -1, -2 } };
	struct bed *b = bed();
	struct session *s[2] = { wire_session(b, 0), wire_session(b, 1) };

	for (size_t n = 0; n < sizeof who / sizeof *who; n++) {
		struct asking a;

		ask(b, &a, who[n].to);
		for (int r = who[n].first; r <= who[n].last; r++)
			answer_with(s[r], sent_to(r), 0, "", "");
		cr_assert_null(wire_next(), "%s", who[n].to);
		cr_assert_eq(a.ended, 1, "%s", who[n].to);
		cr_assert_eq(a.res, who[n].first < 0 ? -ENOENT : 0, "%s", who[n].to);
		asking_free(&a);
	}
	wire_free(b);
}

Test(command, the_first_error_of_many_stays)
{
	struct bed *b = bed();
	struct session *s[2] = { wire_session(b, 0), wire_session(b, 1) };
	struct asking a;
	uint64_t tid;

	ask(b, &a, "*");
	tid = sent_to(0);
	cr_assert_eq(sent_to(1), tid);
	answer_with(s[1], tid, -EPERM, "no", "");
	cr_assert_eq(a.ended, 0);
	answer_with(s[0], tid, 0, "yes", "out");
	cr_assert(a.ended == 1 && a.res == -EPERM);
	cr_assert(a.c.said_len == 3 && a.c.out_len == 3, "of the newest answer");
	asking_free(&a);
	wire_free(b);
}

Test(command, broken_answers)
{
	static const uint8_t front[] = "\0\0\0\0\3\0\0\0yes";
	struct bed *b = bed();
	struct session *s = wire_session(b, 0);
	struct asking a;

	for (uint32_t len = 0; len < sizeof front; len++) {
		ask(b, &a, "0");
		answer(s, sent_to(0), front, len, "x");
		cr_assert_eq(a.ended, 1);
		cr_assert_eq(a.res, len < sizeof front - 1 ? -EBADMSG : 0, "cut at %u", len);
		asking_free(&a);
	}
	wire_free(b);
}

Test(command, waits_for_a_session)
{
	struct bed *b = bed();
	struct session *s = wire_session(b, 0);
	struct asking a;

	s->state = SESS_OPENING;
	ask(b, &a, "0");
	cr_assert_null(wire_next());
	s->state = SESS_OPEN;
	commands_session_open(s);
	commands_session_open(s);
	answer_with(s, sent_to(0), 0, "", "");
	cr_assert_null(wire_next(), "sent once");
	cr_assert(a.ended == 1 && a.res == 0);
	asking_free(&a);

	s->state = SESS_REJECTED;
	s->refused = -EACCES;
	ask(b, &a, "0");
	cr_assert(a.ended == 1 && a.res == -EACCES, "refused");
	s->state = SESS_OPEN;
	wire_free(b);
}

Test(command, ends_with_its_mds)
{
	struct bed *b = bed();
	struct session *s[2] = { wire_session(b, 0), wire_session(b, 1) };
	struct asking a, both;
	uint64_t tid;

	ask(b, &a, "0");
	tid = sent_to(0);
	ask(b, &both, "*");
	sent_to(0);
	sent_to(1);
	commands_session_over(s[0], -ETIMEDOUT);
	cr_assert(a.ended == 1 && a.res == -ETIMEDOUT);
	cr_assert_eq(both.ended, 0);
	answer_with(s[0], tid, 0, "", "late");
	commands_session_over(s[1], -ESHUTDOWN);
	cr_assert(a.ended == 1 && both.ended == 1 && both.res == -ETIMEDOUT);
	wire_free(b);
}

Test(command, ends_with_the_mount)
{
	struct bed *b = bed();
	struct session *s = wire_session(b, 0);
	struct asking a[2];

	s->state = SESS_OPENING;
	ask(b, &a[0], "0");
	s->state = SESS_OPEN;
	ask(b, &a[1], "0");
	commands_fail_all(&b->m, -ESHUTDOWN);
	commands_fail_all(&b->m, -EIO);
	commands_session_over(s, -ETIMEDOUT);
	for (int n = 0; n < 2; n++)
		cr_assert(a[n].ended == 1 && a[n].res == -ESHUTDOWN);
	wire_free(b);
}

Test(command, without_a_map)
{
	struct bed *b = bed();
	struct mdsmap *map = b->m.map;
	struct asking a;

	b->m.map = NULL;
	ask(b, &a, "*");
	cr_assert(a.ended == 1 && a.res == -ENOENT);
	b->m.map = map;
	wire_free(b);
}

/* command.c: see command.h. */
#include "command.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void keep(uint8_t **to, uint32_t *to_len, const void *p, uint32_t len)
{
	mem_free(*to, *to_len);
	*to = len ? mem_alloc(len) : NULL;
	*to_len = *to ? len : 0;
	if (*to)
		memcpy(*to, p, len);
}

static void end(struct command *c)
{
	LIST_REMOVE(c, link);
	c->done(c, c->err);
}

/* One rank has nothing more to say. */
static void part_end(struct command *c, int rank, int err)
{
	c->at[rank] = COMMAND_NOT_ASKED;
	if (!c->err)
		c->err = err;
	if (!--c->left)
		end(c);
}

static void send_to(struct command *c, struct session *s)
{
	struct msg *msg = msg_new(MSG_COMMAND, 1, 1, c->tid);

	if (!msg) {
		part_end(c, s->rank, -ENOMEM);
		return;
	}
	command_encode(&msg->front, mon_monmap(s->m->mon)->fsid, c->words, c->count);
	if (c->in_len)
		enc_bytes(&msg->data, c->in, c->in_len);
	c->at[s->rank] = COMMAND_SENT;
	session_send_msg(s, msg);
}

static void part_begin(struct meta *m, struct command *c, int rank)
{
	struct session *s = session_open(m, rank);

	if (!s)
		part_end(c, rank, -ETIMEDOUT);
	else if (s->state == SESS_REJECTED)
		part_end(c, rank, s->refused);
	else if (s->state == SESS_OPEN)
		send_to(c, s);
}

/* ---- who is meant ---- */

static bool is_meant(const struct mds_info *info, int rank, const char *to)
{
	char *rest;
	unsigned long long number = strtoull(to, &rest, 10);

	if (!strcmp(to, "*"))
		return true;
	if (*to && !*rest)
		return number == (unsigned)rank || number == info->gid;
	return !strcmp(to, info->name);
}

static const char *behind_fs_name(const char *to, const char *fs)
{
	size_t len = strlen(fs);

	return !strncmp(to, fs, len) && to[len] == ':' ? to + len + 1 : to;
}

void command_begin(struct meta *m, struct command *c)
{
	const char *to = m->map ? behind_fs_name(c->to, m->map->fs_name) : c->to;
	int first = -1;

	LIST_INSERT_HEAD(&m->commands, c, link);
	c->tid = ++m->last_tid;
	for (int n = 0; m->map && n < (int)m->map->rank_count; n++) {
		if (!m->map->rank[n].present || !is_meant(&m->map->rank[n], n, to))
			continue;
		c->at[n] = COMMAND_WAITS;
		c->left++;
		first = first < 0 ? n : first;
	}
	if (first < 0) {
		c->err = log_fail(m->log, -ENOENT, "a command to mds.%s: no such MDS holds a rank", c->to);
		end(c);
		return;
	}
	c->left++; /* not over before all have been asked */
	for (int n = first; n < MDS_RANK_MAX; n++)
		if (c->at[n] == COMMAND_WAITS)
			part_begin(m, c, n);
	if (!--c->left)
		end(c);
}

/* ---- what comes of it ---- */

void commands_session_open(struct session *s)
{
	struct command *c, *next;

	for (c = LIST_FIRST(&s->m->commands); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->at[s->rank] == COMMAND_WAITS)
			send_to(c, s);
	}
}

void commands_session_over(struct session *s, int err)
{
	struct command *c, *next;

	for (c = LIST_FIRST(&s->m->commands); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->at[s->rank] == COMMAND_NOT_ASKED)
			continue;
		log_fail(s->m->log, err, "mds.%d went away before it answered the command \"%s\"", s->rank,
			 c->count ? c->words[0] : "");
		part_end(c, s->rank, err);
	}
}

void commands_handle_reply(struct session *s, const struct msg_in *in)
{
	struct dec d = dec_init(in->front, in->front_len);
	struct command_reply r;
	struct command *c;

	LIST_FOREACH(c, &s->m->commands, link)
	if (c->tid == in->tid && c->at[s->rank] == COMMAND_SENT)
		break;
	if (!c)
		return;
	if (command_reply_decode(&d, &r)) {
		part_end(
		    c, s->rank,
		    log_fail(s->m->log, -EBADMSG, "mds.%d: broken answer to a command: %s", s->rank, d.what));
		return;
	}
	keep(&c->out, &c->out_len, in->data, in->data_len);
	keep(&c->said, &c->said_len, r.said.p, r.said.len);
	if (c->out_len != in->data_len || c->said_len != r.said.len)
		r.result = -ENOMEM;
	part_end(c, s->rank, r.result);
}

void commands_fail_all(struct meta *m, int err)
{
	struct command *c;

	while ((c = LIST_FIRST(&m->commands)) != NULL) {
		c->err = err;
		end(c);
	}
}

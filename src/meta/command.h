/* command.h: a command to MDSs, as `ceph tell` gives them: over the session with each of them, which is
 * opened if there is none. (A second connection of this client would take the session's place at the MDS.)
 *
 *   begin --session open--> MCommand sent to each rank that is named --each answered, or gone--> done
 *
 * Which: "0" a rank, "4123" a daemon's gid, "a" its name, "*" all; also "FS:0", where FS is the mount's own
 * file system by name. Daemons that hold no rank of it are not known here.
 */
#pragma once
#include "meta.h"

struct command {
	LIST_ENTRY(command) link;
	/* Borrowed until done. */
	const char *to;
	const char *const *words;
	uint32_t count;
	const void *in;
	uint32_t in_len;
	/* Once: 0, what an MDS answered with (the first error there was), -ENOENT: nobody of that name,
	 * -ETIMEDOUT: the MDS went away. The command and its answer are the caller's then. */
	void (*done)(struct command *c, int err);
	void *arg;
	/* The newest answer: what was printed, and words about it; mem_alloc()ed; NULL: nothing. */
	uint8_t *out, *said;
	uint32_t out_len, said_len;

	enum command_at { COMMAND_NOT_ASKED, COMMAND_WAITS, COMMAND_SENT } at[MDS_RANK_MAX];
	uint64_t tid;
	uint32_t left; /* ranks that are to answer */
	int err;
};

void command_begin(struct meta *m, struct command *c);
/* All below: nothing where no command is under way. Of a session: it opened; it is no more (err negative). */
void commands_session_open(struct session *s);
void commands_session_over(struct session *s, int err);
void commands_handle_reply(struct session *s, const struct msg_in *in);
void commands_fail_all(struct meta *m, int err);

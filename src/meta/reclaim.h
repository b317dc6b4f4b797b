/* reclaim.h: ending the session that a client left behind when it was killed, so that what it held is free at
 * once: the one that takes its place knows its uuid.
 *
 *   begin --sessions open--> RECLAIM sent to each rank --each answered, or a newer map has it no more--> done
 */
#pragma once
#include "meta.h"

struct reclaim {
	const char *uuid; /* borrowed */
	uint32_t flags;   /* for the MDS: RECLAIM_RESET */
	bool answered[MDS_RANK_MAX], found, ended;
	int err;
	/* Once: 0; -ENOENT: no rank knows that uuid; what an MDS refused with. */
	void (*done)(void *arg, int err);
	void *arg;
};

void reclaim_begin(struct meta *m, struct reclaim *r);
/* All below: nothing where no reclaim is under way. The map changed; a session opened, ended with an error
 * (refused), was answered. */
void reclaim_go_on(struct meta *m);
void reclaim_session_open(struct session *s);
void reclaim_session_lost(struct session *s, int err);
void reclaim_handle_reply(struct session *s, const struct msg_in *in);

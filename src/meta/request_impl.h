/* request_impl.h: between request.c, request_send.c, request_reply.c, drops.c and unsafe.c only. */
#pragma once
#include "request.h"

enum { WIRE_O_TRUNC = 01000 };

/* An answer came: it is no longer in flight. */
void mreq_answered(struct mreq *r);
/* Off every list; the state is NEW. */
void mreq_unpark(struct mreq *r);
/* What fails while it is being made is told at the end of the turn, never from inside the maker's call. */
void mreq_fail_later(struct mreq *r, int err);
/* `done`, if somebody still waits. */
void mreq_tell(struct mreq *r, int result, const struct reply *rep);
/* The end: unregistered, told, freed. */
void mreq_complete(struct mreq *r, int result, const struct reply *rep);
/* Whether the names of its paths exist now is not known: they are forgotten, and their directories are not
 * complete. */
void mreq_forget_names(struct mreq *r);
/* Once more, by whom it was sent to before: a failover. `replay`: it was answered, and not yet safe. */
void mreq_send_again(struct mreq *r, bool replay);

/* unsafe.c: one more of this session; and what was answered was not carried out after all: its inodes have an
 * error. */
void unsafe_count_at(struct session *s);
void unsafe_failed(struct mreq *r, int err);

/* drops.c: takes what is to be given up from our caps and leases, and writes it down; at most MREQ_DROPS. The
 * names are borrowed until the cache changes. */
uint32_t drops_take(struct mreq *r, struct session *s, struct mds_release *out);
void drops_forget(struct mreq *r);

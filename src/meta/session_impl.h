/* session_impl.h: between session.c, session_msg.c, reconnect.c, and the end of a mount (meta.c, sync.c)
 * only. */
#pragma once
#include "session.h"

extern const uint64_t session_our_features;

void session_message(void *arg, const struct msg_in *in);
void session_send(struct session *s, uint32_t op, uint64_t seq);
void session_send_open(struct session *s);
void session_send_renew(struct session *s, uint64_t seq);
/* Closes the TCP side; messages not yet sent are lost. */
void session_disconnect(struct session *s);
void session_drop_caps(struct session *s);
/* The session is over; its requests find another way, or fail with `err` if that is not 0
 * (mreqs_session_over).
 */
void session_closed(struct session *s, int err, bool clean);
/* The session opened, or the map changed: its caps go on if they can. */
void session_go_on(struct session *s);
/* reconnect.c: tells a recovering MDS what we hold. */
void reconnect_send(struct session *s);
/* meta.c: the cache goes, and nothing more comes that could look for it. A reader on another thread may still
 * be inside; none that comes later finds a root. */
void meta_forget(struct meta *m);

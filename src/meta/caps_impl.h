/* caps_impl.h: between the files of caps and flushes only. */
#pragma once
#include "meta.h"
#include "merge.h"
#include "session_impl.h"

/* ---- caps.c ---- */

/* Finds or makes; NULL: no memory. */
struct cap *cap_make(struct meta *m, struct session *s, struct inode *i);
/* A message of `s` about this incarnation was under way while the cap moved to another rank, which spoke
 * first: it tells how it was. */
bool cap_moved_on(const struct inode *i, const struct session *s, uint64_t cap_id, uint32_t mseq);
/* The one authority of its inode from now on. */
void cap_take_auth(struct cap *winner);
/* Before a message with `seq` takes bits. */
void cap_note_loss(struct cap *c, uint32_t seq);
/* The seq to name to the MDS with `caps`: see caps_update.c. */
uint32_t cap_seq(const struct cap *c, uint32_t caps);
/* A stale cap that the MDS speaks of again starts from PIN: what it grants now is all there is. */
void cap_refresh_gen(struct cap *c);
/* Removed, but dirty state stays with the inode: its cap is, or will be, at another rank. */
void cap_unlink(struct meta *m, struct cap *c, bool release);
/* Names below are protected by Fs. */
void caps_fs_changed(struct inode *i, uint32_t before, uint32_t after);
/* Granted over all ranks and not yet given back, dirty bits included: where our word may be newer. */
uint32_t caps_held(const struct inode *i);
/* Bits that the authority is taking back. */
uint32_t caps_revoking(const struct inode *i);

/* ---- caps_update.c, caps_keep.c ---- */

/* What is not wanted any more stays for CAPS_KEEP_MS from now. */
void caps_keep(struct meta *m, struct inode_use *u);
/* What is not urgent is told within CAPS_KEEP_MS, if nothing else makes us speak before. */
void caps_unwanted_later(struct meta *m, struct inode_use *u);
void caps_unkeep(struct meta *m, struct inode_use *u);
/* caps_update(), then the waiters, in a task of its own. */
void caps_update_now(struct meta *m, struct inode *i);
/* Flushes that could not be sent are sent soon. */
void caps_kick_later(struct meta *m, struct inode_use *u);

/* ---- caps_send.c ---- */

struct cap_say {
	uint32_t op;
	uint32_t caps, wanted;
	const struct cap_flush *flush; /* borrowed; NULL = none */
	uint32_t flags;                /* CAPS_FLAG_* */
};
enum { CAPS_FLAG_SYNC = 1, CAPS_FLAG_PENDING_CAPSNAP = 4 };
/* False: no memory, and nothing was sent. */
bool cap_send(struct meta *m, const struct cap *c, const struct cap_say *say);
bool capsnap_send(struct meta *m, const struct cap *c, const struct capsnap *cs);

/* ---- flush.c ---- */

/* On or off the mount's list, and the head's snap context taken or dropped: after any change of what is dirty
 * or written. */
void flush_track(struct meta *m, struct inode_use *u);
/* What is dirty becomes a flush with a tid. NULL: nothing dirty, or no memory. */
struct cap_flush *flush_begin(struct meta *m, struct inode_use *u);
/* The next tid, and onto the lists. */
void flush_number(struct meta *m, struct inode_use *u, struct cap_flush *f);
void flush_unlink(struct meta *m, struct inode_use *u, struct cap_flush *f);
/* Something of it was acknowledged: who waits looks again, and its use may go. */
void flush_settled(struct meta *m, struct inode *i);
/* At the end of the mount, without a word. */
void flush_drop_all(struct meta *m, struct inode_use *u);

/* ---- capsnap.c ---- */

/* Sends those that are ready, oldest first. */
void capsnaps_send(struct meta *m, struct inode *i);
/* The last write ended: the pending one takes what is so now. */
void capsnap_writes_ended(struct meta *m, struct inode *i);
/* A write is in flight that belongs to an older context: a new one must wait. */
bool capsnap_writing(const struct inode_use *u);
/* One that the MDS must hear of was not sent. */
bool capsnap_unsent(const struct inode_use *u);
void capsnap_free(struct meta *m, struct inode_use *u, struct capsnap *cs);

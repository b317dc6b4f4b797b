/* caps.h: what the MDSs let us cache, one cap for each (inode, rank).
 *
 *   word          meaning
 *   issued        granted now; what new users may rely on
 *   implemented   granted and not yet given back: issued plus what is being revoked
 *   wanted        what open files want
 *   mds_wanted    what the MDS was last told of it
 *
 *   arrives               effect
 *   reply with caps       issued |= caps or = caps (newer seq), seq and issue_seq taken
 *   GRANT                 issued = caps; attributes filled by the groups granted
 *   REVOKE                issued = caps; nothing of ours is dirty, so it is acknowledged on arrival
 *   EXPORT                the cap moves to peer.rank: placeholder there, removed here
 *   IMPORT                the cap of this rank is the real one; the old rank's goes
 *   STALE (session)       gen moves on: the cap counts as nothing until the MDS grants again
 *   eviction, recall      cap removed, a release queued
 *
 * A cap is valid while its gen is its session's and the session was renewed in time; an invalid cap counts as
 * nothing.
 */
#pragma once
#include "inode.h"

struct cap {
	struct inode *inode;
	struct session *session;
	struct cap *next; /* the inode's other caps */
	TAILQ_ENTRY(cap) by_session;
	uint64_t cap_id;
	uint32_t seq, issue_seq, mseq, gen;
	uint32_t issued, implemented, mds_wanted;
	bool auth;
};

/* Bits valid now over all ranks. */
uint32_t caps_issued(const struct inode *i, uint64_t now_ns);
/* Of one session only: what that MDS can take back only by telling us on that connection. */
uint32_t caps_issued_by(const struct inode *i, const struct session *s, uint64_t now_ns);
bool caps_any(const struct inode *i, uint64_t now_ns);
struct cap *cap_find(const struct inode *i, const struct session *s);
struct cap *cap_auth(const struct inode *i);

/* From an InodeStat. `now` caps bits newly held are returned in *newly. 0, -ENOMEM. */
int cap_from_reply(struct meta *m, struct session *s, struct inode *i, const struct inode_stat *st,
		   uint32_t *newly);
/* Forget one without a word (session gone) or with a queued release. */
void cap_remove(struct meta *m, struct cap *c, bool release);
void caps_remove_all(struct meta *m, struct inode *i, bool release);
void caps_handle(struct meta *m, struct session *s, const struct caps_msg *msg);
/* What open files want; tells the MDS when it does not know (delayed by CAPS_WANT_DELAY). */
uint32_t caps_wanted(const struct inode *i);
void caps_want(struct meta *m, struct inode *i);
/* Invariants of one inode's caps; tests run it after every step. NULL = fine, else words. */
const char *caps_check(const struct inode *i);

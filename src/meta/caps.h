/* caps.h: what the MDSs let us cache and change, one cap for each (inode, rank).
 *
 *   word          meaning
 *   issued        granted now; what new users may rely on
 *   implemented   granted and not yet given back: issued plus what is being revoked
 *   used          bits with references (use.h): readers Fr, cached data Fc, writers Fw, dirty data Fb,
 *                 operations under way on a directory Fx; and what delegations pin (deleg.h)
 *   wanted        what open files and users want
 *   mds_wanted    what the MDS was last told of it
 *   dirty         changed here, not yet sent (flush.h)
 *   flushing      sent, not yet acknowledged
 *
 *   arrives               effect
 *   reply with caps       issued |= caps or = caps (newer seq), seq and issue_seq taken
 *   GRANT                 issued = caps; attributes filled by the groups granted; waiters tried again
 *   REVOKE                issued = caps; what is dirty of the lost bits is flushed with the acknowledgement,
 *                         what is used is given back when its last reference goes; else acknowledged here
 *   FLUSH_ACK             the flushes up to its tid are done
 *   FLUSHSNAP_ACK         the cap snap is done
 *   EXPORT                the cap moves to peer.rank: placeholder there, removed here
 *   IMPORT                the cap of this rank is the real one; the old rank's goes; flushes are sent again
 *   STALE (session)       gen moves on: the cap counts as nothing until the MDS grants again
 *   eviction, recall      cap removed, a release queued; never while something of it is dirty or used
 *
 * The files: caps.c questions, making and removing; caps_push.c what arrives; caps_update.c what is told and
 * when, caps_keep.c what is told a while later; caps_send.c its bytes; caps_wait.c who reads and writes;
 * merge.c which fields may be taken; flush.c and capsnap.c what is changed here.
 *
 * A cap is valid while its gen is its session's and the session was renewed in time; an invalid cap counts as
 * nothing. caps_update() is the one place that decides what to tell the MDS (ceph_check_caps in the other
 * clients).
 */
#pragma once
#include "publish.h"
#include "use.h"

struct file;
struct snapctx;
struct caps_msg;
struct inode_stat;

struct cap {
	struct inode *inode;
	struct session *session;
	struct cap *next; /* the inode's other caps */
	TAILQ_ENTRY(cap) by_session;
	uint64_t cap_id;
	uint32_t seq, issue_seq, mseq, gen;
	uint32_t low_seq; /* before the oldest message that took what is not given back yet */
	uint32_t issued, implemented, mds_wanted;
	bool auth;
	bool owes;         /* a REVOKE was not answered in full */
	int16_t from_rank; /* with from_id: what it was before an IMPORT; that rank may still speak of it */
	uint64_t from_id;  /* 0: nothing */
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
/* Gives up bits of the cap of `s` along with a request: not what is used or dirty, and no s bit whose x bit
 * is in `unless` and held. True: *out is the record to send; its name is left to the caller. */
bool cap_drop(struct meta *m, struct inode *i, struct session *s, uint32_t drop, uint32_t unless,
	      struct mds_release *out);

/* ---- what happens to sessions ---- */

/* The session is open, its rank is active again, or it became read-only: what waited for that goes on. */
void caps_kick_session(struct meta *m, struct session *s);
/* The same after a failover, when the rank is active: unacknowledged flushes too, and max_size is asked for
 * anew. */
void caps_kick_reconnected(struct meta *m, struct session *s);
/* The renewal came after STALE: what the MDS did not grant again meanwhile is gone. */
void caps_renewed(struct meta *m, struct session *s);
/* Before a reconnect is sent: flushes whose bits were given back since, before somebody else gets these. */
void caps_flush_early(struct meta *m, struct session *s);

/* ---- wanting and using ---- */

/* Bits with references, over the whole inode. */
uint32_t caps_used(const struct inode *i);
/* What open files want, and all users. */
uint32_t caps_file_wanted(const struct inode *i);
uint32_t caps_wanted(const struct inode *i);
/* What is worth keeping when there is something to tell anyhow. */
uint32_t caps_retain(const struct meta *m, const struct inode *i);
/* Dirty or flushing bits: what the cache is ahead of the MDS in. */
uint32_t caps_dirty(const struct inode *i);
/* A file is opened or closed: its mode counts; the MDS is told what it does not know, soon. */
int caps_open(struct meta *m, struct inode *i, enum open_mode mode); /* 0, -ENOMEM */
void caps_close(struct meta *m, struct inode *i, enum open_mode mode);
/* Gives up now what is kept only because it was used a moment ago: for a recall, and before the cache is
 * emptied. */
void caps_give_up_kept(struct meta *m);
/* Names in `dir` are being changed: for a while it wants to change more of them. */
void caps_dir_written(struct meta *m, struct inode *dir);

enum {
	UPDATE_NOW = 1,   /* also what might wait: unwanted bits, wishes */
	UPDATE_FLUSH = 2, /* also dirty bits */
	UPDATE_SYNC = 4,  /* flush, and let the MDS write its journal now */
};
/* Tells the MDSs what they must know now of this inode: acknowledgements, wishes, flushes. Cheap when there
 * is nothing to tell. */
void caps_update(struct meta *m, struct inode *i, int how);
/* The same a little later, together with others (CAPS_WANT_DELAY_MS). */
void caps_update_later(struct meta *m, struct inode *i);

/* ---- references: who reads or writes holds the bits meanwhile (ceph_get_caps) ---- */

/* Waits for bits. Embedded by its user, who sets inode, need, want, end and fn. */
struct cap_wait {
	TAILQ_ENTRY(cap_wait) link;
	struct inode *inode; /* ref while waiting */
	uint32_t need;       /* must be issued: Fr, Fw ... */
	uint32_t want;       /* would be good: Fc, Fb */
	uint64_t end;        /* writing: max_size must reach it; else 0 */
	uint32_t got;        /* result: references held, to be given back by caps_put() */
	void (*fn)(struct cap_wait *w, int err);
	void *user; /* the user's */
	bool waiting;
};
/* 0: w->got is held now. 1: it waits, and fn comes: 0 (held) or a negative errno: -EBADF not open in that
 * mode, -ESHUTDOWN session or mount over, -EROFS read-only MDS, -EFBIG beyond the file system's largest size,
 * -EIO lost locks or an earlier loss. A negative errno likewise at once. */
int caps_get(struct meta *m, struct cap_wait *w);
/* Takes references on `need` if that can be now: 0; else -EAGAIN, and nobody is asked; -ENOMEM. */
int caps_try(struct meta *m, struct inode *i, uint32_t need);
void caps_get_cancel(struct meta *m, struct cap_wait *w);
void caps_put(struct meta *m, struct inode *i, uint32_t got);
/* More of the same, for one who holds some already. */
void caps_ref(struct meta *m, struct inode *i, uint32_t bits);
/* Asks for a larger max_size early (check_max_size in the other clients); `end`: where writing is going to.
 */
void caps_want_size(struct meta *m, struct inode *i, uint64_t end);
/* Tries the waiters again; after anything they wait for. `err` not 0: ends them all with it. */
void caps_wake(struct meta *m, struct inode *i, int err);

/* The data side (src/data joined by api): dirty pages and cached pages of an inode. All may be NULL. */
struct caps_data_ops {
	/* Fb or Fw is being taken: write everything back; afterwards caps_put() gives Fb back. */
	void (*writeback)(void *arg, struct inode *i);
	/* Fc is gone: drop clean cached data now. True: done; false: caps_put(Fc) comes later. Cached data
	 * counts as a reference on Fc. */
	bool (*invalidate)(void *arg, struct inode *i);
	/* Is there dirty data that was written under this context (NULL: without one)? When it is gone:
	 * capsnap_kick(). */
	bool (*dirty_under)(void *arg, const struct inode *i, const struct snapctx *ctx);
	/* The caps that its dirty data relied on are lost, and others may rely on theirs: it is given up. */
	void (*lost)(void *arg, struct inode *i, int err);
	/* Data of files that are not open is given up where it is clean: their caps are wanted elsewhere. */
	void (*give_up)(void *arg);
	/* An open file goes; f->data is the data side's to free. */
	void (*closed)(void *arg, struct file *f);
	/* The file was cut: what lies beyond `size` is gone. */
	void (*truncated)(void *arg, struct inode *i, uint64_t size);
	/* Nothing may be sent to OSDs before they know of this map: somebody was fenced off with it. */
	void (*barrier)(void *arg, uint32_t epoch);
	/* An unmount waits no longer for writes whose operations have ended (meta.data_detached): they give
	 * back what they hold, now. */
	void (*abandon)(void *arg);
};

/* Invariants of one inode's caps, uses and flushes; tests run it after every step. NULL = fine, else words.
 */
const char *caps_check(const struct inode *i);

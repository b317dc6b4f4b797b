/* read.h: answers from the cache, on any thread, while the engine goes on changing it.
 *
 *   inside an epoch section (nothing that is seen is freed meanwhile)
 *   |  take the sequence (even: no change is under way)
 *   |  walk the path and look, gathering until when what was relied on holds: sessions, leases
 *   |  read the clock: is it all valid at this moment?
 *   |  the sequence again: unchanged, so all that was seen was true together, and at that moment
 *   '- changed: once more, a bounded number of times
 *
 * So an answer is what a call at that one moment would have given; errors too. -EAGAIN: the cache cannot
 * tell, or changes too fast. On the engine's own thread nothing changes meanwhile: neither section nor
 * sequence is needed, and callbacks that run within a change may ask too.
 *
 * What is trusted is what the engine published (caps_publish): the bits of one cap. They may be fewer than
 * all caps together give; then the answer is -EAGAIN and the engine gives it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct meta;
struct inode;
struct cephring_cred;
struct cephring_statx;

struct read_path {
	struct inode *at;                 /* the caller's reference; NULL: the root */
	const char *path;                 /* NULL: `at` itself */
	int flags;                        /* CEPHRING_* */
	const struct cephring_cred *cred; /* NULL: the mount's */
};

/* [any thread] 0 or more, the error that the operation would end with, or -EAGAIN. Results are written only
 * then. */
int read_statx(struct meta *m, const struct read_path *p, uint32_t want, struct cephring_statx *out);
int read_lookup(struct meta *m, const struct read_path *p, struct inode **out); /* as inode_share() */
int read_access(struct meta *m, const struct read_path *p, int mode);
int64_t read_readlink(struct meta *m, const struct read_path *p, char *buf, size_t size);
int64_t read_getxattr(struct meta *m, const struct read_path *p, const char *name, void *buf, size_t size);

/* mds_reconnect.c: what a client tells the daemon that took over a failed rank (ceph
 * src/messages/MClientReconnect.h, src/include/ceph_fs.h ceph_mds_cap_reconnect): every cap it holds there
 * and the snap realms it knows. Version 5, all of it in the data segment, in one message.
 */
#include "mds.h"

#include "le.h"

enum { CAP_VERSION = 2, CAP_COMPAT = 1, REALM_VERSION = 1 };

size_t reconnect_begin(struct enc *e)
{
	enc_u32(e, 0);
	return e->len;
}

static void locks_encode(struct enc *e, const struct filelock *locks, uint32_t count)
{
	enc_u32(e, count);
	for (uint32_t i = 0; i < count; i++)
		filelock_encode(e, &locks[i]);
}

void reconnect_cap(struct enc *e, const struct reconnect_cap *c)
{
	size_t mark, locks;

	enc_u64(e, c->ino);
	mark = enc_section(e, CAP_VERSION, CAP_COMPAT);
	enc_blob(e, c->path, c->path_len);
	enc_u64(e, c->cap_id);
	enc_u32(e, c->wanted);
	enc_u32(e, c->issued);
	enc_u64(e, c->snaprealm);
	enc_u64(e, c->pathbase);
	locks = enc_hole(e);
	if (c->fcntl_count || c->flock_count) {
		locks_encode(e, c->fcntl_locks, c->fcntl_count);
		locks_encode(e, c->flock_locks, c->flock_count);
	}
	enc_close(e, locks);
	enc_u64(e, c->snap_follows);
	enc_close(e, mark);
}

void reconnect_end(struct enc *e, size_t mark, uint32_t count, const struct reconnect_realm *realms,
		   uint32_t realm_count)
{
	enc_u32(e, realm_count);
	for (uint32_t i = 0; i < realm_count; i++) {
		size_t realm = enc_section(e, REALM_VERSION, REALM_VERSION);

		enc_u64(e, realms[i].ino);
		enc_u64(e, realms[i].seq);
		enc_u64(e, realms[i].parent);
		enc_close(e, realm);
	}
	enc_u8(e, 0); /* no more to come */
	if (!e->err)
		le32_put(e->buf + mark - 4, count);
}

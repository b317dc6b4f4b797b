/* mds_args.c: what a request to an MDS says beyond its paths (ceph src/include/ceph_fs.h union
 * ceph_mds_request_args): 56 bytes that each operation reads in its own way, zero behind what it reads; and
 * MKSNAP's metadata, the one data segment with a form of its own.
 */
#include "mds.h"

#include <fcntl.h>

#include "le.h"

/* Open flags on the wire are these on every host. */
enum {
	WIRE_WRONLY = 01,
	WIRE_RDWR = 02,
	WIRE_CREAT = 0100,
	WIRE_EXCL = 0200,
	WIRE_TRUNC = 01000,
	WIRE_DIRECTORY = 0200000,
	WIRE_NOFOLLOW = 0400000,
};
enum { READDIR_REPLY_FLAGS = 1 }; /* "answer with 16 bits of flags" */
enum { MKSNAP_VERSION = 1 };

void args_getattr(uint8_t args[MDS_ARGS_SIZE], uint32_t mask)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, mask);
}

void args_open(uint8_t args[MDS_ARGS_SIZE], uint32_t wire_flags, uint32_t mode, uint32_t mask,
	       const struct args_layout *layout, uint64_t old_size)
{
	/* 0 in any of the three sizes is the directory's likewise */
	static const struct args_layout inherited = { .pool = -1 };

	if (!layout)
		layout = &inherited;
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, wire_flags);
	le32_put(args + 4, mode);
	le32_put(args + 8, layout->stripe_unit);
	le32_put(args + 12, layout->stripe_count);
	le32_put(args + 16, layout->object_size);
	le32_put(args + 20, (uint32_t)layout->pool);
	le32_put(args + 24, mask);
	le64_put(args + 28, old_size);
}

void args_setattr(uint8_t args[MDS_ARGS_SIZE], const struct args_setattr *a)
{
	le32_put(args, a->mode);
	le32_put(args + 4, a->uid);
	le32_put(args + 8, a->gid);
	le_time_put(args + 12, a->mtime_ns);
	le_time_put(args + 20, a->atime_ns);
	le64_put(args + 28, a->size);
	le64_put(args + 36, a->old_size);
	le32_put(args + 44, a->mask);
	le_time_put(args + 48, a->btime_ns);
}

void args_mknod(uint8_t args[MDS_ARGS_SIZE], uint32_t mode, uint32_t rdev)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, mode);
	le32_put(args + 4, rdev);
}

void args_mkdir(uint8_t args[MDS_ARGS_SIZE], uint32_t mode)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, mode);
}

void args_setxattr(uint8_t args[MDS_ARGS_SIZE], uint32_t flags, uint32_t osdmap_epoch)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, flags);
	le32_put(args + 4, osdmap_epoch);
}

void args_filelock(uint8_t args[MDS_ARGS_SIZE], uint8_t rule, const struct filelock *l, bool wait)
{
	memset(args, 0, MDS_ARGS_SIZE);
	args[0] = rule;
	args[1] = l->type;
	le64_put(args + 2, l->owner);
	le64_put(args + 10, l->pid);
	le64_put(args + 18, l->start);
	le64_put(args + 26, l->length);
	args[34] = wait;
}

void args_lookupino(uint8_t args[MDS_ARGS_SIZE], uint32_t mask, uint64_t snapid, uint64_t parent,
		    uint32_t hash)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, mask);
	le64_put(args + 4, snapid);
	le64_put(args + 12, parent);
	le32_put(args + 20, hash);
}

void args_readdir(uint8_t args[MDS_ARGS_SIZE], uint32_t frag, uint32_t max_entries, uint32_t max_bytes,
		  uint32_t offset_hash)
{
	memset(args, 0, MDS_ARGS_SIZE);
	le32_put(args, frag);
	le32_put(args + 4, max_entries);
	le32_put(args + 8, max_bytes);
	le16_put(args + 12, READDIR_REPLY_FLAGS);
	le32_put(args + 14, offset_hash);
}

void args_snapdiff(uint8_t args[MDS_ARGS_SIZE], uint32_t frag, uint32_t max_entries, uint32_t max_bytes,
		   uint32_t offset_hash, uint64_t snap_other)
{
	args_readdir(args, frag, max_entries, max_bytes, offset_hash);
	le64_put(args + 18, snap_other);
}

void mksnap_encode(struct enc *e, const struct kv_slice *kv, uint32_t count)
{
	size_t mark = enc_section(e, MKSNAP_VERSION, MKSNAP_VERSION);

	enc_u32(e, count);
	for (uint32_t i = 0; i < count; i++) {
		enc_blob(e, kv[i].key.p, kv[i].key.len);
		enc_blob(e, kv[i].value.p, kv[i].value.len);
	}
	enc_close(e, mark);
}

uint32_t open_flags_to_wire(int host_flags)
{
	static const struct {
		int host;
		uint32_t wire;
	} map[] = {
		{ O_CREAT, WIRE_CREAT },         { O_EXCL, WIRE_EXCL },         { O_TRUNC, WIRE_TRUNC },
		{ O_DIRECTORY, WIRE_DIRECTORY }, { O_NOFOLLOW, WIRE_NOFOLLOW },
	};
	int access = host_flags & O_ACCMODE;
	uint32_t wire = access == O_WRONLY ? WIRE_WRONLY : access == O_RDWR ? WIRE_RDWR : 0;

	for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (host_flags & map[i].host)
			wire |= map[i].wire;
	return wire;
}

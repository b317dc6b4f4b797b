/* mds_inode.c: what replies say of an inode, of a directory fragment's authorities and of a dentry's lease
 * (ceph src/mds/mdstypes.h InodeStat, src/messages/MClientReply.h DirStat, LeaseStat).
 *
 * InodeStat runs for every reply and every listed name. Its first 217 bytes have fixed places: one bounds
 * check, then plain loads; the strings behind it are borrowed. Only the form with a struct header is
 * understood (session feature REPLY_ENCODING, which every supported release has).
 */
#include "mds.h"

#include "le.h"

enum { INODE_KNOWN = 9, DIR_KNOWN = 1, LEASE_KNOWN = 3, QUOTA_KNOWN = 1 };
/* InodeStat's fixed part and the count of splits behind it. */
enum { INODE_FIXED = 217, INODE_HEAD = INODE_FIXED + 4, SPLIT_BYTES = 8, DIR_LAYOUT_BYTES = 8 };

static void layout_get(const uint8_t *p, struct layout *l)
{
	l->stripe_unit = le32_get(p);
	l->stripe_count = le32_get(p + 4);
	l->object_size = le32_get(p + 8);
	/* cas_hash, object_stripe_unit and one unused word mean nothing any more */
	l->pool = le32_get(p + 24);
}

static inline void fixed_get(const uint8_t *p, struct inode_stat *i)
{
	i->ino = le64_get(p);
	i->snapid = le64_get(p + 8);
	i->rdev = le32_get(p + 16);
	i->version = le64_get(p + 20);
	i->xattr_version = le64_get(p + 28);
	i->cap.caps = le32_get(p + 36);
	i->cap.wanted = le32_get(p + 40);
	i->cap.cap_id = le64_get(p + 44);
	i->cap.seq = le32_get(p + 52);
	i->cap.mseq = le32_get(p + 56);
	i->cap.realm = le64_get(p + 60);
	i->cap.flags = p[68];
	layout_get(p + 69, &i->layout);
	i->ctime_ns = le_time_get(p + 97);
	i->mtime_ns = le_time_get(p + 105);
	i->atime_ns = le_time_get(p + 113);
	i->time_warp_seq = le32_get(p + 121);
	i->size = le64_get(p + 125);
	i->max_size = le64_get(p + 133);
	i->truncate_size = le64_get(p + 141);
	i->truncate_seq = le32_get(p + 149);
	i->mode = le32_get(p + 153);
	i->uid = le32_get(p + 157);
	i->gid = le32_get(p + 161);
	i->nlink = le32_get(p + 165);
	i->files = le64_get(p + 169);
	i->subdirs = le64_get(p + 177);
	i->rbytes = le64_get(p + 185);
	i->rfiles = le64_get(p + 193);
	i->rsubdirs = le64_get(p + 201);
	i->rctime_ns = le_time_get(p + 209);
}

static void fragtree_slice(struct dec *d, uint32_t splits, struct inode_stat *i)
{
	if (splits > DIRFRAG_SPLITS_MAX)
		dec_fail(d, "inode: more directory fragments than are supported");
	i->fragtree = dec_items(d, splits, SPLIT_BYTES);
}

static void quota_section(struct dec *d, struct inode_stat *i)
{
	struct dec in = dec_section(d, QUOTA_KNOWN, NULL);
	const uint8_t *p = dec_take(&in, 16);

	if (p) {
		i->quota_max_bytes = le64_get(p);
		i->quota_max_files = le64_get(p + 8);
	}
	dec_close(d, &in);
}

/* A map has no length in front: its end is found by walking it. */
static struct slice map_slice(struct dec *d)
{
	const uint8_t *start = d->p;

	for (uint32_t n = dec_count(d, 8); n && !d->err; n--) {
		dec_slice(d);
		dec_slice(d);
	}
	return d->err ? (struct slice){ 0 } : (struct slice){ start, (uint32_t)(d->p - start) };
}

/* What later versions added, with what it means to be without. The rest (encryption contexts, case folding,
 * subvolume) is skipped with the section. */
static void inode_tail(struct dec *d, uint8_t version, struct inode_stat *i)
{
	i->dir_pin = version >= 2 ? dec_s32(d) : -1;
	i->snap_btime_ns = version >= 3 ? dec_time(d) : 0;
	i->rsnaps = version >= 4 ? dec_u64(d) : 0;
	i->snap_metadata = version >= 5 ? map_slice(d) : (struct slice){ 0 };
}

void inode_stat_decode(struct dec *d, struct inode_stat *i)
{
	uint8_t version;
	struct dec in = dec_section(d, INODE_KNOWN, &version);
	const uint8_t *p = dec_take(&in, INODE_HEAD);

	if (!p)
		goto out;
	fixed_get(p, i);
	fragtree_slice(&in, le32_get(p + INODE_FIXED), i);
	i->symlink = dec_slice(&in);
	p = dec_take(&in, DIR_LAYOUT_BYTES);
	i->dir_hash = p ? p[0] : 0;
	i->xattrs = dec_slice(&in);
	i->inline_version = dec_u64(&in);
	i->inline_data = dec_slice(&in);
	quota_section(&in, i);
	i->pool_ns = dec_slice(&in);
	i->btime_ns = dec_time(&in);
	i->change_attr = dec_u64(&in);
	inode_tail(&in, version, i);
out:
	dec_close(d, &in);
	if (d->err)
		memset(i, 0, sizeof(*i));
}

void dir_stat_decode(struct dec *d, struct dir_stat *s)
{
	struct dec in = dec_section(d, DIR_KNOWN, NULL);

	s->frag = dec_u32(&in);
	s->auth = dec_s32(&in);
	s->dist_count = dec_count(&in, 4);
	if (s->dist_count > DIST_MAX)
		dec_fail(&in, "dirstat: more replicas than ranks");
	for (uint32_t i = 0; i < s->dist_count && !in.err; i++)
		s->dist[i] = dec_s32(&in);
	dec_close(d, &in);
	if (d->err)
		s->dist_count = 0;
}

void lease_stat_decode(struct dec *d, struct lease_stat *l)
{
	struct dec in = dec_section(d, LEASE_KNOWN, NULL);
	const uint8_t *p = dec_take(&in, 10);

	/* The alternate name of encrypted directories (v2) is skipped with the section. */
	*l = (struct lease_stat){ 0 };
	if (p) {
		l->mask = le16_get(p);
		l->duration_ms = le32_get(p + 2);
		l->seq = le32_get(p + 6);
	}
	dec_close(d, &in);
}

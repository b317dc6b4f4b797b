/* monmaps.c: see monmaps.h.
 *
 * The mdsmap keeps daemons by gid and says elsewhere which gid fills which rank: its daemons are read twice,
 * the second time when the ranks are known. Fields are gated by the versions that brought them
 * (doc/protocol.md 3).
 */
#include "monmaps.h"

enum {
	MONMAP_KNOWN = 9,
	MONMAP_OLDEST = 6, /* ranks as a list of names: Nautilus */
	MON_INFO_KNOWN = 6,
	MDSMAP_KNOWN = 5,
	MDSMAP_EXT_OLDEST = 12, /* every release since Luminous */
	MDS_INFO_KNOWN = 10,
	SECTION_LEN = 6,
	SUBSCRIBE_ONETIME = 1,
	MON_SESSION_ANY = 0xffff,
};

static void dec_bytes(struct dec *d, uint8_t *out, size_t n)
{
	const uint8_t *p = dec_take(d, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

/* A name into NAME_MAX_LEN bytes; longer ones are cut. */
static void dec_name(struct dec *d, char *out)
{
	struct slice s = dec_slice(d);
	size_t n = s.len < NAME_MAX_LEN ? s.len : NAME_MAX_LEN - 1;

	memcpy(out, s.p, n);
	memset(out + n, 0, NAME_MAX_LEN - n);
}

static void skip_section(struct dec *d, uint8_t known)
{
	struct dec in = dec_section(d, known, NULL);

	dec_close(d, &in);
}

static void skip_strings(struct dec *d)
{
	uint32_t n = dec_count(d, 4);

	while (n-- && !d->err)
		dec_slice(d);
}

static void skip_items(struct dec *d, size_t size)
{
	uint32_t n = dec_count(d, size);

	dec_skip(d, n * size);
}

/* --- monmap --- */

static void dec_mon(struct dec *d, struct monmap *m)
{
	struct entity_addrvec addrs;
	char name[NAME_MAX_LEN];
	uint16_t priority, weight;
	struct dec in;
	uint8_t v;

	dec_slice(d); /* the key: the name again */
	in = dec_section(d, MON_INFO_KNOWN, &v);
	dec_name(&in, name);
	dec_addrvec(&in, &addrs);
	priority = dec_u16(&in);
	weight = v >= 4 ? dec_u16(&in) : 0;
	dec_close(d, &in);
	if (d->err || m->count == MONMAP_MAX)
		return;
	memcpy(m->mon[m->count].name, name, sizeof(name));
	m->mon[m->count].addrs = addrs;
	m->mon[m->count].priority = priority;
	m->mon[m->count].weight = weight;
	m->count++;
}

int monmap_decode(struct dec *d, struct monmap *m)
{
	struct dec in;
	uint32_t n;
	uint8_t v;

	memset(m, 0, sizeof(*m));
	in = dec_section(d, MONMAP_KNOWN, &v);
	if (!in.err && v < MONMAP_OLDEST)
		dec_fail(&in, "a monmap of before Nautilus");
	dec_bytes(&in, m->fsid, sizeof(m->fsid));
	m->epoch = dec_u32(&in);
	dec_time(&in);        /* changed */
	dec_time(&in);        /* created */
	skip_section(&in, 1); /* persistent features */
	skip_section(&in, 1); /* optional features */
	n = dec_count(&in, 4 + SECTION_LEN);
	while (n-- && !in.err)
		dec_mon(&in, m);
	skip_strings(&in); /* ranks */
	if (v >= 7)
		m->min_release = dec_u8(&in);
	dec_close(d, &in);
	return d->err;
}

/* --- mdsmap --- */

static void dec_mds_info(struct dec *d, struct mds_info *info)
{
	const struct entity_addr *addr;
	struct entity_addrvec addrs;
	struct dec in;

	memset(info, 0, sizeof(*info));
	dec_u64(d); /* the key: the gid again */
	in = dec_section(d, MDS_INFO_KNOWN, NULL);
	info->gid = dec_u64(&in);
	dec_name(&in, info->name);
	info->rank = dec_s32(&in);
	info->inc = dec_s32(&in);
	info->state = dec_s32(&in);
	dec_u64(&in);             /* state_seq */
	dec_addrvec(&in, &addrs); /* one address before version 8, which is a vector of one */
	info->laggy = dec_time(&in) != 0;
	dec_close(d, &in);
	if (d->err)
		return;
	addr = addrvec_msgr2(&addrs);
	if (addr)
		info->addr = *addr;
	info->present = true;
}

static void dec_pools(struct dec *d, struct mdsmap *m)
{
	uint32_t n = dec_count(d, 8);
	int64_t pool;

	while (n-- && !d->err) {
		pool = dec_s64(d);
		if (m->data_pool_count < POOL_MAX)
			m->data_pool[m->data_pool_count++] = pool;
	}
}

static void skip_compat(struct dec *d)
{
	unsigned i;
	uint32_t n;

	for (i = 0; i < 3 && !d->err; i++) { /* compat, ro_compat, incompat */
		dec_u64(d);
		n = dec_count(d, 8 + 4);
		while (n-- && !d->err) {
			dec_u64(d);
			dec_slice(d);
		}
	}
}

static void note_rank(struct dec *d, struct mdsmap *m, int32_t rank)
{
	if (rank < 0 || rank >= MDS_RANK_MAX) {
		dec_fail(d, "an mds rank out of bounds");
		return;
	}
	if ((uint32_t)rank >= m->rank_count)
		m->rank_count = (uint32_t)rank + 1;
}

static void dec_in(struct dec *d, struct mdsmap *m)
{
	uint32_t n = dec_count(d, 4);

	while (n-- && !d->err)
		note_rank(d, m, dec_s32(d));
}

/* Leaves the gid in the rank's entry, for fill_ranks(). */
static void dec_up(struct dec *d, struct mdsmap *m)
{
	uint32_t n = dec_count(d, 4 + 8);
	uint64_t gid;
	int32_t rank;

	while (n-- && !d->err) {
		rank = dec_s32(d);
		gid = dec_u64(d);
		note_rank(d, m, rank);
		if (!d->err)
			m->rank[rank].gid = gid;
	}
}

/* A daemon belongs to the rank it claims when `up` names its gid there; standby-replay daemons claim it too.
 */
static void fill_ranks(struct dec *infos, struct mdsmap *m)
{
	uint32_t n = dec_count(infos, 8 + SECTION_LEN);
	struct mds_info info;

	while (n-- && !infos->err) {
		dec_mds_info(infos, &info);
		if (!infos->err && info.rank >= 0 && (uint32_t)info.rank < m->rank_count &&
		    m->rank[info.rank].gid == info.gid)
			m->rank[info.rank] = info;
	}
}

static void dec_features(struct dec *d, uint64_t out[2])
{
	struct slice s = dec_slice(d);

	memcpy(out, s.p, s.len < 16 ? s.len : 16);
}

static void dec_mdsmap_ext(struct dec *d, struct mdsmap *m)
{
	uint16_t ev = dec_u16(d);
	uint32_t damaged;

	if (!d->err && ev < MDSMAP_EXT_OLDEST)
		dec_fail(d, "an mdsmap of before Luminous");
	skip_compat(d);
	m->metadata_pool = dec_s64(d);
	dec_time(d); /* created */
	dec_time(d); /* modified */
	dec_s32(d);  /* tableserver */
	dec_in(d, m);
	skip_items(d, 4 + 4); /* inc */
	dec_up(d, m);
	skip_items(d, 4); /* failed */
	skip_items(d, 4); /* stopped */
	dec_u32(d);       /* last_failure_osd_epoch */
	dec_skip(d, 3);   /* features ever and explicitly allowed, inline data */
	m->enabled = dec_u8(d);
	dec_name(d, m->fs_name);
	damaged = dec_count(d, 4);
	dec_skip(d, damaged * (size_t)4);
	m->damaged = damaged;
	dec_slice(d); /* balancer */
	dec_s32(d);   /* standby_count_wanted */
	if (ev >= 13)
		dec_s32(d); /* old_max_mds */
	if (ev >= 14)
		dec_u8(d); /* min_compat_client */
	if (ev >= 16)
		dec_features(d, m->required_client_features);
	/* 17 meant different things in different builds: what follows is read only where 18 says what it is.
	 */
	if (ev >= 18) {
		dec_slice(d); /* bal_rank_mask */
		m->max_xattr_size = dec_u64(d);
	}
}

int mdsmap_decode(struct dec *d, struct mdsmap *m)
{
	struct dec in, infos;
	struct mds_info skipped;
	uint32_t n;

	memset(m, 0, sizeof(*m));
	in = dec_section(d, MDSMAP_KNOWN, NULL);
	m->epoch = dec_u32(&in);
	m->flags = dec_u32(&in);
	dec_u32(&in); /* last_failure */
	dec_s32(&in); /* root */
	m->session_timeout = dec_u32(&in);
	m->session_autoclose = dec_u32(&in);
	m->max_file_size = dec_u64(&in);
	m->max_mds = dec_u32(&in);
	infos = in;
	n = dec_count(&in, 8 + SECTION_LEN);
	while (n-- && !in.err)
		dec_mds_info(&in, &skipped);
	dec_pools(&in, m);
	dec_s64(&in); /* cas_pool */
	dec_mdsmap_ext(&in, m);
	if (!in.err)
		fill_ranks(&infos, m);
	dec_close(d, &in);
	return d->err;
}

int mdsmap_msg_decode(struct dec *d, uint16_t version, struct mdsmap_msg *m)
{
	memset(m, 0, sizeof(*m));
	dec_bytes(d, m->fsid, sizeof(m->fsid));
	m->epoch = dec_u32(d);
	m->map = dec_slice(d);
	m->fs_name = version >= 2 ? dec_slice(d) : (struct slice){ (const uint8_t *)"", 0 };
	return d->err;
}

int fsmap_user_decode(struct dec *d, struct fsmap_user *m)
{
	struct dec in, fs;
	uint32_t n;

	memset(m, 0, sizeof(*m));
	dec_u32(d); /* epoch, again inside */
	in = dec_section(d, 1, NULL);
	m->epoch = dec_u32(&in);
	m->legacy_fscid = dec_s32(&in);
	n = dec_count(&in, SECTION_LEN);
	while (n-- && !in.err) {
		fs = dec_section(&in, 1, NULL);
		if (m->count < FS_MAX) {
			m->fs[m->count].fscid = dec_s32(&fs);
			dec_name(&fs, m->fs[m->count].name);
			m->count++;
		}
		dec_close(&in, &fs);
	}
	dec_close(d, &in);
	return d->err;
}

/* --- small messages --- */

static uint32_t dec_newest(struct dec *d, uint32_t newest)
{
	uint32_t n = dec_count(d, 4 + 4), epoch;

	while (n-- && !d->err) {
		epoch = dec_u32(d);
		dec_slice(d);
		if (!d->err && epoch > newest)
			newest = epoch;
	}
	return newest;
}

int osdmap_msg_decode(struct dec *d, uint16_t version, struct osdmap_msg *m)
{
	memset(m, 0, sizeof(*m));
	dec_bytes(d, m->fsid, sizeof(m->fsid));
	m->newest = dec_newest(d, 0);
	m->newest = dec_newest(d, m->newest);
	return d->err;
}

int statfs_reply_decode(struct dec *d, struct statfs_reply *r)
{
	memset(r, 0, sizeof(*r));
	dec_bytes(d, r->fsid, sizeof(r->fsid));
	r->version = dec_u64(d);
	r->kb = dec_u64(d);
	r->kb_used = dec_u64(d);
	r->kb_avail = dec_u64(d);
	r->objects = dec_u64(d);
	return d->err;
}

void statfs_encode(struct enc *e, const uint8_t fsid[16], int64_t data_pool)
{
	enc_u64(e, 0); /* paxos: version, session_mon, session_mon_tid */
	enc_u16(e, MON_SESSION_ANY);
	enc_u64(e, 0);
	enc_bytes(e, fsid, 16);
	enc_u8(e, data_pool >= 0);
	if (data_pool >= 0)
		enc_u64(e, (uint64_t)data_pool);
}

int version_reply_decode(struct dec *d, struct version_reply *r)
{
	r->handle = dec_u64(d);
	r->newest = dec_u64(d);
	r->oldest = dec_u64(d);
	return d->err;
}

void version_encode(struct enc *e, uint64_t handle, const char *what)
{
	enc_u64(e, handle);
	enc_str(e, what);
}

void subscribe_encode(struct enc *e, const struct mon_sub *subs, unsigned count, const char *hostname)
{
	unsigned i;

	enc_u32(e, count);
	for (i = 0; i < count; i++) {
		enc_str(e, subs[i].what);
		enc_u64(e, subs[i].start);
		enc_u8(e, subs[i].onetime ? SUBSCRIBE_ONETIME : 0);
	}
	enc_str(e, hostname);
}

int config_decode(struct dec *d, void (*each)(void *arg, struct slice key, struct slice value), void *arg)
{
	uint32_t n = dec_count(d, 4 + 4);
	struct slice key, value;

	while (n-- && !d->err) {
		key = dec_slice(d);
		value = dec_slice(d);
		if (!d->err)
			each(arg, key, value);
	}
	return d->err;
}

const char *fsid_text(const uint8_t fsid[16], char *out)
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	for (int k = 0; k < 16; k++) {
		if (k == 4 || k == 6 || k == 8 || k == 10)
			*p++ = '-';
		*p++ = hex[fsid[k] >> 4];
		*p++ = hex[fsid[k] & 15];
	}
	*p = '\0';
	return out;
}

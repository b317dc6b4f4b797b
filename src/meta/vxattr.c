/* vxattr.c: see vxattr.h. One table: name, kind, how its text is made. */
#include "vxattr.h"
#include "meta.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct vxattr {
	const char *name;
	enum vxattr_kind kind;
	char on;   /* 'd' directories, 'f' files, 'a' any inode */
	char kept; /* 'r' nobody can set it, 'w' the MDS takes it */
	int (*text)(struct meta *m, const struct inode *i, char *out);
};

static int number(char *out, uint64_t v)
{
	return snprintf(out, VXATTR_TEXT_MAX, "%" PRIu64, v);
}

static bool has_layout(const struct inode *i)
{
	return i->a.layout.object_size != 0;
}

static int t_layout(struct meta *m, const struct inode *i, char *out)
{
	const struct layout *l = &i->a.layout;

	(void)m;
	if (!has_layout(i))
		return -ENODATA;
	return snprintf(out, VXATTR_TEXT_MAX, "stripe_unit=%u stripe_count=%u object_size=%u pool=%u%s%s",
			l->stripe_unit, l->stripe_count, l->object_size, l->pool,
			i->pool_ns ? " pool_namespace=" : "", i->pool_ns ? i->pool_ns : "");
}

#define LAYOUT_FIELD(field)                                                                                  \
	static int t_layout_##field(struct meta *m, const struct inode *i, char *out)                        \
	{                                                                                                    \
		(void)m;                                                                                     \
		return has_layout(i) ? number(out, i->a.layout.field) : -ENODATA;                            \
	}
LAYOUT_FIELD(stripe_unit)
LAYOUT_FIELD(stripe_count)
LAYOUT_FIELD(object_size)
LAYOUT_FIELD(pool)

static int t_layout_pool_ns(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	if (!has_layout(i))
		return -ENODATA;
	return snprintf(out, VXATTR_TEXT_MAX, "%s", i->pool_ns ? i->pool_ns : "");
}

#define DIR_FIELD(name, value)                                                                               \
	static int t_##name(struct meta *m, const struct inode *i, char *out)                                \
	{                                                                                                    \
		(void)m;                                                                                     \
		return i->dir ? number(out, value) : -ENODATA;                                               \
	}
DIR_FIELD(entries, i->dir->a.files + i->dir->a.subdirs)
DIR_FIELD(files, i->dir->a.files)
DIR_FIELD(subdirs, i->dir->a.subdirs)
DIR_FIELD(rentries, i->dir->a.rfiles + i->dir->a.rsubdirs)
DIR_FIELD(rfiles, i->dir->a.rfiles)
DIR_FIELD(rsubdirs, i->dir->a.rsubdirs)
DIR_FIELD(rsnaps, i->dir->a.rsnaps)
DIR_FIELD(rbytes, i->dir->a.rbytes)

static int t_rctime(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	if (!i->dir)
		return -ENODATA;
	return snprintf(out, VXATTR_TEXT_MAX, "%" PRIu64 ".%09" PRIu64, i->dir->a.rctime_ns / 1000000000,
			i->dir->a.rctime_ns % 1000000000);
}

static int t_pin(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	return i->dir ? snprintf(out, VXATTR_TEXT_MAX, "%d", i->dir->pin) : -ENODATA;
}

static bool has_quota(const struct inode *i)
{
	return i->dir && (i->dir->quota_max_bytes || i->dir->quota_max_files);
}

static int t_quota(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	if (!has_quota(i))
		return -ENODATA;
	return snprintf(out, VXATTR_TEXT_MAX, "max_bytes=%" PRIu64 " max_files=%" PRIu64,
			i->dir->quota_max_bytes, i->dir->quota_max_files);
}

static int t_quota_bytes(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	return has_quota(i) ? number(out, i->dir->quota_max_bytes) : -ENODATA;
}

static int t_quota_files(struct meta *m, const struct inode *i, char *out)
{
	(void)m;
	return has_quota(i) ? number(out, i->dir->quota_max_files) : -ENODATA;
}

static int t_caps(struct meta *m, const struct inode *i, char *out)
{
	uint32_t caps = caps_issued(i, ring_now(m->ring));
	char text[CAP_TEXT_MAX];

	return snprintf(out, VXATTR_TEXT_MAX, "%s/0x%x", cap_text(caps, text), caps);
}

static int t_fsid(struct meta *m, const struct inode *i, char *out)
{
	(void)i;
	fsid_text(mon_monmap(m->mon)->fsid, out);
	return (int)strlen(out);
}

static int t_client(struct meta *m, const struct inode *i, char *out)
{
	(void)i;
	return snprintf(out, VXATTR_TEXT_MAX, "client%" PRIu64, *mon_global_id(m->mon));
}

static int t_auth_mds(struct meta *m, const struct inode *i, char *out)
{
	const struct cap *c = cap_auth(i);

	(void)m;
	return snprintf(out, VXATTR_TEXT_MAX, "%d", c ? c->session->rank : -1);
}

/* Told of the root of a snapshot; what lies below it is as old. */
static int t_snap_btime(struct meta *m, const struct inode *i, char *out)
{
	uint64_t ns = 0;

	(void)m;
	while (i && i->key.snapid < SNAP_HEAD && !ns) {
		const struct dentry *d = LIST_FIRST(&i->aliases);

		ns = i->dir ? i->dir->snap_btime_ns : 0;
		i = d ? d->key.dir : NULL;
	}
	if (!ns)
		return -ENODATA;
	return snprintf(out, VXATTR_TEXT_MAX, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

static const struct vxattr table[] = {
	/* Layouts are asked for: the MDS knows the pool's name, we only its number, which is shown when it
	   cannot be asked. */
	{ "ceph.dir.layout", VXATTR_ASK, 'd', 'w', t_layout },
	{ "ceph.dir.layout.stripe_unit", VXATTR_ASK, 'd', 'w', t_layout_stripe_unit },
	{ "ceph.dir.layout.stripe_count", VXATTR_ASK, 'd', 'w', t_layout_stripe_count },
	{ "ceph.dir.layout.object_size", VXATTR_ASK, 'd', 'w', t_layout_object_size },
	{ "ceph.dir.layout.pool", VXATTR_ASK, 'd', 'w', t_layout_pool },
	{ "ceph.dir.layout.pool_namespace", VXATTR_ASK, 'd', 'w', t_layout_pool_ns },
	{ "ceph.file.layout", VXATTR_ASK, 'f', 'w', t_layout },
	{ "ceph.file.layout.stripe_unit", VXATTR_LOCAL, 'f', 'w', t_layout_stripe_unit },
	{ "ceph.file.layout.stripe_count", VXATTR_LOCAL, 'f', 'w', t_layout_stripe_count },
	{ "ceph.file.layout.object_size", VXATTR_LOCAL, 'f', 'w', t_layout_object_size },
	{ "ceph.file.layout.pool", VXATTR_ASK, 'f', 'w', t_layout_pool },
	{ "ceph.file.layout.pool_namespace", VXATTR_LOCAL, 'f', 'w', t_layout_pool_ns },
	{ "ceph.dir.entries", VXATTR_STAT, 'd', 'r', t_entries },
	{ "ceph.dir.files", VXATTR_STAT, 'd', 'r', t_files },
	{ "ceph.dir.subdirs", VXATTR_STAT, 'd', 'r', t_subdirs },
	{ "ceph.dir.rentries", VXATTR_RSTAT, 'd', 'r', t_rentries },
	{ "ceph.dir.rfiles", VXATTR_RSTAT, 'd', 'r', t_rfiles },
	{ "ceph.dir.rsubdirs", VXATTR_RSTAT, 'd', 'r', t_rsubdirs },
	{ "ceph.dir.rsnaps", VXATTR_RSTAT, 'd', 'r', t_rsnaps },
	{ "ceph.dir.rbytes", VXATTR_RSTAT, 'd', 'r', t_rbytes },
	{ "ceph.dir.rctime", VXATTR_RSTAT, 'd', 'w', t_rctime },
	/* A pin that somebody changes takes back no cap: what we were told may be old. */
	{ "ceph.dir.pin", VXATTR_ASK, 'd', 'w', t_pin },
	{ "ceph.quota", VXATTR_STAT, 'd', 'w', t_quota },
	{ "ceph.quota.max_bytes", VXATTR_STAT, 'd', 'w', t_quota_bytes },
	{ "ceph.quota.max_files", VXATTR_STAT, 'd', 'w', t_quota_files },
	{ "ceph.snap.btime", VXATTR_LOCAL, 'd', 'r', t_snap_btime },
	{ "ceph.snap.btime", VXATTR_LOCAL, 'f', 'r', t_snap_btime },
	{ "ceph.caps", VXATTR_LOCAL, 'a', 'r', t_caps },
	{ "ceph.cluster_fsid", VXATTR_LOCAL, 'a', 'r', t_fsid },
	{ "ceph.client_id", VXATTR_LOCAL, 'a', 'r', t_client },
	{ "ceph.auth_mds", VXATTR_LOCAL, 'a', 'r', t_auth_mds },
};

static char kind_of(const struct inode *i)
{
	return S_ISDIR(i->a.mode) ? 'd' : S_ISREG(i->a.mode) ? 'f' : 'o';
}

static const struct vxattr *find(const struct inode *i, const char *name)
{
	for (size_t n = 0; n < sizeof table / sizeof *table; n++)
		if (!strcmp(table[n].name, name) && (table[n].on == 'a' || table[n].on == kind_of(i)))
			return &table[n];
	return NULL;
}

enum vxattr_kind vxattr_kind(const struct inode *i, const char *name)
{
	const struct vxattr *v = find(i, name);

	if (v)
		return v->kind;
	/* The MDS would tell the layout of a link, where it has none. */
	return kind_of(i) == 'o' ? VXATTR_LOCAL : VXATTR_ASK;
}

bool vxattr_read_only(const struct inode *i, const char *name)
{
	const struct vxattr *v = find(i, name);

	return v && v->kept == 'r';
}

int vxattr_text(struct meta *m, const struct inode *i, const char *name, char *text)
{
	const struct vxattr *v = find(i, name);
	int n = v ? v->text(m, i, text) : -ENODATA;

	return n >= VXATTR_TEXT_MAX ? VXATTR_TEXT_MAX - 1 : n;
}

/* ---- layouts, as the MDS tells them ---- */

static bool is_layout(const char *name)
{
	return !strcmp(name, "ceph.dir.layout") || !strcmp(name, "ceph.file.layout") ||
	       !strcmp(name, "ceph.dir.layout.pool") || !strcmp(name, "ceph.file.layout.pool") ||
	       !strncmp(name, "ceph.dir.layout.", 16);
}

const char *vxattr_ask_name(const struct inode *i, const char *name)
{
	if (!find(i, name) || !is_layout(name))
		return name;
	return inode_is_dir(i) ? "ceph.dir.layout.json" : "ceph.file.layout.json";
}

static int layout_text(const json_t *o, const struct inode *i, char *text)
{
	json_int_t unit, count, size;
	const char *pool, *ns, *from;

	if (json_unpack((json_t *)o, "{sI sI sI ss ss ss}", "stripe_unit", &unit, "stripe_count", &count,
			"object_size", &size, "pool_name", &pool, "pool_namespace", &ns, "inheritance",
			&from))
		return -EBADMSG;
	/* A directory without a layout of its own has none to show. One that was set as it would be anyway is
	 * called a default, too: of that the inode tells. */
	if (inode_is_dir(i) && strcmp(from, "@set") && (strcmp(from, "@default") || !has_layout(i)))
		return -ENODATA;
	return snprintf(text, VXATTR_TEXT_MAX,
			"stripe_unit=%lld stripe_count=%lld object_size=%lld pool=%s%s%s", (long long)unit,
			(long long)count, (long long)size, pool, *ns ? " pool_namespace=" : "", ns);
}

static int layout_field(const json_t *o, const char *field, char *text)
{
	const json_t *v = json_object_get(o, !strcmp(field, "pool") ? "pool_name" : field);

	if (json_is_integer(v))
		return snprintf(text, VXATTR_TEXT_MAX, "%lld", (long long)json_integer_value(v));
	if (!json_is_string(v))
		return -ENODATA;
	return snprintf(text, VXATTR_TEXT_MAX, "%s", json_string_value(v));
}

int vxattr_from_answer(const struct inode *i, const char *name, struct slice answer, char *text)
{
	bool whole = !strcmp(name, "ceph.dir.layout") || !strcmp(name, "ceph.file.layout");
	json_t *o;
	int n;

	o = json_loadb((const char *)answer.p, answer.len, 0, NULL);
	n = layout_text(o, i, text);
	if (o && !whole && n >= 0)
		n = layout_field(o, strrchr(name, '.') + 1, text);
	json_decref(o);
	return n >= VXATTR_TEXT_MAX ? VXATTR_TEXT_MAX - 1 : n;
}

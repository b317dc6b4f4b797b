/* mds_realm.c: snap realms as an MDS describes them (ceph src/common/snap_types.h SnapRealmInfo,
 * SnapRealmInfoNew): a trace is realms one behind the other, from the innermost up to the root, without a
 * count: it ends where its bytes end.
 *
 * The older form is bare; the one with a struct header adds when the realm was last changed. Nothing in the
 * bytes tells them apart: the session's features do.
 */
#include "mds.h"

#include "le.h"

enum { REALM_HEAD = 48, REALM_KNOWN = 1, SNAP_BYTES = 8 };

static struct slice snaps_slice(struct dec *d, uint32_t count)
{
	if (count > REALM_SNAPS_MAX)
		dec_fail(d, "snap realm: more snapshots than are supported");
	return dec_items(d, count, SNAP_BYTES);
}

static void bare_decode(struct dec *d, struct realm_info *r)
{
	const uint8_t *p = dec_take(d, REALM_HEAD);

	if (!p)
		return;
	r->ino = le64_get(p);
	r->created = le64_get(p + 8);
	r->parent = le64_get(p + 16);
	r->parent_since = le64_get(p + 24);
	r->seq = le64_get(p + 32);
	r->snaps = snaps_slice(d, le32_get(p + 40));
	r->prior_parent_snaps = snaps_slice(d, le32_get(p + 44));
}

static void wrapped_decode(struct dec *d, struct realm_info *r)
{
	struct dec in = dec_section(d, REALM_KNOWN, NULL);

	bare_decode(&in, r);
	r->last_modified_ns = dec_time(&in);
	r->change_attr = dec_u64(&in);
	dec_close(d, &in);
}

int realm_next(struct dec *d, bool wrapped, struct realm_info *r)
{
	*r = (struct realm_info){ 0 };
	if (d->err || !dec_left(d))
		return d->err;
	if (wrapped)
		wrapped_decode(d, r);
	else
		bare_decode(d, r);
	return d->err ? d->err : 1;
}

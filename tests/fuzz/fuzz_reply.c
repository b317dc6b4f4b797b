/* A client_reply as a hostile MDS might send it: the trace, the xattrs, fragment trees and snapshot metadata
 * inside. What stands behind the trace is for fuzz_extras, fuzz_readdir and fuzz_realm. */
#include "proto/frag.h"
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inode_use(const struct inode_stat *i)
{
	struct fragtree tree = { 0 };
	struct xattr_iter it;
	struct slice name, value;
	struct kv_iter metadata;
	struct kv_slice kv;
	uint32_t f, leaves = 0;

	touch_inode(i);
	if (!xattrs_begin(&it, i->xattrs))
		while (xattrs_next(&it, &name, &value) == 1) {
			touch(name);
			touch(value);
		}
	/* the walk that found the map's end went over each pair already */
	require(!kv_begin(&metadata, i->snap_metadata));
	while (metadata.left)
		require(kv_next(&metadata, &kv) == 1);
	require(!kv_next(&metadata, &kv));
	if (!fragtree_set(&tree, i->fragtree.p, i->fragtree.len)) {
		f = fragtree_first(&tree);
		do
			require(frag_valid(f));
		while (++leaves < 4096 && fragtree_after(&tree, f, &f));
	}
	fragtree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct reply r;

	if (reply_decode(&d, &r)) {
		require(d.what != NULL);
		return 0;
	}
	require(!dec_left(&d));
	if (r.is_dentry) {
		inode_use(&r.dir);
		touch(r.dname);
		require(r.dirstat.dist_count <= DIST_MAX);
	}
	if (r.is_target)
		inode_use(&r.target);
	touch(r.extra);
	touch(r.snaptrace);
	return 0;
}

/* The extra of READDIR: a head and as many entries as it promises. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct readdir_head h;
	struct readdir_entry e;

	if (readdir_head_decode(&d, &h))
		return 0;
	require(h.dir.dist_count <= DIST_MAX);
	require(h.count <= size / 200);
	for (uint32_t i = 0; i < h.count && !readdir_next(&d, &e); i++) {
		touch(e.name);
		touch_inode(&e.inode);
	}
	return 0;
}

/* Session messages: first byte the header version, then the front; and the grants of the key inside. */
#include "touch.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void grants_use(struct slice grants)
{
	struct cap_auth_rule r;
	struct cap_auth_iter it;

	require(!cap_auths_begin(&it, grants));
	while (cap_auths_next(&it, &r) == 1) {
		touch(r.gids);
		touch(r.path);
		touch(r.fs_name);
		require(r.gids.len % 4 == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reclaim_reply r;
	struct session_msg s;
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	require(!reclaim_reply_decode(&d, &r) || d.err == -EBADMSG);
	d = dec_init(data + 1, size - 1);
	if (session_decode(&d, data[0], &s))
		return 0;
	touch(s.error_string);
	touch(s.cap_auths);
	require(data[0] >= 6 || !s.cap_auths.len);
	grants_use(s.cap_auths);
	require(!s.error_string.len || s.op == SESSION_REJECT);
	return 0;
}

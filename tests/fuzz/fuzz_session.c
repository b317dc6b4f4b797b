/* Session messages: first byte the header version, then the front. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_msg s;
	struct dec d;

	if (!size)
		return 0;
	d = dec_init(data + 1, size - 1);
	if (session_decode(&d, data[0], &s))
		return 0;
	touch(s.error_string);
	require(!s.error_string.len || s.op == SESSION_REJECT);
	return 0;
}

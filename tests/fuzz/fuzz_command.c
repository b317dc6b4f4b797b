/* An MDS's answer to a command: what decodes is within the message, and what is behind it is left alone. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dec d = dec_init(data, size);
	struct command_reply r;

	if (command_reply_decode(&d, &r)) {
		require(d.what != NULL && dec_left(&d) == 0);
		return 0;
	}
	touch(r.said);
	require(8 + r.said.len + dec_left(&d) == size);
	return 0;
}

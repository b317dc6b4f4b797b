/* mds_command.c: commands to a daemon and their answers (ceph src/messages/MCommand.h, MCommandReply.h). What
 * goes with a command, and what it prints, are the messages' data segments. */
#include "mds.h"

void command_encode(struct enc *e, const uint8_t fsid[16], const char *const *words, uint32_t count)
{
	enc_bytes(e, fsid, 16);
	enc_u32(e, count);
	for (uint32_t n = 0; n < count; n++)
		enc_str(e, words[n]);
}

int command_reply_decode(struct dec *d, struct command_reply *r)
{
	r->result = dec_s32(d);
	r->said = dec_slice(d);
	return d->err;
}

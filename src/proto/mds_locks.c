/* mds_locks.c: a file lock as an MDS keeps it (ceph src/include/ceph_fs.h struct ceph_filelock): the answer
 * to "who holds this", and what a client reports after a failover. Requests say the same in another order
 * (mds_args.c).
 */
#include "mds.h"

#include "le.h"

int filelock_decode(struct dec *d, struct filelock *l)
{
	const uint8_t *p = dec_take(d, FILELOCK_BYTES);

	*l = (struct filelock){ 0 };
	if (!p)
		return d->err;
	l->start = le64_get(p);
	l->length = le64_get(p + 8);
	l->client = le64_get(p + 16);
	l->owner = le64_get(p + 24);
	l->pid = le64_get(p + 32);
	l->type = p[40];
	return d->err;
}

void filelock_encode(struct enc *e, const struct filelock *l)
{
	uint8_t *p = enc_room(e, FILELOCK_BYTES);

	if (!p)
		return;
	le64_put(p, l->start);
	le64_put(p + 8, l->length);
	le64_put(p + 16, l->client);
	le64_put(p + 24, l->owner);
	le64_put(p + 32, l->pid);
	p[40] = l->type;
}

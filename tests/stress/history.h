/* history.h: was what readers saw possible? A check that recorded answers are linearizable.
 *
 * The writer is one, so the versions have an order. A read is possible if one moment between its beginning
 * and its end has a version that gives its answer; all of them together, if the moments can be chosen so that
 * a read that began after another had ended got no older version. Choosing for each read, in the order of
 * their beginnings, the oldest version that is left to it finds such a choice if there is one.
 */
#pragma once
#include <stddef.h>
#include "world.h"

struct read_record {
	uint64_t from_ns, to_ns;
	struct query q;
	struct answer a;
};

struct verdict {
	size_t reads, impossible; /* impossible: no version fits */
	struct read_record first; /* of those */
	struct answer should;     /* what the newest version that it could have seen would have told */
};

/* `versions[0]` is the world at first. Both arrays get sorted or changed. */
struct verdict history_judge(const struct model *first, const struct version *versions, size_t version_count,
			     struct read_record *reads, size_t read_count);

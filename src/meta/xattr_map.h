/* xattr_map.h: the extended attributes of an inode as the one wire map<name, blob> that the MDS and we keep
 * them in. Pure, any thread. */
#pragma once
#include "../proto/mds.h"

/* The value of a name: true, or false: it is not there. */
bool xattr_map_find(struct slice map, const char *name, struct slice *value);
/* Appends to `out` the map with `name` set to `value`, or without it (NULL). Names stay in order, as the
 * MDS has them. 0, -EBADMSG, -ENOMEM. */
int xattr_map_with(struct slice map, const char *name, const struct slice *value, struct enc *out);

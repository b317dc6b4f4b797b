/* monhost.h: `mon_host` in all its forms, as a list of monitors.
 *
 *   10.0.0.1   10.0.0.1:3300   v2:10.0.0.1:3300/0   [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]
 *   [::1]      [::1]:3300      v2:[::1]:3300        mon.example.com   mon.example.com:3300
 *
 * separated by commas, semicolons or blanks. Port 3300 (msgr2) is meant where none is given; port 6789
 * without a v2: prefix is msgr1. Names are returned as names: resolving them is the caller's. Pure.
 */
#pragma once
#include "addr.h"

enum {
	MONHOST_MAX = 64,
	MONHOST_NAME_MAX = 254,
	MONHOST_TEXT_MAX = 16384,
	MON_PORT = 3300,
	MON_PORT_LEGACY = 6789
};

struct monhost_entry {
	struct entity_addr addr;     /* type 2; of a name: only the port counts */
	char name[MONHOST_NAME_MAX]; /* "" = addr is complete */
	bool legacy;                 /* only msgr1 there, which cephring does not speak; addr.type is 1 */
};
struct monhost {
	unsigned count;
	struct monhost_entry mon[MONHOST_MAX];
	size_t error_at; /* after -EINVAL: offset of the entry that was not understood */
};

/* 0; -EINVAL; -E2BIG: over MONHOST_MAX or MONHOST_TEXT_MAX. Equal entries are kept once. */
int monhost_parse(const char *text, struct monhost *m);

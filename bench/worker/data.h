/* data.h: the data that suites read, and the names in it. ROOT is a directory of the suite's own (data_root).
 *
 *   ROOT/wide/f00000 ...          many files in one directory
 *   ROOT/wNN-IIIII/l/l/.../leaf   chains: paths of exactly NN components below ROOT, no two sharing any of
 * them
 *
 * Clients mount ROOT, so that a path is as long as it looks. All this is root's and readable by all: an
 * ordinary user passes, but only after a look at the mode of each directory. */
#pragma once

#include <stdint.h>
#include <stddef.h>

#define DATA_WIDE "wide"

enum { DATA_PATH_MAX = 128, DATA_DEPTH_MAX = 16, DATA_MAKERS = 16 };

extern const char data_root[]; /* the suite's */

/* Both below the mount's root; `levels` <= depth of them are written (all: depth). */
void data_chain(char out[DATA_PATH_MAX], unsigned depth, uint64_t i, unsigned levels);
void data_wide(char out[DATA_PATH_MAX], uint64_t i);    /* wide/f00001 */
void data_name(char out[DATA_PATH_MAX], uint64_t i);    /* f00001 */
void data_missing(char out[DATA_PATH_MAX], uint64_t i); /* missing00001 */

struct data_plan {
	uint64_t files; /* in the wide directory */
	struct {
		unsigned depth;
		uint64_t count;
	} chains[8];
	unsigned depths; /* of them */
	unsigned threads;
};

struct client;
/* 0 also when it is there already. */
int data_mkdir(struct client *c, const char *path, uint32_t mode);
/* Makes what is missing; `say` is told how far it is, about five times a second. A tree that is complete
 * already is recognised at once. 0 or -errno with the path in `where`. */
int data_prepare(struct client *c, const struct data_plan *plan, void (*say)(size_t done, size_t all),
		 char where[DATA_PATH_MAX]);

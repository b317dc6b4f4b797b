/* data.h: the tree that every suite measures on, and the names in it.
 *
 *   /cephring-bench/wide/f00000 ...          many files in one directory
 *   /cephring-bench/wNN-IIIII/l/l/.../leaf   chains: paths of exactly NN components below the mount's root,
 * no two sharing any of them
 *
 * Clients mount /cephring-bench, so that a path is as long as it looks. Everything is root's and readable by
 * all: an ordinary user passes, but only after a look at the mode of each directory. */
#pragma once

#include <stdint.h>
#include <stddef.h>

#define DATA_ROOT "/cephring-bench"
#define DATA_WIDE "wide"

enum { DATA_PATH_MAX = 128, DATA_DEPTH_MAX = 16 };

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
/* Makes what is missing; `say` is told how far it is, about five times a second. A tree that is complete
 * already is recognised at once. 0 or -errno with the path in `where`. */
int data_prepare(struct client *c, const struct data_plan *plan, void (*say)(uint64_t done, uint64_t all),
		 char where[DATA_PATH_MAX]);

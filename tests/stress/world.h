/* world.h: a small tree, as a model and as a cache of it, and the one who changes both.
 *
 *   /  t0 t1 t2        directories that stay
 *      tX/mY           directories that move between them (each mY is in one of them)
 *      tX/nZ mY/nZ     files: made, replaced, moved, removed, changed
 *      sY -> t0/mY/n0  links
 *
 * A file's attributes come from one number, its stamp, so that a mixture of two shows. What changes is either
 * this client's doing (the cache changes with the model, within one bracket) or another client's: then caps
 * are revoked first, the model changes, and later the cache learns anew, as MDSs have it.
 *
 * Every change is a version of the model. It took place at some time between `from_ns` and `to_ns`.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { TOPS = 3, MOVERS = 3, NAMES = 3, DIRS = TOPS + MOVERS };

struct cell {
	uint64_t ino; /* 0: no such name */
	uint64_t stamp;
};

struct model {
	struct cell cell[DIRS][NAMES];
	uint8_t parent[MOVERS];
};

/* One change: cells and parents that become something else. */
struct version {
	uint64_t from_ns, to_ns;
	struct {
		uint8_t dir, name;
		struct cell is;
	} cell[2];
	uint8_t cells;
	uint8_t mover, parent; /* mover MOVERS: none */
};

/* What a reader asks. */
enum query_kind {
	ASK_FILE,   /* /tX/nZ */
	ASK_DEEP,   /* /tX/mY/nZ */
	ASK_ASIDE,  /* /tX/mY/../nZ */
	ASK_AT,     /* nZ, from mY */
	ASK_PARENT, /* .., from mY */
	ASK_LINK,   /* /sY */
	ASK_LOOKUP, /* a reference to /tX/nZ: no attributes */
	ASK_KINDS
};
struct query {
	uint8_t kind, top, mover, name;
};
struct answer {
	uint64_t ino; /* 0: -ENOENT */
	uint64_t stamp;
};

uint64_t top_ino(unsigned top);
void model_apply(struct model *m, const struct version *v);
struct answer model_ask(const struct model *m, const struct query *q);

/* ---- the cache of it ---- */

enum world_fault { NO_FAULT, SILENT_CHANGES, LATE_REVOKE, EARLY_FREES };

struct world;
struct meta;
struct inode;
/* `fault`: how the cache is to be wrong, so that it can be seen that wrong is noticed. */
struct world *world_new(enum world_fault fault, uint64_t seed);
void world_free(struct world *w);
struct meta *world_meta(struct world *w);
const struct model *world_model(const struct world *w);
struct inode *world_mover(struct world *w, unsigned mover);
/* One change, and perhaps something that is none: forgetting, learning, a turn of the engine. */
void world_step(struct world *w, struct version *v);

uint64_t clock_now(void);

/* stripe.h: where the bytes of a file lie in its objects, and back.
 *
 * A file is cut into units of `unit` bytes; `count` objects take them in turn until each is full with
 * `object_size` bytes, then the next `count` objects begin: an object set.
 *
 *     unit 0  unit 1  unit 2        objects 0..2 of set 0, count = 3, two units in an object
 *     unit 3  unit 4  unit 5
 *     unit 6  ...                   objects 3..5 of set 1
 *
 * So a range of the file is one run of bytes in each object that it touches, and each run is made of pieces
 * that lie `unit * count` bytes apart in the file. Pure: nothing is allocated. Ceph: src/osdc/Striper.cc;
 * doc/protocol.md 13.9.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stripe_layout {
	uint32_t unit, count, object_size; /* bytes, objects, bytes */
};
/* 0, or -EINVAL: something is 0, or a unit does not divide an object. The calls below want a good one. */
int stripe_check(const struct stripe_layout *l);

/* A run of bytes in one object. */
struct stripe_run {
	uint64_t object; /* number */
	uint64_t offset, len;
	uint64_t file_offset; /* of its first byte */
};
struct stripe_iter {
	struct stripe_layout layout;
	uint64_t offset, end; /* of the file's range */
	uint64_t set;
	uint32_t at; /* objects of the set that came */
};
/* The runs of `len` bytes from `offset` of the file; their sum may not overflow. Each object comes once, in
 * the order of the first byte it has of the range. */
void stripe_begin(struct stripe_iter *it, const struct stripe_layout *l, uint64_t offset, uint64_t len);
bool stripe_next(struct stripe_iter *it, struct stripe_run *run);

/* A piece of a run: bytes that follow each other both in the object and in the file. */
struct stripe_piece {
	uint64_t file_offset, offset, len;
};
/* The piece of the run that begins `done` bytes into it: called with 0, then with the sum of what came.
 * False at the run's end. */
bool stripe_piece(const struct stripe_layout *l, const struct stripe_run *run, uint64_t done,
		  struct stripe_piece *piece);

/* The offset in the file of a byte of an object. */
uint64_t stripe_file_offset(const struct stripe_layout *l, uint64_t object, uint64_t offset);
/* How many bytes an object has of a file of this size, if it has no holes. As a truncation is told to an
 * object's operations: 0 and UINT64_MAX stand for themselves there. */
uint64_t stripe_object_bytes(const struct stripe_layout *l, uint64_t object, uint64_t file_size);
uint64_t stripe_object_trunc(const struct stripe_layout *l, uint64_t object, uint64_t truncate_size);

enum { STRIPE_NAME_MAX = 36 };
/* "10000000abc.00000001" into STRIPE_NAME_MAX bytes; returns its length. */
size_t stripe_object_name(uint64_t ino, uint64_t object, char *out);

/* stress.h: what the beds of the unit tests need of Criterion, for programs without it: a failed assumption
 * ends the program. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#define cr_assert(ok, ...)                                                                                   \
	do {                                                                                                 \
		if (!(ok)) {                                                                                 \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #ok);                     \
			abort();                                                                             \
		}                                                                                            \
	} while (0)
#define cr_assert_eq(a, b, ...)    cr_assert((a) == (b))
#define cr_assert_null(p, ...)     cr_assert(!(p))
#define cr_assert_not_null(p, ...) cr_assert(p)

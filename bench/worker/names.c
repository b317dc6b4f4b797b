/* names.c: see names.h. */
#include "names.h"

#include <errno.h>
#include <stdlib.h>

int names_new(struct names *s, size_t n)
{
	*s = (struct names){ calloc(n ? n : 1, DATA_PATH_MAX), calloc(n ? n : 1, sizeof(char *)), n };
	if (!s->text || !s->v) {
		names_free(s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		s->v[i] = s->text[i];
	return 0;
}

void names_free(struct names *s)
{
	free(s->text);
	free(s->v);
	*s = (struct names){ 0 };
}

int names_make(struct names *s, size_t n, uint64_t first, void (*one)(char out[DATA_PATH_MAX], uint64_t i))
{
	int err = names_new(s, n);

	for (size_t i = 0; !err && i < n; i++)
		one(s->text[i], first + i);
	return err;
}

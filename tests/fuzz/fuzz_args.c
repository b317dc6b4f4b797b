/* fuzz_args.c: any text as CEPH_ARGS. */
#include "proto/args.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);
	struct args a;

	if (!args_parse(text, &a)) {
		must(a.count <= ARGS_MAX);
		for (unsigned i = 0; i < a.count; i++) {
			must(strlen(a.arg[i].key) > 0 && !strchr(a.arg[i].key, '-'));
			must(strlen(a.arg[i].value) <= size + 4);
			must(args_find(&a, a.arg[i].key) != NULL);
		}
		args_free(&a);
	}
	free(text);
	return 0;
}

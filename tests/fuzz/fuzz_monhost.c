/* fuzz_monhost.c: any text as mon_host; what is understood, written out, is understood as the same. */
#include <stdio.h>

#include "proto/monhost.h"
#include "proto_use.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct monhost_entry *e)
{
	static struct monhost m;
	char addr[ADDR_TEXT_MAX], text[MONHOST_NAME_MAX + 32];

	if (e->name[0])
		snprintf(text, sizeof(text), "%s%s:%u/%u", e->legacy ? "v1:" : "v2:", e->name, e->addr.port,
			 e->addr.nonce);
	else
		snprintf(text, sizeof(text), "%s", addr_text(&e->addr, addr));
	must(!monhost_parse(text, &m) && m.count == 1);
	must(m.mon[0].legacy == e->legacy && !strcmp(m.mon[0].name, e->name));
	must(addr_equal(&m.mon[0].addr, &e->addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct monhost m;
	char *text = text_of(data, size);
	int res = monhost_parse(text, &m);

	must(res <= 0 && m.count <= MONHOST_MAX);
	must(m.error_at <= size);
	for (unsigned i = 0; i < m.count; i++)
		again(&m.mon[i]);
	free(text);
	return 0;
}

/* osd_messages.h: the captured messages of tests/data/osd/messages.txt, by the words they begin with. */
#pragma once
#include "vectors.h"

/* The bytes in hex behind `field` of the record at `at`; none when the record has no such line. */
static inline struct bytes osd_field(const char *at, const char *field)
{
	const char *end = strstr(at, "\n## "), *line = strstr(at, field);
	struct bytes none = { 0 };
	size_t n;
	char *hex;

	if (!line || (end && line > end))
		return none;
	line += strlen(field);
	n = strspn(line, "0123456789abcdef");
	hex = (char *)kept((uint8_t *)strndup(line, n));
	return unhex(hex);
}

/* `what`: how the line begins; `type`: "MOSDOp type", "MOSDOpReply" ... */
static inline void osd_record(const char *what, const char *type, struct bytes *front, struct bytes *data)
{
	size_t len;
	char *all = (char *)kept(test_file("osd/messages.txt", &len)), *at = all;
	size_t n = strlen(what);

	all[len - 1] = 0;
	while ((at = strstr(at, "\n## "))) {
		char *line_end = strchr(at + 1, '\n'), *found = strstr(at, type);

		if (!strncmp(at + 4, what, n) && found && found < line_end) {
			*front = osd_field(line_end, "front: ");
			*data = osd_field(line_end, "data: ");
			cr_assert(front->len);
			return;
		}
		at = line_end;
	}
	cr_assert_fail("no record of %s %s", what, type);
}

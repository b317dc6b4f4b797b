/* view.c: see view.h. Nothing here knows what the members mean, so a view of the library may grow freely. */
#include "view.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCALAR_MAX = 512, COLUMNS_MAX = 32 };

static void print_value(const json_t *v, int indent);

static bool is_scalar(const json_t *v)
{
	return !json_is_object(v) && !json_is_array(v);
}

static bool all_scalar(const json_t *v)
{
	const char *key;
	json_t *member;
	size_t i;

	json_object_foreach((json_t *)v, key, member) if (!is_scalar(member)) return false;
	json_array_foreach(v, i, member) if (!is_scalar(member)) return false;
	return true;
}

/* A list of objects without lists or objects in them. */
static bool is_table(const json_t *v)
{
	json_t *row;
	size_t i;

	json_array_foreach(v, i, row) if (!json_is_object(row) || !all_scalar(row)) return false;
	return json_array_size(v) && json_object_size(json_array_get(v, 0)) <= COLUMNS_MAX;
}

static const char *scalar(char buf[SCALAR_MAX], const json_t *v)
{
	char *name;

	if (json_is_string(v)) {
		name = json_string_length(v) ? text_name(json_string_value(v), json_string_length(v))
					     : strdup("-");
		snprintf(buf, SCALAR_MAX, "%s", name ? name : "");
		free(name);
	} else if (json_is_integer(v)) {
		snprintf(buf, SCALAR_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	} else if (json_is_real(v)) {
		snprintf(buf, SCALAR_MAX, "%g", json_real_value(v));
	} else {
		snprintf(buf, SCALAR_MAX, "%s", json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "-");
	}
	return buf;
}

static void print_table(const json_t *rows, int indent)
{
	const json_t *first = json_array_get(rows, 0);
	int width[COLUMNS_MAX] = { 0 };
	char buf[SCALAR_MAX];
	const char *key;
	json_t *row, *v;
	size_t i;
	int c;

	json_array_foreach(rows, i, row)
	{
		c = 0;
		json_object_foreach((json_t *)first, key, v)
		{
			int cell = text_width(scalar(buf, json_object_get(row, key))), head = strlen(key);

			cell = cell > head ? cell : head;
			width[c] = cell > width[c] ? cell : width[c];
			c++;
		}
	}
	printf("%*s", indent, "");
	c = 0;
	json_object_foreach((json_t *)first, key, v) printf("%-*s  ", width[c++], key);
	putchar('\n');
	json_array_foreach(rows, i, row)
	{
		printf("%*s", indent, "");
		c = 0;
		json_object_foreach((json_t *)first, key, v)
		{
			const char *cell = scalar(buf, json_object_get(row, key));

			printf("%s%*s  ", cell, width[c] - (int)text_width(cell), "");
			c++;
		}
		putchar('\n');
	}
}

static void print_list(const json_t *list, int indent)
{
	json_t *v;
	size_t i;

	if (!json_array_size(list)) {
		printf("%*snone\n", indent, "");
		return;
	}
	if (is_table(list)) {
		print_table(list, indent);
		return;
	}
	json_array_foreach(list, i, v)
	{
		if (i && !is_scalar(v))
			putchar('\n');
		print_value(v, indent);
	}
}

/* "a, b, c" on one line: only plain values, not too long. */
static bool print_inline(const json_t *list)
{
	char line[SCALAR_MAX] = "", buf[SCALAR_MAX];
	size_t len = 0, i;
	json_t *v;

	if (!all_scalar(list))
		return false;
	json_array_foreach(list, i, v)
	{
		len += snprintf(line + len, sizeof line - len, "%s%s", i ? ", " : "", scalar(buf, v));
		if (len > 90)
			return false;
	}
	printf(" %s\n", *line ? line : "none");
	return true;
}

static void print_member(const char *key, const json_t *v, int indent, int key_width)
{
	char buf[SCALAR_MAX];

	if (is_scalar(v)) {
		printf("%*s%s:%*s %s\n", indent, "", key, key_width - (int)strlen(key), "", scalar(buf, v));
		return;
	}
	printf("%*s%s:", indent, "", key);
	if (json_is_array(v) && print_inline(v))
		return;
	putchar('\n');
	print_value(v, indent + 2);
}

static void print_object(const json_t *object, int indent)
{
	int key_width = 0;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)object, key, v) if (is_scalar(v) && (int)strlen(key) > key_width)
	    key_width = strlen(key);
	json_object_foreach((json_t *)object, key, v) print_member(key, v, indent, key_width);
}

static void print_value(const json_t *v, int indent)
{
	char buf[SCALAR_MAX];

	if (json_is_object(v))
		print_object(v, indent);
	else if (json_is_array(v))
		print_list(v, indent);
	else
		printf("%*s%s\n", indent, "", scalar(buf, v));
}

void view_print(const json_t *value)
{
	print_value(value, 0);
}

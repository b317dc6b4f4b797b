/* view.h: JSON as text for people: members one on a line, lists of plain objects as tables. */
#pragma once
#include <jansson.h>

void view_print(const json_t *value);

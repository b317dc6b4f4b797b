/* dump.h: pieces of the debug views. The values are the caller's. */
#pragma once
#include <jansson.h>
#include "mount.h"

void view_set(json_t *o, const char *key, json_t *value); /* takes value over */
json_t *view_number(uint64_t v);
json_t *view_name(const char *s, size_t len); /* names need not be UTF-8; JSON must */
json_t *view_conn(const struct conn_info *c);
/* data_view.c: OSD sessions, requests in flight with their states and why. */
json_t *view_data(cephring_mount *mt);
/* The data side's part of the counters. */
void data_stats(cephring_mount *mt, struct cephring_stats *s);

/* messages.h: the captured messages of tests/data/messages, one by one; and bytes placed against a page that
 * may not be touched, so that reading past their end faults in any build.
 */
#pragma once
#include <criterion/criterion.h>
#include <isa-l/igzip_lib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct message {
	uint16_t type, version;
	uint8_t from; /* 0 client, 1 daemon, 2 either */
	const uint8_t *front, *middle, *data;
	uint32_t front_len, middle_len, data_len;
	const char *file;
	unsigned index; /* of the record in its file */
};
typedef void message_fn(const struct message *m, void *arg);

static inline uint8_t *test_file(const char *name, size_t *len)
{
	enum { LIMIT = 1 << 20 };
	char path[4096];
	uint8_t *buf = malloc(LIMIT);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
	f = fopen(path, "rb");
	cr_assert(f && buf, "%s: cannot be read", path);
	*len = fread(buf, 1, LIMIT, f);
	cr_assert(*len && *len < LIMIT, "%s: %zu bytes", path, *len);
	fclose(f);
	return buf;
}

static inline uint8_t *test_gunzip(const uint8_t *gz, size_t gz_len, size_t *len)
{
	enum { LIMIT = 8 << 20 };
	struct inflate_state state;
	uint8_t *buf = malloc(LIMIT);

	cr_assert(buf);
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	state.next_in = (uint8_t *)gz;
	state.avail_in = (uint32_t)gz_len;
	state.next_out = buf;
	state.avail_out = LIMIT;
	cr_assert_eq(isal_inflate_stateless(&state), ISAL_DECOMP_OK);
	*len = state.total_out;
	return buf;
}

static inline const uint8_t *message_read(const uint8_t *p, const uint8_t *end, struct message *m)
{
	cr_assert(end - p >= 20, "%s: cut short", m->file);
	memcpy(&m->type, p, 2);
	memcpy(&m->version, p + 2, 2);
	m->from = p[4];
	memcpy(&m->front_len, p + 8, 4);
	memcpy(&m->middle_len, p + 12, 4);
	memcpy(&m->data_len, p + 16, 4);
	p += 20;
	cr_assert((size_t)(end - p) >= (size_t)m->front_len + m->middle_len + m->data_len);
	m->front = p;
	m->middle = m->front + m->front_len;
	m->data = m->middle + m->middle_len;
	return m->data + m->data_len;
}

/* Calls `fn` for every captured message of this type in all files; returns how many there were. */
static inline unsigned messages_each(uint16_t type, message_fn *fn, void *arg)
{
	static const char *const files[] = { "ceph16", "ceph16to18", "ceph18", "ceph20" };
	unsigned seen = 0;

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char name[64];
		size_t gz_len, len;
		uint8_t *gz, *all;
		struct message m = { .file = files[i] };

		snprintf(name, sizeof(name), "messages/%s.msgs.gz", files[i]);
		gz = test_file(name, &gz_len);
		all = test_gunzip(gz, gz_len, &len);
		for (const uint8_t *p = all; p < all + len; m.index++) {
			p = message_read(p, all + len, &m);
			if (m.type == type) {
				seen++;
				fn(&m, arg);
			}
		}
		free(all);
		free(gz);
	}
	return seen;
}

/* A copy of the bytes that ends where readable memory ends; the last copy is overwritten by the next. */
static inline const uint8_t *guarded(const void *p, size_t len)
{
	enum { ROOM = 1 << 20 };
	static uint8_t *room;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!room) {
		room = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		cr_assert(room != MAP_FAILED);
		cr_assert_eq(mprotect(room + ROOM, page, PROT_NONE), 0);
	}
	cr_assert(len <= ROOM);
	if (len)
		memcpy(room + ROOM - len, p, len);
	return room + ROOM - len;
}

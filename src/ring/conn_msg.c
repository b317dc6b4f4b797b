/* conn_msg.c: messages to send, and the few kept for the next ones.
 *
 * A steady request stream makes and frees one message per request. Each thread keeps some freed ones with
 * their front buffers, so that the hot path allocates nothing; the cache lives while the thread has
 * connections and is given back with the last of them.
 */
#include "conn_impl.h"

enum { CACHE_MAX = 64, CACHE_FRONT_MAX = 4096 };

struct msg_cache {
	struct msg *free;
	unsigned count, users;
};
static _Thread_local struct msg_cache cache;

static void msg_destroy(struct msg *m)
{
	enc_free(&m->front);
	enc_free(&m->middle);
	enc_free(&m->data);
	mem_free(m, sizeof *m);
}

void msg_cache_get(void)
{
	cache.users++;
}

void msg_cache_put(void)
{
	struct msg *m;

	if (--cache.users > 0)
		return;
	while ((m = cache.free)) {
		cache.free = m->next;
		msg_destroy(m);
	}
	cache.count = 0;
}

struct msg *msg_new(uint16_t type, uint16_t version, uint16_t compat, uint64_t tid)
{
	struct msg *m = cache.free;

	if (m) {
		cache.free = m->next;
		cache.count--;
		m->next = NULL;
	} else {
		m = mem_alloc(sizeof *m);
		if (!m)
			return NULL;
		enc_init(&m->front);
		enc_init(&m->middle);
		enc_init(&m->data);
	}
	m->type = type;
	m->version = version;
	m->compat = compat;
	m->tid = tid;
	m->priority = 0;
	m->seq = 0;
	m->bulk = NULL;
	m->bulk_count = 0;
	m->bulk_len = m->bulk_at = 0;
	m->bulk_copied = false;
	m->released = NULL;
	return m;
}

void msg_free(struct msg *m)
{
	if (!m)
		return;
	if (m->released)
		m->released(m, m->arg);
	if (!cache.users || cache.count == CACHE_MAX || m->front.fixed || m->front.cap > CACHE_FRONT_MAX) {
		msg_destroy(m);
		return;
	}
	enc_reset(&m->front);
	enc_free(&m->middle);
	enc_free(&m->data);
	m->next = cache.free;
	cache.free = m;
	cache.count++;
}

/* blocking.c: see blocking.h. */
#include "blocking.h"
#include "client.h"
#include "crew.h"
#include "meter.h"

const char client_4k[CLIENT_4K] = "4 KiB";

struct many {
	struct client *c;
	const struct client_act *acts;
	uint64_t *took_ns;
};

static int one(void *arg, size_t i)
{
	struct many *m = arg;
	uint64_t began = meter_now_ns();
	int err = client_act(m->c, &m->acts[i]);

	m->took_ns[i] = meter_now_ns() - began;
	return err;
}

int blocking_act_many(struct client *c, const struct client_act *acts, size_t n, unsigned threads,
		      uint64_t *took_ns, size_t *bad)
{
	struct many m = { c, acts, took_ns };

	return crew_run(threads, n, one, &m, bad, NULL);
}

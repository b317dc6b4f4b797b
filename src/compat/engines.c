/* engines.c: the engines that all mounts of a process share: one, or as many as CEPHRING_ENGINES says, each a
 * thread of its own that is made with the first mount on it and stays.
 *
 * A forked child has no engine: it begins anew, and what it inherited counts as not mounted.
 *
 * At the end of the process the engines stop before the libraries they use clean up after themselves, and
 * after the program has: so the handler is registered as the library is loaded, before any of the program's
 * that may want to unmount. */
#include "compat.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENGINES_MAX = 64 };

static cephring_engine *_Atomic engines[ENGINES_MAX];
static atomic_uint turn, generation;

uint32_t engines_generation(void)
{
	return atomic_load_explicit(&generation, memory_order_relaxed);
}

static void in_child(void)
{
	atomic_fetch_add(&generation, 1);
	for (unsigned n = 0; n < ENGINES_MAX; n++)
		atomic_store(&engines[n], NULL);
}

static void at_end(void)
{
	for (unsigned n = 0; n < ENGINES_MAX; n++) {
		cephring_engine *e = atomic_load(&engines[n]);

		if (e)
			inside_engine_stop(e);
	}
}

/* OpenSSL's clean-up is registered first, so that it runs after ours. (Asked for nothing, it does nothing.)
 */
static __attribute__((constructor)) void hooks_set(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	pthread_atfork(NULL, NULL, in_child);
	atexit(at_end);
}

static unsigned engines_wanted(void)
{
	const char *text = getenv("CEPHRING_ENGINES");
	long n = text ? strtol(text, NULL, 10) : 1;

	return n < 1 ? 1 : n > ENGINES_MAX ? ENGINES_MAX : (unsigned)n;
}

int engines_pick(cephring_engine **out)
{
	struct cephring_engine_opts o = { .size = sizeof o, .own_thread = 1, .cpu = -1, .inbox = 65536 };
	unsigned n = atomic_fetch_add(&turn, 1) % engines_wanted();
	cephring_engine *e = atomic_load(&engines[n]), *made;
	char why[256];
	int err;

	if (!e) {
		err = cephring_engine_new(&o, &made, why, sizeof why);
		if (err) {
			compat_log(CEPHRING_LOG_ERROR, "no engine: %s", why);
			return err;
		}
		if (atomic_compare_exchange_strong(&engines[n], &e, made))
			e = made;
		else
			cephring_engine_free(made);
	}
	*out = e;
	return 0;
}

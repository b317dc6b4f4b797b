/* unload.c: a program may let go of the library while threads that have used it go on: what they have of it
 * (a cache of memory, an epoch record) they give back when they end, by code of the library. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>
#include "../cluster/tap.h"

struct cephring_config;

static sem_t used, gone;
static void *lib;

static void *use(void *arg)
{
	int (*config_new)(struct cephring_config * *out);
	void (*config_free)(struct cephring_config * c);
	struct cephring_config *c;

	(void)arg;
	*(void **)&config_new = dlsym(lib, "cephring_config_new");
	*(void **)&config_free = dlsym(lib, "cephring_config_free");
	if (!config_new || !config_free || config_new(&c))
		tap_die("the library can be used");
	config_free(c);
	sem_post(&used);
	sem_wait(&gone);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	/* What doc/manual.md says of dlopen(). */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=4096", 1);
		execl("/proc/self/exe", "unload", (char *)NULL);
	}
	sem_init(&used, 0, 0);
	sem_init(&gone, 0, 0);
	lib = dlopen(CEPHRING_LIB, RTLD_NOW | RTLD_LOCAL);
	if (!tap_ok(lib != NULL, "the library is loaded"))
		tap_die(dlerror());
	if (pthread_create(&thread, NULL, use, NULL))
		tap_die("a thread");
	sem_wait(&used);
	tap_eq(dlclose(lib), 0, "and let go of");
	sem_post(&gone);
	tap_eq(pthread_join(thread, NULL), 0, "a thread that used it ends");
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

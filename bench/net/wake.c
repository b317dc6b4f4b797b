/* wake.c: what it costs on this machine that one thread wakes another and is woken by it: no client that has
 * threads can be faster than its wake-ups, and between two CPUs of a virtual machine they can cost twenty
 * times as much as on one.
 *
 *   bench-wake N        N round trips by futex with both on one CPU, then on two: time and CPU of one, in
 *                       microseconds, as one JSON object; two_cpus... is null where there is one CPU
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct peer {
	pthread_t thread;
	int cpu, err;
	uint32_t asked, answered, trips;
};

static void raise_to(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_for(const uint32_t *word, uint32_t value)
{
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static int stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *answer(void *arg)
{
	struct peer *p = arg;

	p->err = stay_on(p->cpu);
	for (uint32_t i = 1; i <= p->trips; i++) {
		wait_for(&p->asked, i);
		raise_to(&p->answered, i);
	}
	return NULL;
}

static double us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* With the peer on `cpu`: time and CPU of one round trip. 0 or -errno. */
static int measure(int cpu, uint32_t trips, double *took, double *used)
{
	struct peer p = { .cpu = cpu, .trips = trips };
	int err = -pthread_create(&p.thread, NULL, answer, &p);

	if (err)
		return err;
	*took = -us(CLOCK_MONOTONIC);
	*used = -us(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 1; i <= trips; i++) {
		raise_to(&p.asked, i);
		wait_for(&p.answered, i);
	}
	*took = (*took + us(CLOCK_MONOTONIC)) / trips;
	*used = (*used + us(CLOCK_PROCESS_CPUTIME_ID)) / trips;
	pthread_join(p.thread, NULL);
	return p.err;
}

/* The first CPU from `from` on that this process may use; -1: none. */
static int usable(int from)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set))
		return -1;
	for (int cpu = from; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((unsigned)cpu, &set))
			return cpu;
	return -1;
}

int main(int argc, char **argv)
{
	long trips = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	int one = usable(0), two = usable(one + 1), err;
	double took, used;

	if (trips < 1 || trips > 1000000 || one < 0) {
		fprintf(stderr, "usage: bench-wake N   (1 to 1000000)\n");
		return 2;
	}
	err = stay_on(one);
	if (!err)
		err = measure(one, (uint32_t)trips, &took, &used);
	if (!err) {
		printf("{\"one_cpu_us\": %.1f, \"one_cpu_cpu_us\": %.1f, ", took, used);
		err = two < 0 ? 0 : measure(two, (uint32_t)trips, &took, &used);
	}
	if (err) {
		fprintf(stderr, "bench-wake: %s\n", strerror(-err));
		return 1;
	}
	if (two < 0)
		printf("\"two_cpus_us\": null, \"two_cpus_cpu_us\": null}\n");
	else
		printf("\"two_cpus_us\": %.1f, \"two_cpus_cpu_us\": %.1f}\n", took, used);
	return 0;
}

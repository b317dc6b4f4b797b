/* meter.h: what a stretch of work cost this process: time, CPU of all its threads, system calls of all its
 * threads.
 *
 * The same meter serves every client, so a library that answers on a dispatch thread pays for that thread
 * too. System calls are counted by the kernel (the raw_syscalls tracepoint, inherited by every thread made
 * later): that slows each call a little, so rounds that are timed do not count and rounds that count are not
 * timed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct meter {
	uint64_t began_ns, began_cpu_ns, began_calls;
	int calls_fd; /* -1: system calls are not counted */
	bool mark;    /* write marks that strace shows, so that another process can count */
};

struct metered {
	uint64_t wall_ns, cpu_ns, calls;
};

enum meter_calls { METER_CALLS_NO, METER_CALLS_KERNEL, METER_CALLS_MARK };

/* Before the process has a second thread. 0, or -errno: the kernel does not let us count (see
 * perf_event_paranoid). */
int meter_init(struct meter *m, enum meter_calls calls);
void meter_start(struct meter *m);
void meter_stop(struct meter *m, struct metered *out);

uint64_t meter_now_ns(void);         /* CLOCK_MONOTONIC_RAW */
uint64_t meter_resident_bytes(void); /* after handing free memory back to the kernel */

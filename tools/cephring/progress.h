/* progress.h: how far a copy is, on one line of standard error: share, bytes, rate, time left.
 *
 * On a terminal the line is rewritten; elsewhere (--progress) a new one comes every second.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool on, tty;
	uint64_t total, done; /* bytes; total may grow */
	size_t files, files_done;
	uint64_t began_ns, said_ns;
	bool shown; /* a line stands on the terminal */
};

uint64_t progress_now_ns(void); /* CLOCK_MONOTONIC */
void progress_begin(struct progress *p, bool wanted);
/* When it is time for it. */
void progress_say(struct progress *p);
/* Takes the line away, before something else is said. */
void progress_clear(struct progress *p);
/* The sum. */
void progress_end(struct progress *p);

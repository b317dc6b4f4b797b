/* log.h: one line per thing worth knowing, handed to the embedding program.
 *
 * The library never writes to stderr by itself: it calls the sink that the mount's options name. Lines
 * name the file, inode, daemon and reason. The last error line is kept, so that a failing call can be
 * explained in words.
 */
#pragma once
#include <stdarg.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
	enum log_level level; /* lines above it are not formatted at all */
	void (*sink)(void *arg, enum log_level level, const char *line); /* NULL: drop; engine's thread */
	void *arg;
	char last_error[512]; /* words of the newest LOG_ERROR line; engine's thread */
	int last_err;         /* the errno that they explain (log_fail), 0 = none in particular */
};

void log_emit(struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Logs at LOG_ERROR and gives `err` (a negative errno) back: `return log_fail(l, -EBADMSG, "...")`. */
int log_fail(struct log *l, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* log.c: see log.h. */
#include "log.h"

#include <stdio.h>
#include <string.h>

static void emit(struct log *l, enum log_level level, int err, const char *fmt, va_list ap)
{
	char line[sizeof l->last_error];

	vsnprintf(line, sizeof line, fmt, ap);
	if (level == LOG_ERROR) {
		memcpy(l->last_error, line, sizeof line);
		l->last_err = err;
	}
	if (l->sink && level <= l->level)
		l->sink(l->arg, level, line);
}

void log_emit(struct log *l, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level != LOG_ERROR && level > l->level)
		return;
	va_start(ap, fmt);
	emit(l, level, 0, fmt, ap);
	va_end(ap);
}

int log_fail(struct log *l, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(l, LOG_ERROR, err, fmt, ap);
	va_end(ap);
	return err;
}

/* log.c: what the drop-in says, and what it counts: lines to the place that CEPHRING_LOG names, each in one
 * write; the gaps that programs ran into. */
#include "compat.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_CLOSED = -2, LOG_NONE = -1 };

static atomic_int log_fd = LOG_CLOSED, log_level = -1;

int compat_log_level(void)
{
	int level = atomic_load_explicit(&log_level, memory_order_relaxed);
	const char *text;

	if (level >= 0)
		return level;
	text = getenv("CEPHRING_LOG_LEVEL");
	level = text && *text >= '0' && *text <= '3' ? *text - '0' : CEPHRING_LOG_WARN;
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
	return level;
}

static int log_open(void)
{
	int fd = atomic_load(&log_fd), mine;
	const char *name;

	if (fd != LOG_CLOSED)
		return fd;
	name = getenv("CEPHRING_LOG");
	if (!name || !*name)
		mine = LOG_NONE;
	else if (!strcmp(name, "stderr"))
		mine = STDERR_FILENO;
	else
		mine = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (mine < 0)
		mine = LOG_NONE;
	if (atomic_compare_exchange_strong(&log_fd, &fd, mine))
		return mine;
	if (mine > STDERR_FILENO)
		close(mine);
	return fd;
}

void compat_log_line(void *arg, int level, const char *line)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char text[1200];
	struct timespec now;
	struct tm tm;
	size_t len;
	int fd = log_open();

	(void)arg;
	if (fd < 0 || level > compat_log_level())
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(text, sizeof text, "%F %T", &tm);
	len += (size_t)snprintf(text + len, sizeof text - len, ".%03ld cephring[%d] %s: %s",
				now.tv_nsec / 1000000, (int)getpid(), names[level < 0 ? 0 : level & 3], line);
	if (len > sizeof text - 2)
		len = sizeof text - 2;
	text[len++] = '\n';
	if (write(fd, text, len) < 0)
		return; /* nowhere to say it */
}

void compat_log(int level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (level > compat_log_level())
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	compat_log_line(NULL, level, line);
}

/* ---- gaps ---- */

static struct gap *_Atomic gaps;

void gap_hit(struct gap *g)
{
	if (atomic_fetch_add_explicit(&g->count, 1, memory_order_relaxed))
		return;
	g->next = atomic_load(&gaps);
	while (!atomic_compare_exchange_weak(&gaps, &g->next, g))
		;
	compat_log(CEPHRING_LOG_WARN, "not offered by cephring's libcephfs: %s", g->what);
}

char *compat_view(struct ceph_mount_info *cm)
{
	struct cephring_stats st = { .size = sizeof st };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	inside_stats(cm->m, &st);
	fprintf(f, "{\"library\": \"cephring %s\", \"descriptors\": %u, \"handles\": %u, ",
		cephring_version(), atomic_load(&cm->fds.open), atomic_load(&cm->handles.open));
	fprintf(f, "\"ops\": %llu, \"ops_cached\": %llu, \"syscalls\": %llu, \"gaps\": {",
		(unsigned long long)st.ops, (unsigned long long)st.ops_cached,
		(unsigned long long)st.syscalls);
	for (struct gap *g = atomic_load(&gaps); g; g = g->next)
		fprintf(f, "\"%s\": %lu%s", g->what, atomic_load(&g->count), g->next ? ", " : "");
	fputs("}}", f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

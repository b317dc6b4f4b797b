/* progress.c: see progress.h. */
#include "progress.h"
#include "text.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 24, EVERY_TTY_NS = 200000000, EVERY_NS = 1000000000 };

uint64_t progress_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *p, bool wanted)
{
	p->tty = isatty(STDERR_FILENO);
	p->on = wanted || p->tty;
	p->began_ns = p->said_ns = progress_now_ns();
}

static double rate_of(const struct progress *p, uint64_t now)
{
	return now > p->began_ns ? (double)p->done * 1e9 / (double)(now - p->began_ns) : 0;
}

static void put_bar(const struct progress *p)
{
	unsigned filled = p->total ? (unsigned)(p->done * WIDTH / p->total) : 0;

	fprintf(stderr, "%3u%% [", p->total ? (unsigned)(p->done * 100 / p->total) : 0);
	for (unsigned n = 0; n < WIDTH; n++)
		fputc(n < filled ? '#' : ' ', stderr);
	fputs("] ", stderr);
}

static void put_left(const struct progress *p, double rate)
{
	unsigned long left;

	if (rate <= 0 || p->total < p->done)
		return;
	left = (unsigned long)((double)(p->total - p->done) / rate + 0.5);
	if (left >= 3600)
		fprintf(stderr, ", %lu:%02lu:%02lu left", left / 3600, left / 60 % 60, left % 60);
	else
		fprintf(stderr, ", %lu:%02lu left", left / 60, left % 60);
}

static void put_line(struct progress *p, uint64_t now)
{
	char done[TEXT_SIZE_MAX], total[TEXT_SIZE_MAX], rate[TEXT_SIZE_MAX];
	double speed = rate_of(p, now);

	text_size(done, p->done);
	text_size(total, p->total);
	text_size(rate, (uint64_t)speed);
	if (p->total) {
		put_bar(p);
		fprintf(stderr, "%s of %s, ", done, total);
	} else {
		fprintf(stderr, "%s, ", done);
	}
	if (p->files > 1)
		fprintf(stderr, "%zu of %zu files, ", p->files_done, p->files);
	fprintf(stderr, "%s/s", rate);
	if (p->total)
		put_left(p, speed);
}

void progress_say(struct progress *p)
{
	uint64_t now = progress_now_ns();

	if (!p->on || now - p->said_ns < (p->tty ? EVERY_TTY_NS : EVERY_NS))
		return;
	p->said_ns = now;
	if (p->tty)
		fputs("\r\033[K", stderr);
	put_line(p, now);
	if (p->tty)
		p->shown = true;
	else
		fputc('\n', stderr);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_end(struct progress *p)
{
	char done[TEXT_SIZE_MAX], rate[TEXT_SIZE_MAX];
	uint64_t now = progress_now_ns();

	progress_clear(p);
	if (!p->on)
		return;
	fprintf(stderr, "%zu file%s, %s in %.1f s, %s/s\n", p->files_done, p->files_done == 1 ? "" : "s",
		text_size(done, p->done), (double)(now - p->began_ns) / 1e9,
		text_size(rate, (uint64_t)rate_of(p, now)));
}

/* listing.c: see listing.h. */
#include "listing.h"
#include "text.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { COL_NLINK, COL_OWNER, COL_GROUP, COL_SIZE, COLS, COL_TEXT = 40 };

/* The columns of one long line whose width varies. */
struct line {
	char col[COLS][COL_TEXT];
};

/* The names this machine has for ids; the newest answer is kept, as neighbours mostly share it. */
static void user_name(char out[COL_TEXT], uint32_t uid, bool numeric)
{
	static char name[COL_TEXT];
	static uint32_t known = UINT32_MAX;

	if (uid != known || !*name) {
		struct passwd *pw = numeric ? NULL : getpwuid(uid);

		if (pw && strlen(pw->pw_name) < COL_TEXT)
			strcpy(name, pw->pw_name);
		else
			snprintf(name, sizeof name, "%u", uid);
		known = uid;
	}
	strcpy(out, name);
}

static void group_name(char out[COL_TEXT], uint32_t gid, bool numeric)
{
	static char name[COL_TEXT];
	static uint32_t known = UINT32_MAX;

	if (gid != known || !*name) {
		struct group *gr = numeric ? NULL : getgrgid(gid);

		if (gr && strlen(gr->gr_name) < COL_TEXT)
			strcpy(name, gr->gr_name);
		else
			snprintf(name, sizeof name, "%u", gid);
		known = gid;
	}
	strcpy(out, name);
}

static void line_fill(const struct listing *l, struct line *line, const struct cephring_statx *st)
{
	char size[TEXT_SIZE_MAX];

	snprintf(line->col[COL_NLINK], COL_TEXT, "%u", st->nlink);
	user_name(line->col[COL_OWNER], st->uid, l->numeric);
	group_name(line->col[COL_GROUP], st->gid, l->numeric);
	if (S_ISCHR(st->mode) || S_ISBLK(st->mode))
		snprintf(line->col[COL_SIZE], COL_TEXT, "%u,%u", major(st->rdev), minor(st->rdev));
	else if (l->human)
		strcpy(line->col[COL_SIZE], text_size(size, st->size));
	else
		snprintf(line->col[COL_SIZE], COL_TEXT, "%llu", (unsigned long long)st->size);
}

static void print_name(const struct listing *l, const struct walk_entry *e)
{
	char *name = text_name(e->name, e->name_len);

	printf("%s%s%s", tool_color(l->tool, e->st->mode), name, tool_color_off(l->tool, e->st->mode));
	free(name);
}

static void print_line(const struct listing *l, const struct line *line, const struct walk_entry *e,
		       const int width[COLS])
{
	char mode[TEXT_MODE_MAX], when[TEXT_TIME_MAX], *target;

	printf("%s %*s %-*s %-*s %*s %s ", text_mode(mode, e->st->mode), width[COL_NLINK],
	       line->col[COL_NLINK], width[COL_OWNER], line->col[COL_OWNER], width[COL_GROUP],
	       line->col[COL_GROUP], width[COL_SIZE], line->col[COL_SIZE],
	       text_time(when, e->st->mtime_ns, false));
	print_name(l, e);
	if (e->target) {
		target = text_name(e->target, e->target_len);
		printf(" -> %s", target);
		free(target);
	}
	putchar('\n');
}

static void print_long(const struct listing *l, const struct walk_entry *entries, size_t count)
{
	int width[COLS] = { 0 };
	struct line line;

	for (size_t i = 0; l->tool->tty && i < count; i++) {
		line_fill(l, &line, entries[i].st);
		for (int c = 0; c < COLS; c++)
			if ((int)strlen(line.col[c]) > width[c])
				width[c] = strlen(line.col[c]);
	}
	for (size_t i = 0; i < count; i++) {
		line_fill(l, &line, entries[i].st);
		print_line(l, &line, &entries[i], width);
	}
}

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col ? ws.ws_col : 80;
}

static size_t shown_width(const struct walk_entry *e)
{
	char *name = text_name(e->name, e->name_len);
	size_t width = text_width(name);

	free(name);
	return width;
}

/* Columns of one width, filled downwards. */
static void print_columns(const struct listing *l, const struct walk_entry *entries, size_t count)
{
	size_t widest = 1, columns, rows;

	for (size_t i = 0; i < count; i++) {
		size_t w = shown_width(&entries[i]);

		widest = w > widest ? w : widest;
	}
	columns = terminal_width() / (widest + 2);
	columns = columns ? columns : 1;
	rows = (count + columns - 1) / columns;
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < count; i += rows) {
			print_name(l, &entries[i]);
			if (i + rows < count)
				printf("%*s", (int)(widest + 2 - shown_width(&entries[i])), "");
		}
		putchar('\n');
	}
}

void listing_print(const struct listing *l, const struct walk_entry *entries, size_t count)
{
	if (l->long_lines) {
		print_long(l, entries, count);
	} else if (l->tool->tty) {
		print_columns(l, entries, count);
	} else {
		for (size_t i = 0; i < count; i++) {
			print_name(l, &entries[i]);
			putchar('\n');
		}
	}
}

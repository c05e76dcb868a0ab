/*
 * Progress for people: see progress.h. The line is cut to the terminal, never
 * wrapped, because a wrapped line cannot be written over; Chinese characters
 * take two columns.
 */
#include "ctl/progress.h"

#include "base/scope.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define COLUMNS 80	/* of a terminal that does not tell */
#define NAME_COLUMNS 40 /* of a file's name in the line */
#define ELLIPSIS "…"
#define LONG_S 3 /* what takes longer is told how long it has taken */

/* ---- widths -------------------------------------------------------------- */

/* The bytes and columns of the character at the front; 0 at the end. What is
 * none in this locale counts as a column. */
static size_t
next_character(struct slice s, int *ret_columns)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n;

	*ret_columns = 1;
	if (!s.n)
		return 0;
	n = mbrtowc(&c, s.p, s.n, &state);
	if (n == 0 || n > s.n)
		return 1;
	*ret_columns = wcwidth(c) < 0 ? 1 : wcwidth(c);
	return n;
}

static int
columns_of(struct slice s)
{
	int columns, sum = 0;
	size_t n;

	while ((n = next_character(s, &columns)) > 0) {
		sum += columns;
		s.p += n;
		s.n -= n;
	}
	return sum;
}

/* What of it fits into so many columns. */
static struct slice
fitting(struct slice s, int room)
{
	struct slice rest = s;
	int columns;
	size_t n;

	while ((n = next_character(rest, &columns)) > 0 && columns <= room) {
		room -= columns;
		rest.p += n;
		rest.n -= n;
	}
	return (struct slice){s.p, s.n - rest.n};
}

static int
add_cut(struct buf *out, struct slice text, int room)
{
	int rc;

	if (columns_of(text) <= room)
		return buf_addslice(out, text);
	rc = buf_addslice(out, fitting(text, room - 1));
	return rc ? rc : buf_adds(out, ELLIPSIS);
}

/* ---- text ---------------------------------------------------------------- */

/* 1234567 as 1,234,567. */
static int
add_grouped(struct buf *out, long long n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", n);
	int rc = 0;

	for (int i = 0; !rc && i < len; i++) {
		if (i && (len - i) % 3 == 0)
			rc = buf_addc(out, ',');
		if (!rc)
			rc = buf_addc(out, digits[i]);
	}
	return rc;
}

static int
add_duration(struct buf *out, long long s)
{
	if (s < 100)
		return buf_addf(out, "%lld s", s);
	if (s < 100 * 60LL)
		return buf_addf(out, "%lld min", (s + 30) / 60);
	return buf_addf(out, "%lld h", (s + 1800) / 3600);
}

/* How long it will take; where that is not known, how long it has taken. */
static int
add_times(const json_t *judging, struct buf *out)
{
	const json_t *left = json_object_get(judging, "seconds_left");
	const json_t *taken = json_object_get(judging, "seconds");
	bool known = json_is_integer(left);
	long long s = json_integer_value(known ? left : taken);
	int rc;

	if (!known && s < LONG_S)
		return 0;
	rc = buf_adds(out, ", ");
	if (!rc)
		rc = add_duration(out, s);
	return rc ? rc : buf_adds(out, known ? " left" : " so far");
}

int
ctl_progress_of(const json_t *judging, struct buf *out)
{
	const char *stage =
		json_string_value(json_object_get(judging, "stage"));
	const json_t *percent = json_object_get(judging, "percent");
	const json_t *rows = json_object_get(judging, "rows");
	const json_t *rate = json_object_get(judging, "rate");
	int rc = buf_adds(out, stage ? stage : "judging");

	if (!rc && json_is_integer(percent))
		rc = buf_addf(out, " %lld%%", json_integer_value(percent));
	if (!rc && json_integer_value(rows) > 0) {
		rc = buf_adds(out, ", ");
		if (!rc)
			rc = add_grouped(out, json_integer_value(rows));
		if (!rc)
			rc = buf_adds(out, " rows");
	}
	if (!rc && json_integer_value(rate) > 0) {
		rc = buf_adds(out, ", ");
		if (!rc)
			rc = add_grouped(out, json_integer_value(rate));
		if (!rc)
			rc = buf_adds(out, "/s");
	}
	return rc ? rc : add_times(judging, out);
}

static int
add_name(const json_t *judging, struct buf *out)
{
	const char *resource =
		json_string_value(json_object_get(judging, "resource"));
	const char *file = json_string_value(json_object_get(judging, "file"));
	scope_buf name = BUF_INIT;
	int rc;

	if (text_visible(&name, slice_str(resource ? resource : "?"), 0) ||
	    buf_addc(&name, ' ') ||
	    text_visible(&name, slice_str(file ? file : "?"), 0))
		return ERR_NOMEM;
	rc = add_cut(out, buf_slice(&name), NAME_COLUMNS);
	return rc ? rc : buf_adds(out, ": ");
}

static int
add_all(const json_t *progress, struct buf *out)
{
	const json_t *judging = json_object_get(progress, "judging");
	long long waiting =
		json_integer_value(json_object_get(progress, "waiting"));
	size_t n = json_array_size(judging);
	int rc = 0;

	if (n) {
		rc = add_name(json_array_get(judging, 0), out);
		if (!rc)
			rc = ctl_progress_of(json_array_get(judging, 0), out);
	}
	if (!rc && n > 1)
		rc = buf_addf(out, "; %zu more under way", n - 1);
	if (!rc && waiting)
		rc = buf_addf(out, "%s%lld waiting", n ? "; " : "", waiting);
	return rc;
}

int
ctl_progress_line(const json_t *progress, int columns, struct buf *out)
{
	scope_buf line = BUF_INIT;
	int rc = add_all(progress, &line);

	return rc ? rc : add_cut(out, buf_slice(&line), columns);
}

/* ---- a terminal ---------------------------------------------------------- */

bool
ctl_progress_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

/* One less than there are: the last column of some moves the cursor on. */
static int
columns_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2)
		return COLUMNS - 1;
	return size.ws_col - 1;
}

static void
write_over(struct ctl_progress_terminal *t, struct slice line)
{
	int width = columns_of(line);
	int columns = columns_of_terminal();
	int blanks = (t->width < columns ? t->width : columns) - width;

	printf("\r%.*s%*s", (int)line.n, line.p, blanks > 0 ? blanks : 0, "");
	if (!line.n)
		putchar('\r');
	fflush(stdout);
	t->width = width;
}

void
ctl_progress_show(struct ctl_progress_terminal *t, const json_t *progress)
{
	scope_buf line = BUF_INIT;

	/* without memory the next one may be shown */
	if (!ctl_progress_line(progress, columns_of_terminal(), &line))
		write_over(t, buf_slice(&line));
}

void
ctl_progress_clear(struct ctl_progress_terminal *t)
{
	if (t->width)
		write_over(t, (struct slice){"", 0});
}

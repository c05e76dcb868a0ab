/* Problems of a configuration and the nearest valid name: see report.h. */
#include "config/report.h"

#include "base/scope.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 2048
#define DISTANCE_MAX 255

static bool
is_noted(const struct config_problems *p, const char *text)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].text, text) == 0)
			return true;
	}
	return false;
}

static void
note(struct config_report *r, bool warning, const char *text)
{
	struct config_problems *p = r->problems;
	struct config_problem *items;
	char *copy;

	if (is_noted(p, text))
		return;
	copy = strdup(text);
	items = copy ? reallocarray(p->items, p->n + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(copy);
		r->nomem = true;
		return;
	}
	items[p->n++] = (struct config_problem){copy, warning};
	p->items = items;
}

static void PRINTF_LIKE(4, 0)
	note_at(struct config_report *r, bool warning,
		struct config_place place, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%s:%d: ", place.file, place.line);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0; /* a path that long says less than the failure */
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	note(r, warning, text);
}

void
config_error(struct config_report *r, struct config_place place,
	     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_at(r, false, place, fmt, ap);
	va_end(ap);
	r->nerrors++;
}

void
config_warning(struct config_report *r, struct config_place place,
	       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_at(r, true, place, fmt, ap);
	va_end(ap);
}

void
config_problems_release(struct config_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->items[i].text);
	free(p->items);
	*p = (struct config_problems){0};
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int
lower_at(const char *s, size_t i)
{
	return tolower((unsigned char)s[i]);
}

/* Optimal string alignment with three rows of the usual table. */
size_t
config_distance(const char *a, const char *b)
{
	size_t rows[3][DISTANCE_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t na = strnlen(a, DISTANCE_MAX), nb = strnlen(b, DISTANCE_MAX);

	for (size_t j = 0; j <= nb; j++)
		above[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = lower_at(a, i - 1) == lower_at(b, j - 1);

			row[j] = least(least(above[j], row[j - 1]) + 1,
				       above[j - 1] + !same);
			if (i > 1 && j > 1 &&
			    lower_at(a, i - 1) == lower_at(b, j - 2) &&
			    lower_at(a, i - 2) == lower_at(b, j - 1))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

void
config_near_offer(struct config_near *near, const char *name)
{
	size_t distance = config_distance(near->wrong, name);

	if (near->name && distance >= near->distance)
		return;
	near->name = name;
	near->distance = distance;
}

bool
config_near_is_close(const struct config_near *near)
{
	return near->name && 2 * near->distance <= strlen(near->wrong);
}

/* Names of files of changes: see span.h. */
#include "base/span.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MOST 18 /* of a version's number */

static bool
take_number(const char **at, int64_t *ret)
{
	size_t n = strspn(*at, "0123456789");

	if (!n || n > DIGITS_MOST)
		return false;
	*ret = strtoll(*at, NULL, 10);
	*at += n;
	return true;
}

bool
span_parse(const char *name, struct span *ret)
{
	struct span s;

	if (!take_number(&name, &s.to))
		return false;
	s.from = s.to - 1;
	if (strncmp(name, "..", 2) == 0) {
		name += 2;
		s.from = s.to;
		if (!take_number(&name, &s.to))
			return false;
	}
	if ((*name != '.' && *name != '\0') || strncmp(name, "..", 2) == 0 ||
	    s.from < 0 || s.from >= s.to)
		return false;
	*ret = s;
	return true;
}

void
span_name(const struct span *span, char ret[static SPAN_NAME])
{
	if (span->from + 1 == span->to)
		snprintf(ret, SPAN_NAME, "%" PRId64 ".csv", span->to);
	else
		snprintf(ret, SPAN_NAME, "%" PRId64 "..%" PRId64 ".csv",
			 span->from, span->to);
}

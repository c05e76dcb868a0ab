/* The helpers of tool.h. */
#include "bench/tool.h"

#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
tool_fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s '%s': %s\n", program_invocation_short_name,
		what, name, strerror(errno));
	exit(2);
}

void
tool_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	exit(2);
}

int64_t
tool_number(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || end == text || n < 0) {
		errno = EINVAL;
		tool_fail("no number", text);
	}
	return n;
}

/* What is there for as long as the program runs can be found from here, so
 * that no sanitizer takes it for lost. */
static void *
keep(void *p)
{
	static void *kept[1024];
	static size_t n;

	if (n < sizeof(kept) / sizeof(*kept))
		kept[n++] = p;
	return p;
}

void *
tool_room(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		tool_fail("no memory for", "times");
	return keep(p);
}

char *
tool_file(const char *path, size_t *ret_n)
{
	struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (io_slurp(AT_FDCWD, path, SIZE_MAX / 2, &text, &err) ||
	    !buf_str(&text)) {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			err.text);
		exit(2);
	}
	*ret_n = text.len;
	return keep(text.data);
}

char **
tool_lines(const char *path, size_t *ret_n)
{
	size_t n = 0, size;
	char *text = tool_file(path, &size);
	char **lines;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	lines = tool_room(n, sizeof(*lines));
	for (size_t i = 0; i < n; i++) {
		lines[i] = text;
		text = strchr(text, '\n');
		*text++ = '\0';
	}
	*ret_n = n;
	return lines;
}

uint64_t
tool_sum(uint64_t sum, const void *p, size_t n)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
	return sum;
}

uint64_t
tool_random(uint64_t *state, uint64_t bound)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (x * UINT64_C(2685821657736338717) >> 16) % bound;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
tool_quantiles(struct buf *json, const char *name, int64_t *times, size_t n)
{
	static const struct {
		const char *name;
		size_t percent;
	} quantiles[] = {{"p50", 50}, {"p99", 99}, {"max", 100}};

	qsort(times, n, sizeof(*times), compare);
	for (size_t i = 0; n > 0 && i < 3; i++) {
		size_t at = (n * quantiles[i].percent + 99) / 100;

		if (buf_addf(json, ",\"%s_%s\":%" PRId64, name,
			     quantiles[i].name, times[at ? at - 1 : 0]))
			tool_fail("no memory for", name);
	}
}

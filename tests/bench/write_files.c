/*
 * Writes files so that they are durable when the clock stops:
 *
 *   write_files SOURCE BLOCK close|fsync TARGET …
 *   write_files SOURCE BLOCK close|fsync COUNT*FOLDER
 *
 * Each target gets the bytes of SOURCE in writes of BLOCK bytes. 'fsync' asks
 * for durability before the close, as other file systems need it; 'close'
 * relies on it. The second form makes COUNT files, 00000.csv and so on.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct source {
	const char *bytes;
	size_t n;
	size_t block;
	bool sync;
};

static void
write_one(const char *path, const struct source *s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t size;
	ssize_t n;

	if (fd < 0)
		tool_fail("cannot create", path);
	for (size_t at = 0; at < s->n; at += (size_t)n) {
		size = s->n - at < s->block ? s->n - at : s->block;
		n = write(fd, s->bytes + at, size);
		if (n <= 0)
			tool_fail("cannot write", path);
	}
	if (s->sync && fsync(fd))
		tool_fail("cannot sync", path);
	if (close(fd))
		tool_fail("cannot close", path);
}

static int64_t
write_many(const char *target, const struct source *s)
{
	const char *star = strchr(target, '*');
	char path[4096];
	int64_t count;

	if (!star || target[0] < '0' || target[0] > '9') {
		write_one(target, s);
		return 1;
	}
	count = strtoll(target, NULL, 10);
	for (int64_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%05" PRId64 ".csv", star + 1,
			 i);
		write_one(path, s);
	}
	return count;
}

int
main(int argc, char **argv)
{
	int64_t began, files = 0;
	struct source s = {0};

	if (argc < 5)
		tool_usage("write_files SOURCE BLOCK close|fsync TARGET …");
	s.bytes = tool_file(argv[1], &s.n);
	s.block = (size_t)tool_number(argv[2]);
	s.sync = strcmp(argv[3], "fsync") == 0;
	began = clock_monotonic();
	for (int i = 4; i < argc; i++)
		files += write_many(argv[i], &s);
	printf("{\"ns\":%" PRId64 ",\"files\":%" PRId64 "}\n",
	       clock_monotonic() - began, files);
	return 0;
}

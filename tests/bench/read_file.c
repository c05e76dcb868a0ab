/*
 * Reads a file from its beginning to its end, as often as asked:
 *
 *   read_file [--drop] FILE BLOCK [PASSES]
 *
 * With --drop its pages are dropped from the cache first (of this file alone,
 * not of the one it is served from). Prints the time of each pass and the
 * bytes of one; what the bytes are is for others to compare.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

static int64_t
pass(const char *path, char *block, size_t size, int64_t *ret_ns)
{
	int64_t began = clock_monotonic(), total = 0;
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		tool_fail("cannot open", path);
	while ((n = read(fd, block, size)) > 0)
		total += n;
	if (n < 0)
		tool_fail("cannot read", path);
	*ret_ns = clock_monotonic() - began;
	return total;
}

static void
drop(const char *path)
{
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		tool_fail("cannot drop the pages of", path);
}

int
main(int argc, char **argv)
{
	bool dropping = argc > 1 && strcmp(argv[1], "--drop") == 0;
	int64_t passes = 1, bytes = 0, ns;
	size_t size;
	char *block;

	argv += dropping ? 2 : 1;
	argc -= dropping ? 2 : 1;
	if (argc < 2)
		tool_usage("read_file [--drop] FILE BLOCK [PASSES]");
	size = (size_t)tool_number(argv[1]);
	if (argc > 2)
		passes = tool_number(argv[2]);
	block = tool_room(size, 1);
	if (dropping)
		drop(argv[0]);
	printf("{\"ns\":[");
	for (int64_t i = 0; i < passes; i++) {
		bytes = pass(argv[0], block, size, &ns);
		printf("%s%" PRId64, i ? "," : "", ns);
	}
	printf("],\"bytes\":%" PRId64 "}\n", bytes);
	return 0;
}

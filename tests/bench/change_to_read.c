/*
 * From close() of a file to the first read that shows what it changed:
 *
 *   change_to_read SOURCE TARGET FILE TEXT [SECONDS]
 *
 * Copies SOURCE to TARGET, then opens and reads FILE again and again, once a
 * millisecond, until TEXT is in it.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void
copy(const char *source, const char *target)
{
	int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct error err = ERROR_INIT;
	size_t n;
	const char *bytes = tool_file(source, &n);

	if (fd < 0)
		tool_fail("cannot create", target);
	if (io_write(fd, bytes, n, &err) || close(fd))
		tool_fail("cannot write", target);
}

static bool
shows(const char *path, const char *text)
{
	char bytes[1 << 16];
	struct error err = ERROR_INIT;
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = io_read(fd, bytes, sizeof(bytes) - 1, &err);
	if (n < 0)
		return false;
	bytes[n] = '\0';
	return strstr(bytes, text);
}

int
main(int argc, char **argv)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	int64_t began, limit = 60, reads = 1;

	if (argc < 5)
		tool_usage("change_to_read SOURCE TARGET FILE TEXT [SECONDS]");
	if (argc > 5)
		limit = tool_number(argv[5]);
	if (shows(argv[3], argv[4])) {
		errno = EEXIST;
		tool_fail("the change is there before in", argv[3]);
	}
	copy(argv[1], argv[2]);
	began = clock_monotonic();
	while (!shows(argv[3], argv[4])) {
		if (clock_monotonic() - began > limit * CLOCK_NS) {
			errno = ETIME;
			tool_fail("no change in", argv[3]);
		}
		nanosleep(&nap, NULL);
		reads++;
	}
	printf("{\"ns\":%" PRId64 ",\"reads\":%" PRId64 "}\n",
	       clock_monotonic() - began, reads);
	return 0;
}

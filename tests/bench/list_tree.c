/*
 * Lists folders with a stat of every name, as 'ls -lR' does:
 *
 *   list_tree ROOT FOLDERS [PASSES]
 *
 * FOLDERS is a file with the name of a folder below ROOT on each line. Prints
 * the time of each pass, how many entries there are, the sum of their sizes
 * and a sum over their names in no order.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct seen {
	int64_t entries;
	int64_t bytes;
	uint64_t names;
};

static void
list_one(int root, const char *name, struct seen *seen)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct stat st;

	if (!dir)
		tool_fail("cannot open", name);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			tool_fail("cannot stat", d->d_name);
		seen->entries++;
		seen->bytes += st.st_size;
		seen->names += tool_sum(TOOL_SUM, d->d_name, strlen(d->d_name));
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	int64_t passes = 1, began;
	struct seen seen = {0};
	scope_fd root = -1;
	char **folders;
	size_t n;

	if (argc < 3)
		tool_usage("list_tree ROOT FOLDERS [PASSES]");
	if (argc > 3)
		passes = tool_number(argv[3]);
	folders = tool_lines(argv[2], &n);
	root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		tool_fail("cannot open", argv[1]);
	printf("{\"ns\":[");
	for (int64_t i = 0; i < passes; i++) {
		seen = (struct seen){0};
		began = clock_monotonic();
		for (size_t k = 0; k < n; k++)
			list_one(root, folders[k], &seen);
		printf("%s%" PRId64, i ? "," : "", clock_monotonic() - began);
	}
	printf("],\"entries\":%" PRId64 ",\"bytes\":%" PRId64
	       ",\"names\":\"%016" PRIx64 "\"}\n",
	       seen.entries, seen.bytes, seen.names);
	return 0;
}

/*
 * One record after the other, each for the first time: as a file below a
 * folder that is opened, read and closed, or as a row of an SQLite database
 * that is opened, asked and closed.
 *
 *   open_keys files FOLDER SUFFIX KEYS
 *   open_keys sqlite DATABASE SQL KEYS
 *
 * KEYS is a file with a key on each line; SQL has one parameter, the key, and
 * gives texts. Prints the times, and a sum over what was read.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct seen {
	uint64_t sum;
	int64_t bytes;
	int64_t found;
};

static void
see(struct seen *seen, const void *p, size_t n)
{
	seen->sum = tool_sum(seen->sum, p, n);
	seen->bytes += (int64_t)n;
}

/* 'path' has the room for the longest name. */
static void
read_one(int folder, const char *key, const char *suffix, struct seen *seen)
{
	char path[512], bytes[1 << 16];
	scope_fd fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s%s", key, suffix);
	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		tool_fail("cannot open", path);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		see(seen, bytes, (size_t)n);
	if (n < 0)
		tool_fail("cannot read", path);
	seen->found++;
}

static void
refuse(sqlite3 *db, const char *what)
{
	fprintf(stderr, "open_keys: %s: %s\n", what, sqlite3_errmsg(db));
	exit(2);
}

static void
ask_one(const char *path, const char *sql, const char *key, struct seen *seen)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ||
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) ||
	    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC))
		refuse(db, path);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const void *p = sqlite3_column_text(stmt, i);

			see(seen, p, (size_t)sqlite3_column_bytes(stmt, i));
		}
		seen->found++;
	}
	if (sqlite3_finalize(stmt) || sqlite3_close(db))
		refuse(db, path);
}

int
main(int argc, char **argv)
{
	struct seen seen = {.sum = TOOL_SUM};
	scope_buf json = BUF_INIT;
	bool files = argc > 1 && strcmp(argv[1], "files") == 0;
	scope_fd folder = -1;
	int64_t *times, began, total = 0;
	char **keys;
	size_t n;

	if (argc != 5 || (!files && strcmp(argv[1], "sqlite") != 0))
		tool_usage("open_keys files FOLDER SUFFIX KEYS"
			   " | sqlite DATABASE SQL KEYS");
	keys = tool_lines(argv[4], &n);
	times = tool_room(n, sizeof(*times));
	if (files)
		folder = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (files && folder < 0)
		tool_fail("cannot open", argv[2]);
	for (size_t i = 0; i < n; i++) {
		began = clock_monotonic();
		if (files)
			read_one(folder, keys[i], argv[3], &seen);
		else
			ask_one(argv[2], argv[3], keys[i], &seen);
		times[i] = clock_monotonic() - began;
		total += times[i];
	}
	tool_quantiles(&json, "one", times, n);
	printf("{\"ns\":%" PRId64 ",\"found\":%" PRId64 ",\"bytes\":%" PRId64
	       ",\"sum\":\"%016" PRIx64 "\"%s}\n",
	       total, seen.found, seen.bytes, seen.sum,
	       json.len ? buf_str(&json) : "");
	return 0;
}

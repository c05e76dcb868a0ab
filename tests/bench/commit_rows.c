/*
 * Commits the rows of files into an SQLite database, one transaction a file:
 *
 *   commit_rows DATABASE SQL FILE …
 *
 * SQL is one statement with a parameter for each column. The files are CSV
 * without quotes, as make_rows writes it; they are in memory before the clock
 * starts. In WAL mode with synchronous=FULL: durable when the clock stops.
 */
#include "bench/tool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
check(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "commit_rows: %s\n", sqlite3_errmsg(db));
	exit(2);
}

static void
bind_line(sqlite3 *db, sqlite3_stmt *stmt, const char *line)
{
	int columns = sqlite3_bind_parameter_count(stmt);

	for (int i = 1; i <= columns; i++) {
		size_t n = strcspn(line, ",");

		check(db,
		      sqlite3_bind_text(stmt, i, line, (int)n, SQLITE_STATIC));
		line += n + (line[n] == ',');
	}
}

static int64_t
commit(sqlite3 *db, sqlite3_stmt *stmt, char **lines, size_t n)
{
	int64_t began = clock_monotonic();

	check(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	for (size_t i = 1; i < n; i++) { /* after the header */
		bind_line(db, stmt, lines[i]);
		check(db, sqlite3_step(stmt));
		check(db, sqlite3_reset(stmt));
	}
	check(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	return clock_monotonic() - began;
}

int
main(int argc, char **argv)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	if (argc < 4)
		tool_usage("commit_rows DATABASE SQL FILE …");
	check(NULL, sqlite3_open(argv[1], &db));
	check(db, sqlite3_exec(db,
			       "PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=FULL;",
			       NULL, NULL, NULL));
	check(db, sqlite3_prepare_v2(db, argv[2], -1, &stmt, NULL));
	printf("{\"ns\":[");
	for (int i = 3; i < argc; i++) {
		size_t n;
		char **lines = tool_lines(argv[i], &n);

		printf("%s%" PRId64, i > 3 ? "," : "",
		       commit(db, stmt, lines, n));
	}
	printf("],\"changes\":%d}\n", sqlite3_total_changes(db));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return 0;
}

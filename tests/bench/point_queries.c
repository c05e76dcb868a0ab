/*
 * Point queries of one SQLite database that stays open:
 *
 *   point_queries URI SQL KEYS COUNT
 *
 * URI is a path, or file:PATH?immutable=1. SQL has one parameter, a key; the
 * keys are taken from the lines of KEYS in an order of a fixed seed.
 */
#include "bench/tool.h"

#include "base/clock.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void
refuse(sqlite3 *db)
{
	fprintf(stderr, "point_queries: %s\n", sqlite3_errmsg(db));
	exit(2);
}

int
main(int argc, char **argv)
{
	uint64_t state = 4, sum = TOOL_SUM;
	int64_t began, count, found = 0;
	sqlite3_stmt *stmt;
	sqlite3 *db;
	char **keys;
	size_t n;

	if (argc != 5)
		tool_usage("point_queries URI SQL KEYS COUNT");
	keys = tool_lines(argv[3], &n);
	count = tool_number(argv[4]);
	began = clock_monotonic();
	if (sqlite3_open_v2(argv[1], &db,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) ||
	    sqlite3_prepare_v2(db, argv[2], -1, &stmt, NULL))
		refuse(db);
	for (int64_t i = 0; i < count; i++) {
		const char *key = keys[tool_random(&state, n)];
		int rc = sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);

		if (rc)
			refuse(db);
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
			const void *p = sqlite3_column_text(stmt, 0);

			sum = tool_sum(sum, p,
				       (size_t)sqlite3_column_bytes(stmt, 0));
			found++;
		}
		if (rc != SQLITE_DONE || sqlite3_reset(stmt))
			refuse(db);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	printf("{\"ns\":%" PRId64 ",\"found\":%" PRId64 ",\"sum\":\"%016" PRIx64
	       "\"}\n",
	       clock_monotonic() - began, found, sum);
	return 0;
}

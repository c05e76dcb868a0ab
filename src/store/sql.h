/*
 * SQLite behind one fence: only files of this folder include this header.
 * Statements are prepared once per connection and found again by the address
 * of their static text. A statement is reset by scope_stmt.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/buf.h"

#include <sqlite3.h>
#include <stdint.h>

struct sql; /* one connection */

#define SQL_BUSY_MS 60000 /* how long a connection waits for another */

enum sql_open_flags {
	SQL_CREATE = 1,	  /* make the file when there is none */
	SQL_SCRATCH = 2,  /* private, not durable: no journal, no sync */
	SQL_READONLY = 4, /* query_only */
	SQL_FOREIGN = 8	  /* a file that nobody writes, and as it is */
};

/* Opens one database by a name in the working directory ("" is a private
 * temporary one that spills to disk). Durable ones: WAL, synchronous=FULL,
 * foreign keys on. */
MUST_CHECK int sql_open(const char *name, int flags, struct sql **ret,
			struct error *err);
void sql_close(struct sql *db);
/* Where the connection finds the runs of its state (run_files.h); NULL until
 * it is told. They are the caller's. */
struct run_files;
void sql_set_runs(struct sql *db, struct run_files *runs);
struct run_files *sql_runs(const struct sql *db);
sqlite3 *sql_handle(struct sql *db);

/* The publish that the connection is writing, 0 none: what holds at it has not
 * ended, so rows that have, of which there may be many, need not be passed. */
void sql_set_writing(struct sql *db, int64_t seq);
int64_t sql_writing(const struct sql *db);
bool sql_is_writing(const struct sql *db, int64_t seq);

/* A publish that waits, in the middle of its statements, while others are
 * written: these have prepared ones of their own. 0: none does. */
void sql_set_waiting(struct sql *db, int64_t seq);
int64_t sql_waiting(const struct sql *db);

/* What store_chunk_border() has read; 0: nothing yet. */
uint64_t *sql_border(struct sql *db);

/* What run_cache.h keeps for the connection. */
struct run_cache;
struct run_cache **sql_run_cache(struct sql *db);

/* Runs static text of one or more statements without parameters. */
MUST_CHECK int sql_exec(struct sql *db, const char *text, struct error *err);

/* Runs one static statement without parameters or rows, often. */
MUST_CHECK int sql_do(struct sql *db, const char *text, struct error *err);

/* The prepared statement of a static text; the caller resets it (scope_stmt).
 */
MUST_CHECK int sql_get(struct sql *db, const char *text, sqlite3_stmt **ret,
		       struct error *err);
void sql_reset(sqlite3_stmt **stmt);
#define scope_stmt __attribute__((cleanup(sql_reset))) sqlite3_stmt

/* 1 a row, 0 done, or a negative code with SQLite's words. */
MUST_CHECK int sql_step(struct sql *db, sqlite3_stmt *stmt, struct error *err);
/* A statement that gives no row: 0 or a negative code. */
MUST_CHECK int sql_run(struct sql *db, sqlite3_stmt *stmt, struct error *err);
int64_t sql_changes(struct sql *db);
int64_t sql_last_id(struct sql *db);
/* The code and text of the connection's last failure. */
int sql_fail(struct sql *db, struct error *err);

/* Parameters count from 1. Bytes must live until the statement is reset.
 * Binding fails only for lack of memory, which sql_step() then reports. */
void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value);
/* As many of the first n as the statement has parameters. */
void sql_bind_ints(sqlite3_stmt *stmt, const int64_t *values, int n);
void sql_bind_text(sqlite3_stmt *stmt, int at, const char *text);
void sql_bind_blob(sqlite3_stmt *stmt, int at, struct slice blob);

/* Columns count from 0; the bytes hold until the next step or reset. */
int64_t sql_int(sqlite3_stmt *stmt, int at);
struct slice sql_bytes(sqlite3_stmt *stmt, int at);
bool sql_is_null(sqlite3_stmt *stmt, int at);
/* A copy of a text column, ended by NUL; NULL without memory. */
char *sql_text_dup(sqlite3_stmt *stmt, int at);

/* Whether 'id' is one of the 'n' of 'ids'. */
static inline bool
sql_has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/* Makes "PRAGMA user_version" migrations[0..n) true, in one transaction;
 * ERR_CORRUPT when the database is newer than n. */
MUST_CHECK int sql_migrate(struct sql *db, const char *const *migrations,
			   size_t n, struct error *err);

#endif

/* SQLite behind one fence: see sql.h. */
#include "store/sql.h"

#include "base/pulse.h"
#include "store/run_cache.h"
#include "store/vfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_STEP 100000 /* instructions of SQLite, some milliseconds */
#define SQL_CACHE 256	/* slots, a power of two; more statements than ever */

struct sql {
	sqlite3 *db;
	struct run_files *runs;
	int64_t writing, waiting;
	uint64_t border;
	struct run_cache *walks;
	struct sql_prepared {
		const char *text;
		sqlite3_stmt *stmt;
	} cache[2][SQL_CACHE]; /* the second while one waits */
};

static const char open_durable[] = "PRAGMA journal_mode=WAL;"
				   "PRAGMA synchronous=FULL;"
				   "PRAGMA foreign_keys=ON;";
static const char open_scratch[] = "PRAGMA journal_mode=OFF;"
				   "PRAGMA synchronous=OFF;"
				   "PRAGMA locking_mode=EXCLUSIVE;"
				   "PRAGMA cache_size=-16384;";
static const char open_readonly[] = "PRAGMA query_only=ON;";

int
sql_fail(struct sql *db, struct error *err)
{
	int rc = sqlite3_extended_errcode(db->db);
	const char *text = sqlite3_errmsg(db->db);
	int code;

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return error_nomem(err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ERR_CORRUPT;
		break;
	case SQLITE_CONSTRAINT:
		code = ERR_EXISTS;
		break;
	case SQLITE_TOOBIG:
		code = ERR_LIMIT;
		break;
	default:
		code = ERR_IO;
	}
	error_set(err, code, "database: %s (%d)%s", text, rc,
		  code == ERR_CORRUPT ? ": restore a backup" : "");
	if (err && (rc & 0xff) == SQLITE_FULL)
		err->errnum = ENOSPC;
	else if (err && code == ERR_IO)
		err->errnum = sqlite3_system_errno(db->db);
	return code;
}

/* Some statements take minutes before their first row. */
static int
on_progress(void *ctx)
{
	(void)ctx;
	pulse_step();
	return 0;
}

int
sql_open(const char *name, int flags, struct sql **ret, struct error *err)
{
	int open_flags = SQLITE_OPEN_NOMUTEX;
	struct sql *db;
	int rc;

	rc = store_vfs_register(err);
	if (rc)
		return rc;
	db = calloc(1, sizeof(*db));
	if (!db)
		return error_nomem(err);
	open_flags |= flags & SQL_FOREIGN ? SQLITE_OPEN_READONLY
					  : SQLITE_OPEN_READWRITE;
	if (flags & (SQL_CREATE | SQL_SCRATCH))
		open_flags |= SQLITE_OPEN_CREATE;
	rc = sqlite3_open_v2(name, &db->db, open_flags, STORE_VFS_NAME);
	if (rc != SQLITE_OK) {
		rc = db->db ? sql_fail(db, err) : error_nomem(err);
	} else {
		sqlite3_extended_result_codes(db->db, 1);
		sqlite3_busy_timeout(db->db, SQL_BUSY_MS);
		sqlite3_progress_handler(db->db, SQL_STEP, on_progress, NULL);
		rc = sql_exec(db,
			      flags & SQL_SCRATCH   ? open_scratch
			      : flags & SQL_FOREIGN ? open_readonly
						    : open_durable,
			      err);
	}
	if (!rc && (flags & SQL_READONLY))
		rc = sql_exec(db, open_readonly, err);
	if (rc) {
		sql_close(db);
		return error_prefix(err, rc, "'%s'", name);
	}
	*ret = db;
	return 0;
}

void
sql_close(struct sql *db)
{
	if (!db)
		return;
	run_cache_free(db->walks);
	for (size_t i = 0; i < SQL_CACHE; i++) {
		sqlite3_finalize(db->cache[0][i].stmt);
		sqlite3_finalize(db->cache[1][i].stmt);
	}
	sqlite3_close(db->db);
	free(db);
}

void
sql_set_runs(struct sql *db, struct run_files *runs)
{
	db->runs = runs;
}

struct run_files *
sql_runs(const struct sql *db)
{
	return db->runs;
}

void
sql_set_writing(struct sql *db, int64_t seq)
{
	db->writing = seq;
	run_cache_drop(db);
}

int64_t
sql_writing(const struct sql *db)
{
	return db->writing;
}

void
sql_set_waiting(struct sql *db, int64_t seq)
{
	db->waiting = seq;
}

int64_t
sql_waiting(const struct sql *db)
{
	return db->waiting;
}

uint64_t *
sql_border(struct sql *db)
{
	return &db->border;
}

struct run_cache **
sql_run_cache(struct sql *db)
{
	return &db->walks;
}

bool
sql_is_writing(const struct sql *db, int64_t seq)
{
	return seq && db->writing == seq;
}

sqlite3 *
sql_handle(struct sql *db)
{
	return db->db;
}

int
sql_exec(struct sql *db, const char *text, struct error *err)
{
	if (sqlite3_exec(db->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(db, err);
	return 0;
}

int
sql_get(struct sql *db, const char *text, sqlite3_stmt **ret, struct error *err)
{
	size_t slot = ((uintptr_t)text >> 3) * 2654435761u % SQL_CACHE;
	struct sql_prepared *cache = db->cache[db->waiting != 0];

	for (size_t i = 0; i < SQL_CACHE; i++) {
		struct sql_prepared *p = &cache[(slot + i) % SQL_CACHE];

		if (p->text == text) {
			if (sqlite3_stmt_busy(p->stmt))
				return error_set(err, ERR_INTERNAL,
						 "a statement was used inside "
						 "itself: %s",
						 text);
			*ret = p->stmt;
			return 0;
		}
		if (p->text)
			continue;
		if (sqlite3_prepare_v3(db->db, text, -1,
				       SQLITE_PREPARE_PERSISTENT, &p->stmt,
				       NULL) != SQLITE_OK)
			return sql_fail(db, err);
		p->text = text;
		*ret = p->stmt;
		return 0;
	}
	return error_set(err, ERR_INTERNAL, "too many statements");
}

int
sql_do(struct sql *db, const char *text, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	return rc ? rc : sql_run(db, stmt, err);
}

void
sql_reset(sqlite3_stmt **stmt)
{
	if (!*stmt)
		return;
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
}

int
sql_step(struct sql *db, sqlite3_stmt *stmt, struct error *err)
{
	pulse_step();
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return sql_fail(db, err);
	}
}

int
sql_run(struct sql *db, sqlite3_stmt *stmt, struct error *err)
{
	int rc = sql_step(db, stmt, err);

	return rc > 0 ? 0 : rc;
}

int64_t
sql_changes(struct sql *db)
{
	return sqlite3_changes64(db->db);
}

int64_t
sql_last_id(struct sql *db)
{
	return sqlite3_last_insert_rowid(db->db);
}

void
sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
	sqlite3_bind_int64(stmt, at, value);
}

void
sql_bind_ints(sqlite3_stmt *stmt, const int64_t *values, int n)
{
	int wanted = sqlite3_bind_parameter_count(stmt);

	for (int i = 0; i < n && i < wanted; i++)
		sql_bind_int(stmt, i + 1, values[i]);
}

void
sql_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

void
sql_bind_blob(sqlite3_stmt *stmt, int at, struct slice blob)
{
	sqlite3_bind_blob64(stmt, at, blob.p ? blob.p : "", blob.n,
			    SQLITE_STATIC);
}

int64_t
sql_int(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_int64(stmt, at);
}

struct slice
sql_bytes(sqlite3_stmt *stmt, int at)
{
	const void *p = sqlite3_column_blob(stmt, at);

	return (struct slice){p, (size_t)sqlite3_column_bytes(stmt, at)};
}

bool
sql_is_null(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL;
}

char *
sql_text_dup(sqlite3_stmt *stmt, int at)
{
	struct slice s = sql_bytes(stmt, at);

	return strndup(s.p ? s.p : "", s.n);
}

static int
user_version(struct sql *db, int64_t *ret, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, "PRAGMA user_version", &stmt, err);

	if (!rc)
		rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

static int
set_user_version(struct sql *db, size_t version, struct error *err)
{
	char text[64];

	snprintf(text, sizeof(text), "PRAGMA user_version=%zu", version);
	return sql_exec(db, text, err);
}

int
sql_migrate(struct sql *db, const char *const *migrations, size_t n,
	    struct error *err)
{
	int64_t have = 0;
	int rc = user_version(db, &have, err);

	if (rc)
		return rc;
	if ((size_t)have == n)
		return 0;
	if ((size_t)have > n)
		return error_set(err, ERR_CORRUPT,
				 "the state was written by a newer civicfs "
				 "(schema %lld, this one knows %zu): install "
				 "that version, or restore a backup",
				 (long long)have, n);
	rc = sql_exec(db, "BEGIN IMMEDIATE", err);
	for (size_t i = (size_t)have; !rc && i < n; i++)
		rc = sql_exec(db, migrations[i], err);
	if (!rc)
		rc = set_user_version(db, n, err);
	if (!rc)
		rc = sql_exec(db, "COMMIT", err);
	if (rc)
		sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

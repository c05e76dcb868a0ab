/* The rows of one submission while it is judged: see staging.h. */
#include "store/staging.h"

#include "store/sql.h"

#include <stdlib.h>

struct store_staging {
	struct sql *db;
	sqlite3_stmt *walk; /* of store_staging_first, not reset yet */
};

static const char tables[] =
	"CREATE TABLE staged("
	"  row INTEGER PRIMARY KEY, line INTEGER NOT NULL,"
	"  status INTEGER NOT NULL, deletes INTEGER NOT NULL,"
	"  key BLOB, cells BLOB NOT NULL, sent BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE reason("
	"  row INTEGER PRIMARY KEY, text TEXT NOT NULL"
	") STRICT;"
	"CREATE TABLE unique_value("
	"  field INTEGER NOT NULL, value BLOB NOT NULL, row INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE not_unique("
	"  field INTEGER NOT NULL, value BLOB NOT NULL, row INTEGER NOT NULL,"
	"  line INTEGER NOT NULL, first INTEGER NOT NULL"
	") STRICT;"
	"BEGIN;";

int
store_staging_open(struct store_staging **ret, struct error *err)
{
	struct store_staging *staging = calloc(1, sizeof(*staging));
	int rc;

	if (!staging)
		return error_nomem(err);
	rc = sql_open("", SQL_SCRATCH, &staging->db, err);
	if (!rc)
		rc = sql_exec(staging->db, tables, err);
	if (rc) {
		store_staging_close(staging);
		return rc;
	}
	*ret = staging;
	return 0;
}

void
store_staging_close(struct store_staging *staging)
{
	if (!staging)
		return;
	sql_reset(&staging->walk);
	sql_close(staging->db);
	free(staging);
}

int
store_staging_add(struct store_staging *staging, const struct store_staged *row,
		  struct error *err)
{
	static const char text[] =
		"INSERT INTO staged(row, line, status, deletes, key, cells,"
		" sent) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row->row);
	sql_bind_int(stmt, 2, row->line);
	sql_bind_int(stmt, 3, row->status);
	sql_bind_int(stmt, 4, row->deletes);
	if (row->has_key)
		sql_bind_blob(stmt, 5, row->key);
	sql_bind_blob(stmt, 6, row->cells);
	sql_bind_blob(stmt, 7, row->sent);
	return sql_run(staging->db, stmt, err);
}

int
store_staging_index(struct store_staging *staging, struct error *err)
{
	return sql_exec(staging->db,
			"CREATE INDEX staged_key ON staged(key, row)"
			" WHERE key IS NOT NULL",
			err);
}

int
store_staging_set_status(struct store_staging *staging, int64_t row,
			 enum store_staged_status status, struct error *err)
{
	static const char text[] =
		"UPDATE staged SET status = ?2 WHERE row = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	sql_bind_int(stmt, 2, status);
	return sql_run(staging->db, stmt, err);
}

int
store_staging_add_reason(struct store_staging *staging, int64_t row,
			 const char *reason, struct error *err)
{
	static const char text[] =
		"INSERT INTO reason(row, text) VALUES(?1, ?2)"
		" ON CONFLICT(row) DO UPDATE SET"
		" text = text || '; ' || excluded.text";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, row);
	sql_bind_text(stmt, 2, reason);
	return sql_run(staging->db, stmt, err);
}

int
store_staging_first(struct store_staging *staging, struct error *err)
{
	static const char text[] =
		"SELECT row, line, status, deletes, key, cells, sent"
		" FROM staged WHERE key IS NOT NULL ORDER BY key, row";

	sql_reset(&staging->walk);
	staging->walk = NULL;
	return sql_get(staging->db, text, &staging->walk, err);
}

static struct store_staged
staged_of(sqlite3_stmt *stmt)
{
	return (struct store_staged){
		.row = sql_int(stmt, 0),
		.line = sql_int(stmt, 1),
		.status = (enum store_staged_status)sql_int(stmt, 2),
		.deletes = sql_int(stmt, 3),
		.has_key = !sql_is_null(stmt, 4),
		.key = sql_bytes(stmt, 4),
		.cells = sql_bytes(stmt, 5),
		.sent = sql_bytes(stmt, 6),
	};
}

int
store_staging_next(struct store_staging *staging, struct store_staged *ret,
		   struct error *err)
{
	int rc;

	if (!staging->walk)
		return 0;
	rc = sql_step(staging->db, staging->walk, err);
	if (rc > 0) {
		*ret = staged_of(staging->walk);
		return rc;
	}
	sql_reset(&staging->walk);
	staging->walk = NULL;
	return rc;
}

int
store_staging_differs(struct store_staging *staging,
		      const struct store_staged *first, bool *ret,
		      struct error *err)
{
	static const char text[] =
		"SELECT EXISTS(SELECT 1 FROM staged WHERE key = ?1"
		" AND (status <> 0 OR deletes <> ?2 OR cells <> ?3))";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_blob(stmt, 1, first->key);
	sql_bind_int(stmt, 2, first->deletes);
	sql_bind_blob(stmt, 3, first->cells);
	rc = sql_step(staging->db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_staging_refused(struct store_staging *staging,
		      store_staging_refused_fn *each, void *ctx,
		      struct error *err)
{
	static const char text[] =
		"SELECT s.row, line, status, deletes, key, cells, sent,"
		" coalesce(text, '')"
		" FROM staged s LEFT JOIN reason r ON r.row = s.row"
		" WHERE status = 1 ORDER BY s.row";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	while ((rc = sql_step(staging->db, stmt, err)) > 0) {
		struct store_staged row = staged_of(stmt);

		rc = each(ctx, &row, sql_bytes(stmt, 7));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_staging_add_unique(struct store_staging *staging, int64_t field,
			 struct slice value, int64_t row, struct error *err)
{
	static const char text[] = "INSERT INTO unique_value(field, value, row)"
				   " VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, field);
	sql_bind_blob(stmt, 2, value);
	sql_bind_int(stmt, 3, row);
	return sql_run(staging->db, stmt, err);
}

/* Kept in a table of their own, so that statuses may change while they are
 * walked. Of equal rows one counts. */
static int
find_not_unique(struct store_staging *staging, struct error *err)
{
	static const char text[] =
		"INSERT INTO not_unique(field, value, row, line, first)"
		" SELECT field, value, row, line, first FROM"
		" (SELECT u.field, u.value, u.row, s.line,"
		"  count(*) OVER same AS n, min(u.row) OVER same AS first"
		"  FROM unique_value u JOIN staged s ON s.row = u.row"
		"  WHERE s.status = 0"
		"  WINDOW same AS (PARTITION BY u.field, u.value))"
		" WHERE n > 1 ORDER BY field, value, row";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	return rc ? rc : sql_run(staging->db, stmt, err);
}

int
store_staging_not_unique(struct store_staging *staging,
			 store_staging_unique_fn *each, void *ctx,
			 struct error *err)
{
	static const char text[] = "SELECT field, value, row, line, first"
				   " FROM not_unique ORDER BY rowid";
	scope_stmt *stmt = NULL;
	int rc = find_not_unique(staging, err);

	if (!rc)
		rc = sql_get(staging->db, text, &stmt, err);
	while (!rc && (rc = sql_step(staging->db, stmt, err)) > 0)
		rc = each(ctx, sql_int(stmt, 0), sql_bytes(stmt, 1),
			  sql_int(stmt, 2), sql_int(stmt, 3), sql_int(stmt, 4));
	return rc;
}

int
store_staging_count(struct store_staging *staging,
		    struct store_staging_counts *ret, struct error *err)
{
	static const char text[] = "SELECT sum(status = 0), sum(status = 1),"
				   " sum(status = 2) FROM staged";
	scope_stmt *stmt = NULL;
	int rc = sql_get(staging->db, text, &stmt, err);

	if (!rc)
		rc = sql_step(staging->db, stmt, err);
	if (rc < 0)
		return rc;
	ret->good = sql_int(stmt, 0);
	ret->refused = sql_int(stmt, 1);
	ret->repeated = sql_int(stmt, 2);
	return 0;
}

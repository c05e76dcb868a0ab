/*
 * The rows of resources: tables record, touched, lens and link. See record.h;
 * the rows of themes are in theme.c.
 */
#include "store/record.h"

#include "store/sql.h"

/* What holds at a sequence ?2. */
#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "

static const char *
column_text(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? (const char *)text : "";
}

/* ---- record -------------------------------------------------------------- */

int
store_record_each(struct sql *db, int64_t resource, int64_t at,
		  store_record_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT id, key, cells, submission FROM record"
		" WHERE resource = ?1 AND" HOLDS "ORDER BY key";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_record r = {
			.id = sql_int(stmt, 0),
			.key = sql_bytes(stmt, 1),
			.cells = sql_bytes(stmt, 2),
			.submission = column_text(stmt, 3),
		};

		rc = each(ctx, &r);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_record_find(struct sql *db, int64_t resource, int64_t at,
		  struct slice key, int64_t *ret_id, struct buf *cells,
		  struct error *err)
{
	static const char text[] =
		"SELECT id, cells FROM record"
		" WHERE resource = ?1 AND key = ?3 AND" HOLDS;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, key);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_id = sql_int(stmt, 0);
	if (cells && buf_addslice(cells, sql_bytes(stmt, 1)))
		return error_nomem(err);
	return 1;
}

int
store_record_count(struct sql *db, int64_t resource, int64_t at, int64_t *ret,
		   struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM record WHERE resource = ?1 AND" HOLDS;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_record_insert(struct sql *db, int64_t resource, int64_t seq,
		    struct slice key, struct slice cells,
		    const char *submission, int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"INSERT INTO record(resource, key, since, submission, cells)"
		" VALUES(?1, ?2, ?3, ?4, ?5)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_blob(stmt, 2, key);
	sql_bind_int(stmt, 3, seq);
	sql_bind_text(stmt, 4, submission);
	sql_bind_blob(stmt, 5, cells);
	rc = sql_run(db, stmt, err);
	if (!rc)
		*ret_id = sql_last_id(db);
	return rc;
}

int
store_record_end(struct sql *db, int64_t id, int64_t seq, struct error *err)
{
	static const char text[] = "UPDATE record SET until = ?2 WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

/* ---- touched ------------------------------------------------------------- */

int
store_touched_add(struct sql *db, int64_t resource, struct slice key,
		  int64_t submission, struct error *err)
{
	static const char text[] =
		"INSERT INTO touched(resource, key, submission)"
		" VALUES(?1, ?2, ?3) ON CONFLICT(resource, key)"
		" DO UPDATE SET submission = max(submission,"
		" excluded.submission)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_blob(stmt, 2, key);
	sql_bind_int(stmt, 3, submission);
	return sql_run(db, stmt, err);
}

int
store_touched_get(struct sql *db, int64_t resource, struct slice key,
		  int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT submission FROM touched"
				   " WHERE resource = ?1 AND key = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_blob(stmt, 2, key);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : 0;
	return 0;
}

int
store_touched_clear(struct sql *db, int64_t resource, struct error *err)
{
	static const char text[] = "DELETE FROM touched WHERE resource = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	return sql_run(db, stmt, err);
}

/* ---- lens and link ------------------------------------------------------- */

int
store_lens_intern(struct sql *db, int64_t resource, const char *field,
		  int64_t *ret_id, struct error *err)
{
	static const char insert[] =
		"INSERT OR IGNORE INTO lens(resource, field) VALUES(?1, ?2)";
	static const char select[] =
		"SELECT id FROM lens WHERE resource = ?1 AND field = ?2";
	scope_stmt *add = NULL;
	scope_stmt *get = NULL;
	int rc = sql_get(db, insert, &add, err);

	if (!rc)
		rc = sql_get(db, select, &get, err);
	if (rc)
		return rc;
	sql_bind_int(add, 1, resource);
	sql_bind_text(add, 2, field);
	rc = sql_run(db, add, err);
	if (rc)
		return rc;
	sql_bind_int(get, 1, resource);
	sql_bind_text(get, 2, field);
	rc = sql_step(db, get, err);
	if (rc < 0)
		return rc;
	*ret_id = sql_int(get, 0);
	return 0;
}

int
store_lens_find(struct sql *db, const char *resource, const char *field,
		int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"SELECT lens.id FROM object JOIN lens"
		" ON lens.resource = object.id AND lens.field = ?2"
		" WHERE object.kind = 'resource' AND object.name = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, resource);
	sql_bind_text(stmt, 2, field);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret_id = sql_int(stmt, 0);
	return rc;
}

int
store_lens_is_linked(struct sql *db, int64_t lens, bool *ret, struct error *err)
{
	static const char text[] =
		"SELECT linked IS NOT NULL FROM lens WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc && sql_int(stmt, 0);
	return 0;
}

int
store_lens_set_linked(struct sql *db, int64_t lens, int64_t seq,
		      struct error *err)
{
	static const char text[] = "UPDATE lens SET linked = ?2 WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

int
store_lens_unlink_others(struct sql *db, const int64_t *lenses, size_t n,
			 struct error *err)
{
	static const char select[] =
		"SELECT id FROM lens WHERE linked IS NOT NULL";
	static const char update[] =
		"UPDATE lens SET linked = NULL WHERE id = ?1";
	scope_stmt *each = NULL;
	int rc = sql_get(db, select, &each, err);

	while (!rc && (rc = sql_step(db, each, err)) > 0) {
		scope_stmt *unlink = NULL;

		rc = 0;
		if (sql_has_id(lenses, n, sql_int(each, 0)))
			continue;
		rc = sql_get(db, update, &unlink, err);
		if (rc)
			return rc;
		sql_bind_int(unlink, 1, sql_int(each, 0));
		rc = sql_run(db, unlink, err);
	}
	return rc;
}

int
store_link_end_all(struct sql *db, int64_t lens, int64_t seq, struct error *err)
{
	static const char text[] = "UPDATE link SET until = ?2"
				   " WHERE lens = ?1 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

int
store_link_insert(struct sql *db, int64_t lens, int64_t seq, struct slice place,
		  int64_t record, struct error *err)
{
	static const char text[] =
		"INSERT INTO link(lens, place, since, record)"
		" VALUES(?1, ?2, ?3, ?4)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	sql_bind_int(stmt, 4, record);
	return sql_run(db, stmt, err);
}

int
store_link_end(struct sql *db, int64_t lens, int64_t seq, struct slice place,
	       struct error *err)
{
	static const char text[] = "UPDATE link SET until = ?3 WHERE lens = ?1"
				   " AND place = ?2 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	return sql_run(db, stmt, err);
}

int
store_link_each(struct sql *db, int64_t lens, int64_t at, struct slice lo,
		struct slice hi, store_link_each_fn *each, void *ctx,
		struct error *err)
{
	static const char bounded[] =
		"SELECT l.place, r.id, r.key, r.cells, r.submission"
		" FROM link l CROSS JOIN record r ON r.id = l.record"
		" WHERE l.lens = ?1 AND l.place >= ?3 AND l.place < ?4"
		" AND l.since <= ?2 AND (l.until IS NULL OR l.until > ?2)"
		" ORDER BY l.place";
	static const char open[] =
		"SELECT l.place, r.id, r.key, r.cells, r.submission"
		" FROM link l CROSS JOIN record r ON r.id = l.record"
		" WHERE l.lens = ?1 AND l.place >= ?3"
		" AND l.since <= ?2 AND (l.until IS NULL OR l.until > ?2)"
		" ORDER BY l.place";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, hi.n ? bounded : open, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_record r = {
			.id = sql_int(stmt, 1),
			.key = sql_bytes(stmt, 2),
			.cells = sql_bytes(stmt, 3),
			.submission = column_text(stmt, 4),
		};

		rc = each(ctx, sql_bytes(stmt, 0), &r);
		if (rc)
			return rc;
	}
	return rc;
}

/*
 * The rows of resources: tables record, touched and lens, and runs of records.
 * See record.h; links are in link.c, the rows of themes in theme.c.
 */
#include "store/record.h"

#include "base/scope.h"
#include "store/run.h"
#include "store/sql.h"

#include <stdlib.h>

/* What holds at a sequence ?2. */
#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "

static const char *
column_text(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? (const char *)text : "";
}

/* ---- record -------------------------------------------------------------- */

static struct store_record
record_of_run(const struct run_row *row)
{
	return (struct store_record){
		.id = row->id,
		.key = row->key,
		.cells = row->value,
		.submission = row->submission,
		.loaded = true,
	};
}

static struct store_record
record_of(sqlite3_stmt *stmt, int first)
{
	return (struct store_record){
		.id = sql_int(stmt, first),
		.key = sql_bytes(stmt, first + 1),
		.cells = sql_bytes(stmt, first + 2),
		.submission = column_text(stmt, first + 3),
	};
}

static int
give_records(struct run_merge *m, store_record_each_fn *each, void *ctx,
	     struct error *err)
{
	bool is_run;
	int rc;

	while ((rc = run_merge_next(m, &is_run, err)) > 0) {
		struct store_record r =
			is_run ? record_of_run(&m->row) : record_of(m->stmt, 0);

		rc = each(ctx, &r);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_record_each(struct sql *db, int64_t resource, int64_t at,
		  store_record_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT id, key, cells, submission FROM record"
		" WHERE resource = ?1 AND" HOLDS "ORDER BY key";
	scope_stmt *stmt = NULL;
	struct run_merge m = {.key = 1};
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	m.stmt = stmt;
	rc = run_walk_open(&m.walk, db, RUN_RECORD, resource, at, SLICE_NONE,
			   SLICE_NONE, err);
	if (!rc)
		rc = give_records(&m, each, ctx, err);
	run_walk_close(&m.walk);
	return rc;
}

static int
look_in_runs(struct sql *db, int64_t resource, int64_t at, struct slice key,
	     store_record_each_fn *each, void *ctx, struct error *err)
{
	scope_run_walk walk = {0};
	struct run_row row;
	struct store_record r;
	int rc = run_find(&walk, db, RUN_RECORD, resource, at, key, &row, err);

	if (rc <= 0)
		return rc;
	r = record_of_run(&row);
	rc = each(ctx, &r);
	return rc ? rc : 1;
}

int
store_record_look(struct sql *db, int64_t resource, int64_t at,
		  struct slice key, store_record_each_fn *each, void *ctx,
		  struct error *err)
{
	static const char text[] =
		"SELECT id, key, cells, submission FROM record"
		" WHERE resource = ?1 AND key = ?3 AND" HOLDS;
	scope_stmt *stmt = NULL;
	struct store_record r;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, key);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc ? rc
			  : look_in_runs(db, resource, at, key, each, ctx, err);
	r = record_of(stmt, 0);
	rc = each(ctx, &r);
	return rc ? rc : 1;
}

/* 1 or 0, or negative. */
static int
give_found(int64_t id, struct slice found, int64_t *ret_id, struct buf *cells,
	   struct error *err)
{
	*ret_id = id;
	return cells && buf_addslice(cells, found) ? error_nomem(err) : 1;
}

static int
find_in_runs(struct sql *db, int64_t resource, int64_t at, struct slice key,
	     int64_t *ret_id, struct buf *cells, struct error *err)
{
	scope_run_walk walk = {0};
	struct run_row row;
	int rc = run_find(&walk, db, RUN_RECORD, resource, at, key, &row, err);

	return rc <= 0 ? rc : give_found(row.id, row.value, ret_id, cells, err);
}

static int
find_in_table(struct sql *db, int64_t resource, int64_t at, struct slice key,
	      int64_t *ret_id, struct buf *cells, struct error *err)
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
	return rc <= 0 ? rc
		       : give_found(sql_int(stmt, 0), sql_bytes(stmt, 1),
				    ret_id, cells, err);
}

int
store_record_find(struct sql *db, int64_t resource, int64_t at,
		  struct slice key, int64_t *ret_id, struct buf *cells,
		  struct error *err)
{
	int rc = find_in_table(db, resource, at, key, ret_id, cells, err);

	return rc ? rc
		  : find_in_runs(db, resource, at, key, ret_id, cells, err);
}

/* ---- key by key ---------------------------------------------------------- */

struct store_record_walk {
	struct run_walk walk;
	bool has_table; /* some record stands, or stood, in the table */
	struct buf hi;
};

static int
find_table(struct store_record_walk *w, struct error *err)
{
	static const char text[] =
		"SELECT 1 FROM record WHERE resource = ?1 LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(w->walk.db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, w->walk.owner);
	rc = sql_step(w->walk.db, stmt, err);
	w->has_table = rc > 0;
	return rc < 0 ? rc : 0;
}

int
store_record_walk_open(struct sql *db, int64_t resource, int64_t at,
		       struct store_record_walk **ret, struct error *err)
{
	struct store_record_walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return error_nomem(err);
	rc = run_walk_open(&w->walk, db, RUN_RECORD, resource, at, SLICE_NONE,
			   SLICE_NONE, err);
	if (!rc)
		rc = find_table(w, err);
	if (rc)
		store_record_walk_close(w);
	else
		*ret = w;
	return rc;
}

void
store_record_walk_close(struct store_record_walk *w)
{
	if (!w)
		return;
	run_walk_close(&w->walk);
	buf_release(&w->hi);
	free(w);
}

int
store_record_walk_find(struct store_record_walk *w, struct slice key,
		       int64_t *ret_id, struct buf *cells, struct error *err)
{
	struct run_walk *walk = &w->walk;
	struct run_row row;
	int rc = w->has_table ? find_in_table(walk->db, walk->owner, walk->at,
					      key, ret_id, cells, err)
			      : 0;

	if (rc)
		return rc;
	rc = run_walk_seek_one(walk, key, &w->hi, &row, err);
	return rc <= 0 ? rc : give_found(row.id, row.value, ret_id, cells, err);
}

int
store_record_count(struct sql *db, int64_t resource, int64_t at, int64_t *ret,
		   struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM record WHERE resource = ?1 AND" HOLDS;
	scope_stmt *stmt = NULL;
	int64_t in_runs = 0;
	int rc = run_count(db, RUN_RECORD, resource, at, &in_runs, err);

	if (!rc)
		rc = sql_get(db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = in_runs + sql_int(stmt, 0);
	return 0;
}

int
store_record_is_empty(struct sql *db, int64_t resource, int64_t at, bool *ret,
		      struct error *err)
{
	static const char text[] =
		"SELECT 1 FROM record WHERE resource = ?1 AND" HOLDS "LIMIT 1";

	return run_is_empty(db, RUN_RECORD, resource, at, text, ret, err);
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
	int rc;

	if (run_is_row(id))
		return run_end_row(db, id, seq, err);
	rc = sql_get(db, text, &stmt, err);
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

/* They are found first, so that they may be changed. */
int
store_touched_each(struct sql *db, int64_t resource, int64_t submission,
		   store_touched_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT key FROM touched WHERE resource = ?1"
		" AND submission = ?2 AND key > ?3 ORDER BY key LIMIT 1";
	scope_buf key = BUF_INIT;
	int rc;

	for (;;) {
		scope_stmt *stmt = NULL;

		rc = sql_get(db, text, &stmt, err);
		if (rc)
			return rc;
		sql_bind_int(stmt, 1, resource);
		sql_bind_int(stmt, 2, submission);
		sql_bind_blob(stmt, 3, key.len ? buf_slice(&key) : SLICE(""));
		rc = sql_step(db, stmt, err);
		if (rc <= 0)
			return rc;
		buf_clear(&key);
		if (buf_addslice(&key, sql_bytes(stmt, 0)))
			return error_nomem(err);
		sql_reset(&stmt);
		stmt = NULL;
		rc = each(ctx, buf_slice(&key));
		if (rc)
			return rc;
	}
}

int
store_touched_remove(struct sql *db, int64_t resource, struct slice key,
		     struct error *err)
{
	static const char text[] =
		"DELETE FROM touched WHERE resource = ?1 AND key = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_blob(stmt, 2, key);
	return sql_run(db, stmt, err);
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

/*
 * What one publish collects about themes and files: the temporary tables
 * subject, linked, stray and dirty. See record.h.
 */
#include "store/record.h"

#include "store/run.h"
#include "store/sql.h"

#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "

/* A statement on what the publish being written has collected: it is ?1. */
static int
temp_get(struct sql *db, const char *text, sqlite3_stmt **ret,
	 struct error *err)
{
	int rc = sql_get(db, text, ret, err);

	if (!rc)
		sql_bind_int(*ret, 1, sql_writing(db));
	return rc;
}

static int
temp_add(struct sql *db, const char *text, int64_t id, struct slice bytes,
	 struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, id);
	sql_bind_blob(stmt, 3, bytes);
	return sql_run(db, stmt, err);
}

static int
temp_each(struct sql *db, const char *text, int64_t id,
	  int (*each)(void *ctx, struct slice bytes), void *ctx,
	  struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, id);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, sql_bytes(stmt, 0));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_subject_add(struct sql *db, int64_t theme, struct slice subject,
		  struct error *err)
{
	static const char text[] = "INSERT OR IGNORE INTO temp.subject"
				   " VALUES(?1, ?2, ?3)";

	return temp_add(db, text, theme, subject, err);
}

/* The subject of a link is its place up to the first NUL; places that begin
 * with NUL have none. Values hold no NUL. */
static int
add_of_place(struct sql *db, int64_t theme, struct slice place,
	     const struct breath *breath, struct error *err)
{
	const char *nul = memchr(place.p, '\0', place.n);
	int rc = breathe(breath, err);

	place.n = nul ? (size_t)(nul - place.p) : place.n;
	return rc ? rc : store_subject_add(db, theme, place, err);
}

static int
add_of_table(struct sql *db, int64_t theme, int64_t lens, int64_t at,
	     const struct breath *breath, struct error *err)
{
	static const char text[] =
		"SELECT place FROM link WHERE lens = ?1 AND" HOLDS
		"AND place >= x'01'";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, lens);
	sql_bind_int(stmt, 2, at);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = add_of_place(db, theme, sql_bytes(stmt, 0), breath, err);
		if (rc)
			return rc;
	}
	return rc;
}

static int
add_of_runs(struct sql *db, int64_t theme, int64_t lens, int64_t at,
	    const struct breath *breath, struct error *err)
{
	scope_run_walk walk = {0};
	struct run_row row;
	int rc = run_walk_open(&walk, db, RUN_LINK, lens, at, SLICE("\1"),
			       SLICE_NONE, err);

	while (!rc && (rc = run_walk_next(&walk, &row, err)) > 0)
		rc = add_of_place(db, theme, row.key, breath, err);
	return rc;
}

int
store_subject_add_lens(struct sql *db, int64_t theme, int64_t lens, int64_t at,
		       const struct breath *breath, struct error *err)
{
	int rc = add_of_table(db, theme, lens, at, breath, err);

	return rc ? rc : add_of_runs(db, theme, lens, at, breath, err);
}

int
store_subject_has(struct sql *db, int64_t theme, int64_t n, bool *ret,
		  struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM (SELECT 1 FROM temp.subject"
		" WHERE seq = ?1 AND theme = ?2 LIMIT ?3)";
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, theme);
	sql_bind_int(stmt, 3, n);
	rc = sql_step(db, stmt, err);
	*ret = rc > 0 && sql_int(stmt, 0) == n;
	return rc < 0 ? rc : 0;
}

int
store_subject_each(struct sql *db, int64_t theme, store_subject_each_fn *each,
		   void *ctx, struct error *err)
{
	static const char text[] = "SELECT subject FROM temp.subject"
				   " WHERE seq = ?1 AND theme = ?2"
				   " ORDER BY subject";

	return temp_each(db, text, theme, each, ctx, err);
}

/* What one that waits has collected stays; it has the highest number. */
static int
clear(struct sql *db, const char *all, const char *passed, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc;

	if (!sql_waiting(db))
		return sql_do(db, all, err);
	rc = sql_get(db, passed, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, sql_waiting(db));
	return sql_run(db, stmt, err);
}

int
store_subject_clear(struct sql *db, struct error *err)
{
	static const struct {
		const char *all, *passed;
	} texts[] = {
		{"DELETE FROM temp.subject",
		 "DELETE FROM temp.subject WHERE seq < ?1"},
		{"DELETE FROM temp.linked",
		 "DELETE FROM temp.linked WHERE seq < ?1"},
		{"DELETE FROM temp.stray",
		 "DELETE FROM temp.stray WHERE seq < ?1"},
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(*texts); i++)
		rc = clear(db, texts[i].all, texts[i].passed, err);
	return rc;
}

/* ---- rows whose subject another row has ---------------------------------- */

int
store_linked_add(struct sql *db, int64_t theme, size_t source,
		 struct slice value, struct slice place, unsigned sides,
		 struct error *err)
{
	static const char text[] =
		"INSERT INTO temp.linked VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT DO UPDATE SET sides = sides | excluded.sides";
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, theme);
	sql_bind_int(stmt, 3, (int64_t)source);
	sql_bind_blob(stmt, 4, value);
	sql_bind_blob(stmt, 5, place);
	sql_bind_int(stmt, 6, sides);
	return sql_run(db, stmt, err);
}

int
store_linked_each(struct sql *db, int64_t theme, store_linked_each_fn *each,
		  void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT source, value, place, sides FROM temp.linked"
		" WHERE seq = ?1 AND theme = ?2 ORDER BY source, value, place";
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, theme);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, (size_t)sql_int(stmt, 0), sql_bytes(stmt, 1),
			  sql_bytes(stmt, 2), (unsigned)sql_int(stmt, 3));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_stray_add(struct sql *db, int64_t theme, struct slice place,
		unsigned sides, struct error *err)
{
	static const char text[] =
		"INSERT INTO temp.stray VALUES(?1, ?2, ?3, ?4)"
		" ON CONFLICT DO UPDATE SET sides = sides | excluded.sides";
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, theme);
	sql_bind_blob(stmt, 3, place);
	sql_bind_int(stmt, 4, sides);
	return sql_run(db, stmt, err);
}

int
store_stray_each(struct sql *db, int64_t theme, store_stray_each_fn *each,
		 void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT place, sides FROM temp.stray"
		" WHERE seq = ?1 AND theme = ?2 AND sides <> 3 ORDER BY place";
	scope_stmt *stmt = NULL;
	int rc = temp_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 2, theme);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, sql_bytes(stmt, 0), (unsigned)sql_int(stmt, 1));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_dirty_add(struct sql *db, int64_t file, struct slice place,
		struct error *err)
{
	static const char text[] = "INSERT OR IGNORE INTO temp.dirty"
				   " VALUES(?1, ?2, ?3)";

	return temp_add(db, text, file, place, err);
}

int
store_dirty_each(struct sql *db, int64_t file, store_dirty_each_fn *each,
		 void *ctx, struct error *err)
{
	static const char text[] = "SELECT place FROM temp.dirty"
				   " WHERE seq = ?1 AND file = ?2"
				   " ORDER BY place";

	return temp_each(db, text, file, each, ctx, err);
}

int
store_dirty_clear(struct sql *db, struct error *err)
{
	return clear(db, "DELETE FROM temp.dirty",
		     "DELETE FROM temp.dirty WHERE seq < ?1", err);
}

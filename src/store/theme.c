/*
 * The rows of themes and what one publish collects about them: tables
 * theme_row, orphan, and the temporary subject and dirty. See record.h.
 */
#include "store/record.h"

#include "base/digest.h"
#include "store/sql.h"

#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "
#define COLUMNS " id, version, since, subject, cells, conflicts "

/* ---- walking theme_row --------------------------------------------------- */

static struct store_theme_row
row_of(sqlite3_stmt *stmt)
{
	return (struct store_theme_row){
		.id = sql_int(stmt, 0),
		.version = sql_int(stmt, 1),
		.since = sql_int(stmt, 2),
		.subject = sql_bytes(stmt, 3),
		.cells = sql_bytes(stmt, 4),
		.conflicts = sql_bytes(stmt, 5),
	};
}

static int
walk(struct sql *db, const char *text, int64_t theme, int64_t at,
     struct slice lo, struct slice hi, store_theme_row_each_fn *each, void *ctx,
     struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_theme_row r = row_of(stmt);

		rc = each(ctx, &r);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_theme_row_each(struct sql *db, int64_t theme, int64_t at, struct slice lo,
		     struct slice hi, store_theme_row_each_fn *each, void *ctx,
		     struct error *err)
{
	static const char bounded[] =
		"SELECT" COLUMNS "FROM theme_row WHERE theme = ?1 AND" HOLDS
		"AND subject >= ?3 AND subject < ?4 ORDER BY subject";
	static const char open[] =
		"SELECT" COLUMNS "FROM theme_row WHERE theme = ?1 AND" HOLDS
		"AND subject >= ?3 ORDER BY subject";

	return walk(db, hi.n ? bounded : open, theme, at, lo, hi, each, ctx,
		    err);
}

int
store_conflict_each(struct sql *db, int64_t theme, int64_t at, struct slice lo,
		    struct slice hi, store_theme_row_each_fn *each, void *ctx,
		    struct error *err)
{
	static const char bounded[] =
		"SELECT" COLUMNS "FROM theme_row WHERE theme = ?1 AND" HOLDS
		"AND conflicts IS NOT NULL"
		" AND subject >= ?3 AND subject < ?4 ORDER BY subject";
	static const char open[] =
		"SELECT" COLUMNS "FROM theme_row WHERE theme = ?1 AND" HOLDS
		"AND conflicts IS NOT NULL AND subject >= ?3 ORDER BY subject";

	return walk(db, hi.n ? bounded : open, theme, at, lo, hi, each, ctx,
		    err);
}

int
store_theme_shelf(const unsigned char sha256[static 2])
{
	return sha256[0] << 4 | sha256[1] >> 4;
}

int
store_theme_shelf_each(struct sql *db, int64_t theme, int64_t at, int shelf,
		       store_theme_row_each_fn *each, void *ctx,
		       struct error *err)
{
	/* Left to itself SQLite takes the index of 'since', which is the whole
	 * theme. */
	static const char text[] =
		"SELECT" COLUMNS "FROM theme_row INDEXED BY theme_row_shelf"
		" WHERE theme = ?1 AND shelf = ?3 AND" HOLDS "ORDER BY subject";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_int(stmt, 3, shelf);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_theme_row r = row_of(stmt);

		rc = each(ctx, &r);
		if (rc)
			return rc;
	}
	return rc;
}

/* Steps a bound statement once and hands on the row; 1, 0 or negative. */
static int
give_one(struct sql *db, sqlite3_stmt *stmt, store_theme_row_each_fn *each,
	 void *ctx, struct error *err)
{
	struct store_theme_row r;
	int rc = sql_step(db, stmt, err);

	if (rc <= 0)
		return rc;
	r = row_of(stmt);
	rc = each(ctx, &r);
	return rc ? rc : 1;
}

int
store_theme_row_find(struct sql *db, int64_t theme, int64_t at,
		     struct slice subject, store_theme_row_each_fn *each,
		     void *ctx, struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM theme_row"
				   " WHERE theme = ?1 AND subject = ?3"
				   " AND" HOLDS;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, subject);
	return give_one(db, stmt, each, ctx, err);
}

int
store_theme_row_get(struct sql *db, int64_t id, int64_t *ret_theme,
		    store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT" COLUMNS ", theme FROM theme_row WHERE id = ?1";
	struct store_theme_row r;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_theme = sql_int(stmt, 6);
	r = row_of(stmt);
	rc = each(ctx, &r);
	return rc ? rc : 1;
}

/* ---- writing theme_row --------------------------------------------------- */

int
store_theme_row_insert(struct sql *db, int64_t theme, int64_t seq,
		       int64_t version, struct slice subject,
		       struct slice cells, struct slice conflicts,
		       struct error *err)
{
	static const char text[] =
		"INSERT INTO theme_row(theme, subject, since, version, cells,"
		" conflicts, shelf) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	unsigned char sha256[DIGEST_SIZE];
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (!rc && digest_bytes(subject.p, subject.n, sha256))
		rc = error_nomem(err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 7, store_theme_shelf(sha256));
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, subject);
	sql_bind_int(stmt, 3, seq);
	sql_bind_int(stmt, 4, version);
	sql_bind_blob(stmt, 5, cells);
	if (conflicts.n)
		sql_bind_blob(stmt, 6, conflicts);
	return sql_run(db, stmt, err);
}

int
store_theme_row_end(struct sql *db, int64_t id, int64_t seq, struct error *err)
{
	static const char text[] =
		"UPDATE theme_row SET until = ?2 WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

int
store_theme_end_all(struct sql *db, int64_t theme, int64_t seq,
		    struct error *err)
{
	static const char *const texts[] = {
		"UPDATE theme_row SET until = ?2"
		" WHERE theme = ?1 AND until IS NULL",
		"UPDATE orphan SET until = ?2"
		" WHERE theme = ?1 AND until IS NULL",
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(*texts); i++) {
		scope_stmt *stmt = NULL;

		rc = sql_get(db, texts[i], &stmt, err);
		if (rc)
			break;
		sql_bind_int(stmt, 1, theme);
		sql_bind_int(stmt, 2, seq);
		rc = sql_run(db, stmt, err);
	}
	return rc;
}

int
store_theme_row_count(struct sql *db, int64_t theme, int64_t at, int64_t *ret,
		      struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM theme_row WHERE theme = ?1 AND" HOLDS;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

/* ---- what changed between two sequences ---------------------------------- */

/* The row that holds at 'at', left standing on its statement. */
static int
stand_on(struct sql *db, const char *text, int64_t theme, int64_t at,
	 struct slice subject, sqlite3_stmt **stmt, struct store_theme_row *ret,
	 struct error *err)
{
	int rc = sql_get(db, text, stmt, err);

	if (rc)
		return rc;
	sql_bind_int(*stmt, 1, theme);
	sql_bind_int(*stmt, 2, at);
	sql_bind_blob(*stmt, 3, subject);
	rc = sql_step(db, *stmt, err);
	if (rc > 0)
		*ret = row_of(*stmt);
	return rc;
}

static int
give_change(struct sql *db, int64_t theme, int64_t from, int64_t to,
	    struct slice subject, store_theme_change_fn *each, void *ctx,
	    struct error *err)
{
	/* two texts, so that both rows stand at once */
	static const char before[] =
		"SELECT" COLUMNS "FROM theme_row"
		" WHERE theme = ?1 AND subject = ?3 AND" HOLDS "LIMIT 1";
	static const char after[] =
		"SELECT" COLUMNS "FROM theme_row"
		" WHERE theme = ?1 AND subject = ?3 AND" HOLDS "LIMIT 2";
	struct store_theme_row old_row, new_row;
	scope_stmt *old_stmt = NULL;
	scope_stmt *new_stmt = NULL;
	int had, has;

	had = stand_on(db, before, theme, from, subject, &old_stmt, &old_row,
		       err);
	if (had < 0)
		return had;
	has = stand_on(db, after, theme, to, subject, &new_stmt, &new_row, err);
	if (has < 0)
		return has;
	if (!had && !has)
		return 0;
	return each(ctx, had ? &old_row : NULL, has ? &new_row : NULL);
}

int
store_theme_changes(struct sql *db, int64_t theme, int64_t from, int64_t to,
		    store_theme_change_fn *each, void *ctx, struct error *err)
{
	/* Left to itself SQLite walks the index of all subjects, to have them
	 * in order; the cost is to follow what changed. */
	static const char text[] =
		"SELECT subject FROM theme_row INDEXED BY theme_row_since"
		" WHERE theme = ?1 AND since > ?2 AND since <= ?3"
		" UNION SELECT subject FROM theme_row"
		" INDEXED BY theme_row_until"
		" WHERE theme = ?1 AND until > ?2 AND until <= ?3"
		" ORDER BY 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, from);
	sql_bind_int(stmt, 3, to);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = give_change(db, theme, from, to, sql_bytes(stmt, 0), each,
				 ctx, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- orphan -------------------------------------------------------------- */

int
store_orphan_each(struct sql *db, int64_t theme, int64_t at, struct slice lo,
		  struct slice hi, store_orphan_each_fn *each, void *ctx,
		  struct error *err)
{
	static const char bounded[] =
		"SELECT place FROM orphan WHERE theme = ?1 AND" HOLDS
		"AND place >= ?3 AND place < ?4 ORDER BY place";
	static const char open[] =
		"SELECT place FROM orphan WHERE theme = ?1 AND" HOLDS
		"AND place >= ?3 ORDER BY place";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, hi.n ? bounded : open, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, sql_bytes(stmt, 0));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_orphan_insert(struct sql *db, int64_t theme, int64_t seq,
		    struct slice place, struct error *err)
{
	static const char text[] = "INSERT INTO orphan(theme, place, since)"
				   " VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	return sql_run(db, stmt, err);
}

int
store_orphan_end(struct sql *db, int64_t theme, int64_t seq, struct slice place,
		 struct error *err)
{
	static const char text[] = "UPDATE orphan SET until = ?3"
				   " WHERE theme = ?1 AND place = ?2"
				   " AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, place);
	sql_bind_int(stmt, 3, seq);
	return sql_run(db, stmt, err);
}

/* ---- the temporary tables of one publish --------------------------------- */

static int
temp_add(struct sql *db, const char *text, int64_t id, struct slice bytes,
	 struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	sql_bind_blob(stmt, 2, bytes);
	return sql_run(db, stmt, err);
}

static int
temp_each(struct sql *db, const char *text, int64_t id,
	  int (*each)(void *ctx, struct slice bytes), void *ctx,
	  struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
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
				   " VALUES(?1, ?2)";

	return temp_add(db, text, theme, subject, err);
}

/* The subject of a link is its place up to the first NUL; places that begin
 * with NUL have none. Values hold no NUL. */
int
store_subject_add_lens(struct sql *db, int64_t theme, int64_t lens, int64_t at,
		       struct error *err)
{
	static const char text[] =
		"INSERT OR IGNORE INTO temp.subject"
		" SELECT ?1, substr(place, 1, instr(place, x'00') - 1)"
		" FROM link WHERE lens = ?3 AND" HOLDS "AND place >= x'01'";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_int(stmt, 3, lens);
	return sql_run(db, stmt, err);
}

int
store_subject_each(struct sql *db, int64_t theme, store_subject_each_fn *each,
		   void *ctx, struct error *err)
{
	static const char text[] = "SELECT subject FROM temp.subject"
				   " WHERE theme = ?1 ORDER BY subject";

	return temp_each(db, text, theme, each, ctx, err);
}

int
store_subject_clear(struct sql *db, struct error *err)
{
	return sql_exec(db, "DELETE FROM temp.subject", err);
}

int
store_dirty_add(struct sql *db, int64_t file, struct slice place,
		struct error *err)
{
	static const char text[] = "INSERT OR IGNORE INTO temp.dirty"
				   " VALUES(?1, ?2)";

	return temp_add(db, text, file, place, err);
}

int
store_dirty_each(struct sql *db, int64_t file, store_dirty_each_fn *each,
		 void *ctx, struct error *err)
{
	static const char text[] = "SELECT place FROM temp.dirty"
				   " WHERE file = ?1 ORDER BY place";

	return temp_each(db, text, file, each, ctx, err);
}

int
store_dirty_clear(struct sql *db, struct error *err)
{
	return sql_exec(db, "DELETE FROM temp.dirty", err);
}

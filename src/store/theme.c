/*
 * The rows of themes: table theme_row, and runs of subjects. See record.h;
 * orphans and what one publish collects are in orphan.c.
 */
#include "store/record.h"

#include "base/cells.h"
#include "base/digest.h"
#include "store/run.h"
#include "store/sql.h"

#include <endian.h>
#include <stdlib.h>

#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "
#define COLUMNS \
	" id, version, since, subject, cells, conflicts, coalesce(bytes, -1) "

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
		.bytes = sql_int(stmt, 6),
	};
}

/* The value of such a row is its cells, packed, and the conflicts. */
static struct store_theme_row
row_of_run(const struct run_row *row)
{
	struct store_theme_row r = {
		.id = row->id,
		.version = row->version,
		.since = row->since,
		.subject = row->key,
		.conflicts = row->value,
		.bytes = STORE_UNKNOWN,
	};

	(void)!cells_next(&r.conflicts, &r.cells);
	return r;
}

static int
give_rows(struct run_merge *m, bool only_conflicts,
	  store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	bool is_run;
	int rc;

	while ((rc = run_merge_next(m, &is_run, err)) > 0) {
		struct store_theme_row r =
			is_run ? row_of_run(&m->row) : row_of(m->stmt);

		rc = only_conflicts && !r.conflicts.n ? 0 : each(ctx, &r);
		if (rc)
			return rc;
	}
	return rc;
}

static int
walk(struct sql *db, const char *text, bool only_conflicts, int64_t theme,
     int64_t at, struct slice lo, struct slice hi,
     store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	scope_stmt *stmt = NULL;
	struct run_merge m = {.key = 3, .walk = {.marked = only_conflicts}};
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
	m.stmt = stmt;
	rc = run_walk_open(&m.walk, db, RUN_SUBJECT, theme, at, lo, hi, err);
	if (!rc)
		rc = give_rows(&m, only_conflicts, each, ctx, err);
	run_walk_close(&m.walk);
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

	static const char bounded_now[] =
		"SELECT" COLUMNS "FROM theme_row INDEXED BY theme_row_now"
		" WHERE theme = ?1 AND until IS NULL"
		" AND subject >= ?3 AND subject < ?4 ORDER BY subject";
	static const char open_now[] =
		"SELECT" COLUMNS "FROM theme_row INDEXED BY theme_row_now"
		" WHERE theme = ?1 AND until IS NULL AND subject >= ?3"
		" ORDER BY subject";
	const char *text = hi.n ? bounded : open;

	if (sql_is_writing(db, at))
		text = hi.n ? bounded_now : open_now;
	return walk(db, text, false, theme, at, lo, hi, each, ctx, err);
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

	return walk(db, hi.n ? bounded : open, true, theme, at, lo, hi, each,
		    ctx, err);
}

int
store_theme_shelf(const unsigned char sha256[static 2])
{
	return sha256[0] << 4 | sha256[1] >> 4;
}

/* The rows that a shelf's run names are in the run of subjects that began with
 * it. */
struct siblings {
	int64_t shelves; /* the run; 0: not looked for yet */
	int64_t subjects;
	bool some_gone;
};

struct shelf {
	struct run_merge merge;
	int64_t theme;
	struct siblings siblings[RUN_LIVE_MAX];
	store_theme_row_each_fn *each;
	void *ctx;
	struct error *err;
};

static int
find_siblings(struct shelf *s, const struct run *run,
	      const struct siblings **ret)
{
	struct siblings *at = s->siblings;
	const struct siblings *end = at + RUN_LIVE_MAX - 1;
	int rc = 1;

	while (at < end && at->shelves && at->shelves != run->id)
		at++;
	if (at->shelves != run->id)
		rc = run_of_shelf(s->merge.walk.db, run, &at->subjects,
				  &at->some_gone, s->err);
	at->shelves = rc > 0 ? run->id : 0;
	*ret = at;
	return rc;
}

/* Of an older run, which has subjects alone. */
static int
give_found(struct shelf *s, struct slice subject)
{
	const struct run_merge *m = &s->merge;
	scope_run_walk found = {0};
	struct store_theme_row r;
	struct run_row row;
	int rc = run_find(&found, m->walk.db, RUN_SUBJECT, s->theme, m->walk.at,
			  subject, &row, s->err);

	/* one that ended and came again has a shelf in both loads */
	if (rc <= 0 || row.run->since != m->row.run->since)
		return rc < 0 ? rc : 0;
	r = row_of_run(&row);
	return s->each(s->ctx, &r);
}

static int
give_entry(struct shelf *s, struct slice subject,
	   const struct run_shelf_entry *e)
{
	const struct run_row *row = &s->merge.row;
	struct sql *db = s->merge.walk.db;
	const uint32_t bytes = le32toh(e->bytes);
	const struct siblings *in = NULL;
	struct store_theme_row r = {
		.version = row->version,
		.since = row->since,
		.subject = subject,
		.bytes = bytes == UINT32_MAX ? STORE_UNKNOWN : (int64_t)bytes,
	};
	int rc = find_siblings(s, row->run, &in);

	if (rc <= 0)
		return rc;
	r.id = run_row_id(in->subjects, le32toh(e->ordinal));
	rc = in->some_gone ? run_row_is_gone(db, r.id, s->merge.walk.at, s->err)
			   : 0;
	if (rc)
		return rc < 0 ? rc : 0;
	return s->each(s->ctx, &r);
}

static int
give_shelved(struct shelf *s)
{
	const struct run_merge *m = &s->merge;
	struct slice subject = m->row.key;
	struct run_shelf_entry e;

	subject.p += m->behind;
	subject.n -= m->behind;
	if (m->row.value.n < sizeof(e))
		return give_found(s, subject);
	memcpy(&e, m->row.value.p, sizeof(e));
	return give_entry(s, subject, &e);
}

static int
give_shelf(struct shelf *s)
{
	bool is_run;
	int rc;

	while ((rc = run_merge_next(&s->merge, &is_run, s->err)) > 0) {
		if (is_run) {
			rc = give_shelved(s);
		} else {
			struct store_theme_row r = row_of(s->merge.stmt);

			rc = s->each(s->ctx, &r);
		}
		if (rc)
			return rc;
	}
	return rc;
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
	const char lo[2] = {(char)(shelf >> 8), (char)shelf};
	const char hi[2] = {(char)((shelf + 1) >> 8), (char)(shelf + 1)};
	struct shelf s = {.merge = {.key = 3, .behind = sizeof(lo)},
			  .theme = theme,
			  .each = each,
			  .ctx = ctx,
			  .err = err};
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	sql_bind_int(stmt, 3, shelf);
	s.merge.stmt = stmt;
	rc = run_walk_open(&s.merge.walk, db, RUN_SHELF, theme, at,
			   (struct slice){lo, sizeof(lo)},
			   (struct slice){hi, sizeof(hi)}, err);
	if (!rc)
		rc = give_shelf(&s);
	run_walk_close(&s.merge.walk);
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

static int
find_in_table(struct sql *db, int64_t theme, int64_t at, struct slice subject,
	      store_theme_row_each_fn *each, void *ctx, struct error *err)
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

static int
give_row_of_run(const struct run_row *row, store_theme_row_each_fn *each,
		void *ctx)
{
	struct store_theme_row r = row_of_run(row);
	int rc = each(ctx, &r);

	return rc ? rc : 1;
}

static int
find_in_runs(struct sql *db, int64_t theme, int64_t at, struct slice subject,
	     store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	scope_run_walk found = {0};
	struct run_row row;
	int rc = run_find(&found, db, RUN_SUBJECT, theme, at, subject, &row,
			  err);

	return rc <= 0 ? rc : give_row_of_run(&row, each, ctx);
}

int
store_theme_row_find(struct sql *db, int64_t theme, int64_t at,
		     struct slice subject, store_theme_row_each_fn *each,
		     void *ctx, struct error *err)
{
	int rc = find_in_table(db, theme, at, subject, each, ctx, err);

	return rc ? rc : find_in_runs(db, theme, at, subject, each, ctx, err);
}

/* ---- subject by subject -------------------------------------------------- */

struct store_theme_walk {
	struct run_ranges ranges;
	struct buf hi;
};

/* At another sequence than that being written, rows that have ended would have
 * to be passed to know that none holds. */
int
store_theme_walk_open(struct sql *db, int64_t theme, int64_t at,
		      struct store_theme_walk **ret, struct error *err)
{
	static const char now[] =
		"SELECT 1 FROM theme_row INDEXED BY theme_row_now"
		" WHERE theme = ?1 AND until IS NULL LIMIT 1";
	struct store_theme_walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return error_nomem(err);
	rc = run_ranges_open(&w->ranges, db, RUN_SUBJECT, theme, at, now, NULL,
			     err);
	if (rc)
		store_theme_walk_close(w);
	else
		*ret = w;
	return rc;
}

void
store_theme_walk_close(struct store_theme_walk *w)
{
	if (!w)
		return;
	run_walk_close(&w->ranges.walk);
	buf_release(&w->hi);
	free(w);
}

int
store_theme_walk_find(struct store_theme_walk *w, struct slice subject,
		      store_theme_row_each_fn *each, void *ctx,
		      struct error *err)
{
	struct run_walk *walk = &w->ranges.walk;
	struct run_row row;
	int rc = w->ranges.has_table
			 ? find_in_table(walk->db, walk->owner, walk->at,
					 subject, each, ctx, err)
			 : 0;

	if (rc)
		return rc;
	rc = run_walk_seek_one(walk, subject, &w->hi, &row, err);
	return rc <= 0 ? rc : give_row_of_run(&row, each, ctx);
}

/* ---- by id --------------------------------------------------------------- */

static int
get_of_run(struct sql *db, int64_t id, int64_t *ret_theme,
	   store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	scope_run_walk found = {0};
	struct run_row row;
	int rc = run_get(&found, db, id, &row, err);

	if (rc <= 0)
		return rc;
	*ret_theme = row.run->owner;
	return give_row_of_run(&row, each, ctx);
}

int
store_theme_row_get(struct sql *db, int64_t id, int64_t *ret_theme,
		    store_theme_row_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT" COLUMNS ", theme FROM theme_row WHERE id = ?1";
	struct store_theme_row r;
	scope_stmt *stmt = NULL;
	int rc;

	if (run_is_row(id))
		return get_of_run(db, id, ret_theme, each, ctx, err);
	rc = sql_get(db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_theme = sql_int(stmt, 7);
	r = row_of(stmt);
	rc = each(ctx, &r);
	return rc ? rc : 1;
}

/* ---- writing theme_row --------------------------------------------------- */

int
store_theme_row_insert(struct sql *db, int64_t theme, int64_t seq,
		       const struct store_theme_row *row, struct error *err)
{
	static const char text[] =
		"INSERT INTO theme_row(theme, subject, since, version, cells,"
		" conflicts, shelf, bytes)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	unsigned char sha256[DIGEST_SIZE];
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (!rc && digest_bytes(row->subject.p, row->subject.n, sha256))
		rc = error_nomem(err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 7, store_theme_shelf(sha256));
	sql_bind_int(stmt, 1, theme);
	sql_bind_blob(stmt, 2, row->subject);
	sql_bind_int(stmt, 3, seq);
	sql_bind_int(stmt, 4, row->version);
	sql_bind_blob(stmt, 5, row->cells);
	if (row->conflicts.n)
		sql_bind_blob(stmt, 6, row->conflicts);
	if (row->bytes != STORE_UNKNOWN)
		sql_bind_int(stmt, 8, row->bytes);
	return sql_run(db, stmt, err);
}

int
store_theme_row_end(struct sql *db, int64_t id, int64_t seq, struct error *err)
{
	static const char text[] =
		"UPDATE theme_row SET until = ?2 WHERE id = ?1";
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
	int rc = run_end_all(db, RUN_SUBJECT, theme, seq, err);

	if (!rc)
		rc = run_end_all(db, RUN_SHELF, theme, seq, err);
	if (!rc)
		rc = run_end_all(db, RUN_ORPHAN, theme, seq, err);
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
store_theme_is_empty(struct sql *db, int64_t theme, int64_t at, bool *ret,
		     struct error *err)
{
	static const char text[] =
		"SELECT 1 FROM theme_row WHERE theme = ?1 AND" HOLDS "LIMIT 1";

	return run_is_empty(db, RUN_SUBJECT, theme, at, text, ret, err);
}

int
store_theme_row_count(struct sql *db, int64_t theme, int64_t at, int64_t *ret,
		      struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM theme_row WHERE theme = ?1 AND" HOLDS;
	scope_stmt *stmt = NULL;
	int64_t in_runs = 0;
	int rc = run_count(db, RUN_SUBJECT, theme, at, &in_runs, err);

	if (!rc)
		rc = sql_get(db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, theme);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = in_runs + sql_int(stmt, 0);
	return 0;
}

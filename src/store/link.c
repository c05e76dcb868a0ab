/*
 * Records by subject: table link, and runs of links. See record.h.
 */
#include "store/record.h"

#include "store/run.h"
#include "store/sql.h"

#include <stdlib.h>

#define COLUMNS " l.place, r.id, r.key, r.cells, r.submission "
#define FROM " FROM link l CROSS JOIN record r ON r.id = l.record "
#define FROM_NOW \
	" FROM link l INDEXED BY link_now" \
	" CROSS JOIN record r ON r.id = l.record "
#define HOLDS " l.since <= ?2 AND (l.until IS NULL OR l.until > ?2) "

int
store_link_end_all(struct sql *db, int64_t lens, int64_t seq, struct error *err)
{
	static const char text[] = "UPDATE link SET until = ?2"
				   " WHERE lens = ?1 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = run_end_all(db, RUN_LINK, lens, seq, err);

	if (!rc)
		rc = sql_get(db, text, &stmt, err);
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

static int
end_in_runs(struct sql *db, int64_t lens, int64_t seq, struct slice place,
	    struct error *err)
{
	scope_run_walk walk = {0};
	struct run_row row;
	int rc = run_find(&walk, db, RUN_LINK, lens, seq, place, &row, err);

	return rc <= 0 ? rc : run_end_row(db, row.id, seq, err);
}

/* 1 it was there, 0. */
static int
end_in_table(struct sql *db, int64_t lens, int64_t seq, struct slice place,
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
	rc = sql_run(db, stmt, err);
	return rc ? rc : sql_changes(db) != 0;
}

int
store_link_end(struct sql *db, int64_t lens, int64_t seq, struct slice place,
	       struct error *err)
{
	int rc = end_in_table(db, lens, seq, place, err);

	return rc ? (rc < 0 ? rc : 0) : end_in_runs(db, lens, seq, place, err);
}

/* ---- in order ------------------------------------------------------------ */

static struct store_record
record_of(const struct run_merge *m, bool is_run, struct slice *ret_place)
{
	const char *nul;

	if (!is_run) {
		const unsigned char *submission =
			sqlite3_column_text(m->stmt, 4);

		*ret_place = sql_bytes(m->stmt, 0);
		return (struct store_record){
			.id = sql_int(m->stmt, 1),
			.key = sql_bytes(m->stmt, 2),
			.cells = sql_bytes(m->stmt, 3),
			.submission =
				submission ? (const char *)submission : "",
		};
	}
	/* a place is subject, NUL, key, and no subject has a NUL */
	*ret_place = m->row.key;
	nul = memchr(m->row.key.p, '\0', m->row.key.n);
	return (struct store_record){
		.id = m->row.id,
		.key = nul ? (struct slice){nul + 1,
					    (size_t)(m->row.key.p +
						     m->row.key.n - nul - 1)}
			   : SLICE_NONE,
		.cells = m->row.value,
		.submission = m->row.submission,
	};
}

static int
give_links(struct run_merge *m, store_link_each_fn *each, void *ctx,
	   struct error *err)
{
	bool is_run;
	int rc;

	while ((rc = run_merge_next(m, &is_run, err)) > 0) {
		struct slice place;
		struct store_record r = record_of(m, is_run, &place);

		rc = each(ctx, place, &r);
		if (rc)
			return rc;
	}
	return rc;
}

static void
bind_range(sqlite3_stmt *stmt, int64_t lens, int64_t at, struct slice lo,
	   struct slice hi)
{
	sql_bind_int(stmt, 1, lens);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
}

static const char bounded[] =
	"SELECT" COLUMNS FROM "WHERE l.lens = ?1 AND l.place >= ?3"
	" AND l.place < ?4 AND" HOLDS "ORDER BY l.place";
static const char unbounded[] =
	"SELECT" COLUMNS FROM "WHERE l.lens = ?1 AND l.place >= ?3"
	" AND" HOLDS "ORDER BY l.place";
static const char bounded_now[] =
	"SELECT" COLUMNS FROM_NOW "WHERE l.lens = ?1 AND l.place >= ?3"
	" AND l.place < ?4 AND l.until IS NULL ORDER BY l.place";
static const char unbounded_now[] =
	"SELECT" COLUMNS FROM_NOW "WHERE l.lens = ?1 AND l.place >= ?3"
	" AND l.until IS NULL ORDER BY l.place";

static const char *
text_of_range(struct sql *db, int64_t at, bool is_bounded)
{
	if (sql_is_writing(db, at))
		return is_bounded ? bounded_now : unbounded_now;
	return is_bounded ? bounded : unbounded;
}

int
store_link_each(struct sql *db, int64_t lens, int64_t at, struct slice lo,
		struct slice hi, store_link_each_fn *each, void *ctx,
		struct error *err)
{
	scope_stmt *stmt = NULL;
	struct run_merge m = {0};
	int rc = sql_get(db, text_of_range(db, at, hi.n), &stmt, err);

	if (rc)
		return rc;
	bind_range(stmt, lens, at, lo, hi);
	m.stmt = stmt;
	rc = run_walk_open(&m.walk, db, RUN_LINK, lens, at, lo, hi, err);
	if (!rc)
		rc = give_links(&m, each, ctx, err);
	run_walk_close(&m.walk);
	return rc;
}

/* ---- subject by subject -------------------------------------------------- */

struct store_link_walk {
	struct run_ranges ranges;
	struct buf hi;
};

int
store_link_walk_open(struct sql *db, int64_t lens, int64_t at,
		     struct store_link_walk **ret, struct error *err)
{
	static const char now[] = "SELECT 1 FROM link INDEXED BY link_now"
				  " WHERE lens = ?1 AND until IS NULL LIMIT 1";
	static const char then[] =
		"SELECT 1 FROM link l WHERE lens = ?1 AND" HOLDS "LIMIT 1";
	struct store_link_walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return error_nomem(err);
	rc = run_ranges_open(&w->ranges, db, RUN_LINK, lens, at, now, then,
			     err);
	if (rc)
		store_link_walk_close(w);
	else
		*ret = w;
	return rc;
}

void
store_link_walk_close(struct store_link_walk *w)
{
	if (!w)
		return;
	run_walk_close(&w->ranges.walk);
	buf_release(&w->hi);
	free(w);
}

int
store_link_walk_each(struct store_link_walk *w, struct slice lo,
		     struct slice hi, store_link_each_fn *each, void *ctx,
		     struct error *err)
{
	struct run_walk *walk = &w->ranges.walk;
	scope_stmt *stmt = NULL;
	struct run_merge m = {0};
	int rc = run_walk_seek(walk, lo, hi, err);

	if (!rc && w->ranges.has_table)
		rc = sql_get(walk->db, text_of_range(walk->db, walk->at, true),
			     &stmt, err);
	if (rc)
		return rc;
	if (stmt)
		bind_range(stmt, walk->owner, walk->at, lo, hi);
	m.walk = *walk; /* lent, and taken back as far as it has come */
	m.stmt = stmt;
	rc = give_links(&m, each, ctx, err);
	*walk = m.walk;
	return rc;
}

int
store_link_walk_end(struct store_link_walk *w, struct slice place,
		    struct store_ends *ends, struct error *err)
{
	struct run_walk *walk = &w->ranges.walk;
	struct run_row row;
	int rc = w->ranges.has_table ? end_in_table(walk->db, walk->owner,
						    walk->at, place, err)
				     : 0;

	if (rc)
		return rc < 0 ? rc : 0;
	rc = run_walk_seek_one(walk, place, &w->hi, &row, err);
	return rc <= 0 ? rc : store_ends_add(ends, row.id, err);
}

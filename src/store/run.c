/* Reading rows that came in one load: see run.h; run_build.c writes them. */
#include "store/run.h"

#include "base/cells.h"
#include "base/leb.h"
#include "base/scope.h"
#include "store/run_cache.h"
#include "store/run_files.h"

#include <assert.h>

#define GONE RUN_GONE_OF("run.id")
#define COLUMNS " id, owner, since, version, submission, merged "

/* ---- heads --------------------------------------------------------------- */

int
run_head_add(struct buf *value, int64_t since, int64_t version,
	     const char *submission)
{
	if (buf_reserve(value, (size_t)2 * LEB_MAX))
		return ERR_NOMEM;
	leb_put(value, (uint64_t)since);
	leb_put(value, (uint64_t)version);
	return cells_add(value,
			 (struct slice){submission, strlen(submission) + 1});
}

/* Off the row's value. */
static bool
take_head(struct run_row *row)
{
	uint64_t since, version;
	struct slice submission;

	if (!leb_take(&row->value, &since) ||
	    !leb_take(&row->value, &version) ||
	    !cells_next(&row->value, &submission) || !submission.n ||
	    submission.p[submission.n - 1])
		return false;
	row->since = (int64_t)since;
	row->version = (int64_t)version;
	row->submission = submission.p;
	return true;
}

/* ---- one run ------------------------------------------------------------- */

static void
cursor_release(struct run_walk *w, struct run_cursor *c)
{
	if (c->file)
		run_files_put(sql_runs(w->db), c->file);
	run_places_release(&c->places);
	buf_release(&c->body);
	buf_release(&c->gone);
}

static int
need_file(struct run_walk *w, struct run_cursor *c, struct error *err)
{
	int rc = c->file ? 0
			 : run_files_get(sql_runs(w->db), c->run.id, &c->file,
					 err);

	c->places.file = c->file;
	return rc;
}

/* Takes a block that was found; 1. */
static int
take_rows(struct run_cursor *c, const struct run_block *block,
	  struct error *err)
{
	bool here = c->body.len && c->body_of == block->offset;
	int rc = here ? 0 : run_file_read(c->file, block, &c->body, err);

	if (rc) {
		buf_clear(&c->body);
		return rc;
	}
	c->body_of = block->offset;
	c->ordinal = block->ordinal;
	c->rest = buf_slice(&c->body);
	return 1;
}

/* The same, with what says which of its rows hold. */
static int
take_block(struct run_walk *w, struct run_cursor *c,
	   const struct run_block *block, struct error *err)
{
	int rc = take_rows(c, block, err);

	if (rc < 0)
		return rc;
	c->first = c->ordinal;
	buf_clear(&c->gone);
	if (c->some_gone)
		rc = run_gone_bits(w->db, run_row_id(c->run.id, c->first),
				   block->rows, w->at, &c->gone, err);
	return rc < 0 ? rc : 1;
}

/* The block behind the one that stands; 1, 0 for none. */
static int
next_block(struct run_walk *w, struct run_cursor *c, struct error *err)
{
	struct run_block block = {0};
	int rc = need_file(w, c, err);

	if (rc)
		return rc;
	do {
		rc = run_places_next(&c->places, &block, err);
	} while (rc > 0 && w->marked && !block.marked);
	return rc > 0 ? take_block(w, c, &block, err) : rc;
}

/* The block that has the key, if any has. */
static int
seek_block(struct run_walk *w, struct run_cursor *c, struct slice key,
	   struct error *err)
{
	struct run_block block = {0};
	int rc = need_file(w, c, err);

	if (!rc)
		rc = run_places_find(&c->places, key, &block, err);
	return rc > 0 ? take_block(w, c, &block, err) : rc;
}

static bool
is_gone(const struct run_cursor *c, int64_t ordinal)
{
	size_t row = (size_t)(ordinal - c->first);

	return row / 8 < c->gone.len && c->gone.data[row / 8] >> row % 8 & 1;
}

/* The next row of the block that stands, whether it holds or not. */
static int
parse_row(struct run_cursor *c, struct error *err)
{
	c->row.since = c->run.since;
	c->row.version = c->run.version;
	c->row.submission = c->run.submission;
	if (!cells_next(&c->rest, &c->row.key) ||
	    !cells_next(&c->rest, &c->row.value) ||
	    (c->run.mixed && !take_head(&c->row)))
		return error_set(err, ERR_CORRUPT,
				 "a block of run %lld is broken: restore a "
				 "backup",
				 (long long)c->run.id);
	c->row.id = run_row_id(c->run.id, c->ordinal++);
	c->row.run = &c->run;
	return 0;
}

/* Whether a row is one that a walk gives, or lies behind all of them. */
static bool
is_behind(const struct run_walk *w, const struct run_cursor *c)
{
	return w->hi.len && slice_cmp(c->row.key, buf_slice(&w->hi)) >= 0;
}

/* On to the next row that holds; or to one behind the walk's end, which is not
 * given, so that rows which are gone are not passed there one by one. */
static int
advance(struct run_walk *w, struct run_cursor *c, struct error *err)
{
	c->stands = false;
	for (;;) {
		int rc = c->rest.n ? 1 : next_block(w, c, err);

		if (rc <= 0)
			return rc;
		rc = parse_row(c, err);
		if (rc)
			return rc;
		c->gone_row = is_gone(c, c->ordinal - 1);
		c->stands = !c->gone_row || is_behind(w, c);
		if (c->stands)
			return 0;
	}
}

static int
advance_to(struct run_walk *w, struct run_cursor *c, struct slice lo,
	   struct error *err)
{
	int rc = 0;

	while (!rc && c->stands && slice_cmp(c->row.key, lo) < 0)
		rc = advance(w, c, err);
	return rc;
}

static int
cursor_open(struct run_walk *w, struct run_cursor *c, struct slice lo,
	    struct error *err)
{
	int rc = 0;

	c->rest = SLICE_NONE; /* of whoever had it before */
	if (lo.n)
		rc = seek_block(w, c, lo, err);
	else
		run_places_rewind(&c->places);
	if (rc >= 0)
		rc = advance(w, c, err);
	return rc ? rc : advance_to(w, c, lo, err);
}

/* ---- all runs of an owner ------------------------------------------------ */

static int
add_cursor(struct run_walk *w, sqlite3_stmt *stmt, struct error *err)
{
	struct slice submission = sql_bytes(stmt, 4);
	struct run_cursor *c =
		reallocarray(w->cursors, w->ncursors + 1, sizeof(*c));

	if (!c)
		return error_nomem(err);
	w->cursors = c;
	c += w->ncursors++;
	*c = (struct run_cursor){
		.run = {.id = sql_int(stmt, 0),
			.owner = sql_int(stmt, 1),
			.since = sql_int(stmt, 2),
			.version = sql_int(stmt, 3),
			.mixed = sql_int(stmt, 5) != 0},
	};
	snprintf(c->run.submission, sizeof(c->run.submission), "%.*s",
		 (int)submission.n, submission.n ? submission.p : "");
	return run_gone_some(w->db, c->run.id, &c->some_gone, err);
}

/* A cursor for each run that holds; none stands yet. */
static int
find_runs(struct run_walk *w, struct sql *db, enum run_kind kind, int64_t owner,
	  int64_t at, struct error *err)
{
	static const char text[] =
		"SELECT" COLUMNS "FROM run"
		" WHERE kind = ?1 AND owner = ?2 AND since <= ?3"
		" AND (until IS NULL OR until > ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	w->db = db;
	w->at = at;
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, kind);
	sql_bind_int(stmt, 2, owner);
	sql_bind_int(stmt, 3, at);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = add_cursor(w, stmt, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* The same, if possible with what an earlier walk has read. */
static int
load_runs(struct run_walk *w, struct sql *db, enum run_kind kind, int64_t owner,
	  int64_t at, struct error *err)
{
	int rc = 0;

	if (!run_cache_take(db, kind, owner, at, w))
		rc = find_runs(w, db, kind, owner, at, err);
	w->kind = rc ? 0 : kind;
	w->owner = owner;
	return rc;
}

void
run_walk_close(struct run_walk *w)
{
	if (!run_cache_put(w))
		run_walk_release(w);
}

void
run_walk_release(struct run_walk *w)
{
	for (size_t i = 0; i < w->ncursors; i++)
		cursor_release(w, &w->cursors[i]);
	free(w->cursors);
	buf_release(&w->hi);
	*w = (struct run_walk){0};
}

int
run_walk_open(struct run_walk *w, struct sql *db, enum run_kind kind,
	      int64_t owner, int64_t at, struct slice lo, struct slice hi,
	      struct error *err)
{
	int rc = load_runs(w, db, kind, owner, at, err);

	if (!rc && buf_addslice(&w->hi, hi))
		return error_nomem(err);
	for (size_t i = 0; !rc && i < w->ncursors; i++)
		rc = cursor_open(w, &w->cursors[i], lo, err);
	return rc;
}

int
run_walk_next(struct run_walk *w, struct run_row *ret, struct error *err)
{
	struct run_cursor *least = NULL;
	int rc = w->last ? advance(w, w->last, err) : 0;

	w->last = NULL;
	if (rc)
		return rc;
	for (size_t i = 0; i < w->ncursors; i++) {
		struct run_cursor *c = &w->cursors[i];

		if (c->stands &&
		    (!least || slice_cmp(c->row.key, least->row.key) < 0))
			least = c;
	}
	if (!least || is_behind(w, least))
		return 0;
	*ret = least->row;
	w->last = least;
	return 1;
}

/* Whether a key lies in the block that stands: not behind the next one's first,
 * where that is at hand. */
static bool
is_in_block(const struct run_cursor *c, struct slice key)
{
	struct slice next;

	return run_places_peek(&c->places, &next) && slice_cmp(key, next) < 0;
}

/* Within the block row by row; further on the index is asked. */
static int
seek_cursor(struct run_walk *w, struct run_cursor *c, struct slice lo,
	    struct error *err)
{
	int rc;

	if (!c->stands || (slice_cmp(c->row.key, lo) >= 0 &&
			   (!c->gone_row || is_behind(w, c))))
		return 0;
	if (is_in_block(c, lo)) {
		rc = advance(w, c, err);
		return rc ? rc : advance_to(w, c, lo, err);
	}
	rc = seek_block(w, c, lo, err);
	if (rc > 0)
		rc = advance(w, c, err);
	return rc ? rc : advance_to(w, c, lo, err);
}

int
run_walk_seek(struct run_walk *w, struct slice lo, struct slice hi,
	      struct error *err)
{
	const struct run_cursor *given = w->last;
	struct run_cursor *cursors = w->cursors;
	int rc = 0;

	if (!cursors)
		return 0;
	w->last = NULL;
	buf_clear(&w->hi);
	if (buf_addslice(&w->hi, hi))
		return error_nomem(err);
	for (size_t i = 0; !rc && i < w->ncursors; i++) {
		struct run_cursor *c = &cursors[i];

		if (c != given || slice_cmp(c->row.key, lo) < 0)
			rc = seek_cursor(w, c, lo, err);
	}
	return rc;
}

int
run_walk_seek_one(struct run_walk *w, struct slice key, struct buf *hi,
		  struct run_row *ret, struct error *err)
{
	int rc;

	buf_clear(hi);
	if (buf_addslice(hi, key) || buf_addc(hi, '\0'))
		return error_nomem(err);
	rc = run_walk_seek(w, key, buf_slice(hi), err);
	return rc ? rc : run_walk_next(w, ret, err);
}

/* ---- one row ------------------------------------------------------------- */

int
run_of_shelf(struct sql *db, const struct run *shelf, int64_t *ret,
	     bool *ret_some_gone, struct error *err)
{
	static const char text[] =
		"SELECT max(id) FROM run WHERE kind = 3 AND owner = ?1"
		" AND since = ?2 AND id < ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, shelf->owner);
	sql_bind_int(stmt, 2, shelf->since);
	sql_bind_int(stmt, 3, shelf->id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0 || sql_is_null(stmt, 0))
		return rc < 0 ? rc : 0;
	*ret = sql_int(stmt, 0);
	rc = run_gone_some(db, *ret, ret_some_gone, err);
	return rc ? rc : 1;
}

/* The row with this key, whether it holds or not: 1 and c->row, 0. */
static int
find_in_run(struct run_walk *w, struct run_cursor *c, struct slice key,
	    struct error *err)
{
	struct run_block block = {0};
	int order = -1;
	int rc = need_file(w, c, err);

	if (!rc)
		rc = run_places_find(&c->places, key, &block, err);
	if (rc > 0)
		rc = take_rows(c, &block, err);
	if (rc <= 0)
		return rc;
	while (order < 0 && c->rest.n) {
		rc = parse_row(c, err);
		if (rc)
			return rc;
		order = slice_cmp(c->row.key, key);
	}
	return order == 0;
}

int
run_find(struct run_walk *w, struct sql *db, enum run_kind kind, int64_t owner,
	 int64_t at, struct slice key, struct run_row *ret, struct error *err)
{
	int rc = load_runs(w, db, kind, owner, at, err);

	for (size_t i = 0; !rc && i < w->ncursors; i++) {
		struct run_cursor *c = &w->cursors[i];
		int gone;

		rc = find_in_run(w, c, key, err);
		if (rc <= 0)
			continue;
		/* of a block with many such, only this one is asked for */
		gone = c->some_gone ? run_row_is_gone(db, c->row.id, w->at, err)
				    : 0;
		if (gone < 0)
			return gone;
		*ret = c->row;
		rc = !gone;
	}
	return rc;
}

static int
load_run(struct run_walk *w, struct sql *db, int64_t run, struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM run"
				   " WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	w->db = db;
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	rc = add_cursor(w, stmt, err);
	return rc ? rc : 1;
}

int
run_walk_open_one(struct run_walk *w, struct sql *db, int64_t run,
		  struct error *err)
{
	int rc = load_run(w, db, run, err);

	if (rc <= 0)
		return rc;
	w->cursors->some_gone = false; /* none is asked for */
	return cursor_open(w, w->cursors, SLICE_NONE, err);
}

int
run_walk_open_some(struct run_walk *w, struct sql *db, const int64_t *runs,
		   size_t n, int64_t at, struct error *err)
{
	int rc = 0;

	w->at = at;
	for (size_t i = 0; rc >= 0 && i < n; i++)
		rc = load_run(w, db, runs[i], err);
	for (size_t i = 0; rc >= 0 && i < w->ncursors; i++)
		rc = cursor_open(w, &w->cursors[i], SLICE_NONE, err);
	return rc < 0 ? rc : 0;
}

static int
reload_run(struct run_walk *w, struct sql *db, int64_t run, struct error *err)
{
	run_walk_close(w);
	return load_run(w, db, run, err);
}

int
run_get(struct run_walk *w, struct sql *db, int64_t id, struct run_row *ret,
	struct error *err)
{
	struct run_block block = {0};
	struct run_cursor *c;
	bool again = w->ncursors == 1 && w->cursors->run.id == run_of_row(id);
	int rc = again ? 1 : reload_run(w, db, run_of_row(id), err);

	if (rc <= 0)
		return rc;
	c = w->cursors;
	assert(c);
	rc = need_file(w, c, err);
	if (!rc)
		rc = run_places_find_row(&c->places, run_ordinal_of_row(id),
					 &block, err);
	if (rc > 0)
		rc = take_rows(c, &block, err);
	while (rc > 0 && c->rest.n) {
		rc = parse_row(c, err);
		if (rc)
			return rc;
		rc = 1;
		if (c->row.id == id) {
			*ret = c->row;
			return 1;
		}
	}
	return rc < 0 ? rc : 0;
}

int
run_get_key(struct run_walk *w, struct sql *db, int64_t run, struct slice key,
	    struct run_row *ret, struct error *err)
{
	bool again = w->ncursors == 1 && w->cursors->run.id == run;
	int rc = again ? 1 : reload_run(w, db, run, err);

	if (rc > 0)
		rc = find_in_run(w, w->cursors, key, err);
	if (rc > 0)
		*ret = w->cursors->row;
	return rc;
}

int
run_check(struct sql *db, int64_t run, struct error *err)
{
	scope_run_walk w = {0};
	struct run_cursor *c;
	int64_t n = 0;
	int rc = load_run(&w, db, run, err);

	if (rc <= 0)
		return rc;
	c = w.cursors;
	assert(c); /* load_run() has found it */
	while ((rc = next_block(&w, c, err)) > 0) {
		for (; c->rest.n; n++) {
			rc = parse_row(c, err);
			if (rc)
				return rc;
		}
	}
	if (!rc && n != run_file_rows(c->file))
		rc = error_set(err, ERR_CORRUPT,
			       "run %lld has %lld rows, not %lld: restore a "
			       "backup",
			       (long long)run, (long long)n,
			       (long long)run_file_rows(c->file));
	return rc;
}

int
run_is_empty(struct sql *db, enum run_kind kind, int64_t owner, int64_t at,
	     const char *text, bool *ret, struct error *err)
{
	scope_run_walk walk = {0};
	scope_stmt *stmt = NULL;
	struct run_row row;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, owner);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	*ret = false;
	if (rc)
		return rc < 0 ? rc : 0;
	rc = run_walk_open(&walk, db, kind, owner, at, SLICE_NONE, SLICE_NONE,
			   err);
	if (!rc)
		rc = run_walk_next(&walk, &row, err);
	*ret = rc == 0;
	return rc < 0 ? rc : 0;
}

int
run_count(struct sql *db, enum run_kind kind, int64_t owner, int64_t at,
	  int64_t *ret, struct error *err)
{
	static const char text[] =
		"SELECT coalesce(sum(rows - (SELECT coalesce("
		"  sum(length(places)), 0) FROM gone"
		"  WHERE " GONE " AND +gone.until <= ?3)), 0) FROM run"
		" WHERE kind = ?1 AND owner = ?2 AND since <= ?3"
		" AND (until IS NULL OR until > ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, kind);
	sql_bind_int(stmt, 2, owner);
	sql_bind_int(stmt, 3, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

/* ---- beside the rows that came one by one -------------------------------- */

static int
advance_both(struct run_merge *m, struct error *err)
{
	int rc = 0;

	if (!m->begun || !m->gave_row)
		rc = m->has_column =
			m->stmt ? sql_step(m->walk.db, m->stmt, err) : 0;
	if (rc >= 0 && (!m->begun || m->gave_row))
		rc = m->has_row = run_walk_next(&m->walk, &m->row, err);
	m->begun = true;
	return rc < 0 ? rc : 0;
}

int
run_merge_next(struct run_merge *m, bool *ret_row, struct error *err)
{
	int rc = advance_both(m, err);

	if (rc || (!m->has_column && !m->has_row))
		return rc;
	m->gave_row = m->has_row;
	if (m->has_row && m->has_column) {
		struct slice key = m->row.key;

		key.p += m->behind;
		key.n -= m->behind;
		m->gave_row = slice_cmp(key, sql_bytes(m->stmt, m->key)) < 0;
	}
	*ret_row = m->gave_row;
	return 1;
}

/* ---- range by range ------------------------------------------------------ */

static int
find_table(struct run_ranges *r, const char *now, const char *then,
	   struct error *err)
{
	struct sql *db = r->walk.db;
	bool writing = sql_is_writing(db, r->walk.at);
	const char *text = writing ? now : then;
	scope_stmt *stmt = NULL;
	int rc = text ? sql_get(db, text, &stmt, err) : 0;

	r->has_table = !text;
	if (rc || !text)
		return rc;
	sql_bind_int(stmt, 1, r->walk.owner);
	if (!writing)
		sql_bind_int(stmt, 2, r->walk.at);
	rc = sql_step(db, stmt, err);
	r->has_table = rc > 0;
	return rc < 0 ? rc : 0;
}

int
run_ranges_open(struct run_ranges *r, struct sql *db, enum run_kind kind,
		int64_t owner, int64_t at, const char *now, const char *then,
		struct error *err)
{
	int rc = run_walk_open(&r->walk, db, kind, owner, at, SLICE_NONE,
			       SLICE_NONE, err);

	return rc ? rc : find_table(r, now, then, err);
}

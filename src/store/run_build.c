/* Writing and ending rows that come in one load: see run.h. */
#include "store/run.h"

#include "base/cells.h"
#include "store/run_cache.h"
#include "store/run_files.h"
#include "store/store.h"

#include <stdlib.h>

/* A block is read as a whole for one row, and written as a whole. */
#define BLOCK_BYTES 8000

struct run_builder {
	struct sql *db;
	enum run_kind kind;
	struct run run;
	struct run_writer *file;
	bool told;
	int64_t rows;	/* written */
	int64_t inside; /* of the block under way */
	int64_t marked;
	struct buf first, last, body;
};

int
run_build(struct sql *db, enum run_kind kind, const struct run *run,
	  struct run_builder **ret, struct error *err)
{
	struct run_builder *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return error_nomem(err);
	b->db = db;
	b->kind = kind;
	b->run = *run;
	b->run.id = run_files_number(sql_runs(db));
	rc = run_writer_new(b->run.id, &b->file, err);
	if (rc) {
		free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

int64_t
run_build_id(const struct run_builder *b)
{
	return b->run.id;
}

void
run_build_free(struct run_builder *b)
{
	if (!b)
		return;
	run_writer_free(b->file);
	if (!b->told)
		run_files_remove(sql_runs(b->db), b->run.id);
	buf_release(&b->first);
	buf_release(&b->last);
	buf_release(&b->body);
	free(b);
}

static int
write_block(struct run_builder *b, struct error *err)
{
	int rc;

	if (!b->inside)
		return 0;
	rc = run_writer_add(b->file, buf_slice(&b->first), b->inside, b->marked,
			    buf_slice(&b->body), err);
	b->rows += b->inside;
	b->inside = b->marked = 0;
	buf_clear(&b->body);
	return rc;
}

int
run_build_add(struct run_builder *b, struct slice key, struct slice value,
	      bool marked, struct error *err)
{
	int rc = 0;

	if (b->rows + b->inside && slice_cmp(buf_slice(&b->last), key) >= 0)
		return error_set(err, ERR_INTERNAL,
				 "rows of a run are not in order");
	if (b->inside && b->body.len + key.n + value.n > BLOCK_BYTES)
		rc = write_block(b, err);
	if (rc)
		return rc;
	if (!b->inside) {
		buf_clear(&b->first);
		rc = buf_addslice(&b->first, key);
	}
	buf_clear(&b->last);
	if (rc || buf_addslice(&b->last, key) || cells_add(&b->body, key) ||
	    cells_add(&b->body, value))
		return error_nomem(err);
	b->inside++;
	b->marked += marked;
	return 0;
}

int
run_build_end(struct run_builder *b, struct error *err)
{
	int rc = write_block(b, err);

	return rc ? rc : run_writer_end(b->file, err);
}

int
run_build_tell(struct run_builder *b, struct error *err)
{
	static const char text[] =
		"INSERT INTO run(id, kind, owner, since, version, submission,"
		" rows, merged) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	scope_stmt *stmt = NULL;
	int rc;

	if (!b->rows)
		return 0;
	rc = sql_get(b->db, text, &stmt, err);
	if (!rc)
		rc = run_files_made(sql_runs(b->db), b->run.id, err);
	if (rc)
		return rc;
	b->told = true;
	run_cache_drop(b->db);
	sql_bind_int(stmt, 1, b->run.id);
	sql_bind_int(stmt, 2, b->kind);
	sql_bind_int(stmt, 3, b->run.owner);
	sql_bind_int(stmt, 4, b->run.since);
	sql_bind_int(stmt, 5, b->run.version);
	sql_bind_text(stmt, 6, b->run.submission);
	sql_bind_int(stmt, 7, b->rows);
	sql_bind_int(stmt, 8, b->run.mixed);
	return sql_run(b->db, stmt, err);
}

/* ---- ending -------------------------------------------------------------- */

int
run_end_all(struct sql *db, enum run_kind kind, int64_t owner, int64_t seq,
	    struct error *err)
{
	static const char text[] = "UPDATE run SET until = ?3 WHERE kind = ?1"
				   " AND owner = ?2 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	run_cache_drop(db);
	sql_bind_int(stmt, 1, kind);
	sql_bind_int(stmt, 2, owner);
	sql_bind_int(stmt, 3, seq);
	return sql_run(db, stmt, err);
}

int
run_live(struct sql *db, enum run_kind kind, int64_t owner, int64_t at,
	 int64_t *ret, struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM run WHERE kind = ?1 AND owner = ?2"
		" AND since <= ?3 AND (until IS NULL OR until > ?3)";
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

/* ---- files --------------------------------------------------------------- */

int
run_drop_between(struct sql *db, int64_t from, int64_t to, struct error *err)
{
	static const char text[] =
		"SELECT id FROM run WHERE since >= ?1 AND since < ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, from);
	sql_bind_int(stmt, 2, to);
	while (!rc && (rc = sql_step(db, stmt, err)) > 0)
		rc = run_files_dropped(sql_runs(db), sql_int(stmt, 0), err);
	return rc;
}

int
run_number(struct sql *db, struct error *err)
{
	static const char text[] = "SELECT coalesce(max(seq), 0)"
				   " FROM sqlite_sequence WHERE name = 'run'";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (!rc)
		rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	run_files_number_from(sql_runs(db), sql_int(stmt, 0));
	return 0;
}

struct sweep {
	struct sql *db;
	struct error *err;
};

static int
remove_unknown(void *ctx, int64_t run, int64_t bytes)
{
	static const char text[] = "SELECT 1 FROM run WHERE id = ?1";
	const struct sweep *s = ctx;
	scope_stmt *stmt = NULL;
	int rc = sql_get(s->db, text, &stmt, s->err);

	(void)bytes;
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, run);
	rc = sql_step(s->db, stmt, s->err);
	if (rc == 0)
		run_files_remove(sql_runs(s->db), run);
	return rc < 0 ? rc : 0;
}

int
run_sweep(struct sql *db, struct error *err)
{
	struct sweep s = {db, err};

	return run_files_each(remove_unknown, &s, err);
}

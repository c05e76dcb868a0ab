/*
 * Rows and chunks that no version shows any more, in records.db: see retain.h.
 * A row goes by its end: each table has an index of it.
 */
#include "store/retain.h"

#include "store/retain_runs.h"
#include "store/run.h"
#include "store/sql.h"

/* ---- what is held by something open -------------------------------------- */

int
store_held_clear(struct sql *db, struct error *err)
{
	return sql_exec(db,
			"CREATE TEMP TABLE IF NOT EXISTS held("
			"  file INTEGER NOT NULL, seq INTEGER NOT NULL,"
			"  PRIMARY KEY(file, seq)"
			") STRICT, WITHOUT ROWID;"
			"DELETE FROM temp.held;",
			err);
}

int
store_held_add(struct sql *db, int64_t file, int64_t seq, struct error *err)
{
	static const char text[] =
		"INSERT OR IGNORE INTO temp.held(file, seq) VALUES(?1, ?2)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

/* ---- rows by their end --------------------------------------------------- */

/* The files of a dataset whose bytes change: each changes/N.csv is a file of
 * its own, which goes as a whole. */
#define FILES \
	" file IN (SELECT id FROM file WHERE dataset = ?1" \
	"  AND kind <> 'changes') "
#define DROP_CHUNK \
	"DELETE FROM chunk WHERE file = ?1 AND first = ?2 AND since = ?3"
#define NOT_HELD(table) \
	" AND NOT EXISTS(SELECT 1 FROM temp.held h WHERE h.file = " table \
	".file AND h.seq >= " table ".since AND h.seq < " table ".until) "

/* A table's rows are found by 'find', which gives up to three columns that
 * name one, and removed by 'drop'. The highest id of theme_row stays: it names
 * a node, and SQLite would give it to the next row. */
static const struct {
	const char *find, *drop, *count;
} tables[STORE_RETAIN_TABLES] = {
	[STORE_RETAIN_THEME_ROW] =
		{"SELECT id, X'', 0 FROM theme_row"
		 " WHERE theme = ?1 AND until <= ?2"
		 " AND id < (SELECT max(id) FROM theme_row) LIMIT ?3",
		 "DELETE FROM theme_row WHERE id = ?1",
		 "SELECT count(*), 0 FROM theme_row"
		 " WHERE theme = ?1 AND until <= ?2"},
	[STORE_RETAIN_THEME_RUN] = {NULL, NULL,
				    "SELECT coalesce(sum(rows), 0), 0 FROM run"
				    " WHERE kind IN(3, 4, 5) AND owner = ?1"
				    " AND until <= ?2"},
	[STORE_RETAIN_ORPHAN] =
		{"SELECT theme, place, since FROM orphan"
		 " WHERE theme = ?1 AND until <= ?2 LIMIT ?3",
		 "DELETE FROM orphan"
		 " WHERE theme = ?1 AND place = ?2 AND since = ?3",
		 "SELECT count(*), 0 FROM orphan"
		 " WHERE theme = ?1 AND until <= ?2"},
	[STORE_RETAIN_CHUNK] =
		{"SELECT file, first, since FROM chunk WHERE" FILES
		 "AND until <= ?2" NOT_HELD("chunk") "LIMIT ?3",
		 DROP_CHUNK,
		 "SELECT count(*), coalesce(sum(length), 0) FROM chunk"
		 " WHERE" FILES "AND until <= ?2"},
	[STORE_RETAIN_STATE] = {"SELECT id, X'', 0 FROM file_state WHERE" FILES
				"AND until <= ?2" NOT_HELD(
					"file_state") "LIMIT ?3",
				"DELETE FROM file_state WHERE id = ?1",
				"SELECT count(*), 0 FROM file_state"
				" WHERE" FILES "AND until <= ?2"},
	[STORE_RETAIN_LINK] =
		{"SELECT lens, place, since FROM link"
		 " WHERE until <= ?2 LIMIT ?3",
		 "DELETE FROM link"
		 " WHERE lens = ?1 AND place = ?2 AND since = ?3",
		 "SELECT count(*), 0 FROM link WHERE until <= ?2"},
	[STORE_RETAIN_RECORD] =
		{"SELECT id, X'', 0 FROM record WHERE until <= ?2 LIMIT ?3",
		 "DELETE FROM record WHERE id = ?1",
		 "SELECT count(*), 0 FROM record WHERE until <= ?2"},
	[STORE_RETAIN_RUN] = {NULL, NULL,
			      "SELECT coalesce(sum(rows), 0), 0 FROM run"
			      " WHERE kind IN(1, 2) AND until <= ?2"},
};

/* Rows by name: two numbers, the length of the bytes between them, and the
 * bytes. They are known before the first is removed, so that no walk meets
 * what it removes. */
struct names {
	struct buf bytes;
	int64_t n;
};

static int
add_name(struct names *names, sqlite3_stmt *stmt)
{
	struct slice middle = sql_bytes(stmt, 1);
	const int64_t head[] = {sql_int(stmt, 0), sql_int(stmt, 2),
				(int64_t)middle.n};

	names->n++;
	return buf_add(&names->bytes, head, sizeof(head)) ||
	       buf_addslice(&names->bytes, middle);
}

static int
find_names(struct sql *db, const char *text, const int64_t bind[static 3],
	   struct names *ret, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_ints(stmt, bind, 3);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		if (add_name(ret, stmt))
			return error_nomem(err);
	}
	return rc;
}

static int
drop_names(struct sql *db, const char *text, const struct names *names,
	   struct error *err)
{
	const char *p = names->bytes.data;
	int rc = 0;

	for (int64_t i = 0; !rc && i < names->n; i++) {
		scope_stmt *stmt = NULL;
		int64_t head[3];

		memcpy(head, p, sizeof(head));
		p += sizeof(head);
		rc = sql_get(db, text, &stmt, err);
		if (rc)
			break;
		sql_bind_int(stmt, 1, head[0]);
		if (sqlite3_bind_parameter_count(stmt) > 1) {
			sql_bind_blob(stmt, 2,
				      (struct slice){p, (size_t)head[2]});
			sql_bind_int(stmt, 3, head[1]);
		}
		rc = sql_run(db, stmt, err);
		p += head[2];
	}
	return rc;
}

static int
find_and_drop(struct sql *db, const char *find, const char *drop,
	      const int64_t bind[static 3], int64_t *ret, struct error *err)
{
	struct names names = {.bytes = BUF_INIT};
	int rc = find_names(db, find, bind, &names, err);

	if (!rc)
		rc = drop_names(db, drop, &names, err);
	*ret = names.n;
	buf_release(&names.bytes);
	return rc;
}

int
store_retain_drop(struct sql *db, enum store_retain_table table,
		  int64_t dataset, int64_t horizon, int64_t limit, int64_t *ret,
		  struct error *err)
{
	const int64_t bind[] = {dataset, horizon, limit};

	if (table == STORE_RETAIN_RUN || table == STORE_RETAIN_THEME_RUN)
		return store_retain_drop_runs(
			db, table == STORE_RETAIN_THEME_RUN, dataset, horizon,
			limit, ret, err);
	return find_and_drop(db, tables[table].find, tables[table].drop, bind,
			     ret, err);
}

int
store_retain_count(struct sql *db, enum store_retain_table table,
		   int64_t dataset, int64_t horizon, int64_t *ret,
		   int64_t *ret_bytes, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, tables[table].count, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, horizon);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	*ret_bytes = sql_int(stmt, 1);
	return 0;
}

int
store_theme_row_span(struct sql *db, int64_t id, int64_t *ret_theme,
		     int64_t *ret_since, int64_t *ret_until, struct error *err)
{
	static const char alone[] =
		"SELECT theme, since, coalesce(until, 0) FROM theme_row"
		" WHERE id = ?1";
	static const char in_run[] =
		"SELECT owner, since, coalesce(until, 0) FROM run"
		" WHERE run.id = (?1 & ((1 << 55) - 1)) >> 28";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, run_is_row(id) ? in_run : alone, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_theme = sql_int(stmt, 0);
	*ret_since = sql_int(stmt, 1);
	*ret_until = sql_int(stmt, 2);
	rc = run_is_row(id) ? run_row_until(db, id, ret_until, err) : 0;
	return rc < 0 ? rc : 1;
}

/* ---- changes/N.csv ------------------------------------------------------- */

static int
drop_all(struct sql *db, const char *text, int64_t file, int64_t *ret_n,
	 struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	rc = sql_run(db, stmt, err);
	*ret_n += sql_changes(db);
	return rc;
}

/* Its chunks first, as many as are allowed; the rest when all have gone. */
static int
drop_file(struct sql *db, int64_t file, int64_t limit, int64_t *ret_n,
	  struct error *err)
{
	static const char chunks[] = "SELECT file, first, since FROM chunk"
				     " WHERE file = ?1 LIMIT ?2";
	const int64_t bind[] = {file, limit, 0};
	int64_t n = 0;
	int rc = find_and_drop(db, chunks, DROP_CHUNK, bind, &n, err);

	*ret_n += n;
	if (rc || n == limit)
		return rc;
	rc = drop_all(db, "DELETE FROM file_state WHERE file = ?1", file, ret_n,
		      err);
	return rc ? rc
		  : drop_all(db, "DELETE FROM file WHERE id = ?1", file, ret_n,
			     err);
}

/* The first that may go; 1, 0. */
static int
find_changes(struct sql *db, int64_t dataset, int64_t first, int64_t *ret,
	     struct error *err)
{
	static const char text[] =
		"SELECT id FROM file WHERE dataset = ?1 AND kind = 'changes'"
		" AND CAST(part AS INTEGER) < ?2 AND NOT EXISTS("
		"SELECT 1 FROM temp.held h WHERE h.file = file.id) LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, first);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = sql_int(stmt, 0);
	return rc;
}

int
store_retain_drop_changes(struct sql *db, int64_t dataset, int64_t first,
			  int64_t limit, int64_t *ret, struct error *err)
{
	int64_t file = 0;
	int rc = 0;

	*ret = 0;
	while (*ret < limit &&
	       (rc = find_changes(db, dataset, first, &file, err)) > 0) {
		rc = drop_file(db, file, limit - *ret, ret, err);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

/* ---- packs --------------------------------------------------------------- */

int
store_pack_is_used(struct sql *db, int64_t pack, int64_t at, struct error *err)
{
	static const char text[] =
		"SELECT 1 FROM chunk WHERE pack = ?1 AND since <= ?2 LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, pack);
	sql_bind_int(stmt, 2, at);
	return sql_step(db, stmt, err);
}

int
store_pack_live(struct sql *db, int64_t pack, int64_t at, int64_t *ret_bytes,
		int64_t *ret_chunks, struct error *err)
{
	static const char text[] =
		"SELECT coalesce(sum(length), 0), count(*) FROM chunk"
		" WHERE pack = ?1 AND since <= ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, pack);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret_bytes = sql_int(stmt, 0);
	*ret_chunks = sql_int(stmt, 1);
	return 0;
}

int
store_pack_each(struct sql *db, int64_t at, store_pack_each_fn *each, void *ctx,
		struct error *err)
{
	static const char text[] =
		"SELECT pack FROM chunk WHERE pack > ?1 AND since <= ?2"
		" ORDER BY pack LIMIT 1";
	int64_t pack = -1;

	for (;;) {
		scope_stmt *stmt = NULL;
		int rc = sql_get(db, text, &stmt, err);

		if (rc)
			return rc;
		sql_bind_int(stmt, 1, pack);
		sql_bind_int(stmt, 2, at);
		rc = sql_step(db, stmt, err);
		if (rc <= 0)
			return rc;
		pack = sql_int(stmt, 0);
		sql_reset(&stmt);
		rc = each(ctx, pack);
		if (rc)
			return rc;
	}
}

int
store_pack_chunks(struct sql *db, int64_t pack, store_placed_chunk_fn *each,
		  void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT file, since, first, offset, length, sha256 FROM chunk"
		" WHERE pack = ?1 ORDER BY file, first, since";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, pack);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct slice sha256 = sql_bytes(stmt, 5);
		struct store_placed_chunk c = {
			.file = sql_int(stmt, 0),
			.since = sql_int(stmt, 1),
			.first = sql_bytes(stmt, 2),
			.offset = sql_int(stmt, 3),
			.length = sql_int(stmt, 4),
		};

		if (sha256.n != DIGEST_SIZE)
			return error_set(err, ERR_CORRUPT,
					 "the hash of a chunk is broken: "
					 "restore a backup");
		memcpy(c.sha256, sha256.p, DIGEST_SIZE);
		rc = each(ctx, &c);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_chunk_move(struct sql *db, const struct store_placed_chunk *c,
		 int64_t pack, int64_t offset, struct error *err)
{
	static const char text[] = "UPDATE chunk SET pack = ?4, offset = ?5"
				   " WHERE file = ?1 AND first = ?2"
				   " AND since = ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, c->file);
	sql_bind_blob(stmt, 2, c->first);
	sql_bind_int(stmt, 3, c->since);
	sql_bind_int(stmt, 4, pack);
	sql_bind_int(stmt, 5, offset);
	return sql_run(db, stmt, err);
}

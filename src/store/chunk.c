/* Tables file, file_state, chunk, file_hash: see chunk.h. */
#include "store/chunk.h"

#include "base/scope.h"
#include "store/sql.h"

#define HOLDS " since <= ?2 AND (until IS NULL OR until > ?2) "

int
store_chunk_border(struct sql *db, uint64_t *ret, struct error *err)
{
	uint64_t *border = sql_border(db);
	scope_stmt *stmt = NULL;
	int rc = 0;

	if (!*border)
		rc = sql_get(db, "SELECT border FROM format", &stmt, err);
	if (stmt && (rc = sql_step(db, stmt, err)) > 0)
		*border = (uint64_t)sql_int(stmt, 0);
	if (!rc && !*border)
		rc = error_set(err, ERR_CORRUPT,
			       "the state does not say how it cuts files");
	*ret = *border;
	return rc < 0 ? rc : 0;
}

/* ---- files --------------------------------------------------------------- */

int
store_file_find(struct sql *db, int64_t dataset, const char *kind,
		const char *part, int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"SELECT id FROM file"
		" WHERE dataset = ?1 AND kind = ?2 AND part = ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_text(stmt, 2, kind);
	sql_bind_text(stmt, 3, part);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret_id = sql_int(stmt, 0);
	return rc;
}

int
store_file_intern(struct sql *db, int64_t dataset, const char *kind,
		  const char *part, int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"INSERT INTO file(dataset, kind, part) VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = store_file_find(db, dataset, kind, part, ret_id, err);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = sql_get(db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_text(stmt, 2, kind);
	sql_bind_text(stmt, 3, part);
	rc = sql_run(db, stmt, err);
	if (!rc)
		*ret_id = sql_last_id(db);
	return rc;
}

int
store_file_get(struct sql *db, int64_t id, int64_t *ret_dataset,
	       char **ret_kind, char **ret_part, struct error *err)
{
	static const char text[] =
		"SELECT dataset, kind, part FROM file WHERE id = ?1";
	scope_stmt *stmt = NULL;
	scope_free char *kind = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_dataset = sql_int(stmt, 0);
	kind = sql_text_dup(stmt, 1);
	*ret_part = sql_text_dup(stmt, 2);
	if (!kind || !*ret_part) {
		free(*ret_part);
		return error_nomem(err);
	}
	*ret_kind = kind;
	kind = NULL;
	return 1;
}

int
store_file_each(struct sql *db, int64_t dataset, store_file_each_fn *each,
		void *ctx, struct error *err)
{
	static const char text[] = "SELECT id, kind, part FROM file"
				   " WHERE dataset = ?1 ORDER BY kind, part";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		scope_free char *kind = sql_text_dup(stmt, 1);
		scope_free char *part = sql_text_dup(stmt, 2);

		if (!kind || !part)
			return error_nomem(err);
		rc = each(ctx, sql_int(stmt, 0), kind, part);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- states -------------------------------------------------------------- */

#define STATE \
	"SELECT s.id, s.file, f.dataset, s.since, s.until, s.bytes, s.rows," \
	" iif(f.kind = 'changes', CAST(f.part AS INTEGER), 0)" \
	" FROM file_state s JOIN file f ON f.id = s.file "

static struct store_file_state
state_of(sqlite3_stmt *stmt)
{
	return (struct store_file_state){
		.id = sql_int(stmt, 0),
		.file = sql_int(stmt, 1),
		.dataset = sql_int(stmt, 2),
		.since = sql_int(stmt, 3),
		.until = sql_int(stmt, 4),
		.bytes = sql_int(stmt, 5),
		.rows = sql_int(stmt, 6),
		.changes = sql_int(stmt, 7),
	};
}

int
store_file_state_at(struct sql *db, int64_t file, int64_t at,
		    struct store_file_state *ret, struct error *err)
{
	static const char text[] =
		STATE "WHERE s.file = ?1 AND" HOLDS "ORDER BY s.since DESC"
		      " LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, at);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = state_of(stmt);
	return rc;
}

int
store_file_state_get(struct sql *db, int64_t id, struct store_file_state *ret,
		     struct error *err)
{
	static const char text[] = STATE "WHERE s.id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = state_of(stmt);
	return rc;
}

int
store_file_state_each(struct sql *db, int64_t file,
		      store_file_state_each_fn *each, void *ctx,
		      struct error *err)
{
	static const char text[] = STATE "WHERE s.file = ?1 ORDER BY s.since";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_file_state s = state_of(stmt);

		rc = each(ctx, &s);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_file_state_insert(struct sql *db, int64_t file, int64_t seq,
			int64_t bytes, int64_t rows, struct error *err)
{
	static const char text[] =
		"INSERT INTO file_state(file, since, bytes, rows)"
		" VALUES(?1, ?2, ?3, ?4)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, seq);
	sql_bind_int(stmt, 3, bytes);
	sql_bind_int(stmt, 4, rows);
	return sql_run(db, stmt, err);
}

int
store_file_state_end(struct sql *db, int64_t file, int64_t seq,
		     struct error *err)
{
	/* States follow each other, so only the last can be open: to look at
	 * all of them would cost more with every version. */
	static const char text[] =
		"UPDATE file_state SET until = ?2 WHERE until IS NULL"
		" AND id = (SELECT id FROM file_state"
		"  WHERE file = ?1 AND since < ?2"
		"  ORDER BY since DESC LIMIT 1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, seq);
	return sql_run(db, stmt, err);
}

int
store_file_hash_get(struct sql *db, int64_t state,
		    unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	static const char text[] =
		"SELECT sha256 FROM file_hash WHERE state = ?1";
	scope_stmt *stmt = NULL;
	struct slice found;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, state);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	found = sql_bytes(stmt, 0);
	if (found.n != DIGEST_SIZE)
		return error_set(err, ERR_CORRUPT,
				 "the hash of file state %lld is broken: "
				 "restore a backup",
				 (long long)state);
	memcpy(ret, found.p, DIGEST_SIZE);
	return 1;
}

int
store_file_hash_set(struct store_txn *txn, int64_t state,
		    const unsigned char sha256[static DIGEST_SIZE],
		    struct error *err)
{
	static const char text[] =
		"INSERT INTO file_hash(state, sha256) VALUES(?1, ?2)"
		" ON CONFLICT DO NOTHING";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, state);
	sql_bind_blob(stmt, 2,
		      (struct slice){(const char *)sha256, DIGEST_SIZE});
	return sql_run(txn->db, stmt, err);
}

/* ---- chunks -------------------------------------------------------------- */

#define CHUNK \
	"SELECT first, since, until, pack, offset, length, rows, sha256" \
	" FROM chunk "

static int
chunk_of(sqlite3_stmt *stmt, struct store_chunk *ret, struct error *err)
{
	struct slice sha256 = sql_bytes(stmt, 7);

	if (sha256.n != DIGEST_SIZE)
		return error_set(err, ERR_CORRUPT,
				 "the hash of a chunk is broken: restore a "
				 "backup");
	*ret = (struct store_chunk){
		.first = sql_bytes(stmt, 0),
		.since = sql_int(stmt, 1),
		.until = sql_int(stmt, 2),
		.pack = sql_int(stmt, 3),
		.offset = sql_int(stmt, 4),
		.length = sql_int(stmt, 5),
		.rows = sql_int(stmt, 6),
	};
	memcpy(ret->sha256, sha256.p, DIGEST_SIZE);
	return 0;
}

/* Walks a bound statement. */
static int
walk(struct sql *db, sqlite3_stmt *stmt, store_chunk_each_fn *each, void *ctx,
     struct error *err)
{
	int rc;

	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_chunk c;

		rc = chunk_of(stmt, &c, err);
		if (!rc)
			rc = each(ctx, &c);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_chunk_each(struct sql *db, int64_t file, int64_t at,
		 store_chunk_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		CHUNK "WHERE file = ?1 AND" HOLDS "ORDER BY first";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, at);
	return walk(db, stmt, each, ctx, err);
}

int
store_chunk_each_from(struct sql *db, int64_t file, int64_t at,
		      struct slice from, store_chunk_each_fn *each, void *ctx,
		      struct error *err)
{
	static const char text[] = CHUNK
		"WHERE file = ?1 AND first >= ?3 AND" HOLDS "ORDER BY first";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, from);
	return walk(db, stmt, each, ctx, err);
}

int
store_chunk_each_ever(struct sql *db, int64_t file, store_chunk_each_fn *each,
		      void *ctx, struct error *err)
{
	static const char text[] =
		CHUNK "WHERE file = ?1 ORDER BY first, since";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	return walk(db, stmt, each, ctx, err);
}

int
store_chunk_get(struct sql *db, int64_t file, int64_t at, struct slice first,
		struct store_chunk *ret, struct error *err)
{
	static const char text[] =
		CHUNK "WHERE file = ?1 AND first = ?3 AND" HOLDS
		      "ORDER BY since DESC LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, first);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	rc = chunk_of(stmt, ret, err);
	if (rc)
		return rc;
	ret->first = first;
	return 1;
}

/* One neighbour of a place, by the statement's order. */
static int
neighbour(struct sql *db, const char *text, int64_t file, int64_t at,
	  struct slice place, struct buf *ret, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, at);
	sql_bind_blob(stmt, 3, place);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && buf_addslice(ret, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_chunk_upto(struct sql *db, int64_t file, int64_t at, struct slice place,
		 struct buf *ret, struct error *err)
{
	static const char text[] =
		"SELECT first FROM chunk WHERE file = ?1 AND first > X''"
		" AND first <= ?3 AND" HOLDS "ORDER BY first DESC LIMIT 1";

	return neighbour(db, text, file, at, place, ret, err);
}

int
store_chunk_before(struct sql *db, int64_t file, int64_t at, struct slice place,
		   struct buf *ret, struct error *err)
{
	static const char text[] =
		"SELECT first FROM chunk WHERE file = ?1 AND first > X''"
		" AND first < ?3 AND" HOLDS "ORDER BY first DESC LIMIT 1";

	return neighbour(db, text, file, at, place, ret, err);
}

int
store_chunk_after(struct sql *db, int64_t file, int64_t at, struct slice place,
		  struct buf *ret, struct error *err)
{
	static const char text[] =
		"SELECT first FROM chunk WHERE file = ?1"
		" AND first > ?3 AND" HOLDS "ORDER BY first LIMIT 1";

	return neighbour(db, text, file, at, place, ret, err);
}

int
store_chunk_insert(struct sql *db, int64_t file, int64_t seq,
		   const struct store_chunk *c, struct error *err)
{
	static const char text[] =
		"INSERT INTO chunk(file, first, since, pack, offset, length,"
		" rows, sha256) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_blob(stmt, 2, c->first);
	sql_bind_int(stmt, 3, seq);
	sql_bind_int(stmt, 4, c->pack);
	sql_bind_int(stmt, 5, c->offset);
	sql_bind_int(stmt, 6, c->length);
	sql_bind_int(stmt, 7, c->rows);
	sql_bind_blob(stmt, 8,
		      (struct slice){(const char *)c->sha256, DIGEST_SIZE});
	return sql_run(db, stmt, err);
}

static void
bind_ending(sqlite3_stmt *stmt, int64_t file, int64_t seq, struct slice lo,
	    struct slice hi)
{
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, seq);
	sql_bind_blob(stmt, 3, lo);
	if (hi.n)
		sql_bind_blob(stmt, 4, hi);
}

static int
sum_ending(struct sql *db, int64_t file, int64_t seq, struct slice lo,
	   struct slice hi, struct store_chunk_ended *ret, struct error *err)
{
	static const char bounded[] =
		"SELECT count(*), coalesce(sum(length), 0),"
		" coalesce(sum(rows), 0) FROM chunk WHERE file = ?1"
		" AND first >= ?3 AND first < ?4 AND since < ?2"
		" AND until IS NULL";
	static const char open[] =
		"SELECT count(*), coalesce(sum(length), 0),"
		" coalesce(sum(rows), 0) FROM chunk WHERE file = ?1"
		" AND first >= ?3 AND since < ?2 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, hi.n ? bounded : open, &stmt, err);

	if (rc)
		return rc;
	bind_ending(stmt, file, seq, lo, hi);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = (struct store_chunk_ended){sql_int(stmt, 0), sql_int(stmt, 1),
					  sql_int(stmt, 2)};
	return 0;
}

int
store_chunk_end(struct sql *db, int64_t file, int64_t seq, struct slice lo,
		struct slice hi, struct store_chunk_ended *ret,
		struct error *err)
{
	static const char bounded[] =
		"UPDATE chunk SET until = ?2 WHERE file = ?1"
		" AND first >= ?3 AND first < ?4 AND since < ?2"
		" AND until IS NULL";
	static const char open[] =
		"UPDATE chunk SET until = ?2 WHERE file = ?1"
		" AND first >= ?3 AND since < ?2 AND until IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sum_ending(db, file, seq, lo, hi, ret, err);

	if (rc || !ret->n)
		return rc;
	rc = sql_get(db, hi.n ? bounded : open, &stmt, err);
	if (rc)
		return rc;
	bind_ending(stmt, file, seq, lo, hi);
	return sql_run(db, stmt, err);
}

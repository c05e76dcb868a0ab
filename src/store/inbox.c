/* Tables inbox_file, inbox_hidden, inbox_xattr and blob: see inbox.h. */
#include "store/inbox.h"

#include "store/sql.h"
#include "store/submission.h"

#include <stdio.h>

/* One row with what its submission says; WHERE follows. */
#define SELECT_FILE \
	"SELECT f.id, f.resource, f.name, coalesce(f.key, ''), f.blob," \
	" f.mode, f.uid, f.gid, f.writer, coalesce(f.submission, 0)," \
	" f.killed, coalesce(f.quiet_since, 0)," \
	" (SELECT count(*) FROM handle h WHERE h.file = f.id)," \
	" coalesce(s.state, ''), coalesce(s.judged_at, 0)," \
	" coalesce(s.uid, 0), coalesce(length(s.receipt_text), -1)," \
	" coalesce(length(s.receipt_json), -1), coalesce(s.fix_bytes, -1)," \
	" coalesce(s.fix_blob, 0)," \
	" (SELECT coalesce(sum(part), 0) FROM inbox_hidden" \
	"  WHERE submission = f.submission), f.fix, coalesce(f.was, 0)," \
	" coalesce(f.was_blob, 0), coalesce(f.was_changed, 0)," \
	" coalesce(f.was_fix, 0), " STORE_TOLD_SEQ( \
		"s") " FROM inbox_file f LEFT JOIN submission s ON s.number " \
		     "= f.submission"

/* Column was_fix. */
#define WAS_BESIDE 1
#define WAS_FIX 2

static void
copy_text(char *to, size_t size, struct slice from)
{
	size_t n = from.n < size - 1 ? from.n : size - 1;

	if (n)
		memcpy(to, from.p, n);
	to[n] = '\0';
}

static void
load(sqlite3_stmt *stmt, struct store_inbox_file *f)
{
	f->id = sql_int(stmt, 0);
	f->resource = sql_int(stmt, 1);
	copy_text(f->name, sizeof(f->name), sql_bytes(stmt, 2));
	copy_text(f->key, sizeof(f->key), sql_bytes(stmt, 3));
	f->blob = sql_int(stmt, 4);
	f->mode = (unsigned)sql_int(stmt, 5);
	f->uid = (unsigned)sql_int(stmt, 6);
	f->gid = (unsigned)sql_int(stmt, 7);
	f->writer = (unsigned)sql_int(stmt, 8);
	f->submission = sql_int(stmt, 9);
	f->killed = sql_int(stmt, 10);
	f->quiet_since = sql_int(stmt, 11);
	f->handles = sql_int(stmt, 12);
	copy_text(f->state, sizeof(f->state), sql_bytes(stmt, 13));
	f->judged_at = sql_int(stmt, 14);
	f->submitted_uid = sql_int(stmt, 15);
	f->text_bytes = sql_int(stmt, 16);
	f->json_bytes = sql_int(stmt, 17);
	f->fix_bytes = sql_int(stmt, 18);
	f->fix_blob = sql_int(stmt, 19);
	f->hidden = (unsigned)sql_int(stmt, 20);
	f->fix = sql_int(stmt, 21);
	f->was.submission = sql_int(stmt, 22);
	f->was.blob = sql_int(stmt, 23);
	f->was.changed = sql_int(stmt, 24);
	f->was.beside = sql_int(stmt, 25) & WAS_BESIDE;
	f->was.fix = sql_int(stmt, 25) & WAS_FIX;
	f->told_seq = sql_int(stmt, 26);
}

/* Steps a bound statement once. */
static int
load_one(struct sql *db, sqlite3_stmt *stmt, struct store_inbox_file *ret,
	 struct error *err)
{
	int rc = sql_step(db, stmt, err);

	if (rc > 0)
		load(stmt, ret);
	return rc;
}

static int
load_each(struct sql *db, sqlite3_stmt *stmt, store_inbox_each_fn *each,
	  void *ctx, struct error *err)
{
	struct store_inbox_file f;
	int rc;

	while ((rc = load_one(db, stmt, &f, err)) > 0) {
		rc = each(ctx, &f);
		if (rc)
			break;
	}
	return rc;
}

int
store_inbox_find(struct sql *db, int64_t resource, const char *key,
		 struct store_inbox_file *ret, struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.resource = ?1 AND f.key = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_text(stmt, 2, key);
	return load_one(db, stmt, ret, err);
}

int
store_inbox_get(struct sql *db, int64_t id, struct store_inbox_file *ret,
		struct error *err)
{
	static const char text[] = SELECT_FILE " WHERE f.id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	return load_one(db, stmt, ret, err);
}

int
store_inbox_of_blob(struct sql *db, int64_t blob, struct store_inbox_file *ret,
		    struct error *err)
{
	static const char text[] = SELECT_FILE " WHERE f.blob = ?1 LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, blob);
	return load_one(db, stmt, ret, err);
}

int
store_inbox_of(struct sql *db, int64_t submission, struct store_inbox_file *ret,
	       struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.submission = ?1 AND f.fix = 0"
			    " AND f.key IS NOT NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	return load_one(db, stmt, ret, err);
}

int
store_inbox_fix_of(struct sql *db, int64_t submission, int64_t after,
		   struct store_inbox_file *ret, struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.submission = ?1 AND f.fix = 1"
			    " AND f.key IS NOT NULL AND f.id > ?2"
			    " ORDER BY f.id LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	sql_bind_int(stmt, 2, after);
	return load_one(db, stmt, ret, err);
}

int
store_inbox_newest(struct sql *db, int64_t *ret, struct error *err)
{
	static const char text[] =
		"SELECT coalesce(max(id), 0) FROM inbox_file";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (!rc)
		rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

/* Parameters 2 to 16 of the two statements below. */
static void
bind_file(sqlite3_stmt *stmt, const struct store_inbox_file *f)
{
	sql_bind_text(stmt, 2, f->name);
	if (*f->key)
		sql_bind_text(stmt, 3, f->key);
	sql_bind_int(stmt, 4, f->blob);
	sql_bind_int(stmt, 5, f->mode);
	sql_bind_int(stmt, 6, f->uid);
	sql_bind_int(stmt, 7, f->gid);
	sql_bind_int(stmt, 8, f->writer);
	if (f->submission)
		sql_bind_int(stmt, 9, f->submission);
	sql_bind_int(stmt, 10, f->killed);
	if (f->quiet_since)
		sql_bind_int(stmt, 11, f->quiet_since);
	sql_bind_int(stmt, 12, f->fix);
	if (!f->was.submission)
		return;
	sql_bind_int(stmt, 13, f->was.submission);
	sql_bind_int(stmt, 14, f->was.blob);
	sql_bind_int(stmt, 15, f->was.changed);
	sql_bind_int(stmt, 16,
		     (f->was.beside ? WAS_BESIDE : 0) |
			     (f->was.fix ? WAS_FIX : 0));
}

int
store_inbox_add(struct store_txn *txn, struct store_inbox_file *f,
		struct error *err)
{
	static const char text[] =
		"INSERT INTO inbox_file(resource, name, key, blob, mode, uid,"
		" gid, writer, submission, killed, quiet_since, fix, was,"
		" was_blob, was_changed, was_fix)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		" ?13, ?14, ?15, ?16)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, f->resource);
	bind_file(stmt, f);
	rc = sql_run(txn->db, stmt, err);
	if (!rc)
		f->id = sql_last_id(txn->db);
	return rc;
}

int
store_inbox_set(struct store_txn *txn, const struct store_inbox_file *f,
		struct error *err)
{
	static const char text[] =
		"UPDATE inbox_file SET name = ?2, key = ?3, blob = ?4,"
		" mode = ?5, uid = ?6, gid = ?7, writer = ?8, submission = ?9,"
		" killed = ?10, quiet_since = ?11, fix = ?12, was = ?13,"
		" was_blob = ?14, was_changed = ?15, was_fix = ?16"
		" WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, f->id);
	bind_file(stmt, f);
	return sql_run(txn->db, stmt, err);
}

int
store_inbox_set_quiet(struct store_txn *txn, const struct store_inbox_file *f,
		      struct error *err)
{
	static const char text[] = "UPDATE inbox_file"
				   " SET killed = ?2, quiet_since = ?3"
				   " WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, f->id);
	sql_bind_int(stmt, 2, f->killed);
	if (f->quiet_since)
		sql_bind_int(stmt, 3, f->quiet_since);
	return sql_run(txn->db, stmt, err);
}

int
store_inbox_remove(struct store_txn *txn, int64_t id, struct error *err)
{
	static const char text[] = "DELETE FROM inbox_file WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	return sql_run(txn->db, stmt, err);
}

int
store_inbox_each(struct sql *db, int64_t resource, const char *after,
		 store_inbox_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.resource = ?1 AND f.key > ?2"
			    " ORDER BY f.key";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_text(stmt, 2, after);
	return load_each(db, stmt, each, ctx, err);
}

int
store_inbox_each_pending(struct sql *db, store_inbox_each_fn *each, void *ctx,
			 struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.key IS NOT NULL AND f.id IN ("
			    "  SELECT id FROM inbox_file"
			    "  WHERE quiet_since IS NOT NULL"
			    "  UNION SELECT file FROM handle)"
			    " ORDER BY f.quiet_since, f.id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	return rc ? rc : load_each(db, stmt, each, ctx, err);
}

int
store_inbox_each_unbound(struct sql *db, store_inbox_each_fn *each, void *ctx,
			 struct error *err)
{
	static const char text[] =
		SELECT_FILE " WHERE f.submission IS NULL ORDER BY f.id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	return rc ? rc : load_each(db, stmt, each, ctx, err);
}

int
store_inbox_hide(struct store_txn *txn, int64_t submission,
		 enum store_inbox_companion which, struct error *err)
{
	static const char text[] =
		"INSERT OR IGNORE INTO inbox_hidden VALUES(?1, ?2)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	sql_bind_int(stmt, 2, which);
	return sql_run(txn->db, stmt, err);
}

/* ---- extended attributes ------------------------------------------------- */

int
store_inbox_xattr_get(struct sql *db, int64_t file, const char *name,
		      struct buf *ret, struct error *err)
{
	static const char text[] = "SELECT value FROM inbox_xattr"
				   " WHERE file = ?1 AND name = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_text(stmt, 2, name);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && buf_addslice(ret, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_inbox_xattr_set(struct store_txn *txn, int64_t file, const char *name,
		      struct slice value, struct error *err)
{
	static const char text[] =
		"INSERT OR REPLACE INTO inbox_xattr VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_text(stmt, 2, name);
	sql_bind_blob(stmt, 3, value);
	return sql_run(txn->db, stmt, err);
}

int
store_inbox_xattr_remove(struct store_txn *txn, int64_t file, const char *name,
			 struct error *err)
{
	static const char text[] =
		"DELETE FROM inbox_xattr WHERE file = ?1 AND name = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_text(stmt, 2, name);
	rc = sql_run(txn->db, stmt, err);
	return rc ? rc : sql_changes(txn->db) > 0;
}

int
store_inbox_xattr_names(struct sql *db, int64_t file, struct buf *ret,
			struct error *err)
{
	static const char text[] =
		"SELECT name FROM inbox_xattr WHERE file = ?1 ORDER BY name";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		if (buf_addslice(ret, sql_bytes(stmt, 0)) ||
		    buf_addc(ret, '\0'))
			return error_nomem(err);
	}
	return rc;
}

int
store_inbox_xattr_bytes(struct sql *db, int64_t file, int64_t *ret,
			struct error *err)
{
	static const char text[] =
		"SELECT coalesce(sum(n), 0) FROM ("
		" SELECT length(CAST(name AS BLOB)) + length(value)"
		"  AS n FROM inbox_xattr WHERE file = ?1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

/* ---- blobs nobody needs -------------------------------------------------- */

#define BLOB_IS_UNUSED \
	" NOT EXISTS(SELECT 1 FROM inbox_file WHERE blob = blob.id)" \
	" AND NOT EXISTS(SELECT 1 FROM submission s WHERE s.blob = blob.id)" \
	" AND NOT EXISTS(SELECT 1 FROM submission WHERE fix_blob = blob.id)" \
	" AND NOT EXISTS(SELECT 1 FROM fix_round f WHERE f.blob = blob.id)" \
	" AND NOT EXISTS(SELECT 1 FROM erasure e WHERE e.blob = blob.id)"

int
store_usage_get(struct sql *db, int64_t resource, int64_t *ret,
		struct error *err)
{
	static const char text[] =
		"SELECT bytes FROM usage WHERE resource = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : 0;
	return 0;
}

int
store_blob_drop(struct store_txn *txn, int64_t id, struct error *err)
{
	static const char text[] =
		"DELETE FROM blob WHERE id = ?1 AND" BLOB_IS_UNUSED;
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_run(txn->db, stmt, err);
	return rc ? rc : sql_changes(txn->db) > 0;
}

int
store_blob_drop_unused(struct store_txn *txn, struct error *err)
{
	static const char text[] = "DELETE FROM blob WHERE" BLOB_IS_UNUSED;
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	return rc ? rc : sql_run(txn->db, stmt, err);
}

int
store_blob_is_known(struct sql *db, int64_t id, struct error *err)
{
	static const char text[] = "SELECT 1 FROM blob WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	return sql_step(db, stmt, err);
}

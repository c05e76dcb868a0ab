/* Tables handle and done: see handle.h. */
#include "store/handle.h"

#include "store/sql.h"

/* SQLite's integers are signed; the bits are the same. */
static void
bind_unique(sqlite3_stmt *stmt, int at, uint64_t unique)
{
	sql_bind_int(stmt, at, (int64_t)unique);
}

int
store_handle_get(struct sql *db, int64_t session, uint64_t id,
		 struct store_handle *ret, struct error *err)
{
	static const char text[] =
		"SELECT file, coalesce(closed_at, 0) FROM handle"
		" WHERE session = ?1 AND id = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, session);
	bind_unique(stmt, 2, id);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret = (struct store_handle){.session = session,
				     .id = id,
				     .file = sql_int(stmt, 0),
				     .closed_at = sql_int(stmt, 1)};
	return 1;
}

int
store_handle_add(struct store_txn *txn, const struct store_handle *h,
		 struct error *err)
{
	static const char text[] = "INSERT INTO handle(session, id, file)"
				   " VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, h->session);
	bind_unique(stmt, 2, h->id);
	sql_bind_int(stmt, 3, h->file);
	return sql_run(txn->db, stmt, err);
}

int
store_handle_remove(struct store_txn *txn, int64_t session, uint64_t id,
		    struct error *err)
{
	static const char text[] =
		"DELETE FROM handle WHERE session = ?1 AND id = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, session);
	bind_unique(stmt, 2, id);
	rc = sql_run(txn->db, stmt, err);
	return rc ? rc : sql_changes(txn->db) > 0;
}

int
store_handle_closed(struct store_txn *txn, int64_t session, uint64_t id,
		    int64_t now, const unsigned char *content,
		    struct error *err)
{
	static const char text[] = "UPDATE handle"
				   " SET closed_at = ?3, content = ?4"
				   " WHERE session = ?1 AND id = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, session);
	bind_unique(stmt, 2, id);
	sql_bind_int(stmt, 3, now);
	if (content)
		sql_bind_blob(
			stmt, 4,
			(struct slice){(const char *)content, DIGEST_SIZE});
	return sql_run(txn->db, stmt, err);
}

int
store_handle_content(struct sql *db, int64_t file,
		     unsigned char ret[static DIGEST_SIZE], struct error *err)
{
	static const char text[] = "SELECT content FROM handle"
				   " WHERE file = ?1 AND closed_at IS NOT NULL"
				   " ORDER BY closed_at DESC LIMIT 1";
	scope_stmt *stmt = NULL;
	struct slice content;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	content = sql_bytes(stmt, 0);
	if (content.n != DIGEST_SIZE)
		return 0;
	memcpy(ret, content.p, DIGEST_SIZE);
	return 1;
}

int
store_handle_reopened(struct store_txn *txn, int64_t file, struct error *err)
{
	static const char text[] = "UPDATE handle SET closed_at = NULL"
				   " WHERE file = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	return sql_run(txn->db, stmt, err);
}

int
store_handle_count(struct sql *db, int64_t file, int64_t since,
		   int64_t *ret_all, int64_t *ret_closed, struct error *err)
{
	static const char text[] =
		"SELECT count(*), count(*) FILTER (WHERE closed_at >= ?2)"
		" FROM handle WHERE file = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, file);
	sql_bind_int(stmt, 2, since);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret_all = sql_int(stmt, 0);
	*ret_closed = sql_int(stmt, 1);
	return 0;
}

int
store_handle_recover(struct store_txn *txn, int64_t session, int64_t now,
		     struct error *err)
{
	static const char killed[] =
		"UPDATE inbox_file SET killed = 1 WHERE id IN"
		" (SELECT file FROM handle"
		"  WHERE session <> ?1 AND closed_at IS NULL)";
	static const char quiet[] =
		"UPDATE inbox_file SET quiet_since = ?2 WHERE id IN"
		" (SELECT file FROM handle WHERE session <> ?1)"
		" AND id NOT IN (SELECT file FROM handle WHERE session = ?1)";
	static const char handles[] = "DELETE FROM handle WHERE session <> ?1";
	static const char done[] = "DELETE FROM done WHERE session <> ?1";
	static const char unlinked[] =
		"DELETE FROM inbox_file WHERE key IS NULL AND id NOT IN"
		" (SELECT file FROM handle WHERE session = ?1)";
	static const char *const texts[] = {killed, quiet, handles, done,
					    unlinked};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(*texts); i++) {
		scope_stmt *stmt = NULL;

		rc = sql_get(txn->db, texts[i], &stmt, err);
		if (rc)
			return rc;
		sql_bind_int(stmt, 1, session);
		if (texts[i] == quiet)
			sql_bind_int(stmt, 2, now);
		rc = sql_run(txn->db, stmt, err);
	}
	return rc;
}

int
store_done_get(struct sql *db, int64_t session, uint64_t request,
	       int64_t *ret_result, int64_t *ret_node, struct error *err)
{
	static const char text[] = "SELECT result, node FROM done"
				   " WHERE session = ?1 AND request = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, session);
	bind_unique(stmt, 2, request);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	*ret_result = sql_int(stmt, 0);
	*ret_node = sql_int(stmt, 1);
	return 1;
}

int
store_done_add(struct store_txn *txn, int64_t session, uint64_t request,
	       int64_t result, int64_t node, struct error *err)
{
	static const char add[] =
		"INSERT OR REPLACE INTO done(session, request, result, node)"
		" VALUES(?1, ?2, ?3, ?4)";
	static const char prune[] = "DELETE FROM done WHERE id <= ?1";
	scope_stmt *stmt = NULL;
	scope_stmt *old = NULL;
	int rc = sql_get(txn->db, add, &stmt, err);

	if (!rc)
		rc = sql_get(txn->db, prune, &old, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, session);
	bind_unique(stmt, 2, request);
	sql_bind_int(stmt, 3, result);
	sql_bind_int(stmt, 4, node);
	rc = sql_run(txn->db, stmt, err);
	if (rc)
		return rc;
	sql_bind_int(old, 1, sql_last_id(txn->db) - STORE_DONE_KEPT);
	return sql_run(txn->db, old, err);
}

/* Table object: see object.h. */
#include "store/object.h"

#include "store/sql.h"

static const char *const kind_words[] = {
	[STORE_DEPARTMENT] = "department",
	[STORE_RESOURCE] = "resource",
	[STORE_THEME] = "theme",
};

int
store_object_find(struct sql *db, enum store_object_kind kind, const char *name,
		  int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"SELECT id FROM object WHERE kind = ?1 AND name = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, kind_words[kind]);
	sql_bind_text(stmt, 2, name);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret_id = sql_int(stmt, 0);
	return rc;
}

int
store_object_intern(struct store_txn *txn, enum store_object_kind kind,
		    const char *name, int64_t *ret_id, struct error *err)
{
	static const char text[] =
		"INSERT INTO object(kind, name) VALUES(?1, ?2)";
	scope_stmt *stmt = NULL;
	int rc = store_object_find(txn->db, kind, name, ret_id, err);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = sql_get(txn->db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_text(stmt, 1, kind_words[kind]);
	sql_bind_text(stmt, 2, name);
	rc = sql_run(txn->db, stmt, err);
	if (!rc)
		*ret_id = sql_last_id(txn->db);
	return rc;
}

int
store_object_each(struct sql *db, enum store_object_kind kind,
		  store_object_each_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT id FROM object WHERE kind = ?1 ORDER BY id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, kind_words[kind]);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, sql_int(stmt, 0));
		if (rc)
			return rc;
	}
	return rc;
}

int
store_object_text(struct sql *db, int64_t id, struct buf *ret,
		  struct error *err)
{
	static const char text[] = "SELECT text FROM object"
				   " WHERE id = ?1 AND text IS NOT NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && buf_addslice(ret, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_object_set_text(struct store_txn *txn, int64_t id, const char *body,
		      struct error *err)
{
	static const char text[] = "UPDATE object SET text = ?2 WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, id);
	sql_bind_text(stmt, 2, body);
	return sql_run(txn->db, stmt, err);
}

int
store_object_forget_texts(struct store_txn *txn, enum store_object_kind kind,
			  const int64_t *ids, size_t n, struct error *err)
{
	static const char select[] = "SELECT id FROM object WHERE kind = ?1"
				     " AND text IS NOT NULL";
	static const char update[] =
		"UPDATE object SET text = NULL WHERE id = ?1";
	scope_stmt *each = NULL;
	int rc = sql_get(txn->db, select, &each, err);

	if (rc)
		return rc;
	sql_bind_text(each, 1, kind_words[kind]);
	while ((rc = sql_step(txn->db, each, err)) > 0) {
		int64_t id = sql_int(each, 0);
		scope_stmt *forget = NULL;

		if (sql_has_id(ids, n, id))
			continue;
		rc = sql_get(txn->db, update, &forget, err);
		if (rc)
			return rc;
		sql_bind_int(forget, 1, id);
		rc = sql_run(txn->db, forget, err);
		if (rc)
			return rc;
	}
	return rc;
}

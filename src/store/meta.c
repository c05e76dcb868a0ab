/* Table meta: see store.h. */
#include "store/store.h"

#include "store/sql.h"

int
store_meta_get(struct sql *db, const char *name, int64_t fallback, int64_t *ret,
	       struct error *err)
{
	static const char text[] = "SELECT value FROM meta WHERE name = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, name);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : fallback;
	return 0;
}

int
store_meta_set(struct sql *db, const char *name, int64_t value,
	       struct error *err)
{
	static const char text[] =
		"INSERT INTO meta(name, value) VALUES(?1, ?2)"
		" ON CONFLICT(name) DO UPDATE SET value = excluded.value";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, name);
	sql_bind_int(stmt, 2, value);
	return sql_run(db, stmt, err);
}

int
store_meta_next(struct store_txn *txn, const char *name, int64_t *ret,
		struct error *err)
{
	int64_t value = 0;
	int rc = store_meta_get(txn->db, name, 0, &value, err);

	if (!rc)
		rc = store_meta_set(txn->db, name, value + 1, err);
	if (!rc)
		*ret = value + 1;
	return rc;
}

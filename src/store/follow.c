/* Table follow: see follow.h. */
#include "store/follow.h"

#include "store/sql.h"

int
store_follow_get(struct sql *db, int64_t resource, const char *theme,
		 int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT last FROM follow"
				   " WHERE resource = ?1 AND theme = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_text(stmt, 2, theme);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : 0;
	return 0;
}

int
store_follow_set(struct store_txn *txn, int64_t resource, const char *theme,
		 int64_t version, struct error *err)
{
	static const char text[] =
		"INSERT INTO follow(resource, theme, last) VALUES(?1, ?2, ?3)"
		" ON CONFLICT(resource) DO UPDATE SET theme = excluded.theme,"
		" last = excluded.last";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_text(stmt, 2, theme);
	sql_bind_int(stmt, 3, version);
	return sql_run(txn->db, stmt, err);
}

int
store_follow_any(struct sql *db, int64_t resource, bool *ret, struct error *err)
{
	static const char text[] = "SELECT 1 FROM follow WHERE resource = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	rc = sql_step(db, stmt, err);
	*ret = rc > 0;
	return rc < 0 ? rc : 0;
}

int
store_submission_ask_again(struct store_txn *txn, int64_t number,
			   struct error *err)
{
	static const char text[] = "UPDATE submission SET released = 2"
				   " WHERE number = ?1 AND released = 0"
				   " AND state = 'quarantined'";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	return sql_run(txn->db, stmt, err);
}

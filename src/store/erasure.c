/* Table erasure: see erasure.h. */
#include "store/erasure.h"

#include "store/sql.h"

/* Runs a statement with up to two numbers. */
static int
run(struct store_txn *txn, const char *text, int64_t a, int64_t b,
    struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sql_bind_int(stmt, 2, b);
	return sql_run(txn->db, stmt, err);
}

int
store_erasure_unbind(struct store_txn *txn, int64_t submission,
		     struct error *err)
{
	static const char text[] =
		"UPDATE submission SET blob = NULL, fix_blob = NULL,"
		" fix_bytes = NULL WHERE number = ?1";

	return run(txn, text, submission, 0, err);
}

int
store_erasure_add(struct store_txn *txn, int64_t blob, int64_t submission,
		  struct error *err)
{
	static const char text[] =
		"INSERT OR IGNORE INTO erasure(blob, submission)"
		" VALUES(?1, ?2)";

	return run(txn, text, blob, submission, err);
}

int
store_erasure_next(struct sql *db, int64_t after, int64_t *ret,
		   int64_t *ret_submission, struct error *err)
{
	static const char text[] = "SELECT blob, submission FROM erasure"
				   " WHERE blob > ?1 ORDER BY blob LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	rc = sql_step(db, stmt, err);
	if (rc > 0) {
		*ret = sql_int(stmt, 0);
		*ret_submission = sql_int(stmt, 1);
	}
	return rc;
}

int
store_erasure_file(struct sql *db, int64_t submission, int64_t after,
		   int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT id FROM inbox_file"
				   " WHERE submission = ?1 AND id > ?2"
				   " ORDER BY id LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	sql_bind_int(stmt, 2, after);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = sql_int(stmt, 0);
	return rc;
}

int
store_erasure_end(struct store_txn *txn, int64_t blob, struct error *err)
{
	static const char row[] = "DELETE FROM erasure WHERE blob = ?1";
	static const char known[] = "DELETE FROM blob WHERE id = ?1";
	int rc = run(txn, row, blob, 0, err);

	return rc ? rc : run(txn, known, blob, 0, err);
}

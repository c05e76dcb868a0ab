/* Table withdrawal, and the order of effects: see withdrawal.h. */
#include "store/withdrawal.h"

#include "store/sql.h"

int
store_submission_ask_withdraw(struct store_txn *txn, int64_t number,
			      const char *by, struct error *err)
{
	static const char text[] =
		"UPDATE submission SET withdrawing = ?2 WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	sql_bind_text(stmt, 2, by);
	return sql_run(txn->db, stmt, err);
}

int
store_submission_keep(struct store_txn *txn, int64_t number, struct error *err)
{
	static const char text[] =
		"UPDATE submission SET withdrawing = NULL WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	return sql_run(txn->db, stmt, err);
}

/* The submission whose number a bound statement gives. */
static int
get_found(struct sql *db, sqlite3_stmt *stmt, struct store_submission *ret,
	  struct error *err)
{
	int64_t number;
	int rc = sql_step(db, stmt, err);

	if (rc <= 0)
		return rc;
	number = sql_int(stmt, 0);
	return store_submission_get(db, number, ret, err);
}

int
store_submission_next_withdraw(struct sql *db, int64_t after,
			       struct store_submission *ret, struct error *err)
{
	static const char text[] =
		"SELECT number FROM submission WHERE withdrawing IS NOT NULL"
		" AND number > ?1 ORDER BY number LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	return get_found(db, stmt, ret, err);
}

int
store_submission_withdrawing(struct sql *db, int64_t number, struct buf *ret,
			     struct error *err)
{
	static const char text[] =
		"SELECT withdrawing FROM submission"
		" WHERE number = ?1 AND withdrawing IS NOT NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && buf_addslice(ret, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_withdrawal_add(struct store_txn *txn, int64_t number, int64_t seq,
		     int64_t now, const char *by, struct slice receipt_json,
		     struct slice receipt_text, struct error *err)
{
	static const char add[] =
		"INSERT INTO withdrawal(submission, seq, withdrawn_at,"
		" asked_by) VALUES(?1, ?2, ?3, ?4)";
	static const char set[] =
		"UPDATE submission SET state = 'withdrawn', withdrawing = NULL,"
		" released = 0, receipt_json = ?2, receipt_text = ?3"
		" WHERE number = ?1";
	scope_stmt *stmt = NULL;
	scope_stmt *state = NULL;
	int rc = sql_get(txn->db, add, &stmt, err);

	if (!rc)
		rc = sql_get(txn->db, set, &state, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	if (seq)
		sql_bind_int(stmt, 2, seq);
	sql_bind_int(stmt, 3, now);
	sql_bind_text(stmt, 4, by);
	rc = sql_run(txn->db, stmt, err);
	if (rc)
		return rc;
	sql_bind_int(state, 1, number);
	sql_bind_blob(state, 2, receipt_json);
	sql_bind_blob(state, 3, receipt_text);
	return sql_run(txn->db, state, err);
}

/* ---- the order of effects ------------------------------------------------ */

int
store_effect_each(struct sql *db, int64_t resource, store_effect_fn *each,
		  void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT seq, number, number FROM submission"
		" WHERE resource = ?1 AND seq IS NOT NULL UNION ALL"
		" SELECT f.seq, s.number, s.number"
		"  FROM fix_round f JOIN submission s"
		"  ON s.number = f.submission"
		" WHERE s.resource = ?1 AND f.seq IS NOT NULL UNION ALL"
		" SELECT w.seq, s.number, (SELECT max(number) FROM submission"
		"   WHERE resource = ?1 AND received_at <= w.withdrawn_at)"
		"  FROM withdrawal w JOIN submission s ON s.number = "
		"w.submission"
		" WHERE s.resource = ?1 AND w.seq IS NOT NULL ORDER BY 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, &(struct store_effect){sql_int(stmt, 0),
						      sql_int(stmt, 1),
						      sql_int(stmt, 2)});
		if (rc)
			break;
	}
	return rc;
}

int
store_submission_next_taken(struct sql *db, int64_t resource, int64_t after,
			    struct store_submission *ret, struct error *err)
{
	static const char text[] =
		"SELECT number FROM submission WHERE resource = ?1"
		" AND number > ?2"
		" AND (state IN('accepted', 'partial', 'unchanged')"
		"  OR (state = 'judging' AND seq IS NOT NULL))"
		" ORDER BY number LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_int(stmt, 2, after);
	return get_found(db, stmt, ret, err);
}

int
store_version_around(struct sql *db, int64_t dataset, int64_t seq,
		     int64_t *ret_before, int64_t *ret_from, struct error *err)
{
	static const char text[] =
		"SELECT coalesce(max(number) FILTER (WHERE seq < ?2), 0),"
		" coalesce(min(number) FILTER (WHERE seq >= ?2), 0)"
		" FROM version WHERE dataset = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, seq);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret_before = sql_int(stmt, 0);
	*ret_from = sql_int(stmt, 1);
	return 0;
}

int
store_submission_first_seq(struct sql *db, int64_t number, int64_t *ret,
			   struct error *err)
{
	static const char text[] =
		"SELECT coalesce(min(seq), 0) FROM"
		" (SELECT seq FROM submission WHERE number = ?1 UNION ALL"
		"  SELECT seq FROM fix_round WHERE submission = ?1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

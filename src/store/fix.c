/* Tables fix_round and fixed: see fix.h. */
#include "store/fix.h"

#include "store/sql.h"

#include <stdlib.h>

static void
copy_word(char *to, size_t size, struct slice from)
{
	size_t n = from.n < size - 1 ? from.n : size - 1;

	if (n)
		memcpy(to, from.p, n);
	to[n] = '\0';
}

void
store_fix_round_release(struct store_fix_round *r)
{
	free(r->submitted_by);
	r->submitted_by = NULL;
}

int
store_submission_named(struct sql *db, int64_t resource,
		       const char *const names[3], struct store_submission *ret,
		       struct error *err)
{
	static const char text[] =
		"SELECT number FROM submission WHERE resource = ?1"
		" AND name IN(?2, ?3, ?4) ORDER BY number DESC LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	for (int i = 0; i < 3; i++)
		sql_bind_text(stmt, 2 + i, names[i]);
	rc = sql_step(db, stmt, err);
	return rc <= 0 ? rc
		       : store_submission_get(db, sql_int(stmt, 0), ret, err);
}

/* ---- rounds -------------------------------------------------------------- */

static int
set_state(struct store_txn *txn, int64_t number, const char *state,
	  struct error *err)
{
	static const char text[] =
		"UPDATE submission SET state = ?2 WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	sql_bind_text(stmt, 2, state);
	return sql_run(txn->db, stmt, err);
}

static int
next_round(struct sql *db, int64_t submission, int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT 1 + coalesce(max(round), 0)"
				   " FROM fix_round WHERE submission = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_fix_begin(struct store_txn *txn, struct store_fix_round *r,
		struct error *err)
{
	static const char text[] =
		"INSERT INTO fix_round(submission, round, blob, bytes,"
		" submitted_by, received_at, was)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	scope_stmt *stmt = NULL;
	int rc = next_round(txn->db, r->submission, &r->round, err);

	if (!rc)
		rc = sql_get(txn->db, text, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, r->submission);
	sql_bind_int(stmt, 2, r->round);
	sql_bind_int(stmt, 3, r->blob);
	sql_bind_int(stmt, 4, r->bytes);
	sql_bind_text(stmt, 5, r->submitted_by);
	sql_bind_int(stmt, 6, r->received_at);
	sql_bind_text(stmt, 7, r->was);
	rc = sql_run(txn->db, stmt, err);
	return rc ? rc : set_state(txn, r->submission, "judging", err);
}

/* The columns of both statements that read rounds. */
#define ROUND \
	"SELECT round, coalesce(blob, 0), bytes, submitted_by, received_at," \
	" was, coalesce(judged_at, 0), coalesce(state, '')," \
	" coalesce(back, 0), coalesce(accepted, 0), coalesce(refused, 0)" \
	" FROM fix_round WHERE submission = ?1"

/* 1 a round, 0 no more. */
static int
load(struct sql *db, sqlite3_stmt *stmt, int64_t submission,
     struct store_fix_round *ret, struct error *err)
{
	int rc = sql_step(db, stmt, err);

	if (rc <= 0)
		return rc;
	*ret = (struct store_fix_round){
		.submission = submission,
		.round = sql_int(stmt, 0),
		.blob = sql_int(stmt, 1),
		.bytes = sql_int(stmt, 2),
		.submitted_by = sql_text_dup(stmt, 3),
		.received_at = sql_int(stmt, 4),
		.judged_at = sql_int(stmt, 6),
		.back = sql_int(stmt, 8),
		.accepted = sql_int(stmt, 9),
		.refused = sql_int(stmt, 10),
	};
	copy_word(ret->was, sizeof(ret->was), sql_bytes(stmt, 5));
	copy_word(ret->state, sizeof(ret->state), sql_bytes(stmt, 7));
	return ret->submitted_by ? 1 : error_nomem(err);
}

int
store_fix_pending(struct sql *db, int64_t submission,
		  struct store_fix_round *ret, struct error *err)
{
	static const char text[] = ROUND " AND judged_at IS NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	return load(db, stmt, submission, ret, err);
}

int
store_fix_each(struct sql *db, int64_t submission, store_fix_round_fn *each,
	       void *ctx, struct error *err)
{
	static const char text[] =
		ROUND " AND judged_at IS NOT NULL ORDER BY round";
	struct store_fix_round r;
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	while ((rc = load(db, stmt, submission, &r, err)) > 0) {
		rc = each(ctx, &r);
		store_fix_round_release(&r);
		if (rc)
			break;
	}
	return rc;
}

int
store_fix_end(struct store_txn *txn, const struct store_fix_round *r,
	      struct error *err)
{
	static const char text[] =
		"UPDATE fix_round SET blob = NULL, judged_at = ?3, state = ?4,"
		" back = ?5, accepted = ?6, refused = ?7, seq = ?8"
		" WHERE submission = ?1 AND round = ?2";
	static const char unhide[] =
		"DELETE FROM inbox_hidden WHERE submission = ?1";
	scope_stmt *stmt = NULL;
	scope_stmt *hidden = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (!rc)
		rc = sql_get(txn->db, unhide, &hidden, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, r->submission);
	sql_bind_int(stmt, 2, r->round);
	sql_bind_int(stmt, 3, r->judged_at);
	sql_bind_text(stmt, 4, r->state);
	sql_bind_int(stmt, 5, r->back);
	sql_bind_int(stmt, 6, r->accepted);
	sql_bind_int(stmt, 7, r->refused);
	if (r->seq)
		sql_bind_int(stmt, 8, r->seq);
	rc = sql_run(txn->db, stmt, err);
	if (rc)
		return rc;
	sql_bind_int(hidden, 1, r->submission);
	return sql_run(txn->db, hidden, err);
}

int
store_fix_cancel(struct store_txn *txn, const struct store_fix_round *r,
		 struct error *err)
{
	static const char text[] = "DELETE FROM fix_round WHERE submission = ?1"
				   " AND round = ?2";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, r->submission);
	sql_bind_int(stmt, 2, r->round);
	rc = sql_run(txn->db, stmt, err);
	return rc ? rc : set_state(txn, r->submission, r->was, err);
}

/* ---- rows ---------------------------------------------------------------- */

int
store_fixed_add(struct store_txn *txn, int64_t submission, int64_t row,
		struct slice cells, struct error *err)
{
	static const char text[] =
		"INSERT OR REPLACE INTO fixed(submission, row, cells)"
		" VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	sql_bind_int(stmt, 2, row);
	sql_bind_blob(stmt, 3, cells);
	return sql_run(txn->db, stmt, err);
}

int
store_fixed_each(struct sql *db, int64_t submission, store_fixed_fn *each,
		 void *ctx, struct error *err)
{
	static const char text[] = "SELECT row, cells FROM fixed"
				   " WHERE submission = ?1 ORDER BY row";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, submission);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		rc = each(ctx, sql_int(stmt, 0), sql_bytes(stmt, 1));
		if (rc)
			break;
	}
	return rc;
}

/* ---- what else must be known --------------------------------------------- */

/* One number. */
static int
ask(struct sql *db, const char *text, int64_t a, int64_t b, int64_t *ret,
    struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, a);
	sql_bind_int(stmt, 2, b);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_submission_awaited(struct sql *db, int64_t resource, int64_t but,
			 bool fixes, int64_t *ret, struct error *err)
{
	static const char quarantined[] =
		"SELECT count(*) FROM submission WHERE state = 'quarantined'"
		" AND resource = ?1 AND number <> ?2";
	static const char fixable[] =
		"SELECT count(*) FROM submission WHERE fix_blob IS NOT NULL"
		" AND expired = 0 AND resource = ?1 AND number <> ?2"
		" AND state IN('partial', 'judging')";
	int64_t more = 0;
	int rc = ask(db, quarantined, resource, but, ret, err);

	if (!rc && fixes)
		rc = ask(db, fixable, resource, but, &more, err);
	*ret += more;
	return rc;
}

/* One that has published is judging again when its fix file came back. */
int
store_submission_has_later(struct sql *db, int64_t resource, int64_t number,
			   bool *ret, struct error *err)
{
	static const char text[] =
		"SELECT EXISTS(SELECT 1 FROM submission WHERE resource = ?1"
		" AND number > ?2"
		" AND (state IN('accepted', 'partial', 'unchanged')"
		"  OR (state = 'judging' AND seq IS NOT NULL)))";
	int64_t found = 0;
	int rc = ask(db, text, resource, number, &found, err);

	*ret = found;
	return rc;
}

int
store_submission_rows_told(struct sql *db, int64_t number,
			   struct store_rows_told *ret, struct error *err)
{
	static const char text[] =
		"SELECT coalesce(r ->> '$.inserted', 0),"
		" coalesce(r ->> '$.updated', 0),"
		" coalesce(r ->> '$.deleted', 0) FROM"
		" (SELECT CAST(receipt_json AS TEXT) -> '$.rows' AS r"
		"  FROM submission WHERE number = ?1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	*ret = (struct store_rows_told){0};
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	rc = sql_step(db, stmt, err);
	if (rc > 0)
		*ret = (struct store_rows_told){
			sql_int(stmt, 0), sql_int(stmt, 1), sql_int(stmt, 2)};
	return rc < 0 ? rc : 0;
}

int
store_submission_made(struct sql *db, const char *id, store_made_fn *each,
		      void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT o.name, v.number FROM version v"
		" JOIN object o ON o.id = v.dataset WHERE v.submission = ?1"
		" ORDER BY v.seq, o.name";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, id);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct slice name = sql_bytes(stmt, 0);
		char dataset[128];

		copy_word(dataset, sizeof(dataset), name);
		rc = each(ctx, dataset, sql_int(stmt, 1));
		if (rc)
			break;
	}
	return rc;
}

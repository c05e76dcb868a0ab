/* Table submission and the names of blobs: see submission.h. */
#include "store/submission.h"

#include "base/clock.h"
#include "store/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS \
	"number, id, resource, name, blob, bytes, uid, submitted_by," \
	" received_at, killed, state, judged_at, seq, released," \
	" length(receipt_json), length(receipt_text), fix_blob, fix_bytes," \
	" sha256, expired, withdrawing IS NOT NULL," \
	" fix_workbook, EXISTS(SELECT 1 FROM erasure e" \
	"  WHERE e.submission = number)," STORE_TOLD_SEQ("submission")

void
store_submission_release(struct store_submission *s)
{
	free(s->name);
	free(s->submitted_by);
	s->name = NULL;
	s->submitted_by = NULL;
}

static void
copy_word(char *to, size_t size, struct slice from)
{
	size_t n = from.n < size - 1 ? from.n : size - 1;

	memcpy(to, from.p, n);
	to[n] = '\0';
}

/* A column that may be NULL, with what stands for that. */
static int64_t
int_or(sqlite3_stmt *stmt, int at, int64_t none)
{
	return sql_is_null(stmt, at) ? none : sql_int(stmt, at);
}

static int
load(sqlite3_stmt *stmt, struct store_submission *s, struct error *err)
{
	struct slice sha256 = sql_bytes(stmt, 18);

	*s = (struct store_submission){
		.number = sql_int(stmt, 0),
		.resource = sql_int(stmt, 2),
		.name = sql_text_dup(stmt, 3),
		.blob = int_or(stmt, 4, 0),
		.bytes = sql_int(stmt, 5),
		.uid = sql_int(stmt, 6),
		.submitted_by = sql_text_dup(stmt, 7),
		.received_at = sql_int(stmt, 8),
		.killed = sql_int(stmt, 9),
		.judged_at = int_or(stmt, 11, 0),
		.seq = int_or(stmt, 12, 0),
		.released = sql_int(stmt, 13) == 1,
		.again = sql_int(stmt, 13) == 2,
		.receipt_json_bytes = int_or(stmt, 14, -1),
		.receipt_text_bytes = int_or(stmt, 15, -1),
		.fix_blob = int_or(stmt, 16, 0),
		.fix_bytes = int_or(stmt, 17, -1),
		.expired = (int)sql_int(stmt, 19),
		.withdrawing = sql_int(stmt, 20),
		.fix_workbook = sql_int(stmt, 21),
		.erasing = sql_int(stmt, 22),
		.told_seq = sql_int(stmt, 23),
		.has_sha256 = sha256.n == DIGEST_SIZE,
	};
	copy_word(s->id, sizeof(s->id), sql_bytes(stmt, 1));
	copy_word(s->state, sizeof(s->state), sql_bytes(stmt, 10));
	if (s->has_sha256)
		memcpy(s->sha256, sha256.p, DIGEST_SIZE);
	if (!s->name || !s->submitted_by) {
		store_submission_release(s);
		return error_nomem(err);
	}
	return 0;
}

/* Steps a bound statement once and loads what it gives. */
static int
load_one(struct sql *db, sqlite3_stmt *stmt, struct store_submission *ret,
	 struct error *err)
{
	int rc = sql_step(db, stmt, err);

	if (rc <= 0)
		return rc;
	rc = load(stmt, ret, err);
	return rc ? rc : 1;
}

static int
add(struct store_txn *txn, struct store_submission *s, int64_t now,
    struct error *err)
{
	static const char text[] =
		"INSERT INTO submission(number, id, resource, name, blob,"
		" bytes, uid, submitted_by, received_at, killed, state)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'judging')";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	copy_word(s->state, sizeof(s->state), SLICE("judging"));
	s->received_at = now;
	sql_bind_int(stmt, 1, s->number);
	sql_bind_text(stmt, 2, s->id);
	sql_bind_int(stmt, 3, s->resource);
	sql_bind_text(stmt, 4, s->name);
	sql_bind_int(stmt, 5, s->blob);
	sql_bind_int(stmt, 6, s->bytes);
	sql_bind_int(stmt, 7, s->uid);
	sql_bind_text(stmt, 8, s->submitted_by);
	sql_bind_int(stmt, 9, now);
	sql_bind_int(stmt, 10, s->killed);
	return sql_run(txn->db, stmt, err);
}

int
store_submission_add(struct store_txn *txn, struct store_submission *s,
		     int64_t now, struct error *err)
{
	int rc = store_meta_next(txn, "submission", &s->number, err);

	if (rc)
		return rc;
	snprintf(s->id, sizeof(s->id), "%08d-%06" PRId64, clock_day(now),
		 s->number);
	return add(txn, s, now, err);
}

int
store_trial_add(struct store_txn *txn, struct store_submission *s, int64_t now,
		struct error *err)
{
	int64_t n;
	int rc = store_meta_next(txn, "trial", &n, err);

	if (rc)
		return rc;
	s->number = STORE_TRIAL + n;
	snprintf(s->id, sizeof(s->id), "trial-%06" PRId64, n);
	return add(txn, s, now, err);
}

int
store_submission_get(struct sql *db, int64_t number,
		     struct store_submission *ret, struct error *err)
{
	static const char text[] =
		"SELECT " COLUMNS " FROM submission WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	return load_one(db, stmt, ret, err);
}

int
store_submission_find(struct sql *db, const char *id,
		      struct store_submission *ret, struct error *err)
{
	static const char text[] =
		"SELECT " COLUMNS " FROM submission WHERE id = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_text(stmt, 1, id);
	return load_one(db, stmt, ret, err);
}

int
store_submission_after(struct sql *db, int64_t after, int64_t *ret,
		       struct error *err)
{
	static const char text[] = "SELECT coalesce(min(number), 0)"
				   " FROM submission WHERE number > ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_submission_next(struct sql *db, int64_t after,
		      struct store_submission *ret, struct error *err)
{
	static const char text[] = "SELECT " COLUMNS " FROM submission"
				   " WHERE state = 'judging' AND number > ?1"
				   " ORDER BY number LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	return load_one(db, stmt, ret, err);
}

int
store_submission_next_release(struct sql *db, int64_t after,
			      struct store_submission *ret, struct error *err)
{
	static const char text[] = "SELECT " COLUMNS " FROM submission"
				   " WHERE state = 'quarantined' AND released"
				   " AND number > ?1 ORDER BY number LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	return load_one(db, stmt, ret, err);
}

int
store_submission_each(struct sql *db, int64_t resource, const char *state,
		      int64_t limit,
		      int (*each)(void *ctx, const struct store_submission *s),
		      void *ctx, struct error *err)
{
	static const char all[] = "SELECT " COLUMNS " FROM submission"
				  " WHERE ?1 = 0 AND number < 1 << 40"
				  " AND (?2 IS NULL OR state = ?2)"
				  " ORDER BY number DESC LIMIT ?3";
	static const char of_resource[] =
		"SELECT " COLUMNS " FROM submission WHERE resource = ?1"
		" AND (?2 IS NULL OR state = ?2)"
		" ORDER BY number DESC LIMIT ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, resource ? of_resource : all, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	if (state)
		sql_bind_text(stmt, 2, state);
	sql_bind_int(stmt, 3, limit ? limit : -1);
	while (!rc) {
		struct store_submission s;

		rc = load_one(db, stmt, &s, err);
		if (rc <= 0)
			break;
		rc = each(ctx, &s);
		store_submission_release(&s);
	}
	return rc;
}

int
store_submission_count(struct sql *db, int64_t resource, const char *state,
		       int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT count(*) FROM submission"
				   " WHERE state = ?2"
				   " AND (?1 = 0 AND number < 1 << 40"
				   "  OR resource = ?1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, resource);
	sql_bind_text(stmt, 2, state);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

int
store_submission_judged(struct store_txn *txn, int64_t number,
			const struct store_verdict *v, struct error *err)
{
	static const char text[] =
		"UPDATE submission SET state = ?2, judged_at = ?3, seq = ?4,"
		" receipt_json = ?5, receipt_text = ?6, fix_blob = ?7,"
		" fix_bytes = ?8, sha256 = ?9, fix_workbook = ?10,"
		" released = 0"
		" WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	sql_bind_text(stmt, 2, v->state);
	sql_bind_int(stmt, 3, v->judged_at);
	if (v->seq)
		sql_bind_int(stmt, 4, v->seq);
	sql_bind_blob(stmt, 5, v->receipt_json);
	sql_bind_blob(stmt, 6, v->receipt_text);
	if (v->fix_blob) {
		sql_bind_int(stmt, 7, v->fix_blob);
		sql_bind_int(stmt, 8, v->fix_bytes);
	}
	if (v->sha256)
		sql_bind_blob(
			stmt, 9,
			(struct slice){(const char *)v->sha256, DIGEST_SIZE});
	sql_bind_int(stmt, 10, v->fix_workbook);
	return sql_run(txn->db, stmt, err);
}

int
store_submission_give_up(struct store_txn *txn, int64_t number,
			 struct error *err)
{
	static const char text[] =
		"UPDATE submission SET blob = NULL"
		" WHERE number = ?1 AND state = 'incomplete'";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	return sql_run(txn->db, stmt, err);
}

int
store_submission_ask_release(struct store_txn *txn, int64_t number,
			     struct error *err)
{
	static const char text[] =
		"UPDATE submission SET released = 1 WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	return sql_run(txn->db, stmt, err);
}

int
store_submission_receipt(struct sql *db, int64_t number,
			 enum store_receipt which, struct buf *out,
			 struct error *err)
{
	static const char json[] =
		"SELECT receipt_json FROM submission"
		" WHERE number = ?1 AND receipt_json IS NOT NULL";
	static const char people[] =
		"SELECT receipt_text FROM submission"
		" WHERE number = ?1 AND receipt_text IS NOT NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, which == STORE_RECEIPT_JSON ? json : people, &stmt,
			 err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && buf_addslice(out, sql_bytes(stmt, 0)))
		return error_nomem(err);
	return rc;
}

int
store_submission_first_code(struct sql *db, int64_t number, char ret[static 32],
			    struct error *err)
{
	static const char text[] =
		"SELECT CAST(receipt_json AS TEXT) ->> '$.errors[0].code'"
		" FROM submission WHERE number = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	ret[0] = '\0';
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, number);
	rc = sql_step(db, stmt, err);
	if (rc > 0 && !sql_is_null(stmt, 0))
		copy_word(ret, 32, sql_bytes(stmt, 0));
	return rc < 0 ? rc : 0;
}

int
store_blob_add(struct store_txn *txn, int64_t now, int64_t *ret_id,
	       struct error *err)
{
	static const char text[] = "INSERT INTO blob(made_at) VALUES(?1)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, now);
	rc = sql_run(txn->db, stmt, err);
	if (!rc)
		*ret_id = sql_last_id(txn->db);
	return rc;
}

void
store_blob_path(int64_t id, char path[static STORE_BLOB_PATH_MAX])
{
	snprintf(path, STORE_BLOB_PATH_MAX, "intake/%" PRId64, id);
}

/* Of the inbox, the archive and versions, in civicfs.db: see retain.h. What is
 * in records.db is in retain_rows.c. */
#include "store/retain.h"

#include "store/sql.h"
#include "store/submission.h"

/* ---- inbox and archive --------------------------------------------------- */

static const char *
column_text(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? (const char *)text : "";
}

int
store_due_inbox_each(struct sql *db, int64_t before, int64_t after,
		     store_due_file_fn *each, void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT f.id, f.resource, s.bytes, f.name FROM inbox_file f"
		" JOIN submission s ON s.number = f.submission"
		" WHERE f.id > ?2 AND f.key IS NOT NULL AND s.judged_at < ?1"
		" AND f.fix = 0" /* leaves with the file it belongs to */
		" AND s.state <> 'judging'"
		" AND (s.state <> 'quarantined' OR s.number > 1 << 40)"
		" AND NOT EXISTS(SELECT 1 FROM handle h WHERE h.file = f.id)"
		" ORDER BY f.id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, before);
	sql_bind_int(stmt, 2, after);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		const struct store_due_file f = {
			.id = sql_int(stmt, 0),
			.resource = sql_int(stmt, 1),
			.bytes = sql_int(stmt, 2),
			.name = column_text(stmt, 3),
		};

		rc = each(ctx, &f);
		if (rc)
			return rc;
	}
	return rc;
}

#define DUE_SUBMISSION \
	"SELECT number, resource, coalesce(blob, 0), coalesce(fix_blob, 0)," \
	" iif(blob IS NULL, 0, bytes) + coalesce(fix_bytes, 0)" \
	" + coalesce(length(receipt_json), 0)" \
	" + coalesce(length(receipt_text), 0), id FROM submission s "

#define NO_FILE \
	" AND NOT EXISTS(SELECT 1 FROM inbox_file f" \
	"  WHERE f.submission = s.number AND f.key IS NOT NULL) "

/* Walks a bound statement of these columns. */
static int
each_submission(struct sql *db, sqlite3_stmt *stmt,
		store_due_submission_fn *each, void *ctx, struct error *err)
{
	int rc;

	while ((rc = sql_step(db, stmt, err)) > 0) {
		const struct store_due_submission s = {
			.number = sql_int(stmt, 0),
			.resource = sql_int(stmt, 1),
			.blob = sql_int(stmt, 2),
			.fix_blob = sql_int(stmt, 3),
			.bytes = sql_int(stmt, 4),
			.id = column_text(stmt, 5),
		};

		rc = each(ctx, &s);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_due_archive_each(struct sql *db, int64_t before,
		       store_due_submission_fn *each, void *ctx,
		       struct error *err)
{
	static const char text[] = DUE_SUBMISSION
		"WHERE expired = 0 AND judged_at < ?1"
		" AND state NOT IN('judging', 'quarantined')" NO_FILE
		" ORDER BY judged_at";
	static const char trials[] =
		DUE_SUBMISSION "WHERE number > 1 << 40 AND expired = 0"
			       " AND state <> 'judging'" NO_FILE;
	scope_stmt *stmt = NULL;
	scope_stmt *trial = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, before);
	rc = each_submission(db, stmt, each, ctx, err);
	if (!rc)
		rc = sql_get(db, trials, &trial, err);
	return rc ? rc : each_submission(db, trial, each, ctx, err);
}

int
store_expired_each(struct sql *db, int64_t after, store_due_submission_fn *each,
		   void *ctx, struct error *err)
{
	static const char text[] = DUE_SUBMISSION
		"WHERE expired = 1 AND number > ?1 ORDER BY number";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, after);
	return each_submission(db, stmt, each, ctx, err);
}

/* Runs a statement with up to two numbers. */
static int
run(struct sql *db, const char *text, int64_t a, int64_t b, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sql_bind_int(stmt, 2, b);
	return sql_run(db, stmt, err);
}

int
store_submission_expire(struct store_txn *txn, int64_t number,
			struct error *err)
{
	return run(txn->db,
		   "UPDATE submission SET expired = 1"
		   " WHERE number = ?1 AND expired = 0",
		   number, 0, err);
}

/* Nothing is left of a dry run, unless somebody still has its file open. */
static int
forget_trial(struct store_txn *txn, int64_t number, struct error *err)
{
	static const char text[] =
		"DELETE FROM submission WHERE number = ?1"
		" AND NOT EXISTS(SELECT 1 FROM inbox_file"
		"  WHERE submission = ?1)"
		" AND NOT EXISTS(SELECT 1 FROM erasure WHERE submission = ?1)";
	int rc = run(txn->db, "DELETE FROM fix_round WHERE submission = ?1",
		     number, 0, err);

	return rc ? rc : run(txn->db, text, number, 0, err);
}

int
store_submission_erase(struct store_txn *txn, int64_t number, struct error *err)
{
	int rc = run(txn->db,
		     "UPDATE submission SET expired = 2, blob = NULL,"
		     " fix_blob = NULL, fix_bytes = NULL, receipt_json = NULL,"
		     " receipt_text = NULL WHERE number = ?1 AND expired = 1",
		     number, 0, err);

	if (!rc)
		rc = run(txn->db,
			 "DELETE FROM inbox_hidden WHERE submission = ?1",
			 number, 0, err);
	if (!rc)
		rc = run(txn->db, "DELETE FROM fixed WHERE submission = ?1",
			 number, 0, err);
	return rc || number < STORE_TRIAL ? rc : forget_trial(txn, number, err);
}

/* ---- versions ------------------------------------------------------------ */

int
store_dataset_each(struct sql *db, store_dataset_each_fn *each, void *ctx,
		   struct error *err)
{
	static const char text[] =
		"SELECT min(dataset) FROM version WHERE dataset > ?1";
	int64_t dataset = 0;

	for (;;) {
		scope_stmt *stmt = NULL;
		int rc = sql_get(db, text, &stmt, err);

		if (rc)
			return rc;
		sql_bind_int(stmt, 1, dataset);
		rc = sql_step(db, stmt, err);
		if (rc <= 0 || sql_is_null(stmt, 0))
			return rc < 0 ? rc : 0;
		dataset = sql_int(stmt, 0);
		sql_reset(&stmt);
		rc = each(ctx, dataset);
		if (rc)
			return rc;
	}
}

/* One number, 0 where there is none. */
static int
number(struct sql *db, const char *text, int64_t of, int64_t *ret,
       struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	if (sqlite3_bind_parameter_count(stmt) > 0)
		sql_bind_int(stmt, 1, of);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : 0;
	return 0;
}

int
store_retained_first(struct sql *db, int64_t dataset, int64_t *ret,
		     struct error *err)
{
	return number(db, "SELECT first FROM retained WHERE dataset = ?1",
		      dataset, ret, err);
}

int
store_retained_above(struct sql *db, int64_t dataset, int64_t *ret,
		     struct error *err)
{
	return number(db,
		      "SELECT max(coalesce((SELECT above FROM retained"
		      "  WHERE dataset = ?1), 0), coalesce((SELECT value"
		      "  FROM meta WHERE name = 'version_above'"
		      "  AND NOT EXISTS(SELECT 1 FROM version"
		      "   WHERE dataset = ?1)), 0))",
		      dataset, ret, err);
}

int
store_retained_set_first(struct store_txn *txn, int64_t dataset, int64_t first,
			 struct error *err)
{
	return run(txn->db,
		   "INSERT INTO retained(dataset, first) VALUES(?1, ?2)"
		   " ON CONFLICT(dataset) DO UPDATE"
		   " SET first = max(first, excluded.first)",
		   dataset, first, err);
}

int
store_version_count(struct sql *db, int64_t dataset, int64_t from, int64_t to,
		    int64_t *ret, struct error *err)
{
	static const char text[] =
		"SELECT count(*) FROM version"
		" WHERE dataset = ?1 AND number >= ?2 AND number < ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, from);
	sql_bind_int(stmt, 3, to);
	rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = sql_int(stmt, 0);
	return 0;
}

static int
drop_text(struct store_txn *txn, int64_t id, struct error *err)
{
	return run(txn->db, "DELETE FROM version_text WHERE id = ?1", id, 0,
		   err);
}

int
store_version_texts_drop(struct store_txn *txn, int64_t dataset,
			 const int64_t *open, size_t n, int64_t limit,
			 int64_t *ret, struct error *err)
{
	static const char text[] =
		"SELECT id, number FROM version_text WHERE dataset = ?1"
		" AND number < (SELECT first FROM retained"
		"  WHERE dataset = ?1) ORDER BY number";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	*ret = 0;
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	while (*ret < limit && (rc = sql_step(txn->db, stmt, err)) > 0) {
		if (sql_has_id(open, n, sql_int(stmt, 1)))
			continue;
		rc = drop_text(txn, sql_int(stmt, 0), err);
		if (rc)
			return rc;
		++*ret;
	}
	return rc < 0 ? rc : 0;
}

int
store_version_rules_drop(struct store_txn *txn, int64_t dataset,
			 struct error *err)
{
	return run(txn->db,
		   "DELETE FROM version_rules WHERE dataset = ?1 AND number <"
		   " (SELECT max(r.number) FROM version_rules r, retained t"
		   "  WHERE r.dataset = ?1 AND t.dataset = ?1"
		   "  AND r.number <= t.first)",
		   dataset, 0, err);
}

int
store_hash_lost(struct sql *db, int64_t *ret, size_t limit, size_t *ret_n,
		struct error *err)
{
	static const char text[] =
		"SELECT h.state FROM main.file_hash h WHERE NOT EXISTS("
		"SELECT 1 FROM records.file_state s WHERE s.id = h.state)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	*ret_n = 0;
	while (!rc && *ret_n < limit && (rc = sql_step(db, stmt, err)) > 0) {
		ret[(*ret_n)++] = sql_int(stmt, 0);
		rc = 0;
	}
	return rc < 0 ? rc : 0;
}

int
store_hash_drop(struct store_txn *txn, const int64_t *states, size_t n,
		struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = run(txn->db, "DELETE FROM file_hash WHERE state = ?1",
			 states[i], 0, err);
	return rc;
}

/* ---- blobs and free pages ------------------------------------------------ */

int
store_blob_each(struct sql *db, store_blob_each_fn *each, void *ctx,
		struct error *err)
{
	static const char text[] =
		"SELECT id, EXISTS(SELECT 1 FROM submission s"
		"  WHERE s.blob = blob.id)"
		" OR EXISTS(SELECT 1 FROM submission WHERE fix_blob = blob.id)"
		" FROM blob WHERE id NOT IN(SELECT blob FROM erasure)"
		" ORDER BY id";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	while (!rc && (rc = sql_step(db, stmt, err)) > 0)
		rc = each(ctx, sql_int(stmt, 0), sql_int(stmt, 1));
	return rc;
}

int
store_free_bytes(struct sql *db, int64_t *ret, struct error *err)
{
	static const struct {
		const char *pages, *size;
	} files[] = {
		{"PRAGMA main.freelist_count", "PRAGMA main.page_size"},
		{"PRAGMA records.freelist_count", "PRAGMA records.page_size"},
	};
	int rc = 0;

	*ret = 0;
	for (size_t i = 0; !rc && i < sizeof(files) / sizeof(*files); i++) {
		int64_t pages = 0, size = 0;

		rc = number(db, files[i].pages, 0, &pages, err);
		if (!rc)
			rc = number(db, files[i].size, 0, &size, err);
		*ret += pages * size;
	}
	return rc;
}

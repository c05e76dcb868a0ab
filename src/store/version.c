/* Tables version, version_text and version_rules: see version.h. */
#include "store/version.h"

#include "store/sql.h"

/* Older ones are not kept. */
#define FIRST \
	"coalesce((SELECT first FROM retained" \
	" WHERE retained.dataset = version.dataset), 0)"

#define COLUMNS \
	" number, seq, published_at, submission, rows, inserted, updated," \
	" deleted, digest, number < " FIRST " "

static int
load(sqlite3_stmt *stmt, struct store_version *ret, struct error *err)
{
	struct slice submission = sql_bytes(stmt, 3);
	struct slice digest = sql_bytes(stmt, 8);

	if (digest.n != DIGEST_SIZE || submission.n >= sizeof(ret->submission))
		return error_set(err, ERR_CORRUPT,
				 "version %lld has a broken digest or "
				 "submission: restore a backup",
				 (long long)sql_int(stmt, 0));
	*ret = (struct store_version){
		.number = sql_int(stmt, 0),
		.seq = sql_int(stmt, 1),
		.published_at = sql_int(stmt, 2),
		.rows = sql_int(stmt, 4),
		.inserted = sql_int(stmt, 5),
		.updated = sql_int(stmt, 6),
		.deleted = sql_int(stmt, 7),
		.dropped = sql_int(stmt, 9),
	};
	if (submission.n)
		memcpy(ret->submission, submission.p, submission.n);
	memcpy(ret->digest, digest.p, DIGEST_SIZE);
	return 0;
}

int
store_version_insert(struct store_txn *txn, int64_t dataset,
		     const struct store_version *v, struct error *err)
{
	static const char text[] =
		"INSERT INTO version(dataset, number, seq, published_at,"
		" submission, rows, inserted, updated, deleted, digest)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, v->number);
	sql_bind_int(stmt, 3, v->seq);
	sql_bind_int(stmt, 4, v->published_at);
	sql_bind_text(stmt, 5, v->submission);
	sql_bind_int(stmt, 6, v->rows);
	sql_bind_int(stmt, 7, v->inserted);
	sql_bind_int(stmt, 8, v->updated);
	sql_bind_int(stmt, 9, v->deleted);
	sql_bind_blob(stmt, 10,
		      (struct slice){(const char *)v->digest, DIGEST_SIZE});
	return sql_run(txn->db, stmt, err);
}

/* Runs a query of one version with a dataset and a number; 1, 0, negative. */
static int
find(struct sql *db, const char *text, int64_t dataset, int64_t value,
     struct store_version *ret, struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, value);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	rc = load(stmt, ret, err);
	return rc ? rc : 1;
}

int
store_version_newest(struct sql *db, int64_t dataset, struct store_version *ret,
		     struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM version"
				   " WHERE dataset = ?1 AND number > ?2"
				   " ORDER BY number DESC LIMIT 1";

	return find(db, text, dataset, 0, ret, err);
}

int
store_version_get(struct sql *db, int64_t dataset, int64_t number,
		  struct store_version *ret, struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM version"
				   " WHERE dataset = ?1 AND number = ?2";

	return find(db, text, dataset, number, ret, err);
}

int
store_version_before(struct sql *db, int64_t dataset, int64_t ns,
		     struct store_version *ret, struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM version"
				   " WHERE dataset = ?1 AND published_at < ?2"
				   " ORDER BY number DESC LIMIT 1";

	return find(db, text, dataset, ns, ret, err);
}

int
store_version_since(struct sql *db, int64_t dataset, int64_t seq,
		    struct store_version *ret, struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM version"
				   " WHERE dataset = ?1 AND seq >= ?2"
				   " ORDER BY seq LIMIT 1";

	return find(db, text, dataset, seq, ret, err);
}

/* Walks a bound statement. */
static int
walk(struct sql *db, sqlite3_stmt *stmt, store_version_each_fn *each, void *ctx,
     struct error *err)
{
	int rc;

	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct store_version v;

		rc = load(stmt, &v, err);
		if (!rc)
			rc = each(ctx, &v);
		if (rc)
			return rc;
	}
	return rc;
}

int
store_version_each(struct sql *db, int64_t dataset, store_version_each_fn *each,
		   void *ctx, struct error *err)
{
	static const char text[] =
		"SELECT" COLUMNS "FROM version"
		" WHERE dataset = ?1 AND number >= " FIRST " ORDER BY number";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	return walk(db, stmt, each, ctx, err);
}

int
store_version_range(struct sql *db, int64_t dataset, int64_t first,
		    int64_t last, store_version_each_fn *each, void *ctx,
		    struct error *err)
{
	static const char text[] = "SELECT" COLUMNS "FROM version"
				   " WHERE dataset = ?1 AND number >= ?2"
				   " AND number <= ?3 ORDER BY number";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, first);
	sql_bind_int(stmt, 3, last);
	return walk(db, stmt, each, ctx, err);
}

int
store_version_text_insert(struct store_txn *txn, int64_t dataset,
			  int64_t number, const char *name, struct slice body,
			  struct error *err)
{
	static const char text[] =
		"INSERT INTO version_text(dataset, number, name, body)"
		" VALUES(?1, ?2, ?3, ?4)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, number);
	sql_bind_text(stmt, 3, name);
	sql_bind_blob(stmt, 4, body);
	return sql_run(txn->db, stmt, err);
}

int
store_version_text_get(struct sql *db, int64_t dataset, int64_t number,
		       const char *name, int64_t *ret_id, struct buf *out,
		       struct error *err)
{
	static const char text[] =
		"SELECT id, body FROM version_text"
		" WHERE dataset = ?1 AND number = ?2 AND name = ?3";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, number);
	sql_bind_text(stmt, 3, name);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	if (out && buf_addslice(out, sql_bytes(stmt, 1)))
		return error_nomem(err);
	*ret_id = sql_int(stmt, 0);
	return 1;
}

int
store_version_rules_insert(struct store_txn *txn, int64_t dataset,
			   int64_t number, const char *rules, struct error *err)
{
	static const char text[] =
		"INSERT INTO version_rules(dataset, number, body)"
		" VALUES(?1, ?2, ?3)";
	scope_stmt *stmt = NULL;
	int rc = sql_get(txn->db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, number);
	sql_bind_text(stmt, 3, rules);
	return sql_run(txn->db, stmt, err);
}

int
store_version_rules_get(struct sql *db, int64_t dataset, int64_t number,
			struct buf *out, struct error *err)
{
	static const char text[] = "SELECT body FROM version_rules"
				   " WHERE dataset = ?1 AND number <= ?2"
				   " ORDER BY number DESC LIMIT 1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, number);
	rc = sql_step(db, stmt, err);
	if (rc <= 0)
		return rc;
	return buf_addslice(out, sql_bytes(stmt, 0)) ? error_nomem(err) : 1;
}

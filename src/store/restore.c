/* The numbers of a state that was put back: see backup.h. */
#include "store/backup.h"

#include "base/scope.h"
#include "store/retain.h"
#include "store/sql.h"
#include "store/version.h"

#define HIGHER 1000000
#define META_ABOVE "version_above"

static int64_t
go_on_after(int64_t last, int64_t above)
{
	if (!above)
		return last + HIGHER;
	return last > above ? last : above;
}

/* ---- counters ------------------------------------------------------------ */

static int
raise_meta(struct sql *db, const char *name, int64_t above, int64_t *ret,
	   struct error *err)
{
	int64_t last = 0;
	int rc = store_meta_get(db, name, 0, &last, err);

	*ret = go_on_after(last, above);
	return rc ? rc : store_meta_set(db, name, *ret, err);
}

/* Of a table with AUTOINCREMENT, whether it ever had a row or not. */
static int
raise_sequence(struct sql *db, const char *table, int64_t above,
	       struct error *err)
{
	static const char find[] =
		"SELECT coalesce(max(seq), 0) FROM sqlite_sequence"
		" WHERE name = ?1";
	static const char forget[] =
		"DELETE FROM sqlite_sequence WHERE name = ?1";
	static const char set[] =
		"INSERT INTO sqlite_sequence(name, seq) VALUES(?1, ?2)";
	const char *const texts[] = {find, forget, set};
	int64_t next = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < 3; i++) {
		scope_stmt *stmt = NULL;

		rc = sql_get(db, texts[i], &stmt, err);
		if (rc)
			return rc;
		sql_bind_text(stmt, 1, table);
		if (texts[i] == set)
			sql_bind_int(stmt, 2, next);
		rc = sql_step(db, stmt, err);
		if (texts[i] == find && rc > 0)
			next = go_on_after(sql_int(stmt, 0), above);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

struct raise {
	struct store_txn *txn;
	int64_t above;
	struct error *err;
};

static int
raise_dataset(void *ctx, int64_t dataset)
{
	static const char text[] =
		"INSERT INTO retained(dataset, above) VALUES(?1, ?2)"
		" ON CONFLICT(dataset) DO UPDATE SET above = excluded.above";
	const struct raise *r = ctx;
	struct store_version newest = {0};
	scope_stmt *stmt = NULL;
	int rc = store_version_newest(r->txn->db, dataset, &newest, r->err);

	if (rc >= 0)
		rc = sql_get(r->txn->db, text, &stmt, r->err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, dataset);
	sql_bind_int(stmt, 2, go_on_after(newest.number, r->above));
	return sql_run(r->txn->db, stmt, r->err);
}

/* 'object' stays: its numbers are few, and name no bytes. */
static int
raise_main(struct store *store, int64_t above, struct store_numbers *ret,
	   struct error *err)
{
	static const char *const tables[] = {"blob", "inbox_file", "done",
					     "version_text"};
	scope_txn txn = {0};
	struct raise r = {&txn, above, err};
	int64_t ignored;
	int rc = store_begin(store, &txn, err);

	if (!rc)
		rc = raise_meta(txn.db, "published", above, &ret->sequence,
				err);
	if (!rc)
		rc = raise_meta(txn.db, "submission", above, &ret->submission,
				err);
	if (!rc)
		rc = raise_meta(txn.db, "trial", above, &ignored, err);
	if (!rc)
		rc = raise_meta(txn.db, "pack_rewritten", above, &ignored, err);
	if (!rc)
		rc = raise_meta(txn.db, META_ABOVE, above, &ignored, err);
	for (size_t i = 0; !rc && i < sizeof(tables) / sizeof(*tables); i++)
		rc = raise_sequence(txn.db, tables[i], above, err);
	if (!rc)
		rc = store_dataset_each(txn.db, raise_dataset, &r, err);
	return rc ? rc : store_commit(&txn, err);
}

/* The ids of theme_row name nodes and are given by SQLite, one above the
 * highest: a row of no theme, which never holds, is that. */
static int
raise_theme_rows(struct sql *db, int64_t above, struct error *err)
{
	static const char find[] = "SELECT coalesce(max(id), 0) FROM theme_row";
	static const char forget[] = "DELETE FROM theme_row WHERE theme = 0";
	static const char set[] =
		"INSERT INTO theme_row(id, theme, subject, since, until,"
		" version, shelf, cells) VALUES(?1, 0, X'', 0, 0, 0, 0, X'')";
	scope_stmt *found = NULL, *stmt = NULL;
	int rc = sql_get(db, find, &found, err);

	if (!rc)
		rc = sql_step(db, found, err);
	if (rc > 0)
		rc = sql_exec(db, forget, err);
	if (!rc)
		rc = sql_get(db, set, &stmt, err);
	if (rc)
		return rc;
	sql_bind_int(stmt, 1, go_on_after(sql_int(found, 0), above));
	return sql_run(db, stmt, err);
}

static int
raise_records(struct store *store, int64_t above, struct error *err)
{
	static const char *const tables[] = {"file_state", "run"};
	struct sql *db = store_records(store);
	int rc = store_records_begin(store, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < sizeof(tables) / sizeof(*tables); i++)
		rc = raise_sequence(db, tables[i], above, err);
	if (!rc)
		rc = raise_theme_rows(db, above, err);
	if (!rc)
		rc = store_records_commit(store, 0, err);
	if (rc)
		store_records_rollback(store);
	return rc;
}

int
store_restore_numbers(int state_fd, int64_t above, struct store_numbers *ret,
		      struct error *err)
{
	struct store *store = NULL;
	int rc = store_open_restoring(state_fd, &store, err);

	if (rc)
		return rc;
	/* what was not flipped has been undone: now it may be passed */
	rc = raise_records(store, above, err);
	if (!rc)
		rc = raise_main(store, above, ret, err);
	store_close(store);
	return rc;
}

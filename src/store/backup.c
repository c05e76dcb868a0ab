/* Copying both databases as of one moment: see backup.h. */
#include "store/backup.h"

#include "store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAIN "civicfs.db"
#define RECORDS "records/records.db"
#define PAGES_AT_ONCE 1024

struct store_backup {
	struct sql *db; /* in a read transaction on both */
	int64_t sequence;
};

/* ---- the moment ---------------------------------------------------------- */

/* The blobs that somebody but a gc may remove: uploads, and what a verdict or
 * a decision to come makes superfluous. */
static int
keep_blobs(struct sql *db, store_backup_keep_fn *keep, void *ctx,
	   struct error *err)
{
	static const char text[] =
		"SELECT blob FROM inbox_file WHERE submission IS NULL UNION"
		" SELECT blob FROM submission WHERE blob IS NOT NULL"
		"  AND state IN('judging', 'incomplete', 'quarantined') UNION"
		" SELECT fix_blob FROM submission WHERE fix_blob IS NOT NULL"
		"  AND state IN('judging', 'incomplete', 'quarantined',"
		"   'partial') UNION"
		" SELECT blob FROM fix_round WHERE blob IS NOT NULL";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	while (!rc && (rc = sql_step(db, stmt, err)) > 0)
		rc = keep(ctx, sql_int(stmt, 0));
	return rc;
}

/* A snapshot is taken by the first read of each file. */
static int
take_moment(struct store_backup *b, struct error *err)
{
	static const char text[] = "SELECT seq FROM records.mark";
	scope_stmt *stmt = NULL;
	int rc = sql_exec(b->db, "BEGIN", err);

	if (!rc)
		rc = store_meta_get(b->db, "published", 0, &b->sequence, err);
	if (!rc)
		rc = sql_get(b->db, text, &stmt, err);
	if (!rc)
		rc = sql_step(b->db, stmt, err);
	return rc < 0 ? rc : 0;
}

/* While the writer's lock is had, nobody removes anything either: that comes
 * after a commit. */
static int
begin(struct store_backup *b, store_backup_keep_fn *keep, void *ctx,
      struct error *err)
{
	struct sql *writer = NULL;
	int rc = sql_open(MAIN, 0, &writer, err);

	if (!rc)
		rc = sql_exec(writer, "BEGIN IMMEDIATE", err);
	if (!rc)
		rc = take_moment(b, err);
	if (!rc)
		rc = keep_blobs(b->db, keep, ctx, err);
	if (writer && !sqlite3_get_autocommit(sql_handle(writer)))
		(void)!sql_exec(writer, "ROLLBACK", NULL);
	sql_close(writer);
	return rc;
}

int
store_backup_begin(int state_fd, store_backup_keep_fn *keep, void *ctx,
		   struct store_backup **ret, struct error *err)
{
	struct store_backup *b;
	int rc;

	if (fchdir(state_fd))
		return error_errno(err, errno, "cannot enter the state");
	if (access(MAIN, F_OK) || access(RECORDS, F_OK))
		return error_set(err, ERR_NOTFOUND,
				 "there is no state to back up");
	b = calloc(1, sizeof(*b));
	if (!b)
		return error_nomem(err);
	rc = sql_open(MAIN, SQL_READONLY, &b->db, err);
	if (!rc)
		rc = sql_exec(b->db, "ATTACH '" RECORDS "' AS records", err);
	if (!rc)
		rc = begin(b, keep, ctx, err);
	if (rc) {
		store_backup_end(b);
		return rc;
	}
	*ret = b;
	return 0;
}

void
store_backup_end(struct store_backup *b)
{
	if (!b)
		return;
	if (b->db && !sqlite3_get_autocommit(sql_handle(b->db)))
		(void)!sql_exec(b->db, "ROLLBACK", NULL);
	sql_close(b->db);
	free(b);
}

int64_t
store_backup_sequence(const struct store_backup *b)
{
	return b->sequence;
}

struct sql *
store_backup_db(struct store_backup *b)
{
	return b->db;
}

/* ---- copying ------------------------------------------------------------- */

static int
copy_pages(struct store_backup *b, struct sql *to, const char *schema,
	   int (*each)(void *ctx, int64_t done, int64_t all), void *ctx,
	   struct error *err)
{
	sqlite3_backup *copy = sqlite3_backup_init(sql_handle(to), "main",
						   sql_handle(b->db), schema);
	int rc = 0, step = copy ? SQLITE_OK : SQLITE_ERROR;

	while (!rc && step == SQLITE_OK) {
		int64_t all;

		step = sqlite3_backup_step(copy, PAGES_AT_ONCE);
		all = sqlite3_backup_pagecount(copy);
		rc = each(ctx, all - sqlite3_backup_remaining(copy), all);
	}
	sqlite3_backup_finish(copy);
	if (!rc && step != SQLITE_DONE)
		rc = sql_fail(to, err);
	return rc;
}

/* A log of its own would not be part of the backup. */
static int
finish(struct sql *to, enum store_backup_file which, struct error *err)
{
	int rc = sql_exec(to, "PRAGMA journal_mode=DELETE", err);

	if (!rc && which == STORE_BACKUP_MAIN)
		rc = sql_exec(to,
			      "UPDATE inbox_file SET killed = 1"
			      " WHERE submission IS NULL",
			      err);
	return rc;
}

int
store_backup_copy(struct store_backup *b, enum store_backup_file which,
		  const char *to,
		  int (*each)(void *ctx, int64_t done, int64_t all), void *ctx,
		  struct error *err)
{
	struct sql *db = NULL;
	int rc = sql_open(to, SQL_SCRATCH, &db, err);

	if (!rc)
		rc = copy_pages(b, db,
				which == STORE_BACKUP_MAIN ? "main" : "records",
				each, ctx, err);
	if (!rc)
		rc = finish(db, which, err);
	sql_close(db);
	return rc ? error_prefix(err, rc, "copying a database") : 0;
}

/* Opening the state, transactions, readers, recovery: see store.h. */
#include "store/store.h"

#include "base/pulse.h"
#include "base/scope.h"
#include "store/log.h"
#include "store/presence.h"
#include "store/record.h"
#include "store/run.h"
#include "store/run_cache.h"
#include "store/run_files.h"
#include "store/schema.h"
#include "store/spare.h"
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define READERS_KEPT 16
#define LOG_PAGES 1000 /* SQLite's own measure for a checkpoint */
/* So many may pass one publish. Numbers are not to run out either: packs have
 * ten digits for them (publish/pack.h). */
#define AHEAD 4096

struct store {
	int dir;
	struct sql *main;
	struct sql *records;
	struct run_files *runs;
	pthread_mutex_t writer; /* held from store_begin to its end */
	pthread_mutex_t readers_lock;
	struct sql *readers[READERS_KEPT]; /* idle ones */
	size_t nreaders;
	int64_t publishing;   /* set by store_publish, under 'writer' */
	bool light;	      /* commits do not wait; under 'writer' */
	atomic_bool doubtful; /* a commit failed: seal(); set under 'writer' */
	struct store_log log; /* of civicfs.db */
	int waiting;	      /* pages of records.db in its write-ahead log */
	int64_t mark;	      /* as in table mark */
	int64_t passed;	      /* the same of those that pass a waiting one */
	_Atomic int64_t published;
	atomic_bool spare_given; /* that for removing files */
};

/* ---- opening ------------------------------------------------------------- */

static int
make_folders(struct error *err)
{
	static const char *const folders[] = {RECORDS_DIR, "runs", "intake",
					      "packs", "cache"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (mkdir(folders[i], 0700) && errno != EEXIST)
			return error_errno(err, errno,
					   "cannot make the state's folder "
					   "'%s'",
					   folders[i]);
	}
	return 0;
}

static int
count_waiting(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store *store = ctx;

	(void)db;
	(void)name;
	store->waiting = pages;
	return SQLITE_OK;
}

static int
open_databases(struct store *store, bool create, struct error *err)
{
	int flags = create ? SQL_CREATE : 0;
	int rc = sql_open(MAIN_NAME, flags, &store->main, err);

	if (!rc)
		rc = sql_migrate(store->main, store_schema_main,
				 store_schema_main_n, err);
	if (!rc)
		store_log_open(&store->log, MAIN_NAME "-wal");
	if (!rc)
		rc = store_presence_check_records(store->main, err);
	if (!rc)
		rc = sql_open(RECORDS_NAME, flags, &store->records, err);
	/* a publish walks several indexes at once: 8 MiB keep them at hand */
	if (!rc)
		sql_set_runs(store->records, store->runs);
	if (!rc)
		rc = sql_exec(store->records, "PRAGMA cache_size=-8192", err);
	if (!rc)
		rc = sql_migrate(store->records, store_schema_records,
				 store_schema_records_n, err);
	/* in place of the checkpoint that SQLite makes within a commit, for
	 * which a verdict would wait: store_records_settle() */
	if (!rc)
		sqlite3_wal_hook(sql_handle(store->records), count_waiting,
				 store);
	return rc;
}

static int
get_mark(struct sql *db, int64_t *ret, struct error *err)
{
	static const char text[] = "SELECT seq FROM mark";
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (!rc)
		rc = sql_step(db, stmt, err);
	if (rc < 0)
		return rc;
	*ret = rc ? sql_int(stmt, 0) : 0;
	return 0;
}

/* What a publish that was not flipped has left, which nobody sees, is removed
 * by the next that writes; 'at_once': here. */
static int
recover(struct store *store, bool at_once, struct error *err)
{
	int64_t published = 0;
	int rc = store_meta_get(store->main, "published", 0, &published, err);

	if (!rc)
		rc = get_mark(store->records, &store->mark, err);
	if (rc)
		return rc;
	atomic_store(&store->published, published);
	if (at_once)
		rc = store_records_begin(store, err);
	if (!rc && at_once)
		rc = store_records_commit(store, 0, err);
	if (rc && at_once)
		store_records_rollback(store);
	if (!rc)
		rc = run_number(store->records, err);
	return rc ? rc : run_sweep(store->records, err);
}

bool
store_spare_give(struct store *store)
{
	return !atomic_exchange(&store->spare_given, true) &&
	       unlinkat(store->dir, SPARE_REMOVE, 0) == 0;
}

void
store_spare_keep(struct store *store)
{
	if (!atomic_load(&store->spare_given))
		return;
	if (spare_keep(store->dir, SPARE_REMOVE))
		atomic_store(&store->spare_given, false);
}

static int
open_all(struct store *store, bool create, struct error *err)
{
	int rc = open_databases(store, create, err);

	if (!rc)
		rc = recover(store, !create, err);
	return rc ? rc : sql_exec(store->records, store_schema_temporary, err);
}

static void
close_databases(struct store *store)
{
	sql_close(store->records);
	sql_close(store->main);
	store->records = store->main = NULL;
	store_log_close(&store->log);
}

static int
new_store(int state_fd, struct store **ret, struct error *err)
{
	struct store *store;

	if (fchdir(state_fd))
		return error_errno(err, errno, "cannot enter the state");
	store = calloc(1, sizeof(*store));
	if (!store)
		return error_nomem(err);
	pthread_mutex_init(&store->writer, NULL);
	pthread_mutex_init(&store->readers_lock, NULL);
	store->dir = state_fd;
	store->log.fd = -1;
	store->runs = run_files_new();
	if (!store->runs) {
		store_close(store);
		return error_nomem(err);
	}
	*ret = store;
	return 0;
}

int
store_open(int state_fd, bool create, struct store **ret, struct error *err)
{
	struct store *store = NULL;
	int rc = new_store(state_fd, &store, err);

	if (rc)
		return rc;
	rc = store_presence_check(create, err);
	if (!rc && create)
		rc = make_folders(err);
	if (!rc)
		rc = open_all(store, create, err);
	if (rc == ERR_IO && create && !unlink(SPARE_START)) {
		close_databases(store);
		rc = open_all(store, create, err);
	}
	if (rc) {
		store_close(store);
		return rc;
	}
	if (create) {
		(void)spare_keep(state_fd, SPARE_START);
		atomic_store(&store->spare_given,
			     !spare_keep(state_fd, SPARE_REMOVE));
	}
	*ret = store;
	return 0;
}

int
store_open_restoring(int state_fd, struct store **ret, struct error *err)
{
	struct store *store = NULL;
	int rc = new_store(state_fd, &store, err);

	if (!rc)
		rc = open_all(store, false, err);
	if (rc) {
		store_close(store);
		return rc;
	}
	*ret = store;
	return 0;
}

static int
read_published(struct store *store, struct error *err)
{
	scope_reader reader = {0};
	int64_t published = 0;
	int rc = store_reader_get(store, &reader, err);

	if (!rc)
		rc = store_meta_get(reader.db, "published", 0, &published, err);
	atomic_store(&store->published, published);
	return rc;
}

int
store_open_reading(int state_fd, struct store **ret, struct error *err)
{
	struct store *store = NULL;
	int rc = new_store(state_fd, &store, err);

	if (rc)
		return rc;
	rc = store_presence_check(false, err);
	if (!rc)
		rc = read_published(store, err);
	if (rc) {
		store_close(store);
		return rc;
	}
	*ret = store;
	return 0;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->nreaders; i++)
		sql_close(store->readers[i]);
	close_databases(store);
	run_files_free(store->runs);
	pthread_mutex_destroy(&store->writer);
	pthread_mutex_destroy(&store->readers_lock);
	free(store);
}

int
store_dir_fd(const struct store *store)
{
	return store->dir;
}

int64_t
store_published(const struct store *store)
{
	return atomic_load(&store->published);
}

/* ---- transactions on civicfs.db ------------------------------------------ */

/* A commit that could not be made durable may be found whole by the next
 * recovery, because its frames are in the log: until others have taken their
 * place, nobody may act upon its failure (begin it anew, replace its pack).
 * The log goes on where that commit began. The writer is held. */
static int
seal(struct store *store, struct error *err)
{
	static const char text[] =
		"INSERT INTO meta(name, value) VALUES('sealed', 1)"
		" ON CONFLICT(name) DO UPDATE SET value = value + 1";
	int rc;

	if (!atomic_load(&store->doubtful))
		return 0;
	rc = sql_exec(store->main, text, err);
	if (rc)
		return error_prefix(err, rc,
				    "a commit failed and cannot be ruled out");
	atomic_store(&store->doubtful, false);
	return 0;
}

/* Not so when there was no room: then its last frame is not written. */
static bool
is_doubtful(struct sql *db)
{
	int rc = sqlite3_extended_errcode(sql_handle(db)) & 0xff;

	return rc == SQLITE_IOERR;
}

/* What was committed under NORMAL is in the log, and is made durable with the
 * log by the next commit under FULL. */
static int
set_light(struct store *store, bool light, struct error *err)
{
	int rc;

	if (store->light == light)
		return 0;
	rc = sql_exec(store->main,
		      light ? "PRAGMA synchronous=NORMAL"
			    : "PRAGMA synchronous=FULL",
		      err);
	if (!rc)
		store->light = light;
	return rc;
}

static int
begin(struct store *store, bool light, struct store_txn *ret, struct error *err)
{
	int rc;

	pulse_lock(&store->writer);
	store->publishing = 0;
	rc = store_log_mend(&store->log, store->main, err);
	if (!rc)
		rc = set_light(store, light && !store_is_doubtful(store), err);
	if (!rc)
		rc = seal(store, err);
	if (!rc)
		rc = sql_do(store->main, "BEGIN IMMEDIATE", err);
	if (rc) {
		pthread_mutex_unlock(&store->writer);
		return rc;
	}
	ret->store = store;
	ret->db = store->main;
	return 0;
}

int
store_begin(struct store *store, struct store_txn *ret, struct error *err)
{
	return begin(store, false, ret, err);
}

int
store_begin_light(struct store *store, struct store_txn *ret, struct error *err)
{
	return begin(store, true, ret, err);
}

static void
end_txn(struct store_txn *txn)
{
	pthread_mutex_unlock(&txn->store->writer);
	txn->store = NULL;
	txn->db = NULL;
}

/* Whoever is told of the failure acts upon it: removes what the transaction
 * spoke of, answers that nothing was done. So it is ruled out at once, before
 * the process can die; where even that fails, the next transaction does. */
static void
fail_commit(struct store_txn *txn)
{
	struct store *store = txn->store;

	atomic_store(&store->doubtful, is_doubtful(txn->db));
	if (!sqlite3_get_autocommit(sql_handle(txn->db)))
		(void)!sql_exec(txn->db, "ROLLBACK", NULL);
	(void)!seal(store, NULL);
	end_txn(txn);
}

int
store_commit(struct store_txn *txn, struct error *err)
{
	int rc = sql_do(txn->db, "COMMIT", err);

	if (rc) {
		fail_commit(txn);
		return rc;
	}
	if (txn->store->publishing)
		atomic_store(&txn->store->published, txn->store->publishing);
	end_txn(txn);
	return 0;
}

int
store_sync(struct store *store, struct error *err)
{
	scope_txn txn = {0};
	int64_t times = 0;
	int rc = store_begin(store, &txn, err);

	if (!rc)
		rc = store_meta_next(&txn, "synced", &times, err);
	return rc ? rc : store_commit(&txn, err);
}

int
store_sync_log(struct store *store, struct error *err)
{
	return store->log.fd < 0 ? store_sync(store, err)
				 : store_log_sync(&store->log, err);
}

bool
store_is_doubtful(const struct store *store)
{
	return atomic_load(&store->doubtful);
}

void
store_rollback(struct store_txn *txn)
{
	if (!txn->store)
		return;
	if (!sqlite3_get_autocommit(sql_handle(txn->db)))
		(void)!sql_exec(txn->db, "ROLLBACK", NULL);
	end_txn(txn);
}

int
store_publish(struct store_txn *txn, int64_t seq, struct error *err)
{
	int rc = store_meta_set(txn->db, "published", seq, err);

	if (!rc)
		txn->store->publishing = seq;
	return rc;
}

/* ---- readers ------------------------------------------------------------- */

static int
open_reader(struct store *store, struct sql **ret, struct error *err)
{
	static const char attach[] = "ATTACH '" RECORDS_NAME "' AS records";
	struct sql *db = NULL;
	int rc = sql_open(MAIN_NAME, SQL_READONLY, &db, err);

	if (rc)
		return rc;
	rc = sql_exec(db, attach, err);
	if (rc) {
		sql_close(db);
		return rc;
	}
	sql_set_runs(db, store->runs);
	*ret = db;
	return 0;
}

int
store_reader_get(struct store *store, struct store_reader *ret,
		 struct error *err)
{
	struct sql *db = NULL;
	int rc = 0;

	pthread_mutex_lock(&store->readers_lock);
	if (store->nreaders)
		db = store->readers[--store->nreaders];
	pthread_mutex_unlock(&store->readers_lock);
	if (!db)
		rc = open_reader(store, &db, err);
	if (!rc)
		rc = sql_do(db, "BEGIN", err);
	if (rc) {
		sql_close(db);
		return rc;
	}
	ret->store = store;
	ret->db = db;
	return 0;
}

void
store_reader_put(struct store_reader *reader)
{
	struct store *store = reader->store;
	bool kept = false;

	if (!store)
		return;
	if (!sqlite3_get_autocommit(sql_handle(reader->db)))
		(void)!sql_do(reader->db, "ROLLBACK", NULL);
	pthread_mutex_lock(&store->readers_lock);
	if (store->nreaders < READERS_KEPT) {
		store->readers[store->nreaders++] = reader->db;
		kept = true;
	}
	pthread_mutex_unlock(&store->readers_lock);
	if (!kept)
		sql_close(reader->db);
	reader->store = NULL;
	reader->db = NULL;
}

/* ---- the writer of records.db -------------------------------------------- */

struct sql *
store_records(struct store *store)
{
	return store->records;
}

/* Undoing asks the mark whether there is anything to undo. */
static int
set_mark(struct store *store, int64_t seq, struct error *err)
{
	static const char text[] = "UPDATE mark SET seq = ?1";
	scope_stmt *stmt = NULL;
	int rc = sql_get(store->records, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, seq);
	store->mark = seq;
	return sql_run(store->records, stmt, err);
}

/* One that waits has the higher mark. */
static int
note_written(struct store *store, int64_t seq, struct error *err)
{
	if (!sql_waiting(store->records))
		return set_mark(store, seq, err);
	store->passed = seq;
	return 0;
}

/* A publish that was committed here and then not flipped, because the disk was
 * full or the program died, left rows beyond the published sequence. They look
 * like rows of today to whoever writes next, under the same sequence. */
static int
undo_unpublished(struct store *store, struct error *err)
{
	int64_t waiting = sql_waiting(store->records);
	int64_t published = store_published(store);

	if ((waiting ? store->passed : store->mark) <= published)
		return 0;
	return store_records_undo(store, published + 1, err);
}

/* A transaction of this thread on civicfs.db has ruled out what is doubtful. */
static int
begin_writing(struct store *store, int64_t seq, struct error *err)
{
	int rc = 0;

	if (atomic_load(&store->doubtful)) {
		pulse_lock(&store->writer);
		rc = seal(store, err);
		pthread_mutex_unlock(&store->writer);
	}
	if (!rc)
		rc = sql_exec(store->records, "BEGIN IMMEDIATE", err);
	if (rc)
		return rc;
	rc = undo_unpublished(store, err);
	if (rc)
		store_records_rollback(store);
	else
		sql_set_writing(store->records, seq);
	return rc;
}

int
store_records_begin(struct store *store, struct error *err)
{
	return begin_writing(store, store_published(store) + 1, err);
}

int
store_records_commit(struct store *store, int64_t seq, struct error *err)
{
	int rc = seq ? note_written(store, seq, err) : 0;

	sql_set_writing(store->records, 0);
	if (!rc)
		rc = sql_exec(store->records, "COMMIT", err);
	if (!rc)
		run_files_end(store->runs, true);
	return rc;
}

int
store_records_show(struct store *store, int64_t seq, struct error *err)
{
	int rc = store_records_commit(store, seq, err);

	if (!rc)
		rc = sql_exec(store->records, "BEGIN IMMEDIATE", err);
	sql_set_writing(store->records, rc ? 0 : seq);
	return rc;
}

void
store_records_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(sql_handle(store->records)))
		(void)!sql_exec(store->records, "ROLLBACK", NULL);
	sql_set_writing(store->records, 0);
	run_files_end(store->runs, false);
}

/* ---- a large publish that lets others pass ------------------------------- */

int64_t
store_ahead(const struct store *store)
{
	return store_published(store) + AHEAD;
}

bool
store_may_pass(const struct store *store)
{
	int64_t waiting = sql_waiting(store->records);

	return !waiting || store_published(store) + 1 < waiting;
}

int
store_records_begin_ahead(struct store *store, int64_t seq, struct error *err)
{
	return begin_writing(store, seq, err);
}

int
store_records_wait(struct store *store, int64_t seq, struct error *err)
{
	int rc = store_records_commit(store, seq, err);

	if (rc)
		return rc;
	store->passed = store_published(store);
	sql_set_waiting(store->records, seq);
	return 0;
}

int
store_records_go_on(struct store *store, struct error *err)
{
	int64_t seq = sql_waiting(store->records);
	int rc = begin_writing(store, seq, err);

	sql_set_waiting(store->records, 0);
	return rc;
}

void
store_records_give_up(struct store *store)
{
	sql_set_waiting(store->records, 0);
}

/* ---- room ---------------------------------------------------------------- */

void
store_records_shrink(struct store *store)
{
	sqlite3 *db = sql_handle(store->records);

	/* Nobody waits for readers, or if there is no room even for that. */
	sqlite3_busy_timeout(db, 0);
	(void)sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE,
					NULL, NULL);
	sqlite3_busy_timeout(db, SQL_BUSY_MS);
}

/* A failure changes nothing: the log grows on and is tried again. */
void
store_records_settle(struct store *store)
{
	if (store->waiting < LOG_PAGES)
		return;
	sqlite3_wal_checkpoint_v2(sql_handle(store->records), NULL,
				  SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	store->waiting = 0;
}

/* ---- undoing ------------------------------------------------------------- */

static int
run_between(struct sql *db, const char *text, int64_t from, int64_t to,
	    struct error *err)
{
	scope_stmt *stmt = NULL;
	int rc = sql_get(db, text, &stmt, err);

	if (rc)
		return rc;
	sql_bind_int(stmt, 1, from);
	sql_bind_int(stmt, 2, to);
	return sql_run(db, stmt, err);
}

int
store_records_undo(struct store *store, int64_t seq, struct error *err)
{
#define SINCE " WHERE since >= ?1 AND since < ?2"
#define UNTIL " SET until = NULL WHERE until >= ?1 AND until < ?2"
	static const char *const undo[] = {
		"DELETE FROM record" SINCE,
		"UPDATE record" UNTIL,
		"DELETE FROM link" SINCE,
		"UPDATE link" UNTIL,
		"UPDATE lens SET linked = NULL"
		" WHERE linked >= ?1 AND linked < ?2",
		"DELETE FROM theme_row" SINCE,
		"UPDATE theme_row" UNTIL,
		"DELETE FROM orphan" SINCE,
		"UPDATE orphan" UNTIL,
		"DELETE FROM run" SINCE,
		"UPDATE run SET until = NULL, merged_into = NULL"
		" WHERE until >= ?1 AND until < ?2",
		"DELETE FROM gone WHERE until >= ?1 AND until < ?2",
		"DELETE FROM chunk" SINCE,
		"UPDATE chunk" UNTIL,
		"DELETE FROM file_state" SINCE,
		"UPDATE file_state" UNTIL,
	};
#undef SINCE
#undef UNTIL
	struct sql *db = store->records;
	int64_t waiting = sql_waiting(db);
	int64_t end = waiting ? waiting : INT64_MAX;
	int rc = run_drop_between(db, seq, end, err);

	for (size_t i = 0; !rc && i < sizeof(undo) / sizeof(*undo); i++)
		rc = run_between(db, undo[i], seq, end, err);
	return rc ? rc : note_written(store, seq - 1, err);
}

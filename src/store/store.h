/*
 * The state: what SQLite holds, and who may touch it when (DESIGN 3).
 *
 *   civicfs.db   submissions, inbox files, versions: small transactions
 *   records.db   current and earlier rows of resources and themes, and where
 *                their published bytes lie: large transactions
 *
 * Every row of records.db carries the publish sequence numbers between which
 * it holds: since <= S, and until NULL or > S. One number in civicfs.db, the
 * published sequence, is the only flip: a publish commits records.db under
 * a later number, then civicfs.db with that number; recovery removes what
 * lies beyond it. So no commit has to be atomic over two files.
 *
 * A struct sql is one connection. The writer of civicfs.db is shared and
 * taken by store_begin(); the writer of records.db belongs to the one thread
 * that judges; readers come from a pool, one thread at a time each, and see
 * both files. Tables have functions of their own in this folder; no other
 * folder knows SQL. No connection crosses a fork.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"

#include <stdint.h>

struct store;
struct sql;

/*
 * Opens (and with 'create' makes or migrates) the state in the folder of
 * 'state_fd'. What a publish that was not flipped has left is removed by the
 * next store_records_begin(), without 'create' here. Changes the
 * working directory of the process to that folder, which is how the service
 * user reaches a state below folders it may not search. ERR_CORRUPT for a
 * state of a newer program or a damaged one; ERR_NOTFOUND without 'create'
 * when there is none; ERR_IO; ERR_NOMEM.
 */
MUST_CHECK int store_open(int state_fd, bool create, struct store **ret,
			  struct error *err);
/* The same for a process that looks on while another has the state open: only
 * store_reader_get() and store_published(), as it is at this moment, may be
 * used. ERR_NOTFOUND, ERR_IO, ERR_NOMEM. */
MUST_CHECK int store_open_reading(int state_fd, struct store **ret,
				  struct error *err);
/* The same, without creating, while STORE_RESTORING is there (backup.h). */
MUST_CHECK int store_open_restoring(int state_fd, struct store **ret,
				    struct error *err);
void store_close(struct store *store);
int store_dir_fd(const struct store *store);

/* The published sequence: what readers see. Any thread, no lock. */
int64_t store_published(const struct store *store);

/* A transaction on civicfs.db. Blocks until the writer is free. With
 * scope_txn it is rolled back at the end of the block unless committed. */
struct store_txn {
	struct store *store; /* NULL: not begun, or ended */
	struct sql *db;
};
MUST_CHECK int store_begin(struct store *store, struct store_txn *ret,
			   struct error *err);
/* For what nobody is told of before more is committed: it survives the death of
 * the process, and that of the machine once the next store_begin()'s
 * transaction is committed. Costs no wait for the disk. */
MUST_CHECK int store_begin_light(struct store *store, struct store_txn *ret,
				 struct error *err);
/* Makes durable what such transactions have committed. */
MUST_CHECK int store_sync(struct store *store, struct error *err);
/* The same without the writer, which others may have meanwhile. ERR_IO: then
 * what they commit is not found after a crash, until the first of them has
 * brought it all to its place, or has failed as well. Any thread. */
MUST_CHECK int store_sync_log(struct store *store, struct error *err);
/* Durable when it returns 0; otherwise rolled back, and never found again
 * after a crash, unless the disk does not even take a word about that:
 * then it is doubtful until the next transaction has begun, and what it
 * speaks of must stay. */
MUST_CHECK int store_commit(struct store_txn *txn, struct error *err);
bool store_is_doubtful(const struct store *store);
void store_rollback(struct store_txn *txn);
#define scope_txn __attribute__((cleanup(store_rollback))) struct store_txn

/* Sets the published sequence inside a transaction; readers see it once the
 * transaction is committed. */
MUST_CHECK int store_publish(struct store_txn *txn, int64_t seq,
			     struct error *err);

/* A reader of both files. NULL when no connection can be had (err says why).
 * Everything read between get and put is one moment. */
struct store_reader {
	struct store *store; /* NULL: none */
	struct sql *db;
};
MUST_CHECK int store_reader_get(struct store *store, struct store_reader *ret,
				struct error *err);
void store_reader_put(struct store_reader *reader);
#define scope_reader \
	__attribute__((cleanup(store_reader_put))) struct store_reader

/* The writer of records.db: one thread only, the one that judges. */
struct sql *store_records(struct store *store);
/* What an earlier transaction committed under a sequence that was never
 * published is undone first. */
MUST_CHECK int store_records_begin(struct store *store, struct error *err);
/* 'seq' is the publish this is part of; 0 when nothing carries its number. */
MUST_CHECK int store_records_commit(struct store *store, int64_t seq,
				    struct error *err);
void store_records_rollback(struct store *store);
/* Commits what was written under 'seq', which is part of a publish to come, so
 * that other connections see it, and goes on with the transaction. A rollback
 * undoes only what follows; the next store_records_begin() the rest. */
MUST_CHECK int store_records_show(struct store *store, int64_t seq,
				  struct error *err);
/*
 * A large publish takes long, and others must not wait for it. It takes a
 * number that is some way ahead of the published one, so that others can be
 * published meanwhile under the numbers between: nobody sees what is beyond the
 * published number, and when the large one flips, that number leaps to its own.
 * Only one at a time; and those that pass must not write, nor read as of today,
 * any row of what it reads or writes.
 *
 * Between two of its statements, or in the middle of one that reads, it waits:
 * what it has written is committed. Others begin, write and are published. Then
 * it goes on. A failure of either is its end: store_records_give_up(); and
 * what it had committed is undone by the next that begins.
 */
int64_t store_ahead(const struct store *store);
MUST_CHECK int store_records_begin_ahead(struct store *store, int64_t seq,
					 struct error *err);
MUST_CHECK int store_records_wait(struct store *store, int64_t seq,
				  struct error *err);
MUST_CHECK int store_records_go_on(struct store *store, struct error *err);
/* It is not waiting any more, whether it was or not. */
void store_records_give_up(struct store *store);
/* Whether there is a number for another one. */
bool store_may_pass(const struct store *store);

/* After what was committed has been told: moves it to its place in the file if
 * there is much of it. Only the thread that judges; blocks. */
void store_records_settle(struct store *store);
/* Ends what publishes with this number or a later one wrote, but for one that
 * waits. */
MUST_CHECK int store_records_undo(struct store *store, int64_t seq,
				  struct error *err);

/* After a transaction that found no room: gives back what it left in the log
 * of records.db. The thread that judges, outside of any transaction. */
void store_records_shrink(struct store *store);

/* Some room is kept in files of zeros for what must go on when the disk is
 * full. Gives up the part that is for removing files: false when it has been
 * given up before. Any thread. */
bool store_spare_give(struct store *store);
/* Keeps it again, if the disk has it; for when there is room. Any thread. */
void store_spare_keep(struct store *store);

/* The meta table: numbers that never fall, and small facts. */
MUST_CHECK int store_meta_get(struct sql *db, const char *name,
			      int64_t fallback, int64_t *ret,
			      struct error *err);
MUST_CHECK int store_meta_set(struct sql *db, const char *name, int64_t value,
			      struct error *err);
/* Adds one and returns the new value, from 1. */
MUST_CHECK int store_meta_next(struct store_txn *txn, const char *name,
			       int64_t *ret, struct error *err);

/* Whole-database checks for 'verify': every problem is reported as a line of
 * text; 0 when there was none, 1 when there were, or a negative code. */
MUST_CHECK int store_check(struct store *store,
			   int (*report)(void *ctx, const char *text),
			   void *ctx, struct error *err);

#endif

/*
 * What is kept for how long, as the tables know it: which rows nobody can see
 * any more, and their removal in short transactions. What may go is decided by
 * src/flow/gc.c; nothing here is part of a publish.
 *
 * A removal takes at most 'limit' rows and tells how many it took; fewer than
 * the limit: there are no more. Times are nanoseconds since 1970.
 */
#ifndef STORE_RETAIN_H
#define STORE_RETAIN_H

#include "base/digest.h"
#include "store/store.h"

/* ---- inbox and archive (civicfs.db) -------------------------------------- */

/* Whose verdict is older than 'before' and waits for no decision: files of
 * inboxes that nobody has open for writing. By id, above 'after'. A callback
 * returns 0 to go on, or what comes back. */
struct store_due_file {
	int64_t id, resource;
	int64_t bytes;
	const char *name;
};
typedef int store_due_file_fn(void *ctx, const struct store_due_file *f);
MUST_CHECK int store_due_inbox_each(struct sql *db, int64_t before,
				    int64_t after, store_due_file_fn *each,
				    void *ctx, struct error *err);

/* Submissions of which archive/ need not keep the bytes: judged before
 * 'before', waiting for no decision, and of no file that is still in its
 * inbox. */
struct store_due_submission {
	int64_t number, resource;
	int64_t blob, fix_blob; /* 0 none */
	int64_t bytes;		/* of all that is kept of it */
	const char *id;
};
typedef int store_due_submission_fn(void *ctx,
				    const struct store_due_submission *s);
MUST_CHECK int store_due_archive_each(struct sql *db, int64_t before,
				      store_due_submission_fn *each, void *ctx,
				      struct error *err);
/* Those that have left archive/ and whose bytes are still there, above
 * 'after'. */
MUST_CHECK int store_expired_each(struct sql *db, int64_t after,
				  store_due_submission_fn *each, void *ctx,
				  struct error *err);
/* It leaves archive/: nobody can open its files any more. */
MUST_CHECK int store_submission_expire(struct store_txn *txn, int64_t number,
				       struct error *err);
/* Its blobs, receipts and fix file are gone; drop the blobs after it. */
MUST_CHECK int store_submission_erase(struct store_txn *txn, int64_t number,
				      struct error *err);

/* ---- versions (civicfs.db) ----------------------------------------------- */

/* The datasets that have versions; their numbers ascend. */
typedef int store_dataset_each_fn(void *ctx, int64_t dataset);
MUST_CHECK int store_dataset_each(struct sql *db, store_dataset_each_fn *each,
				  void *ctx, struct error *err);
/* The oldest version that is kept; 0: all are. */
MUST_CHECK int store_retained_first(struct sql *db, int64_t dataset,
				    int64_t *ret, struct error *err);
MUST_CHECK int store_retained_set_first(struct store_txn *txn, int64_t dataset,
					int64_t first, struct error *err);
/* No version of the dataset up to this number is made any more: after a
 * restore, numbers go on above those that may have been used since. 0: all may
 * be. */
MUST_CHECK int store_retained_above(struct sql *db, int64_t dataset,
				    int64_t *ret, struct error *err);
/* How many versions lie in from <= number < to, dropped ones too. */
MUST_CHECK int store_version_count(struct sql *db, int64_t dataset,
				   int64_t from, int64_t to, int64_t *ret,
				   struct error *err);
/* Texts of versions before the first kept one, but for 'n' numbers that are
 * open; and rules that no kept version is made by. */
MUST_CHECK int store_version_texts_drop(struct store_txn *txn, int64_t dataset,
					const int64_t *open, size_t n,
					int64_t limit, int64_t *ret,
					struct error *err);
MUST_CHECK int store_version_rules_drop(struct store_txn *txn, int64_t dataset,
					struct error *err);
/* Hashes of file states that are gone: up to 'limit' ids from a reader of both
 * files, and their removal. */
MUST_CHECK int store_hash_lost(struct sql *db, int64_t *ret, size_t limit,
			       size_t *ret_n, struct error *err);
MUST_CHECK int store_hash_drop(struct store_txn *txn, const int64_t *states,
			       size_t n, struct error *err);

/* ---- rows (records.db) --------------------------------------------------- */

enum store_retain_table {
	STORE_RETAIN_THEME_ROW, /* of a dataset, also the next four */
	STORE_RETAIN_THEME_RUN, /* rows in blocks (run.h) */
	STORE_RETAIN_ORPHAN,
	STORE_RETAIN_CHUNK,
	STORE_RETAIN_STATE,
	STORE_RETAIN_LINK, /* of all resources */
	STORE_RETAIN_RECORD,
	STORE_RETAIN_RUN,
	STORE_RETAIN_TABLES
};

/* Files of which a publish is shown by something that is open: their chunks
 * and states of then stay. Temporary, of the writer of records.db. */
MUST_CHECK int store_held_clear(struct sql *db, struct error *err);
MUST_CHECK int store_held_add(struct sql *db, int64_t file, int64_t seq,
			      struct error *err);

/* Removes rows that ended with the publish 'horizon' or before it, on the
 * writer of records.db inside store_records_begin(). 'dataset' is not looked
 * at where the table is of all. */
MUST_CHECK int store_retain_drop(struct sql *db, enum store_retain_table table,
				 int64_t dataset, int64_t horizon,
				 int64_t limit, int64_t *ret,
				 struct error *err);
/* Ends the loads of which every row had ended with the publish 'horizon', the
 * lowest of all datasets: what was loaded goes as a whole. */
MUST_CHECK int store_retain_end_runs(struct sql *db, int64_t horizon,
				     struct error *err);
/* How many there are; of chunks *ret_bytes is their length, else 0. */
MUST_CHECK int store_retain_count(struct sql *db, enum store_retain_table table,
				  int64_t dataset, int64_t horizon,
				  int64_t *ret, int64_t *ret_bytes,
				  struct error *err);
/* Chunks, states and names of changes/N.csv with N below 'first'. */
MUST_CHECK int store_retain_drop_changes(struct sql *db, int64_t dataset,
					 int64_t first, int64_t limit,
					 int64_t *ret, struct error *err);

/* The publishes between which a theme_row holds (*ret_until 0: it holds still).
 * 1 found, 0 none. */
MUST_CHECK int store_theme_row_span(struct sql *db, int64_t id,
				    int64_t *ret_theme, int64_t *ret_since,
				    int64_t *ret_until, struct error *err);

/* ---- packs (records.db) -------------------------------------------------- */

/* Whether a chunk that was published at 'at' or before refers to a pack: 1, 0.
 */
MUST_CHECK int store_pack_is_used(struct sql *db, int64_t pack, int64_t at,
				  struct error *err);
/* The bytes of a pack that chunks refer to, and how many chunks do, as far as
 * they were published at 'at' or before. */
MUST_CHECK int store_pack_live(struct sql *db, int64_t pack, int64_t at,
			       int64_t *ret_bytes, int64_t *ret_chunks,
			       struct error *err);
/* The packs that such chunks refer to, ascending. */
typedef int store_pack_each_fn(void *ctx, int64_t pack);
MUST_CHECK int store_pack_each(struct sql *db, int64_t at,
			       store_pack_each_fn *each, void *ctx,
			       struct error *err);
/* The loads there are, ended or not, and the publish each is part of: their
 * files are store_run_name(). */
typedef int store_run_each_fn(void *ctx, int64_t run, int64_t since);
MUST_CHECK int store_run_each(struct sql *db, store_run_each_fn *each,
			      void *ctx, struct error *err);
#define STORE_RUN_NAME_MAX 32
void store_run_name(int64_t run, char name[static STORE_RUN_NAME_MAX]);
/* The first chunks of a pack, in the order of the files' bytes. */
struct store_placed_chunk {
	int64_t file, since;
	struct slice first;
	int64_t offset, length;
	unsigned char sha256[DIGEST_SIZE];
};
typedef int store_placed_chunk_fn(void *ctx,
				  const struct store_placed_chunk *c);
MUST_CHECK int store_pack_chunks(struct sql *db, int64_t pack,
				 store_placed_chunk_fn *each, void *ctx,
				 struct error *err);
/* The chunk's bytes lie elsewhere now. */
MUST_CHECK int store_chunk_move(struct sql *db,
				const struct store_placed_chunk *c,
				int64_t pack, int64_t offset,
				struct error *err);

/* ---- blobs --------------------------------------------------------------- */

/* Every blob but those that are being erased, with whether it is an original or
 * fix file, whose bytes never change; the others are uploads. */
typedef int store_blob_each_fn(void *ctx, int64_t blob, bool bound);
MUST_CHECK int store_blob_each(struct sql *db, store_blob_each_fn *each,
			       void *ctx, struct error *err);

/* Pages of both files that hold nothing and are used again. */
MUST_CHECK int store_free_bytes(struct sql *db, int64_t *ret,
				struct error *err);

#endif

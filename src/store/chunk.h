/*
 * Where published bytes lie: tables file, file_state and chunk of records.db,
 * and file_hash of civicfs.db. doc/format.md says what a chunk is; what is in
 * one is publish's business.
 *
 * As in record.h: functions that write take the writer of records.db inside
 * store_records_begin(); functions that read take any connection and see what
 * holds at a sequence 'at'. Bytes given to callbacks hold during the call; a
 * callback returns 0 to go on or a negative code, which comes back.
 */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "base/digest.h"
#include "store/store.h"

/* The bits of a place's digest_key64() that are 0 where a chunk begins: of a
 * state, for as long as it lives. */
MUST_CHECK int store_chunk_border(struct sql *db, uint64_t *ret,
				  struct error *err);

/* ---- files --------------------------------------------------------------- */

/* The number of a published file of a dataset, made when there is none. */
MUST_CHECK int store_file_intern(struct sql *db, int64_t dataset,
				 const char *kind, const char *part,
				 int64_t *ret_id, struct error *err);
/* 1 found, 0 none. */
MUST_CHECK int store_file_find(struct sql *db, int64_t dataset,
			       const char *kind, const char *part,
			       int64_t *ret_id, struct error *err);
/* By its number: 1 found, 0 none. The kind and part are the caller's to
 * free. */
MUST_CHECK int store_file_get(struct sql *db, int64_t id, int64_t *ret_dataset,
			      char **ret_kind, char **ret_part,
			      struct error *err);
/* All files of a dataset, by kind and part, bytewise. */
typedef int store_file_each_fn(void *ctx, int64_t file, const char *kind,
			       const char *part);
MUST_CHECK int store_file_each(struct sql *db, int64_t dataset,
			       store_file_each_fn *each, void *ctx,
			       struct error *err);

/* ---- states -------------------------------------------------------------- */

/* The bytes of a file from one publish to the next that changes them. */
struct store_file_state {
	int64_t id;
	int64_t file;
	int64_t dataset;
	int64_t since;
	int64_t until; /* 0: it holds */
	int64_t bytes;
	int64_t rows;
	int64_t changes; /* of changes/N.csv N, else 0 */
};

/* Each 1 found, 0 none. */
MUST_CHECK int store_file_state_at(struct sql *db, int64_t file, int64_t at,
				   struct store_file_state *ret,
				   struct error *err);
MUST_CHECK int store_file_state_get(struct sql *db, int64_t id,
				    struct store_file_state *ret,
				    struct error *err);
/* Of one file, ascending. */
typedef int store_file_state_each_fn(void *ctx,
				     const struct store_file_state *s);
MUST_CHECK int store_file_state_each(struct sql *db, int64_t file,
				     store_file_state_each_fn *each, void *ctx,
				     struct error *err);
MUST_CHECK int store_file_state_insert(struct sql *db, int64_t file,
				       int64_t seq, int64_t bytes, int64_t rows,
				       struct error *err);
/* From 'seq' on the file has no state, until one is inserted. */
MUST_CHECK int store_file_state_end(struct sql *db, int64_t file, int64_t seq,
				    struct error *err);

/* SHA-256 of a state's bytes, if it is known: 1, else 0. */
MUST_CHECK int store_file_hash_get(struct sql *db, int64_t state,
				   unsigned char ret[static DIGEST_SIZE],
				   struct error *err);
/* Known already: nothing to do. */
MUST_CHECK int
store_file_hash_set(struct store_txn *txn, int64_t state,
		    const unsigned char sha256[static DIGEST_SIZE],
		    struct error *err);

/* ---- chunks -------------------------------------------------------------- */

struct store_chunk {
	struct slice first; /* empty: the header; X'00': before any border */
	int64_t since;
	int64_t until; /* 0: it holds */
	int64_t pack, offset, length;
	int64_t rows;
	unsigned char sha256[DIGEST_SIZE];
};
typedef int store_chunk_each_fn(void *ctx, const struct store_chunk *c);

/* The file's chunks in order, the header first. */
MUST_CHECK int store_chunk_each(struct sql *db, int64_t file, int64_t at,
				store_chunk_each_fn *each, void *ctx,
				struct error *err);
/* The same from the chunk with this first on: "" the header. */
MUST_CHECK int store_chunk_each_from(struct sql *db, int64_t file, int64_t at,
				     struct slice from,
				     store_chunk_each_fn *each, void *ctx,
				     struct error *err);
/* Whenever they held, in order of first, then since. */
MUST_CHECK int store_chunk_each_ever(struct sql *db, int64_t file,
				     store_chunk_each_fn *each, void *ctx,
				     struct error *err);
/* The chunk with this first; 1 found ('first' of *ret is the caller's), 0. */
MUST_CHECK int store_chunk_get(struct sql *db, int64_t file, int64_t at,
			       struct slice first, struct store_chunk *ret,
			       struct error *err);
/* The first of the last row chunk up to 'place' (or, in the next, before it;
 * or of the first one after it), appended to 'ret'; 1 found, 0 none. */
MUST_CHECK int store_chunk_upto(struct sql *db, int64_t file, int64_t at,
				struct slice place, struct buf *ret,
				struct error *err);
MUST_CHECK int store_chunk_before(struct sql *db, int64_t file, int64_t at,
				  struct slice place, struct buf *ret,
				  struct error *err);
MUST_CHECK int store_chunk_after(struct sql *db, int64_t file, int64_t at,
				 struct slice place, struct buf *ret,
				 struct error *err);

MUST_CHECK int store_chunk_insert(struct sql *db, int64_t file, int64_t seq,
				  const struct store_chunk *c,
				  struct error *err);
/* From 'seq' on the chunks of earlier publishes with lo <= first < hi (hi
 * empty: to the end) do not hold: how many they were, their bytes and rows. */
struct store_chunk_ended {
	int64_t n, bytes, rows;
};
MUST_CHECK int store_chunk_end(struct sql *db, int64_t file, int64_t seq,
			       struct slice lo, struct slice hi,
			       struct store_chunk_ended *ret,
			       struct error *err);

#endif

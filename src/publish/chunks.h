/*
 * The chunks of one published file: brought in line with the store, only
 * where rows changed (doc/format.md).
 */
#ifndef PUBLISH_CHUNKS_H
#define PUBLISH_CHUNKS_H

#include "base/breath.h"
#include "publish/pack.h"
#include "publish/rows.h"
#include "store/chunk.h"

/* The first of the chunk before any border: no place is smaller. */
#define PUBLISH_BEFORE_BORDER SLICE("\0")

/*
 * Writes the file's chunks at 'seq', into the table and the pack, and its
 * file state if a byte changed. Not 'all': only the chunks that the places of
 * 'dirty' touch (a file's number in store_dirty_each()). Chunks that come out
 * as they were are left alone.
 */
struct publish_chunks_job {
	struct sql *db;		     /* the writer of records.db */
	const struct breath *breath; /* NULL none */
	struct publish_pack *pack;
	int64_t seq;
	int64_t file;
	int64_t dirty;
	bool all;
	bool whole; /* the pack is the file's own: every byte goes there */
	const struct publish_rows *rows;
};
MUST_CHECK int publish_chunks_write(const struct publish_chunks_job *job,
				    bool *ret_changed, struct error *err);

/* Ends a file: from 'seq' on there is none. *ret_changed: there was one. */
MUST_CHECK int publish_chunks_end(struct sql *db, int64_t file, int64_t seq,
				  bool *ret_changed, struct error *err);

/*
 * The rows with lo <= place < hi (hi empty: to the end) in chunks, one after
 * the other, without regard to what is published; 'lo' is the first of a
 * chunk. 'each' returns 0 to go on.
 */
struct publish_chunk {
	struct slice first;
	struct slice bytes;
	int64_t rows;
	unsigned char sha256[DIGEST_SIZE];
};
typedef int publish_chunk_fn(void *ctx, const struct publish_chunk *c);
struct publish_cut {
	struct sql *db;
	const struct publish_rows *rows;
	int64_t at;
	struct slice lo, hi;
	bool beside; /* many rows: another thread makes their bytes */
	publish_chunk_fn *each;
	void *ctx;
};
MUST_CHECK int publish_chunks_cut(const struct publish_cut *job,
				  struct error *err);

/* The version's digest: SHA-256 over the hashes of a file's row chunks. */
MUST_CHECK int publish_chunks_digest(struct sql *db, int64_t file, int64_t at,
				     unsigned char ret[static DIGEST_SIZE],
				     struct error *err);

#endif

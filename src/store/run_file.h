/*
 * The file of a run (run.h): its rows in blocks of some KiB, one after the
 * other, and the index by which a block is found. Written once, from the first
 * row to the last, and never again. Of this folder only.
 *
 *   runs/NNNNNNNNNNNN.run   blocks, between them pages of the index; the top
 *                           of the index; a trailer
 *
 * Blocks and pages are each read as a whole and checked against their
 * checksum. Only the top is kept in memory: some KiB for ten
 * million rows. All numbers in the file are little endian.
 */
#ifndef STORE_RUN_FILE_H
#define STORE_RUN_FILE_H

#include "base/buf.h"

#include <stdint.h>

#define RUN_FILE_NAME_MAX 32

/* The name of a run's file, relative to the state's folder. */
void run_file_name(int64_t run, char name[static RUN_FILE_NAME_MAX]);

/* ---- writing ------------------------------------------------------------- */

/* One file being written. Bytes are hashed and written in a thread of its own;
 * the functions below are for one thread. */
struct run_writer;
/* What an earlier attempt left under this number is replaced. ERR_IO. */
MUST_CHECK int run_writer_new(int64_t run, struct run_writer **ret,
			      struct error *err);
/* Without run_writer_end() the file is removed. */
void run_writer_free(struct run_writer *w);
/* A block of rows, the first with this key. All are copied. */
MUST_CHECK int run_writer_add(struct run_writer *w, struct slice first,
			      int64_t rows, int64_t marked, struct slice body,
			      struct error *err);
/* No more will come: the bytes and the name are durable. */
MUST_CHECK int run_writer_end(struct run_writer *w, struct error *err);

/* ---- reading ------------------------------------------------------------- */

struct run_block {
	int64_t offset, length;
	int64_t ordinal; /* of its first row, from 0 */
	int64_t rows, marked;
	uint64_t sum;
};

/* An open file. Any number of threads may read it at once. */
struct run_file;
/* ERR_CORRUPT when there is no such file, or it is not what was written. */
MUST_CHECK int run_file_open(int64_t run, struct run_file **ret,
			     struct error *err);
void run_file_close(struct run_file *f);
int64_t run_file_run(const struct run_file *f);
int64_t run_file_rows(const struct run_file *f);
/* The bytes of a block, in place of what 'ret' held. */
MUST_CHECK int run_file_read(const struct run_file *f,
			     const struct run_block *block, struct buf *ret,
			     struct error *err);

/* A line of the index: what begins with this key. */
struct run_line {
	struct slice first;
	struct run_block at;
};

/* A place in the index. Starts with 'file' set and the rest zeroed, before the
 * first block; released by run_places_release(). */
struct run_places {
	const struct run_file *file;
	size_t page;	  /* the next to load */
	struct buf bytes; /* of the page that stands */
	struct run_line *lines;
	size_t n, cap;
	size_t next; /* of the lines */
};
void run_places_release(struct run_places *p);
/* Before the first block again. */
void run_places_rewind(struct run_places *p);
/* The next block: 1, or 0 at the end. */
MUST_CHECK int run_places_next(struct run_places *p, struct run_block *ret,
			       struct error *err);
/* The first key of the block that run_places_next() would give; false: it is
 * not at hand. */
bool run_places_peek(const struct run_places *p, struct slice *ret_first);
/* The last block whose first key is not above 'key': the only one that may
 * have it; the next one is behind it. 1, 0. */
MUST_CHECK int run_places_find(struct run_places *p, struct slice key,
			       struct run_block *ret, struct error *err);
/* The block that has a row by its ordinal: 1, 0. */
MUST_CHECK int run_places_find_row(struct run_places *p, int64_t ordinal,
				   struct run_block *ret, struct error *err);

#endif

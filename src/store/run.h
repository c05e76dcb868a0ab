/*
 * Runs: rows that came in one load, in order, in a file of blocks of some KiB
 * (run_file.h; tables run and gone). A load of a million rows writes some
 * thousand of them, one after the other. Rows that come one by one stand in
 * tables of their own (record, link, theme_row); readers see both merged. Of
 * this folder only: record.h is what others see.
 *
 * A row of a run is never written again: where it holds no longer, 'gone' says
 * so. A whole run ends at once by its own 'until'. Ids of such rows have a
 * bit that no other row's id has.
 */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "store/run_file.h"
#include "store/sql.h"

enum run_kind {			 /* stored: appended to, never changed */
		RUN_RECORD = 1,	 /* owner: resource; key: cells */
		RUN_LINK = 2,	 /* owner: lens; place: cells */
		RUN_SUBJECT = 3, /* owner: theme; subject: cells, conflicts
				  * (packed); marked: with conflicts */
		RUN_SHELF = 4,	 /* owner: theme; shelf (2 bytes, big endian)
				  * and subject: run_shelf_entry, or nothing
				  * in older ones */
		RUN_ORPHAN = 5	 /* owner: theme; place: nothing */
};

/* How many runs of an owner may hold at once: a walk looks at each of them. */
#define RUN_LIVE_MAX 16

struct run {
	int64_t id;
	int64_t owner;
	int64_t since;
	int64_t version;
	char submission[32];
	bool mixed; /* its rows are of others: each has a head of its own */
};

struct run_row {
	int64_t id;
	struct slice key, value;
	int64_t since, version;
	const char *submission;
	const struct run *run;
};

/* Before the value of a row in a run that is mixed. ERR_NOMEM. */
MUST_CHECK int run_head_add(struct buf *value, int64_t since, int64_t version,
			    const char *submission);

#define RUN_ROW_BITS 28 /* rows of a run, in their ids */

/* Little endian: of a subject in the run of subjects that began with this one.
 */
struct run_shelf_entry {
	uint32_t ordinal;
	uint32_t bytes; /* of its text; UINT32_MAX: not known */
};

static inline bool
run_is_row(int64_t id)
{
	return id >> 55 == 1;
}

static inline int64_t
run_row_id(int64_t run, int64_t ordinal)
{
	return (int64_t)1 << 55 | run << RUN_ROW_BITS | ordinal;
}

static inline int64_t
run_of_row(int64_t id)
{
	return (id & (((int64_t)1 << 55) - 1)) >> RUN_ROW_BITS;
}

static inline int64_t
run_ordinal_of_row(int64_t id)
{
	return id & (((int64_t)1 << RUN_ROW_BITS) - 1);
}

/* In SQL: the run of shelves that began with one of subjects, NULL without. */
#define RUN_SHELF_OF(subjects) \
	"(SELECT min(h.id) FROM run h JOIN run s ON s.id = " subjects \
	" WHERE s.kind = 3 AND h.kind = 4 AND h.owner = s.owner" \
	" AND h.since = s.since AND h.id > s.id)"

/* ---- rows that have ended ------------------------------------------------ */

/* So many rows in a row, from one of which the number is a multiple of it on,
 * are told together where they end together. */
#define RUN_STRETCH 128

/* In SQL: what table gone has of a run. */
#define RUN_GONE_OF(run) \
	"stretch >= ((1 << 55) + (" run " << 28)) >> 7" \
	" AND stretch < ((1 << 55) + ((" run " + 1) << 28)) >> 7"

/* From 'seq' on the row does not hold. It did until then, here and below. */
MUST_CHECK int run_end_row(struct sql *db, int64_t id, int64_t seq,
			   struct error *err);
/* The same of those rows of a stretch, from the one with the id 'first' on,
 * whose bits are set. */
MUST_CHECK int run_end_rows(struct sql *db, int64_t first,
			    const unsigned char bits[static RUN_STRETCH / 8],
			    int64_t seq, struct error *err);

/* When a row ended: 1, 0 it has not. */
MUST_CHECK int run_row_until(struct sql *db, int64_t id, int64_t *ret,
			     struct error *err);
/* Whether it has at 'at': 1, 0. */
MUST_CHECK int run_row_is_gone(struct sql *db, int64_t id, int64_t at,
			       struct error *err);
/* Whether any row of the run has ended, whenever. */
MUST_CHECK int run_gone_some(struct sql *db, int64_t run, bool *ret,
			     struct error *err);
/* Which of 'n' rows from the id 'first' on have at 'at': a bit for each. */
MUST_CHECK int run_gone_bits(struct sql *db, int64_t first, int64_t n,
			     int64_t at, struct buf *ret, struct error *err);
/* The rows of a run that ended in (after, upto], in order; what 'each' returns
 * other than 0 comes back at once. */
typedef int run_gone_fn(void *ctx, int64_t id, int64_t until);
MUST_CHECK int run_gone_each(struct sql *db, int64_t run, int64_t after,
			     int64_t upto, run_gone_fn *each, void *ctx,
			     struct error *err);

/* ---- reading ------------------------------------------------------------- */

struct run_cursor {
	struct run run;
	struct run_file *file; /* NULL: not asked for yet */
	struct run_places places;
	bool some_gone;	   /* of the whole run */
	struct buf body;   /* of a block */
	int64_t body_of;   /* its place in the file */
	struct slice rest; /* of the block that stands, which has this body */
	int64_t ordinal;   /* of the next row */
	int64_t first;	   /* of the block */
	struct buf gone;   /* of its rows: run_gone_bits() */
	bool stands;
	bool gone_row; /* on a row that is gone, behind the walk's end */
	struct run_row row;
};

/* All rows of an owner that hold at 'at', lo <= key < hi (hi empty: to the
 * end), in key order. Starts zeroed; released whatever came of it. */
struct run_walk {
	struct sql *db;
	enum run_kind kind;
	int64_t owner;
	int64_t at;
	int64_t ended, drops; /* run_cache.h */
	bool marked; /* only blocks with marked rows; set before opening */
	struct buf hi;
	struct run_cursor *cursors;
	size_t ncursors;
	struct run_cursor *last; /* whose row was given */
};
MUST_CHECK int run_walk_open(struct run_walk *w, struct sql *db,
			     enum run_kind kind, int64_t owner, int64_t at,
			     struct slice lo, struct slice hi,
			     struct error *err);
/* 1 and the row, which holds until the next call; 0 at the end. No statement
 * of the connection stays in use between calls. */
MUST_CHECK int run_walk_next(struct run_walk *w, struct run_row *ret,
			     struct error *err);
/* On to the rows lo <= key < hi (hi empty: to the end), never back. */
MUST_CHECK int run_walk_seek(struct run_walk *w, struct slice lo,
			     struct slice hi, struct error *err);
/* The same for one key: 1 and its row, 0. 'hi' is the caller's, used again. */
MUST_CHECK int run_walk_seek_one(struct run_walk *w, struct slice key,
				 struct buf *hi, struct run_row *ret,
				 struct error *err);
/* All rows of one run, whether they hold or not. No run: no rows. */
MUST_CHECK int run_walk_open_one(struct run_walk *w, struct sql *db,
				 int64_t run, struct error *err);
/* The rows of some runs that hold at 'at'. */
MUST_CHECK int run_walk_open_some(struct run_walk *w, struct sql *db,
				  const int64_t *runs, size_t n, int64_t at,
				  struct error *err);
void run_walk_close(struct run_walk *w);
/* The same, and nobody else gets it (run_cache.h). */
void run_walk_release(struct run_walk *w);
#define scope_run_walk __attribute__((cleanup(run_walk_close))) struct run_walk

/* One row by its key, at a sequence: 1, 0. The row's bytes lie in 'w', which
 * starts zeroed and is closed by the caller. */
MUST_CHECK int run_find(struct run_walk *w, struct sql *db, enum run_kind kind,
			int64_t owner, int64_t at, struct slice key,
			struct run_row *ret, struct error *err);
/* One row by its id, whether it holds or not: the same. A walk that has given
 * one gives the next, cheaply if that is not far behind it. */
MUST_CHECK int run_get(struct run_walk *w, struct sql *db, int64_t id,
		       struct run_row *ret, struct error *err);
/* The same by its key, in one run. */
MUST_CHECK int run_get_key(struct run_walk *w, struct sql *db, int64_t run,
			   struct slice key, struct run_row *ret,
			   struct error *err);
/* The run of subjects that began with one of shelves (1 and its id, 0 none),
 * and whether one of its rows has ended. */
MUST_CHECK int run_of_shelf(struct sql *db, const struct run *shelf,
			    int64_t *ret, bool *ret_some_gone,
			    struct error *err);
/* Whether no row holds, neither of a run nor, by the caller's statement, of
 * those that came one by one (?1 owner, ?2 at; a row if there is one). */
MUST_CHECK int run_is_empty(struct sql *db, enum run_kind kind, int64_t owner,
			    int64_t at, const char *text, bool *ret,
			    struct error *err);
/* Rows that hold. */
MUST_CHECK int run_count(struct sql *db, enum run_kind kind, int64_t owner,
			 int64_t at, int64_t *ret, struct error *err);

/* A statement that gives rows in the order of its column 'key', and the rows
 * of runs, both in one order. The caller has opened 'walk' and bound 'stmt'
 * (NULL: no such rows) and closes them; the rest starts zeroed. */
struct run_merge {
	struct run_walk walk;
	sqlite3_stmt *stmt; /* may be NULL */
	int key;	    /* its column */
	size_t behind; /* bytes of a run's key that come before its place in
			* the order */
	struct run_row row;
	int has_row, has_column;
	bool begun, gave_row;
};
/* 1 and *ret_row: the next is m->row (else the statement's columns); 0. */
MUST_CHECK int run_merge_next(struct run_merge *m, bool *ret_row,
			      struct error *err);

/* All runs of an owner, range by range, and whether there are rows beside them
 * that came one by one: statements give one of those that hold now (?1 owner),
 * at the publish being written, or at another sequence (?1, and ?2 it; NULL:
 * there may be some). The walk is closed by the caller, whatever came of it. */
struct run_ranges {
	struct run_walk walk;
	bool has_table;
};
MUST_CHECK int run_ranges_open(struct run_ranges *r, struct sql *db,
			       enum run_kind kind, int64_t owner, int64_t at,
			       const char *now, const char *then,
			       struct error *err);

/* ---- changing ------------------------------------------------------------ */

/* From 'seq' on no run of the owner holds. */
MUST_CHECK int run_end_all(struct sql *db, enum run_kind kind, int64_t owner,
			   int64_t seq, struct error *err);
/* How many runs of the owner hold. */
MUST_CHECK int run_live(struct sql *db, enum run_kind kind, int64_t owner,
			int64_t at, int64_t *ret, struct error *err);

/* Removes the files of runs that begin with 'from' or later, and before 'to',
 * once the transaction under way is committed. */
MUST_CHECK int run_drop_between(struct sql *db, int64_t from, int64_t to,
				struct error *err);
/* Numbers go on after the last that was told. At start. */
MUST_CHECK int run_number(struct sql *db, struct error *err);
/* Removes files that no run has: a crash has left them. At start. */
MUST_CHECK int run_sweep(struct sql *db, struct error *err);

/* Reads all of a run: ERR_CORRUPT when its file is not what was written, or
 * does not have the rows it is said to have. */
MUST_CHECK int run_check(struct sql *db, int64_t run, struct error *err);

struct run_builder;
/* 'run' says owner, since, version and submission; its id is given here. No
 * transaction is needed. */
MUST_CHECK int run_build(struct sql *db, enum run_kind kind,
			 const struct run *run, struct run_builder **ret,
			 struct error *err);
int64_t run_build_id(const struct run_builder *b);
/* Keys ascend: ERR_INTERNAL otherwise. */
MUST_CHECK int run_build_add(struct run_builder *b, struct slice key,
			     struct slice value, bool marked,
			     struct error *err);
/* No more will come: the file is durable. */
MUST_CHECK int run_build_end(struct run_builder *b, struct error *err);
/* From now on the run is there, if it has a row: inside store_records_begin().
 * A builder that is freed without it removes its file. */
MUST_CHECK int run_build_tell(struct run_builder *b, struct error *err);
void run_build_free(struct run_builder *b);

#endif

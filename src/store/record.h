/*
 * The rows of resources and themes: tables record, touched, lens, link,
 * theme_row, orphan, and the runs of many at once (run.h). The functions that
 * write take the writer of records.db inside store_records_begin(); 'seq' is
 * the number of the publish under way, one more than the published one. The
 * functions that read take any connection and a sequence 'at': they see the
 * rows that hold there. Passing the sequence of the publish under way on the
 * writer shows its own changes.
 *
 * Keys, cells and places are packed (base/cells.h). Bytes given to callbacks
 * hold during the call; a callback returns 0 to go on, anything else to end
 * the walk, which comes back. A callback may use the same connection for other
 * statements. It does not change the table that is walked, but for
 * store_record_each() at a sequence before the one that is written: there it
 * may end the record it is given and insert others.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/breath.h"
#include "store/store.h"

struct store_record {
	int64_t id;
	struct slice key;
	struct slice cells;
	const char *submission;
	bool loaded; /* came in a load: so do its links */
};
typedef int store_record_each_fn(void *ctx, const struct store_record *r);

/* In key order. */
MUST_CHECK int store_record_each(struct sql *db, int64_t resource, int64_t at,
				 store_record_each_fn *each, void *ctx,
				 struct error *err);
/* The one of a key: calls 'each' once or not at all; 1 found, 0 none. */
MUST_CHECK int store_record_look(struct sql *db, int64_t resource, int64_t at,
				 struct slice key, store_record_each_fn *each,
				 void *ctx, struct error *err);
/* 1 found: the cells are appended to 'cells' (may be NULL), 0 none. */
MUST_CHECK int store_record_find(struct sql *db, int64_t resource, int64_t at,
				 struct slice key, int64_t *ret_id,
				 struct buf *cells, struct error *err);
/* The same for one key after the other, in byte order: cheap where they are
 * dense. The connection is the caller's alone meanwhile; records may end, and
 * none comes. */
struct store_record_walk;
MUST_CHECK int store_record_walk_open(struct sql *db, int64_t resource,
				      int64_t at,
				      struct store_record_walk **ret,
				      struct error *err);
MUST_CHECK int store_record_walk_find(struct store_record_walk *w,
				      struct slice key, int64_t *ret_id,
				      struct buf *cells, struct error *err);
void store_record_walk_close(struct store_record_walk *w);
MUST_CHECK int store_record_count(struct sql *db, int64_t resource, int64_t at,
				  int64_t *ret, struct error *err);
/* Whether none holds. */
MUST_CHECK int store_record_is_empty(struct sql *db, int64_t resource,
				     int64_t at, bool *ret, struct error *err);
MUST_CHECK int store_record_insert(struct sql *db, int64_t resource,
				   int64_t seq, struct slice key,
				   struct slice cells, const char *submission,
				   int64_t *ret_id, struct error *err);
/* From 'seq' on the record does not hold. */
MUST_CHECK int store_record_end(struct sql *db, int64_t id, int64_t seq,
				struct error *err);

/* touched: see schema.c. */
MUST_CHECK int store_touched_add(struct sql *db, int64_t resource,
				 struct slice key, int64_t submission,
				 struct error *err);
/* Number of the last submission that touched the key, 0 none. */
MUST_CHECK int store_touched_get(struct sql *db, int64_t resource,
				 struct slice key, int64_t *ret,
				 struct error *err);
/* The keys that this submission touched last; the callback may change them. */
typedef int store_touched_fn(void *ctx, struct slice key);
MUST_CHECK int store_touched_each(struct sql *db, int64_t resource,
				  int64_t submission, store_touched_fn *each,
				  void *ctx, struct error *err);
/* Nobody did. */
MUST_CHECK int store_touched_remove(struct sql *db, int64_t resource,
				    struct slice key, struct error *err);
MUST_CHECK int store_touched_clear(struct sql *db, int64_t resource,
				   struct error *err);

/* lens and link. A lens is unlinked until store_lens_set_linked(). */
MUST_CHECK int store_lens_intern(struct sql *db, int64_t resource,
				 const char *field, int64_t *ret_id,
				 struct error *err);
/* The same for a resource by name, never made; 1 found, 0 none. 'db' must see
 * both databases. */
MUST_CHECK int store_lens_find(struct sql *db, const char *resource,
			       const char *field, int64_t *ret_id,
			       struct error *err);
MUST_CHECK int store_lens_is_linked(struct sql *db, int64_t lens, bool *ret,
				    struct error *err);
MUST_CHECK int store_lens_set_linked(struct sql *db, int64_t lens, int64_t seq,
				     struct error *err);
/* All lenses but the 'n' of 'lenses' are unlinked from now on: nobody keeps
 * their links any more. */
MUST_CHECK int store_lens_unlink_others(struct sql *db, const int64_t *lenses,
					size_t n, struct error *err);
MUST_CHECK int store_link_insert(struct sql *db, int64_t lens, int64_t seq,
				 struct slice place, int64_t record,
				 struct error *err);
MUST_CHECK int store_link_end(struct sql *db, int64_t lens, int64_t seq,
			      struct slice place, struct error *err);
/* Every link of the lens ends with 'seq'. */
MUST_CHECK int store_link_end_all(struct sql *db, int64_t lens, int64_t seq,
				  struct error *err);
/* The records of places lo <= place < hi (hi empty: to the end) in place
 * order; r->key is the record's key. 'place' is given beside it. */
typedef int store_link_each_fn(void *ctx, struct slice place,
			       const struct store_record *r);
MUST_CHECK int store_link_each(struct sql *db, int64_t lens, int64_t at,
			       struct slice lo, struct slice hi,
			       store_link_each_fn *each, void *ctx,
			       struct error *err);
/* The same for one range after the other, each behind the one before: cheap
 * where they are dense. The connection is the caller's alone meanwhile. */
struct store_link_walk;
MUST_CHECK int store_link_walk_open(struct sql *db, int64_t lens, int64_t at,
				    struct store_link_walk **ret,
				    struct error *err);
MUST_CHECK int store_link_walk_each(struct store_link_walk *w, struct slice lo,
				    struct slice hi, store_link_each_fn *each,
				    void *ctx, struct error *err);
/* The link of a place ends with 'seq', which is the walk's sequence: one of a
 * load with the others of 'ends'. No link comes meanwhile. */
struct store_ends;
MUST_CHECK int store_link_walk_end(struct store_link_walk *w,
				   struct slice place, struct store_ends *ends,
				   struct error *err);
void store_link_walk_close(struct store_link_walk *w);

/* theme_row. */
struct store_theme_row {
	int64_t id;
	int64_t version;
	int64_t since;
	struct slice subject;
	struct slice cells;
	struct slice conflicts; /* empty: none */
	int64_t bytes;		/* of subjects/KEY.json; STORE_UNKNOWN */
};
#define STORE_UNKNOWN (-1)
typedef int store_theme_row_each_fn(void *ctx, const struct store_theme_row *r);
/* Subjects lo <= subject < hi (hi empty: to the end), in byte order. */
MUST_CHECK int store_theme_row_each(struct sql *db, int64_t theme, int64_t at,
				    struct slice lo, struct slice hi,
				    store_theme_row_each_fn *each, void *ctx,
				    struct error *err);
/* The same, only those with conflicts. */
MUST_CHECK int store_conflict_each(struct sql *db, int64_t theme, int64_t at,
				   struct slice lo, struct slice hi,
				   store_theme_row_each_fn *each, void *ctx,
				   struct error *err);
/* The same, only those of a shelf: the first twelve bits of the subject's
 * SHA-256, 0 to 4095 (the folders of subjects/, SPEC 5). Rows are given without
 * their cells and conflicts; the others may not know their 'bytes'. */
int store_theme_shelf(const unsigned char sha256[static 2]);
MUST_CHECK int store_theme_shelf_each(struct sql *db, int64_t theme, int64_t at,
				      int shelf, store_theme_row_each_fn *each,
				      void *ctx, struct error *err);
/* One subject: calls 'each' once or not at all; 1 found, 0 none. */
MUST_CHECK int store_theme_row_find(struct sql *db, int64_t theme, int64_t at,
				    struct slice subject,
				    store_theme_row_each_fn *each, void *ctx,
				    struct error *err);
/* The same for one subject after the other, in byte order: cheap where they are
 * dense. The connection is the caller's alone meanwhile, and no row comes or
 * goes. */
struct store_theme_walk;
MUST_CHECK int store_theme_walk_open(struct sql *db, int64_t theme, int64_t at,
				     struct store_theme_walk **ret,
				     struct error *err);
MUST_CHECK int store_theme_walk_find(struct store_theme_walk *w,
				     struct slice subject,
				     store_theme_row_each_fn *each, void *ctx,
				     struct error *err);
void store_theme_walk_close(struct store_theme_walk *w);
/* By its id, whenever it holds or held; 1, 0. *ret_theme is its theme. */
MUST_CHECK int store_theme_row_get(struct sql *db, int64_t id,
				   int64_t *ret_theme,
				   store_theme_row_each_fn *each, void *ctx,
				   struct error *err);
/* A row that holds from 'seq' on; its id is given here. */
MUST_CHECK int store_theme_row_insert(struct sql *db, int64_t theme,
				      int64_t seq,
				      const struct store_theme_row *row,
				      struct error *err);
MUST_CHECK int store_theme_row_end(struct sql *db, int64_t id, int64_t seq,
				   struct error *err);
MUST_CHECK int store_theme_row_count(struct sql *db, int64_t theme, int64_t at,
				     int64_t *ret, struct error *err);
/* Whether no row holds. */
MUST_CHECK int store_theme_is_empty(struct sql *db, int64_t theme, int64_t at,
				    bool *ret, struct error *err);
/* The subjects whose row differs between 'from' and 'to' (from < to), in byte
 * order: the row that held at 'from' (NULL none) and at 'to' (NULL none).
 * Rows that differ in conflicts or provenance only are given too. 'breath'
 * (NULL none) is taken meanwhile. */
typedef int store_theme_change_fn(void *ctx, const struct store_theme_row *old,
				  const struct store_theme_row *new_row);
MUST_CHECK int store_theme_changes(struct sql *db, int64_t theme, int64_t from,
				   int64_t to, const struct breath *breath,
				   store_theme_change_fn *each, void *ctx,
				   struct error *err);

/* orphan: places lo <= place < hi (hi empty: to the end). 'id' is that of one
 * that came in a load, else 0. */
typedef int store_orphan_each_fn(void *ctx, struct slice place, int64_t id);
MUST_CHECK int store_orphan_each(struct sql *db, int64_t theme, int64_t at,
				 struct slice lo, struct slice hi,
				 store_orphan_each_fn *each, void *ctx,
				 struct error *err);
/* The same for one range after the other, as store_link_walk_each(). */
struct store_orphan_walk;
MUST_CHECK int store_orphan_walk_open(struct sql *db, int64_t theme, int64_t at,
				      struct store_orphan_walk **ret,
				      struct error *err);
MUST_CHECK int store_orphan_walk_each(struct store_orphan_walk *w,
				      struct slice lo, struct slice hi,
				      store_orphan_each_fn *each, void *ctx,
				      struct error *err);
void store_orphan_walk_close(struct store_orphan_walk *w);
MUST_CHECK int store_orphan_insert(struct sql *db, int64_t theme, int64_t seq,
				   struct slice place, struct error *err);
MUST_CHECK int store_orphan_end(struct sql *db, int64_t theme, int64_t seq,
				struct slice place, struct error *err);

/*
 * A load of many rows: written in blocks (run.h), some ten times as fast as
 * row by row. Keys (of records; places of links; subjects) ascend and none of
 * them holds yet: ERR_INTERNAL otherwise, or wrong answers. Nothing is there
 * before store_load_tell(), the only one of these that wants
 * store_records_begin(); what is freed before it leaves nothing behind.
 */
struct store_load;
enum store_load_kind {
	STORE_LOAD_RECORDS, /* owner: resource */
	STORE_LOAD_LINKS,   /* owner: lens; 'key' is the place */
	STORE_LOAD_THEME,   /* owner: theme */
	STORE_LOAD_ORPHANS  /* owner: theme; 'key' is the place; no cells */
};
struct store_load_of {
	enum store_load_kind kind;
	int64_t owner;
	int64_t seq;
	int64_t version; /* of a theme's rows */
	/* of records and links, else ""; NULL: each has its own */
	const char *submission;
	const struct breath *breath; /* while it is ended; NULL none */
};
MUST_CHECK int store_load_begin(struct sql *db, const struct store_load_of *of,
				struct store_load **ret, struct error *err);
MUST_CHECK int store_load_add(struct store_load *load, struct slice key,
			      struct slice cells, struct error *err);
/* The same where each has its own submission. */
MUST_CHECK int store_load_add_of(struct store_load *load,
				 const char *submission, struct slice key,
				 struct slice cells, struct error *err);
/* The same of a theme: its id, version and since are the load's. */
MUST_CHECK int store_load_add_row(struct store_load *load,
				  const struct store_theme_row *row,
				  struct error *err);
/* No more will come: what was added is durable. */
MUST_CHECK int store_load_end(struct store_load *load, struct error *err);
MUST_CHECK int store_load_tell(struct store_load *load, struct error *err);
void store_load_free(struct store_load *load);

/* Rows of loads (by their ids) that end together, with one publish: told at
 * once, inside store_records_begin(). */
struct store_ends *store_ends_new(void); /* NULL: no memory */
MUST_CHECK int store_ends_add(struct store_ends *ends, int64_t id,
			      struct error *err);
/* The same of rows that may not be of a load: those end now. */
MUST_CHECK int store_ends_record(struct store_ends *ends, struct sql *db,
				 int64_t id, int64_t seq, struct error *err);
MUST_CHECK int store_ends_theme_row(struct store_ends *ends, struct sql *db,
				    int64_t id, int64_t seq, struct error *err);
/* 'breath' (NULL none) is taken meanwhile; what was told is forgotten. */
MUST_CHECK int store_ends_tell(struct store_ends *ends, struct sql *db,
			       int64_t seq, const struct breath *breath,
			       struct error *err);
void store_ends_free(struct store_ends *ends);

/* How many loads of the owner more are advisable: few may hold at once. */
MUST_CHECK int store_load_room(struct sql *db, enum store_load_kind kind,
			       int64_t owner, int64_t at, int64_t *ret,
			       struct error *err);

/* Everything a theme shows ends with 'seq': its rules have changed. */
MUST_CHECK int store_theme_end_all(struct sql *db, int64_t theme, int64_t seq,
				   struct error *err);

/* The subjects of a theme whose rows one publish touched: temporary, of the
 * writer of records.db, as 'dirty' below. In byte order. */
MUST_CHECK int store_subject_add(struct sql *db, int64_t theme,
				 struct slice subject, struct error *err);
/* Adds every subject (none empty) of a lens at 'at'; takes 'breath' (NULL none)
 * meanwhile. */
MUST_CHECK int store_subject_add_lens(struct sql *db, int64_t theme,
				      int64_t lens, int64_t at,
				      const struct breath *breath,
				      struct error *err);
/* Whether there are so many of them. */
MUST_CHECK int store_subject_has(struct sql *db, int64_t theme, int64_t n,
				 bool *ret, struct error *err);
typedef int store_subject_each_fn(void *ctx, struct slice subject);
MUST_CHECK int store_subject_each(struct sql *db, int64_t theme,
				  store_subject_each_fn *each, void *ctx,
				  struct error *err);
/* And what store_linked_add() and store_stray_add() have collected. */
MUST_CHECK int store_subject_clear(struct sql *db, struct error *err);

/* Before the publish, after it. */
#define STORE_WAS 1U
#define STORE_IS 2U

/* The values by which a source looks for subjects (link.SOURCE of a theme) and
 * that one publish touched: temporary as well. 'place' is the orphan that one
 * row of the source is where its value leads to no subject, on these sides;
 * SLICE_NONE: all its rows with the value, on both. */
MUST_CHECK int store_linked_add(struct sql *db, int64_t theme, size_t source,
				struct slice value, struct slice place,
				unsigned sides, struct error *err);
/* By source, value, and place, that of all rows first. */
typedef int store_linked_each_fn(void *ctx, size_t source, struct slice value,
				 struct slice place, unsigned sides);
MUST_CHECK int store_linked_each(struct sql *db, int64_t theme,
				 store_linked_each_fn *each, void *ctx,
				 struct error *err);
/* Places of orphans without subject that were there, or are: added up. Given
 * are those that begin or end, in byte order. */
MUST_CHECK int store_stray_add(struct sql *db, int64_t theme,
			       struct slice place, unsigned sides,
			       struct error *err);
typedef int store_stray_each_fn(void *ctx, struct slice place, unsigned sides);
MUST_CHECK int store_stray_each(struct sql *db, int64_t theme,
				store_stray_each_fn *each, void *ctx,
				struct error *err);

/* The places of one publish's changes to a published file, collected before
 * its chunks are written again: temporary, of the writer of records.db. */
MUST_CHECK int store_dirty_add(struct sql *db, int64_t file, struct slice place,
			       struct error *err);
/* In byte order. */
typedef int store_dirty_each_fn(void *ctx, struct slice place);
MUST_CHECK int store_dirty_each(struct sql *db, int64_t file,
				store_dirty_each_fn *each, void *ctx,
				struct error *err);
MUST_CHECK int store_dirty_clear(struct sql *db, struct error *err);

#endif

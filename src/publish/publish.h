/*
 * Stage 5, a version: which bytes readers see (SPEC 7, DESIGN 3).
 *
 * A published file is a header and chunks of rows. Chunk borders depend on
 * keys only (doc/format.md), so equal rows give equal chunks, and a change
 * rewrites the chunks it touches. Chunks lie in packs, append-once; the extent
 * map is the table chunk with its since and until. Nothing here decides what a
 * row says: rows come from the store, bytes from format.h.
 *
 * Writing: the one thread that judges, inside store_records_begin():
 *
 *   publish_begin → publish_dirty … (for each changed row) → publish_write
 *   → [records committed] → publish_commit (inside the transaction of
 *   civicfs.db that flips the sequence)
 *
 * Reading: any thread.
 */
#ifndef PUBLISH_PUBLISH_H
#define PUBLISH_PUBLISH_H

#include "base/breath.h"
#include "base/digest.h"
#include "config/config.h"
#include "publish/format.h"
#include "store/record.h"
#include "store/store.h"

enum publish_kind {
	PUBLISH_DATA,
	PUBLISH_JSONL,
	PUBLISH_CONFLICTS,
	PUBLISH_ORPHANS,
	PUBLISH_SOURCE,	 /* part: D/R */
	PUBLISH_CHANGES, /* part: the version's number */
	PUBLISH_SQLITE
};

/* link.SOURCE to the store: by which lenses the value is found in each member
 * of the source, and in each of the other. NULL: the source has no link. */
struct publish_link {
	int64_t *lens, *other;
};

/* What a theme is to the store: its number, and the lens of each member of
 * each source. Made by flow at start; lives as long as the config. */
struct publish_theme {
	const struct config_theme *theme;
	int64_t id;		    /* object */
	int64_t **lens;		    /* [source][member] */
	struct publish_link *links; /* [source] */
	int64_t **resource;	    /* [source][member]: object */
};

/*
 * Places: the bytes by which the rows of a file are ordered. A subject is its
 * own place in data and conflicts. These two write the others ('ret' is
 * replaced): what flow gives to store_link_insert() and store_orphan_insert()
 * and to publish_dirty(). ERR_NOMEM; ERR_LIMIT beyond 65535 sources or
 * members.
 */
MUST_CHECK int publish_source_place(struct slice subject, struct slice key,
				    struct buf *ret);
MUST_CHECK int publish_orphan_place(size_t source, size_t member,
				    struct slice subject, struct slice key,
				    struct buf *ret);
/* Back; the slices point into 'place'. ERR_CORRUPT when it is no place of an
 * orphan. */
MUST_CHECK int publish_orphan_parse(struct slice place, size_t *ret_source,
				    size_t *ret_member,
				    struct slice *ret_subject,
				    struct slice *ret_key);
/* The places of a subject's orphans of one source: lo <= place < hi. Both are
 * replaced. ERR_NOMEM, ERR_LIMIT. */
MUST_CHECK int publish_orphan_range(size_t source, struct slice subject,
				    struct buf *lo, struct buf *hi);
/* The same of all orphans of one source. */
MUST_CHECK int publish_orphan_source(size_t source, struct buf *lo,
				     struct buf *hi);
/* Whether a row at this place begins a chunk, by the state's rule
 * (store_chunk_border()). */
bool publish_is_border(struct slice place, uint64_t mask);

/* One publish under way, under the number 'seq'; records.db is in
 * store_records_begin(). 'config' must live until publish_free(). */
struct publish;
MUST_CHECK int publish_begin(struct store *store, const struct config *config,
			     int64_t seq, struct publish **ret,
			     struct error *err);
/* Without publish_done: forgets it, and removes its pack. */
void publish_free(struct publish *p);

/* The version a theme would get from this publish: its newest plus one. */
MUST_CHECK int publish_next_version(struct publish *p,
				    const struct publish_theme *theme,
				    int64_t *ret, struct error *err);

/*
 * Says that the row at 'place' of a file was inserted, changed or deleted
 * (already done in the store). 'place' is the order of the file's rows:
 * subject for data (data.jsonl goes along) and conflicts; the store's place
 * for orphans and for a source (source, member). A theme with a first version
 * to come, or whose rules changed, is said to be new as a whole by
 * publish_dirty_all(), and its files are written from their first row. A row of
 * a source that has no file in sources/ is no change. Before its first version
 * a theme is new as a whole whatever was said, and it gets none as long as
 * all its files are empty.
 */
MUST_CHECK int publish_dirty(struct publish *p,
			     const struct publish_theme *theme,
			     enum publish_kind kind, size_t source,
			     size_t member, struct slice place,
			     struct error *err);
MUST_CHECK int publish_dirty_all(struct publish *p,
				 const struct publish_theme *theme,
				 struct error *err);
/* The same for one file: more of it than not has changed. */
MUST_CHECK int publish_dirty_file(struct publish *p,
				  const struct publish_theme *theme,
				  enum publish_kind kind, size_t source,
				  size_t member, struct error *err);
/* A subject's row was written though no file of the theme changed (only its
 * provenance): the theme gets a version all the same. */
MUST_CHECK int publish_dirty_subject(struct publish *p,
				     const struct publish_theme *theme,
				     struct error *err);

/* Of a load: files of sources that were said to change as a whole, and have no
 * row yet, begin to be written by a thread of their own, until they are wanted.
 * What was told of their records is committed, at the publish's sequence
 * (store_records_show()). */
MUST_CHECK int publish_write_ahead(struct publish *p, struct error *err);

/* Writes the chunks, file states and changes/N.csv of every theme that was
 * said to be dirty, and takes 'breath' (NULL none) meanwhile; makes the pack
 * durable. */
MUST_CHECK int publish_write(struct publish *p, const struct breath *breath,
			     struct error *err);

/* The versions made: after publish_write, for receipts. */
struct publish_made {
	const struct publish_theme *theme;
	int64_t version;
	int64_t rows, inserted, updated, deleted;
	int64_t subjects; /* whose row was written, if only its provenance */
	unsigned char digest[DIGEST_SIZE];
};
size_t publish_made(const struct publish *p, const struct publish_made **ret);

/* Rows of version and version_text, in the caller's transaction, which also
 * calls store_publish(). 'submission' is "" when rules changed. After the
 * commit publish_done() keeps the pack. */
MUST_CHECK int publish_commit(struct publish *p, struct store_txn *txn,
			      const char *submission, int64_t published_at,
			      struct error *err);
void publish_done(struct publish *p);

/* Removes packs that no publish up to the published sequence needs. At start,
 * after store_open, before the first publish. */
MUST_CHECK int publish_recover(struct store *store, struct error *err);

/* ---- reading ------------------------------------------------------------- */

struct publish_version {
	int64_t number; /* 0: before the first data */
	int64_t seq;
	int64_t published_at; /* ns */
	char submission[32];
	int64_t rows, inserted, updated, deleted;
	unsigned char digest[DIGEST_SIZE];
	bool dropped; /* kept no longer: only what is open shows it */
};
/* The newest version, or one by number, or the last one published by the end
 * of a day (YYYYMMDD in the platform's zone). 1 found, 0 none (then *ret is
 * zero: before the first data). */
MUST_CHECK int publish_newest(struct sql *db, int64_t theme,
			      struct publish_version *ret, struct error *err);
MUST_CHECK int publish_version_get(struct sql *db, int64_t theme,
				   int64_t number, struct publish_version *ret,
				   struct error *err);
MUST_CHECK int publish_version_on(struct sql *db, int64_t theme, int day,
				  struct publish_version *ret,
				  struct error *err);
/* Those that are kept, ascending. */
MUST_CHECK int
publish_version_each(struct sql *db, int64_t theme,
		     int (*each)(void *ctx, const struct publish_version *v),
		     void *ctx, struct error *err);
/* versions/index.csv: the versions first to last. */
MUST_CHECK int publish_version_index(struct sql *db, int64_t theme,
				     int64_t first, int64_t last,
				     struct buf *out, struct error *err);

/* Whether a version that is kept (SPEC 3, keep_versions) is this one, or shows
 * this file_state or theme_row: 1, 0. What is not may be removed once nobody
 * has it open; who opens it says so before he asks. */
MUST_CHECK int publish_version_is_kept(struct sql *db, int64_t theme,
				       int64_t number, struct error *err);
MUST_CHECK int publish_file_is_kept(struct sql *db, int64_t state,
				    struct error *err);
MUST_CHECK int publish_subject_is_kept(struct sql *db, int64_t row,
				       struct error *err);

/* A file of a version. 'state' names its bytes for ever (table file_state);
 * 0 when the file has only its header, before the first data: then the bytes
 * come from publish_header(). 'bytes' is -1 when the version has no such file:
 * a source that came or went with the rules, a part that is none. */
struct publish_file {
	int64_t state;
	int64_t bytes;
	int64_t rows;
	int64_t mtime; /* ns: when these bytes were first published */
};
MUST_CHECK int publish_file_at(struct sql *db,
			       const struct publish_theme *theme,
			       enum publish_kind kind, const char *part,
			       int64_t seq, struct publish_file *ret,
			       struct error *err);
/* The published files of the theme at a sequence, changes/ excepted: those
 * of its folder, then sources by name. Before the first data as the
 * configuration has them. A callback returns 0 to go on. */
typedef int publish_file_each_fn(void *ctx, enum publish_kind kind,
				 const char *part,
				 const struct publish_file *f);
MUST_CHECK int publish_file_each(struct sql *db,
				 const struct publish_theme *theme, int64_t seq,
				 publish_file_each_fn *each, void *ctx,
				 struct error *err);
/* By its state alone, after a restart: 1 found, 0 none. */
MUST_CHECK int publish_file_get(struct sql *db, int64_t state,
				struct publish_file *ret, struct error *err);
/* Whose it is: its dataset's object, and for a file of sources/ the resource,
 * else NULL; the caller frees it. 1 found, 0 none. */
MUST_CHECK int publish_file_owner(struct sql *db, int64_t state,
				  int64_t *ret_dataset, char **ret_source,
				  struct error *err);
/* A file before the first data: its header alone. ERR_NOMEM; ERR_NOTFOUND when
 * the theme shows no such source or has no such file. */
MUST_CHECK int publish_header(const struct publish_theme *theme,
			      enum publish_kind kind, const char *part,
			      struct buf *out);

/* An open file: its extents, loaded once, and which of its chunks were found
 * to be what was published: each is checked when it is first read (sound.h).
 * Any number of threads may read it at once. */
struct publish_reader;
MUST_CHECK int publish_reader_open(struct store *store, int64_t state,
				   struct publish_reader **ret,
				   struct error *err);
void publish_reader_close(struct publish_reader *r);
/* Reads are not checked any more: for who compares the bytes himself. Before
 * the first read. */
void publish_reader_plain(struct publish_reader *r);
/* The memory it takes, about. */
size_t publish_reader_size(struct publish_reader *r);
/* Bytes read: fewer than n only at the end. ERR_CORRUPT when they are not what
 * was published. */
MUST_CHECK ssize_t publish_reader_read(struct publish_reader *r, void *p,
				       size_t n, int64_t offset,
				       struct error *err);
/* SHA-256 of all its bytes, read now. Blocks. */
MUST_CHECK int publish_reader_sha256(struct publish_reader *r,
				     unsigned char ret[static DIGEST_SIZE],
				     struct error *err);
/* SHA-256 of the whole file; computed and remembered when first asked. Takes
 * the writer of civicfs.db: not inside a transaction. */
MUST_CHECK int publish_file_sha256(struct store *store, int64_t state,
				   unsigned char ret[static DIGEST_SIZE],
				   struct error *err);
/* The same if it is known already: 1, else 0. */
MUST_CHECK int publish_file_sha256_known(struct sql *db, int64_t state,
					 unsigned char ret[static DIGEST_SIZE],
					 struct error *err);

/* README.txt and datapackage.json of a version (of version 0: as they would
 * be): *ret_id names the bytes (0 for version 0). ERR_NOTFOUND for another
 * name, or when there is no such version. */
#define PUBLISH_README "README.txt"
#define PUBLISH_DATAPACKAGE "datapackage.json"
MUST_CHECK int publish_text(struct sql *db, const struct config *config,
			    const struct publish_theme *theme, int64_t version,
			    const char *name, int64_t *ret_id, struct buf *out,
			    struct error *err);

/* SHA256SUMS of a version: its size is known without reading a file; the
 * bytes hash every file that has not been hashed yet (blocks). */
MUST_CHECK int publish_sums_size(struct sql *db,
				 const struct publish_theme *theme,
				 int64_t version, int64_t *ret,
				 struct error *err);
MUST_CHECK int publish_sums(struct store *store, const struct config *config,
			    const struct publish_theme *theme, int64_t version,
			    struct buf *out, struct error *err);

/* changes/FROM..TO.csv: the net effect between two versions (from < to; 0 is
 * before the first), written to 'fd'; *ret_bytes its size. ERR_NOTFOUND when
 * one of the versions is none; ERR_INVALID unless from < to. The columns are
 * those of version 'to', whatever the theme has today. */
MUST_CHECK int publish_changes_between(struct sql *db,
				       const struct publish_theme *theme,
				       int64_t from, int64_t to, int fd,
				       int64_t *ret_bytes, struct error *err);

/* subjects/KEY.json of a theme_row by its id (integrate_subject_json over the
 * records and the rules that held then). 1 found, 0 none. ERR_CORRUPT when
 * they do not give the row. */
MUST_CHECK int publish_subject(struct sql *db,
			       const struct publish_theme *theme, int64_t row,
			       struct buf *out, struct error *err);
/* The same in two steps, for whoever must know the theme first: the row (1
 * found, 0 none; to be released in any case), then its text (0). A row that is
 * at hand is taken (ERR_NOMEM, or 0), all but its theme, into an empty one. */
struct publish_subject_row {
	int64_t id, theme, version, since;
	struct buf subject, cells;
};
MUST_CHECK int publish_subject_find(struct sql *db, int64_t row,
				    struct publish_subject_row *ret,
				    struct error *err);
MUST_CHECK int publish_subject_take(struct publish_subject_row *ret,
				    const struct store_theme_row *row);
MUST_CHECK int publish_subject_tell(struct sql *db,
				    const struct publish_theme *theme,
				    const struct publish_subject_row *row,
				    struct buf *out, struct error *err);
void publish_subject_release(struct publish_subject_row *row);

/*
 * 'verify': re-reads every chunk of every version against its hash, file
 * sizes against extents, digests against chunks, rows against the store (the
 * newest version's, unless its columns wait for a reload); every problem is a
 * line to 'report', which returns 0 to go on. 0 clean, 1 problems, or
 * negative. Blocks for as long as reading all of it takes.
 */
MUST_CHECK int publish_verify(struct store *store, const struct config *config,
			      const struct publish_theme *themes,
			      size_t nthemes,
			      int (*report)(void *ctx, const char *text),
			      void *ctx, struct error *err);

/* The files of packs/ and intake/: a pack that is missing is reported as above.
 * *ret is what nothing refers to. */
struct publish_disk {
	int64_t packs, blobs, bytes;
};
MUST_CHECK int publish_verify_disk(struct store *store,
				   struct publish_disk *ret,
				   int (*report)(void *ctx, const char *text),
				   void *ctx, struct error *err);

#endif

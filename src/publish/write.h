/*
 * A publish under way: what write.c and write_whole.c share. See publish.h.
 */
#ifndef PUBLISH_WRITE_H
#define PUBLISH_WRITE_H

#include "publish/packs.h"
#include "publish/publish.h"
#include "publish/rows.h"
#include "publish/whole.h"
#include "store/version.h"

struct file_work {
	struct publish_rows rows;
	int64_t file;
	int64_t dirty; /* the file under whose number its places are noted */
	bool touched;
	int64_t had;   /* rows, before */
	int64_t noted; /* places of rows that change */
	bool all;      /* its places are not noted: it is written as a whole */
	bool ahead;    /* is being written, by publish_write_ahead() */
	bool written;  /* has been, by publish_whole_work() */
};

struct theme_work {
	const struct publish_theme *theme;
	struct store_version newest; /* number 0: none yet */
	int64_t next;		     /* number of the version to come */
	bool dirty;		     /* something was said to have changed */
	bool all;
	int64_t subjects; /* rows: a version even if no file changes */
	bool changed;
	struct file_work changes; /* changes/N.csv of the version to come */
	struct publish_counts counts;
	struct publish_whole portable; /* data.sqlite; pack 0: not written */
	struct file_work *files;
	size_t nfiles;
};

struct publish_wholes;
struct publish_ahead;

struct publish {
	struct store *store;
	struct sql *db;
	const struct config *config;
	int64_t seq;
	uint64_t border; /* store_chunk_border() */
	struct publish_packs *packs;
	const struct breath *breath; /* while it is written */
	bool done;
	bool many; /* rows have come at once: much is to be written */
	struct publish_wholes *wholes; /* NULL: not looked for yet */
	struct publish_ahead *ahead;   /* NULL: nothing is */
	struct theme_work *works;
	size_t nworks;
	struct publish_made *made;
	size_t nmade;
};

/* Gives the theme's changes/N.csv a number, and says what is in it. */
MUST_CHECK int publish_find_changes(struct publish *p, struct theme_work *w,
				    struct error *err);

/*
 * Files of which no row is published and that change as a whole, when many
 * rows have come at once: which they are, and their bytes (whole.h), which are
 * read at the publish's sequence by other connections; and last, inside
 * store_records_begin(), what is told of them. Files that were written so are
 * marked. The last two do nothing when there are none.
 */
MUST_CHECK int publish_whole_begin(struct publish *p, struct error *err);
MUST_CHECK int publish_whole_work(struct publish *p, struct error *err);
MUST_CHECK int publish_whole_end(struct publish *p, struct error *err);
/* With their packs, unless the publish is done. */
void publish_whole_free(struct publish *p);

/* data.sqlite of a theme whose data.csv has changed, or whose rules have, once
 * the other files are written; and its end, with its pack unless the publish is
 * done. */
MUST_CHECK int publish_portable_renew(struct publish *p, struct theme_work *w,
				      struct error *err);
void publish_portable_drop(struct publish *p, struct theme_work *w);

/* data.csv, which every theme has: the first of its files; and the one of a
 * kind that a theme has at most once, NULL when it has none. */
struct file_work *publish_data_of(struct theme_work *w);
struct file_work *publish_file_of(struct theme_work *w, enum publish_kind kind);

/* What publish_write_ahead() has begun: its end; what is told of it; and its
 * release. */
MUST_CHECK int publish_ahead_wait(struct publish *p, struct error *err);
MUST_CHECK int publish_ahead_end(struct publish *p, struct error *err);
void publish_ahead_free(struct publish *p);
/* Of write_whole.c, for both: whether no row of a file is published, 1 or 0,
 * and *ret_begun when its header is; whether there is more than that header;
 * the theme and the file that are meant; what a publish that came to nothing
 * leaves behind. */
MUST_CHECK int publish_is_fresh(struct publish *p, int64_t file,
				bool *ret_begun, struct error *err);
bool publish_whole_has_come(const struct publish_whole *w);
struct theme_work *publish_theme_of(struct publish *p,
				    const struct publish_theme *theme);
void publish_whole_drop(struct publish *p, struct publish_whole *w);

#endif

/*
 * The rows of one published file, as the store has them at a sequence: which
 * there are, in what order, and their bytes. One table entry a kind of file.
 */
#ifndef PUBLISH_ROWS_H
#define PUBLISH_ROWS_H

#include "publish/publish.h"

struct publish_counts {
	int64_t inserted, updated, deleted;
};

struct publish_rows {
	const struct publish_theme *theme;
	enum publish_kind kind;
	size_t source, member; /* PUBLISH_SOURCE */
	/* PUBLISH_CHANGES: */
	int64_t from;	   /* the sequence before */
	bool same_columns; /* the rows at 'from' have today's columns */
	struct publish_counts *counts; /* added to, if not NULL */
	const struct breath *breath;   /* NULL none */
};

/* One row; what is not of its kind is NULL. */
struct publish_row {
	struct slice place;
	const struct store_theme_row *theme_row; /* all but the next two */
	const struct store_record *record;	 /* PUBLISH_SOURCE */
	const char *change; /* PUBLISH_CHANGES: insert, update, delete */
};

/* The word for a kind in table file, and back. */
const char *publish_kind_word(enum publish_kind kind);
bool publish_kind_find(const char *word, enum publish_kind *ret);

/* Where a file lies in the folder of its version: "data.csv",
 * "sources/D.R.csv". Ids have at most CONFIG_ID_MAX bytes. */
#define PUBLISH_PATH_MAX (2 * CONFIG_ID_MAX + 32)
void publish_kind_path(enum publish_kind kind, const char *part,
		       char path[static PUBLISH_PATH_MAX]);

/* The header's bytes; ERR_NOMEM; ERR_NOTFOUND when the theme has no such file.
 */
MUST_CHECK int publish_rows_header(const struct publish_rows *rows,
				   struct buf *out);

/* The rows with lo <= place < hi (hi empty: to the end), in order. Changes
 * are given all. A callback returns 0 to go on. */
typedef int publish_row_fn(void *ctx, const struct publish_row *row);
MUST_CHECK int publish_rows_each(struct sql *db,
				 const struct publish_rows *rows, int64_t at,
				 struct slice lo, struct slice hi,
				 publish_row_fn *each, void *ctx,
				 struct error *err);

/* Appends a row's bytes, of any kind but PUBLISH_SQLITE; *ret_lines is how many
 * lines they are. ERR_NOMEM; ERR_CORRUPT for a place that the theme cannot have
 * made. */
MUST_CHECK int publish_rows_format(const struct publish_rows *rows,
				   const struct publish_row *row,
				   struct buf *out, int64_t *ret_lines);

/* The theme's source and member whose rows are sources/D.R.csv: the first one
 * of this resource. False when the theme has none, or does not show it. */
bool publish_rows_find_source(const struct publish_theme *theme,
			      const char *resource, size_t *ret_source,
			      size_t *ret_member);
/* Whether this member is the one found so. */
bool publish_rows_is_shown(const struct publish_theme *theme, size_t source,
			   size_t member);

#endif

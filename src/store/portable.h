/*
 * A SQLite file for others: one table of rows, and what is to be said about
 * it, written once from the first row to the last (doc/format.md,
 * "data.sqlite"). It is of no use to civicfs itself. Anybody's SQLite reads it,
 * also where nothing can be written beside it: it has no journal and no WAL.
 *
 * The same calls give the same bytes, on any machine with the same release of
 * SQLite: nothing in it depends on the time, on the place or on what memory
 * held before.
 */
#ifndef STORE_PORTABLE_H
#define STORE_PORTABLE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a column's cells are kept as. An empty cell is NULL. */
enum store_portable_type {
	STORE_PORTABLE_TEXT,
	STORE_PORTABLE_INTEGER,
	STORE_PORTABLE_REAL,
	STORE_PORTABLE_BOOLEAN /* "true", "false": 1, 0 */
};

/* What SQLite is told of a column; two names may not differ in the case of
 * ASCII letters alone. The first column is the key, and text. */
struct store_portable_column {
	const char *name;
	enum store_portable_type type;
	const char *word; /* its type, for people */
	const char *rule; /* how its values came about */
};

/* Cells that SQLite can only keep the nearest number of (more than 64 bits, or
 * than 15 digits) are in table _exact as well, with every digit. */
struct store_portable;

/*
 * Begins one in a file that is there and empty; 'name' is relative to the
 * working directory, "" keeps it in memory. The columns must live as long.
 * ERR_IO, ERR_NOMEM.
 */
MUST_CHECK int store_portable_new(const char *name, const char *table,
				  const struct store_portable_column *columns,
				  size_t n, struct store_portable **ret,
				  struct error *err);
void store_portable_free(struct store_portable *p);
static inline void
store_portable_freep(struct store_portable **p)
{
	store_portable_free(*p);
}
#define scope_portable \
	__attribute__((cleanup(store_portable_freep))) struct store_portable *

/* A row of packed cells; rows come in bytewise order of their keys. ERR_IO
 * (errnum ENOSPC when there is no room), ERR_NOMEM. */
MUST_CHECK int store_portable_add(struct store_portable *p, struct slice cells,
				  struct error *err);
/* A line of table _about. */
MUST_CHECK int store_portable_say(struct store_portable *p, const char *name,
				  const char *value, struct error *err);

/* Writes what is left. The file is whole, not yet durable, and no longer open.
 * Of one in memory, the bytes are appended to 'out', which is else NULL. */
MUST_CHECK int store_portable_end(struct store_portable *p, struct buf *out,
				  struct error *err);

/* Such a file is read to be compared: each row in turn with the packed cells
 * that it should have come of. '*ret_same' is false where it differs, also
 * where there is no such row any more (match) or still one (match_end).
 * ERR_CORRUPT when it is no such file, ERR_IO, ERR_NOMEM. */
struct store_portable_reader;
MUST_CHECK int store_portable_open(const char *name, const char *table,
				   const struct store_portable_column *columns,
				   size_t n, struct store_portable_reader **ret,
				   struct error *err);
void store_portable_close(struct store_portable_reader *r);
static inline void
store_portable_closep(struct store_portable_reader **r)
{
	store_portable_close(*r);
}
#define scope_portable_reader \
	__attribute__((cleanup( \
		store_portable_closep))) struct store_portable_reader *
MUST_CHECK int store_portable_match(struct store_portable_reader *r,
				    struct slice cells, bool *ret_same,
				    struct error *err);
MUST_CHECK int store_portable_match_end(struct store_portable_reader *r,
					bool *ret_same, struct error *err);

#endif

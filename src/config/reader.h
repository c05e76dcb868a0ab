/*
 * The strict line reader in front of inih (SPEC 3): one file's bytes to
 * sections and keys, or errors with file:line. It knows the grammar of lines,
 * not which sections and keys there are.
 *
 * What inih 55 would do in silence is refused here: a line over 199 bytes
 * (cut, the rest read as a new line), an indented line (glued to the key
 * above), a missing ']' (keys go to the section before), NUL and CR (the rest
 * is lost), ':' as a separator.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "base/slice.h"
#include "config/arena.h"
#include "config/report.h"

#define CONFIG_LINE_MAX 199 /* bytes of a line without its end */

/* An indented line that goes on with a value. */
struct config_continuation {
	size_t at; /* in the value, where its text begins */
	int line;
};

/* One 'key = value', its continuation lines joined by one space. */
struct config_entry {
	const char *key;
	const char *value; /* "" when empty */
	struct config_place place;
	struct config_continuation *continued;
	size_t ncontinued;
};

/* The line in which a byte of the value stands. */
int config_entry_line(const struct config_entry *e, size_t at);

/* [kind] or [kind argument]. */
struct config_section {
	const char *name; /* as between the brackets, blanks made one */
	const char *kind;
	const char *argument; /* "" none */
	struct config_place place;
	struct config_entry *entries;
	size_t nentries;
};

/* One file; the arena owns what it points to. */
struct config_doc {
	const char *file;
	struct config_section *sections;
	size_t nsections;
};

/*
 * Reads 'bytes' into *ret. Errors go to 'report', as many as there are; lines
 * with an error are left out, so that after one the doc only serves to find
 * more errors. Returns 0, or ERR_NOMEM. Keys and values are in NFC.
 * A function of memory; any thread.
 */
MUST_CHECK int config_read(struct config_arena *arena,
			   struct config_report *report, const char *file,
			   struct slice bytes, struct config_doc *ret);

#endif

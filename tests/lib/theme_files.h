/*
 * The files of a theme from records in memory, all at once: what the state
 * keeps bit by bit must come to the same. Ends the program when it cannot.
 */
#ifndef TESTS_THEME_FILES_H
#define TESTS_THEME_FILES_H

#include "base/buf.h"
#include "config/config.h"

/* A current record: its packed key and cells (base/cells.h). */
struct theme_record {
	struct slice key, cells;
	const char *submission;
};

/* The records of one resource, in any order. */
struct theme_table {
	const struct theme_record *records;
	size_t n;
};

struct theme_files {
	struct buf data, jsonl, conflicts, orphans;
};
void theme_files_release(struct theme_files *f);

/* 'tables' are those of config->resources. */
void theme_files_make(const struct config *config,
		      const struct config_theme *theme,
		      const struct theme_table *tables,
		      struct theme_files *ret);

/* sources/D.R.csv of a member, appended. */
void theme_files_source(const struct config_theme *theme,
			const struct config_member *member,
			const struct theme_table *table, struct buf *out);

#endif

/* changes/ as JSON: the same rows, with the types of the theme. */
#ifndef CTL_CHANGES_H
#define CTL_CHANGES_H

#include "config/config.h"

#include <stdio.h>

/*
 * Writes the CSV on 'fd' (the form of changes/FROM..TO.csv of this theme) to
 * 'out' as a JSON array, an object a line: change, then the columns as in
 * data.jsonl. ERR_CORRUPT when it is no such CSV; ERR_IO, ERR_NOMEM.
 */
MUST_CHECK int ctl_changes_json(const struct config_theme *theme, int fd,
				FILE *out, struct error *err);

#endif

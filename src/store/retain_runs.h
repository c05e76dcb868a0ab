/* Rows in blocks that nobody can see: of retain_rows.c alone. */
#ifndef STORE_RETAIN_RUNS_H
#define STORE_RETAIN_RUNS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sql;

/* store_retain_drop() for whole runs; of themes, or of all resources and
 * lenses. */
MUST_CHECK int store_retain_drop_runs(struct sql *db, bool of_theme,
				      int64_t owner, int64_t horizon,
				      int64_t limit, int64_t *ret,
				      struct error *err);

#endif

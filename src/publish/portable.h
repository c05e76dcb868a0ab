/*
 * data.sqlite: the rows of data.csv as a SQLite file (doc/format.md), written
 * from its first row to its last whenever one of them has changed.
 */
#ifndef PUBLISH_PORTABLE_H
#define PUBLISH_PORTABLE_H

#include "publish/chunks.h"

/* The file of a theme without rows, appended. ERR_IO, ERR_NOMEM. */
MUST_CHECK int publish_portable_empty(const struct config_theme *theme,
				      struct buf *out, struct error *err);

/*
 * Writes the rows as they are at 'at' into the file 'name', which is there and
 * empty (relative to the working directory, where the state is). 'step', if
 * not NULL, is asked after each row: 0 to go on. *ret_rows is how many they
 * are. ERR_IO, ERR_NOMEM.
 */
struct publish_portable_job {
	struct sql *db;
	const struct publish_rows *rows;
	int64_t at;
	const char *name;
	int (*step)(void *ctx);
	void *ctx;
};
MUST_CHECK int publish_portable_write(const struct publish_portable_job *job,
				      int64_t *ret_rows, struct error *err);

/* Compares the rows of such a file with those at 'at': *ret_same. 'job' as
 * above. ERR_CORRUPT when it is none. */
MUST_CHECK int publish_portable_match(const struct publish_portable_job *job,
				      bool *ret_same, struct error *err);

/* The chunks of such a file, each given once: they are stretches of one length
 * with their place for a first, and the first one has all rows. */
MUST_CHECK int publish_portable_cut(int fd, int64_t rows,
				    publish_chunk_fn *each, void *ctx,
				    struct error *err);

#endif

/*
 * Files of which no row is published yet, written as a whole: several at
 * once, each by a thread that reads with a connection of its own and writes
 * into a pack of its own, so that the file lies on the disk in one piece.
 */
#ifndef PUBLISH_WHOLE_H
#define PUBLISH_WHOLE_H

#include "base/breath.h"
#include "base/sorter.h"
#include "publish/chunks.h"

/* One file. The caller sets what stands first; zero the rest. */
struct publish_whole {
	const struct publish_rows *rows;
	int64_t file;
	int64_t pack; /* its number; there is a pack when 'bytes' is not 0 */
	bool begun;   /* its header is published */

	struct sorter *chunks; /* what is to be said of them to the store */
	int64_t bytes, lines;
	struct error err; /* code 0: written */
};

/* Writes the bytes of n files as the store has their rows at 'at', which is
 * committed. Durable when it returns 0. Blocks; the caller's thread takes
 * 'breath' (NULL none) meanwhile. */
MUST_CHECK int publish_whole_write(struct store *store,
				   struct publish_whole *files, size_t n,
				   int64_t at, const struct breath *breath,
				   struct error *err);
/* The same of one file, as the caller's connection has its rows. */
MUST_CHECK int publish_whole_write_here(struct store *store, struct sql *db,
					struct publish_whole *w, int64_t at,
					const struct breath *breath,
					struct error *err);
/* The same by a thread of its own, while the caller does something else. What
 * is given stays where it is until it has been waited for, which is always
 * done; 'stop': what is not written need not be. */
struct publish_whole_crew;
MUST_CHECK int publish_whole_start(struct store *store,
				   struct publish_whole *files, size_t n,
				   int64_t at, struct publish_whole_crew **ret,
				   struct error *err);
MUST_CHECK int publish_whole_wait(struct publish_whole_crew *crew, bool stop,
				  const struct breath *breath,
				  struct error *err);
/* The chunks and the state of a file that was written, in place of the header
 * alone; on the writer of records.db. */
MUST_CHECK int publish_whole_tell(struct sql *db, struct publish_whole *w,
				  int64_t seq, struct error *err);
/* The hash of the next of the chunks that were written, in order: 1, or 0 after
 * the last. */
MUST_CHECK int publish_whole_next(struct sorter *chunks,
				  unsigned char ret[static DIGEST_SIZE],
				  struct error *err);
void publish_whole_release(struct publish_whole *w);

#endif

/* One contiguous copy being made: the writing behind flatten.h. */
#ifndef PUBLISH_FLAT_COPY_H
#define PUBLISH_FLAT_COPY_H

#include "store/chunk.h"

#include <stdbool.h>

#define PUBLISH_FLAT_FOLDER "cache/flat"
/* The copy that is being made. */
#define PUBLISH_FLAT_PART PUBLISH_FLAT_FOLDER "/part"

/* Called after each stretch: waits until so many bytes may have been copied
 * since the beginning (ns, clock_monotonic()). False: it is time to end. */
typedef bool publish_flat_pace_fn(void *ctx, int64_t since, int64_t bytes);

/*
 * Writes the bytes of a state, each chunk against its hash, and gives the file
 * its name once it is on the disk. ERR_CORRUPT when bytes are not what was
 * published; ERR_BUSY when 'pace' says to end; ERR_STALE, ERR_IO, ERR_NOMEM.
 */
MUST_CHECK int publish_flat_copy(struct store *store,
				 const struct store_file_state *state,
				 publish_flat_pace_fn *pace, void *ctx,
				 struct error *err);

/* The same without copying, when a pack holds just these bytes: 1, 0 when none
 * does; ERR_IO. */
MUST_CHECK int publish_flat_link(struct store *store,
				 const struct store_file_state *state,
				 struct error *err);

#endif

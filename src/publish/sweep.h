/*
 * Packs that nobody needs: those that no chunk refers to are removed, those
 * that are mostly dead are written again (doc/format.md).
 *
 * What still lives of a pack is appended to a new one and made durable, then
 * the chunks are told where they lie, then, when none is left in it, the old
 * pack goes. Each step does a little of that and leaves a whole state behind.
 */
#ifndef PUBLISH_SWEEP_H
#define PUBLISH_SWEEP_H

#include "store/store.h"

/* Packs with this number and above were written again, or hold one large file
 * each; below, the number says by which publish: publish_pack_seq(). */
#define PUBLISH_REWRITTEN INT64_C(1000000000000)

/* A pack is written again when at least half of it is dead, and at least so
 * many bytes. */
#define PUBLISH_DEAD_LEAST (64 << 10)

/* Takes n such numbers, one behind the other, for ever. */
MUST_CHECK int publish_pack_numbers(struct store *store, int64_t n,
				    int64_t *ret_first, struct error *err);

struct publish_swept {
	int64_t packs;	   /* removed */
	int64_t rewritten; /* of these, written again */
	int64_t bytes;	   /* freed on the disk */
};

struct publish_sweep;
MUST_CHECK int publish_sweep_new(struct store *store,
				 struct publish_sweep **ret, struct error *err);
void publish_sweep_free(struct publish_sweep *s);
/* A step by the thread that judges, outside store_records_begin(); adds to
 * *ret. 1 there is more, 0 all packs have been seen. ERR_CORRUPT names a pack
 * whose bytes are not what was published: it is left as it is. */
MUST_CHECK int publish_sweep_step(struct publish_sweep *s,
				  struct publish_swept *ret, struct error *err);

/* The packs in the state's folder, in no order; names that are none are left
 * out. A callback returns 0 to go on, or what comes back. */
MUST_CHECK int publish_pack_each(int state_fd,
				 int (*each)(void *ctx, int64_t number,
					     int64_t bytes),
				 void *ctx, struct error *err);

#endif

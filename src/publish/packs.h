/*
 * The packs of one publish: one for whatever changes, and one for each large
 * file that is written for the first time, so that it lies in one piece from
 * the start (flatten.h).
 */
#ifndef PUBLISH_PACKS_H
#define PUBLISH_PACKS_H

#include "publish/pack.h"

#include <stdbool.h>

/* Written by one thread. There is no file before the first byte. */
struct publish_packs;
MUST_CHECK int publish_packs_new(int state_fd, int64_t seq,
				 struct publish_packs **ret, struct error *err);
void publish_packs_free(struct publish_packs *packs);
/* Removes the files: nothing refers to them. */
void publish_packs_remove(struct publish_packs *packs);

struct publish_pack *publish_packs_shared(struct publish_packs *packs);
/* One for a file alone; the shared one when there are PUBLISH_PACK_OWN_MOST
 * already. ERR_NOMEM. */
MUST_CHECK int publish_packs_own(struct publish_packs *packs,
				 struct publish_pack **ret, struct error *err);
/* Makes the bytes and the names durable. Blocks. ERR_IO. */
MUST_CHECK int publish_packs_sync(struct publish_packs *packs,
				  struct error *err);

#endif

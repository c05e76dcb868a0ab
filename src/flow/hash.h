/*
 * SHA-256 of a delivered file, by a thread beside the one that judges it: the
 * receipt and the archive name it, and nothing before them needs it. A small
 * file is hashed at once. Of this folder only.
 */
#ifndef FLOW_HASH_H
#define FLOW_HASH_H

#include "base/breath.h"
#include "base/digest.h"

struct flow_hash;

/* 'fd' stays open until the end; its offset is not used. 'bytes': about how
 * many it has. ERR_NOMEM. */
MUST_CHECK int flow_hash_begin(int fd, int64_t bytes, struct flow_hash **ret,
			       struct error *err);
/* Waits for it, breathing. ERR_NOMEM, ERR_IO, what the breath failed with. */
MUST_CHECK int flow_hash_end(struct flow_hash *h, const struct breath *breath,
			     unsigned char ret[static DIGEST_SIZE],
			     struct error *err);
/* Gives up what is under way. */
void flow_hash_free(struct flow_hash *h);
static inline void
flow_hash_freep(struct flow_hash **h)
{
	flow_hash_free(*h);
}
#define scope_hash __attribute__((cleanup(flow_hash_freep))) struct flow_hash

#endif

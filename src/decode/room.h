/*
 * Room of the decoder's own for what is unpacked of a file: the part of the
 * request's descriptor behind the request, a file without a name that the
 * worker made. It is written at its end and read by position; nobody else
 * reads it, and it goes with the decoder.
 */
#ifndef DECODE_ROOM_H
#define DECODE_ROOM_H

#include "decode/bytes.h"
#include "decode/decode.h"

/* Appends. ERR_IO: the disk is full, or there is no room at all. */
MUST_CHECK int decode_room_add(struct decode_room *room, const void *p,
			       size_t n, struct error *err);

/* What was written from 'from' on until now. */
static inline struct decode_bytes
decode_room_since(const struct decode_room *room, int64_t from)
{
	return (struct decode_bytes){room->fd, from, room->at - from};
}

/*
 * Many texts in little memory: appended once, read by position. The first
 * pages stay in memory, the others go into the room.
 */
struct decode_pool;

/* 'room' is borrowed and must outlive it; 'kept' is how many bytes may stay
 * in memory. ERR_NOMEM. */
MUST_CHECK int decode_pool_new(struct decode_room *room, size_t kept,
			       struct decode_pool **ret, struct error *err);
void decode_pool_free(struct decode_pool *pool);
static inline void
decode_pool_freep(struct decode_pool **pool)
{
	decode_pool_free(*pool);
}
#define scope_pool \
	__attribute__((cleanup(decode_pool_freep))) struct decode_pool *

MUST_CHECK int decode_pool_add(struct decode_pool *pool, const void *p,
			       size_t n, struct error *err);
int64_t decode_pool_size(const struct decode_pool *pool);

/* Reads n bytes from 'at' on, all of which were added: into 'out', or points
 * *ret at them where they lie in memory, until the next call. ERR_IO. */
MUST_CHECK int decode_pool_get(const struct decode_pool *pool, int64_t at,
			       size_t n, char *out, const char **ret,
			       struct error *err);

#endif

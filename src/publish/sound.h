/*
 * Whether bytes that readers get are those that were published: each chunk of
 * a file against its hash, when it is first read (doc/decisions). A disk that
 * turns a bit is noticed then, and the reader gets an error instead.
 *
 * Of a chunk's SHA-256 the first eight bytes are kept: this is about broken
 * disks; 'verify' compares the whole.
 */
#ifndef PUBLISH_SOUND_H
#define PUBLISH_SOUND_H

#include "base/digest.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

struct sound_chunk {
	int64_t at; /* in the file; to the next one's */
	uint64_t sum;
};

/* Zeroed at the start. Filled by one thread, then used by any number. */
struct sound {
	struct sound_chunk *chunks;
	size_t n, cap;
	int64_t bytes;
	_Atomic uint64_t *seen; /* a bit for each chunk that was found good */
};

/* The file's next chunk, of 'length' bytes. ERR_NOMEM. */
MUST_CHECK int sound_add(struct sound *s, int64_t length,
			 const unsigned char sha256[static DIGEST_SIZE]);
/* No more of them. ERR_NOMEM. */
MUST_CHECK int sound_end(struct sound *s);
void sound_release(struct sound *s);
/* What it takes, in bytes. */
size_t sound_size(const struct sound *s);

/* Reads the file; 0 or a negative code. */
typedef int sound_read_fn(void *ctx, void *p, size_t n, int64_t offset,
			  struct error *err);

/*
 * Checks the chunks that the n bytes at p lie in, which were read at 'offset'
 * (all within the file), unless they were found good before. What of them is
 * not in p is read. ERR_CORRUPT with their place in the file; ERR_NOMEM; as
 * 'read' does.
 */
MUST_CHECK int sound_check(struct sound *s, const void *p, size_t n,
			   int64_t offset, sound_read_fn *read, void *ctx,
			   struct error *err);

#endif

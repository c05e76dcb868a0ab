/* SHA-256 by libcrypto's EVP, and hexadecimal text. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX (2 * DIGEST_SIZE + 1)

struct digest; /* one running SHA-256 */

/* NULL without memory. */
struct digest *digest_new(void);
void digest_free(struct digest *d);
static inline void
digest_freep(struct digest **d)
{
	digest_free(*d);
}
#define scope_digest __attribute__((cleanup(digest_freep))) struct digest *

/* Starts afresh; a new one has been started. */
void digest_restart(struct digest *d);
void digest_add(struct digest *d, const void *p, size_t n);

/* The result; start afresh before adding again. */
void digest_end(struct digest *d, unsigned char ret[static DIGEST_SIZE]);

/* Of one run of bytes; 0 or ERR_NOMEM. */
MUST_CHECK int digest_bytes(const void *p, size_t n,
			    unsigned char ret[static DIGEST_SIZE]);

/* Lower-case hexadecimal, ended by NUL. */
void digest_hex(const unsigned char *p, size_t n, char *ret_text);

/* FNV-1a of 64 bits with MurmurHash3's final mix: where a chunk of published
 * rows begins depends on it (doc/format.md), so it never changes. */
uint64_t digest_key64(struct slice key);

#endif

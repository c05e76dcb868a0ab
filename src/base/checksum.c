/* See checksum.h. */
#include "base/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
checksum(struct slice bytes)
{
	return XXH3_64bits(bytes.p, bytes.n);
}

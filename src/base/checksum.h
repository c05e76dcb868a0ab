/* A sum that tells whether bytes are still those that were written: against
 * broken disks, not against people (that is digest.h). */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/slice.h"

#include <stdint.h>

/* XXH3 of 64 bits, the same on every machine. */
uint64_t checksum(struct slice bytes);

#endif

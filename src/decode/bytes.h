/*
 * A run of bytes that is read by position: the delivered file, or what was
 * unpacked of it into the room behind the request.
 */
#ifndef DECODE_BYTES_H
#define DECODE_BYTES_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct decode_bytes {
	int fd;	      /* borrowed */
	int64_t from; /* where in fd they begin */
	int64_t size;
};

/* Reads up to n bytes from offset 'at' of the run, fewer only at its end; the
 * count. ERR_IO also when the file is shorter than it was said to be. */
MUST_CHECK ssize_t decode_bytes_read(const struct decode_bytes *bytes, void *p,
				     size_t n, int64_t at, struct error *err);

#endif

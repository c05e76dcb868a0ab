/*
 * The sandbox of a decoder: after it closes, the process can read the file
 * and the request, unpack into the room behind the request, write its answer,
 * use memory, and end; nothing else. What
 * it tries besides kills it.
 */
#ifndef DECODE_SANDBOX_H
#define DECODE_SANDBOX_H

#include "base/error.h"
#include "decode/decode.h"

#include <stdint.h>

/* The only descriptors that stay open. */
struct decode_sandbox {
	int in_fd;	/* the file: read by position */
	int request_fd; /* read; behind the request, written too */
	int out_fd;	/* written */
	int64_t size;	/* of the file: the processor time follows it */
	const struct decode_process *as;
};

/*
 * Closes it, for ever. Opens the character set converters before, because
 * iconv loads modules. ERR_IO, ERR_NOMEM: the caller must end the process
 * without reading a byte. A kernel without Landlock is no error: the system
 * call filter denies every way to a name by itself. Only in a fresh fork of a
 * single-threaded process.
 */
MUST_CHECK int decode_sandbox_close(const struct decode_sandbox *box,
				    struct error *err);

#endif

/* Which encoding a file is in, decided once for the whole of it (SPEC 6.2). */
#ifndef DECODE_ENCODING_H
#define DECODE_ENCODING_H

#include "decode/decode.h"
#include "decode/source.h"

/*
 * Reads the file to its end, in bounded memory. *ret_end is DECODE_DONE with
 * *ret filled, or DECODE_REJECTED after an encoding-error went to the sink.
 * ERR_IO, ERR_NOMEM, or what the callback returned.
 */
MUST_CHECK int decode_encoding_find(const struct decode_bytes *bytes,
				    const struct decode_sink *sink,
				    enum decode_encoding *ret,
				    enum decode_end *ret_end,
				    struct error *err);

#endif

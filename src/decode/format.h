/*
 * What a file is, by its content (the extension does not count), before its
 * text is looked at: whole or cut off, text or one of the formats that this
 * version refuses by name.
 */
#ifndef DECODE_FORMAT_H
#define DECODE_FORMAT_H

#include "decode/decode.h"

/*
 * *ret_end is DECODE_DONE when the file may be text, DECODE_INCOMPLETE (SPEC
 * 6.1: no bytes, a tail of NULs, a zip-based file without its end), or
 * DECODE_REJECTED after a fault went to the sink. Reads the beginning and the
 * end only. ERR_IO, ERR_NOMEM, or what the callback returned.
 */
MUST_CHECK int decode_format_check(int fd, int64_t size,
				   const struct decode_sink *sink,
				   enum decode_end *ret_end, struct error *err);

#endif

/*
 * Which record is the header, and what its columns are (SPEC 4): the first of
 * the first 20 records that names every registered field, in the first of the
 * reader's ways that finds one; if none does, the record that names most of
 * them.
 */
#ifndef DECODE_HEADER_H
#define DECODE_HEADER_H

#include "decode/names.h"
#include "decode/reader.h"

/*
 * Finds the header, gives it to the sink and then, all together, its
 * missing, extra and duplicate labels. *ret_end is DECODE_DONE when rows may
 * follow: the reader then stands behind the header; else DECODE_REJECTED,
 * after the faults. ERR_NOMEM, what the reader or a callback returned.
 */
MUST_CHECK int decode_header_read(const struct decode_request *req,
				  const struct decode_reader *reader,
				  const struct decode_sink *sink,
				  enum decode_end *ret_end, struct error *err);

#endif

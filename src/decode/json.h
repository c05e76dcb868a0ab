/*
 * JSON as a reader: a list of objects, or objects one after the other (JSON
 * Lines). The first record is made of their keys, in the order in which they
 * are met in the whole file; each object is a row.
 */
#ifndef DECODE_JSON_H
#define DECODE_JSON_H

#include "decode/job.h"
#include "decode/source.h"

/* Reads the table, from header to end. */
MUST_CHECK int decode_json(struct decode_job *job,
			   struct decode_source *source);

#endif

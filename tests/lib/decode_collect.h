/*
 * What decoding gave, as texts that a test can compare: the header's columns,
 * a line for each row ("ROW@LINE CELL|CELL"), a line for each fault ("CODE
 * row=R line=L field=F value=V"), and how it ended.
 */
#ifndef TESTS_LIB_DECODE_COLLECT_H
#define TESTS_LIB_DECODE_COLLECT_H

#include "base/buf.h"
#include "decode/decode.h"

struct collected {
	struct buf header; /* "ENCODING DELIMITER LINE [sep] [crlf] FIELD…" */
	struct buf rows;
	struct buf faults;
	struct buf messages; /* of the faults, a line in each language */
	int64_t nrows;
	int64_t ncells;
	int64_t nfaults;
	bool count_only; /* rows are counted, not kept */
	enum decode_end end;
	int rc;
	struct error err;
};

void collected_release(struct collected *c);
#define scope_collected __attribute__((cleanup(collected_release)))

struct decode_sink collect_sink(struct collected *c);

/* Decodes bytes from memory. 'labels' are ids, or ID=TITLE, ended by NULL, with
 * '?' before those that may be missing; 'options' holds e (ignore extra
 * columns), c (allow 'change'), m (members count alone) and x (a fix file). */
void collect(struct collected *c, struct slice bytes, const char *options,
	     const char *const *labels);

/* A request from the same words; the result is decode_request_free()'s. */
struct decode_request *collect_request(const char *options,
				       const char *const *labels);

/* A file in memory with these bytes, to be read from its start; -1. */
int collect_file(struct slice bytes);

#endif

/* How the parts of the core report what is wrong with a file as a whole. */
#ifndef DECODE_FAULT_H
#define DECODE_FAULT_H

#include "base/sentence.h"
#include "decode/decode.h"

/* Every code that a decoder may report; frames carry the number. */
enum decode_fault_code {
	DECODE_FAULT_FORMAT,
	DECODE_FAULT_ENCODING,
	DECODE_FAULT_MISSING_LABEL,
	DECODE_FAULT_EXTRA_LABEL,
	DECODE_FAULT_DUPLICATE_LABEL,
	DECODE_FAULT_HIDDEN_SHEET, /* a warning */
	DECODE_FAULT_CODES	   /* how many */
};

/* The Frictionless word of a code; NULL when the number is none. */
const char *decode_fault_word(unsigned int code);
/* The other way round; -1 when the word is none. */
int decode_fault_number(const char *word);

/* Where a fault is; what is not known is 0 or NULL. */
struct decode_place {
	int64_t row;
	int64_t line;
	const char *field;
	const char *value;
};

/* Gives the sink one fault, or a warning, with a sentence in both languages
 * (base/sentence.h), cut at 1,024 bytes. Returns what the callback returned. */
MUST_CHECK int decode_fault_warn(const struct decode_sink *sink,
				 enum decode_fault_code code,
				 struct decode_place place, enum sentence id,
				 const char *args, ...) PRINTF_LIKE(5, 6);
MUST_CHECK int decode_fault_report(const struct decode_sink *sink,
				   enum decode_fault_code code,
				   struct decode_place place, enum sentence id,
				   const char *args, ...) PRINTF_LIKE(5, 6);
/* One that sentence_error() has left. */
MUST_CHECK int decode_fault_tell(const struct decode_sink *sink,
				 enum decode_fault_code code,
				 const char *untold);

#endif

/*
 * The text of a file as a stream of UTF-8: its bytes after their byte order
 * mark, converted if need be. A source owns its buffers and its converter, not
 * the descriptor, which it reads by position only.
 */
#ifndef DECODE_SOURCE_H
#define DECODE_SOURCE_H

#include "base/error.h"
#include "base/slice.h"
#include "decode/bytes.h"

#include <stdint.h>
#include <sys/types.h>

/* The encodings of SPEC 6.2; frames carry the number. */
enum decode_encoding {
	DECODE_UTF8,
	DECODE_UTF8_BOM,
	DECODE_UTF16LE,
	DECODE_UTF16BE,
	DECODE_GB18030,
	DECODE_ENCODINGS /* how many */
};

struct decode_encoding_facts {
	const char *name;    /* as in struct decode_header */
	const char *charset; /* what iconv calls it; NULL: no conversion */
	struct slice bom;    /* the mark that names it; may be none */
};
extern const struct decode_encoding_facts decode_encodings[DECODE_ENCODINGS];

/* -1 when the name is none. */
int decode_encoding_number(const char *name);

struct decode_source;

/* ERR_NOMEM; ERR_IO when the machine has no converter for the encoding. */
MUST_CHECK int decode_source_open(const struct decode_bytes *bytes,
				  enum decode_encoding encoding,
				  struct decode_source **ret,
				  struct error *err);
void decode_source_close(struct decode_source *s);
static inline void
decode_source_closep(struct decode_source **s)
{
	decode_source_close(*s);
}
#define scope_source \
	__attribute__((cleanup(decode_source_closep))) struct decode_source *

/* Back to the first character. */
void decode_source_rewind(struct decode_source *s);

enum decode_encoding decode_source_encoding(const struct decode_source *s);

/*
 * Reads up to 'room' bytes of text (at least 16 must fit); the count, 0 at
 * the end. UTF-8 is handed through unchecked, in blocks that may end inside a
 * character. ERR_INVALID when the bytes at decode_source_offset() are not of
 * the encoding, ERR_IO also when the file is shorter than it was said to be.
 */
MUST_CHECK ssize_t decode_source_read(struct decode_source *s, char *out,
				      size_t room, struct error *err);

/* The offset in the file of the next byte that was not yet turned to text. */
int64_t decode_source_offset(const struct decode_source *s);

#endif

/* Bytes to UTF-8, block by block: see source.h. */
#include "decode/source.h"

#include "base/sentence.h"

#include "decode/gb18030.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#define RAW_SIZE 65536
/* From this size of a file on its table of pairs is worth making. */
#define PAIRS_LEAST (512 * 1024)

/* GB18030's own mark is U+FEFF in its four bytes: some editors write it. */
const struct decode_encoding_facts decode_encodings[DECODE_ENCODINGS] = {
	[DECODE_UTF8] = {"utf-8", NULL, {NULL, 0}},
	[DECODE_UTF8_BOM] = {"utf-8-bom", NULL, {"\xef\xbb\xbf", 3}},
	[DECODE_UTF16LE] = {"utf-16le", "UTF-16LE", {"\xff\xfe", 2}},
	[DECODE_UTF16BE] = {"utf-16be", "UTF-16BE", {"\xfe\xff", 2}},
	[DECODE_GB18030] = {"gb18030", "GB18030", {"\x84\x31\x95\x33", 4}},
};

struct decode_source {
	struct decode_bytes bytes;
	enum decode_encoding encoding;
	int64_t at; /* next byte of them to read */
	bool convert;
	iconv_t conv;		      /* valid if 'convert' */
	struct decode_gb18030 *pairs; /* of a large file in GB18030, or NULL */
	size_t start;		      /* raw bytes not yet converted */
	size_t end;
	char raw[RAW_SIZE];
};

int
decode_encoding_number(const char *name)
{
	for (int i = 0; i < DECODE_ENCODINGS; i++) {
		if (!strcmp(name, decode_encodings[i].name))
			return i;
	}
	return -1;
}

int
decode_source_open(const struct decode_bytes *bytes,
		   enum decode_encoding encoding, struct decode_source **ret,
		   struct error *err)
{
	const struct decode_encoding_facts *facts = &decode_encodings[encoding];
	struct decode_source *s = calloc(1, sizeof(*s));

	if (!s)
		return error_nomem(err);
	s->bytes = *bytes;
	s->encoding = encoding;
	if (facts->charset) {
		s->conv = iconv_open("UTF-8", facts->charset);
		if (s->conv == (iconv_t)-1) {
			int code =
				error_errno(err, errno, "no converter for '%s'",
					    facts->charset);

			free(s);
			return code;
		}
		s->convert = true;
	}
	if (encoding == DECODE_GB18030 && bytes->size >= PAIRS_LEAST) {
		s->pairs = decode_gb18030_new(s->conv);
		if (!s->pairs) {
			decode_source_close(s);
			return error_nomem(err);
		}
	}
	decode_source_rewind(s);
	*ret = s;
	return 0;
}

void
decode_source_close(struct decode_source *s)
{
	if (!s)
		return;
	if (s->convert)
		iconv_close(s->conv);
	free(s->pairs);
	free(s);
}

/* A file without the mark begins with its text; GB18030 may be either. */
static size_t
bom_length(const struct decode_source *s)
{
	struct slice bom = decode_encodings[s->encoding].bom;
	char head[4];

	if (!bom.n || (int64_t)bom.n > s->bytes.size ||
	    decode_bytes_read(&s->bytes, head, bom.n, 0, NULL) !=
		    (ssize_t)bom.n)
		return 0;
	return memcmp(head, bom.p, bom.n) ? 0 : bom.n;
}

void
decode_source_rewind(struct decode_source *s)
{
	s->at = (int64_t)bom_length(s);
	s->start = 0;
	s->end = 0;
	if (s->convert)
		iconv(s->conv, NULL, NULL, NULL, NULL);
}

enum decode_encoding
decode_source_encoding(const struct decode_source *s)
{
	return s->encoding;
}

int64_t
decode_source_offset(const struct decode_source *s)
{
	return s->at - (int64_t)(s->end - s->start);
}

static ssize_t
read_bytes(struct decode_source *s, char *out, size_t room, struct error *err)
{
	ssize_t n = decode_bytes_read(&s->bytes, out, room, s->at, err);

	if (n > 0)
		s->at += n;
	return n;
}

/* Puts what is left of the raw bytes in front and reads on. */
static ssize_t
refill(struct decode_source *s, struct error *err)
{
	ssize_t n;

	memmove(s->raw, s->raw + s->start, s->end - s->start);
	s->end -= s->start;
	s->start = 0;
	n = read_bytes(s, s->raw + s->end, sizeof(s->raw) - s->end, err);
	if (n > 0)
		s->end += (size_t)n;
	return n;
}

/* Converts what it can; the bytes written. errno is 0, or says why iconv
 * stopped. */
static size_t
convert(struct decode_source *s, char *out, size_t room)
{
	char *in = s->raw + s->start;
	size_t nin = s->end - s->start, left = room;

	errno = 0;
	if (s->pairs)
		decode_gb18030_convert(s->pairs, s->conv, &in, &nin, &out,
				       &left);
	else if (iconv(s->conv, &in, &nin, &out, &left) != (size_t)-1)
		errno = 0;
	s->start = s->end - nin;
	return room - left;
}

ssize_t
decode_source_read(struct decode_source *s, char *out, size_t room,
		   struct error *err)
{
	if (!s->convert)
		return read_bytes(s, out, room, err);
	for (;;) {
		size_t made = convert(s, out, room);
		int why = errno;
		ssize_t n;

		/* what stopped it stops the next call again, with no output */
		if (made)
			return (ssize_t)made;
		if (why == EILSEQ)
			break;
		n = refill(s, err);
		if (n < 0)
			return n;
		if (n == 0 && s->start == s->end)
			return 0;
		if (n == 0)
			break;
	}
	return sentence_error(err, ERR_INVALID, MSG_BYTE_IS_NOT,
			      "%lld" AND "%s",
			      (long long)decode_source_offset(s),
			      decode_encodings[s->encoding].name);
}

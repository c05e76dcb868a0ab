/*
 * The ladder of encodings: a byte order mark, else strict UTF-8, else strict
 * GB18030, else an encoding-error. Never by cell: GBK's '目录' is also valid
 * UTF-8. Never by guess: a detector calls mostly-ASCII GBK files KOI8-R.
 *
 * One exception: UTF-8 that only lacks the end of its last character is often
 * valid GB18030 by accident, and would be read as nonsense without a word. It
 * is a copy that was cut off, and an encoding-error.
 */
#include "decode/encoding.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"
#include "decode/fault.h"

#define BLOCK (256 * 1024)

/* What a walk over a file as UTF-8 found, up to its first wrong byte. */
struct tally {
	int64_t first; /* offset of it; -1 none */
	bool wide;     /* a character of three or four bytes came before */
	bool cut;      /* it begins a character that the end cuts off */
};

/* Walks a block at offset 'at'; returns how many bytes are done with: a
 * character may go on in the next block unless this is the last. */
static size_t
tally_block(struct tally *t, struct slice s, int64_t at, bool last)
{
	size_t n = text_utf8_run(s, &t->wide);
	bool cut;

	if (n == s.n)
		return n;
	cut = text_utf8_next((struct slice){s.p + n, s.n - n}) == TEXT_UTF8_CUT;
	if (cut && !last)
		return n;
	t->cut = cut;
	t->first = at + (int64_t)n;
	return s.n;
}

static int
tally_file(const struct decode_bytes *bytes, int64_t from, struct tally *t,
	   struct error *err)
{
	scope_buf block = BUF_INIT;
	size_t kept = 0;

	*t = (struct tally){.first = -1};
	if (buf_reserve(&block, BLOCK))
		return error_nomem(err);
	while (from < bytes->size && t->first < 0) {
		size_t done;
		ssize_t n = decode_bytes_read(bytes, block.data + kept,
					      BLOCK - kept, from, err);

		if (n < 0)
			return (int)n;
		from += n;
		block.len = kept + (size_t)n;
		done = tally_block(t, buf_slice(&block),
				   from - (int64_t)block.len,
				   from == bytes->size);
		kept = block.len - done;
		memmove(block.data, block.data + done, kept);
	}
	return 0;
}

/* Whether the whole file converts; *ret_bad is where it does not. */
static int
check_converts(const struct decode_bytes *bytes, enum decode_encoding encoding,
	       int64_t *ret_bad, struct error *err)
{
	scope_source source = NULL;
	scope_buf block = BUF_INIT;
	struct error why = ERROR_INIT;
	ssize_t n;
	int rc;

	rc = decode_source_open(bytes, encoding, &source, err);
	if (rc)
		return rc;
	if (buf_reserve(&block, BLOCK))
		return error_nomem(err);
	do {
		n = decode_source_read(source, block.data, BLOCK, &why);
	} while (n > 0);
	*ret_bad = n == ERR_INVALID ? decode_source_offset(source) : -1;
	if (n < 0 && n != ERR_INVALID)
		return error_set(err, (int)n, "%s", why.text);
	return 0;
}

/* The physical line of an offset, in encodings where LF and CR are bytes. */
static int
line_of(const struct decode_bytes *bytes, int64_t offset, int64_t *ret,
	struct error *err)
{
	scope_buf block = BUF_INIT;
	bool after_cr = false;

	*ret = 1;
	if (buf_reserve(&block, BLOCK))
		return error_nomem(err);
	for (int64_t at = 0; at < offset;) {
		size_t want = BLOCK;
		ssize_t n;

		if ((int64_t)want > offset - at)
			want = (size_t)(offset - at);
		n = decode_bytes_read(bytes, block.data, want, at, err);
		if (n <= 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++) {
			char c = block.data[i];

			*ret += c == '\r' || (c == '\n' && !after_cr);
			after_cr = c == '\r';
		}
		at += n;
	}
	return 0;
}

static int
report(const struct decode_bytes *bytes, int64_t at, enum decode_encoding tried,
       enum sentence what, const struct decode_sink *sink, struct error *err)
{
	bool wide = tried == DECODE_UTF16LE || tried == DECODE_UTF16BE;
	struct decode_place place = {0};
	unsigned char c = 0;
	char value[8];
	ssize_t n;

	n = decode_bytes_read(bytes, &c, 1, at, err);
	if (n < 0)
		return (int)n;
	if (!wide) {
		int rc = line_of(bytes, at, &place.line, err);

		if (rc)
			return rc;
	}
	snprintf(value, sizeof(value), "0x%02X", c);
	place.value = value;
	return decode_fault_report(
		sink, DECODE_FAULT_ENCODING, place, MSG_FILE_BYTE,
		"%lld" AND "%s" AND A_SENTENCE, (long long)at, value, what);
}

static int
find_by_bom(const struct decode_bytes *bytes, enum decode_encoding *ret,
	    struct error *err)
{
	char head[4] = "";
	ssize_t n = decode_bytes_read(bytes, head, sizeof(head), 0, err);

	if (n < 0)
		return (int)n;
	*ret = DECODE_UTF8;
	for (int i = 0; i < DECODE_ENCODINGS; i++) {
		struct slice bom = decode_encodings[i].bom;

		if (bom.n && slice_starts((struct slice){head, (size_t)n}, bom))
			*ret = (enum decode_encoding)i;
	}
	return 0;
}

/* UTF-8, with or without its mark: *ret_bad is -1 when it is. */
static int
find_utf8(const struct decode_bytes *bytes, enum decode_encoding *encoding,
	  int64_t *ret_bad, enum sentence *ret_what, struct error *err)
{
	bool bom = *encoding == DECODE_UTF8_BOM;
	struct tally t;
	int rc = tally_file(bytes, bom ? 3 : 0, &t, err);

	*ret_bad = t.first;
	*ret_what = t.cut ? MSG_BYTE_CUT : MSG_BYTE_NO_UTF8;
	if (rc || t.first < 0 || bom || (t.cut && t.wide))
		return rc;
	*encoding = DECODE_GB18030;
	*ret_what = MSG_BYTE_NEITHER;
	rc = check_converts(bytes, *encoding, ret_bad, err);
	/* the encoding that got further is the one that was meant */
	if (!rc && *ret_bad >= 0 && *ret_bad < t.first)
		*ret_bad = t.first;
	return rc;
}

int
decode_encoding_find(const struct decode_bytes *bytes,
		     const struct decode_sink *sink, enum decode_encoding *ret,
		     enum decode_end *ret_end, struct error *err)
{
	enum sentence what = MSG_BYTE_MARK;
	enum decode_encoding encoding = DECODE_UTF8;
	int64_t bad = -1;
	int rc = find_by_bom(bytes, &encoding, err);

	if (rc)
		return rc;
	if (encoding == DECODE_UTF8 || encoding == DECODE_UTF8_BOM)
		rc = find_utf8(bytes, &encoding, &bad, &what, err);
	else
		rc = check_converts(bytes, encoding, &bad, err);
	if (rc)
		return rc;
	*ret_end = bad < 0 ? DECODE_DONE : DECODE_REJECTED;
	if (bad >= 0)
		return report(bytes, bad, encoding, what, sink, err);
	*ret = encoding;
	return 0;
}

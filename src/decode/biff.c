/* Records of old workbooks: see biff.h. */
#include "decode/biff.h"

#include "base/sentence.h"
#include "decode/decode.h"
#include "decode/little.h"

#include <endian.h>
#include <string.h>
#include <utf8proc.h>

#define CONTINUE 0x3c
#define WIDE 1	   /* characters of two bytes */
#define PHONETIC 4 /* how it is pronounced follows */
#define RICH 8	   /* fonts follow */

int
decode_biff_damaged(struct error *err)
{
	return sentence_error(err, ERR_INVALID, MSG_XLS_DAMAGED, "");
}

void
decode_biff_seek(struct decode_biff *b, int64_t at)
{
	b->next = at;
	b->n = b->at = 0;
	b->type = 0;
}

/* Makes n bytes from 'at' on stand in the block. */
static int
fill(struct decode_biff *b, int64_t at, size_t n, struct error *err)
{
	ssize_t got;

	if (at >= b->from && at + (int64_t)n <= b->from + (int64_t)b->have)
		return 1;
	got = decode_bytes_read(&b->bytes, b->block, sizeof(b->block), at, err);
	if (got < 0)
		return (int)got;
	b->from = at;
	b->have = (size_t)got;
	return (size_t)got >= n;
}

int
decode_biff_next(struct decode_biff *b, struct error *err)
{
	const char *head;
	int rc = fill(b, b->next, 4, err);

	if (rc <= 0)
		return rc;
	head = b->block + (b->next - b->from);
	b->type = decode_u16(head);
	b->n = decode_u16(head + 2);
	if (b->n > DECODE_BIFF_MAX)
		return decode_biff_damaged(err);
	rc = fill(b, b->next, 4 + b->n, err);
	if (rc <= 0)
		return rc ? rc : decode_biff_damaged(err);
	b->p = b->block + (b->next - b->from) + 4;
	b->next += 4 + (int64_t)b->n;
	b->at = 0;
	return 1;
}

/* Into the CONTINUE behind the record. */
static int
go_on(struct decode_biff *b, struct error *err)
{
	int rc = decode_biff_next(b, err);

	if (rc < 0)
		return rc;
	return rc && b->type == CONTINUE ? 0 : decode_biff_damaged(err);
}

int
decode_biff_take(struct decode_biff *b, void *out, size_t n, struct error *err)
{
	char *to = out;

	while (n) {
		size_t part = b->n - b->at < n ? b->n - b->at : n;

		if (!part) {
			int rc = go_on(b, err);

			if (rc)
				return rc;
			continue;
		}
		if (to) {
			memcpy(to, b->p + b->at, part);
			to += part;
		}
		b->at += part;
		n -= part;
	}
	return 0;
}

int
decode_biff_u16(struct decode_biff *b, unsigned int *ret, struct error *err)
{
	char p[2] = {0};
	int rc = decode_biff_take(b, p, sizeof(p), err);

	*ret = decode_u16(p);
	return rc;
}

int
decode_biff_u32(struct decode_biff *b, uint32_t *ret, struct error *err)
{
	uint32_t v = 0;
	int rc = decode_biff_take(b, &v, sizeof(v), err);

	*ret = le32toh(v);
	return rc;
}

/* ---- texts --------------------------------------------------------------- */

static int
add_character(struct buf *out, utf8proc_int32_t c)
{
	if (!c || !utf8proc_codepoint_valid(c))
		c = 0xfffd;
	if (buf_reserve(out, 4))
		return ERR_NOMEM;
	out->len += (size_t)utf8proc_encode_char(
		c, (utf8proc_uint8_t *)out->data + out->len);
	return 0;
}

/* One unit; where a text goes on in a CONTINUE, its width is said again. */
static int
take_unit(struct decode_biff *b, unsigned char *flags, unsigned int *ret,
	  struct error *err)
{
	unsigned char narrow = 0;
	int rc = 0;

	if (b->at == b->n) {
		rc = go_on(b, err);
		if (!rc)
			rc = decode_biff_take(b, flags, 1, err);
	}
	if (rc)
		return rc;
	if (*flags & WIDE)
		return decode_biff_u16(b, ret, err);
	rc = decode_biff_take(b, &narrow, 1, err);
	*ret = narrow;
	return rc;
}

static int
take_units(struct decode_biff *b, unsigned char flags, size_t n,
	   struct buf *out, struct error *err)
{
	unsigned int high = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int unit;
		int rc = take_unit(b, &flags, &unit, err);

		if (rc)
			return rc;
		if (high && unit >= 0xdc00 && unit < 0xe000) {
			rc = add_character(
				out,
				(utf8proc_int32_t)(0x10000 +
						   ((high - 0xd800) << 10) +
						   unit - 0xdc00));
			high = 0;
		} else {
			if (high)
				rc = add_character(out, 0xfffd);
			high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
			if (!rc && !high)
				rc = add_character(out, (utf8proc_int32_t)unit);
		}
		if (rc)
			return error_nomem(err);
	}
	return high && add_character(out, 0xfffd) ? error_nomem(err) : 0;
}

int
decode_biff_text(struct decode_biff *b, size_t size_bytes, struct buf *out,
		 struct error *err)
{
	unsigned char size[2] = {0}, flags = 0;
	unsigned int fonts = 0;
	uint32_t phonetic = 0;
	int rc = decode_biff_take(b, size, size_bytes, err);

	if (!rc)
		rc = decode_biff_take(b, &flags, 1, err);
	if (!rc && flags & RICH)
		rc = decode_biff_u16(b, &fonts, err);
	if (!rc && flags & PHONETIC)
		rc = decode_biff_u32(b, &phonetic, err);
	if (!rc)
		rc = take_units(b, flags, size[0] + 256U * size[1], out, err);
	if (!rc)
		rc = decode_biff_take(b, NULL, (size_t)fonts * 4, err);
	return rc ? rc : decode_biff_take(b, NULL, phonetic, err);
}

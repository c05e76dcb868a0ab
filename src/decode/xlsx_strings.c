/*
 * The shared strings of an XLSX: read once, before the sheets, wherever they
 * stand in the file, into pools of which little stays in memory.
 */
#include "decode/xlsx.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define TEXTS_KEPT ((size_t)24 << 20) /* bytes in memory */
#define ENDS_KEPT ((size_t)8 << 20)

struct strings {
	struct decode_xlsx *x;
	bool text; /* inside of <t> */
	int aside; /* depth in <rPh>, which says how a text is pronounced */
	struct buf current;
};

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct strings *s = ctx;

	(void)attributes;
	if (!strcmp(name, "t"))
		s->text = true;
	else if (!strcmp(name, "rPh"))
		s->aside++;
	else if (!strcmp(name, "si"))
		buf_clear(&s->current);
}

static void
on_text(void *ctx, const char *p, size_t n)
{
	struct strings *s = ctx;

	if (!s->text || s->aside)
		return;
	if (s->current.len + n > DECODE_MAX_CELL)
		decode_xml_fail(s->x->xml, ERR_INVALID,
				"a text of the workbook is longer than %d "
				"bytes: shorten it",
				DECODE_MAX_CELL);
	else if (buf_add(&s->current, p, n))
		decode_xml_fail(s->x->xml, ERR_NOMEM, "out of memory");
}

static void
on_end(void *ctx, const char *name)
{
	struct strings *s = ctx;
	struct decode_xlsx *x = s->x;
	int64_t end;

	if (!strcmp(name, "t"))
		s->text = false;
	else if (!strcmp(name, "rPh"))
		s->aside--;
	if (strcmp(name, "si") != 0)
		return;
	decode_xlsx_unescape(&s->current, 0);
	if (decode_pool_add(x->texts, s->current.data, s->current.len,
			    x->job->err)) {
		decode_xml_fail(x->xml, x->job->err->code, "%s",
				x->job->err->text);
		return;
	}
	end = decode_pool_size(x->texts);
	if (decode_pool_add(x->ends, &end, sizeof(end), x->job->err))
		decode_xml_fail(x->xml, x->job->err->code, "%s",
				x->job->err->text);
	x->nstrings++;
}

int
decode_xlsx_strings(struct decode_xlsx *x)
{
	static const struct decode_xml_handlers handlers = {on_start, on_end,
							    on_text};
	struct strings s = {.x = x};
	int rc;

	if (!x->strings_part)
		return 0;
	rc = decode_pool_new(&x->job->room, TEXTS_KEPT, &x->texts, x->job->err);
	if (!rc)
		rc = decode_pool_new(&x->job->room, ENDS_KEPT, &x->ends,
				     x->job->err);
	if (!rc)
		rc = decode_xml_read(x->bytes, x->members, x->strings_part,
				     &handlers, &s, &x->xml, x->job->err);
	buf_release(&s.current);
	return rc;
}

int
decode_xlsx_string(struct decode_xlsx *x, int64_t number, struct slice *ret)
{
	int64_t ends[2] = {0, 0};
	const size_t one = sizeof(ends[0]);
	const char *at;
	size_t n;
	int rc;

	if (number < 0 || number >= x->nstrings)
		return ERR_INVALID;
	/* where the one before ends is where this one begins */
	if (number)
		rc = decode_pool_get(x->ends, (number - 1) * (int64_t)one,
				     2 * one, (char *)ends, &at, x->job->err);
	else
		rc = decode_pool_get(x->ends, 0, one, (char *)&ends[1], &at,
				     x->job->err);
	if (rc)
		return rc;
	if (number)
		memmove(ends, at, 2 * one);
	else
		memmove(&ends[1], at, one);
	n = (size_t)(ends[1] - ends[0]);
	buf_clear(&x->string);
	if (buf_reserve(&x->string, n + 1))
		return error_nomem(x->job->err);
	rc = decode_pool_get(x->texts, ends[0], n, x->string.data, &at,
			     x->job->err);
	*ret = (struct slice){at, n};
	return rc;
}

/* ---- _xHHHH_ ------------------------------------------------------------- */

static int
hex_value(const char *p)
{
	int value = 0;

	if (p[0] != '_' || p[1] != 'x' || p[6] != '_')
		return -1;
	for (int i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = strchr(digits, p[i] | 0x20);

		if (!p[i] || !at || (p[i] < '0'))
			return -1;
		value = 16 * value + (int)(at - digits);
	}
	return value;
}

void
decode_xlsx_unescape(struct buf *text, size_t start)
{
	size_t to = start;

	if (text->len - start < 7 ||
	    !memmem(text->data + start, text->len - start, "_x", 2))
		return;
	for (size_t i = start; i < text->len;) {
		int c = text->len - i >= 7 ? hex_value(text->data + i) : -1;

		/* NUL is no text, a half of a pair no character */
		if (c > 0 && utf8proc_codepoint_valid(c)) {
			to += (size_t)utf8proc_encode_char(
				c, (utf8proc_uint8_t *)text->data + to);
			i += 7;
		} else {
			text->data[to++] = text->data[i++];
		}
	}
	text->len = to;
}

/*
 * The shared strings of an XLSX: read once, before the sheets, wherever they
 * stand in the file, whatever their number.
 */
#include "decode/xlsx.h"

#include "base/sentence.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

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
		decode_xml_fail(s->x->xml, MSG_XLSX_TEXT_LONG, "%d",
				DECODE_MAX_CELL);
	else if (buf_add(&s->current, p, n))
		decode_xml_stop(s->x->xml, ERR_NOMEM, "out of memory");
}

static void
on_end(void *ctx, const char *name)
{
	struct strings *s = ctx;
	struct decode_xlsx *x = s->x;

	if (!strcmp(name, "t"))
		s->text = false;
	else if (!strcmp(name, "rPh"))
		s->aside--;
	if (strcmp(name, "si") != 0)
		return;
	decode_xlsx_unescape(&s->current, 0);
	if (decode_strings_add(&x->strings, buf_slice(&s->current),
			       x->job->err))
		decode_xml_stop(x->xml, x->job->err->code, x->job->err->text);
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
	rc = decode_strings_init(&x->strings, &x->job->room, x->job->err);
	if (!rc)
		rc = decode_xml_read(x->bytes, x->members, x->strings_part,
				     &handlers, &s, &x->xml, x->job->err);
	buf_release(&s.current);
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

/* CSV cells, JSON strings, UTF-8: see text.h. */
#include "base/text.h"

int
text_csv_cell(struct buf *out, struct slice cell)
{
	bool quote = false;

	for (size_t i = 0; i < cell.n && !quote; i++) {
		char c = cell.p[i];

		quote = c == ',' || c == '"' || c == '\n';
	}
	if (!quote)
		return buf_addslice(out, cell);
	if (buf_reserve(out, 2 * cell.n + 2))
		return ERR_NOMEM;
	out->data[out->len++] = '"';
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			out->data[out->len++] = '"';
		out->data[out->len++] = cell.p[i];
	}
	out->data[out->len++] = '"';
	return 0;
}

int
text_csv_line(struct buf *out, const struct slice *cells, size_t n)
{
	if (n == 1 && cells[0].n == 0)
		return buf_adds(out, "\"\"\n");
	for (size_t i = 0; i < n; i++) {
		if (i && buf_addc(out, ','))
			return ERR_NOMEM;
		if (text_csv_cell(out, cells[i]))
			return ERR_NOMEM;
	}
	return buf_addc(out, '\n');
}

static int
json_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_adds(out, "\\\"");
	case '\\':
		return buf_adds(out, "\\\\");
	case '\n':
		return buf_adds(out, "\\n");
	case '\r':
		return buf_adds(out, "\\r");
	case '\t':
		return buf_adds(out, "\\t");
	default:
		return buf_addf(out, "\\u%04x", c);
	}
}

int
text_json_string(struct buf *out, struct slice s)
{
	size_t from = 0;

	if (buf_reserve(out, s.n + 2) || buf_addc(out, '"'))
		return ERR_NOMEM;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		if (buf_add(out, s.p + from, i - from) || json_escape(out, c))
			return ERR_NOMEM;
		from = i + 1;
	}
	if (buf_add(out, s.p + from, s.n - from))
		return ERR_NOMEM;
	return buf_addc(out, '"');
}

/* Length of the sequence at p by Unicode's table 3-7; 0 when it is wrong. */
static size_t
utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		if (p[0] == 0xe0)
			lo = 0xa0;
		else if (p[0] == 0xed)
			hi = 0x9f;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		if (p[0] == 0xf0)
			lo = 0x90;
		else if (p[0] == 0xf4)
			hi = 0x8f;
	} else {
		return 0;
	}
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool
text_is_utf8(struct slice s, size_t *ret_at)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	while (i < s.n) {
		size_t k = utf8_sequence(p + i, s.n - i);

		if (!k) {
			if (ret_at)
				*ret_at = i;
			return false;
		}
		i += k;
	}
	return true;
}

int
text_visible(struct buf *out, struct slice s, size_t max)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, shown = 0;

	while (i < s.n) {
		size_t k = utf8_sequence(p + i, s.n - i);
		bool control = k == 0 || p[i] < 0x20 || p[i] == 0x7f ||
			       (k == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0);
		int rc;

		if (max && shown++ == max)
			return buf_adds(out, "…");
		if (k == 0)
			k = 1;
		rc = control ? buf_addf(out, "\\x%02x", p[i + k - 1])
			     : buf_add(out, p + i, k);
		if (rc)
			return rc;
		i += k;
	}
	return 0;
}

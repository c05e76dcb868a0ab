/* CSV cells, JSON strings, UTF-8: see text.h. */
#include "base/text.h"

#include <stdint.h>

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Whether one of eight bytes is below 'b', which is at most 0x80. */
static uint64_t
has_less(uint64_t w, unsigned char b)
{
	return (w - EACH_BYTE(b)) & ~w & EACH_BYTE(0x80);
}

/* The same, where it is one of these three; cells are mostly short. */
static uint64_t
has_any(uint64_t w, char a, char b, char c)
{
	return has_less(w ^ EACH_BYTE((unsigned char)a), 1) |
	       has_less(w ^ EACH_BYTE((unsigned char)b), 1) |
	       has_less(w ^ EACH_BYTE((unsigned char)c), 1);
}

static bool
needs_quotes(struct slice cell)
{
	size_t i = 0;

	for (; cell.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t w;

		memcpy(&w, cell.p + i, sizeof(w));
		if (has_any(w, ',', '"', '\n'))
			return true;
	}
	for (; i < cell.n; i++) {
		char c = cell.p[i];

		if (c == ',' || c == '"' || c == '\n')
			return true;
	}
	return false;
}

int
text_csv_cell(struct buf *out, struct slice cell)
{
	if (!needs_quotes(cell))
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
	case '\b':
		return buf_adds(out, "\\b");
	case '\f':
		return buf_adds(out, "\\f");
	default:
		return buf_addf(out, "\\u%04x", c);
	}
}

/* How many bytes there are before one that may have to be escaped, or a little
 * less. */
static size_t
plain_run(struct slice s)
{
	size_t i = 0;

	for (; s.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t w;

		memcpy(&w, s.p + i, sizeof(w));
		if (has_less(w, 0x20) | has_less(w ^ EACH_BYTE('"'), 1) |
		    has_less(w ^ EACH_BYTE('\\'), 1))
			break;
	}
	return i;
}

int
text_json_string(struct buf *out, struct slice s)
{
	size_t from = 0;

	if (buf_reserve(out, s.n + 2) || buf_addc(out, '"'))
		return ERR_NOMEM;
	for (size_t i = plain_run(s); i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if (buf_add(out, s.p + from, i - from) || json_escape(out, c))
			return ERR_NOMEM;
		from = i + 1;
	}
	if (buf_add(out, s.p + from, s.n - from))
		return ERR_NOMEM;
	return buf_addc(out, '"');
}

size_t
text_json_length(struct slice s)
{
	size_t n = s.n + 2;

	for (size_t i = plain_run(s); i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20)
			n += c == '"' || c == '\\';
		else
			n += c == '\n' || c == '\r' || c == '\t' || c == '\b' ||
					     c == '\f'
				     ? 1
				     : 5;
	}
	return n;
}

#define ASCII_HIGH UINT64_C(0x8080808080808080)

size_t
text_ascii_run(struct slice s)
{
	size_t i = 0;

	for (; s.n - i >= 32; i += 32) {
		uint64_t w[4];

		memcpy(w, s.p + i, sizeof(w));
		if ((w[0] | w[1] | w[2] | w[3]) & ASCII_HIGH)
			break;
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i;
}

/* How many bytes the lead byte asks for, and between which bounds the second
 * lies (Unicode's table 3-7); 0 when no sequence begins so. */
static size_t
utf8_lead(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
	*lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

int
text_utf8_next(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char lo, hi;
	size_t len;

	if (!s.n)
		return TEXT_UTF8_CUT;
	len = utf8_lead(p[0], &lo, &hi);
	if (len == 0)
		return TEXT_UTF8_WRONG;
	for (size_t i = 1; i < len; i++) {
		if (i == s.n)
			return TEXT_UTF8_CUT;
		if (p[i] < lo || p[i] > hi)
			return TEXT_UTF8_WRONG;
		lo = 0x80;
		hi = 0xbf;
	}
	return (int)len;
}

static inline bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* How many bytes are characters of three bytes of which the lead allows every
 * second byte: nearly all that is written in China. Looks at three bytes or
 * none. */
static inline size_t
cjk_run(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (n - i >= 3 && p[i] > 0xe0 && p[i] < 0xf0 && p[i] != 0xed &&
	       is_tail(p[i + 1]) && is_tail(p[i + 2]))
		i += 3;
	return i;
}

size_t
text_utf8_run(struct slice s, bool *ret_wide)
{
	const unsigned char *p = (const unsigned char *)s.p;
	bool wide = false;
	size_t i = 0, cjk;
	int k = 1;

	while (i < s.n && k > 0) {
		if (p[i] < 0x80) {
			uint64_t word;

			i++;
			while (s.n - i >= sizeof(word)) {
				memcpy(&word, p + i, sizeof(word));
				if (word & ASCII_HIGH)
					break;
				i += sizeof(word);
			}
			continue;
		}
		cjk = cjk_run(p + i, s.n - i);
		wide |= cjk > 0;
		i += cjk;
		if (cjk || i == s.n)
			continue;
		k = text_utf8_next((struct slice){s.p + i, s.n - i});
		wide |= k > 2;
		i += k > 0 ? (size_t)k : 0;
	}
	if (wide && ret_wide)
		*ret_wide = true;
	return i;
}

bool
text_is_utf8(struct slice s, size_t *ret_at)
{
	size_t n = text_utf8_run(s, NULL);

	if (n < s.n && ret_at)
		*ret_at = n;
	return n == s.n;
}

int
text_visible(struct buf *out, struct slice s, size_t max)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, shown = 0;

	while (i < s.n) {
		int len = text_utf8_next((struct slice){s.p + i, s.n - i});
		size_t k = len > 0 ? (size_t)len : 0;
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

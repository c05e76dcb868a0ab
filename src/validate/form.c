/* Trimming, NFC, half-width characters: see form.h. */
#include "validate/form.h"

#include "base/text.h"

#include <stdlib.h>
#include <utf8proc.h>

/* The length of the blank that begins at p[0]; 0 when there is none. */
static size_t
blank_at_start(const char *p, size_t n)
{
	switch (p[0]) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 1;
	case '\xc2':
		return n >= 2 && p[1] == '\xa0' ? 2 : 0;
	case '\xe3':
		return n >= 3 && p[1] == '\x80' && p[2] == '\x80' ? 3 : 0;
	default:
		return 0;
	}
}

/* The length of the blank that ends at p[n - 1]; 0 when there is none. */
static size_t
blank_at_end(const char *p, size_t n)
{
	switch (p[n - 1]) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 1;
	case '\xa0':
		return n >= 2 && p[n - 2] == '\xc2' ? 2 : 0;
	case '\x80':
		return n >= 3 && p[n - 2] == '\x80' && p[n - 3] == '\xe3' ? 3
									  : 0;
	default:
		return 0;
	}
}

struct slice
validate_form_trim_slowly(struct slice s)
{
	size_t k;

	while (s.n && (k = blank_at_start(s.p, s.n))) {
		s.p += k;
		s.n -= k;
	}
	while (s.n && (k = blank_at_end(s.p, s.n)))
		s.n -= k;
	return s;
}

/*
 * The length of the character at p if it is one of those that NFC never
 * changes and that never join the one before: what nearly every Chinese text
 * consists of. 0: utf8proc has to look.
 */
static size_t
stable_character(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] == 0xc2) /* U+0080 to U+00BF */
		return n >= 2 ? 2 : 0;
	if (n < 3)
		return 0;
	if (p[0] >= 0xe4 && p[0] <= 0xe9) /* U+4000 to U+9FFF */
		return 3;
	if (p[0] == 0xef && (p[1] == 0xbc || p[1] == 0xbd)) /* U+FF00 on */
		return 3;
	if (p[0] == 0xe3 && p[1] == 0x80 && p[2] <= 0xa9) /* U+3000 on */
		return 3;
	/* U+2002 on; U+2000 and U+2001 have canonical equivalents */
	return p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x82 ? 3 : 0;
}

static bool
surely_nfc(struct slice s)
{
	size_t i = text_ascii_run(s);

	while (i < s.n) {
		size_t k = stable_character((const unsigned char *)s.p + i,
					    s.n - i);

		if (!k)
			return false;
		i += k;
	}
	return i == s.n;
}

int
validate_form_nfc(struct slice s, struct buf *tmp, struct slice *ret)
{
	utf8proc_uint8_t *text = NULL;
	utf8proc_ssize_t n;

	if (surely_nfc(s)) {
		*ret = s;
		return 0;
	}
	n = utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n,
			 &text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return n == UTF8PROC_ERROR_NOMEM ? ERR_NOMEM : ERR_INVALID;
	buf_clear(tmp);
	if (buf_add(tmp, text, (size_t)n)) {
		free(text);
		return ERR_NOMEM;
	}
	free(text);
	*ret = buf_slice(tmp);
	return 0;
}

int
validate_form_narrow(struct slice s, struct buf *tmp, struct slice *ret)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = text_ascii_run(s);

	*ret = s;
	if (i == s.n)
		return 0;
	buf_clear(tmp);
	if (buf_reserve(tmp, s.n) || buf_add(tmp, s.p, i))
		return ERR_NOMEM;
	while (i < s.n) {
		bool three = s.n - i >= 3;

		/* U+FF01 to U+FF3F, U+FF40 to U+FF5E, U+3000 */
		if (three && p[i] == 0xef && p[i + 1] == 0xbc &&
		    p[i + 2] >= 0x81) {
			tmp->data[tmp->len++] = (char)(p[i + 2] - 0x60);
			i += 3;
		} else if (three && p[i] == 0xef && p[i + 1] == 0xbd &&
			   p[i + 2] <= 0x9e) {
			tmp->data[tmp->len++] = (char)(p[i + 2] - 0x20);
			i += 3;
		} else if (three && p[i] == 0xe3 && p[i + 1] == 0x80 &&
			   p[i + 2] == 0x80) {
			tmp->data[tmp->len++] = ' ';
			i += 3;
		} else {
			tmp->data[tmp->len++] = s.p[i++];
		}
	}
	*ret = buf_slice(tmp);
	return 0;
}

int
validate_form_add_lines(struct buf *out, struct slice s)
{
	const char *cr = s.n ? memchr(s.p, '\r', s.n) : NULL;
	size_t n = cr ? (size_t)(cr - s.p) : s.n;

	if (buf_reserve(out, s.n) || buf_add(out, s.p, n))
		return ERR_NOMEM;
	for (size_t i = n; i < s.n; i++) {
		if (s.p[i] != '\r')
			out->data[out->len++] = s.p[i];
		else if (i + 1 == s.n || s.p[i + 1] != '\n')
			out->data[out->len++] = '\n';
	}
	return 0;
}

int64_t
validate_form_length(struct slice s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/*
 * Subject keys as names of files and back (SPEC 5). A name has one key and a
 * key one name: what key_name() would not write, key_parse() refuses.
 */
#include "publish/format.h"

#include "base/digest.h"
#include "base/scope.h"
#include "base/text.h"

#define NAME_MAX_BYTES 240
#define HASH_PREFIX "sha256-"

static bool
is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool
publish_format_key_is_hash(struct slice name)
{
	size_t prefix = strlen(HASH_PREFIX);

	if (name.n != prefix + 2 * (size_t)DIGEST_SIZE ||
	    !slice_starts(name, slice_str(HASH_PREFIX)))
		return false;
	for (size_t i = prefix; i < name.n; i++) {
		if (!is_lower_hex(name.p[i]))
			return false;
	}
	return true;
}

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which are C2 80 to C2 9F;
 * the last of a run of edge spaces is at 'head' or 'tail'. */
static bool
is_unsafe(struct slice key, size_t i, size_t head, size_t tail)
{
	unsigned char c = (unsigned char)key.p[i];
	unsigned char next = i + 1 < key.n ? (unsigned char)key.p[i + 1] : 0;

	if (c < 0x20 || c == 0x7f || strchr("%/\\:*?\"<>|", c))
		return true;
	if (c == 0xc2)
		return next < 0xa0;
	if (c >= 0x80 && c < 0xa0 && i && (unsigned char)key.p[i - 1] == 0xc2)
		return true;
	if (c == ' ')
		return i < head || i >= tail;
	return c == '.' && (i == 0 || i + 1 == key.n);
}

static int
add_hash(struct slice key, struct buf *out)
{
	unsigned char digest[DIGEST_SIZE];
	char hex[DIGEST_HEX];

	if (digest_bytes(key.p, key.n, digest))
		return ERR_NOMEM;
	digest_hex(digest, sizeof(digest), hex);
	if (buf_adds(out, HASH_PREFIX) || buf_adds(out, hex))
		return ERR_NOMEM;
	return 0;
}

static bool
is_plain(struct slice key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z')))
			return false;
	}
	return key.n <= NAME_MAX_BYTES;
}

int
publish_format_key_name(struct slice key, struct buf *out)
{
	size_t was = out->len, head = 0, tail = key.n;
	bool like_hash = publish_format_key_is_hash(key);

	if (is_plain(key)) /* most are: letters and digits */
		return buf_addslice(out, key);
	while (head < tail && key.p[head] == ' ')
		head++;
	while (tail > head && key.p[tail - 1] == ' ')
		tail--;
	for (size_t i = 0; i < key.n && out->len - was <= NAME_MAX_BYTES; i++) {
		unsigned char c = (unsigned char)key.p[i];
		bool code =
			is_unsafe(key, i, head, tail) || (like_hash && i == 0);
		int rc = code ? buf_addf(out, "%%%02X", c)
			      : buf_addc(out, (char)c);

		if (rc) {
			out->len = was;
			return rc;
		}
	}
	if (out->len - was <= NAME_MAX_BYTES)
		return 0;
	out->len = was;
	return add_hash(key, out);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
decode_name(struct slice name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '%') {
			int high =
				i + 2 < name.n ? hex_digit(name.p[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(name.p[i + 2]);

			if (low < 0)
				return ERR_INVALID;
			c = (char)(16 * high + low);
			i += 2;
		}
		if (c == '\0')
			return ERR_INVALID;
		if (buf_addc(out, c))
			return ERR_NOMEM;
	}
	return 0;
}

int
publish_format_key_parse(struct slice name, struct buf *out)
{
	scope_buf key = BUF_INIT;
	scope_buf back = BUF_INIT;
	int rc;

	if (name.n == 0 || name.n > NAME_MAX_BYTES ||
	    publish_format_key_is_hash(name))
		return ERR_INVALID;
	rc = decode_name(name, &key);
	if (rc)
		return rc;
	if (!text_is_utf8(buf_slice(&key), NULL))
		return ERR_INVALID;
	if (publish_format_key_name(buf_slice(&key), &back))
		return ERR_NOMEM;
	if (!slice_eq(buf_slice(&back), name))
		return ERR_INVALID;
	return buf_addslice(out, buf_slice(&key));
}

/*
 * Places: the bytes by which rows of a published file are ordered, found and
 * cut into chunks (doc/format.md).
 */
#include "publish/publish.h"

#define SOURCE_BYTES 2
#define MEMBER_BYTES 3 /* NUL, number */

bool
publish_is_border(struct slice place, uint64_t mask)
{
	return (digest_key64(place) & mask) == 0;
}

int
publish_source_place(struct slice subject, struct slice key, struct buf *ret)
{
	buf_clear(ret);
	if (buf_addslice(ret, subject) || buf_addc(ret, '\0') ||
	    buf_addslice(ret, key))
		return ERR_NOMEM;
	return 0;
}

static int
add_number(struct buf *out, size_t n)
{
	if (n > 0xffff)
		return ERR_LIMIT;
	if (buf_addc(out, (char)(n >> 8)) || buf_addc(out, (char)(n & 0xff)))
		return ERR_NOMEM;
	return 0;
}

static size_t
number_at(const char *p)
{
	return (size_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

/*
 * The member comes last and always: keys of a source have equally many parts,
 * so no key is followed by NUL where another goes on, and the order stays that
 * of source, subject, key.
 */
int
publish_orphan_place(size_t source, size_t member, struct slice subject,
		     struct slice key, struct buf *ret)
{
	int rc;

	buf_clear(ret);
	rc = add_number(ret, source);
	if (!rc && (buf_addslice(ret, subject) || buf_addc(ret, '\0') ||
		    buf_addslice(ret, key) || buf_addc(ret, '\0')))
		rc = ERR_NOMEM;
	return rc ? rc : add_number(ret, member);
}

int
publish_orphan_range(size_t source, struct slice subject, struct buf *lo,
		     struct buf *hi)
{
	int rc;

	buf_clear(lo);
	buf_clear(hi);
	rc = add_number(lo, source);
	if (!rc)
		rc = add_number(hi, source);
	if (rc)
		return rc;
	if (buf_addslice(lo, subject) || buf_addc(lo, '\0') ||
	    buf_addslice(hi, subject) || buf_addc(hi, '\1'))
		return ERR_NOMEM;
	return 0;
}

int
publish_orphan_source(size_t source, struct buf *lo, struct buf *hi)
{
	int rc;

	buf_clear(lo);
	buf_clear(hi);
	rc = add_number(lo, source);
	return rc ? rc : add_number(hi, source + 1);
}

int
publish_orphan_parse(struct slice place, size_t *ret_source, size_t *ret_member,
		     struct slice *ret_subject, struct slice *ret_key)
{
	const char *p = place.p + SOURCE_BYTES;
	const char *end = place.p + place.n - MEMBER_BYTES;
	const char *nul;

	if (place.n < SOURCE_BYTES + 1 + MEMBER_BYTES || *end != '\0')
		return ERR_CORRUPT;
	nul = memchr(p, '\0', (size_t)(end - p));
	if (!nul)
		return ERR_CORRUPT;
	*ret_source = number_at(place.p);
	*ret_member = number_at(end + 1);
	*ret_subject = (struct slice){p, (size_t)(nul - p)};
	*ret_key = (struct slice){nul + 1, (size_t)(end - nul - 1)};
	return 0;
}

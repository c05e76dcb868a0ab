/*
 * What the decoder has to know, as bytes: a version, flags, the limits,
 * the sheet, the number of fields, then of each id, title and whether it may be
 * missing; numbers are 32 bits, limits 64, little-endian, and a text is its
 * length and its bytes.
 */
#include "decode/decode.h"

#include "base/scope.h"
#include "base/text.h"

#include <endian.h>

#define VERSION 3
#define EXTRA_IGNORE 1
#define CHANGE_ALLOWED 2
#define MEMBERS_EACH 4
#define FIX_FILE 8
#define ALL_FLAGS (EXTRA_IGNORE | CHANGE_ALLOWED | MEMBERS_EACH | FIX_FILE)

static int
put_number(struct buf *out, size_t n)
{
	uint32_t le = htole32((uint32_t)n);

	if (n > UINT32_MAX)
		return ERR_LIMIT;
	return buf_add(out, &le, sizeof(le));
}

static int
put_limit(struct buf *out, int64_t n)
{
	uint64_t le = htole64((uint64_t)n);

	return buf_add(out, &le, sizeof(le));
}

static int
put_limits(struct buf *out, const struct decode_limits *limits)
{
	int rc = put_limit(out, limits->unpacked);

	if (!rc)
		rc = put_limit(out, limits->ratio);
	return rc ? rc : put_limit(out, limits->members);
}

static int
put_text(struct buf *out, const char *text)
{
	struct slice s = slice_str(text);
	int rc = put_number(out, s.n);

	return rc ? rc : buf_addslice(out, s);
}

int
decode_request_write(const struct decode_request *req, struct buf *out)
{
	size_t before = out->len;
	int rc;

	rc = put_number(out, VERSION);
	if (!rc)
		rc = put_number(
			out,
			(req->extra_ignore ? EXTRA_IGNORE : 0) |
				(req->change_allowed ? CHANGE_ALLOWED : 0) |
				(req->members_each ? MEMBERS_EACH : 0) |
				(req->fix_file ? FIX_FILE : 0));
	if (!rc)
		rc = put_limits(out, &req->limits);
	if (!rc)
		rc = put_text(out, req->sheet ? req->sheet : "");
	if (!rc)
		rc = put_number(out, req->nlabels);
	for (size_t i = 0; !rc && i < req->nlabels; i++) {
		rc = put_text(out, req->labels[i].id);
		if (!rc)
			rc = put_text(out, req->labels[i].title);
		if (!rc)
			rc = put_number(out, req->optional && req->optional[i]);
	}
	if (rc)
		out->len = before;
	return rc;
}

static bool
take_number(struct slice *rest, uint32_t *ret)
{
	uint32_t le;

	if (rest->n < sizeof(le))
		return false;
	memcpy(&le, rest->p, sizeof(le));
	*ret = le32toh(le);
	*rest = (struct slice){rest->p + sizeof(le), rest->n - sizeof(le)};
	return true;
}

static bool
take_limit(struct slice *rest, int64_t *ret)
{
	uint64_t le;

	if (rest->n < sizeof(le))
		return false;
	memcpy(&le, rest->p, sizeof(le));
	*ret = (int64_t)le64toh(le);
	*rest = (struct slice){rest->p + sizeof(le), rest->n - sizeof(le)};
	return *ret > 0;
}

static bool
take_text(struct slice *rest, struct slice *ret)
{
	uint32_t n;

	if (!take_number(rest, &n) || n > rest->n)
		return false;
	*ret = (struct slice){rest->p, n};
	*rest = (struct slice){rest->p + n, rest->n - n};
	return text_is_utf8(*ret, NULL) && (!n || !memchr(ret->p, '\0', n));
}

/* One block: the request, its labels, their texts, and which are optional. Each
 * text's length of four bytes leaves room for the NUL that ends it, and so do
 * the four of what is one byte here. */
struct block {
	struct decode_request req;
	struct decode_label labels[];
};

static char *
store_text(char **room, struct slice text)
{
	char *at = *room;

	memcpy(at, text.n ? text.p : "", text.n);
	at[text.n] = '\0';
	*room += text.n + 1;
	return at;
}

static int
broken(struct error *err)
{
	return error_set(err, ERR_PROTOCOL,
			 "the request to the decoder is broken");
}

int
decode_request_parse(struct slice bytes, struct decode_request **ret,
		     struct error *err)
{
	uint32_t version, flags, n;
	scope_free struct block *block = NULL;
	struct decode_limits limits;
	struct slice sheet;
	bool *optional;
	char *room;

	if (!take_number(&bytes, &version) || !take_number(&bytes, &flags) ||
	    version != VERSION || flags > ALL_FLAGS ||
	    !take_limit(&bytes, &limits.unpacked) ||
	    !take_limit(&bytes, &limits.ratio) ||
	    !take_limit(&bytes, &limits.members) ||
	    !take_text(&bytes, &sheet) || !take_number(&bytes, &n) ||
	    n > bytes.n / 12)
		return broken(err);
	block = malloc(sizeof(*block) + n * sizeof(block->labels[0]) + sheet.n +
		       1 + bytes.n);
	if (!block)
		return error_nomem(err);
	optional = (bool *)&block->labels[n];
	room = (char *)&optional[n];
	block->req.sheet = store_text(&room, sheet);
	for (uint32_t i = 0; i < n; i++) {
		struct slice id, title;
		uint32_t may_miss;

		if (!take_text(&bytes, &id) || !take_text(&bytes, &title) ||
		    !take_number(&bytes, &may_miss) || may_miss > 1 || !id.n)
			return broken(err);
		optional[i] = may_miss;
		block->labels[i].id = store_text(&room, id);
		block->labels[i].title = store_text(&room, title);
	}
	if (bytes.n)
		return broken(err);
	block->req.labels = block->labels;
	block->req.nlabels = n;
	block->req.optional = optional;
	block->req.extra_ignore = flags & EXTRA_IGNORE;
	block->req.change_allowed = flags & CHANGE_ALLOWED;
	block->req.members_each = flags & MEMBERS_EACH;
	block->req.fix_file = flags & FIX_FILE;
	block->req.limits = limits;
	*ret = &block->req;
	block = NULL;
	return 0;
}

void
decode_request_free(struct decode_request *req)
{
	free(req); /* the first member of its block */
}

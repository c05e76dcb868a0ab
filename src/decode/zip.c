/* The directory of a zip: see zip.h. Names as in PKWARE's APPNOTE. */
#include "decode/zip.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "decode/format.h"
#include "decode/little.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define END 22	   /* bytes of the end record */
#define LOCATOR 20 /* of the one that says where zip64's is */
#define END64 56
#define CENTRAL 46
#define LOCAL 30
#define DIRECTORY_MAX (64 << 20)

/* General purpose flags. */
#define ENCRYPTED (1U << 0 | 1U << 6 | 1U << 13)
#define DESCRIPTOR (1U << 3)
#define PATCH (1U << 5)
#define UTF8 (1U << 11)

#define STORED 0
#define DEFLATED 8
#define MADE_BY_UNIX 3
#define EXTRA_ZIP64 1

struct directory {
	int64_t entries, size, at;
	int64_t end; /* where it must have ended */
};

struct entry {
	struct slice name, extra;
	unsigned int flags, method, made_by;
	uint32_t attributes;
	int64_t packed, size, local;
};

/* What does not fit 63 bits is -1, which no place or size is. */
static int64_t
u64(const char *p)
{
	uint64_t v = decode_u64(p);

	return v > INT64_MAX ? -1 : (int64_t)v;
}

static int
wrong(struct error *err, enum sentence what)
{
	return sentence_error(err, ERR_INVALID, MSG_ZIP_DIRECTORY, A_SENTENCE,
			      what);
}

static int
read_exactly(const struct decode_bytes *bytes, char *p, size_t n, int64_t at,
	     struct error *err)
{
	ssize_t got = at < 0 ? 0 : decode_bytes_read(bytes, p, n, at, err);

	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : wrong(err, MSG_ZIP_OUTSIDE);
}

/* ---- the end record ------------------------------------------------------ */

static int
read_end64(const struct decode_bytes *bytes, int64_t end, struct directory *ret,
	   struct error *err)
{
	char locator[LOCATOR], record[END64];
	int64_t at;
	int rc = read_exactly(bytes, locator, LOCATOR, end - LOCATOR, err);

	if (rc)
		return rc;
	if (memcmp(locator, "PK\6\7", 4) != 0)
		return wrong(err, MSG_ZIP_NO_SIZE);
	at = u64(locator + 8);
	rc = read_exactly(bytes, record, END64, at, err);
	if (rc)
		return rc;
	if (memcmp(record, "PK\6\6", 4) != 0 || decode_u32(record + 16) ||
	    decode_u32(record + 20) || u64(record + 24) != u64(record + 32))
		return wrong(err, MSG_ZIP_RECORD);
	*ret = (struct directory){u64(record + 32), u64(record + 40),
				  u64(record + 48), at};
	return 0;
}

static int
read_end(const struct decode_bytes *bytes, struct directory *ret,
	 struct error *err)
{
	int64_t end = decode_format_zip_end(bytes, err);
	char p[END];
	int rc = end < 0 ? (int)end : read_exactly(bytes, p, END, end, err);

	if (rc)
		return rc;
	if (decode_u16(p + 4) || decode_u16(p + 6) ||
	    decode_u16(p + 8) != decode_u16(p + 10))
		return wrong(err, MSG_ZIP_PART);
	*ret = (struct directory){decode_u16(p + 10), decode_u32(p + 12),
				  decode_u32(p + 16), end};
	if (ret->entries == UINT16_MAX || ret->size == UINT32_MAX ||
	    ret->at == UINT32_MAX) {
		rc = read_end64(bytes, end, ret, err);
		if (rc)
			return rc;
	}
	if (ret->entries < 0 || ret->size < 0 || ret->at < 0 ||
	    ret->at > ret->end || ret->size > ret->end - ret->at)
		return wrong(err, MSG_ZIP_OUTSIDE);
	if (ret->at + ret->size != ret->end)
		return wrong(err, MSG_ZIP_FRONT_OR_END);
	return 0;
}

/* ---- entries ------------------------------------------------------------- */

/* Sizes of zip64 stand in an extra field, those that did not fit, in order. */
static int
take_zip64(struct entry *e, struct error *err)
{
	int64_t *const fields[] = {&e->size, &e->packed, &e->local};
	struct slice s = e->extra;

	while (s.n >= 4) {
		size_t n = decode_u16(s.p + 2);
		bool zip64 = decode_u16(s.p) == EXTRA_ZIP64;
		const char *p = s.p + 4;

		if (n > s.n - 4)
			break;
		s = (struct slice){p + n, s.n - 4 - n};
		for (size_t i = 0; zip64 && i < 3; i++) {
			if (*fields[i] != UINT32_MAX)
				continue;
			if (n < 8)
				return wrong(err, MSG_ZIP_NO_SIZE);
			*fields[i] = u64(p);
			p += 8;
			n -= 8;
		}
	}
	return e->size < 0 || e->packed < 0 || e->local < 0
		       ? wrong(err, MSG_ZIP_BAD_SIZE)
		       : 0;
}

static int
take_entry(struct slice *rest, struct entry *ret, struct error *err)
{
	const char *p = rest->p;
	size_t n, extra, comment;

	if (rest->n < CENTRAL || memcmp(p, "PK\1\2", 4) != 0)
		return wrong(err, MSG_ZIP_FEWER);
	n = decode_u16(p + 28);
	extra = decode_u16(p + 30);
	comment = decode_u16(p + 32);
	if (n + extra + comment > rest->n - CENTRAL)
		return wrong(err, MSG_ZIP_CUT);
	*ret = (struct entry){
		.name = {p + CENTRAL, n},
		.extra = {p + CENTRAL + n, extra},
		.made_by = (unsigned char)p[5],
		.flags = decode_u16(p + 8),
		.method = decode_u16(p + 10),
		.packed = decode_u32(p + 20),
		.size = decode_u32(p + 24),
		.attributes = decode_u32(p + 38),
		.local = decode_u32(p + 42),
	};
	n += CENTRAL + extra + comment;
	*rest = (struct slice){p + n, rest->n - n};
	return take_zip64(ret, err);
}

static int
check_entry(const struct entry *e, int64_t number, struct error *err)
{
	mode_t mode = e->attributes >> 16;
	enum sentence what = MSG_NONE;

	if (e->flags & ENCRYPTED)
		what = MSG_ENTRY_PASSWORD;
	else if (e->flags & PATCH)
		what = MSG_ENTRY_PATCH;
	else if (e->method != STORED && e->method != DEFLATED)
		what = MSG_ENTRY_METHOD;
	else if (e->method == STORED && e->packed != e->size)
		what = MSG_ENTRY_SIZES;
	else if (e->made_by == MADE_BY_UNIX && S_ISLNK(mode))
		what = MSG_ENTRY_LINK;
	else if (e->made_by == MADE_BY_UNIX && mode & S_IFMT &&
		 !S_ISREG(mode) && !S_ISDIR(mode))
		what = MSG_ENTRY_NO_FILE;
	if (!what)
		return 0;
	return sentence_error(err, ERR_INVALID, MSG_ZIP_ENTRY,
			      "%lld" AND A_SENTENCE, (long long)number, what);
}

/* What stands before the packed bytes must be what the directory says; *ret_end
 * is where they end. */
static int
check_local(const struct decode_bytes *bytes, const struct entry *e,
	    int64_t *ret_end, struct error *err)
{
	char p[LOCAL + DECODE_NAME_MAX];
	size_t n = e->name.n;
	int rc = read_exactly(bytes, p, LOCAL, e->local, err);

	if (rc)
		return rc;
	if (memcmp(p, "PK\3\4", 4) != 0 || decode_u16(p + 26) != n ||
	    n > DECODE_NAME_MAX)
		return wrong(err, MSG_ZIP_NOT_THERE);
	rc = read_exactly(bytes, p + LOCAL, n, e->local + LOCAL, err);
	if (rc)
		return rc;
	if (memcmp(p + LOCAL, e->name.p, n) != 0 ||
	    decode_u16(p + 8) != e->method ||
	    ((decode_u16(p + 6) ^ e->flags) & (ENCRYPTED | DESCRIPTOR | UTF8)))
		return wrong(err, MSG_ZIP_TWO_NAMES);
	*ret_end = e->local + LOCAL + (int64_t)n + decode_u16(p + 28);
	if (e->packed > bytes->size - *ret_end)
		return wrong(err, MSG_ZIP_OUTSIDE);
	*ret_end += e->packed;
	return 0;
}

struct span {
	int64_t from, to;
};

static int
by_from(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static int
check_spans(struct span *spans, size_t n, const struct directory *d,
	    struct error *err)
{
	if (n)
		qsort(spans, n, sizeof(*spans), by_from);
	if (n && spans[0].from != 0)
		return wrong(err, MSG_ZIP_FRONT);
	for (size_t i = 0; i < n; i++) {
		if (spans[i].to > (i + 1 < n ? spans[i + 1].from : d->at))
			return wrong(err, MSG_ZIP_OVERLAP);
	}
	return 0;
}

static int
read_entries(struct decode_job *job, const struct decode_bytes *bytes,
	     const struct directory *d, struct slice rest, struct span *spans,
	     struct decode_members *ret)
{
	struct decode_member *member;
	struct entry e;
	int rc = 0;

	for (int64_t i = 0; !rc && i < d->entries; i++) {
		rc = take_entry(&rest, &e, job->err);
		if (!rc)
			rc = check_entry(&e, i + 1, job->err);
		if (!rc)
			rc = check_local(bytes, &e, &spans[i].to, job->err);
		if (!rc)
			rc = decode_job_count(job, e.size);
		if (!rc)
			rc = decode_members_add(ret, e.name, &member, job->err);
		if (rc)
			return rc;
		spans[i].from = e.local;
		member->place = e.local;
		member->size = e.size;
		member->utf8 = e.flags & UTF8;
		member->folder = e.name.p[e.name.n - 1] == '/';
	}
	return rest.n ? wrong(job->err, MSG_ZIP_MORE)
		      : check_spans(spans, (size_t)d->entries, d, job->err);
}

int
decode_zip_read(struct decode_job *job, const struct decode_bytes *bytes,
		struct decode_members *ret)
{
	scope_free struct span *spans = NULL;
	scope_free char *p = NULL;
	struct directory d = {0};
	int rc = read_end(bytes, &d, job->err);

	if (rc)
		return rc;
	if (d.entries > job->req->limits.members)
		return sentence_error(job->err, ERR_INVALID, MSG_ZIP_MOST,
				      "%lld" AND "%lld", (long long)d.entries,
				      (long long)job->req->limits.members);
	if (d.size > DIRECTORY_MAX)
		return wrong(job->err, MSG_ZIP_LONG);
	spans = calloc((size_t)d.entries + 1, sizeof(*spans));
	p = malloc((size_t)d.size + 1);
	if (!spans || !p)
		return error_nomem(job->err);
	rc = read_exactly(bytes, p, (size_t)d.size, d.at, job->err);
	if (!rc)
		rc = read_entries(job, bytes, &d,
				  (struct slice){p, (size_t)d.size}, spans,
				  ret);
	if (!rc)
		rc = decode_members_check(ret, job->err);
	return rc;
}

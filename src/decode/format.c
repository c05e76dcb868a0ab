/* What a file is, by its first and last bytes: see format.h. */
#include "decode/format.h"

#include "base/scope.h"
#include "base/sentence.h"
#include "decode/fault.h"

#include <ctype.h>

#define HEAD 4096
#define TAIL 16

/* The end record of a zip: 22 bytes and a comment of up to 65,535. */
#define ZIP_END 22
#define ZIP_END_SEARCH (ZIP_END + 65535)

struct magic {
	size_t at;
	struct slice bytes;
	enum decode_kind kind;
	enum sentence what; /* MSG_NONE: not refused */
	enum sentence advice;
};

/* Formats that are told by fixed bytes; NULs at their end are their own. */
static const struct magic binary[] = {
	{0,
	 {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8},
	 DECODE_KIND_OLE,
	 MSG_NONE,
	 MSG_NONE},
	{0, {"\x1f\x8b", 2}, DECODE_KIND_PACKED, MSG_NONE, MSG_NONE},
	{0, {"\xfd\x37zXZ\0", 6}, DECODE_KIND_PACKED, MSG_NONE, MSG_NONE},
	{0, {"\x28\xb5\x2f\xfd", 4}, DECODE_KIND_PACKED, MSG_NONE, MSG_NONE},
	{257, {"ustar", 5}, DECODE_KIND_TAR, MSG_NONE, MSG_NONE},
	{0, {"BZh", 3}, DECODE_KIND_TEXT, MSG_IS_BZIP2, MSG_DO_UNPACK},
	{0, {"Rar!\x1a\x07", 6}, DECODE_KIND_TEXT, MSG_IS_RAR, MSG_DO_UNPACK},
	{0,
	 {"7z\xbc\xaf\x27\x1c", 6},
	 DECODE_KIND_TEXT,
	 MSG_IS_7Z,
	 MSG_DO_UNPACK},
	{0, {"%PDF", 4}, DECODE_KIND_TEXT, MSG_IS_PDF, MSG_DO_EXPORT},
	{0,
	 {"SQLite format 3", 15},
	 DECODE_KIND_TEXT,
	 MSG_IS_SQLITE,
	 MSG_DO_EXPORT},
};

/* Formats that are text; letters in lower case, compared without case. */
static const struct magic text[] = {
	{0, {"<!doctype", 9}, DECODE_KIND_TEXT, MSG_IS_HTML, MSG_DO_SAVE_AS},
	{0, {"<html", 5}, DECODE_KIND_TEXT, MSG_IS_HTML, MSG_DO_SAVE_AS},
	{0, {"<head", 5}, DECODE_KIND_TEXT, MSG_IS_HTML, MSG_DO_SAVE_AS},
	{0, {"<meta", 5}, DECODE_KIND_TEXT, MSG_IS_HTML, MSG_DO_SAVE_AS},
	{0, {"<table", 6}, DECODE_KIND_TEXT, MSG_IS_HTML, MSG_DO_SAVE_AS},
	{0, {"<?xml", 5}, DECODE_KIND_TEXT, MSG_IS_XML, MSG_DO_EXPORT},
};

const char *const decode_format_names[DECODE_FORMATS] = {
	[DECODE_FORMAT_CSV] = "csv",	 [DECODE_FORMAT_TSV] = "tsv",
	[DECODE_FORMAT_XLSX] = "xlsx",	 [DECODE_FORMAT_ODS] = "ods",
	[DECODE_FORMAT_XLS] = "xls",	 [DECODE_FORMAT_JSON] = "json",
	[DECODE_FORMAT_JSONL] = "jsonl",
};

int
decode_format_number(const char *name)
{
	for (int i = 0; i < DECODE_FORMATS; i++) {
		if (!strcmp(name, decode_format_names[i]))
			return i;
	}
	return -1;
}

struct ends {
	char head[HEAD];
	size_t nhead;
	size_t nuls; /* at the end, counted up to TAIL */
};

static int
read_ends(const struct decode_bytes *bytes, struct ends *e, struct error *err)
{
	size_t ntail = bytes->size < TAIL ? (size_t)bytes->size : TAIL;
	char tail[TAIL];
	ssize_t n = decode_bytes_read(bytes, e->head, HEAD, 0, err);

	if (n < 0)
		return (int)n;
	e->nhead = (size_t)n;
	n = decode_bytes_read(bytes, tail, ntail, bytes->size - (int64_t)ntail,
			      err);
	if (n < 0)
		return (int)n;
	e->nuls = 0;
	while (e->nuls < ntail && tail[ntail - 1 - e->nuls] == '\0')
		e->nuls++;
	return 0;
}

static bool
head_has(const struct ends *e, const struct magic *m)
{
	return e->nhead >= m->at + m->bytes.n &&
	       !memcmp(e->head + m->at, m->bytes.p, m->bytes.n);
}

static bool
head_starts(const struct ends *e, const char *p, size_t n)
{
	return head_has(e, &(struct magic){.bytes = {p, n}});
}

static int
refuse(const struct decode_sink *sink, enum decode_fault_code code,
       enum sentence what, enum sentence advice, enum decode_end *ret_end)
{
	*ret_end = DECODE_REJECTED;
	return decode_fault_report(sink, code, (struct decode_place){0},
				   MSG_FILE_IS, A_SENTENCE AND A_SENTENCE, what,
				   advice);
}

/* ---- zip ----------------------------------------------------------------- */

enum zip_end { ZIP_WHOLE, ZIP_CUT, ZIP_TRAILED };

/* Looks for the end record from the back: its comment must reach the end of
 * the file. NULs behind it are a copy that stopped, anything else is not. */
static enum zip_end
zip_end_in(struct slice s, size_t *ret_at)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t back = ZIP_END; p && back <= s.n; back++) {
		size_t at = s.n - back, end;

		if (memcmp(p + at, "PK\5\6", 4))
			continue;
		*ret_at = at;
		end = at + ZIP_END + p[at + 20] + 256U * p[at + 21];
		if (end == s.n)
			return ZIP_WHOLE;
		if (end > s.n)
			return ZIP_CUT;
		while (end < s.n && !p[end])
			end++;
		return end == s.n ? ZIP_CUT : ZIP_TRAILED;
	}
	return ZIP_CUT;
}

static int
find_zip_end(const struct decode_bytes *bytes, enum zip_end *ret,
	     int64_t *ret_at, struct error *err)
{
	size_t want = bytes->size < ZIP_END_SEARCH ? (size_t)bytes->size
						   : ZIP_END_SEARCH;
	int64_t from = bytes->size - (int64_t)want;
	scope_buf tail = BUF_INIT;
	size_t at = 0;
	ssize_t n;

	if (buf_reserve(&tail, ZIP_END_SEARCH))
		return error_nomem(err);
	n = decode_bytes_read(bytes, tail.data, want, from, err);
	if (n < 0)
		return (int)n;
	tail.len = (size_t)n;
	*ret = zip_end_in(buf_slice(&tail), &at);
	*ret_at = from + (int64_t)at;
	return 0;
}

int64_t
decode_format_zip_end(const struct decode_bytes *bytes, struct error *err)
{
	enum zip_end end;
	int64_t at;
	int rc = find_zip_end(bytes, &end, &at, err);

	return rc ? rc : at;
}

static int
check_zip(const struct decode_bytes *bytes, const struct decode_sink *sink,
	  enum decode_end *ret_end, struct error *err)
{
	enum zip_end end;
	int64_t at;
	int rc = find_zip_end(bytes, &end, &at, err);

	if (rc || end == ZIP_WHOLE)
		return rc;
	if (end == ZIP_TRAILED)
		return refuse(sink, DECODE_FAULT_FORMAT, MSG_IS_TRAILED,
			      MSG_DO_PACK_AGAIN, ret_end);
	*ret_end = DECODE_INCOMPLETE;
	return 0;
}

/* ---- text ---------------------------------------------------------------- */

/* UTF-16 without its mark: NULs on every other place only, never two in a
 * row, and more of them than a stray one. */
static bool
is_bare_utf16(const struct ends *e)
{
	size_t nuls[2] = {0, 0};

	for (size_t i = 0; i < e->nhead; i++)
		nuls[i % 2] += e->head[i] == '\0';
	if (nuls[0] && nuls[1])
		return false;
	return nuls[0] + nuls[1] >= 2 && 32 * (nuls[0] + nuls[1]) >= e->nhead;
}

static bool
starts_without_case(struct slice s, struct slice lower)
{
	if (s.n < lower.n)
		return false;
	for (size_t i = 0; i < lower.n; i++) {
		if (tolower((unsigned char)s.p[i]) != lower.p[i])
			return false;
	}
	return true;
}

static struct slice
skip_blanks(struct slice s)
{
	while (s.n && memchr(" \t\r\n", s.p[0], 4))
		s = (struct slice){s.p + 1, s.n - 1};
	return s;
}

/* A bracket may begin a label; one that is followed as in JSON does not. */
static bool
is_json(struct slice s)
{
	struct slice in;

	if (!s.n || (s.p[0] != '{' && s.p[0] != '['))
		return false;
	in = skip_blanks((struct slice){s.p + 1, s.n - 1});
	if (!in.n)
		return false;
	return memchr(s.p[0] == '{' ? "\"}" : "{[\"]", in.p[0],
		      s.p[0] == '{' ? 2 : 4);
}

/* NULL: as far as its beginning goes, it may be a table. */
static const struct magic *
text_format(const struct ends *e)
{
	static const struct magic json = {.kind = DECODE_KIND_JSON};
	struct slice s = {e->head, e->nhead};

	if (slice_starts(s, SLICE("\xef\xbb\xbf")))
		s = (struct slice){s.p + 3, s.n - 3};
	s = skip_blanks(s);
	if (is_json(s))
		return &json;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (starts_without_case(s, text[i].bytes))
			return &text[i];
	}
	return NULL;
}

/* What ends in NULs: a copy that stopped, but for those of a zip's end record,
 * which has something else in front of the zip. */
static int
check_nuls(const struct decode_bytes *bytes, const struct decode_sink *sink,
	   enum decode_end *ret_end, struct error *err)
{
	enum zip_end end;
	int64_t at;
	int rc = find_zip_end(bytes, &end, &at, err);

	if (rc)
		return rc;
	if (end == ZIP_WHOLE)
		return refuse(sink, DECODE_FAULT_FORMAT, MSG_IS_PREFIXED,
			      MSG_DO_UNPACK, ret_end);
	*ret_end = DECODE_INCOMPLETE;
	return 0;
}

static int
check_text(const struct decode_bytes *bytes, const struct ends *e,
	   const struct decode_sink *sink, enum decode_kind *ret,
	   enum decode_end *ret_end, struct error *err)
{
	bool utf16 =
		head_starts(e, "\xff\xfe", 2) || head_starts(e, "\xfe\xff", 2);
	const struct magic *other;

	if (head_starts(e, "\xff\xfe\0\0", 4) ||
	    head_starts(e, "\0\0\xfe\xff", 4))
		return refuse(sink, DECODE_FAULT_ENCODING, MSG_IS_UTF32,
			      MSG_DO_SAVE_UTF8, ret_end);
	if (!utf16 && is_bare_utf16(e))
		return refuse(sink, DECODE_FAULT_ENCODING, MSG_IS_BARE_UTF16,
			      MSG_DO_SAVE_UTF8, ret_end);
	/* in UTF-16 half of an ASCII character is NUL, a whole NUL is two */
	if (e->nuls >= (utf16 ? 2 : 1) && bytes->size > (utf16 ? 2 : 0))
		return check_nuls(bytes, sink, ret_end, err);
	other = text_format(e);
	if (other)
		*ret = other->kind;
	if (!other || !other->what)
		return 0;
	return refuse(sink, DECODE_FAULT_FORMAT, other->what, other->advice,
		      ret_end);
}

int
decode_format_find(const struct decode_bytes *bytes,
		   const struct decode_sink *sink, enum decode_kind *ret,
		   enum decode_end *ret_end, struct error *err)
{
	struct ends e;
	int rc;

	*ret_end = DECODE_INCOMPLETE;
	*ret = DECODE_KIND_TEXT;
	if (bytes->size <= 0)
		return 0;
	rc = read_ends(bytes, &e, err);
	if (rc)
		return rc;
	*ret_end = DECODE_DONE;
	if (head_starts(&e, "PK\3\4", 4) || head_starts(&e, "PK\5\6", 4)) {
		*ret = DECODE_KIND_ZIP;
		return check_zip(bytes, sink, ret_end, err);
	}
	for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
		if (!head_has(&e, &binary[i]))
			continue;
		*ret = binary[i].kind;
		return !binary[i].what ? 0
				       : refuse(sink, DECODE_FAULT_FORMAT,
						binary[i].what,
						binary[i].advice, ret_end);
	}
	return check_text(bytes, &e, sink, ret, ret_end, err);
}

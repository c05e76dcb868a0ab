/* What a file is, by its first and last bytes: see format.h. */
#include "decode/format.h"

#include "base/io.h"
#include "base/scope.h"
#include "decode/fault.h"

#include <ctype.h>

#define HEAD 4096
#define TAIL 16

/* The end record of a zip: 22 bytes and a comment of up to 65,535. */
#define ZIP_END 22
#define ZIP_END_SEARCH (ZIP_END + 65535)

#define CSV_ONLY "this version reads CSV only: "
#define SAVE_AS \
	CSV_ONLY "open it in a spreadsheet, choose 'Save as' and 'CSV " \
		 "UTF-8', and send that file"
#define UNPACK CSV_ONLY "unpack it and send the CSV file in it"
#define EXPORT CSV_ONLY "export the table as 'CSV UTF-8' and send that file"

struct magic {
	size_t at;
	struct slice bytes;
	const char *what;
	const char *advice;
};

/* Formats that are told by fixed bytes; NULs at their end are their own. */
static const struct magic binary[] = {
	{0, {"\xd0\xcf\x11\xe0", 4}, "an old Excel workbook (.xls)", SAVE_AS},
	{0, {"\x1f\x8b", 2}, "compressed with gzip", UNPACK},
	{0, {"\xfd\x37zXZ", 5}, "compressed with xz", UNPACK},
	{0, {"\x28\xb5\x2f\xfd", 4}, "compressed with zstd", UNPACK},
	{0, {"BZh", 3}, "compressed with bzip2", UNPACK},
	{0, {"Rar!\x1a\x07", 6}, "a rar archive", UNPACK},
	{0, {"7z\xbc\xaf\x27\x1c", 6}, "a 7z archive", UNPACK},
	{257, {"ustar", 5}, "a tar archive", UNPACK},
	{0, {"%PDF", 4}, "a PDF document", EXPORT},
	{0, {"SQLite format 3", 15}, "a SQLite database", EXPORT},
};

/* Formats that are text; letters in lower case, compared without case. */
static const struct magic text[] = {
	{0, {"<!doctype", 9}, "a web page (HTML)", SAVE_AS},
	{0, {"<html", 5}, "a web page (HTML)", SAVE_AS},
	{0, {"<head", 5}, "a web page (HTML)", SAVE_AS},
	{0, {"<meta", 5}, "a web page (HTML)", SAVE_AS},
	{0, {"<table", 6}, "a web page (HTML)", SAVE_AS},
	{0, {"<?xml", 5}, "an XML document", EXPORT},
};

struct ends {
	char head[HEAD];
	size_t nhead;
	size_t nuls; /* at the end, counted up to TAIL */
};

static int
read_ends(int fd, int64_t size, struct ends *e, struct error *err)
{
	size_t want = size < HEAD ? (size_t)size : HEAD;
	size_t ntail = size < TAIL ? (size_t)size : TAIL;
	char tail[TAIL];
	ssize_t n = io_pread(fd, e->head, want, 0, err);

	if (n < 0)
		return (int)n;
	e->nhead = (size_t)n;
	n = io_pread(fd, tail, ntail, size - (int64_t)ntail, err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < ntail || e->nhead < want)
		return error_set(err, ERR_IO,
				 "the file is shorter than its %lld bytes",
				 (long long)size);
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
	return head_has(e, &(struct magic){0, {p, n}, NULL, NULL});
}

static int
refuse(const struct decode_sink *sink, enum decode_fault_code code,
       const char *what, const char *advice, enum decode_end *ret_end)
{
	*ret_end = DECODE_REJECTED;
	return decode_fault_report(sink, code, (struct decode_place){0},
				   "the file is %s; %s", what, advice);
}

/* ---- zip ----------------------------------------------------------------- */

enum zip_end { ZIP_WHOLE, ZIP_CUT, ZIP_TRAILED };

/* Looks for the end record from the back: its comment must reach the end of
 * the file. NULs behind it are a copy that stopped, anything else is not. */
static enum zip_end
zip_end_in(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t back = ZIP_END; back <= s.n; back++) {
		size_t at = s.n - back, end;

		if (memcmp(p + at, "PK\5\6", 4))
			continue;
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
check_zip(int fd, int64_t size, const struct decode_sink *sink,
	  enum decode_end *ret_end, struct error *err)
{
	size_t want = size < ZIP_END_SEARCH ? (size_t)size : ZIP_END_SEARCH;
	scope_buf tail = BUF_INIT;
	ssize_t n;

	if (buf_reserve(&tail, want))
		return error_nomem(err);
	n = io_pread(fd, tail.data, want, size - (int64_t)want, err);
	if (n < 0)
		return (int)n;
	tail.len = (size_t)n;
	switch (zip_end_in(buf_slice(&tail))) {
	case ZIP_CUT:
		*ret_end = DECODE_INCOMPLETE;
		return 0;
	case ZIP_TRAILED:
		return refuse(sink, DECODE_FAULT_FORMAT,
			      "a zip archive with foreign bytes behind its end",
			      SAVE_AS, ret_end);
	default:
		return refuse(
			sink, DECODE_FAULT_FORMAT,
			"an Excel workbook (.xlsx) or another zip archive",
			SAVE_AS, ret_end);
	}
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
	static const struct magic json = {0, {"", 0}, "JSON", EXPORT};
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

static int
check_text(const struct ends *e, int64_t size, const struct decode_sink *sink,
	   enum decode_end *ret_end)
{
	bool utf16 =
		head_starts(e, "\xff\xfe", 2) || head_starts(e, "\xfe\xff", 2);
	const struct magic *other;

	if (head_starts(e, "\xff\xfe\0\0", 4) ||
	    head_starts(e, "\0\0\xfe\xff", 4))
		return refuse(sink, DECODE_FAULT_ENCODING, "UTF-32",
			      "save it as 'CSV UTF-8' and send it again",
			      ret_end);
	if (!utf16 && is_bare_utf16(e))
		return refuse(sink, DECODE_FAULT_ENCODING,
			      "UTF-16 without its byte order mark",
			      "save it as 'CSV UTF-8' and send it again",
			      ret_end);
	/* in UTF-16 half of an ASCII character is NUL, a whole NUL is two */
	if (e->nuls >= (utf16 ? 2 : 1) && size > (utf16 ? 2 : 0)) {
		*ret_end = DECODE_INCOMPLETE;
		return 0;
	}
	other = text_format(e);
	if (!other)
		return 0;
	return refuse(sink, DECODE_FAULT_FORMAT, other->what, other->advice,
		      ret_end);
}

int
decode_format_check(int fd, int64_t size, const struct decode_sink *sink,
		    enum decode_end *ret_end, struct error *err)
{
	struct ends e;
	int rc;

	*ret_end = DECODE_INCOMPLETE;
	if (size <= 0)
		return 0;
	rc = read_ends(fd, size, &e, err);
	if (rc)
		return rc;
	*ret_end = DECODE_DONE;
	if (head_starts(&e, "PK\3\4", 4) || head_starts(&e, "PK\5\6", 4))
		return check_zip(fd, size, sink, ret_end, err);
	for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
		if (head_has(&e, &binary[i]))
			return refuse(sink, DECODE_FAULT_FORMAT, binary[i].what,
				      binary[i].advice, ret_end);
	}
	return check_text(&e, size, sink, ret_end);
}

/*
 * Frames to rows, in the worker: nothing here trusts the writer. Each frame
 * is checked as a whole before the sink hears of it; see frames.h.
 */
#include "decode/frames.h"

#include "base/io.h"
#include "base/leb.h"
#include "base/pulse.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/csv.h"
#include "decode/fault.h"
#include "decode/format.h"
#include "decode/source.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>

#define FAULT_TEXTS 4 /* field, value, message in two languages */

#define BLOCK (256 * 1024)
#define SHOWN 200 /* characters of the decoder's own words */

struct reader {
	int fd;
	int patience_ms;
	const struct decode_request *req;
	const struct decode_sink *sink;

	struct buf in; /* bytes read; the frames before 'start' are done */
	size_t start;

	int64_t members;
	bool header;	    /* one was given, of this member */
	bool rows;	    /* its labels are such that rows may follow */
	bool any;	    /* so they were of a member without fault */
	int64_t row;	    /* the last */
	int64_t line;	    /* of the last record of this member */
	int64_t faults;	    /* of this member */
	int64_t all_faults; /* of the file */
	int64_t warnings;

	struct slice texts[DECODE_MAX_CELLS];
	size_t ntexts;
	int field[DECODE_MAX_CELLS];
	struct decode_flaw flaws[DECODE_MAX_CELLS];
};

/* What a frame led to; else a negative code. */
enum { GO_ON, ENDED };

static int
broken(struct error *err, const char *what)
{
	return error_set(err, ERR_PROTOCOL,
			 "the decoder's answer breaks the rules: %s", what);
}

/* ---- bytes --------------------------------------------------------------- */

/* Until there are bytes, or the end. */
static int
wait_for_bytes(const struct reader *r, struct error *err)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	enum pulse_state before = pulse_turn(PULSE_RESTING);
	int n;

	do {
		n = poll(&p, 1, r->patience_ms);
	} while (n < 0 && errno == EINTR);
	pulse_turn(before);
	if (n < 0)
		return error_errno(err, errno, "cannot wait for the decoder");
	if (n == 0)
		return error_set(err, ERR_IO,
				 "the decoder has said nothing for %d s",
				 r->patience_ms / 1000);
	return 0;
}

/* Makes n bytes stand at 'start'; 1, 0 at the end of the pipe, or an error. */
static int
need(struct reader *r, size_t n, struct error *err)
{
	if (r->in.len - r->start >= n)
		return 1;
	if (r->in.len > r->start)
		memmove(r->in.data, r->in.data + r->start,
			r->in.len - r->start);
	r->in.len -= r->start;
	r->start = 0;
	if (buf_reserve(&r->in, n > BLOCK ? n : BLOCK))
		return error_nomem(err);
	while (r->in.len < n) {
		int rc = wait_for_bytes(r, err);
		ssize_t k;

		if (rc)
			return rc;
		k = read(r->fd, r->in.data + r->in.len, r->in.cap - r->in.len);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_errno(err, errno,
					   "cannot read from the decoder");
		if (k == 0)
			return 0;
		r->in.len += (size_t)k;
	}
	return 1;
}

/* ---- payloads ------------------------------------------------------------ */

static inline bool
take_number(struct slice *rest, int64_t *ret)
{
	uint64_t n;

	if (!leb_take(rest, &n))
		return false;
	*ret = (int64_t)n;
	return true;
}

/* Lengths must add up to no more than is there. The bytes are checked in one
 * go; then a text is right if it does not begin inside a character. */
static bool
take_texts(struct reader *r, struct slice *rest, size_t max)
{
	int64_t n, len;
	size_t sum = 0;
	const char *at;

	if (!take_number(rest, &n) || n < 1 || (uint64_t)n > max)
		return false;
	r->ntexts = (size_t)n;
	for (size_t i = 0; i < r->ntexts; i++) {
		if (!take_number(rest, &len) || len > DECODE_MAX_RECORD)
			return false;
		r->texts[i].n = (size_t)len;
		sum += (size_t)len;
	}
	if (sum > rest->n || sum > DECODE_MAX_RECORD ||
	    !text_is_utf8((struct slice){rest->p, sum}, NULL) ||
	    (sum && memchr(rest->p, '\0', sum)))
		return false;
	at = rest->p;
	for (size_t i = 0; i < r->ntexts; i++) {
		if (r->texts[i].n && ((unsigned char)*at & 0xc0) == 0x80)
			return false;
		r->texts[i].p = at;
		at += r->texts[i].n;
	}
	rest->p += sum;
	rest->n -= sum;
	return true;
}

/* ---- HEADER -------------------------------------------------------------- */

/* Whether the columns are what rows may have: each field once, 'change' at
 * most once, nothing else unless it is ignored. */
static int
judge_columns(struct reader *r, struct error *err)
{
	const struct decode_request *req = r->req;
	size_t change = 0, extra = 0, missing = 0;
	scope_free bool *seen = calloc(req->nlabels + 1, sizeof(*seen));
	bool twice = false;

	if (!seen)
		return error_nomem(err);
	for (size_t i = 0; i < r->ntexts; i++) {
		int field = r->field[i];

		change += field == DECODE_CHANGE;
		extra += field == DECODE_EXTRA;
		if (field < 0)
			continue;
		twice |= seen[field];
		seen[field] = true;
	}
	for (size_t i = 0; i < req->nlabels; i++)
		missing += !seen[i] && !(req->optional && req->optional[i]);
	r->rows = !missing && !twice && change <= 1 &&
		  (!extra || req->extra_ignore);
	return 0;
}

static bool
take_fields(struct reader *r, struct slice *rest)
{
	for (size_t i = 0; i < r->ntexts; i++) {
		int64_t n;

		if (!take_number(rest, &n) ||
		    (uint64_t)n >= r->req->nlabels + 2)
			return false;
		r->field[i] = (int)n - 2;
		if (r->field[i] == DECODE_CHANGE && !r->req->change_allowed)
			return false;
	}
	return true;
}

static int
on_header(struct reader *r, struct slice rest, struct error *err)
{
	struct decode_header h = {0};
	int64_t format, encoding, delimiter, flags;
	int rc;

	if (r->header || r->faults)
		return broken(err, "a header in the wrong place");
	if (!take_number(&rest, &format) || format >= DECODE_FORMATS ||
	    !take_number(&rest, &encoding) || encoding >= DECODE_ENCODINGS ||
	    !take_number(&rest, &delimiter) ||
	    !decode_delimiter_make(delimiter, h.delimiter) ||
	    !take_number(&rest, &flags) ||
	    flags > (DECODE_FRAME_SEP | DECODE_FRAME_CRLF) ||
	    !take_number(&rest, &h.line) || h.line < 1 ||
	    !take_texts(r, &rest, DECODE_MAX_CELLS) || !take_fields(r, &rest) ||
	    rest.n)
		return broken(err, "a wrong header");
	rc = judge_columns(r, err);
	if (rc)
		return rc;
	r->header = true;
	r->line = h.line;
	h.format = decode_format_names[format];
	h.encoding = decode_encodings[encoding].name;
	h.sep_line = flags & DECODE_FRAME_SEP;
	h.crlf = flags & DECODE_FRAME_CRLF;
	h.labels = r->texts;
	h.nlabels = r->ntexts;
	h.field = r->field;
	return r->sink->header(r->sink->ctx, &h);
}

/* ---- ROW, FAULT, END, FAILED --------------------------------------------- */

static bool
take_flaws(struct reader *r, struct slice *rest, struct decode_row *row)
{
	int64_t n, cell, kind, last = -1;

	if (!take_number(rest, &n) || (uint64_t)n > row->ncells)
		return false;
	for (int64_t i = 0; i < n; i++) {
		if (!take_number(rest, &cell) || cell <= last ||
		    (uint64_t)cell >= row->ncells ||
		    !take_number(rest, &kind) || kind < 1 ||
		    kind >= DECODE_FLAWS)
			return false;
		last = cell;
		r->flaws[i] = (struct decode_flaw){(size_t)cell,
						   (enum decode_flaw_kind)kind};
	}
	row->flaws = r->flaws;
	row->nflaws = (size_t)n;
	return true;
}

static int
on_row(struct reader *r, struct slice rest, struct error *err)
{
	struct decode_row row = {0};

	if (!r->rows || r->faults)
		return broken(err, "a row in the wrong place");
	if (!take_number(&rest, &row.row) || row.row != r->row + 1 ||
	    !take_number(&rest, &row.line) || row.line < r->line ||
	    !take_texts(r, &rest, DECODE_MAX_CELLS))
		return broken(err, "a wrong row");
	row.cells = r->texts;
	row.ncells = r->ntexts;
	if (!take_flaws(r, &rest, &row) || rest.n)
		return broken(err, "a wrong row");
	r->row = row.row;
	r->line = row.line;
	return r->sink->row(r->sink->ctx, &row);
}

/* A FAULT or a WARNING. */
static int
on_about(struct reader *r, bool warns, struct slice rest, struct error *err)
{
	char texts[FAULT_TEXTS][DECODE_FAULT_TEXT_MAX + 1];
	struct decode_fault fault;
	int64_t code;

	r->faults += !warns;
	r->all_faults += !warns;
	r->warnings += warns;
	if (r->all_faults + r->warnings > DECODE_FAULTS_MAX)
		return broken(err, "too many faults");
	if (warns && r->faults)
		return broken(err, "a warning in the wrong place");
	if (!take_number(&rest, &code) || code >= DECODE_FAULT_CODES ||
	    !take_number(&rest, &fault.row) ||
	    !take_number(&rest, &fault.line) ||
	    !take_texts(r, &rest, FAULT_TEXTS) || r->ntexts != FAULT_TEXTS ||
	    rest.n)
		return broken(err, "a wrong fault");
	for (size_t i = 0; i < FAULT_TEXTS; i++) {
		if (r->texts[i].n > DECODE_FAULT_TEXT_MAX)
			return broken(err, "a fault of too many words");
		memcpy(texts[i], r->texts[i].p, r->texts[i].n);
		texts[i][r->texts[i].n] = '\0';
	}
	fault.code = decode_fault_word((unsigned int)code);
	fault.field = texts[0];
	fault.value = texts[1];
	fault.message = texts[2];
	fault.message_zh = texts[3];
	if (!warns)
		return r->sink->fault(r->sink->ctx, &fault);
	return r->sink->warning ? r->sink->warning(r->sink->ctx, &fault) : 0;
}

static int
on_member(struct reader *r, struct slice rest, struct error *err)
{
	char name[DECODE_NAME_MAX + 1];

	if (!take_texts(r, &rest, 1) || rest.n || !r->texts[0].n ||
	    r->texts[0].n > DECODE_NAME_MAX ||
	    ++r->members > DECODE_MEMBERS_MAX)
		return broken(err, "a wrong member");
	if (r->members == 1 && (r->header || r->faults))
		return broken(err, "a member in the wrong place");
	memcpy(name, r->texts[0].p, r->texts[0].n);
	name[r->texts[0].n] = '\0';
	r->any |= r->rows && !r->faults;
	r->header = r->rows = false;
	r->faults = 0;
	r->line = 0;
	return r->sink->member ? r->sink->member(r->sink->ctx, name) : 0;
}

static int
on_end(struct reader *r, struct slice rest, enum decode_end *ret,
       struct error *err)
{
	int64_t end;
	bool fits;
	int rc;

	if (!take_number(&rest, &end) || rest.n || end > DECODE_SOME)
		return broken(err, "a wrong end");
	r->any |= r->rows && !r->faults;
	fits = end == DECODE_DONE	? r->any && !r->all_faults
	       : end == DECODE_REJECTED ? r->all_faults > 0
	       : end == DECODE_SOME
		       ? r->any && r->all_faults > 0 && r->req->members_each
		       : !r->header && !r->all_faults && !r->members;
	if (!fits)
		return broken(err, "an end that does not fit what came before");
	rc = need(r, 1, err);
	if (rc == 1)
		return broken(err, "bytes behind the end");
	*ret = (enum decode_end)end;
	return rc < 0 ? rc : ENDED;
}

static int
on_failed(struct reader *r, struct slice rest, struct error *err)
{
	scope_buf why = BUF_INIT;

	if (!take_texts(r, &rest, 1) || rest.n)
		return broken(err, "a wrong failure");
	if (text_visible(&why, r->texts[0], SHOWN) || !buf_str(&why))
		return error_nomem(err);
	return error_set(err, ERR_IO, "the decoder gave up: %s", buf_str(&why));
}

/* ---- the loop ------------------------------------------------------------ */

static int
died(struct error *err)
{
	return error_set(err, ERR_IO,
			 "the decoder died before the end of the file");
}

static int
on_frame(struct reader *r, unsigned char type, struct slice payload,
	 enum decode_end *ret_end, struct error *err)
{
	switch (type) {
	case DECODE_FRAME_HEADER:
		return on_header(r, payload, err);
	case DECODE_FRAME_ROW:
		return on_row(r, payload, err);
	case DECODE_FRAME_FAULT:
		return on_about(r, false, payload, err);
	case DECODE_FRAME_WARNING:
		return on_about(r, true, payload, err);
	case DECODE_FRAME_MEMBER:
		return on_member(r, payload, err);
	case DECODE_FRAME_END:
		return on_end(r, payload, ret_end, err);
	case DECODE_FRAME_FAILED:
		return on_failed(r, payload, err);
	default:
		return broken(err, "an unknown frame");
	}
}

static int
read_frame(struct reader *r, enum decode_end *ret_end, struct error *err)
{
	unsigned char type;
	uint32_t n;
	int rc;

	rc = need(r, DECODE_FRAME_HEAD, err);
	if (rc != 1)
		return rc ? rc : died(err);
	memcpy(&n, r->in.data + r->start, sizeof(n));
	n = le32toh(n);
	type = (unsigned char)r->in.data[r->start + 4];
	if (n > DECODE_FRAME_MAX)
		return broken(err, "a frame that is too long");
	rc = need(r, DECODE_FRAME_HEAD + n, err);
	if (rc != 1)
		return rc ? rc : died(err);
	r->start += DECODE_FRAME_HEAD + n;
	/* END looks at the pipe again, so the payload is of no use after it */
	return on_frame(r, type, (struct slice){r->in.data + r->start - n, n},
			ret_end, err);
}

int
decode_frames_read(int fd, int patience_ms, const struct decode_request *req,
		   const struct decode_sink *sink, enum decode_end *ret_end,
		   struct error *err)
{
	scope_free struct reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return error_nomem(err);
	r->fd = fd;
	r->patience_ms = patience_ms;
	r->req = req;
	r->sink = sink;
	do {
		rc = read_frame(r, ret_end, err);
	} while (rc == GO_ON);
	buf_release(&r->in);
	return rc == ENDED ? 0 : rc;
}

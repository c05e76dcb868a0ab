/*
 * Frames to rows, in the worker: nothing here trusts the writer. Each frame
 * is checked as a whole (rows by frames_take.c) before the sink hears of it;
 * see frames.h.
 */
#include "decode/frames.h"

#include "base/scope.h"
#include "base/text.h"
#include "decode/csv.h"
#include "decode/fault.h"
#include "decode/format.h"
#include "decode/frames_take.h"
#include "decode/source.h"

#define FAULT_TEXTS 4 /* field, value, message in two languages */

#define SHOWN 200 /* characters of the decoder's own words */

struct reader {
	struct decode_taker *taker;
	const struct decode_request *req;
	const struct decode_sink *sink;

	int64_t members;
	bool header;	    /* one was given, of this member */
	bool rows;	    /* its labels are such that rows may follow */
	bool any;	    /* so they were of a member without fault */
	int64_t row;	    /* the last */
	int64_t line;	    /* of the last record of this member */
	int64_t faults;	    /* of this member */
	int64_t all_faults; /* of the file */
	int64_t warnings;

	struct slice texts[DECODE_MAX_CELLS]; /* of what is no row */
	size_t ntexts;
	int field[DECODE_MAX_CELLS];
};

/* What a batch led to; else a negative code. */
enum { GO_ON, ENDED };

static int
broken(struct error *err, const char *what)
{
	return error_set(err, ERR_PROTOCOL,
			 "the decoder's answer breaks the rules: %s", what);
}

static int
failed(const struct decode_batch *b, struct error *err)
{
	if (err)
		*err = b->err;
	return b->err.code;
}

static bool
take_texts(struct reader *r, struct slice *rest, size_t max)
{
	return decode_take_texts(rest, r->texts, max, &r->ntexts);
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

		if (!decode_take_number(rest, &n) ||
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
	if (!decode_take_number(&rest, &format) || format >= DECODE_FORMATS ||
	    !decode_take_number(&rest, &encoding) ||
	    encoding >= DECODE_ENCODINGS ||
	    !decode_take_number(&rest, &delimiter) ||
	    !decode_delimiter_make(delimiter, h.delimiter) ||
	    !decode_take_number(&rest, &flags) ||
	    flags > (DECODE_FRAME_SEP | DECODE_FRAME_CRLF) ||
	    !decode_take_number(&rest, &h.line) || h.line < 1 ||
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

static int
on_row(struct reader *r, const struct decode_row *row, struct error *err)
{
	if (!r->rows || r->faults)
		return broken(err, "a row in the wrong place");
	if (row->row != r->row + 1 || row->line < r->line)
		return broken(err, "a wrong row");
	r->row = row->row;
	r->line = row->line;
	return r->sink->row(r->sink->ctx, row);
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
	if (!decode_take_number(&rest, &code) || code >= DECODE_FAULT_CODES ||
	    !decode_take_number(&rest, &fault.row) ||
	    !decode_take_number(&rest, &fault.line) ||
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

/* Behind it comes nothing. */
static int
expect_nothing(struct reader *r, struct error *err)
{
	const struct decode_batch *b = decode_taker_next(r->taker);

	if (b->nrows ||
	    (b->behind != DECODE_NOTHING && b->behind != DECODE_FAILED))
		return broken(err, "bytes behind the end");
	return b->behind == DECODE_NOTHING ? 0 : failed(b, err);
}

static int
on_end(struct reader *r, struct slice rest, enum decode_end *ret,
       struct error *err)
{
	int64_t end;
	bool fits;
	int rc;

	if (!decode_take_number(&rest, &end) || rest.n || end > DECODE_SOME)
		return broken(err, "a wrong end");
	r->any |= r->rows && !r->faults;
	fits = end == DECODE_DONE	? r->any && !r->all_faults
	       : end == DECODE_REJECTED ? r->all_faults > 0
	       : end == DECODE_SOME
		       ? r->any && r->all_faults > 0 && r->req->members_each
		       : !r->header && !r->all_faults && !r->members;
	if (!fits)
		return broken(err, "an end that does not fit what came before");
	rc = expect_nothing(r, err);
	*ret = (enum decode_end)end;
	return rc ? rc : ENDED;
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
on_frame(struct reader *r, unsigned char type, struct slice payload,
	 enum decode_end *ret_end, struct error *err)
{
	switch (type) {
	case DECODE_FRAME_HEADER:
		return on_header(r, payload, err);
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
on_batch(struct reader *r, const struct decode_batch *b,
	 enum decode_end *ret_end, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->nrows; i++)
		rc = on_row(r, &b->rows[i], err);
	if (rc)
		return rc;
	switch (b->behind) {
	case DECODE_MORE_ROWS:
		return GO_ON;
	case DECODE_A_FRAME:
		return on_frame(r, b->type, b->payload, ret_end, err);
	case DECODE_BROKEN:
		return broken(err, b->broken);
	case DECODE_FAILED:
		return failed(b, err);
	case DECODE_NOTHING:
	case DECODE_CUT:
		break;
	}
	return error_set(err, ERR_IO,
			 "the decoder died before the end of the file");
}

int
decode_frames_read(int fd, int patience_ms, const struct decode_request *req,
		   const struct decode_sink *sink, enum decode_end *ret_end,
		   struct error *err)
{
	scope_free struct reader *r = calloc(1, sizeof(*r));
	scope_taker *taker = NULL;
	int rc = r ? decode_taker_new(fd, patience_ms, &taker, err)
		   : error_nomem(err);

	if (rc)
		return rc;
	r->taker = taker;
	r->req = req;
	r->sink = sink;
	do {
		rc = on_batch(r, decode_taker_next(taker), ret_end, err);
	} while (rc == GO_ON);
	return rc == ENDED ? 0 : rc;
}

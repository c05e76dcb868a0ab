/*
 * From a delivered file to staged rows: judges each record that the decoder
 * gives and stages what comes of it. See internal.h.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sentence.h"
#include "base/sorter.h"

#include <sys/statvfs.h>

#define DECODER_TRIES 2
#define ROOM_LEAST ((int64_t)1 << 20) /* bytes that are free */

int
flow_judgement_init(struct flow_judgement *j, struct error *err)
{
	int rc;

	j->errors = validate_faults_new();
	j->warnings = validate_faults_new();
	if (!j->errors || !j->warnings)
		return error_nomem(err);
	rc = validate_new(j->resource, &j->validate, err);
	return rc ? rc : store_staging_open(&j->staging, err);
}

void
flow_judgement_release(struct flow_judgement *j)
{
	store_staging_close(j->staging);
	validate_free(j->validate);
	validate_fix_free(j->fix);
	validate_row_release(&j->row);
	validate_faults_free(j->errors);
	validate_faults_free(j->warnings);
	publish_free(j->publish);
	sorter_free(j->orphans);
	flow_members_free(j->members);
	free(j->columns);
	free(j->secret.cells);
}

int
flow_judge_renew_faults(struct flow_judgement *j, struct error *err)
{
	validate_faults_free(j->errors);
	validate_faults_free(j->warnings);
	j->errors = validate_faults_new();
	j->warnings = validate_faults_new();
	return j->errors && j->warnings ? 0 : error_nomem(err);
}

/* What one attempt to decode has left, before the next one. */
static int
forget_rows(struct flow_judgement *j, struct error *err)
{
	store_staging_close(j->staging);
	j->staging = NULL;
	validate_fix_free(j->fix);
	j->fix = NULL;
	*j->format = *j->encoding = '\0';
	flow_members_free(j->members);
	j->members = NULL;
	j->last = 0;
	j->footer = false;
	j->nblanks = 0;
	j->read = 0;
	j->rejected = false;
	j->secret.found = false; /* a column stays one that was seen */
	flow_progress_stage(j->progress, FLOW_READING, 0, 0, clock_monotonic());
	if (flow_judge_renew_faults(j, err))
		return ERR_NOMEM;
	return store_staging_open(&j->staging, err);
}

/* ---- faults -------------------------------------------------------------- */

int
flow_judge_fault(struct flow_judgement *j, const struct validate_fault *fault,
		 struct error *err)
{
	bool zh = strcmp(j->language, "zh") == 0;
	struct validate_fault placed = *fault;
	int rc;

	placed.member = flow_members_name(j->members, fault->row);
	rc = validate_faults_add(j->errors, j->resource, &placed);

	if (rc)
		return error_nomem(err);
	if (fault->row == 0)
		return 0;
	return store_staging_add_reason(j->staging, fault->row, fault->field,
					zh ? fault->message_zh : fault->message,
					err);
}

static int
on_row_fault(void *ctx, const struct validate_fault *fault)
{
	struct flow_judgement *j = ctx;

	return flow_judge_fault(j, fault, &j->sink_error);
}

static int
on_row_warning(void *ctx, const struct validate_fault *fault)
{
	struct flow_judgement *j = ctx;
	struct validate_fault placed = *fault;

	placed.member = flow_members_name(j->members, fault->row);
	return validate_faults_add(j->warnings, j->resource, &placed);
}

/* ---- the sink of the decoder --------------------------------------------- */

static int
take_header(struct flow_judgement *j, const struct decode_header *h)
{
	int *columns = calloc(h->nlabels + 1, sizeof(*columns));

	if (!columns)
		return error_nomem(&j->sink_error);
	memcpy(columns, h->field, h->nlabels * sizeof(*columns));
	free(j->columns);
	j->columns = columns;
	j->ncolumns = h->nlabels;
	snprintf(j->format, sizeof(j->format), "%s", h->format);
	snprintf(j->encoding, sizeof(j->encoding), "%s", h->encoding);
	flow_progress_encoding(j->progress, h->encoding);
	flow_secret_header(j, columns, h->nlabels);
	if (flow_members_header(j->members, columns, h->nlabels) ||
	    flow_round_header(j, columns, h->nlabels))
		return error_nomem(&j->sink_error);
	return j->fix ? 0 : validate_fix_new(h, &j->fix, &j->sink_error);
}

/* A file may be nothing but line ends: they are counted, not kept. */
static void
add_blank(struct flow_judgement *j, const struct decode_row *r)
{
	if (j->nblanks < VALIDATE_KEPT)
		j->blanks[j->nblanks] = (struct flow_blank){r->row, r->line};
	j->nblanks++;
}

/* Blank rows count only when a row that is not blank follows. */
static int
report_blanks(struct flow_judgement *j)
{
	int64_t named = j->nblanks < VALIDATE_KEPT ? j->nblanks : VALIDATE_KEPT;
	int rc = 0;

	for (int64_t i = 0; !rc && i < named; i++) {
		struct validate_sentences text;
		struct validate_fault fault;

		validate_fault_cross(VALIDATE_CROSS_BLANK_ROW, j->blanks[i].row,
				     j->blanks[i].line, "", SLICE_NONE, 0,
				     &fault, &text);
		fault.member = flow_members_name(j->members, fault.row);
		rc = validate_faults_add(j->warnings, j->resource, &fault);
	}
	validate_faults_more(j->warnings, j->nblanks - named);
	j->nblanks = 0;
	return rc;
}

static int
add_unique_values(struct flow_judgement *j, const struct decode_row *row)
{
	const struct config_resource *r = j->resource;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nfields; i++) {
		struct slice value;

		if (!r->fields[i].unique)
			continue;
		value = cells_get(buf_slice(&j->row.cells), i);
		if (value.n)
			rc = store_staging_add_unique(
				j->staging, (int64_t)i, value, row->row,
				row->line, &j->sink_error);
	}
	return rc;
}

/* The cells as sent, in the order of the fix file. */
static int
pack_sent(struct flow_judgement *j, const struct decode_row *r,
	  enum store_fix_kind kind, struct buf *out)
{
	int rc = 0;

	if (kind == STORE_FIX_OTHER)
		return flow_members_sent(j, r, out);
	for (size_t i = 0; !rc && i < r->ncells; i++)
		rc = cells_add(out, r->cells[i]);
	return rc;
}

/* 'kind': where the row is from. */
static int
stage(struct flow_judgement *j, const struct decode_row *r,
      enum store_fix_kind kind)
{
	scope_buf sent = BUF_INIT;
	struct store_staged staged = {
		.row = r->row,
		.line = r->line,
		.status = j->row.kind == VALIDATE_REFUSED ? STORE_STAGED_REFUSED
							  : STORE_STAGED_GOOD,
		.deletes = j->row.change == VALIDATE_DELETE,
		.left = kind == STORE_FIX_LEFT,
		.has_key = j->row.has_key,
		.key = buf_slice(&j->row.key),
		.cells = buf_slice(&j->row.cells),
	};
	int rc = 0;

	if (!j->row.as_sent || staged.status == STORE_STAGED_REFUSED) {
		if (pack_sent(j, r, kind, &sent))
			return error_nomem(&j->sink_error);
		staged.sent = buf_slice(&sent);
	}
	rc = store_staging_add(j->staging, &staged, &j->sink_error);
	if (!rc && staged.status == STORE_STAGED_GOOD && !staged.deletes)
		rc = add_unique_values(j, r);
	return rc;
}

/* A refused row whose correction did not come: what was wrong with it still
 * is, or it is only missed. */
static int
leave_row(struct flow_judgement *j, const struct decode_row *r)
{
	struct validate_sentences text;
	struct validate_fault fault;

	if (j->row.kind == VALIDATE_REFUSED)
		return stage(j, r, STORE_FIX_LEFT);
	j->row.kind = VALIDATE_REFUSED;
	validate_fault_cross(VALIDATE_CROSS_NOT_BACK, r->row, r->line, "",
			     SLICE_NONE, 0, &fault, &text);
	if (flow_judge_fault(j, &fault, &j->sink_error))
		return ERR_NOMEM;
	return stage(j, r, STORE_FIX_LEFT);
}

/* A row that the fix file, this one or an earlier one, holds instead of the
 * original. 1: it is none. */
static int
take_fixed(struct flow_judgement *j, const struct decode_row *r)
{
	struct decode_row fixed;
	enum store_fix_kind kind;
	const int *columns;
	size_t ncolumns;
	int rc = flow_round_row(j, r, &fixed, &kind, &j->sink_error);

	if (rc || kind == STORE_FIX_OTHER)
		return rc ? rc : 1;
	columns = flow_round_columns(j, &ncolumns);
	rc = flow_secret_leave_out(j, columns, ncolumns, &fixed);
	if (rc)
		return rc;
	rc = validate_judge(j->validate, columns, ncolumns, &fixed, &j->row,
			    on_row_fault, on_row_warning, j);
	if (rc)
		return rc;
	j->read++;
	rc = report_blanks(j);
	if (rc)
		return rc;
	/* emptied, or made a footer: no correction */
	return kind == STORE_FIX_LEFT || j->row.kind == VALIDATE_BLANK ||
			       j->row.kind == VALIDATE_FOOTER
		       ? leave_row(j, &fixed)
		       : stage(j, &fixed, kind);
}

static int
take_row(struct flow_judgement *j, const struct decode_row *r)
{
	struct decode_row without;
	int rc;

	j->last = r->row;
	rc = flow_secret_row(j, &r, &without);
	if (rc || j->footer)
		return rc < 0 ? rc : 0;
	rc = breathe(j->breath, &j->sink_error);
	if (rc)
		return rc;
	flow_progress_row(j->progress, r->cells, r->ncells);
	if (j->round && (rc = take_fixed(j, r)) <= 0)
		return rc;
	rc = validate_judge(j->validate, j->columns, j->ncolumns, r, &j->row,
			    on_row_fault, on_row_warning, j);
	if (rc)
		return rc;
	switch (j->row.kind) {
	case VALIDATE_BLANK:
		add_blank(j, r);
		return 0;
	case VALIDATE_FOOTER:
		j->footer = true;
		return 0;
	default:
		break;
	}
	j->read++;
	rc = report_blanks(j);
	return rc ? rc : stage(j, r, STORE_FIX_OTHER);
}

/* A fault of the file rejects it: its rows count for nothing, and what was
 * wrong with them must not hide the reason. */
static int
take_fault(struct flow_judgement *j, const struct decode_fault *f)
{
	struct validate_fault fault;

	/* where each member counts alone, the others' rows go on to count */
	if (!j->rejected && !j->secret.found && !j->resource->members_each &&
	    flow_judge_renew_faults(j, &j->sink_error))
		return ERR_NOMEM;
	j->rejected = true;
	validate_fault_decode(f, &fault);
	fault.member = flow_members_name(j->members, 0);
	return validate_faults_add(j->errors, j->resource, &fault);
}

static int
take_warning(struct flow_judgement *j, const struct decode_fault *f)
{
	struct validate_fault fault;

	validate_fault_decode(f, &fault);
	fault.member = flow_members_name(j->members, 0);
	return validate_faults_add(j->warnings, j->resource, &fault);
}

/* Blank rows at its end do not count, and its footer ends it alone. */
static int
take_member(struct flow_judgement *j, const char *name)
{
	j->nblanks = 0;
	j->footer = false;
	return flow_members_add(&j->members, name, j->last);
}

/* A callback that fails is our failure, not the decoder's. */
static int
own(struct flow_judgement *j, int rc)
{
	if (rc && !j->sink_error.code)
		error_set(&j->sink_error, rc,
			  "a row could not be judged: out of memory");
	return rc;
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	return own(ctx, take_header(ctx, h));
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	return own(ctx, take_row(ctx, r));
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	return own(ctx, take_fault(ctx, f));
}

static int
on_warning(void *ctx, const struct decode_fault *f)
{
	return own(ctx, take_warning(ctx, f));
}

static int
on_member(void *ctx, const char *name)
{
	return own(ctx, take_member(ctx, name));
}

/* ---- decoders that die --------------------------------------------------- */

/* The decoder is the only process that reads the file's bytes: if it dies
 * twice over them, the file is to blame. */
static int
blame_file(struct flow_judgement *j, struct error *err)
{
	const struct decode_fault fault = {
		.code = sentence_code(MSG_FILE_DIED),
		.field = "",
		.value = "",
		.message = sentence_text(MSG_FILE_DIED, false),
		.message_zh = sentence_text(MSG_FILE_DIED, true),
	};

	j->end = DECODE_REJECTED;
	return take_fault(j, &fault) ? error_nomem(err) : 0;
}

/* A decoder that has no room is not to blame, and neither is its file: then
 * the machine has failed, and the file is judged when there is room again. What
 * the decoder says of it does not count. */
static bool
no_room_to_unpack(void)
{
	struct statvfs fs;

	return !statvfs(".", &fs) &&
	       (int64_t)fs.f_bavail * (int64_t)fs.f_frsize < ROOM_LEAST;
}

int
flow_judge_rows(struct flow_judgement *j, const struct flow_decoder *decoder,
		int fd, struct error *err)
{
	const struct decode_sink sink = {
		.header = on_header,
		.row = on_row,
		.fault = on_fault,
		.ctx = j,
		.member = on_member,
		.warning = on_warning,
	};

	for (int i = 0; i < DECODER_TRIES; i++) {
		bool died = false;
		int rc = flow_decode(j, decoder, fd, &sink, &died, err);

		if (!rc)
			return store_staging_index(j->staging, err);
		if (!died || no_room_to_unpack())
			return rc;
		rc = forget_rows(j, err);
		if (rc)
			return rc;
	}
	return blame_file(j, err);
}

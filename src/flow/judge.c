/*
 * From a delivered file to staged rows: starts the decoder, reads its frames,
 * judges each record and stages what comes of it. See internal.h.
 */
#include "flow/internal.h"

#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DECODER_TRIES 2

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
	free(j->columns);
	free(j->blanks);
}

/* What one attempt to decode has left, before the next one. */
static int
forget_rows(struct flow_judgement *j, struct error *err)
{
	store_staging_close(j->staging);
	j->staging = NULL;
	validate_fix_free(j->fix);
	j->fix = NULL;
	validate_faults_free(j->errors);
	validate_faults_free(j->warnings);
	j->errors = validate_faults_new();
	j->warnings = validate_faults_new();
	j->footer = false;
	j->nblanks = 0;
	j->read = 0;
	if (!j->errors || !j->warnings)
		return error_nomem(err);
	return store_staging_open(&j->staging, err);
}

/* ---- faults -------------------------------------------------------------- */

int
flow_judge_fault(struct flow_judgement *j, const struct validate_fault *fault)
{
	scope_buf reason = BUF_INIT;
	bool zh = strcmp(j->language, "zh") == 0;
	int rc = validate_faults_add(j->errors, j->resource, fault);

	if (rc || fault->row == 0)
		return rc;
	if (*fault->field)
		rc = buf_addf(&reason, "%s: ", fault->field);
	if (!rc)
		rc = buf_adds(&reason, zh ? fault->message_zh : fault->message);
	if (rc || !buf_str(&reason))
		return ERR_NOMEM;
	return store_staging_add_reason(j->staging, fault->row, reason.data,
					&j->sink_error);
}

static int
on_row_fault(void *ctx, const struct validate_fault *fault)
{
	return flow_judge_fault(ctx, fault);
}

static int
on_row_warning(void *ctx, const struct validate_fault *fault)
{
	struct flow_judgement *j = ctx;

	return validate_faults_add(j->warnings, j->resource, fault);
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
	return validate_fix_new(h, &j->fix, &j->sink_error);
}

static int
add_blank(struct flow_judgement *j, const struct decode_row *r)
{
	if (j->nblanks == j->blanks_cap) {
		size_t cap = j->blanks_cap ? 2 * j->blanks_cap : 16;
		void *more = realloc(j->blanks, cap * sizeof(*j->blanks));

		if (!more)
			return error_nomem(&j->sink_error);
		j->blanks = more;
		j->blanks_cap = cap;
	}
	j->blanks[j->nblanks].row = r->row;
	j->blanks[j->nblanks].line = r->line;
	j->nblanks++;
	return 0;
}

/* Blank rows count only when a row that is not blank follows. */
static int
report_blanks(struct flow_judgement *j)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < j->nblanks; i++) {
		struct validate_sentences text;
		struct validate_fault fault;

		validate_fault_cross(VALIDATE_CROSS_BLANK_ROW, j->blanks[i].row,
				     j->blanks[i].line, "", SLICE_NONE, 0,
				     &fault, &text);
		rc = validate_faults_add(j->warnings, j->resource, &fault);
	}
	j->nblanks = 0;
	return rc;
}

static int
add_unique_values(struct flow_judgement *j, int64_t row)
{
	const struct config_resource *r = j->resource;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nfields; i++) {
		struct slice value;

		if (!r->fields[i].unique)
			continue;
		value = cells_get(buf_slice(&j->row.cells), i);
		if (value.n)
			rc = store_staging_add_unique(j->staging, (int64_t)i,
						      value, row,
						      &j->sink_error);
	}
	return rc;
}

static int
stage(struct flow_judgement *j, const struct decode_row *r)
{
	scope_buf sent = BUF_INIT;
	struct store_staged staged = {
		.row = r->row,
		.line = r->line,
		.status = j->row.kind == VALIDATE_REFUSED ? STORE_STAGED_REFUSED
							  : STORE_STAGED_GOOD,
		.deletes = j->row.change == VALIDATE_DELETE,
		.has_key = j->row.has_key,
		.key = buf_slice(&j->row.key),
		.cells = buf_slice(&j->row.cells),
	};
	int rc = 0;

	if (!j->row.as_sent || staged.status == STORE_STAGED_REFUSED) {
		for (size_t i = 0; !rc && i < r->ncells; i++)
			rc = cells_add(&sent, r->cells[i]);
		if (rc)
			return error_nomem(&j->sink_error);
		staged.sent = buf_slice(&sent);
	}
	rc = store_staging_add(j->staging, &staged, &j->sink_error);
	if (!rc && staged.status == STORE_STAGED_GOOD && !staged.deletes)
		rc = add_unique_values(j, r->row);
	return rc;
}

static int
take_row(struct flow_judgement *j, const struct decode_row *r)
{
	int rc;

	if (j->footer)
		return 0;
	rc = validate_judge(j->validate, j->columns, j->ncolumns, r, &j->row,
			    on_row_fault, on_row_warning, j);
	if (rc)
		return rc;
	switch (j->row.kind) {
	case VALIDATE_BLANK:
		return add_blank(j, r);
	case VALIDATE_FOOTER:
		j->footer = true;
		return 0;
	default:
		break;
	}
	j->read++;
	rc = report_blanks(j);
	return rc ? rc : stage(j, r);
}

static int
take_fault(struct flow_judgement *j, const struct decode_fault *f)
{
	struct validate_fault fault;

	validate_fault_decode(f, &fault);
	return validate_faults_add(j->errors, j->resource, &fault);
}

/* A callback that fails is our failure, not the decoder's. */
static int
own(struct flow_judgement *j, int rc)
{
	if (!rc)
		return 0;
	j->sink_failed = true;
	if (!j->sink_error.code)
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

/* ---- one decoder --------------------------------------------------------- */

static int
make_request(const struct flow_judgement *j, struct decode_label *labels,
	     int *ret_fd, struct decode_request *req, struct error *err)
{
	const struct config_resource *r = j->resource;
	scope_buf bytes = BUF_INIT;
	scope_fd fd = memfd_create("civicfs-request", MFD_CLOEXEC);
	int rc;

	if (fd < 0)
		return error_errno(err, errno, "request for the decoder");
	for (size_t i = 0; i < r->nfields; i++)
		labels[i] = (struct decode_label){r->fields[i].id,
						  r->fields[i].title};
	*req = (struct decode_request){
		.labels = labels,
		.nlabels = r->nfields,
		.extra_ignore = r->extra_ignore,
		.change_allowed = r->mode == CONFIG_UPSERT,
	};
	if (decode_request_write(req, &bytes))
		return error_nomem(err);
	rc = io_write(fd, bytes.data, bytes.len, err);
	if (rc)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "request for the decoder");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
decode_once(struct flow_judgement *j, const struct flow_decoder *decoder,
	    int fd, struct error *err)
{
	scope_free struct decode_label *labels =
		calloc(j->resource->nfields + 1, sizeof(*labels));
	const struct decode_sink sink = {on_header, on_row, on_fault, j};
	struct decode_request req;
	scope_fd request_fd = -1;
	int ends[2];
	int rc;

	if (!labels)
		return error_nomem(err);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "seek");
	rc = make_request(j, labels, &request_fd, &req, err);
	if (rc)
		return rc;
	if (pipe2(ends, O_CLOEXEC))
		return error_errno(err, errno, "pipe for the decoder");
	{
		scope_fd out = ends[0];
		scope_fd in = ends[1];

		fcntl(in, F_SETPIPE_SZ, 1 << 20);
		rc = decoder->start(decoder->ctx, fd, request_fd, in, err);
		if (rc) {
			j->sink_failed = true;
			if (err)
				j->sink_error = *err;
			return rc;
		}
		close(take_fd(&in));
		return decode_frames_read(out, &req, &sink, &j->end, err);
	}
}

/* The decoder is the only process that reads the file's bytes: if it dies
 * twice over them, the file is to blame. */
static int
blame_file(struct flow_judgement *j, struct error *err)
{
	const struct decode_fault fault = {
		.code = "format-error",
		.field = "",
		.value = "",
		.message = "the file could not be read: its decoder died "
			   "twice; save it again as CSV in UTF-8",
	};
	int rc = forget_rows(j, err);

	j->end = DECODE_REJECTED;
	return rc ? rc : take_fault(j, &fault);
}

int
flow_judge_rows(struct flow_judgement *j, const struct flow_decoder *decoder,
		int fd, struct error *err)
{
	for (int i = 0; i < DECODER_TRIES; i++) {
		int rc = decode_once(j, decoder, fd, err);

		if (!rc)
			return store_staging_index(j->staging, err);
		if (j->sink_failed) {
			if (err)
				*err = j->sink_error;
			return rc;
		}
		if (rc == ERR_NOMEM)
			return rc;
		rc = forget_rows(j, err);
		if (rc)
			return rc;
	}
	return blame_file(j, err);
}

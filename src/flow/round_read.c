/*
 * Reads a fix file that came back, in whatever encoding, with whatever
 * delimiter and order of columns, and the one that it was made of, which says
 * which rows are refused and what the original's header is.
 */
#include "flow/round.h"

#include "base/io.h"
#include "base/scope.h"
#include "base/sentence.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DECODER_TRIES 2
#define COMPARE_STEP (256 << 10)
#define DAY_LENGTH 10 /* bytes of 2012-06-01 */
#define OURS 2	      /* columns of a fix file: _row, _errors */

/* One file that is read. */
struct reading {
	struct flow_judgement j; /* what flow_decode() needs of one */
	struct store_submission file;
	struct flow_round *round;
	const struct store_fix_round *given;
	size_t row; /* the column _row; ncolumns: none */
	/* of the file that came back */
	int *columns;	/* as decode_header.field */
	int *from;	/* for each column of the original: which; -1 none */
	bool *nameless; /* per column: its label is blank */
	size_t ncolumns;
	struct buf packed;
	struct buf flaws; /* struct decode_flaw of them */
};

static void
reading_release(struct reading *x)
{
	free(x->columns);
	free(x->from);
	free(x->nameless);
	buf_release(&x->packed);
	buf_release(&x->flaws);
}

#define scope_reading __attribute__((cleanup(reading_release))) struct reading

int
flow_round_split(struct flow_round *r, struct slice packed,
		 const struct slice **ret, size_t *ret_n, struct error *err)
{
	long n = cells_split(packed, r->cells, r->cap);

	if (n < 0)
		return error_set(err, ERR_INTERNAL,
				 "a row of a fix file cannot be read again");
	if ((size_t)n > r->cap) {
		void *more = realloc(r->cells, (size_t)n * sizeof(*r->cells));

		if (!more)
			return error_nomem(err);
		r->cells = more;
		r->cap = (size_t)n;
		cells_split(packed, r->cells, r->cap);
	}
	*ret = r->cells;
	*ret_n = (size_t)n;
	return 0;
}

/* ---- cells --------------------------------------------------------------- */

static struct slice
trim(struct slice s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool
is_blank(struct slice s)
{
	return trim(s).n == 0;
}

/* The number of a row; 0 for what is none. */
static int64_t
number_of(struct slice s)
{
	int64_t n = 0;

	s = trim(s);
	if (!s.n || s.n > 18)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		n = 10 * n + (s.p[i] - '0');
	}
	return n;
}

static size_t
find_label(const struct decode_header *h, const char *label)
{
	size_t i = 0;

	while (i < h->nlabels && !slice_is(trim(h->labels[i]), label))
		i++;
	return i;
}

static void
note(struct flow_odd *odd, int64_t first)
{
	if (!odd->n++)
		odd->first = first;
}

/* ---- our own ------------------------------------------------------------- */

static int
our_header(void *ctx, const struct decode_header *h)
{
	struct reading *x = ctx;
	struct flow_round *r = x->round;
	size_t n = find_label(h, "_row");

	free(r->columns);
	r->columns = calloc(n + 1, sizeof(*r->columns));
	if (!r->columns)
		return error_nomem(&x->j.sink_error);
	memcpy(r->columns, h->field, n * sizeof(*r->columns));
	r->ncolumns = n;
	x->row = n;
	return 0;
}

/* The cells of the original, and those that it had beyond its header. */
static int
our_row(void *ctx, const struct decode_row *row)
{
	struct reading *x = ctx;

	buf_clear(&x->packed);
	for (size_t i = 0; i < row->ncells; i++) {
		if (i >= x->row && i < x->row + OURS)
			continue;
		if (cells_add(&x->packed, row->cells[i]))
			return error_nomem(&x->j.sink_error);
	}
	if (row->ncells <= x->row)
		return 0; /* none of ours */
	return store_fix_rows_put(x->round->rows, number_of(row->cells[x->row]),
				  STORE_FIX_LEFT, buf_slice(&x->packed),
				  SLICE_NONE, &x->j.sink_error);
}

/* ---- the one that came back ---------------------------------------------- */

/* Which of its columns stands for column 'i' of the original. */
static int
find_column(const struct flow_round *r, const struct decode_header *h, size_t i)
{
	int field = r->columns[i];

	if (field == DECODE_EXTRA)
		return -1;
	for (size_t k = 0; k < h->nlabels; k++) {
		if (h->field[k] == field)
			return (int)k;
	}
	return -1;
}

static int
their_header(void *ctx, const struct decode_header *h)
{
	struct reading *x = ctx;
	struct flow_round *r = x->round;

	free(x->columns);
	free(x->from);
	free(x->nameless);
	x->columns = calloc(h->nlabels + 1, sizeof(*x->columns));
	x->from = calloc(r->ncolumns + 1, sizeof(*x->from));
	x->nameless = calloc(h->nlabels + 1, sizeof(*x->nameless));
	if (!x->columns || !x->from || !x->nameless)
		return error_nomem(&x->j.sink_error);
	memcpy(x->columns, h->field, h->nlabels * sizeof(*x->columns));
	flow_secret_header(&x->j, x->columns, h->nlabels);
	for (size_t i = 0; i < r->ncolumns; i++)
		x->from[i] = find_column(r, h, i);
	for (size_t i = 0; i < h->nlabels; i++)
		x->nameless[i] = is_blank(h->labels[i]);
	x->ncolumns = h->nlabels;
	x->row = find_label(h, "_row");
	return 0;
}

static bool
is_empty(const struct reading *x, const struct decode_row *row)
{
	for (size_t i = 0; i < x->round->ncolumns; i++) {
		int from = x->from[i];

		if (from >= 0 && (size_t)from < row->ncells &&
		    !is_blank(row->cells[from]))
			return false;
	}
	return true;
}

/* Cells that stand under no name are still too many; empty ones are what
 * spreadsheets fill rows up with. */
static int
add_beyond(struct reading *x, const struct decode_row *row)
{
	for (size_t i = 0; i < row->ncells; i++) {
		if ((i < x->ncolumns && !x->nameless[i]) ||
		    is_blank(row->cells[i]))
			continue;
		if (cells_add(&x->packed, row->cells[i]))
			return ERR_NOMEM;
	}
	return 0;
}

static enum decode_flaw_kind
flaw_of(const struct decode_row *row, size_t cell)
{
	for (size_t i = 0; i < row->nflaws; i++) {
		if (row->flaws[i].cell == cell)
			return row->flaws[i].kind;
	}
	return 0;
}

static bool
is_date(const struct reading *x, size_t column)
{
	int field = x->round->columns[column];

	return field >= 0 && x->j.resource->fields[field].type == CONFIG_DATE;
}

/* The cell 'from' as that of column 'i'. Good rows are kept without flaws: a
 * whole day becomes one here, no other flaw is of a good cell. */
static int
add_cell(struct reading *x, const struct decode_row *row, size_t from, size_t i)
{
	struct decode_flaw flaw = {i, flaw_of(row, from)};
	struct slice cell = row->cells[from];

	if (flaw.kind == DECODE_FLAW_MIDNIGHT && is_date(x, i) &&
	    cell.n > DAY_LENGTH)
		cell.n = DAY_LENGTH;
	else if (flaw.kind && buf_add(&x->flaws, &flaw, sizeof(flaw)))
		return ERR_NOMEM;
	return cells_add(&x->packed, cell);
}

/* The row in the order of the original; columns that nobody registered keep
 * what they had. */
static int
pack(struct reading *x, const struct decode_row *row, struct slice was)
{
	int rc = 0;

	buf_clear(&x->packed);
	buf_clear(&x->flaws);
	for (size_t i = 0; !rc && i < x->round->ncolumns; i++) {
		int from = x->from[i];

		if (from >= 0 && (size_t)from < row->ncells)
			rc = add_cell(x, row, (size_t)from, i);
		else
			rc = cells_add(&x->packed, from < 0 ? cells_get(was, i)
							    : SLICE_NONE);
	}
	return rc ? rc : add_beyond(x, row);
}

static int
say_secret(struct flow_judgement *j, struct flow_round *r, const char *field,
	   int64_t row, int64_t line)
{
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_secret(VALIDATE_SECRET_FIX, field, row, line, &fault,
			      &text);
	r->secret = true;
	return validate_faults_add(r->faults, j->resource, &fault);
}

/* The row is that of the original, where it says which. */
static int
on_secret(void *ctx, const struct validate_fault *fault)
{
	struct reading *x = ctx;

	return say_secret(&x->j, x->round, fault->field, fault->row,
			  fault->line)
		       ? error_nomem(&x->j.sink_error)
		       : 0;
}

/* 1 there is a value that must not be here, 0 there is none. */
static int
look_for_secrets(struct reading *x, const struct decode_row *row)
{
	struct decode_row named = *row;

	if (!x->j.secret.column)
		return 0;
	named.row = x->row < row->ncells ? number_of(row->cells[x->row]) : 0;
	return validate_secrets(x->j.resource, x->columns, x->ncolumns, &named,
				on_secret, x);
}

static int
their_row(void *ctx, const struct decode_row *row)
{
	struct reading *x = ctx;
	struct flow_round *r = x->round;
	struct error *err = &x->j.sink_error;
	scope_buf was = BUF_INIT;
	enum store_fix_kind kind;
	int64_t number;
	int rc = look_for_secrets(x, row);

	if (rc < 0 || x->round->secret)
		return rc < 0 ? rc : 0;
	if (x->row == x->ncolumns || is_empty(x, row))
		return 0;
	number = x->row < row->ncells ? number_of(row->cells[x->row]) : 0;
	if (!number) {
		note(&r->nameless, row->line);
		return 0;
	}
	rc = store_fix_rows_get(r->rows, number, &kind, &was, NULL, err);
	if (rc)
		return rc;
	if (pack(x, row, buf_slice(&was)))
		return error_nomem(err);
	if (kind == STORE_FIX_LEFT) {
		r->back++;
		return store_fix_rows_put(r->rows, number, STORE_FIX_BACK,
					  buf_slice(&x->packed),
					  buf_slice(&x->flaws), err);
	}
	/* saved once more as it came before */
	if (!slice_eq(buf_slice(&was), buf_slice(&x->packed)))
		note(kind == STORE_FIX_BACK ? &r->twice : &r->unknown, number);
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct reading *x = ctx;
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_fix(f, &fault, &text);
	return validate_faults_add(x->round->faults, x->j.resource, &fault)
		       ? error_nomem(&x->j.sink_error)
		       : 0;
}

static int
open_blob(const struct flow_judgement *j, int64_t blob, int *ret_fd,
	  struct stat *ret, struct error *err)
{
	char path[STORE_BLOB_PATH_MAX];

	store_blob_path(blob, path);
	*ret_fd = openat(store_dir_fd(j->store), path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 || fstat(*ret_fd, ret)
		       ? error_errno(err, errno, "fix file '%s'", path)
		       : 0;
}

/* *ret_good: it was read to its end. */
static int
read_file(const struct flow_shop *shop, struct flow_judgement *j, int64_t blob,
	  const struct decode_sink *rows, struct reading *x, bool *ret_good,
	  struct error *err)
{
	const struct decode_sink sink = {rows->header, rows->row, on_fault, x};
	struct stat st;
	scope_fd fd = -1;
	bool died = false;
	int rc = open_blob(j, blob, &fd, &st, err);

	if (rc)
		return rc;
	x->round = j->round;
	x->file.bytes = st.st_size;
	x->j.submission = &x->file;
	x->j.resource = j->resource;
	x->j.any_column = true;
	rc = flow_decode(&x->j, &shop->decoder, fd, &sink, &died, err);
	*ret_good = !rc && x->j.end == DECODE_DONE;
	return rc && !died ? rc : 0;
}

static int
put_done(void *ctx, int64_t row, struct slice cells)
{
	struct flow_round *r = ctx;
	struct error ignored = ERROR_INIT;

	return store_fix_rows_put(r->rows, row, STORE_FIX_DONE, cells,
				  SLICE_NONE, &ignored);
}

/* The rows as they were before: those that are good by now, and those that are
 * not. */
static int
read_ours(const struct flow_shop *shop, struct flow_judgement *j, bool *ret,
	  struct error *err)
{
	const struct decode_sink sink = {our_header, our_row, NULL, NULL};
	const struct store_submission *s = j->submission;
	struct flow_round *r = j->round;
	scope_reading x = {.j = {.store = j->store}};
	int rc;

	store_fix_rows_close(r->rows);
	r->rows = NULL;
	validate_faults_free(r->faults);
	r->faults = validate_faults_new();
	r->back = 0;
	r->unknown = r->twice = r->nameless = (struct flow_odd){0};
	rc = r->faults ? store_fix_rows_open(&r->rows, err) : error_nomem(err);
	if (!rc) {
		scope_reader reader = {0};

		rc = store_reader_get(j->store, &reader, err);
		if (!rc)
			rc = store_fixed_each(reader.db, s->number, put_done, r,
					      err);
	}
	*ret = true;
	return rc || !s->fix_blob
		       ? rc
		       : read_file(shop, j, s->fix_blob, &sink, &x, ret, err);
}

int
flow_round_replay(const struct flow_shop *shop, struct flow_judgement *j,
		  struct error *err)
{
	bool good = false;
	int rc = 0;

	j->round = calloc(1, sizeof(*j->round));
	if (!j->round)
		return error_nomem(err);
	for (int i = 0; !rc && !good && i < DECODER_TRIES; i++)
		rc = read_ours(shop, j, &good, err);
	if (!rc && !good)
		rc = error_set(err, ERR_IO, "the fix file cannot be read");
	return rc;
}

static int
say_no_row(struct flow_judgement *j, struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_cross(VALIDATE_CROSS_FIX_NO_ROW, 0, 0, "_row",
			     SLICE_NONE, 0, &fault, &text);
	return validate_faults_add(j->round->faults, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}

static int
read_theirs(const struct flow_shop *shop, struct flow_judgement *j, bool *ret,
	    struct error *err)
{
	const struct decode_sink sink = {their_header, their_row, NULL, NULL};
	scope_reading x = {.j = {.store = j->store}};
	int rc = read_file(shop, j, j->round->given.blob, &sink, &x, ret, err);

	j->round->column = *ret ? NULL : x.j.secret.column;
	if (!rc && j->round->secret)
		*ret = false;
	if (!rc && *ret && x.row == x.ncolumns) {
		*ret = false;
		rc = say_no_row(j, err);
	}
	return rc;
}

/* A decoder that dies twice over it: the file is to blame. */
static int
say_died(struct flow_judgement *j, struct error *err)
{
	const struct decode_fault died = {
		.code = sentence_code(MSG_FIX_DIED),
		.field = "",
		.value = "",
		.message = sentence_text(MSG_FIX_DIED, false),
		.message_zh = sentence_text(MSG_FIX_DIED, true),
	};
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_fix(&died, &fault, &text);
	return validate_faults_add(j->round->faults, j->resource, &fault)
		       ? error_nomem(err)
		       : 0;
}

/* Nothing of it counts: the rows are as they were, and the reason stays. */
static int
give_up(const struct flow_shop *shop, struct flow_judgement *j,
	struct error *err)
{
	struct flow_round *r = j->round;
	struct validate_faults *why = r->faults;
	bool good;
	int rc;

	r->faults = NULL;
	r->unreadable = true;
	rc = read_ours(shop, j, &good, err);
	validate_faults_free(r->faults);
	r->faults = why;
	if (!rc && !validate_faults_count(why))
		rc = say_died(j, err);
	/* what could not be looked at may hold anything */
	if (!rc && r->column && !r->secret && say_secret(j, r, r->column, 0, 0))
		rc = error_nomem(err);
	return rc;
}

/* ---- whether there is anything to read ----------------------------------- */

static int
compare(int a, int b, bool *ret_same, struct error *err)
{
	scope_free char *of_a = malloc(COMPARE_STEP);
	scope_free char *of_b = malloc(COMPARE_STEP);
	off_t at = 0;

	if (!of_a || !of_b)
		return error_nomem(err);
	for (;;) {
		ssize_t n = io_pread(a, of_a, COMPARE_STEP, at, err);
		ssize_t m = io_pread(b, of_b, COMPARE_STEP, at, err);

		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		*ret_same = n == m && memcmp(of_a, of_b, (size_t)n) == 0;
		if (!*ret_same || n == 0)
			return 0;
		at += n;
	}
}

/* Programs that only show a file open it as if they were to write. */
static int
is_unchanged(struct flow_judgement *j, bool *ret, struct error *err)
{
	struct stat ours, theirs;
	scope_fd a = -1;
	scope_fd b = -1;
	int rc = open_blob(j, j->submission->fix_blob, &a, &ours, err);

	if (!rc)
		rc = open_blob(j, j->round->given.blob, &b, &theirs, err);
	*ret = false;
	return rc || ours.st_size != theirs.st_size ? rc
						    : compare(a, b, ret, err);
}

int
flow_round_read(const struct flow_shop *shop, struct flow_judgement *j,
		bool *ret_same, struct error *err)
{
	int rc = is_unchanged(j, ret_same, err);

	if (rc || *ret_same)
		return rc;
	for (int i = 0; i < DECODER_TRIES; i++) {
		bool good = false;

		rc = read_ours(shop, j, &good, err);
		if (!rc && good)
			rc = read_theirs(shop, j, &good, err);
		if (rc || good)
			return rc;
		if (validate_faults_count(j->round->faults))
			break;
	}
	return give_up(shop, j, err);
}

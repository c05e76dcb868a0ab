/*
 * The fix file of a submission: its refused rows, each with its reasons; a
 * workbook if the original is one, else the text that it was. See internal.h;
 * what a row looks like is in validate/.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FIX_STEP (1 << 20)

struct fix_writer {
	struct flow_judgement *j;
	int fd;
	struct validate_book *book; /* NULL: it is a text */
	struct buf out;
	struct buf sentences; /* of one row, joined */
	struct slice *cells;
	size_t ncells;
	struct validate_reason *reasons;
	size_t nreasons;
	bool halted; /* a breath has failed: nothing can go on */
	struct error *err;
};

static void
writer_release(struct fix_writer *w)
{
	validate_book_free(w->book);
	buf_release(&w->out);
	buf_release(&w->sentences);
	free(w->cells);
	free(w->reasons);
}

/* ---- a refused row ------------------------------------------------------- */

static int
split_cells(struct fix_writer *w, struct slice packed)
{
	long n = cells_split(packed, w->cells, w->ncells);

	if (n < 0)
		return error_set(w->err, ERR_INTERNAL,
				 "a staged row cannot be read again");
	if ((size_t)n > w->ncells) {
		void *more = realloc(w->cells, (size_t)n * sizeof(*w->cells));

		if (!more)
			return error_nomem(w->err);
		w->cells = more;
		(void)cells_split(packed, w->cells, (size_t)n);
	}
	w->ncells = (size_t)n;
	return 0;
}

/* The reasons one by one, and as one sentence. */
static int
split_reasons(struct fix_writer *w, struct slice packed)
{
	struct validate_reason r;

	w->nreasons = 0;
	buf_clear(&w->sentences);
	while (cells_next(&packed, &r.field) &&
	       cells_next(&packed, &r.message)) {
		void *more = realloc(w->reasons,
				     (w->nreasons + 1) * sizeof(*w->reasons));

		if (!more)
			return error_nomem(w->err);
		w->reasons = more;
		if ((w->nreasons && buf_adds(&w->sentences, "; ")) ||
		    buf_addslice(&w->sentences, r.field) ||
		    (r.field.n && buf_adds(&w->sentences, ": ")) ||
		    buf_addslice(&w->sentences, r.message))
			return error_nomem(w->err);
		w->reasons[w->nreasons++] = r;
	}
	return 0;
}

static int
drain(struct fix_writer *w)
{
	int rc = io_write(w->fd, w->out.data, w->out.len, w->err);

	buf_clear(&w->out);
	return rc;
}

static int
write_refused(void *ctx, const struct store_staged *row, struct slice reasons)
{
	struct fix_writer *w = ctx;
	int rc = breathe(w->j->breath, w->err);

	w->halted = rc != 0;
	if (!rc)
		rc = split_cells(w, row->sent.n ? row->sent : row->cells);
	if (!rc)
		rc = split_reasons(w, reasons);
	if (rc)
		return rc;
	if (w->book)
		return validate_book_fix_row(w->book, w->cells, w->ncells,
					     row->row, buf_slice(&w->sentences),
					     w->reasons, w->nreasons, w->err);
	rc = validate_fix_row(w->j->fix, w->cells, w->ncells, row->row,
			      buf_slice(&w->sentences), &w->out, w->err);
	return rc || w->out.len < FIX_STEP ? rc : drain(w);
}

static int
write_text(struct fix_writer *w)
{
	int rc = validate_fix_header(w->j->fix, &w->out, w->err);

	if (!rc)
		rc = store_staging_refused(w->j->staging, write_refused, w,
					   w->err);
	return rc ? rc : drain(w);
}

/* ---- as a workbook ------------------------------------------------------- */

static int
write_book(struct fix_writer *w)
{
	struct flow_judgement *j = w->j;
	int rc = validate_fix_book(j->fix, j->resource, j->language, w->fd,
				   &w->book, w->err);

	if (!rc)
		rc = store_staging_refused(j->staging, write_refused, w,
					   w->err);
	if (!rc)
		rc = validate_book_close(w->book, j->counts.refused, w->err);
	validate_book_free(w->book);
	w->book = NULL;
	return rc;
}

struct counting {
	int64_t n;
	struct fix_writer *w;
};

static int
count_row(void *ctx, const struct decode_row *row)
{
	struct counting *c = ctx;
	int rc = breathe(c->w->j->breath, c->w->err);

	(void)row;
	c->n++;
	c->w->halted = rc != 0;
	return rc;
}

static int
pass_header(void *ctx, const struct decode_header *h)
{
	(void)ctx;
	(void)h;
	return 0;
}

static int
pass_fault(void *ctx, const struct decode_fault *f)
{
	(void)ctx;
	(void)f;
	return 0;
}

/* Whether every row can be read from it: on a full disk nobody has said. */
static bool
is_whole(const struct flow_shop *shop, struct fix_writer *w)
{
	const struct flow_judgement *j = w->j;
	struct counting c = {.w = w};
	const struct decode_sink sink = {pass_header, count_row, pass_fault,
					 &c};
	struct store_submission file = {0};
	struct flow_judgement reader = {.store = j->store,
					.resource = j->resource,
					.submission = &file,
					.any_column = true};
	struct stat st;
	bool died = false;

	if (fstat(w->fd, &st))
		return false;
	file.bytes = st.st_size;
	return !flow_decode(&reader, &shop->decoder, w->fd, &sink, &died,
			    NULL) &&
	       reader.end == DECODE_DONE && c.n == j->counts.refused;
}

/* ---- the file ------------------------------------------------------------ */

static int
open_fix_blob(struct flow_judgement *j, int *ret_fd, struct error *err)
{
	char path[STORE_BLOB_PATH_MAX];
	scope_txn txn = {0};
	int rc = store_begin(j->store, &txn, err);

	if (!rc)
		rc = store_blob_add(&txn, clock_now(), &j->fix_blob, err);
	if (!rc)
		rc = store_commit(&txn, err);
	if (rc)
		return rc;
	store_blob_path(j->fix_blob, path);
	*ret_fd = openat(store_dir_fd(j->store), path,
			 O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return error_errno(err, errno, "fix file '%s'", path);
	return 0;
}

/* What cannot be a workbook, or is not whole as one, is a text. */
static int
write_fix(const struct flow_shop *shop, struct fix_writer *w)
{
	struct flow_judgement *j = w->j;
	int rc;

	j->fix_workbook = validate_fix_is_workbook(j->fix) &&
			  j->counts.refused < VALIDATE_BOOK_ROWS;
	if (j->fix_workbook) {
		rc = write_book(w);
		if (!rc && is_whole(shop, w))
			return 0;
		if (rc == ERR_NOMEM)
			return rc;
		if (w->halted)
			return w->err->code;
		j->fix_workbook = false;
		if (ftruncate(w->fd, 0) || lseek(w->fd, 0, SEEK_SET))
			return error_errno(w->err, errno, "fix file");
	}
	return write_text(w);
}

int
flow_fix_file(const struct flow_shop *shop, struct flow_judgement *j,
	      struct error *err)
{
	struct fix_writer w = {.j = j, .err = err};
	struct stat st;
	scope_fd fd = -1;
	int rc = open_fix_blob(j, &fd, err);

	if (rc)
		return rc;
	w.fd = fd;
	rc = write_fix(shop, &w);
	if (!rc && (fsync(fd) || fstat(fd, &st)))
		rc = error_errno(err, errno, "fix file");
	if (!rc)
		j->fix_bytes = st.st_size;
	writer_release(&w);
	return rc;
}

void
flow_fix_forget(struct store *store, int64_t blob)
{
	char path[STORE_BLOB_PATH_MAX];
	scope_txn txn = {0};
	int rc = blob ? store_begin(store, &txn, NULL) : ERR_NOTFOUND;

	if (!rc)
		rc = store_blob_drop(&txn, blob, NULL);
	if (rc <= 0 || store_commit(&txn, NULL))
		return;
	store_blob_path(blob, path);
	(void)unlinkat(store_dir_fd(store), path, 0);
}

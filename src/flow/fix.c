/*
 * The fix file of a submission: its refused rows, each with its reasons. See
 * internal.h; what a line looks like is in validate/.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/inbox.h"

#include <errno.h>
#include <fcntl.h>

#define FIX_STEP (1 << 20)

struct fix_writer {
	struct flow_judgement *j;
	int fd;
	int64_t bytes;
	struct buf out;
	struct slice *cells;
	size_t cap;
	struct error *err;
};

static int
drain(struct fix_writer *w)
{
	int rc = io_write(w->fd, w->out.data, w->out.len, w->err);

	w->bytes += (int64_t)w->out.len;
	buf_clear(&w->out);
	return rc;
}

static int
write_refused(void *ctx, const struct store_staged *row, struct slice reasons)
{
	struct fix_writer *w = ctx;
	struct slice sent = row->sent.n ? row->sent : row->cells;
	long n = cells_split(sent, w->cells, w->cap);
	int rc;

	if (n < 0)
		return error_set(w->err, ERR_INTERNAL,
				 "a staged row cannot be read again");
	if ((size_t)n > w->cap) {
		void *more = realloc(w->cells, (size_t)n * sizeof(*w->cells));

		if (!more)
			return error_nomem(w->err);
		w->cells = more;
		w->cap = (size_t)n;
		cells_split(sent, w->cells, w->cap);
	}
	rc = validate_fix_row(w->j->fix, w->cells, (size_t)n, row->row, reasons,
			      &w->out, w->err);
	if (!rc && w->out.len >= FIX_STEP)
		rc = drain(w);
	return rc;
}

static int
write_fix(struct fix_writer *w)
{
	int rc = validate_fix_header(w->j->fix, &w->out, w->err);

	if (!rc)
		rc = store_staging_refused(w->j->staging, write_refused, w,
					   w->err);
	if (!rc)
		rc = drain(w);
	if (!rc && fsync(w->fd))
		rc = error_errno(w->err, errno, "fix file");
	return rc;
}

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
			 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return error_errno(err, errno, "fix file '%s'", path);
	return 0;
}

int
flow_fix_file(struct flow_judgement *j, struct error *err)
{
	struct fix_writer w = {.j = j, .fd = -1, .err = err};
	int rc = open_fix_blob(j, &w.fd, err);

	if (!rc)
		rc = write_fix(&w);
	if (w.fd >= 0)
		close(w.fd);
	buf_release(&w.out);
	free(w.cells);
	j->fix_bytes = w.bytes;
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

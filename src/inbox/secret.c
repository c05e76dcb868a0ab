/*
 * Bytes that must not be here (SPEC 9, secret): with the verdict every name
 * leads away from them, after it they are overwritten. Table erasure remembers
 * what is left to do in between. See inbox.h.
 */
#include "inbox/state.h"

#include "base/io.h"
#include "base/pulse.h"
#include "store/erasure.h"

#include <errno.h>
#include <fcntl.h>

#define STEP ((size_t)1 << 20)

/* ---- with the verdict ---------------------------------------------------- */

/* Without bytes, and with the times of what it stands for. */
static int
make_empty(struct inbox *inbox, struct store_txn *txn, int64_t instead,
	   int64_t *ret, struct error *err)
{
	struct stat st;
	scope_fd fd = -1;
	int rc = inbox_blob_add(inbox, txn, ret, &fd, err);

	if (rc || inbox_blob_stat(inbox, instead, &st))
		return rc;
	if (futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}))
		return error_errno(err, errno, "cannot empty an upload");
	return 0;
}

static int
empty_file(struct inbox *inbox, struct store_txn *txn,
	   struct store_inbox_file *f, struct inbox_secret *secret,
	   struct error *err)
{
	int64_t blob = 0;
	int rc;

	if (secret->n == INBOX_SECRET_FILES)
		return error_set(err, ERR_LIMIT,
				 "too many have the file '%s' open", f->name);
	rc = make_empty(inbox, txn, f->blob, &blob, err);
	if (blob)
		secret->files[secret->n++] =
			(struct inbox_secret_file){f->id, blob};
	f->blob = blob;
	return rc ? rc : store_inbox_set(txn, f, err);
}

static int
take_away(struct inbox *inbox, struct store_txn *txn, int64_t blob,
	  int64_t submission, struct inbox_secret *secret, struct error *err)
{
	struct store_inbox_file f;
	int rc;

	if (!blob)
		return 0;
	while ((rc = store_inbox_of_blob(txn->db, blob, &f, err)) > 0) {
		rc = empty_file(inbox, txn, &f, secret, err);
		if (rc)
			return rc;
	}
	return rc ? rc : store_erasure_add(txn, blob, submission, err);
}

int
inbox_secret_begin(struct inbox *inbox, struct store_txn *txn,
		   const struct store_submission *s, bool original,
		   int64_t round_blob, struct inbox_secret *ret,
		   struct error *err)
{
	const int64_t blobs[] = {original ? s->blob : 0,
				 original ? s->fix_blob : 0, round_blob};
	int rc = 0;

	*ret = (struct inbox_secret){.resource = s->resource, .moving = true};
	inbox_quota_move(inbox->quota);
	for (size_t i = 0; !rc && i < sizeof(blobs) / sizeof(*blobs); i++)
		rc = take_away(inbox, txn, blobs[i], s->number, ret, err);
	if (!rc && original && s->blob)
		ret->freed = s->bytes;
	if (!rc && original)
		rc = store_erasure_unbind(txn, s->number, err);
	/* the names of what was made are as durable as the commit */
	if (!rc && ret->n && inbox_blob_sync(inbox))
		rc = error_errno(err, errno, "cannot empty an upload");
	return rc;
}

void
inbox_secret_end(struct inbox *inbox, const struct inbox_secret *secret,
		 bool committed)
{
	if (!secret->moving)
		return;
	for (size_t i = 0; i < secret->n; i++) {
		if (committed)
			inbox_live_rebind(inbox->live, secret->files[i].id);
		else
			inbox_blob_unlink(inbox, secret->files[i].blob);
	}
	if (committed)
		inbox_quota_keep(inbox->quota,
				 inbox_quota_of(inbox->quota, secret->resource),
				 -secret->freed);
	inbox_quota_moved(inbox->quota);
}

/* ---- after it ------------------------------------------------------------ */

static int
overwrite(int fd, off_t bytes, struct error *err)
{
	scope_free char *zeros = calloc(1, STEP);
	int rc = zeros ? 0 : error_nomem(err);

	for (off_t at = 0; !rc && at < bytes; at += (off_t)STEP) {
		off_t left = bytes - at;

		pulse_step();
		rc = io_pwrite(fd, zeros,
			       left < (off_t)STEP ? (size_t)left : STEP, at,
			       err);
	}
	if (!rc && fdatasync(fd))
		rc = error_errno(err, errno, "an upload");
	return rc;
}

/* Where a backup has a name for the same bytes they are its own by now. Where
 * the file system would put zeros elsewhere and has no room for them, nothing
 * can be overwritten. */
static int
erase_file(struct inbox *inbox, int64_t blob, struct error *err)
{
	scope_fd fd = inbox_blob_open(inbox, blob, O_WRONLY);
	struct stat st;
	int rc;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, -fd, "an upload");
	if (fstat(fd, &st))
		return error_errno(err, errno, "an upload");
	if (st.st_nlink > 1)
		return 0;
	rc = overwrite(fd, st.st_size, err);
	return rc && err->errnum == ENOSPC ? 0 : rc;
}

/* Who reads a file goes on with what the kernel has kept of it. */
static int
tell_erased(struct inbox *inbox, int64_t submission, struct error *err)
{
	scope_reader reader = {0};
	int64_t file = 0;
	int rc;

	if (!inbox->erased)
		return 0;
	rc = store_reader_get(inbox->store, &reader, err);
	if (rc)
		return rc;
	do {
		inbox->erased(inbox->erased_ctx, submission, file);
		rc = store_erasure_file(reader.db, submission, file, &file,
					err);
	} while (rc > 0);
	return rc;
}

void
inbox_on_erased(struct inbox *inbox,
		void (*erased)(void *ctx, int64_t submission, int64_t file),
		void *ctx)
{
	inbox->erased = erased;
	inbox->erased_ctx = ctx;
}

static int
erase_one(struct inbox *inbox, int64_t blob, int64_t submission,
	  struct error *err)
{
	scope_txn txn = {0};
	int rc = erase_file(inbox, blob, err);

	if (!rc)
		rc = tell_erased(inbox, submission, err);
	if (!rc)
		rc = store_begin(inbox->store, &txn, err);
	if (!rc)
		rc = store_erasure_end(&txn, blob, err);
	if (!rc)
		rc = store_commit(&txn, err);
	if (!rc)
		inbox_blob_unlink(inbox, blob);
	return rc ? error_prefix(err, rc, "erasing what must not be here") : 0;
}

static int
next(struct inbox *inbox, int64_t after, int64_t *ret, int64_t *ret_submission,
     struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, err);

	return rc ? rc
		  : store_erasure_next(reader.db, after, ret, ret_submission,
				       err);
}

int
inbox_secret_erase(struct inbox *inbox, struct error *err)
{
	int64_t blob = 0, submission = 0;
	struct error first = ERROR_INIT;
	int rc;

	while ((rc = next(inbox, blob, &blob, &submission, err)) > 0) {
		struct error failure = ERROR_INIT;

		if (erase_one(inbox, blob, submission, &failure) && !first.code)
			first = failure;
	}
	if (!rc && first.code && err)
		*err = first;
	return rc ? rc : first.code;
}

/* What a submission holds: archive/RESOURCE/SUBMISSION, and the bytes of
 * receipts and fix files wherever they are shown. */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* ---- reading ------------------------------------------------------------- */

static ssize_t
read_blob(struct inbox *inbox, int64_t blob, void *p, size_t n, off_t offset)
{
	scope_fd fd = inbox_blob_open(inbox, blob, O_RDONLY);

	if (fd < 0)
		return fd == -ENOENT ? -EIO : fd;
	return inbox_read_at(fd, p, n, offset);
}

static ssize_t
read_receipt(struct sql *db, enum inbox_part part, int64_t number, void *p,
	     size_t n, off_t offset)
{
	struct error err = ERROR_INIT;
	scope_buf text = BUF_INIT;
	int rc = store_submission_receipt(db, number,
					  part == INBOX_RECEIPT_JSON
						  ? STORE_RECEIPT_JSON
						  : STORE_RECEIPT_TEXT,
					  &text, &err);

	if (rc < 0)
		return inbox_errno(rc, &err);
	if (!rc)
		return -ESTALE;
	if (offset < 0 || (size_t)offset >= text.len)
		return 0;
	if (n > text.len - (size_t)offset)
		n = text.len - (size_t)offset;
	memcpy(p, text.data + offset, n);
	return (ssize_t)n;
}

ssize_t
inbox_archive_read(struct inbox *inbox, int64_t number, enum inbox_part part,
		   void *p, size_t n, off_t offset)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct store_submission s = {0};
	int64_t blob;
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (rc)
		return inbox_errno(rc, &err);
	if (part == INBOX_RECEIPT_TEXT || part == INBOX_RECEIPT_JSON)
		return read_receipt(reader.db, part, number, p, n, offset);
	rc = store_submission_get(reader.db, number, &s, &err);
	if (rc < 0)
		return inbox_errno(rc, &err);
	if (!rc)
		return -ESTALE;
	blob = part == INBOX_FIX ? s.fix_blob : s.blob;
	store_submission_release(&s);
	return blob ? read_blob(inbox, blob, p, n, offset) : -ESTALE;
}

/* ---- listing ------------------------------------------------------------- */

/* The times of the archive are those of the submission: the file in the inbox
 * goes on and may be touched. */
static int
stat_original(struct inbox *inbox, const struct store_submission *s,
	      struct inbox_entry *ret)
{
	struct timespec at = {s->received_at / CLOCK_NS,
			      s->received_at % CLOCK_NS};
	struct stat st;
	int rc = inbox_blob_stat(inbox, s->blob, &st);

	if (rc)
		return rc == -ENOENT ? -EIO : rc;
	ret->part = INBOX_FILE;
	ret->id = s->number;
	ret->resource = s->resource;
	snprintf(ret->name, sizeof(ret->name), "%s", s->name);
	ret->st = (struct stat){
		.st_mode = S_IFREG | 0444,
		.st_nlink = 1,
		.st_uid = (uid_t)s->uid,
		.st_size = s->bytes,
		.st_blksize = st.st_blksize,
		.st_blocks = st.st_blocks,
		.st_atim = at,
		.st_mtim = at,
		.st_ctim = at,
	};
	return 0;
}

/* The name of a part in the archive. A fix file keeps the name that it has in
 * the inbox, so that it can be put there again. */
static void
name_part(const struct store_submission *s, enum inbox_part part,
	  struct inbox_entry *ret)
{
	if (part == INBOX_RECEIPT_TEXT)
		snprintf(ret->name, sizeof(ret->name), "receipt.txt");
	else if (part == INBOX_RECEIPT_JSON)
		snprintf(ret->name, sizeof(ret->name), "receipt.json");
	else
		snprintf(ret->name, sizeof(ret->name), "%.240s%s", s->name,
			 inbox_fix_suffix(s->fix_workbook));
}

static int
list_submission(struct inbox *inbox, const struct store_submission *s,
		int (*each)(void *ctx, const struct inbox_entry *e), void *ctx)
{
	static const enum inbox_part parts[] = {INBOX_FIX, INBOX_RECEIPT_JSON,
						INBOX_RECEIPT_TEXT};
	struct inbox_entry e;
	int rc = 0;

	if (s->blob) {
		rc = stat_original(inbox, s, &e);
		if (rc || each(ctx, &e))
			return rc;
	}
	if (strcmp(s->state, "judging") == 0 || !inbox_is_told(inbox, s))
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		rc = inbox_stat(inbox, parts[i], s->number, &e);
		if (rc == -ESTALE)
			continue; /* nothing to fix */
		if (rc)
			return rc;
		name_part(s, parts[i], &e);
		if (each(ctx, &e))
			break;
	}
	return 0;
}

int
inbox_archive_list(struct inbox *inbox, int64_t number,
		   int (*each)(void *ctx, const struct inbox_entry *e),
		   void *ctx)
{
	struct error err = ERROR_INIT;
	struct store_submission s = {0};
	int rc;

	{
		scope_reader reader = {0};

		rc = store_reader_get(inbox->store, &reader, &err);
		if (!rc)
			rc = store_submission_get(reader.db, number, &s, &err);
	}
	if (rc < 0)
		return inbox_errno(rc, &err);
	if (!rc)
		return -ENOENT;
	rc = list_submission(inbox, &s, each, ctx);
	store_submission_release(&s);
	return rc;
}

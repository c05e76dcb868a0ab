/* What has been kept long enough leaves (SPEC 3, keep_inbox, keep_archive). The
 * flow decides when; see inbox.h. */
#include "inbox/state.h"

#include "store/retain.h"

/* A failure of the functions that answer the kernel, as a code. */
static int
failed(const struct inbox_change *c, int rc, struct error *err)
{
	if (c->err.code) {
		if (err)
			*err = c->err;
		return c->err.code;
	}
	return error_errno(err, -rc, "inbox");
}

static bool
is_due(const struct store_inbox_file *f, int64_t before)
{
	return *f->key && f->submission && !f->handles && f->judged_at &&
	       f->judged_at < before && strcmp(f->state, "judging") != 0 &&
	       (strcmp(f->state, "quarantined") != 0 ||
		f->submission > STORE_TRIAL);
}

int
inbox_leave(struct inbox *inbox, int64_t id, int64_t before, struct error *err)
{
	scope_change c;
	struct store_inbox_file f;
	int rc = inbox_change_begin(inbox, &c);

	if (rc)
		return failed(&c, rc, err);
	/* it may have been opened, replaced or removed since it was found */
	rc = store_inbox_get(c.txn.db, id, &f, &c.err);
	if (rc < 0)
		return failed(&c, rc, err);
	if (!rc || !is_due(&f, before))
		return 0;
	rc = inbox_change_unlink(&c, &f);
	if (!rc)
		rc = inbox_change_commit(&c);
	return rc ? failed(&c, rc, err) : 1;
}

/* ---- the archive --------------------------------------------------------- */

/* 1 its file may go after the commit, 0 something else needs it. */
static int
drop(struct inbox *inbox, struct store_txn *txn, int64_t blob,
     int64_t *ret_bytes, struct error *err)
{
	struct stat st;
	int rc = blob ? store_blob_drop(txn, blob, err) : 0;

	if (rc > 0 && !inbox_blob_stat(inbox, blob, &st))
		*ret_bytes += st.st_size;
	return rc;
}

int
inbox_erase(struct inbox *inbox, int64_t number, int64_t *ret_bytes,
	    struct error *err)
{
	struct store_submission s = {0};
	scope_txn txn = {0};
	int original, fix = 0;
	int rc = store_begin(inbox->store, &txn, err);

	*ret_bytes = 0;
	if (!rc)
		rc = store_submission_get(txn.db, number, &s, err);
	if (rc <= 0)
		return rc;
	store_submission_release(&s);
	rc = store_submission_erase(&txn, number, err);
	if (rc)
		return rc;
	original = drop(inbox, &txn, s.blob, ret_bytes, err);
	if (original >= 0)
		fix = drop(inbox, &txn, s.fix_blob, ret_bytes, err);
	if (original < 0 || fix < 0)
		return original < 0 ? original : fix;
	inbox_quota_move(inbox->quota);
	rc = store_commit(&txn, err);
	if (!rc && s.blob)
		inbox_quota_keep(inbox->quota,
				 inbox_quota_of(inbox->quota, s.resource),
				 -s.bytes);
	if (!rc && original)
		inbox_blob_unlink(inbox, s.blob);
	if (!rc && fix)
		inbox_blob_unlink(inbox, s.fix_blob);
	inbox_quota_moved(inbox->quota);
	return rc;
}

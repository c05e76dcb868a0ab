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

/* ---- what never became a submission -------------------------------------- */

#define TEMPORARY_AT_ONCE 16 /* a transaction each */

/* The bytes of a file that is to go; -1 for others. Its name may be hidden from
 * those who list (a holding folder), so nobody would remove it. The time is the
 * one that people cannot set. */
static int64_t
left_over(struct inbox *inbox, const struct store_inbox_file *f, int64_t before)
{
	struct stat st;

	if (!*f->key || f->submission || f->handles ||
	    !inbox_is_temporary(f->name) ||
	    inbox_blob_stat(inbox, f->blob, &st) ||
	    st.st_ctim.tv_sec >= before / CLOCK_NS ||
	    !inbox_pass_is_over(inbox, f))
		return -1;
	return st.st_size;
}

struct temporary {
	struct inbox *inbox;
	int64_t before, after;
	int64_t ids[TEMPORARY_AT_ONCE];
	size_t n;
};

static int
note_temporary(void *ctx, const struct store_inbox_file *f)
{
	struct temporary *t = ctx;

	if (f->id <= t->after || left_over(t->inbox, f, t->before) < 0)
		return 0;
	t->ids[t->n++] = f->id;
	return t->n == TEMPORARY_AT_ONCE;
}

static int
leave_temporary(struct inbox *inbox, int64_t id, int64_t before,
		struct inbox_left *ret, struct error *err)
{
	scope_change c;
	struct store_inbox_file f;
	int64_t bytes = -1;
	int rc = inbox_change_begin(inbox, &c);

	if (rc)
		return failed(&c, rc, err);
	rc = store_inbox_get(c.txn.db, id, &f, &c.err);
	if (rc < 0)
		return failed(&c, rc, err);
	if (rc)
		bytes = left_over(inbox, &f, before);
	if (bytes < 0)
		return 0;
	rc = inbox_change_unlink(&c, &f);
	if (!rc)
		rc = inbox_change_commit(&c);
	if (rc)
		return failed(&c, rc, err);
	ret->files++;
	ret->bytes += bytes;
	return 0;
}

int
inbox_leave_temporary(struct inbox *inbox, int64_t before, int64_t *after,
		      struct inbox_left *ret, struct error *err)
{
	struct temporary t = {
		.inbox = inbox, .before = before, .after = *after};
	int more;

	{
		scope_reader reader = {0};

		more = store_reader_get(inbox->store, &reader, err);
		if (!more)
			more = store_inbox_each_unbound(
				reader.db, note_temporary, &t, err);
	}
	for (size_t i = 0; more >= 0 && i < t.n; i++) {
		int rc = leave_temporary(inbox, t.ids[i], before, ret, err);

		if (rc)
			return rc;
		*after = t.ids[i];
	}
	return more;
}

struct counting {
	struct inbox *inbox;
	int64_t before;
	struct inbox_left *ret;
};

static int
count_temporary(void *ctx, const struct store_inbox_file *f)
{
	const struct counting *c = ctx;
	int64_t bytes = left_over(c->inbox, f, c->before);

	if (bytes >= 0) {
		c->ret->files++;
		c->ret->bytes += bytes;
	}
	return 0;
}

int
inbox_count_temporary(struct inbox *inbox, int64_t before,
		      struct inbox_left *ret, struct error *err)
{
	struct counting c = {inbox, before, ret};
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, err);

	*ret = (struct inbox_left){0};
	return rc ? rc
		  : store_inbox_each_unbound(reader.db, count_temporary, &c,
					     err);
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

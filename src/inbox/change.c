/* Changes of uploads: one transaction each, with the answer to the request,
 * and what must follow on disk and in memory once it is committed. */
#include "inbox/state.h"

#include <errno.h>

int
inbox_change_begin(struct inbox *inbox, struct inbox_change *c)
{
	int rc;

	*c = (struct inbox_change){.inbox = inbox};
	rc = store_begin(inbox->store, &c->txn, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

int
inbox_change_begin_light(struct inbox *inbox, struct inbox_change *c)
{
	int rc;

	*c = (struct inbox_change){.inbox = inbox, .light = true};
	rc = store_begin_light(inbox->store, &c->txn, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

static struct inbox_drop
bytes_of(const struct inbox_change *c, const struct store_inbox_file *f)
{
	return (struct inbox_drop){
		.blob = f->blob,
		.bound = f->submission && !f->fix,
		.department = inbox_quota_of(c->inbox->quota, f->resource)};
}

/* The blob goes with the commit, unless a submission has it. */
static int
drop_blob(struct inbox_change *c, const struct inbox_drop *drop)
{
	int rc = store_blob_drop(&c->txn, drop->blob, &c->err);

	if (rc < 0)
		return inbox_errno(rc, &c->err);
	if (rc)
		c->drop[c->ndrop++] = *drop;
	return 0;
}

/* After the commit: the bytes go, and make room at once. */
static void
remove_bytes(struct inbox *inbox, const struct inbox_drop *drop)
{
	struct stat st;

	if (!drop->bound)
		inbox_quota_drop(inbox->quota, drop->blob);
	else if (inbox_blob_stat(inbox, drop->blob, &st) == 0)
		inbox_quota_keep(inbox->quota, drop->department, -st.st_size);
	inbox_blob_unlink(inbox, drop->blob);
}

static void
follow_commit(struct inbox_change *c)
{
	struct inbox *inbox = c->inbox;

	c->made = 0;
	if (c->rebound)
		inbox_live_rebind(inbox->live, c->rebound);
	for (size_t i = 0; i < c->ngone; i++)
		inbox_live_forget(inbox->live, c->gone[i]);
	c->ngone = 0;
	/* bytes must not go before it is certain that nobody has them; else
	 * the next start removes them */
	if (c->light && c->ndrop && store_sync(inbox->store, &c->err))
		return;
	for (size_t i = 0; i < c->ndrop; i++)
		remove_bytes(inbox, &c->drop[i]);
}

int
inbox_change_commit(struct inbox_change *c)
{
	struct inbox *inbox = c->inbox;
	int rc = c->left.blob ? drop_blob(c, &c->left) : 0;

	if (rc)
		return rc;
	inbox_quota_move(inbox->quota);
	rc = store_commit(&c->txn, &c->err);
	if (!rc)
		follow_commit(c);
	inbox_quota_moved(inbox->quota);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

void
inbox_change_end(struct inbox_change *c)
{
	/* Before the end of the transaction, after which another may get the
	 * same number. What a failed commit leaves is replaced by that one, or
	 * swept. */
	if (c->made && c->txn.store && !c->prepared)
		inbox_blob_unlink(c->inbox, c->made);
	store_rollback(&c->txn);
	if (c->made && c->prepared)
		inbox_blob_discard(c->inbox, c->made);
	for (size_t i = 0; i < c->ngone; i++)
		inbox_live_unretire(c->inbox->live, c->gone[i]);
}

int
inbox_change_make(struct inbox_change *c, int64_t *ret_id)
{
	scope_fd fd = -1;
	int rc = 0;

	*ret_id = inbox_pool_take(c->inbox);
	c->prepared = *ret_id != 0;
	if (!c->prepared)
		rc = inbox_blob_add(c->inbox, &c->txn, ret_id, &fd, &c->err);
	if (rc)
		return inbox_errno(rc, &c->err);
	c->made = *ret_id;
	return 0;
}

int
inbox_change_answered(struct inbox_change *c, const struct inbox_request *req,
		      int64_t *ret_node)
{
	int64_t result = 0;
	int rc;

	if (!req->resent)
		return 0;
	rc = store_done_get(c->txn.db, c->inbox->session, req->unique, &result,
			    ret_node, &c->err);
	return rc < 0 ? inbox_errno(rc, &c->err) : rc;
}

int
inbox_change_answer(struct inbox_change *c, const struct inbox_request *req,
		    int64_t node)
{
	int rc = store_done_add(&c->txn, c->inbox->session, req->unique, 0,
				node, &c->err);

	return rc ? inbox_errno(rc, &c->err) : 0;
}

/* The archive keeps what was judged. What was never whole is of no use once
 * the file is gone or written anew, and its room may be what is wanted. */
static int
give_up(struct inbox_change *c, const struct store_inbox_file *f)
{
	int rc = 0;

	if (f->submission)
		rc = store_submission_give_up(&c->txn, f->submission, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

static int
remove_file(struct inbox_change *c, const struct store_inbox_file *f)
{
	int rc = store_inbox_remove(&c->txn, f->id, &c->err);

	if (rc)
		return inbox_errno(rc, &c->err);
	rc = give_up(c, f);
	if (!rc) {
		const struct inbox_drop drop = bytes_of(c, f);

		rc = drop_blob(c, &drop);
	}
	return rc;
}

/* Whether it may be removed now; then it cannot be opened any more. */
static bool
retire(struct inbox_change *c, const struct store_inbox_file *f)
{
	if ((f->id <= c->inbox->inherited && !c->forgotten) || f->handles ||
	    c->ngone == INBOX_CHANGE_MAX || c->ndrop == INBOX_CHANGE_MAX ||
	    !inbox_live_retire(c->inbox->live, f->id))
		return false;
	c->gone[c->ngone++] = f->id;
	return true;
}

int
inbox_change_unlink(struct inbox_change *c, struct store_inbox_file *f)
{
	int rc = inbox_fix_unlink(c, f);

	if (rc)
		return rc;
	if (retire(c, f))
		return remove_file(c, f);
	f->key[0] = '\0';
	f->quiet_since = 0;
	rc = store_inbox_set(&c->txn, f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

int
inbox_change_reap(struct inbox_change *c, const struct store_inbox_file *f)
{
	return !*f->key && retire(c, f) ? remove_file(c, f) : 0;
}

int
inbox_change_unbind(struct inbox_change *c, struct store_inbox_file *f,
		    int64_t copy)
{
	int rc = inbox_was_note(c, f, copy);

	if (!rc)
		rc = give_up(c, f);
	if (!rc)
		rc = inbox_fix_unlink(c, f);
	if (!rc && !copy)
		rc = inbox_change_make(c, &copy);
	if (rc)
		return rc;
	c->left = bytes_of(c, f);
	f->blob = copy;
	f->submission = 0;
	f->fix = false;
	c->rebound = f->id;
	return 0;
}

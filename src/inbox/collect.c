/* Files that are complete become submissions (SPEC 6.1). */
#include "inbox/state.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#define BATCH 64		/* files bound in one transaction */
#define USER_MAX 256		/* bytes of a user's name */
#define RETRY_NS CLOCK_NS	/* after a descriptor or memory was missing */
#define BUSY_NS (CLOCK_NS / 20) /* while somebody has it mapped for writing */

/* A close() was answered, and the RELEASE that makes the file a candidate is
 * on its way: so long 'wait' waits for it. A descriptor that somebody else
 * keeps open must not hold 'wait' up for ever. */
#define RELEASE_NS (10 * CLOCK_NS)

static bool
has(const int64_t *ids, size_t n, int64_t id)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (ids[mid] == id)
			return true;
		if (ids[mid] < id)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

static bool
is_trial(const struct inbox *inbox, int64_t resource)
{
	return has(inbox->trials, inbox->nresources, resource);
}

static bool
is_registered(const struct inbox *inbox, int64_t resource)
{
	return has(inbox->resources, inbox->nresources, resource) ||
	       is_trial(inbox, resource);
}

/* Whether somebody will judge it once it is quiet for long enough. */
static bool
is_candidate(const struct inbox *inbox, const struct store_inbox_file *f)
{
	return f->quiet_since && !f->submission && !f->handles && *f->key &&
	       is_registered(inbox, f->resource) &&
	       !inbox_is_temporary(f->name);
}

/* When it has settled. A quiet time further in the future than that of a turned
 * file is of a clock that was set back since; then it has been quiet long
 * enough. */
static int64_t
settled_at(const struct inbox *inbox, const struct store_inbox_file *f,
	   int64_t now)
{
	int64_t at = f->quiet_since + inbox->settle;

	return f->quiet_since > now + inbox->settle + INBOX_TURN_NS ? now : at;
}

/* ---- who is due ---------------------------------------------------------- */

struct due {
	struct store_inbox_file file; /* as it was when it was found due */
	int64_t bytes;
	bool unsafe; /* the bytes could not be made durable */
	bool kept;   /* they are what they were before it was opened */
	bool skip;
	struct inbox_restored restored;
	char user[USER_MAX];
};

struct gathering {
	struct inbox *inbox;
	int64_t now, next;
	struct due *due; /* BATCH */
	size_t n;
};

static void
ask_again(struct gathering *g, int64_t at)
{
	if (!g->next || at < g->next)
		g->next = at;
}

static int
gather(void *ctx, const struct store_inbox_file *f)
{
	struct gathering *g = ctx;
	int64_t at;

	if (!is_candidate(g->inbox, f))
		return 0;
	at = settled_at(g->inbox, f, g->now);
	if (at > g->now) {
		ask_again(g, at);
		return 0;
	}
	g->due[g->n++] = (struct due){.file = *f};
	return g->n == BATCH;
}

/* ---- outside the transaction: what may take long ------------------------- */

static void
name_of_user(uid_t uid, char ret[static USER_MAX])
{
	char text[4096];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, text, sizeof(text), &found) == 0 && found)
		snprintf(ret, USER_MAX, "%s", pw.pw_name);
	else
		snprintf(ret, USER_MAX, "%lu", (unsigned long)uid);
}

/* Bytes written through a mapping came after the last FLUSH: they are made
 * durable here. What cannot be is no whole file. What was acknowledged is not
 * asked again: a disk that has become full or broken since would take it
 * back. */
static void
prepare(struct gathering *g, struct due *d)
{
	scope_live_fd *fd = NULL;
	struct stat st;
	int rc;

	if (!inbox_pass_is_over(g->inbox, &d->file)) {
		d->skip = true;
		ask_again(g, g->now + BUSY_NS);
		return;
	}
	d->kept = inbox_was_kept(g->inbox, &d->file);
	rc = inbox_fd(g->inbox, d->file.id, &fd);
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -ESTALE) {
		d->skip = true;
		ask_again(g, g->now + RETRY_NS);
		return;
	}
	if (!rc && fstat(fd->fd, &st))
		rc = -errno;
	if (!rc)
		d->bytes = st.st_size;
	if (!rc && st.st_size > 0 &&
	    !inbox_live_is_synced(g->inbox->live, d->file.id, &st))
		rc = inbox_sync(g->inbox, d->file.id, fd, false);
	d->unsafe = rc != 0;
	name_of_user(d->file.writer, d->user);
}

/* ---- binding ------------------------------------------------------------- */

/* Still as it was found: no write, rename or touch came in between. */
static bool
is_same(const struct store_inbox_file *a, const struct store_inbox_file *b)
{
	return a->blob == b->blob && a->quiet_since == b->quiet_since &&
	       a->fix == b->fix && a->submission == b->submission &&
	       a->handles == b->handles && strcmp(a->key, b->key) == 0;
}

static int
add_submission(struct store_txn *txn, const struct gathering *g, struct due *d,
	       struct error *err)
{
	struct store_submission s = {
		.resource = d->file.resource,
		.name = d->file.name,
		.blob = d->file.blob,
		.bytes = d->bytes,
		.uid = d->file.writer,
		.submitted_by = d->user,
		.killed = d->file.killed || d->unsafe,
	};
	int rc = is_trial(g->inbox, s.resource)
			 ? store_trial_add(txn, &s, g->now, err)
			 : store_submission_add(txn, &s, g->now, err);

	if (!rc)
		d->file.submission = s.number;
	return rc;
}

/* What has come whole becomes a submission, or a round of one. */
static int
add(struct store_txn *txn, struct gathering *g, struct due *d,
    struct error *err)
{
	enum inbox_fate fate = INBOX_FATE_SUBMISSION;
	int rc = 0;

	if (!d->file.killed && !d->unsafe)
		rc = inbox_fix_bind(txn, &d->file, d->bytes, d->user, g->now,
				    &fate, err);
	d->skip = fate == INBOX_FATE_LATER;
	if (rc || fate != INBOX_FATE_SUBMISSION)
		return rc;
	return add_submission(txn, g, d, err);
}

static void
put_off(struct gathering *g, struct due *d)
{
	ask_again(g, g->now + g->inbox->settle);
	d->skip = true;
}

/* A file of no bytes is no candidate any more until somebody writes. */
static int
bind_one(struct store_txn *txn, struct gathering *g, struct due *d,
	 struct error *err)
{
	struct store_inbox_file f;
	int rc = store_inbox_get(txn->db, d->file.id, &f, err);

	if (rc < 0)
		return rc;
	if (!rc || !is_same(&f, &d->file)) {
		put_off(g, d);
		return 0;
	}
	d->file = f;
	if (d->kept)
		rc = inbox_was_restore(txn, &d->file, &d->restored, err);
	if (d->kept && rc)
		return rc < 0 ? rc : 0;
	d->kept = false;
	d->file.quiet_since = 0;
	d->file.was = (struct store_inbox_was){0};
	rc = 0;
	if (d->bytes > 0 || d->unsafe)
		rc = add(txn, g, d, err);
	if (d->skip)
		put_off(g, d);
	return rc || d->skip ? rc : store_inbox_set(txn, &d->file, err);
}

/* It is what it was. */
static void
follow_restoring(struct inbox *inbox, const struct due *d)
{
	int64_t copy = d->restored.blob;

	inbox_live_rebind(inbox->live, d->file.id);
	if (copy) {
		inbox_quota_drop(inbox->quota, copy);
		inbox_blob_unlink(inbox, copy);
	}
}

/* Its bytes are the submission's now: opened for reading only. */
static void
follow_binding(struct inbox *inbox, const struct due *d)
{
	inbox_live_rebind(inbox->live, d->file.id);
	inbox_quota_drop(inbox->quota, d->file.blob);
	if (d->file.fix)
		return; /* its bytes are kept until they are judged */
	inbox_quota_keep(inbox->quota,
			 inbox_quota_of(inbox->quota, d->file.resource),
			 d->bytes);
}

static int
bind_all(struct gathering *g, int *bound, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(g->inbox->store, &txn, err);

	for (size_t i = 0; !rc && i < g->n; i++) {
		if (!g->due[i].skip)
			rc = bind_one(&txn, g, &g->due[i], err);
	}
	if (!rc)
		rc = store_commit(&txn, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < g->n; i++) {
		const struct due *d = &g->due[i];

		if (d->kept)
			follow_restoring(g->inbox, d);
		if (d->kept || d->skip || !d->file.submission)
			continue;
		follow_binding(g->inbox, d);
		++*bound;
	}
	return 0;
}

static int
bind_batch(struct gathering *g, int *bound, struct error *err)
{
	int rc;

	for (size_t i = 0; i < g->n; i++)
		prepare(g, &g->due[i]);
	inbox_quota_move(g->inbox->quota);
	rc = bind_all(g, bound, err);
	inbox_quota_moved(g->inbox->quota);
	for (size_t i = 0; !rc && i < g->n; i++) {
		if (g->due[i].kept && g->due[i].restored.gone)
			(void)!inbox_reap(g->inbox, g->due[i].file.id, false);
	}
	return rc;
}

/* Whether a full batch may have left others, and was not all put off. */
static bool
has_more(const struct gathering *g)
{
	if (g->n < BATCH)
		return false;
	for (size_t i = 0; i < g->n; i++) {
		if (!g->due[i].skip)
			return true;
	}
	return false;
}

static int
find_due(struct gathering *g, struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(g->inbox->store, &reader, err);

	g->n = 0;
	g->next = 0;
	if (!rc)
		rc = store_inbox_each_pending(reader.db, gather, g, err);
	return rc < 0 ? rc : 0;
}

int
inbox_collect(struct inbox *inbox, int64_t now, int *ret_bound,
	      int64_t *ret_next, struct error *err)
{
	scope_free struct due *due = malloc(BATCH * sizeof(*due));
	struct gathering g = {.inbox = inbox, .now = now, .due = due};
	int bound = atomic_exchange(&inbox->bound, 0);
	int rc;

	if (!due)
		return error_nomem(err);
	/* whoever commits from now on may not be seen */
	atomic_store(&inbox->next, 0);
	if (inbox_room(inbox) == 0)
		store_spare_keep(inbox->store);
	rc = inbox_release_late(inbox);
	if (rc)
		return error_errno(err, -rc,
				   "cannot note that files were closed");
	do {
		rc = find_due(&g, err);
		if (!rc && g.n)
			rc = bind_batch(&g, &bound, err);
		if (rc)
			return error_prefix(err, rc, "collecting the inboxes");
	} while (has_more(&g));
	*ret_bound = bound;
	*ret_next = g.next;
	atomic_store(&inbox->next, g.next);
	return 0;
}

/* ---- what a close() completes -------------------------------------------- */

static bool
is_whole(const struct inbox *inbox, const struct store_inbox_file *f,
	 int64_t bytes, int64_t limit)
{
	return *f->key && f->handles == 1 && !f->killed && bytes > 0 &&
	       bytes <= limit && is_registered(inbox, f->resource) &&
	       !inbox_is_temporary(f->name);
}

/* Then it will be what it was, once its writer has gone. */
static bool
is_only_looked_at(struct inbox *inbox, const struct store_inbox_file *f)
{
	struct store_inbox_file closed = *f;

	closed.handles = 0;
	return inbox_was_kept(inbox, &closed);
}

static int
bind_now(struct inbox *inbox, struct due *d, struct error *err)
{
	struct gathering g = {
		.inbox = inbox, .now = clock_now(), .due = d, .n = 1};
	int bound = 0;
	int rc;

	inbox_quota_move(inbox->quota);
	rc = bind_all(&g, &bound, err);
	inbox_quota_moved(inbox->quota);
	atomic_fetch_add(&inbox->bound, bound);
	return rc;
}

int
inbox_complete(struct inbox *inbox, int64_t id, int64_t limit, int64_t *ret)
{
	struct error err = ERROR_INIT;
	struct due d = {0};
	struct stat st;
	int rc = inbox_row(inbox, id, &d.file);

	*ret = 0;
	if (!rc && d.file.submission) {
		*ret = d.file.submission;
		return 0;
	}
	if (!rc)
		rc = inbox_blob_stat(inbox, d.file.blob, &st);
	if (rc || !is_whole(inbox, &d.file, st.st_size, limit) ||
	    is_only_looked_at(inbox, &d.file))
		return rc;
	d.bytes = st.st_size;
	name_of_user(d.file.writer, d.user);
	rc = bind_now(inbox, &d, &err);
	if (rc)
		return inbox_errno(rc, &err);
	if (!d.skip)
		*ret = d.file.submission;
	inbox_changed(inbox);
	return 0;
}

/* ---- what is about to be bound ------------------------------------------- */

struct settling {
	struct inbox *inbox;
	int64_t now, bytes;
	struct inbox_settling *ret;
};

static int
note_settling(void *ctx, const struct store_inbox_file *f)
{
	const struct settling *s = ctx;
	struct stat st;

	if (f->killed || !is_candidate(s->inbox, f) || inbox_is_fix(f->name) ||
	    inbox_was_untouched(s->inbox, f) ||
	    settled_at(s->inbox, f, s->now) <= s->now ||
	    inbox_blob_stat(s->inbox, f->blob, &st) || st.st_size < s->bytes ||
	    !inbox_pass_is_over(s->inbox, f))
		return 0;
	*s->ret = (struct inbox_settling){f->blob, f->resource, st.st_size};
	return 1;
}

int
inbox_settling(struct inbox *inbox, int64_t now, int64_t bytes,
	       struct inbox_settling *ret, struct error *err)
{
	struct settling s = {inbox, now, bytes, ret};
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, err);

	return rc ? rc
		  : store_inbox_each_pending(reader.db, note_settling, &s, err);
}

/* ---- what 'wait' waits for ----------------------------------------------- */

struct waiting {
	struct inbox *inbox;
	struct sql *db;
	struct error *err;
	int64_t now, n;
};

/* Whether each of its writers has closed it a moment ago. */
static int
is_closing(const struct waiting *w, const struct store_inbox_file *f)
{
	int64_t all = 0, closed = 0;
	int rc = store_handle_count(w->db, f->id, w->now - RELEASE_NS, &all,
				    &closed, w->err);

	return rc ? rc : all && all == closed;
}

static int
count_waiting(void *ctx, const struct store_inbox_file *f)
{
	struct waiting *w = ctx;
	struct stat st;
	int rc;

	if (f->killed || f->submission || inbox_is_temporary(f->name) ||
	    !is_registered(w->inbox, f->resource))
		return 0;
	rc = f->handles ? is_closing(w, f)
			: f->quiet_since && f->quiet_since <= w->now;
	if (rc <= 0)
		return rc;
	if (inbox_blob_stat(w->inbox, f->blob, &st) == 0 && st.st_size > 0)
		w->n++;
	return 0;
}

int
inbox_waiting(struct inbox *inbox, int64_t *ret, struct error *err)
{
	struct waiting w = {.inbox = inbox, .err = err, .now = clock_now()};
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, err);

	if (rc)
		return rc;
	w.db = reader.db;
	rc = store_inbox_each_pending(reader.db, count_waiting, &w, err);
	if (rc)
		return rc;
	*ret = w.n;
	return 0;
}

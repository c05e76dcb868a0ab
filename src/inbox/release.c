/*
 * A writer closes: FLUSH, which answers close() and makes the bytes durable,
 * and RELEASE, which comes once nobody has the file open through that handle
 * any more and whose errors reach nobody (DESIGN 3).
 */
#include "inbox/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define PF_SIGNALED 0x400 /* the kernel's include/linux/sched.h */

/* Whether the process is ending by a signal: a killed writer sends the same
 * requests as a finished one, but its flags say so (proc(5), stat, field 9).
 * What cannot be asked (a kernel thread, a process of another namespace)
 * counts as alive. */
static bool
is_killed(pid_t pid)
{
	char path[32], text[512];
	const char *p;
	unsigned flags = 0;
	ssize_t n;
	scope_fd fd = -1;

	if (pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name in brackets may hold anything, brackets too. */
	p = strrchr(text, ')');
	return p && sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       (flags & PF_SIGNALED);
}

/* ---- flush --------------------------------------------------------------- */

static int
handle_of(struct inbox *inbox, uint64_t fh, struct store_handle *ret)
{
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int rc = store_reader_get(inbox->store, &reader, &err);

	if (!rc)
		rc = store_handle_get(reader.db, inbox->session, fh, ret, &err);
	return rc < 0 ? inbox_errno(rc, &err) : rc;
}

/* Commits that this handle was closed, and whether the bytes are whole. */
static int
record_close(struct inbox *inbox, int64_t id, uint64_t fh, bool broken)
{
	scope_change c;
	struct store_inbox_file f;
	bool found = false;
	int rc = inbox_change_begin(inbox, &c);

	if (rc)
		return rc;
	rc = store_handle_closed(&c.txn, inbox->session, fh, clock_now(), NULL,
				 &c.err);
	if (!rc && broken) {
		rc = store_inbox_get(c.txn.db, id, &f, &c.err);
		found = rc > 0;
	}
	if (found && !f.submission) {
		f.killed = true;
		inbox_live_restart(inbox->live, id);
		rc = store_inbox_set(&c.txn, &f, &c.err);
	}
	return rc < 0 ? inbox_errno(rc, &c.err) : inbox_change_commit(&c);
}

/* Commits the same before the bytes are durable: what they are is part of it.
 */
static int
record_early(struct inbox *inbox, uint64_t fh,
	     const unsigned char content[static DIGEST_SIZE])
{
	scope_change c;
	int rc = inbox_change_begin_light(inbox, &c);

	if (rc)
		return rc;
	rc = store_handle_closed(&c.txn, inbox->session, fh, clock_now(),
				 content, &c.err);
	return rc ? inbox_errno(rc, &c.err) : inbox_change_commit(&c);
}

/* Both that a file is closed and its bytes must be durable before the answer.
 * Of a small one the disk is asked for both at once; dies the machine between
 * them, the bytes are not what was noted (inbox.c). 1 done, 0 not so. */
static int
sync_both(struct inbox *inbox, int64_t id, uint64_t fh,
	  struct inbox_live_fd *fd)
{
	unsigned char content[DIGEST_SIZE];
	struct inbox_syncing s;
	int code, rc;

	if (inbox_blob_content(fd->fd, content) <= 0)
		return 0;
	rc = record_early(inbox, fh, content);
	if (rc)
		return rc;
	inbox_log_ask(inbox->log, &s);
	rc = inbox_sync(inbox, id, fd, false);
	code = inbox_log_wait(inbox->log, &s);
	rc = rc ? rc : code;
	return rc ? rc : 1;
}

int
inbox_flush(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	    uint64_t fh)
{
	scope_live_fd *fd = NULL;
	struct store_handle h = {0};
	bool broken, known;
	int rc = handle_of(inbox, fh, &h);

	if (rc <= 0)
		return rc; /* no writer */
	broken = is_killed(req->pid);
	rc = inbox_fd(inbox, id, &fd);
	if (rc)
		return rc;
	known = inbox_live_closing(inbox->live, id) && h.closed_at;
	inbox_pass_look(inbox, id);
	if (!known && !broken && !inbox_live_loss(inbox->live, id))
		rc = sync_both(inbox, id, fh, fd);
	if (rc > 0)
		known = true;
	else if (!rc)
		rc = inbox_sync(inbox, id, fd, false);
	/* A write that failed is not made good by closing. */
	if (rc >= 0)
		rc = -inbox_live_loss(inbox->live, id);
	if (rc)
		broken = true;
	if (broken || !known) {
		int code = record_close(inbox, id, fh, broken);

		rc = rc ? rc : code;
	}
	return rc;
}

/* ---- release ------------------------------------------------------------- */

/* Whether a later writer wrote all of a file whose earlier writer died. */
static bool
is_rewritten(struct inbox *inbox, const struct store_inbox_file *f)
{
	struct stat st;

	return inbox_blob_stat(inbox, f->blob, &st) == 0 && st.st_size > 0 &&
	       inbox_live_rewritten(inbox->live, f->id) >= st.st_size;
}

/* The last writer has gone. */
static int
fall_quiet(struct inbox_change *c, struct store_inbox_file *f, bool broken)
{
	int rc;

	if (broken)
		f->killed = true;
	else if (f->killed && is_rewritten(c->inbox, f))
		f->killed = false;
	inbox_fall_quiet(f, clock_now());
	rc = store_inbox_set_quiet(&c->txn, f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

/* Others still write: they may make it good. */
static int
note_loss(struct inbox_change *c, struct store_inbox_file *f)
{
	int rc;

	f->killed = true;
	inbox_live_restart(c->inbox->live, f->id);
	rc = store_inbox_set(&c->txn, f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

/* Takes back a handle of a writer. 'broken': bytes were lost. *ret_blob is what
 * the file has then; 0 when it was taken back before. */
static int
end_handle(struct inbox *inbox, int64_t id, uint64_t fh, bool broken,
	   int64_t *ret_blob)
{
	scope_change c;
	struct store_inbox_file f;
	int rc = inbox_change_begin_light(inbox, &c);

	*ret_blob = 0;
	if (rc)
		return rc;
	rc = store_handle_remove(&c.txn, inbox->session, fh, &c.err);
	if (rc > 0)
		rc = store_inbox_get(c.txn.db, id, &f, &c.err);
	if (rc < 0)
		return inbox_errno(rc, &c.err);
	if (!rc)
		return 0; /* done before */
	*ret_blob = f.blob;
	if (!*f.key)
		rc = inbox_change_reap(&c, &f);
	else if (f.submission)
		rc = 0; /* it is a submission since its close() */
	else if (!f.handles)
		rc = fall_quiet(&c, &f, broken);
	else
		rc = broken ? note_loss(&c, &f) : 0;
	return rc ? rc : inbox_change_commit(&c);
}

/* Removes a file that was unlinked while it was open, after its last reader. */
int
inbox_reap(struct inbox *inbox, int64_t id, bool forgotten)
{
	scope_change c;
	struct store_inbox_file f;
	int rc = inbox_change_begin_light(inbox, &c);

	if (rc)
		return rc;
	c.forgotten = forgotten;
	rc = store_inbox_get(c.txn.db, id, &f, &c.err);
	if (rc <= 0)
		return rc ? inbox_errno(rc, &c.err) : 0;
	rc = inbox_change_reap(&c, &f);
	return rc ? rc : inbox_change_commit(&c);
}

/* Keeps a RELEASE for later: nobody sends it again. */
static void
put_off(struct inbox *inbox, int64_t id, uint64_t fh, bool broken)
{
	struct inbox_late *late = malloc(sizeof(*late));

	if (!late)
		return; /* the file stays open until the mount ends */
	*late = (struct inbox_late){.file = id, .fh = fh, .broken = broken};
	pthread_mutex_lock(&inbox->lock);
	late->next = inbox->late;
	inbox->late = late;
	pthread_mutex_unlock(&inbox->lock);
}

void
inbox_release_forgive(struct inbox *inbox, int64_t file)
{
	pthread_mutex_lock(&inbox->lock);
	for (struct inbox_late *l = inbox->late; l; l = l->next) {
		if (l->file == file)
			l->broken = false;
	}
	pthread_mutex_unlock(&inbox->lock);
}

int
inbox_release_late(struct inbox *inbox)
{
	for (;;) {
		struct inbox_late *late;
		int64_t blob;
		int rc;

		pthread_mutex_lock(&inbox->lock);
		late = inbox->late;
		if (late)
			inbox->late = late->next;
		pthread_mutex_unlock(&inbox->lock);
		if (!late)
			return 0;
		rc = end_handle(inbox, late->file, late->fh, late->broken,
				&blob);
		if (rc) {
			pthread_mutex_lock(&inbox->lock);
			late->next = inbox->late;
			inbox->late = late;
			pthread_mutex_unlock(&inbox->lock);
			return rc;
		}
		free(late);
	}
}

int
inbox_release(struct inbox *inbox, const struct inbox_request *req, int64_t id,
	      uint64_t fh)
{
	bool broken = inbox_live_loss(inbox->live, id) != 0;
	struct store_inbox_file f;
	struct store_handle h = {0};
	struct stat st;
	int64_t blob = 0;
	int rc;

	(void)req; /* a RELEASE has no sender */
	if (!fh)
		return 0; /* a receipt's */
	inbox_live_close(inbox->live, id);
	rc = handle_of(inbox, fh, &h);
	if (rc == 0) {
		rc = inbox_row(inbox, id, &f);
		return !rc && !*f.key ? inbox_reap(inbox, id, false) : 0;
	}
	if (rc > 0)
		rc = end_handle(inbox, id, fh, broken, &blob);
	if (rc)
		put_off(inbox, id, fh, broken);
	if (rc || !blob || inbox_blob_stat(inbox, blob, &st))
		inbox_changed(inbox);
	else
		inbox_changed_later(inbox, st.st_size);
	return rc;
}

/* An earlier worker's readers are not known; but the kernel drops an unlinked
 * inode with its last one, and its FORGET says so. */
void
inbox_forgotten(struct inbox *inbox, int64_t id)
{
	struct store_inbox_file f;

	if (id <= inbox->inherited && !inbox_row(inbox, id, &f) && !*f.key)
		(void)!inbox_reap(inbox, id, true);
}

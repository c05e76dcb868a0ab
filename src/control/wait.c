/*
 * wait: until everything has its verdict, or one submission has. The client's
 * own thread looks whenever the flow says that something has changed; it ends
 * with its client. See call.h.
 */
#include "control/call.h"

#include "base/clock.h"
#include "base/scope.h"

#include <errno.h>
#include <sys/eventfd.h>

/* What the flow does not tell of, a file that is given up for example, is
 * seen as late as this. */
#define LOOK_MS 1000
#define PROGRESS_MIN_MS 20

/* What is waited for, and what was seen last. */
struct wait {
	struct control_call *call;
	int64_t deadline; /* clock_monotonic(), 0 none */
	struct flow_watch watch;
	int64_t progress_ms;   /* how often to tell; 0 never */
	int64_t next_progress; /* clock_monotonic() */
	/* one submission, by its id or by its file */
	const char *id;
	const struct flow_resource *resource; /* NULL: by id */
	char file[256];
	/* what was seen last */
	char submission[STORE_SUBMISSION_ID_MAX];
	char state[16];
};

/* ---- one look ------------------------------------------------------------ */

static int
see(struct wait *w, const struct store_submission *s)
{
	/* a release that was asked for, or another judgement, is a verdict to
	 * come; what a verdict says is erased or published is to be so for
	 * everybody */
	bool later = s->released || s->again || s->withdrawing || s->erasing ||
		     !inbox_is_told(w->call->context->inbox, s);

	snprintf(w->submission, sizeof(w->submission), "%s", s->id);
	snprintf(w->state, sizeof(w->state), "%s",
		 later ? "judging" : s->state);
	return CONTROL_DONE;
}

static int
look_at_id(struct wait *w)
{
	struct store_submission s;
	int rc = control_find_submission(w->call, w->id, &s);

	if (rc)
		return rc;
	see(w, &s);
	store_submission_release(&s);
	return CONTROL_DONE;
}

/* user.civicfs.NAME of the file as text; false when it has none. */
static bool
attribute(struct wait *w, int64_t file, const char *name, char *ret,
	  size_t size)
{
	ssize_t n = inbox_getxattr(w->call->context->inbox, INBOX_FILE, file,
				   name, ret, size - 1);

	if (n > 0)
		ret[n] = '\0';
	return n > 0;
}

struct newest {
	struct wait *wait;
	char name[256];
	bool found;
};

static int
see_if_named(void *ctx, const struct store_submission *s)
{
	struct newest *newest = ctx;

	if (newest->found || strcmp(s->name, newest->name) != 0)
		return 0;
	newest->found = true;
	return see(newest->wait, s);
}

/* The file is not there, any more perhaps: the newest submission of its name
 * counts. */
static int
look_at_past(struct wait *w)
{
	struct newest newest = {.wait = w};
	scope_reader reader = {0};
	size_t n = inbox_fix_base(w->file);
	int rc = store_reader_get(w->call->context->store, &reader,
				  &w->call->err);

	/* a fix file goes once all its rows are good */
	snprintf(newest.name, sizeof(newest.name), "%.*s",
		 (int)(n ? n : strlen(w->file)), w->file);
	if (!rc)
		rc = store_submission_each(reader.db, w->resource->id, NULL, 0,
					   see_if_named, &newest,
					   &w->call->err);
	if (rc)
		return rc;
	if (newest.found)
		return CONTROL_DONE;
	return control_refuse(w->call, CONTROL_NO,
			      "there is no file '%s' in the inbox of '%s', and "
			      "there was none",
			      w->file, w->resource->resource->name);
}

static int
look_at_file(struct wait *w)
{
	struct inbox_entry entry;
	int rc = inbox_lookup(w->call->context->inbox, w->resource->id, w->file,
			      &entry);

	if (rc == -ENOENT)
		return look_at_past(w);
	if (rc)
		return error_errno(&w->call->err, -rc, "'%s'", w->file);
	if (entry.part != INBOX_FILE)
		return control_refuse(w->call, CONTROL_NO,
				      "'%s' is a receipt: name the file it "
				      "belongs to",
				      w->file);
	if (!attribute(w, entry.id, "user.civicfs.status", w->state,
		       sizeof(w->state)))
		snprintf(w->state, sizeof(w->state), "receiving");
	if (strcmp(w->state, "receiving") == 0 ||
	    !attribute(w, entry.id, "user.civicfs.submission", w->submission,
		       sizeof(w->submission)))
		return CONTROL_DONE;
	/* by its id: a release may have been asked for */
	w->id = w->submission;
	rc = look_at_id(w);
	w->id = NULL;
	return rc;
}

/* ---- again and again ----------------------------------------------------- */

/* Until an instant, rounded up, and at most 'most'. */
static int64_t
ms_until(int64_t instant, int64_t most)
{
	int64_t ms = (instant - clock_monotonic() + 999999) / 1000000;

	return ms < most ? ms : most;
}

static int
tell_progress(struct wait *w)
{
	if (!w->progress_ms || ms_until(w->next_progress, 1) > 0)
		return 0;
	w->next_progress = clock_monotonic() + w->progress_ms * 1000000;
	return control_progress_line(w->call);
}

/* Until there is something to look at. 0 to look again; a refusal or a code
 * ends the wait. */
static int
pause_until_change(struct wait *w, const char *what)
{
	int64_t ms = LOOK_MS;
	uint64_t changes;
	int rc;

	if (w->deadline)
		ms = ms_until(w->deadline, ms);
	if (ms <= 0)
		return control_refuse(w->call, CONTROL_NO,
				      "the time is over: %s; 'civicfs status' "
				      "shows what is under way",
				      what);
	rc = tell_progress(w);
	if (rc)
		return rc;
	if (w->progress_ms)
		ms = ms_until(w->next_progress, ms);
	rc = control_sleep(w->call, w->watch.fd, ms > 0 ? (int)ms : 0);
	(void)!read(w->watch.fd, &changes, sizeof(changes));
	return rc;
}

static int
wait_for_all(struct wait *w)
{
	for (;;) {
		bool settled = false;
		int rc = flow_is_settled(w->call->context->flow, &settled,
					 &w->call->err);

		if (!rc && settled)
			return CONTROL_DONE;
		if (!rc)
			rc = pause_until_change(w, "not every submission has "
						   "its verdict");
		if (rc)
			return rc;
	}
}

static bool
has_verdict(const struct wait *w)
{
	return strcmp(w->state, "receiving") != 0 &&
	       strcmp(w->state, "judging") != 0;
}

static int
wait_for_one(struct wait *w)
{
	do {
		int rc = w->resource ? look_at_file(w) : look_at_id(w);

		if (!rc && !has_verdict(w))
			rc = pause_until_change(w, "there is no verdict yet");
		if (rc)
			return rc;
	} while (!has_verdict(w));
	return CONTROL_DONE;
}

static int
say_verdict(struct wait *w)
{
	struct jsonout *j = control_item(w->call);
	int rc;

	control_member(j, "submission", *w->submission ? w->submission : NULL);
	jsonout_pair(j, "state", w->state);
	rc = control_item_end(w->call);
	if (rc)
		return rc;
	if (strcmp(w->state, "accepted") == 0 ||
	    strcmp(w->state, "unchanged") == 0)
		return CONTROL_DONE;
	if (!*w->submission)
		return control_refuse(w->call, CONTROL_NO,
				      "'%s' is %s: copy it again, whole",
				      w->file, w->state);
	return control_refuse(w->call, CONTROL_NO,
			      "submission %s is %s: 'civicfs receipt %s' says "
			      "why",
			      w->submission, w->state, w->submission);
}

/* ---- what is meant ------------------------------------------------------- */

/* The last 'n' bytes before *end up to a '/', which *end is moved to. */
static struct slice
last_part(const char *path, const char **end)
{
	const char *p = *end;
	struct slice part;

	while (p > path && p[-1] != '/')
		p--;
	part = (struct slice){p, (size_t)(*end - p)};
	*end = p > path ? p - 1 : p;
	return part;
}

static int
no_path(struct wait *w, const char *path)
{
	return control_refuse(w->call, CONTROL_USAGE,
			      "'%s' is no submission and no file of an inbox: "
			      "give an id such as 20260301-000001, or "
			      "'%s/inbox/DEPARTMENT/RESOURCE/FILE'",
			      path, w->call->context->mountpoint);
}

/* PATH: below the mount point, or from its root; the name of the folder
 * inbox/ depends on the language of the tree, the parts after it do not. */
static int
take_path(struct wait *w, const char *path)
{
	const char *end = path + strlen(path);
	const char *root = w->call->context->mountpoint;
	size_t n = strlen(root);
	struct slice file = last_part(path, &end);
	struct slice resource = last_part(path, &end);
	struct slice department = last_part(path, &end);
	scope_buf name = BUF_INIT;
	int rc;

	if (*path == '/' && (strncmp(path, root, n) != 0 || path[n] != '/'))
		return no_path(w, path);
	if (!file.n || !resource.n || !department.n ||
	    file.n >= sizeof(w->file))
		return no_path(w, path);
	memcpy(w->file, file.p, file.n);
	if (buf_addslice(&name, department) || buf_addc(&name, '/') ||
	    buf_addslice(&name, resource) || !buf_str(&name))
		return error_nomem(&w->call->err);
	rc = control_find_resource(w->call, name.data, &w->resource);
	if (!rc)
		rc = control_permit_department(
			w->call, w->resource->resource->department);
	if (!rc && inbox_is_temporary(w->file))
		return control_refuse(w->call, CONTROL_NO,
				      "'%s' is the name of a file that is "
				      "still being made, so it is never "
				      "judged: rename it",
				      w->file);
	return rc;
}

/* An option of milliseconds; *ret is left alone when it was not given. */
static int
take_ms(struct wait *w, const char *name, int64_t *ret)
{
	const char *text = control_request_option(w->call->request, name);

	if (!text)
		return CONTROL_DONE;
	if (!control_number(text, ret) || *ret > INT64_MAX / 4 / 1000000)
		return control_refuse(w->call, CONTROL_USAGE,
				      "%s '%s': give a number", name, text);
	return CONTROL_DONE;
}

static int
take_question(struct wait *w)
{
	const struct control_request *r = w->call->request;
	int64_t timeout = -1;
	int rc = take_ms(w, "timeout_ms", &timeout);

	if (!rc)
		rc = take_ms(w, "progress_ms", &w->progress_ms);
	if (rc)
		return rc;
	if (timeout >= 0)
		w->deadline = clock_monotonic() + timeout * 1000000;
	if (w->progress_ms && w->progress_ms < PROGRESS_MIN_MS)
		w->progress_ms = PROGRESS_MIN_MS;
	if (!r->nargs)
		return CONTROL_DONE;
	if (!control_is_submission_id(r->args[0]))
		return take_path(w, r->args[0]);
	w->id = r->args[0];
	return CONTROL_DONE;
}

static int
wait_watching(struct wait *w)
{
	int rc;

	if (!w->call->request->nargs)
		return wait_for_all(w);
	rc = wait_for_one(w);
	return rc ? rc : say_verdict(w);
}

int
control_verb_wait(struct control_call *call)
{
	struct wait w = {.call = call};
	scope_fd fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = take_question(&w);

	if (rc)
		return rc;
	if (fd < 0)
		return error_errno(&call->err, errno, "eventfd");
	w.watch.fd = fd;
	flow_watch(call->context->flow, &w.watch);
	rc = wait_watching(&w);
	flow_unwatch(call->context->flow, &w.watch);
	return rc;
}

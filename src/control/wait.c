/*
 * wait: until everything has its verdict, or one submission has. The client's
 * own thread looks again and again, a little slower each time; it ends with
 * its client. See call.h.
 */
#include "control/call.h"

#include "base/clock.h"
#include "base/scope.h"

#include <errno.h>

#define FIRST_LOOK_MS 2
#define SLOWEST_LOOK_MS 100

/* What is waited for, and what was seen last. */
struct wait {
	struct control_call *call;
	int64_t deadline; /* clock_monotonic(), 0 none */
	int pause_ms;
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
	snprintf(w->submission, sizeof(w->submission), "%s", s->id);
	/* a release that was asked for is a verdict to come */
	snprintf(w->state, sizeof(w->state), "%s",
		 s->released ? "judging" : s->state);
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
	bool found;
};

static int
see_if_named(void *ctx, const struct store_submission *s)
{
	struct newest *newest = ctx;

	if (newest->found || strcmp(s->name, newest->wait->file) != 0)
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
	int rc = store_reader_get(w->call->context->store, &reader,
				  &w->call->err);

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
				      "'%s' is a receipt or fix file: name the "
				      "file it belongs to",
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

/* 0 to look again; a refusal or a code ends the wait. */
static int
pause_a_little(struct wait *w, const char *what)
{
	int64_t left = SLOWEST_LOOK_MS;
	int rc;

	if (w->deadline)
		left = (w->deadline - clock_monotonic() + 999999) / 1000000;
	if (left <= 0)
		return control_refuse(w->call, CONTROL_NO,
				      "the time is over: %s; 'civicfs status' "
				      "shows what is under way",
				      what);
	rc = control_sleep(w->call,
			   left < w->pause_ms ? (int)left : w->pause_ms);
	w->pause_ms *= 2;
	if (w->pause_ms > SLOWEST_LOOK_MS)
		w->pause_ms = SLOWEST_LOOK_MS;
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
			rc = pause_a_little(w, "not every submission has its "
					       "verdict");
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
			rc = pause_a_little(w, "there is no verdict yet");
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
	if (!rc && inbox_is_temporary(w->file))
		return control_refuse(w->call, CONTROL_NO,
				      "'%s' is the name of a file that is "
				      "still being made, so it is never "
				      "judged: rename it",
				      w->file);
	return rc;
}

static int
take_question(struct wait *w)
{
	const struct control_request *r = w->call->request;
	const char *timeout = control_request_option(r, "timeout_ms");
	int64_t ms = 0;

	if (timeout &&
	    (!control_number(timeout, &ms) || ms > INT64_MAX / 4 / 1000000))
		return control_refuse(w->call, CONTROL_USAGE,
				      "timeout_ms '%s': give a number",
				      timeout);
	if (timeout)
		w->deadline = clock_monotonic() + ms * 1000000;
	if (!r->nargs)
		return CONTROL_DONE;
	if (!control_is_submission_id(r->args[0]))
		return take_path(w, r->args[0]);
	w->id = r->args[0];
	return CONTROL_DONE;
}

int
control_verb_wait(struct control_call *call)
{
	struct wait w = {.call = call, .pause_ms = FIRST_LOOK_MS};
	int rc = take_question(&w);

	if (rc)
		return rc;
	if (!call->request->nargs)
		return wait_for_all(&w);
	rc = wait_for_one(&w);
	return rc ? rc : say_verdict(&w);
}

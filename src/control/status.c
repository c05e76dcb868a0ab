/* status, themes and stop: what there is at this moment. See call.h. */
#include "control/call.h"

#include "base/clock.h"
#include "base/scope.h"

/* ---- one theme ----------------------------------------------------------- */

static int
theme_members(struct control_call *call, struct sql *db, struct jsonout *j,
	      const struct publish_theme *theme)
{
	struct publish_version v;
	int rc = publish_newest(db, theme->id, &v, &call->err);

	if (rc < 0)
		return rc;
	jsonout_pair(j, "theme", theme->theme->id);
	jsonout_pair(j, "title", theme->theme->title);
	control_member_int(j, "version", v.number);
	control_member_int(j, "rows", v.rows);
	control_member_time(j, "published_at", v.published_at);
	return 0;
}

static int
themes_member(struct control_call *call, struct sql *db, struct jsonout *j)
{
	const struct flow_plan *plan = call->context->plan;
	int rc = 0;

	jsonout_key(j, "themes");
	jsonout_array(j);
	for (size_t i = 0; !rc && i < plan->nthemes; i++) {
		if (!control_sees_theme(call, plan->themes[i].theme->id))
			continue;
		jsonout_object(j);
		rc = theme_members(call, db, j, &plan->themes[i]);
		jsonout_end(j);
	}
	jsonout_end(j);
	return rc;
}

int
control_verb_themes(struct control_call *call)
{
	const struct flow_plan *plan = call->context->plan;
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	for (size_t i = 0; !rc && i < plan->nthemes; i++) {
		const struct publish_theme *theme = &plan->themes[i];
		struct jsonout *j;

		if (!control_sees_theme(call, theme->theme->id))
			continue;
		j = control_item(call);
		rc = theme_members(call, reader.db, j, theme);
		jsonout_pair(j, "subject", theme->theme->subject);
		control_member_int(j, "sources",
				   (int64_t)theme->theme->nsources);
		control_member_int(j, "fields", (int64_t)theme->theme->nrules);
		if (!rc)
			rc = control_item_end(call);
	}
	return rc;
}

/* ---- status -------------------------------------------------------------- */

static void
passthrough_members(const struct control_context *c, struct jsonout *j)
{
	const char *why =
		c->config->passthrough ? c->cannot_pass : "passthrough = no";
	struct control_counts counts = {0};

	if (c->count)
		c->count(c->ctx, &counts);
	jsonout_key(j, "passthrough");
	jsonout_object(j);
	control_member_bool(j, "on", !*why);
	control_member(j, "why_not", *why ? why : NULL);
	control_member_int(j, "opened", (int64_t)counts.passed);
	control_member_int(j, "written", (int64_t)counts.written);
	control_member_int(j, "copies", counts.copies);
	control_member_int(j, "copied_bytes", counts.copied_bytes);
	control_member_int(j, "waiting", counts.waiting);
	jsonout_end(j);
}

static void
process_members(const struct control_context *c, struct jsonout *j)
{
	struct control_counts counts = {0};

	if (c->count)
		c->count(c->ctx, &counts);
	jsonout_pair(j, "program", PACKAGE_VERSION);
	control_member_int(j, "keeper_pid", c->keeper);
	control_member_int(j, "worker_pid", c->worker);
	control_member_int(j, "notifier_pid", c->notifier);
	control_member_time(j, "started_at", c->started_at);
	control_member_int(j, "uptime_s",
			   (clock_now() - c->started_at) / CLOCK_NS);
	control_member_int(j, "worker_generation", c->generation);
	control_member_bool(j, "kernel_resends", c->kernel_resends);
	passthrough_members(c, j);
	jsonout_key(j, "requests");
	jsonout_object(j);
	control_member_int(j, "answered", (int64_t)counts.requests);
	control_member_int(j, "waited_for", (int64_t)counts.waited);
	control_member_int(j, "resent", (int64_t)counts.resent);
	jsonout_end(j);
}

static int
count_member(struct control_call *call, struct sql *db, struct jsonout *j,
	     const char *state)
{
	int64_t n = 0;
	int rc = store_submission_count(db, 0, state, &n, &call->err);

	control_member_int(j, state, n);
	return rc;
}

static int
work_members(struct control_call *call, struct sql *db, struct jsonout *j)
{
	char trouble[ERROR_TEXT_MAX];
	bool settled = false;
	int rc = flow_is_settled(call->context->flow, &settled, &call->err);

	control_member_int(j, "published_sequence",
			   store_published(call->context->store));
	control_member_bool(j, "settled", settled);
	jsonout_key(j, "submissions");
	jsonout_object(j);
	if (!rc)
		rc = count_member(call, db, j, "judging");
	if (!rc)
		rc = count_member(call, db, j, "quarantined");
	jsonout_end(j);
	if (!rc)
		rc = control_progress_members(call, j);
	flow_trouble(call->context->flow, trouble, sizeof(trouble));
	if (!*trouble)
		inbox_hindrance(call->context->inbox, trouble, sizeof(trouble));
	control_member(j, "trouble",
		       *trouble && control_sees_all(call) ? trouble : NULL);
	return rc;
}

/* ---- what departments store ---------------------------------------------- */

static void
usage_member(void *ctx, const struct inbox_usage *u)
{
	struct control_call *call = ctx;
	struct jsonout *j = &call->json;
	int64_t left = u->quota - u->bytes;

	if (!control_sees_department(call, u->department))
		return;
	jsonout_object(j);
	jsonout_pair(j, "department", u->department);
	control_member_int(j, "bytes", u->bytes);
	if (u->quota) {
		control_member_int(j, "quota", u->quota);
		control_member_int(j, "free", left > 0 ? left : 0);
	} else {
		control_member(j, "quota", NULL);
		control_member(j, "free", NULL);
	}
	jsonout_end(j);
}

static void
departments_member(struct control_call *call, struct jsonout *j)
{
	jsonout_key(j, "departments");
	jsonout_array(j);
	inbox_each_usage(call->context->inbox, usage_member, call);
	jsonout_end(j);
}

static void
warn_of_full(void *ctx, const struct inbox_usage *u)
{
	scope_buf line = BUF_INIT;
	struct control_call *call = ctx;

	if (!u->quota || u->bytes < u->quota ||
	    !control_sees_department(call, u->department))
		return;
	if (!buf_addf(&line,
		      "department '%s' has used its quota: uploads are refused "
		      "(EDQUOT); remove files that were not judged, or raise "
		      "[department %s] quota",
		      u->department, u->department))
		jsonout_string(&call->json, buf_slice(&line));
}

/* Everybody is told: a department's files have no verdicts. */
static void
warn_of_keeper(struct control_call *call)
{
	scope_buf line = BUF_INIT;

	if (!buf_addf(&line,
		      "the keeper (%d) has died: files are taken, but not "
		      "judged; start civicfsd again with the same mount point, "
		      "and it goes on",
		      (int)call->context->keeper))
		jsonout_string(&call->json, buf_slice(&line));
}

static void
warnings_member(struct control_call *call, struct jsonout *j)
{
	const struct control_context *c = call->context;
	const struct config_list *more = &c->config->warnings;
	bool all = control_sees_all(call);

	jsonout_key(j, "warnings");
	jsonout_array(j);
	if (!c->has_keeper(c->ctx))
		warn_of_keeper(call);
	for (size_t i = 0; all && i < c->nwarnings; i++)
		jsonout_string(j, slice_str(c->warnings[i]));
	for (size_t i = 0; all && i < more->n; i++)
		jsonout_string(j, slice_str(more->items[i]));
	inbox_each_usage(c->inbox, warn_of_full, call);
	jsonout_end(j);
}

int
control_verb_status(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct jsonout *j;
	scope_reader reader = {0};
	int rc = store_reader_get(c->store, &reader, &call->err);

	if (rc)
		return rc;
	j = control_item(call);
	jsonout_pair(j, "title", c->config->title);
	jsonout_pair(j, "state", c->config->state);
	jsonout_pair(j, "mountpoint", c->mountpoint);
	process_members(c, j);
	jsonout_key(j, "configuration");
	jsonout_object(j);
	control_configuration(call, j);
	jsonout_end(j);
	rc = work_members(call, reader.db, j);
	if (!rc)
		rc = themes_member(call, reader.db, j);
	departments_member(call, j);
	warnings_member(call, j);
	return rc ? rc : control_item_end(call);
}

/* ---- stop ---------------------------------------------------------------- */

/* The answer names what the asker has to see go. */
int
control_verb_stop(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct jsonout *j;

	if (!c->has_keeper(c->ctx))
		return control_refuse(
			call, CONTROL_NO,
			"the keeper (%d) has died, and nobody else may unmount "
			"the tree: start civicfsd again with the same mount "
			"point, then stop it",
			(int)c->keeper);
	j = control_item(call);
	control_member_int(j, "keeper_pid", c->keeper);
	control_member_int(j, "worker_pid", c->worker);
	jsonout_pair(j, "mountpoint", c->mountpoint);
	call->stops = true;
	return control_item_end(call);
}

/* submissions, receipt, release and withdraw: what came in, and what was said
 * of it. See call.h. */
#include "control/call.h"

#include "base/scope.h"
#include "validate/validate.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 1000000

/* ---- submissions --------------------------------------------------------- */

/* What is asked for; 'department' and 'resource' may be NULL. */
struct filter {
	struct control_call *call;
	const char *department;
	const struct flow_resource *resource;
	const char *state;
	int64_t limit;
};

static int
submission_item(struct control_call *call, const struct store_submission *s,
		const struct flow_resource *r)
{
	struct jsonout *j = control_item(call);

	jsonout_pair(j, "submission", s->id);
	control_member(j, "department", r ? r->resource->department : NULL);
	control_member(j, "resource", r ? r->resource->name : NULL);
	jsonout_pair(j, "file", s->name);
	control_member_int(j, "bytes", s->bytes);
	jsonout_pair(j, "submitted_by", s->submitted_by);
	control_member_time(j, "received_at", s->received_at);
	control_member_time(j, "judged_at", s->judged_at);
	jsonout_pair(j, "state", s->state);
	control_member_bool(j, "release_asked", s->released);
	return control_item_end(call);
}

static int
list_one(void *ctx, const struct store_submission *s)
{
	struct filter *f = ctx;
	const struct flow_resource *r =
		flow_plan_resource(f->call->context->plan, s->resource);

	if (f->limit == 0)
		return 0;
	if (!control_sees_resource(f->call, s->resource))
		return 0;
	if (f->department &&
	    (!r || strcmp(r->resource->department, f->department) != 0))
		return 0;
	f->limit--;
	return submission_item(f->call, s, r);
}

static int
take_limit(struct filter *f)
{
	const char *text = control_request_option(f->call->request, "limit");

	f->limit = LIMIT_DEFAULT;
	if (!text)
		return CONTROL_DONE;
	if (!control_number(text, &f->limit) || f->limit > LIMIT_MAX)
		return control_refuse(f->call, CONTROL_USAGE,
				      "--limit '%s': give a number from 0 to "
				      "%d; 0 is as many as that",
				      text, LIMIT_MAX);
	if (f->limit == 0)
		f->limit = LIMIT_MAX;
	return CONTROL_DONE;
}

static int
take_filter(struct filter *f)
{
	const struct control_request *r = f->call->request;
	const char *resource = control_request_option(r, "resource");
	int rc = take_limit(f);

	f->department = control_request_option(r, "department");
	f->state = control_request_option(r, "state");
	if (!rc && resource)
		rc = control_find_resource(f->call, resource, &f->resource);
	if (rc)
		return rc;
	if (f->department &&
	    !config_find_department(f->call->context->config, f->department))
		return control_refuse(f->call, CONTROL_NO,
				      "there is no department '%s' in the "
				      "configuration '%s'",
				      f->department,
				      f->call->context->config->path);
	if (f->department)
		rc = control_permit_department(f->call, f->department);
	if (!rc && f->resource)
		rc = control_permit_department(
			f->call, f->resource->resource->department);
	if (rc)
		return rc;
	if (f->state && validate_state_parse(f->state) < 0)
		return control_refuse(f->call, CONTROL_USAGE,
				      "--state '%s': the states are judging, "
				      "accepted, unchanged, partial, "
				      "quarantined, rejected, incomplete, "
				      "superseded, withdrawn",
				      f->state);
	return CONTROL_DONE;
}

/* Those that were asked for by id, in that order. A subject names the
 * submissions behind its values to every reader of its theme: those of other
 * departments are left out. */
static int
list_named(struct control_call *call)
{
	const struct control_request *r = call->request;
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	for (size_t i = 0; !rc && i < r->nargs; i++) {
		struct store_submission s;
		int found = store_submission_find(reader.db, r->args[i], &s,
						  &call->err);

		if (found <= 0) {
			rc = found;
			continue;
		}
		if (control_sees_resource(call, s.resource))
			rc = submission_item(
				call, &s,
				flow_plan_resource(call->context->plan,
						   s.resource));
		store_submission_release(&s);
	}
	return rc;
}

int
control_verb_submissions(struct control_call *call)
{
	struct filter f = {.call = call};
	scope_reader reader = {0};
	int rc = take_filter(&f);

	if (rc)
		return rc;
	if (call->request->nargs)
		return list_named(call);
	rc = store_reader_get(call->context->store, &reader, &call->err);
	if (rc)
		return rc;
	/* a department's are counted by list_one() */
	return store_submission_each(reader.db, f.resource ? f.resource->id : 0,
				     f.state, f.department ? 0 : f.limit,
				     list_one, &f, &call->err);
}

/* ---- receipt ------------------------------------------------------------- */

/* Whether the asker may see what stood in the file. */
static bool
sees_values(const struct control_call *call, int64_t resource)
{
	const struct flow_resource *r =
		flow_plan_resource(call->context->plan, resource);

	return r ? control_is_member(call, r->resource->department)
		 : control_is_service(call);
}

/* 1 found, 0 there is none yet. */
static int
read_receipt(struct control_call *call, const struct store_submission *s,
	     struct buf *out)
{
	const char *form = control_request_option(call->request, "form");
	bool as_json = form && strcmp(form, "json") == 0;
	bool values = sees_values(call, s->resource);
	scope_buf whole = BUF_INIT;
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	if (!rc)
		rc = store_submission_receipt(
			reader.db, s->number,
			as_json || !values ? STORE_RECEIPT_JSON
					   : STORE_RECEIPT_TEXT,
			values ? out : &whole, &call->err);
	/* a terminal is no editor of Windows */
	if (rc > 0 && values && !as_json)
		validate_receipt_undress(out);
	if (rc <= 0 || values)
		return rc;
	rc = control_redact(buf_slice(&whole), as_json, out, &call->err);
	return rc ? rc : 1;
}

int
control_verb_receipt(struct control_call *call)
{
	const char *id = call->request->args[0];
	scope_buf receipt = BUF_INIT;
	struct store_submission s;
	char state[sizeof(s.state)];
	int expired;
	int rc = control_find_submission(call, id, &s);

	if (rc)
		return rc;
	expired = s.expired;
	memcpy(state, s.state, sizeof(state));
	rc = read_receipt(call, &s, &receipt);
	store_submission_release(&s);
	if (rc < 0)
		return rc;
	if (expired)
		return control_refuse(call, CONTROL_NO,
				      "the receipt of submission %s is kept no "
				      "longer: [platform] keep_archive decides "
				      "that; it was %s",
				      id, state);
	if (!rc)
		return control_refuse(call, CONTROL_NO,
				      "submission %s is %s and has no receipt "
				      "yet: 'civicfs wait %s' waits for it",
				      id, state, id);
	return control_text(call, buf_slice(&receipt));
}

/* ---- release and withdraw
 * ------------------------------------------------------------- */

static int
say_asked(struct control_call *call, const char *id, const char *what)
{
	struct jsonout *j = control_item(call);

	jsonout_pair(j, "submission", id);
	control_member_bool(j, what, true);
	return control_item_end(call);
}

int
control_verb_release(struct control_call *call)
{
	const char *id = call->request->args[0];
	struct store_submission s;
	int rc = control_find_submission(call, id, &s);

	if (rc)
		return rc;
	store_submission_release(&s);
	rc = flow_release(call->context->flow, id, &call->err);
	return rc ? rc : say_asked(call, id, "release_asked");
}

int
control_verb_withdraw(struct control_call *call)
{
	const char *id = call->request->args[0];
	struct store_submission s;
	int rc = control_find_submission(call, id, &s);

	if (rc)
		return rc;
	store_submission_release(&s);
	rc = flow_withdraw(call->context->flow, id, call->user, &call->err);
	return rc ? rc : say_asked(call, id, "withdrawal_asked");
}

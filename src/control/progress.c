/* What is under way, for status and wait: see call.h. */
#include "control/call.h"

#include "base/clock.h"
#include "base/scope.h"

/* A number that may not be known. */
static void
member_known(struct jsonout *j, const char *key, int64_t value, bool known)
{
	if (known)
		control_member_int(j, key, value);
	else
		control_member(j, key, NULL);
}

static void
progress_members(struct jsonout *j, const struct flow_progress_view *v,
		 int64_t now)
{
	const struct flow_progress_told told = flow_progress_tell(v, now);

	jsonout_pair(j, "stage", flow_stage_word(v->stage));
	control_member_int(j, "rows", v->rows);
	control_member_int(j, "done", v->done);
	member_known(j, "total", v->total, v->total > 0);
	control_member_int(j, "bytes_read", v->bytes_read);
	control_member_int(j, "bytes", v->bytes);
	member_known(j, "percent", told.percent, told.percent >= 0);
	member_known(j, "rate", told.rate, told.rate >= 0);
	control_member_int(j, "seconds", told.taken_ns / CLOCK_NS);
	member_known(j, "seconds_left", told.left_ns / CLOCK_NS,
		     told.left_ns >= 0);
}

static int
judging_item(struct control_call *call, struct sql *db, struct jsonout *j,
	     const struct flow_progress_view *v)
{
	const struct flow_resource *r;
	struct store_submission s;
	int rc = store_submission_get(db, v->submission, &s, &call->err);

	if (rc <= 0)
		return rc;
	r = flow_plan_resource(call->context->plan, s.resource);
	if (!control_sees_resource(call, s.resource)) {
		store_submission_release(&s);
		return 0;
	}
	jsonout_object(j);
	jsonout_pair(j, "submission", s.id);
	control_member(j, "department", r ? r->resource->department : NULL);
	control_member(j, "resource", r ? r->resource->name : NULL);
	jsonout_pair(j, "file", s.name);
	progress_members(j, v, clock_monotonic());
	jsonout_end(j);
	store_submission_release(&s);
	return 0;
}

/* Those without a verdict that are not being judged. */
static int
count_waiting(struct control_call *call, struct sql *db, size_t under_way,
	      int64_t *ret)
{
	int64_t arriving = 0, judging = 0;
	int rc = inbox_waiting(call->context->inbox, &arriving, &call->err);

	if (!rc)
		rc = store_submission_count(db, 0, "judging", &judging,
					    &call->err);
	/* one may have had its verdict meanwhile */
	*ret = arriving + judging - (int64_t)under_way;
	if (*ret < 0)
		*ret = 0;
	return rc;
}

int
control_progress_members(struct control_call *call, struct jsonout *j)
{
	struct flow_progress_view views[FLOW_JUDGES];
	size_t n = flow_under_way(call->context->flow, views);
	scope_reader reader = {0};
	int64_t waiting = 0;
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	jsonout_key(j, "judging");
	jsonout_array(j);
	for (size_t i = 0; !rc && i < n; i++)
		rc = judging_item(call, reader.db, j, &views[i]);
	jsonout_end(j);
	if (!rc)
		rc = count_waiting(call, reader.db, n, &waiting);
	control_member_int(j, "waiting", waiting);
	return rc;
}

int
control_progress_line(struct control_call *call)
{
	struct jsonout *j = &call->json;
	int rc;

	*j = jsonout_begin(&call->out, false);
	jsonout_object(j);
	jsonout_key(j, "progress");
	jsonout_object(j);
	rc = control_progress_members(call, j);
	if (rc)
		return rc;
	rc = control_item_end(call);
	return rc ? rc : control_flush(call);
}

/* verify: every byte that readers can see, originals too, and every index, read
 * again. See
 * call.h. */
#include "control/call.h"

struct verify {
	struct control_call *call;
	int64_t problems;
};

/* A problem is sent when it is found: the rest may take long. */
static int
report(void *ctx, const char *text)
{
	struct verify *v = ctx;
	struct jsonout *j = control_item(v->call);
	int rc;

	v->problems++;
	jsonout_pair(j, "problem", text);
	rc = control_item_end(v->call);
	if (!rc)
		rc = control_flush(v->call);
	return rc ? rc : control_sleep(v->call, -1, 0);
}

static int
summary(struct verify *v)
{
	const struct control_context *c = v->call->context;
	struct jsonout *j = control_item(v->call);

	control_member_int(j, "themes", (int64_t)c->plan->nthemes);
	control_member_int(j, "published_sequence", store_published(c->store));
	control_member_int(j, "problems", v->problems);
	return control_item_end(v->call);
}

int
control_verb_verify(struct control_call *call)
{
	const struct control_context *c = call->context;
	struct verify v = {.call = call};
	int rc = store_check(c->store, report, &v, &call->err);

	if (rc >= 0)
		rc = publish_verify(c->store, c->config, c->plan->themes,
				    c->plan->nthemes, report, &v, &call->err);
	if (rc >= 0)
		rc = flow_verify_originals(c->store, report, &v, &call->err);
	if (rc >= 0)
		rc = summary(&v);
	if (rc < 0)
		return rc;
	if (!v.problems)
		return CONTROL_DONE;
	return control_refuse(call, CONTROL_NO,
			      "%lld problems: restore a backup of the state, "
			      "and look for what damaged it",
			      (long long)v.problems);
}

/* Names in questions to what they name: see call.h. */
#include "control/call.h"

#include "base/scope.h"

int
control_find_theme(struct control_call *call, const char *name,
		   const struct publish_theme **ret)
{
	const struct flow_plan *plan = call->context->plan;
	scope_buf names = BUF_INIT;

	for (size_t i = 0; i < plan->nthemes; i++) {
		const struct publish_theme *theme = &plan->themes[i];

		if (strcmp(theme->theme->id, name) == 0) {
			*ret = theme;
			return control_permit_theme(call, name);
		}
		if (control_sees_theme(call, theme->theme->id) &&
		    buf_addf(&names, " '%s'", theme->theme->id))
			return error_nomem(&call->err);
	}
	if (config_find_resource(plan->config, name))
		return control_refuse(
			call, CONTROL_USAGE,
			"'%s' is a resource: this version (%s) gives versions "
			"to themes alone; its records are in sources/ of the "
			"themes that use it",
			name, PACKAGE_VERSION);
	if (!buf_str(&names))
		return error_nomem(&call->err);
	return control_refuse(call, CONTROL_NO,
			      "there is no theme '%s'; the themes are:%s", name,
			      names.len ? names.data : " none");
}

int
control_find_resource(struct control_call *call, const char *name,
		      const struct flow_resource **ret)
{
	const struct flow_plan *plan = call->context->plan;

	for (size_t i = 0; i < plan->config->nresources; i++) {
		if (strcmp(plan->config->resources[i].name, name) == 0) {
			*ret = &plan->resources[i];
			return CONTROL_DONE;
		}
	}
	return control_refuse(call, CONTROL_NO,
			      "there is no resource '%s': 'civicfs catalogue "
			      "list' shows those that are registered",
			      name);
}

bool
control_sees_resource(const struct control_call *call, int64_t resource)
{
	const struct flow_resource *r =
		flow_plan_resource(call->context->plan, resource);

	return control_sees_all(call) ||
	       (r && control_is_member(call, r->resource->department));
}

/* Whoever may not know of one is not told whether it exists. */
static int
permit_submission(struct control_call *call, const char *id,
		  const struct store_submission *s)
{
	if (s ? control_sees_resource(call, s->resource)
	      : control_sees_all(call))
		return CONTROL_DONE;
	return control_refuse(call, CONTROL_NO,
			      "your departments have no submission '%s': "
			      "those of others are for their members "
			      "([department] members) and the coordinator "
			      "([roles] coordinator)",
			      id);
}

int
control_find_submission(struct control_call *call, const char *id,
			struct store_submission *ret)
{
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);
	int found = 0;

	if (!rc)
		found = store_submission_find(reader.db, id, ret, &call->err);
	if (rc || found < 0)
		return rc ? rc : found;
	rc = permit_submission(call, id, found ? ret : NULL);
	if (rc && found)
		store_submission_release(ret);
	if (rc || found)
		return rc;
	return control_refuse(call, CONTROL_NO,
			      "there is no submission '%s': 'civicfs "
			      "submissions' lists them",
			      id);
}

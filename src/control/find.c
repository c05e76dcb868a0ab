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
			return CONTROL_DONE;
		}
		if (buf_addf(&names, " '%s'", theme->theme->id))
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
			      plan->nthemes ? names.data : " none");
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

int
control_find_submission(struct control_call *call, const char *id,
			struct store_submission *ret)
{
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	if (!rc)
		rc = store_submission_find(reader.db, id, ret, &call->err);
	if (rc < 0)
		return rc;
	if (rc)
		return CONTROL_DONE;
	return control_refuse(call, CONTROL_NO,
			      "there is no submission '%s': 'civicfs "
			      "submissions' lists them",
			      id);
}

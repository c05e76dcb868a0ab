/* The table of what the daemon answers, and the way to it: see call.h. */
#include "control/call.h"

static const struct control_verb verbs[] = {
	{"catalogue", 1, CONTROL_ARGS_MAX, {NULL}, control_verb_catalogue},
	{"configuration", 0, 0, {NULL}, control_verb_configuration},
	{"diff", 3, 3, {NULL}, control_verb_diff},
	{"gc", 0, 0, {"dry_run", NULL}, control_verb_gc},
	{"receipt", 1, 1, {"form", NULL}, control_verb_receipt},
	{"release", 1, 1, {NULL}, control_verb_release},
	{"reload", 0, 0, {NULL}, control_verb_reload},
	{"status", 0, 0, {NULL}, control_verb_status},
	{"stop", 0, 0, {NULL}, control_verb_stop},
	{"subject", 2, 2, {NULL}, control_verb_subject},
	{"submissions",
	 0,
	 CONTROL_ARGS_MAX,
	 {"department", "resource", "state", "limit"},
	 control_verb_submissions},
	{"themes", 0, 0, {NULL}, control_verb_themes},
	{"verify", 0, 0, {NULL}, control_verb_verify},
	{"versions", 1, 1, {NULL}, control_verb_versions},
	{"wait", 0, 1, {"timeout_ms", "progress_ms", NULL}, control_verb_wait},
};

static bool
knows_option(const struct control_verb *verb, const char *name)
{
	for (size_t i = 0; i < sizeof(verb->options) / sizeof(*verb->options);
	     i++) {
		if (!verb->options[i])
			break;
		if (strcmp(verb->options[i], name) == 0)
			return true;
	}
	return false;
}

static int
check_form(struct control_call *call, const struct control_verb *verb)
{
	const struct control_request *r = call->request;

	if (r->nargs < verb->min || r->nargs > verb->max)
		return control_refuse(call, CONTROL_USAGE,
				      "'%s' takes another number of arguments: "
				      "'civicfs %s --help' shows them",
				      verb->name, verb->name);
	for (size_t i = 0; i < r->noptions; i++) {
		if (!knows_option(verb, r->options[i].name))
			return control_refuse(
				call, CONTROL_USAGE,
				"'%s' has no option '%s': 'civicfs %s --help' "
				"shows its options",
				verb->name, r->options[i].name, verb->name);
	}
	return CONTROL_DONE;
}

int
control_call_run(struct control_call *call)
{
	const char *name = call->request->verb;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		int rc;

		if (strcmp(verbs[i].name, name) != 0)
			continue;
		rc = check_form(call, &verbs[i]);
		return rc ? rc : verbs[i].run(call);
	}
	return control_refuse(call, CONTROL_USAGE,
			      "'%s' is no verb that civicfsd %s answers: "
			      "'civicfs --help' lists them",
			      name, PACKAGE_VERSION);
}

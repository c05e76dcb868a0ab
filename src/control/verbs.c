/* The table of what the daemon answers, and the way to it: see call.h. */
#include "control/call.h"

static const struct control_verb verbs[] = {
	{"catalogue",
	 1,
	 CONTROL_ARGS_MAX,
	 {NULL},
	 control_verb_catalogue,
	 CONTROL_CATALOGUE,
	 NULL},
	{"configuration",
	 0,
	 0,
	 {NULL},
	 control_verb_configuration,
	 CONTROL_SERVICE,
	 "it tells of the daemon's own files"},
	{"diff", 3, 3, {NULL}, control_verb_diff, CONTROL_INSIDE, NULL},
	{"gc",
	 0,
	 0,
	 {"dry_run", NULL},
	 control_verb_gc,
	 CONTROL_ROOT,
	 "it removes what nobody can bring back"},
	{"receipt",
	 1,
	 1,
	 {"form", NULL},
	 control_verb_receipt,
	 CONTROL_INSIDE,
	 NULL},
	{"release", 1, 1, {NULL}, control_verb_release, CONTROL_INSIDE, NULL},
	{"withdraw", 1, 1, {NULL}, control_verb_withdraw, CONTROL_INSIDE, NULL},
	{"reload",
	 0,
	 0,
	 {NULL},
	 control_verb_reload,
	 CONTROL_ROOT,
	 "it changes what everybody may do"},
	{"status", 0, 0, {NULL}, control_verb_status, CONTROL_INSIDE, NULL},
	{"stop",
	 0,
	 0,
	 {NULL},
	 control_verb_stop,
	 CONTROL_ROOT,
	 "it ends the service for everybody"},
	{"subject", 2, 2, {NULL}, control_verb_subject, CONTROL_INSIDE, NULL},
	{"submissions",
	 0,
	 CONTROL_ARGS_MAX,
	 {"department", "resource", "state", "limit"},
	 control_verb_submissions,
	 CONTROL_INSIDE,
	 NULL},
	{"themes", 0, 0, {NULL}, control_verb_themes, CONTROL_INSIDE, NULL},
	{"verify",
	 0,
	 0,
	 {NULL},
	 control_verb_verify,
	 CONTROL_SERVICE,
	 "it reads everything there is"},
	{"versions", 1, 1, {NULL}, control_verb_versions, CONTROL_INSIDE, NULL},
	{"wait",
	 0,
	 1,
	 {"timeout_ms", "progress_ms", NULL},
	 control_verb_wait,
	 CONTROL_INSIDE,
	 NULL},
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
		rc = control_permit_verb(call, &verbs[i]);
		if (!rc)
			rc = check_form(call, &verbs[i]);
		return rc ? rc : verbs[i].run(call);
	}
	return control_refuse(call, CONTROL_USAGE,
			      "'%s' is no verb that civicfsd %s answers: "
			      "'civicfs --help' lists them",
			      name, PACKAGE_VERSION);
}

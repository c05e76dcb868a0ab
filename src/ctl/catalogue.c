/* catalogue: the registered resources. */
#include "ctl/ask.h"
#include "ctl/print.h"

static const struct ctl_column columns[] = {
	{"resource", "RESOURCE", CTL_TEXT},
	{"title", "TITLE", CTL_TEXT},
	{"department_title", "DEPARTMENT", CTL_TEXT},
	{"mode", "MODE", CTL_TEXT},
	{"update_cycle", "CYCLE", CTL_TEXT},
	{"sharing", "SHARING", CTL_TEXT},
	{"fields", "FIELDS", CTL_NUMBER},
};

static const struct ctl_column field_columns[] = {
	{"field", "FIELD", CTL_TEXT},
	{"title", "TITLE", CTL_TEXT},
	{"type", "TYPE", CTL_TEXT},
	{"required", "REQUIRED", CTL_TEXT},
	{"unique", "UNIQUE", CTL_TEXT},
	{"sensitivity", "SENSITIVITY", CTL_TEXT},
	{"sharing", "SHARING", CTL_TEXT},
};

static int
print_resource(json_t *resource)
{
	json_t *fields = json_incref(json_object_get(resource, "fields"));
	int rc;

	json_object_del(resource, "fields");
	rc = ctl_facts(resource);
	putchar('\n');
	if (!rc)
		rc = ctl_table(fields, field_columns,
			       sizeof(field_columns) / sizeof(*field_columns));
	json_decref(fields);
	return rc;
}

int
ctl_catalogue(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	bool one = strcmp(ctl->args[0], "show") == 0;
	json_t *first;
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc)
		return rc;
	first = json_array_get(answer.items, 0);
	if (one)
		return ctl->json ? ctl_json(first) : print_resource(first);
	if (ctl->json)
		return ctl_json(answer.items);
	return ctl_table(answer.items, columns,
			 sizeof(columns) / sizeof(*columns));
}

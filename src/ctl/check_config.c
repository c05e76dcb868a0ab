/* check-config: all that is wrong with the configuration. */
#include "access/access.h"
#include "ctl/print.h"

#include <jansson.h>
#include <unistd.h>

static int
add_problems(json_t *answer, const struct config_problems *problems)
{
	json_t *errors = json_object_get(answer, "errors");
	json_t *warnings = json_object_get(answer, "warnings");
	int rc = 0;

	for (size_t i = 0; i < problems->n; i++) {
		const struct config_problem *p = &problems->items[i];

		rc |= json_array_append_new(p->warning ? warnings : errors,
					    json_string(p->text));
	}
	return rc;
}

static int
add_counts(json_t *answer, const struct config *config)
{
	return json_object_set_new(answer, "title",
				   json_string(config->title)) |
	       json_object_set_new(answer, "state",
				   json_string(config->state)) |
	       json_object_set_new(
		       answer, "departments",
		       json_integer((json_int_t)config->ndepartments)) |
	       json_object_set_new(
		       answer, "resources",
		       json_integer((json_int_t)config->nresources)) |
	       json_object_set_new(answer, "themes",
				   json_integer((json_int_t)config->nthemes));
}

/* 'config' is NULL when there are errors. */
static int
print_json(const struct config *config, const struct config_problems *problems,
	   const char *other)
{
	json_t *answer = json_pack("{s:[], s:[]}", "errors", "warnings");
	int rc = CTL_NO;

	if (answer && !add_problems(answer, problems) &&
	    (!*other ||
	     !json_array_append_new(json_object_get(answer, "errors"),
				    json_string(other))) &&
	    (!config || !add_counts(answer, config)))
		rc = ctl_json(answer);
	json_decref(answer);
	return rc;
}

static void
print_text(const struct config *config, const struct config_problems *problems,
	   const char *path)
{
	for (size_t i = 0; i < problems->n; i++)
		fprintf(stderr, "%s%s\n",
			problems->items[i].warning ? "warning: " : "",
			problems->items[i].text);
	if (config)
		printf("'%s' is in order (departments: %zu, resources: %zu, "
		       "themes: %zu); state in '%s'\n",
		       path, config->ndepartments, config->nresources,
		       config->nthemes, config->state);
}

static int
print(struct ctl *ctl, const struct config_problems *problems, int rc,
      const struct error *err)
{
	bool listed = false; /* the errors are among the problems */

	for (size_t i = 0; i < problems->n; i++)
		listed = listed || !problems->items[i].warning;
	if (ctl->json &&
	    print_json(ctl->config, problems, rc && !listed ? err->text : ""))
		return CTL_NO;
	if (!ctl->json)
		print_text(ctl->config, problems, ctl->config_path);
	if (!rc)
		return CTL_DONE;
	if (!ctl->json)
		ctl_refuse(CTL_USAGE, "%s", err->text);
	return rc == ERR_NOMEM ? CTL_NO : CTL_USAGE;
}

int
ctl_check_config(struct ctl *ctl)
{
	struct config_problems problems = {0};
	struct error err = ERROR_INIT;
	int rc;

	if (!ctl->config_path)
		return ctl_refuse(CTL_USAGE, "no configuration: name it, "
					     "civicfs -c CONFIG check-config");
	rc = config_load(ctl->config_path, &ctl->config, &problems, &err);
	if (!rc)
		rc = config_check_files(ctl->config, getuid(), &problems, &err);
	if (!rc)
		rc = access_check(ctl->config, &err);
	if (rc) {
		config_free(ctl->config);
		ctl->config = NULL;
	}
	rc = print(ctl, &problems, rc, &err);
	config_problems_release(&problems);
	return rc;
}

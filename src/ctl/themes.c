/* versions, diff, subject: what a theme was and is. */
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/changes.h"
#include "ctl/print.h"

#include <errno.h>

/* ---- versions ------------------------------------------------------------ */

static const struct ctl_column version_columns[] = {
	{"version", "VERSION", CTL_NUMBER},
	{"published_at", "PUBLISHED", CTL_TIME},
	{"submission", "SUBMISSION", CTL_TEXT},
	{"rows", "ROWS", CTL_NUMBER},
	{"inserted", "INSERTED", CTL_NUMBER},
	{"updated", "UPDATED", CTL_NUMBER},
	{"deleted", "DELETED", CTL_NUMBER},
	{"digest", "DIGEST", CTL_TEXT},
};

int
ctl_versions(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(answer.items);
	return ctl_table(answer.items, version_columns,
			 sizeof(version_columns) / sizeof(*version_columns));
}

/* ---- diff ---------------------------------------------------------------- */

/* The answer as it comes: it may be larger than memory. */
int
ctl_diff(struct ctl *ctl)
{
	const struct config_theme *theme;
	struct ctl_question q = ctl_question_of(ctl);
	struct error err = ERROR_INIT;
	scope_answer answer = {0};
	scope_file csv = NULL;
	int rc;

	if (!ctl->json) {
		q.text_to = stdout;
		return ctl_ask(ctl, &q, &answer);
	}
	csv = tmpfile();
	if (!csv)
		return ctl_refuse(CTL_NO, "a temporary file: %s",
				  strerror(errno));
	q.text_to = csv;
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	theme = ctl->config ? config_find_theme(ctl->config, ctl->args[0])
			    : NULL;
	if (!theme)
		return ctl_refuse(CTL_NO,
				  "theme '%s' is not in '%s' any more: correct "
				  "it, or reload it",
				  ctl->args[0], ctl->config_path);
	if (fflush(csv))
		return ctl_refuse(CTL_NO, "a temporary file: %s",
				  strerror(errno));
	rc = ctl_changes_json(theme, fileno(csv), stdout, &err);
	return rc ? ctl_failed(rc, &err) : CTL_DONE;
}

/* ---- subject ------------------------------------------------------------- */

static const struct ctl_column field_columns[] = {
	{"field", "FIELD", CTL_TEXT},		{"value", "VALUE", CTL_TEXT},
	{"source", "SOURCE", CTL_TEXT},		{"as_of", "AS OF", CTL_TIME},
	{"submission", "SUBMISSION", CTL_TEXT}, {"rule", "RULE", CTL_TEXT},
};

static const struct ctl_column sender_columns[] = {
	{"submission", "SUBMISSION", CTL_TEXT},
	{"resource", "RESOURCE", CTL_TEXT},
	{"file", "FILE", CTL_TEXT},
	{"submitted_by", "BY", CTL_TEXT},
	{"received_at", "RECEIVED", CTL_TIME},
};

static const struct ctl_column conflict_columns[] = {
	{"field", "FIELD", CTL_TEXT},
	{"winner_source", "WINNER", CTL_TEXT},
	{"winner_value", "ITS VALUE", CTL_TEXT},
	{"source", "SOURCE", CTL_TEXT},
	{"value", "OTHER VALUE", CTL_TEXT},
};

/* Gives each object of 'fields' its name as a member; a list of them. */
static json_t *
rows_of(json_t *fields)
{
	json_t *rows = json_array();
	const char *name;
	json_t *field;

	json_object_foreach(fields, name, field)
	{
		if (!rows ||
		    json_object_set_new(field, "field", json_string(name)) ||
		    json_array_append(rows, field)) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The submissions that the fields name, sorted, each once, as arguments of a
 * question; as many as that takes. */
static size_t
senders_of(const json_t *rows, const char *ids[static CONTROL_ARGS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *id = json_string_value(
			json_object_get(json_array_get(rows, i), "submission"));
		size_t k = 0;

		while (id && k < n && strcmp(ids[k], id) != 0)
			k++;
		if (id && k == n && n < CONTROL_ARGS_MAX)
			ids[n++] = id;
	}
	if (n)
		qsort(ids, n, sizeof(*ids), compare_ids);
	return n;
}

/* Who sent the values: which file of whom each submission was. */
static int
print_senders(struct ctl *ctl, const json_t *rows)
{
	struct ctl_question q = {.request = {.verb = "submissions"}};
	scope_answer answer = {0};
	int rc;

	q.request.nargs = senders_of(rows, q.request.args);
	if (!q.request.nargs)
		return CTL_DONE;
	rc = ctl_ask(ctl, &q, &answer);
	/* those of other departments are not told to everybody */
	if (rc || json_array_size(answer.items) == 0)
		return rc;
	putchar('\n');
	return ctl_table(answer.items, sender_columns,
			 sizeof(sender_columns) / sizeof(*sender_columns));
}

static int
print_subject(struct ctl *ctl, const json_t *subject)
{
	const json_t *conflicts = json_object_get(subject, "conflicts");
	json_t *rows = rows_of(json_object_get(subject, "fields"));
	int rc;

	if (!rows)
		return ctl_refuse(CTL_NO, "no memory");
	printf("%s %s, as of version %s\n\n",
	       json_string_value(json_object_get(subject, "theme")),
	       json_string_value(json_object_get(subject, "subject")),
	       json_string_value(json_object_get(subject, "version")));
	rc = ctl_table(rows, field_columns,
		       sizeof(field_columns) / sizeof(*field_columns));
	if (!rc)
		rc = print_senders(ctl, rows);
	json_decref(rows);
	if (rc || json_array_size(conflicts) == 0)
		return rc;
	printf("\nconflicts\n");
	return ctl_table(conflicts, conflict_columns,
			 sizeof(conflict_columns) / sizeof(*conflict_columns));
}

int
ctl_subject(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	json_t *subject;
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc)
		return rc;
	if (ctl->json)
		return ctl_print(buf_slice(&answer.text));
	subject = ctl_json_exact(buf_slice(&answer.text));
	if (!subject)
		return ctl_refuse(CTL_NO, "the daemon's answer is no JSON");
	rc = print_subject(ctl, subject);
	json_decref(subject);
	return rc;
}

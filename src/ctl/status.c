/* status, themes: what there is at this moment. */
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/print.h"
#include "ctl/progress.h"

/* ---- the lines of status ------------------------------------------------- */

static int add(json_t *facts, const char *name, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static int
add(json_t *facts, const char *name, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_object_set_new(facts, name, json_string(text));
}

/* What is in force, beside what the files say: adds "differs" to it. */
static int
compare_files(const struct ctl *ctl, json_t *status)
{
	json_t *c = json_object_get(status, "configuration");
	const char *digest = json_string_value(json_object_get(c, "digest"));
	bool same = ctl->config && digest &&
		    strcmp(ctl->config->digest, digest) == 0;

	return json_object_set_new(c, "differs", json_boolean(!same)) |
	       json_object_set_new(c, "wrong", json_boolean(!ctl->config));
}

static const char *
text_of(const json_t *s, const char *key)
{
	const char *text = json_string_value(json_object_get(s, key));

	return text ? text : "";
}

static long long
number_of(const json_t *s, const char *key)
{
	return json_integer_value(json_object_get(s, key));
}

static void
duration_text(long long s, char *out, size_t size)
{
	if (s < 120)
		snprintf(out, size, "%lld s", s);
	else if (s < 7200)
		snprintf(out, size, "%lld min", s / 60);
	else if (s < 48 * 3600)
		snprintf(out, size, "%lld h", s / 3600);
	else
		snprintf(out, size, "%lld days", s / 86400);
}

static int
add_passthrough(json_t *facts, const json_t *p)
{
	if (!json_is_true(json_object_get(p, "on")))
		return add(facts, "passthrough", "off: %s",
			   text_of(p, "why_not"));
	return add(facts, "passthrough",
		   "the kernel reads by itself what lies in one piece, and "
		   "writes what is delivered: %lld and %lld opened so; %lld "
		   "copies for that, %.1f MiB, %lld to be made",
		   number_of(p, "opened"), number_of(p, "written"),
		   number_of(p, "copies"),
		   (double)number_of(p, "copied_bytes") / (1 << 20),
		   number_of(p, "waiting"));
}

static int
add_processes(json_t *facts, const json_t *s)
{
	const json_t *requests = json_object_get(s, "requests");
	bool resends = json_is_true(json_object_get(s, "kernel_resends"));
	char up[32];
	int rc;

	duration_text(number_of(s, "uptime_s"), up, sizeof(up));
	rc = add(facts, "keeper", "%lld", number_of(s, "keeper_pid"));
	rc |= add(facts, "worker", "%lld (number %lld of this mount)",
		  number_of(s, "worker_pid"),
		  number_of(s, "worker_generation"));
	rc |= add(facts, "notifier", "%lld", number_of(s, "notifier_pid"));
	rc |= add(facts, "up", "%s, since %s", up, text_of(s, "started_at"));
	rc |= add(facts, "requests", "%lld answered, %lld asked again",
		  number_of(requests, "answered"),
		  number_of(requests, "resent"));
	rc |= add(facts, "kernel", "%s",
		  resends ? "asks again what a dead worker left unanswered"
			  : "does not ask again: the mount is renewed when a "
			    "worker dies");
	return rc | add_passthrough(facts, json_object_get(s, "passthrough"));
}

/* "judging", "judging 2" …: which one, and how far it is. */
static int
add_judging(json_t *facts, const json_t *judging, size_t at)
{
	scope_buf how = BUF_INIT;
	char name[32] = "judging";

	if (at)
		snprintf(name, sizeof(name), "judging %zu", at + 1);
	if (ctl_progress_of(judging, &how) || !buf_str(&how))
		return -1;
	return add(facts, name, "%s %s '%s': %s",
		   text_of(judging, "submission"), text_of(judging, "resource"),
		   text_of(judging, "file"), how.data);
}

static int
add_configuration(json_t *facts, const json_t *s)
{
	const json_t *c = json_object_get(s, "configuration");
	const char *refused = text_of(c, "refused");
	const char *files = "as the files are";
	int rc;

	if (json_is_true(json_object_get(c, "wrong")))
		files = "the files have errors ('civicfs check-config' lists "
			"them)";
	else if (json_is_true(json_object_get(c, "differs")))
		files = "the files differ ('civicfs reload' brings them into "
			"force)";
	rc = add(facts, "in force", "since %s, %s", text_of(c, "since"), files);
	if (*refused)
		rc |= add(facts, "refused", "%s", refused);
	return rc;
}

static int
add_work(json_t *facts, const json_t *s)
{
	const json_t *counts = json_object_get(s, "submissions");
	const json_t *judging = json_object_get(s, "judging");
	const char *trouble = text_of(s, "trouble");
	int rc;

	rc = add(facts, "published", "sequence %lld",
		 number_of(s, "published_sequence"));
	rc |= add(facts, "submissions",
		  "%zu judging, %lld waiting, %lld "
		  "quarantined%s",
		  json_array_size(judging), number_of(s, "waiting"),
		  number_of(counts, "quarantined"),
		  json_is_true(json_object_get(s, "settled")) ? ", settled"
							      : "");
	for (size_t i = 0; i < json_array_size(judging); i++)
		rc |= add_judging(facts, json_array_get(judging, i), i);
	rc |= add(facts, "trouble", "%s", *trouble ? trouble : "none");
	return rc;
}

static const struct ctl_column theme_columns[] = {
	{"theme", "THEME", CTL_TEXT},
	{"title", "TITLE", CTL_TEXT},
	{"version", "VERSION", CTL_NUMBER},
	{"rows", "ROWS", CTL_NUMBER},
	{"published_at", "PUBLISHED", CTL_TIME},
};
#define THEME_COLUMNS (sizeof(theme_columns) / sizeof(*theme_columns))

static void
print_warnings(const json_t *s)
{
	const json_t *warnings = json_object_get(s, "warnings");

	for (size_t i = 0; i < json_array_size(warnings); i++)
		printf("warning: %s\n",
		       json_string_value(json_array_get(warnings, i)));
}

static const struct ctl_column quota_columns[] = {
	{"department", "DEPARTMENT", CTL_TEXT},
	{"bytes", "BYTES", CTL_NUMBER},
	{"quota", "QUOTA", CTL_NUMBER},
	{"free", "FREE", CTL_NUMBER},
};
#define QUOTA_COLUMNS (sizeof(quota_columns) / sizeof(*quota_columns))

/* Of the departments that have a quota. */
static int
print_quotas(const json_t *s)
{
	const json_t *departments = json_object_get(s, "departments");
	json_t *rows = json_array();
	int rc = CTL_DONE;

	for (size_t i = 0; rows && i < json_array_size(departments); i++) {
		json_t *d = json_array_get(departments, i);

		if (json_is_integer(json_object_get(d, "quota")) &&
		    json_array_append(rows, d))
			rc = ctl_refuse(CTL_NO, "no memory");
	}
	if (rc == CTL_DONE && json_array_size(rows)) {
		putchar('\n');
		rc = ctl_table(rows, quota_columns, QUOTA_COLUMNS);
	}
	json_decref(rows);
	return rc;
}

static int
print_status(const json_t *s)
{
	json_t *facts = json_object();
	int rc;

	if (!facts || add(facts, "title", "%s", text_of(s, "title")) ||
	    add(facts, "state", "%s", text_of(s, "state")) ||
	    add(facts, "mountpoint", "%s", text_of(s, "mountpoint")) ||
	    add_processes(facts, s) || add_configuration(facts, s) ||
	    add_work(facts, s)) {
		json_decref(facts);
		return ctl_refuse(CTL_NO, "no memory");
	}
	rc = ctl_facts(facts);
	json_decref(facts);
	if (rc)
		return rc;
	print_warnings(s);
	putchar('\n');
	rc = ctl_table(json_object_get(s, "themes"), theme_columns,
		       THEME_COLUMNS);
	return rc ? rc : print_quotas(s);
}

/* ---- the verbs ----------------------------------------------------------- */

int
ctl_status(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	json_t *status;
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc)
		return rc;
	status = json_array_get(answer.items, 0);
	if (compare_files(ctl, status))
		return ctl_refuse(CTL_NO, "no memory");
	return ctl->json ? ctl_json(status) : print_status(status);
}

int
ctl_themes(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc = ctl_ask(ctl, &q, &answer);

	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(answer.items);
	return ctl_table(answer.items, theme_columns, THEME_COLUMNS);
}

/* submissions, receipt, release, wait: what came in and what became of it. */
#include "base/clock.h"
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/print.h"

#include <libgen.h>
#include <math.h>

/* ---- submissions --------------------------------------------------------- */

static const struct ctl_column columns[] = {
	{"submission", "SUBMISSION", CTL_TEXT},
	{"resource", "RESOURCE", CTL_TEXT},
	{"file", "FILE", CTL_TEXT},
	{"state", "STATE", CTL_TEXT},
	{"bytes", "BYTES", CTL_NUMBER},
	{"submitted_by", "BY", CTL_TEXT},
	{"received_at", "RECEIVED", CTL_TIME},
	{"judged_at", "JUDGED", CTL_TIME},
};

int
ctl_submissions(struct ctl *ctl)
{
	static const char *const options[] = {"department", "resource", "state",
					      "limit"};
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		ctl_question_option(&q, options[i], ctl_value(ctl, options[i]));
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(answer.items);
	return ctl_table(answer.items, columns,
			 sizeof(columns) / sizeof(*columns));
}

/* ---- receipt ------------------------------------------------------------- */

int
ctl_receipt(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	if (ctl->json && ctl_value(ctl, "text"))
		return ctl_refuse(CTL_USAGE, "--text and --json: give one");
	ctl_question_option(&q, "form", ctl->json ? "json" : "text");
	rc = ctl_ask(ctl, &q, &answer);
	return rc ? rc : ctl_print(buf_slice(&answer.text));
}

/* ---- release ------------------------------------------------------------- */

int
ctl_release(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	q.once = true;
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(json_array_get(answer.items, 0));
	printf("submission %s is being released: 'civicfs wait %s' waits for "
	       "it\n",
	       ctl->args[0], ctl->args[0]);
	return CTL_DONE;
}

/* ---- wait ---------------------------------------------------------------- */

static int
take_timeout(const struct ctl *ctl, int64_t *ret_deadline)
{
	const char *text = ctl_value(ctl, "timeout");
	char *end;
	double s;

	if (!text)
		return CTL_DONE;
	s = strtod(text, &end);
	if (end == text || *end || !isfinite(s) || s < 0 || s > 1e9)
		return ctl_refuse(CTL_USAGE,
				  "--timeout '%s': give a number of seconds",
				  text);
	*ret_deadline = clock_monotonic() + (int64_t)(s * (double)CLOCK_NS);
	return CTL_DONE;
}

/* A file below the mount by its whole path; the folder must be there, the
 * file need not. What cannot be found is left to the daemon as it is. */
static char *
whole_path(const char *path)
{
	scope_free char *copy = strdup(path);
	scope_free char *again = strdup(path);
	scope_free char *folder = NULL;
	char *whole;

	if (copy && again)
		folder = realpath(dirname(copy), NULL);
	if (!folder || asprintf(&whole, "%s/%s", folder, basename(again)) < 0)
		return strdup(path);
	return whole;
}

static int
print_verdict(const struct ctl *ctl, const struct ctl_answer *answer, int rc)
{
	const json_t *verdict = json_array_get(answer->items, 0);

	if (!ctl->json)
		return rc;
	if (verdict) {
		int printed = ctl_json(verdict);

		return rc ? rc : printed;
	}
	if (ctl->nargs == 0 && rc <= CTL_NO)
		puts(rc == CTL_DONE ? "{\"settled\": true}"
				    : "{\"settled\": false}");
	return rc;
}

int
ctl_wait(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	scope_free char *path = NULL;
	scope_answer answer = {0};
	int rc = take_timeout(ctl, &q.deadline);

	if (rc)
		return rc;
	if (ctl->nargs && !control_is_submission_id(ctl->args[0])) {
		path = whole_path(ctl->args[0]);
		if (!path)
			return ctl_refuse(CTL_NO, "no memory");
		q.request.args[0] = path;
	}
	rc = ctl_ask(ctl, &q, &answer);
	return print_verdict(ctl, &answer, rc);
}

/*
 * wait: until the verdicts are there, showing how far they are: a line on a
 * terminal that is written over, JSON lines with --json, else nothing.
 */
#include "base/clock.h"
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/print.h"
#include "ctl/progress.h"

#include <libgen.h>
#include <math.h>

/* How often the daemon tells how far it is. */
#define TERMINAL_MS "200"
#define JSON_MS "200"

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

/* ---- while it lasts ------------------------------------------------------ */

static void
show_on_terminal(void *ctx, const json_t *progress)
{
	if (progress)
		ctl_progress_show(ctx, progress);
	else
		ctl_progress_clear(ctx);
}

static void
print_line(void *ctx, const json_t *progress)
{
	(void)ctx;
	/* that it cannot be written is seen at the end */
	if (progress && ctl_json_line(progress) == CTL_DONE)
		fflush(stdout);
}

static void
ask_for_progress(const struct ctl *ctl, struct ctl_question *q,
		 struct ctl_progress_terminal *terminal)
{
	if (ctl->json) {
		q->progress = print_line;
		ctl_question_option(q, "progress_ms", JSON_MS);
	} else if (ctl_progress_is_terminal()) {
		q->progress = show_on_terminal;
		q->progress_ctx = terminal;
		ctl_question_option(q, "progress_ms", TERMINAL_MS);
	}
}

/* ---- the verb ------------------------------------------------------------ */

static int
print_verdict(const struct ctl *ctl, const struct ctl_answer *answer, int rc)
{
	const json_t *verdict = json_array_get(answer->items, 0);

	if (!ctl->json)
		return rc;
	if (verdict) {
		int printed = ctl_json_line(verdict);

		return rc ? rc : printed;
	}
	if (ctl->nargs == 0 && rc <= CTL_NO)
		puts(rc == CTL_DONE ? "{\"settled\":true}"
				    : "{\"settled\":false}");
	return rc;
}

int
ctl_wait(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	struct ctl_progress_terminal terminal = {0};
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
	ask_for_progress(ctl, &q, &terminal);
	rc = ctl_ask(ctl, &q, &answer);
	return print_verdict(ctl, &answer, rc);
}

/* The table of verbs: see verbs.h. Verbs of later versions are in it to be
 * refused by name, with what to do instead. */
#include "ctl/verbs.h"

#include "config/report.h"

#include <string.h>

#define ANY_NUMBER 16

const struct ctl_verb ctl_verbs[] = {
	{"status",
	 "",
	 "what runs, what is under way, the themes",
	 0,
	 0,
	 CTL_NEEDS_DAEMON,
	 ctl_status,
	 {{0}}},
	{"wait",
	 "[ID|PATH]",
	 "wait until every complete submission, or this one, has its verdict",
	 0,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_wait,
	 {{"timeout", "S", "end with 1 after S seconds"}}},
	{"submissions",
	 "[IDS]",
	 "what came in, the newest first, or these",
	 0,
	 ANY_NUMBER,
	 CTL_NEEDS_DAEMON,
	 ctl_submissions,
	 {{"department", "D", "of this department"},
	  {"resource", "D/R", "of this resource"},
	  {"state", "STATE", "in this state, for example quarantined"},
	  {"limit", "N", "at most N (1000; 0: all)"}}},
	{"receipt",
	 "ID",
	 "the answer to a submission",
	 1,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_receipt,
	 {{"text", NULL, "for people (unless --json)"}}},
	{"release",
	 "ID",
	 "accept a quarantined submission as it is",
	 1,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_release,
	 {{0}}},
	{"withdraw",
	 "ID",
	 "undo what a submission has done",
	 1,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_withdraw,
	 {{0}}},
	{"try",
	 "FILE DEPARTMENT/RESOURCE",
	 "judge a file without submitting it",
	 2,
	 2,
	 CTL_NEEDS_CONFIG,
	 ctl_try,
	 {{0}}},
	{"catalogue",
	 "list | show DEPARTMENT/RESOURCE | search WORDS",
	 "the registered resources",
	 1,
	 ANY_NUMBER,
	 CTL_NEEDS_DAEMON,
	 ctl_catalogue,
	 {{0}}},
	{"themes",
	 "",
	 "the themes and their newest versions",
	 0,
	 0,
	 CTL_NEEDS_DAEMON,
	 ctl_themes,
	 {{0}}},
	{"versions",
	 "THEME",
	 "the versions of a theme",
	 1,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_versions,
	 {{0}}},
	{"diff",
	 "THEME V1 V2",
	 "the net changes between two versions, as CSV",
	 3,
	 3,
	 CTL_NEEDS_DAEMON,
	 ctl_diff,
	 {{0}}},
	{"subject",
	 "THEME KEY",
	 "all that is known of one subject, with its origin",
	 2,
	 2,
	 CTL_NEEDS_DAEMON,
	 ctl_subject,
	 {{0}}},
	{"explain",
	 "[USER] PATH",
	 "who may read or write a file or folder, and the line that decides",
	 1,
	 2,
	 CTL_NEEDS_CONFIG,
	 ctl_explain,
	 {{0}}},
	{"verify",
	 "",
	 "read everything that was published again, and check it",
	 0,
	 0,
	 CTL_NEEDS_CONFIG,
	 ctl_verify,
	 {{0}}},
	{"gc",
	 "",
	 "remove now what has been kept long enough",
	 0,
	 0,
	 CTL_NEEDS_DAEMON,
	 ctl_gc,
	 {{"dry-run", NULL, "only count what would be removed"}}},
	{"push",
	 "[UPSTREAM]",
	 "send the changes of themes to other platforms, and bring the "
	 "receipts back",
	 0,
	 1,
	 CTL_NEEDS_DAEMON,
	 ctl_push,
	 {{0}}},
	{"backup",
	 "DIR",
	 "copy one moment of the state into an empty folder, while serving",
	 1,
	 1,
	 CTL_NEEDS_CONFIG,
	 ctl_backup,
	 {{0}}},
	{"restore",
	 "DIR",
	 "fill an empty state from a backup",
	 1,
	 1,
	 CTL_NEEDS_CONFIG,
	 ctl_restore,
	 {{"above", "N", "numbers go on above N (a million higher)"}}},
	{"check-config",
	 "",
	 "all that is wrong with the configuration",
	 0,
	 0,
	 CTL_NEEDS_NOTHING,
	 ctl_check_config,
	 {{0}}},
	{"doctor",
	 "",
	 "whether the machine and the setup are as needed",
	 0,
	 0,
	 CTL_NEEDS_CONFIG,
	 ctl_doctor,
	 {{0}}},
	{"reload",
	 "",
	 "check the configuration, and bring it into force if it is good",
	 0,
	 0,
	 CTL_NEEDS_DAEMON,
	 ctl_reload,
	 {{0}}},
	{"stop",
	 "",
	 "end the daemon and wait until the mount is gone",
	 0,
	 0,
	 CTL_NEEDS_DAEMON,
	 ctl_stop,
	 {{0}}},

	{.name = "desk",
	 .sentence = "'civicfs submissions --state quarantined' lists what "
		     "waits, 'civicfs release ID' decides"},
	{.name = "find",
	 .sentence = "search themes/THEME/data.csv or data.jsonl with grep"},
	{.name = "open", .sentence = "nothing is shown to the public yet"},
	{.name = "seal",
	 .sentence = "end the daemon with 'civicfs stop' to close everything"},
	{.name = "expunge",
	 .sentence = "nothing can be erased from earlier versions yet"},
	{.name = "supervision",
	 .sentence = "'civicfs submissions --json' has the times to compute "
		     "from"},
	{.name = "audit", .sentence = "there is no audit trail yet"},
	{0},
};

const struct ctl_verb *
ctl_verb_find(const char *name)
{
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

const char *
ctl_verb_nearest(const char *name)
{
	struct config_near near = CONFIG_NEAR_INIT(name);

	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		if (v->run)
			config_near_offer(&near, v->name);
	}
	return config_near_is_close(&near) ? near.name : NULL;
}

/* ---- help ---------------------------------------------------------------- */

static void
help_line(FILE *to, const char *what, const char *arguments,
	  const char *sentence)
{
	int n = fprintf(to, "  %s%s%s", what, *arguments ? " " : "", arguments);

	if (n < 0)
		return;
	if (n < 26)
		fprintf(to, "%*s", 26 - n, "");
	else
		fprintf(to, "\n%26s", "");
	fprintf(to, "%s\n", sentence);
}

static void
help_options(FILE *to, const struct ctl_verb *verb)
{
	for (size_t i = 0; i < CTL_OPTIONS_MAX && verb->options[i].name; i++) {
		const struct ctl_option *o = &verb->options[i];
		char name[64];

		snprintf(name, sizeof(name), "--%s", o->name);
		help_line(to, name, o->argument ? o->argument : "",
			  o->sentence);
	}
	help_line(to, "--json", "", "the same facts as JSON");
	help_line(to, "--help", "", "this text");
}

void
ctl_help(FILE *to)
{
	const char *separator = "\n  ";

	fprintf(to, "usage: civicfs -c CONFIG [--json] VERB [ARGUMENT …]\n"
		    "       civicfs VERB --help\n"
		    "       civicfs --help | --version\n\n");
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		if (v->run)
			help_line(to, v->name, v->arguments, v->sentence);
	}
	fprintf(to, "\nThese work without a daemon:");
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		if (!v->run || v->needs == CTL_NEEDS_DAEMON)
			continue;
		fprintf(to, "%s%s", separator, v->name);
		separator = ", ";
	}
	fprintf(to, "\n\nExit status: 0 done; 1 the answer is no; 2 wrong "
		    "usage or configuration;\n3 no daemon. See civicfs(1).\n");
}

void
ctl_help_verb(FILE *to, const struct ctl_verb *verb)
{
	fprintf(to, "usage: civicfs -c CONFIG %s%s%s%s\n%s\n\n", verb->name,
		verb->options[0].name ? " [OPTION …]" : "",
		*verb->arguments ? " " : "", verb->arguments, verb->sentence);
	help_options(to, verb);
}

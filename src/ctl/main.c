/* The command line: from words to a verb. See ctl.h. */
#include "ctl/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* ---- words --------------------------------------------------------------- */

enum { OPT_JSON = 256, OPT_HELP, OPT_VERSION, OPT_VERB };

static const struct option global_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

/* A word that getopt_long() did not take; optopt is a letter, 0 for a long
 * option that is none, or the number of one that lacks its argument. */
static int
bad_option(char **argv, const char *verb, int got)
{
	char letter[3] = {'-', (char)optopt, '\0'};
	const char *word =
		optopt && optopt < OPT_JSON ? letter : argv[optind - 1];
	char help[64] = "civicfs --help";

	if (*verb)
		snprintf(help, sizeof(help), "civicfs %s --help", verb);
	if (got == ':')
		return ctl_refuse(CTL_USAGE,
				  "option '%s' lacks its argument: '%s' shows "
				  "the options",
				  word, help);
	return ctl_refuse(CTL_USAGE,
			  "there is no option '%s': '%s' shows the options",
			  word, help);
}

/* Before the verb. CTL_DONE to go on; -1 when all is said. */
static int
take_global(struct ctl *ctl, int argc, char **argv)
{
	int got;

	opterr = 0;
	while ((got = getopt_long(argc, argv, "+:c:h", global_options, NULL)) !=
	       -1) {
		switch (got) {
		case 'c':
			ctl->config_path = optarg;
			break;
		case OPT_JSON:
			ctl->json = true;
			break;
		case 'h':
		case OPT_HELP:
			ctl_help(stdout);
			return -1;
		case OPT_VERSION:
			puts("civicfs " PACKAGE_VERSION);
			return -1;
		default:
			return bad_option(argv, "", got);
		}
	}
	return CTL_DONE;
}

static int
take_verb(struct ctl *ctl, const char *name)
{
	const char *near;

	ctl->verb = ctl_verb_find(name);
	if (ctl->verb)
		return CTL_DONE;
	near = ctl_verb_nearest(name);
	return ctl_refuse(CTL_USAGE,
			  "there is no verb '%s'%s%s%s: 'civicfs --help' lists "
			  "them",
			  name, near ? " (is '" : "", near ? near : "",
			  near ? "' meant?)" : "");
}

/* The verb's own options, which may stand anywhere behind it. */
static int
take_options(struct ctl *ctl, int argc, char **argv)
{
	struct option options[CTL_OPTIONS_MAX + 3] = {
		{"json", no_argument, NULL, OPT_JSON},
		{"help", no_argument, NULL, OPT_HELP},
	};
	int got;

	for (size_t i = 0; i < CTL_OPTIONS_MAX && ctl->verb->options[i].name;
	     i++)
		options[2 + i] = (struct option){ctl->verb->options[i].name,
						 ctl->verb->options[i].argument
							 ? required_argument
							 : no_argument,
						 NULL, OPT_VERB + (int)i};
	optind = 0; /* starts anew */
	while ((got = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (got == 'h' || got == OPT_HELP) {
			ctl_help_verb(stdout, ctl->verb);
			return -1;
		}
		if (got == OPT_JSON)
			ctl->json = true;
		else if (got >= OPT_VERB)
			ctl->values[got - OPT_VERB] = optarg ? optarg : "";
		else
			return bad_option(argv, ctl->verb->name, got);
	}
	ctl->args = argv + optind;
	ctl->nargs = (size_t)(argc - optind);
	return CTL_DONE;
}

/* Whatever it is given: what it will take is not known yet. */
static int
refuse_later(const struct ctl_verb *verb)
{
	return ctl_refuse(CTL_USAGE,
			  "'%s' is not part of this version "
			  "(" PACKAGE_VERSION "): %s",
			  verb->name, verb->sentence);
}

static int
check_arguments(const struct ctl *ctl)
{
	const struct ctl_verb *verb = ctl->verb;

	if (ctl->nargs >= verb->min && ctl->nargs <= verb->max)
		return CTL_DONE;
	return ctl_refuse(CTL_USAGE, "usage: civicfs -c CONFIG %s%s%s",
			  verb->name, *verb->arguments ? " " : "",
			  verb->arguments);
}

static int
run(struct ctl *ctl, int argc, char **argv)
{
	int at, rc = take_global(ctl, argc, argv);

	if (rc)
		return rc;
	at = optind;
	if (at == argc) {
		ctl_help(stderr);
		return CTL_USAGE;
	}
	rc = take_verb(ctl, argv[at]);
	if (rc)
		return rc;
	if (!ctl->verb->run)
		return refuse_later(ctl->verb);
	rc = take_options(ctl, argc - at, argv + at);
	if (!rc)
		rc = check_arguments(ctl);
	if (!rc && ctl->verb->needs != CTL_NEEDS_NOTHING)
		rc = ctl_load(ctl);
	return rc ? rc : ctl->verb->run(ctl);
}

/* What is printed is UTF-8, whatever the locale: only widths depend on it. */
static void
set_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int
main(int argc, char **argv)
{
	struct ctl ctl = {0};
	int rc;

	set_locale();
	rc = run(&ctl, argc, argv);
	config_free(ctl.config);
	free(ctl.found_state);
	if (rc < 0)
		rc = CTL_DONE;
	if (fflush(stdout) || ferror(stdout))
		return ctl_refuse(rc ? rc : CTL_NO,
				  "standard output: %s: the answer is cut off",
				  strerror(errno));
	return rc;
}

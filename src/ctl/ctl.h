/*
 * The command line, civicfs -c CONFIG [--json] VERB …: a table of verbs
 * (verbs.c), a function each, and what they share.
 *
 * Facts go to standard output, as a table or as JSON; everything else to
 * standard error, begun by the program's name. A verb returns an exit status.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/buf.h"
#include "config/config.h"

/* Exit statuses (SPEC 2). */
enum ctl_exit { CTL_DONE, CTL_NO, CTL_USAGE, CTL_NO_DAEMON };

#define CTL_OPTIONS_MAX 4

/* An option of a verb; 'argument' NULL: it takes none. */
struct ctl_option {
	const char *name, *argument, *sentence;
};

struct ctl;

/* One row of the table. 'run' NULL: the verb is of a later version, and
 * 'sentence' says what to do instead. */
struct ctl_verb {
	const char *name;
	const char *arguments; /* for people */
	const char *sentence;
	size_t min, max; /* arguments */
	enum ctl_needs {
		CTL_NEEDS_NOTHING,
		CTL_NEEDS_CONFIG, /* ctl->config is loaded */
		CTL_NEEDS_DAEMON  /* and somebody must answer */
	} needs;
	int (*run)(struct ctl *ctl);
	struct ctl_option options[CTL_OPTIONS_MAX]; /* ended by no name */
};

/* One call of the program. */
struct ctl {
	const struct ctl_verb *verb;
	const char *config_path; /* as given; NULL not given */
	struct config *config; /* NULL: not needed; or wrong, and a daemon that
				* has another one in force is asked */
	const char *state;     /* its folder */
	char *found_state;     /* owns it when there is no config */
	bool json;
	const char *values[CTL_OPTIONS_MAX]; /* of the verb's options, or NULL;
					      * "" for those without argument */
	char **args;
	size_t nargs;
};

/* Standard error: "civicfs: …". Returns 'exit_status'. */
int ctl_refuse(int exit_status, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What was given for an option of the verb, NULL when it was not. */
const char *ctl_value(const struct ctl *ctl, const char *name);

/* Loads ctl->config, or says all that is wrong with it: CTL_DONE, CTL_USAGE;
 * CTL_NO when the machine fails. For a verb that needs no more than the
 * daemon, one that lives on the state is enough. */
MUST_CHECK int ctl_load(struct ctl *ctl);

/* The exit status for a code with its text, which is said. */
int ctl_failed(int code, const struct error *err);

/* ---- the verbs ----------------------------------------------------------- */

int ctl_catalogue(struct ctl *ctl);
int ctl_check_config(struct ctl *ctl);
int ctl_diff(struct ctl *ctl);
int ctl_doctor(struct ctl *ctl);
int ctl_explain(struct ctl *ctl);
int ctl_backup(struct ctl *ctl);
int ctl_gc(struct ctl *ctl);
int ctl_push(struct ctl *ctl);
int ctl_receipt(struct ctl *ctl);
int ctl_restore(struct ctl *ctl);
int ctl_release(struct ctl *ctl);
int ctl_withdraw(struct ctl *ctl);
int ctl_reload(struct ctl *ctl);
int ctl_status(struct ctl *ctl);
int ctl_stop(struct ctl *ctl);
int ctl_subject(struct ctl *ctl);
int ctl_submissions(struct ctl *ctl);
int ctl_themes(struct ctl *ctl);
int ctl_try(struct ctl *ctl);
int ctl_verify(struct ctl *ctl);
int ctl_versions(struct ctl *ctl);
int ctl_wait(struct ctl *ctl);

#endif

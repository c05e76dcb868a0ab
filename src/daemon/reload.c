/*
 * Another configuration for a keeper that runs. A checker says whether the
 * files are good (check.h); then the worker ends what it has begun, and the
 * next one starts under what was checked. Nothing is in flight at that moment,
 * so it works on every kernel, and who reads or writes waits a moment at most.
 */
#include "daemon/keep.h"

#include "base/scope.h"
#include "daemon/check.h"

#include <signal.h>
#include <sys/wait.h>

static void
refuse(int answer, int status, const char *why)
{
	if (*why)
		daemon_check_say(answer, 'E', "%s", why);
	if (answer >= 0)
		daemon_check_say(answer, 'R', "%d", status);
	else
		SAY(LOG_ERR, "the configuration stays as it was");
}

static int
begin(struct keeper *k, int answer, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	pid_t pid;
	int rc = daemon_check_open(&shared->check_files, err);

	if (rc)
		return rc;
	shared->check_answer = answer < 0 ? -1 : dup(answer);
	pid = daemon_role_start(DAEMON_CHECKER, shared, err);
	if (pid < 0)
		return (int)pid;
	k->checker = pid;
	return 0;
}

static void
close_check(struct daemon_shared *shared)
{
	if (shared->check_files >= 0)
		close(shared->check_files);
	if (shared->check_answer >= 0)
		close(shared->check_answer);
	shared->check_files = shared->check_answer = -1;
}

void
daemon_keep_reload(struct keeper *k, int answer)
{
	struct error err = ERROR_INIT;

	if (k->checker || k->draining_since || k->earlier) {
		if (answer < 0)
			k->asked_again = true;
		else
			daemon_check_say(answer, 'A', "%s", "");
		return;
	}
	k->asked_again = false;
	if (begin(k, answer, &err)) {
		refuse(answer, 1, err.text);
		close_check(k->shared);
	}
}

/* ---- what the checker says ----------------------------------------------- */

static void
change(struct keeper *k, struct config *next)
{
	struct daemon_shared *shared = k->shared;

	daemon_check_say(shared->check_answer, 'D', "%s", next->digest);
	k->earlier = shared->config;
	k->earlier_since = shared->config_since;
	shared->config = next;
	shared->config_since = clock_now();
	shared->reloaded = true;
	*shared->refused = '\0';
	if (!k->worker)
		return; /* the next one is due anyway */
	k->draining_since = clock_monotonic();
	kill(k->worker, SIGUSR1);
}

void
daemon_keep_checked(struct keeper *k, int status)
{
	struct daemon_shared *shared = k->shared;
	struct config *next = NULL;
	struct error err = ERROR_INIT;

	k->checker = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) != DAEMON_CHECK_GOOD)
		refuse(shared->check_answer, WEXITSTATUS(status), "");
	else if (!WIFEXITED(status))
		refuse(shared->check_answer, 1,
		       "the process that read the files has died: reload "
		       "again");
	else if (daemon_check_take(shared->check_files, &next, &err))
		refuse(shared->check_answer, 1, err.text);
	else
		change(k, next);
	close_check(shared);
}

/* ---- what comes of it ---------------------------------------------------- */

void
daemon_keep_take_back(struct keeper *k)
{
	struct daemon_shared *shared = k->shared;
	struct error err = ERROR_INIT;

	snprintf(shared->refused, sizeof(shared->refused), "%s",
		 *k->trouble ? k->trouble : "the worker died under it");
	SAY(LOG_ERR,
	    "the new configuration is taken back, the earlier one is in "
	    "force: %s",
	    shared->refused);
	config_free(shared->config);
	shared->config = k->earlier;
	shared->config_since = k->earlier_since;
	k->earlier = NULL;
	if (clock_set_zone(shared->config->timezone, &err))
		SAY(LOG_ERR, "%s", err.text);
	k->failures = k->faults = (struct keeper_deaths){0};
	k->try_at = clock_monotonic();
}

void
daemon_keep_settle(struct keeper *k)
{
	if (k->earlier) {
		config_free(k->earlier);
		k->earlier = NULL;
		SAY(LOG_NOTICE, "a new configuration is in force");
	}
	if (k->asked_again)
		daemon_keep_reload(k, -1);
}

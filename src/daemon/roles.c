/* The table of roles, and what each is left with: see roles.h. */
#include "daemon/roles.h"

#include "daemon/check.h"
#include "daemon/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*run)(const struct daemon_shared *shared);
	/* as root, before everything is dropped; NULL: nothing. An exit status
	 * that is not 0 ends the process. */
	int (*prepare)(const struct daemon_shared *shared);
	uint32_t capabilities; /* that it keeps */
} roles[] = {
	/* the worker outlives its keeper, so that open files go on, but not
	 * before it can be found by the next one: worker.c */
	[DAEMON_WORKER] = {"worker", daemon_worker, NULL},
	[DAEMON_NOTIFIER] = {"notifier", daemon_notifier, NULL},
	/* what it may enter and touch is answered by the worker */
	[DAEMON_HERALD] = {"herald", daemon_herald, NULL,
			   1u << CAP_DAC_OVERRIDE},
	[DAEMON_CHECKER] = {"checker", daemon_checker, daemon_check_read},
	[DAEMON_STANDIN] = {"stand-in", daemon_standin, NULL},
};

static int
set_capabilities(uint32_t capabilities)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = capabilities, .permitted = capabilities}};

	return (int)syscall(SYS_capset, &header, data);
}

/* Of those that the change of user has left to it. In a container that does
 * not have them a role goes without any. */
static int
keep_capabilities(uint32_t capabilities)
{
	return capabilities && set_capabilities(capabilities)
		       ? set_capabilities(0)
		       : 0;
}

static int
drop_rights(const struct daemon_users *users, uint32_t capabilities,
	    struct error *err)
{
	if (prctl(PR_SET_KEEPCAPS, capabilities != 0, 0, 0, 0) ||
	    setgroups(0, NULL) ||
	    setresgid(users->worker_gid, users->worker_gid,
		      users->worker_gid) ||
	    setresuid(users->worker_uid, users->worker_uid,
		      users->worker_uid) ||
	    keep_capabilities(capabilities) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_errno(err, errno,
				   "cannot become the service user");
	return 0;
}

/* A worker is asked to hand over by SIGUSR1, however young it is. */
static void
reset_signals(enum daemon_role role)
{
	sigset_t set;

	sigemptyset(&set);
	if (role == DAEMON_WORKER)
		sigaddset(&set, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static _Noreturn void
become(enum daemon_role role, const struct daemon_shared *shared)
{
	struct error err = ERROR_INIT;
	int rc = 0;

	prctl(PR_SET_NAME, roles[role].name, 0, 0, 0);
	close(shared->lock);
	if (shared->keeper_link >= 0)
		close(shared->keeper_link);
	if (shared->ready_fd >= 0)
		close(shared->ready_fd);
	reset_signals(role);
	if (roles[role].prepare)
		rc = roles[role].prepare(shared);
	if (rc)
		_exit(rc);
	if (drop_rights(&shared->users, roles[role].capabilities, &err)) {
		daemon_log(roles[role].name, LOG_ERR, "%s", err.text);
		_exit(1);
	}
	/* after the change of user, which clears it; the keeper may have died
	 * before */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != shared->keeper)
		_exit(1);
	_exit(roles[role].run(shared));
}

pid_t
daemon_role_start(enum daemon_role role, const struct daemon_shared *shared,
		  struct error *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return error_errno(err, errno, "cannot start the %s",
				   roles[role].name);
	if (pid == 0)
		become(role, shared);
	return pid;
}

/*
 * The keeper and its workers: one always lives, or is about to. What kills a
 * worker at once, again and again, slows the attempts down, and after a while
 * a stand-in answers the kernel in between, so that nobody waits for ever; the
 * mount stays in any case.
 */
#include "daemon/keep.h"

#include "base/io.h"
#include "base/scope.h"
#include "control/control.h"
#include "daemon/link.h"
#include "daemon/proc.h"
#include "daemon/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define AT_ONCE_NS (CLOCK_NS / 10) /* a life that is none */
#define FAILING_NS (5 * CLOCK_NS)  /* of such lives, until callers are told */
#define KILLED_NS (30 * CLOCK_NS)  /* the same when somebody kills them */
#define FAILURES_LEAST 5
#define FAILURES_FAST 20 /* as many are started again without a pause */
#define PAUSE_MAX_NS (5 * CLOCK_NS)
#define PAUSE_KILLED_NS (CLOCK_NS / 20)
#define STANDIN_NS (CLOCK_NS / 4) /* its least time between two attempts */
#define STANDIN_END_MS 1000	  /* for it to end by itself */
#define HANGING_NS CLOCK_NS	  /* for the threads of a dead worker */
#define SILENT_NS (4 * CLOCK_NS)  /* without a beat: it hangs */
#define DRAIN_NS (20 * CLOCK_NS)  /* for a worker to make room */
#define LOOK_NS (2 * KEEPER_TICK_MS * (CLOCK_NS / 1000))

/* ---- starting ------------------------------------------------------------ */

int
daemon_keep_start_worker(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return error_errno(err, errno, "link to the worker");
	if (shared->keeper_link >= 0)
		close(shared->keeper_link);
	shared->keeper_link = ends[0];
	shared->generation++;
	shared->link = ends[1];
	daemon_beat_clear(shared->beat);
	pid = daemon_role_start(DAEMON_WORKER, shared, err);
	close(ends[1]);
	shared->link = -1;
	if (pid < 0)
		return (int)pid;
	k->worker = pid;
	k->worker_ready = false;
	k->dying_since = 0;
	k->watch = (struct daemon_watch){0};
	return 0;
}

int
daemon_keep_start(struct keeper *k, enum daemon_role role, pid_t *pid,
		  struct error *err)
{
	pid_t started = *pid ? *pid : daemon_role_start(role, k->shared, err);

	if (started < 0)
		return (int)started;
	*pid = started;
	return 0;
}

/* ---- failing ------------------------------------------------------------- */

/* For the command line, while there is nobody it could ask. The folder is the
 * worker's user's: what lies there is replaced, not written to. */
static void
leave_note(const struct keeper *k)
{
	int dir = k->shared->state_dir;
	scope_fd fd = -1;

	unlinkat(dir, CONTROL_TROUBLE, 0);
	fd = openat(dir, CONTROL_TROUBLE,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && !io_write(fd, k->trouble, strlen(k->trouble), NULL))
		(void)!fchown(fd, k->shared->users.worker_uid,
			      k->shared->users.worker_gid);
}

static void
start_standin(struct keeper *k)
{
	struct error err = ERROR_INIT;
	pid_t pid = daemon_role_start(DAEMON_STANDIN, k->shared, &err);

	if (pid < 0) {
		SAY(LOG_ERR, "%s", err.text);
		return;
	}
	k->standin = pid;
	if (k->try_at < clock_monotonic() + STANDIN_NS)
		k->try_at = clock_monotonic() + STANDIN_NS;
	if (!*k->trouble)
		snprintf(k->trouble, sizeof(k->trouble),
			 "%d workers have died one after the other",
			 k->failures.n);
	leave_note(k);
	SAY(LOG_CRIT,
	    "no worker can serve: %s; calls on '%s' fail with EIO until one "
	    "can, it is tried again and again",
	    k->trouble, k->shared->mountpoint);
}

void
daemon_keep_end_standin(struct keeper *k)
{
	int waited = 0;

	if (!k->standin)
		return;
	kill(k->standin, SIGTERM);
	while (waitpid(k->standin, NULL, WNOHANG) == 0) {
		poll(NULL, 0, 1);
		if (waited++ == STANDIN_END_MS)
			kill(k->standin, SIGKILL);
	}
	k->standin = 0;
}

/* A worker that lives on has overcome it. */
static void
forget_failures(struct keeper *k)
{
	if (!k->failures.n)
		return;
	k->failures = k->faults = (struct keeper_deaths){0};
	*k->trouble = '\0';
	unlinkat(k->shared->state_dir, CONTROL_TROUBLE, 0);
}

static bool
have_lasted(const struct keeper_deaths *d, int64_t now, int64_t patience)
{
	return d->n >= FAILURES_LEAST && now - d->since >= patience;
}

/* SIGKILL is no defect but somebody's will, or the machine's need: whoever
 * calls should not see it, however often it comes. */
static bool
is_failing(const struct keeper *k, int64_t now)
{
	return have_lasted(&k->faults, now, FAILING_NS) ||
	       have_lasted(&k->failures, now, KILLED_NS);
}

static void
count(struct keeper_deaths *d, int64_t now)
{
	if (!d->n++)
		d->since = now;
}

/* A death before the worker is ready, or at the first request, is likely to
 * come again. */
static void
count_failure(struct keeper *k, bool killed, int64_t now)
{
	int64_t most = killed ? PAUSE_KILLED_NS : PAUSE_MAX_NS;
	int64_t pause = CLOCK_NS / 1000;
	int n;

	if (k->worker_ready && now - k->ready_at >= AT_ONCE_NS) {
		forget_failures(k);
		k->try_at = now;
		return;
	}
	count(&k->failures, now);
	if (!killed)
		count(&k->faults, now);
	n = k->worker_ready ? k->failures.n - FAILURES_FAST : k->failures.n;
	for (int i = 1; i < n && pause < most; i++)
		pause *= 2;
	k->try_at = n <= 0 ? now : now + (pause < most ? pause : most);
}

/* ---- replacing ----------------------------------------------------------- */

/* Where the kernel cannot send requests again (before 6.9), those that a dead
 * worker had taken would hang for ever: they end with the mount, and a new one
 * takes its place. */
static void
save_requests(struct keeper *k, bool clean)
{
	struct error err = ERROR_INIT;

	if (daemon_tree_is_alive(k->shared) &&
	    (clean || k->shared->kernel_resends))
		return;
	if (daemon_tree_again(k->shared, &err)) {
		SAY(LOG_ERR, "%s", err.text);
		k->ending = k->failed = true;
	}
}

static void
bury(struct keeper *k, int status)
{
	int64_t now = clock_monotonic();
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool hopeless =
		WIFEXITED(status) && WEXITSTATUS(status) == DAEMON_HOPELESS;
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	k->worker = 0;
	k->draining_since = 0;
	if (k->ending)
		return;
	if (hopeless && !k->earlier && !k->ready) {
		k->ending = k->failed = true;
		return;
	}
	if (clean)
		k->try_at = now;
	else
		count_failure(k, killed, now);
	if (k->earlier && (hopeless || is_failing(k, now)))
		daemon_keep_take_back(k);
	save_requests(k, clean);
}

/* Unmounted, which is an order to end; or aborted, which is not. */
static void
lose_mount(struct keeper *k)
{
	struct error err = ERROR_INIT;

	k->worker = 0;
	k->draining_since = 0;
	k->try_at = clock_monotonic();
	if (daemon_tree_is_listed(k->shared, &err) > 0) {
		SAY(LOG_ERR, "the mount at '%s' was aborted: making it again",
		    k->shared->mountpoint);
		save_requests(k, false);
		return;
	}
	SAY(LOG_NOTICE, "'%s' has been unmounted", k->shared->mountpoint);
	k->ending = true;
}

static void
mourn(struct keeper *k, int status)
{
	bool exited = WIFEXITED(status);
	bool clean = exited && WEXITSTATUS(status) == 0;

	if (k->ending) {
		k->worker = 0;
		return;
	}
	if (!daemon_tree_is_alive(k->shared)) {
		lose_mount(k);
		return;
	}
	if (!k->draining_since || !clean)
		SAY(LOG_WARNING, "worker %d has died (%s %d): starting another",
		    k->worker, exited ? "exit" : "signal",
		    exited ? WEXITSTATUS(status) : WTERMSIG(status));
	bury(k, status);
}

/*
 * A worker whose first thread has died while another hangs in the kernel is
 * never reaped, but it is dead. Most are on their way out: those are waited
 * for, because a write that was under way must not land beside those of the
 * next worker.
 */
static bool
is_hanging(struct keeper *k)
{
	struct daemon_proc proc;

	if (daemon_proc_read(k->worker, &proc) || proc.state != 'Z')
		return false;
	if (!k->dying_since)
		k->dying_since = clock_monotonic();
	return clock_monotonic() - k->dying_since >= HANGING_NS;
}

static void
reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == k->worker) {
			mourn(k, status);
		} else if (pid == k->checker) {
			daemon_keep_checked(k, status);
		} else if (pid == k->standin) {
			k->standin = 0;
		} else if (pid == k->shared->notifier) {
			k->shared->notifier = 0;
			if (!k->ending)
				SAY(LOG_WARNING, "notifier %d has died", pid);
		} else if (pid == k->shared->herald) {
			k->shared->herald = 0;
			if (!k->ending)
				SAY(LOG_WARNING, "herald %d has died", pid);
		}
	}
	if (k->worker && is_hanging(k)) {
		SAY(LOG_WARNING,
		    "worker %d has died and hangs in the kernel: starting "
		    "another",
		    k->worker);
		bury(k, SIGKILL);
	}
}

/* A debugger may hold it as long as it likes. */
static bool
is_traced(pid_t pid)
{
	struct daemon_proc proc;

	return !daemon_proc_read(pid, &proc) && proc.state == 't';
}

/* A thread that waits for a disk gets on as soon as the disk does. */
static bool
waits_for_disk(pid_t thread)
{
	struct daemon_proc proc;

	return !daemon_proc_read(thread, &proc) && proc.state == 'D';
}

/* Whether a thread of it is caught in a loop, or hangs. */
static bool
is_stuck(struct keeper *k)
{
	const struct daemon_beat *beat = k->shared->beat;
	pid_t thread =
		daemon_watch_stuck(&k->watch, beat, k->shared->patience_ns);

	if (!thread)
		return false;
	if (waits_for_disk(thread) || is_traced(k->worker)) {
		daemon_watch_forgive(&k->watch, beat, thread);
		return false;
	}
	SAY(LOG_ERR,
	    "thread %d of worker %d has made no step for %lld s: killing it",
	    thread, k->worker, (long long)(k->shared->patience_ns / CLOCK_NS));
	return true;
}

static void
watch(struct keeper *k, int64_t now)
{
	int64_t silent =
		daemon_watch_look(&k->watch, k->shared->beat, now, LOOK_NS);

	if (silent >= SILENT_NS && !is_traced(k->worker)) {
		SAY(LOG_ERR, "worker %d does nothing any more: killing it",
		    k->worker);
		kill(k->worker, SIGKILL);
		k->watch = (struct daemon_watch){0};
	} else if (is_stuck(k)) {
		kill(k->worker, SIGKILL);
		k->watch = (struct daemon_watch){0};
	}
	if (k->draining_since && now - k->draining_since >= DRAIN_NS) {
		SAY(LOG_WARNING, "worker %d does not end: killing it",
		    k->worker);
		kill(k->worker, SIGKILL);
		k->draining_since = now;
	}
	if (k->worker_ready && now - k->ready_at >= AT_ONCE_NS)
		forget_failures(k);
}

static void
start_missing(struct keeper *k, int64_t now)
{
	struct error err = ERROR_INIT;
	int rc;

	rc = daemon_keep_start(k, DAEMON_NOTIFIER, &k->shared->notifier, &err);
	if (!rc)
		rc = daemon_keep_start(k, DAEMON_HERALD, &k->shared->herald,
				       &err);
	if (rc)
		SAY(LOG_ERR, "%s", err.text);
	if (k->worker)
		return;
	if (!k->standin && is_failing(k, now))
		start_standin(k);
	if (now < k->try_at)
		return;
	daemon_keep_end_standin(k);
	if (daemon_keep_start_worker(k, &err)) {
		SAY(LOG_ERR, "%s", err.text);
		k->worker_ready = false;
		count_failure(k, true, now);
	}
}

void
daemon_keep_look(struct keeper *k)
{
	reap(k);
	if (k->ending)
		return;
	if (k->worker)
		watch(k, clock_monotonic());
	start_missing(k, clock_monotonic());
}

int
daemon_keep_pause_ms(const struct keeper *k)
{
	int64_t left = k->try_at - clock_monotonic();

	if (k->worker || left >= KEEPER_TICK_MS * (CLOCK_NS / 1000))
		return KEEPER_TICK_MS;
	return left > 0 ? (int)(left / (CLOCK_NS / 1000)) + 1 : 0;
}

void
daemon_keep_worker_ready(struct keeper *k)
{
	k->worker_ready = true;
	k->ready_at = clock_monotonic();
	daemon_keep_settle(k);
}

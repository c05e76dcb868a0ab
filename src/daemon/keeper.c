/*
 * The keeper's life: start, wait, restart, end. It runs one thread and never
 * looks at a delivered byte. See roles.h and DESIGN 2 for why it is so.
 */
#include "daemon/keeper.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "daemon/link.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/proc.h"
#include "decode/decode.h"
#include "mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <syslog.h>

#define SAY(priority, ...) daemon_log("keeper", priority, __VA_ARGS__)

#define TYPE "fuse.civicfs"
#define DRAIN_NS (10 * CLOCK_NS) /* for the worker to end by itself */
#define BACKOFF_MAX_MS 5000
#define ZOMBIE_CHECK_MS 200
#define HANGING_NS CLOCK_NS /* for the threads of a dead worker to end */

struct keeper {
	struct daemon_shared *shared;
	int signals; /* signalfd */
	int link;    /* the keeper's end */
	pid_t worker;
	bool worker_ready;   /* it has said so */
	int64_t dying_since; /* 0: it lives */
	int backoff_ms;
	bool ready;
	bool ending;
	bool failed;
};

/* ---- the mount ----------------------------------------------------------- */

/*
 * A mount that a dead keeper left: nobody will ever answer it. statfs() is
 * answered by no cache, and while processes of the dead one are still on
 * their way out it waits for the last of them.
 */
static void
clear_mountpoint(const struct daemon_shared *shared)
{
	struct statfs st;

	while (statfs(shared->mountpoint, &st) &&
	       (errno == ENOTCONN || errno == ECONNABORTED)) {
		SAY(LOG_NOTICE, "replacing the dead mount at '%s'",
		    shared->mountpoint);
		if (umount2(shared->mountpoint, MNT_DETACH))
			break;
	}
}

static void
end_left_worker(const struct daemon_shared *shared)
{
	pid_t pid = daemon_state_worker(shared->note);
	int waited = 0;

	if (!pid)
		return;
	SAY(LOG_NOTICE, "ending worker %d, whose keeper has died", pid);
	kill(pid, SIGKILL);
	/* the mount goes with its last descriptor of /dev/fuse */
	while (daemon_state_worker(shared->note) == pid && waited++ < 500)
		poll(NULL, 0, 10);
}

static void
close_table(FILE **table)
{
	if (*table)
		endmntent(*table);
}

/* Another state may live here: nothing is ever mounted over it. */
static int
refuse_second_mount(const struct daemon_shared *shared, struct error *err)
{
	__attribute__((cleanup(close_table))) FILE *table =
		setmntent("/proc/self/mounts", "re");
	char text[2 * PATH_MAX];
	struct mntent entry;

	if (!table)
		return error_errno(err, errno, "cannot list what is mounted");
	while (getmntent_r(table, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_type, TYPE) == 0 &&
		    strcmp(entry.mnt_dir, shared->mountpoint) == 0)
			return error_set(err, ERR_BUSY,
					 "'%s' has another city mounted: end "
					 "that first, or choose another mount "
					 "point",
					 shared->mountpoint);
	}
	return 0;
}

static int
mount_tree(struct daemon_shared *shared, struct error *err)
{
	char options[128];

	shared->fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (shared->fuse_fd < 0)
		return error_errno(err, errno,
				   "cannot open /dev/fuse (modprobe fuse?)");
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,"
		 "default_permissions",
		 shared->fuse_fd, getuid(), getgid());
	if (mount("civicfs", shared->mountpoint, TYPE, MS_NOSUID | MS_NODEV,
		  options))
		return error_errno(err, errno, "cannot mount at '%s'",
				   shared->mountpoint);
	return 0;
}

/* The kernel's first request; the answer is ours, and every worker is told
 * what it was. */
static int
agree(struct daemon_shared *shared, struct error *err)
{
	struct mount_init init;
	ssize_t n;
	int rc;

	shared->init = malloc(MOUNT_REQUEST_MAX);
	if (!shared->init)
		return error_nomem(err);
	do {
		n = read(shared->fuse_fd, shared->init, MOUNT_REQUEST_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, errno, "the kernel's first request");
	shared->init_len = (size_t)n;
	rc = mount_init_reply(shared->init, shared->init_len, &init, err);
	if (rc)
		return rc;
	shared->kernel_resends = init.resend && !shared->no_resend;
	return io_write(shared->fuse_fd, init.reply, init.reply_len, err);
}

/* A number that no other mount of this state has. */
static int
new_session(struct daemon_shared *shared, struct error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_errno(err, errno, "random number");
	shared->session = (int64_t)(number >> 2) + 1;
	return 0;
}

/* ---- the worker ---------------------------------------------------------- */

static int
start_worker(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return error_errno(err, errno, "link to the worker");
	shared->generation++;
	shared->link = ends[1];
	pid = daemon_role_start(DAEMON_WORKER, shared, err);
	close(ends[1]);
	shared->link = -1;
	if (pid < 0) {
		close(ends[0]);
		return (int)pid;
	}
	if (k->link >= 0)
		close(k->link);
	k->link = ends[0];
	k->worker = pid;
	k->worker_ready = false;
	k->dying_since = 0;
	return 0;
}

static int
start_notifier(struct keeper *k, struct error *err)
{
	pid_t pid = daemon_role_start(DAEMON_NOTIFIER, k->shared, err);

	if (pid < 0)
		return (int)pid;
	k->shared->notifier = pid;
	return 0;
}

/* Workers that die before they are ready are slowed down, never given up: the
 * mount stays. */
static void
back_off(struct keeper *k)
{
	if (k->worker_ready) {
		k->backoff_ms = 0;
		return;
	}
	k->backoff_ms = k->backoff_ms ? 2 * k->backoff_ms : 1;
	if (k->backoff_ms > BACKOFF_MAX_MS)
		k->backoff_ms = BACKOFF_MAX_MS;
	poll(NULL, 0, k->backoff_ms);
}

/* Where the kernel cannot send requests again (before 6.9), those that the
 * dead worker had taken would hang for ever: they end with the mount, and a
 * new one takes its place. */
static int
mount_again(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	int rc;

	/* never twice: what lies below is not ours */
	if (umount2(shared->mountpoint, MNT_FORCE))
		umount2(shared->mountpoint, MNT_DETACH);
	if (shared->notifier)
		kill(shared->notifier, SIGKILL); /* it holds /dev/fuse */
	close(shared->fuse_fd);
	free(shared->init);
	shared->init = NULL;
	shared->generation = 0;
	rc = new_session(shared, err);
	if (!rc)
		rc = mount_tree(shared, err);
	return rc ? rc : agree(shared, err);
}

static void
replace_worker(struct keeper *k)
{
	struct error err = ERROR_INIT;
	int rc = 0;

	k->worker = 0;
	if (k->ending)
		return;
	back_off(k);
	if (!k->shared->kernel_resends)
		rc = mount_again(k, &err);
	if (!rc)
		rc = start_worker(k, &err);
	if (rc)
		SAY(LOG_ERR, "%s", err.text);
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

static bool
is_mounted(const struct daemon_shared *shared)
{
	struct pollfd p = {.fd = shared->fuse_fd};

	return poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLHUP));
}

static void
mourn(struct keeper *k, int status)
{
	if (k->ending)
		return;
	if (!is_mounted(k->shared)) {
		SAY(LOG_NOTICE, "'%s' has been unmounted",
		    k->shared->mountpoint);
		k->ending = true;
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == DAEMON_HOPELESS) {
		k->ending = k->failed = true;
		return;
	}
	SAY(LOG_WARNING, "worker %d has died (%s %d): starting another",
	    k->worker, WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void
reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct error err = ERROR_INIT;

		if (pid == k->worker) {
			mourn(k, status);
			replace_worker(k);
		} else if (pid == k->shared->notifier && !k->ending) {
			SAY(LOG_WARNING, "notifier %d has died", pid);
			if (start_notifier(k, &err))
				SAY(LOG_ERR, "%s", err.text);
		}
	}
	if (k->worker && is_hanging(k)) {
		SAY(LOG_WARNING,
		    "worker %d has died and hangs in the kernel: starting "
		    "another",
		    k->worker);
		replace_worker(k);
	}
}

/* ---- what the worker asks for -------------------------------------------- */

static _Noreturn void
become_decoder(const struct keeper *k, const int fds[LINK_FDS])
{
	const struct daemon_users *u = &k->shared->users;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "decoder", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	decode_process(fds[0], fds[1], fds[2], u->decoder_uid, u->decoder_gid);
}

static void
start_decoder(struct keeper *k, const int fds[LINK_FDS])
{
	struct link_message done = {.kind = LINK_DONE};
	struct error err = ERROR_INIT;
	pid_t pid;

	if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0) {
		done.value = -EBADF;
	} else {
		pid = fork();
		if (pid == 0)
			become_decoder(k, fds);
		done.value = pid < 0 ? -errno : 0;
	}
	if (daemon_link_send(k->link, &done, NULL, 0, &err))
		SAY(LOG_WARNING, "%s", err.text);
}

/* The launcher ends now, and with it who read our standard error. */
static void
leave_launcher(void)
{
	scope_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
}

static void
become_ready(struct keeper *k)
{
	k->worker_ready = true;
	if (k->ready)
		return;
	k->ready = true;
	daemon_notify_manager("READY=1");
	if (k->shared->ready_fd < 0)
		return;
	if (write(k->shared->ready_fd, "r", 1) != 1)
		SAY(LOG_WARNING, "nobody waits any more");
	close(k->shared->ready_fd);
	k->shared->ready_fd = -1;
	leave_launcher();
}

static void
listen_to_worker(struct keeper *k)
{
	struct link_message m;
	struct error err = ERROR_INIT;
	int fds[LINK_FDS];
	int rc = daemon_link_receive(k->link, &m, fds, &err);

	if (rc <= 0) {
		/* closed: its death comes by SIGCHLD */
		close(k->link);
		k->link = -1;
		return;
	}
	if (m.kind == LINK_DECODE)
		start_decoder(k, fds);
	else if (m.kind == LINK_READY)
		become_ready(k);
	else if (m.kind == LINK_STOP)
		k->ending = true;
	for (int i = 0; i < LINK_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* ---- the life ------------------------------------------------------------ */

static int
open_signals(struct keeper *k, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return error_errno(err, errno, "signals");
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k->signals < 0)
		return error_errno(err, errno, "signals");
	return 0;
}

static void
take_signals(struct keeper *k)
{
	struct signalfd_siginfo si;

	while (read(k->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			k->ending = true;
		if (si.ssi_signo == SIGHUP)
			SAY(LOG_NOTICE, "reload is not part of this version: "
					"restart civicfsd");
	}
}

static void
live(struct keeper *k)
{
	while (!k->ending) {
		struct pollfd p[] = {
			{.fd = k->signals, .events = POLLIN},
			{.fd = k->link, .events = POLLIN},
		};

		if (poll(p, 2, ZOMBIE_CHECK_MS) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			take_signals(k);
		if (p[1].revents)
			listen_to_worker(k);
		reap(k);
		if (!k->worker)
			replace_worker(k); /* there was no process to have */
	}
}

/* The worker ends its requests and its transaction; what it cannot end in
 * time is ended by the next start. */
static void
end_worker(struct keeper *k)
{
	int64_t until = clock_monotonic() + DRAIN_NS;

	if (!k->worker)
		return;
	kill(k->worker, SIGTERM);
	while (k->worker && clock_monotonic() < until) {
		struct pollfd p[] = {
			{.fd = k->signals, .events = POLLIN},
			{.fd = k->link, .events = POLLIN},
		};

		poll(p, 2, 50);
		take_signals(k);
		if (p[1].revents)
			listen_to_worker(k);
		reap(k);
	}
	if (k->worker) {
		SAY(LOG_WARNING, "the worker does not end: killing it");
		kill(k->worker, SIGKILL);
	}
}

static void
end(struct keeper *k)
{
	struct daemon_shared *shared = k->shared;

	daemon_notify_manager("STOPPING=1");
	umount2(shared->mountpoint, MNT_DETACH);
	end_worker(k);
	if (shared->notifier)
		kill(shared->notifier, SIGKILL);
	close(shared->fuse_fd);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int
begin(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	int rc;

	shared->keeper = getpid();
	shared->started_at = clock_now();
	rc = daemon_state_open_note(shared->state_dir, &shared->note, err);
	if (rc)
		return rc;
	end_left_worker(shared);
	clear_mountpoint(shared);
	rc = refuse_second_mount(shared, err);
	if (!rc)
		rc = open_signals(k, err);
	if (!rc)
		rc = new_session(shared, err);
	if (!rc && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			      shared->notices))
		rc = error_errno(err, errno, "link to the notifier");
	if (!rc)
		rc = mount_tree(shared, err);
	if (!rc)
		rc = agree(shared, err);
	if (!rc)
		rc = start_notifier(k, err);
	if (!rc)
		rc = start_worker(k, err);
	return rc;
}

static int
write_pid(int lock, struct error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(lock, 0))
		return error_errno(err, errno, "lock");
	return io_pwrite(lock, text, strlen(text), 0, err);
}

int
daemon_keeper(struct daemon_shared *shared)
{
	struct keeper k = {.shared = shared, .link = -1, .signals = -1};
	struct error err = ERROR_INIT;
	int rc;

	shared->fuse_fd = -1;
	prctl(PR_SET_NAME, "keeper", 0, 0, 0);
	rc = write_pid(shared->lock, &err);
	if (!rc)
		rc = begin(&k, &err);
	if (rc)
		SAY(LOG_ERR, "%s", err.text);
	else
		live(&k);
	k.ending = true;
	if (shared->fuse_fd >= 0)
		end(&k);
	free(shared->init);
	return rc || k.failed ? 1 : 0;
}

/*
 * The keeper's life: start, wait, restart, end. It runs one thread and never
 * looks at a delivered byte. See roles.h and DESIGN 2 for why it is so.
 */
#include "daemon/keeper.h"

#include "base/io.h"
#include "base/scope.h"
#include "daemon/adopt.h"
#include "daemon/backing.h"
#include "daemon/check.h"
#include "daemon/keep.h"
#include "daemon/link.h"
#include "daemon/notify.h"
#include "daemon/tree.h"
#include "decode/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#define ROOM_MORE (64 << 20)	 /* bytes of a request, and rounding up */
#define DRAIN_NS (10 * CLOCK_NS) /* for the worker to end by itself */

/* ---- what the worker asks for -------------------------------------------- */

static _Noreturn void
become_decoder(const struct keeper *k, const int fds[LINK_FDS])
{
	const struct daemon_users *u = &k->shared->users;
	const struct config *config = k->shared->config;
	const struct decode_process as = {
		.uid = u->decoder_uid,
		.gid = u->decoder_gid,
		.seconds = config->decoder_seconds,
		.memory = config->decoder_memory,
		/* a packed file, and texts that its members share */
		.room = config->max_unpacked < INT64_MAX / 4
				? 2 * config->max_unpacked + ROOM_MORE
				: INT64_MAX,
	};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "decoder", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	decode_process(fds[0], fds[1], fds[2], &as);
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
	if (daemon_link_send(k->shared->keeper_link, &done, NULL, 0, &err))
		SAY(LOG_WARNING, "%s", err.text);
}

static void
back(struct keeper *k, uint64_t node, int fd)
{
	const struct link_message done = {
		.kind = LINK_DONE,
		.value = daemon_backing_open(k->shared, node, fd)};
	struct error err = ERROR_INIT;

	if (daemon_link_send(k->shared->keeper_link, &done, NULL, 0, &err))
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
	daemon_keep_worker_ready(k);
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
	int rc = daemon_link_receive(k->shared->keeper_link, &m, fds, &err);

	if (rc <= 0) {
		/* closed: its death comes by SIGCHLD */
		close(k->shared->keeper_link);
		k->shared->keeper_link = -1;
		return;
	}
	if (m.kind == LINK_DECODE)
		start_decoder(k, fds);
	else if (m.kind == LINK_BACK)
		back(k, m.node, fds[0]);
	else if (m.kind == LINK_UNBACK)
		daemon_backing_close(k->shared, m.node);
	else if (m.kind == LINK_READY)
		become_ready(k);
	else if (m.kind == LINK_STOP)
		k->ending = true;
	else if (m.kind == LINK_RELOAD && fds[0] >= 0)
		daemon_keep_reload(k, fds[0]);
	else if (m.kind == LINK_FORGOTTEN)
		k->shared->reloaded = false;
	else if (m.kind == LINK_TROUBLE)
		memcpy(k->trouble, m.text, sizeof(k->trouble));
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
	/* a worker may be asked to hand over before it waits to be asked */
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
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
			daemon_keep_reload(k, -1);
	}
}

static void
live(struct keeper *k)
{
	while (!k->ending) {
		struct pollfd p[] = {
			{.fd = k->signals, .events = POLLIN},
			{.fd = k->shared->keeper_link, .events = POLLIN},
		};

		if (poll(p, 2, daemon_keep_pause_ms(k)) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			take_signals(k);
		if (p[1].revents)
			listen_to_worker(k);
		daemon_keep_look(k);
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
			{.fd = k->shared->keeper_link, .events = POLLIN},
		};

		poll(p, 2, 50);
		take_signals(k);
		if (p[1].revents)
			listen_to_worker(k);
		daemon_keep_look(k);
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
	daemon_keep_end_standin(k);
	if (k->checker)
		kill(k->checker, SIGKILL);
	if (shared->notifier)
		kill(shared->notifier, SIGKILL);
	if (shared->herald)
		kill(shared->herald, SIGKILL);
	close(shared->fuse_fd);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* A worker that has outlived its keeper serves on unless another can take its
 * place. */
static int
check_first(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	pid_t pid, worker = daemon_state_worker(shared->note);
	int status = 0;
	int rc;

	if (!worker)
		return 0;
	rc = daemon_check_open(&shared->check_files, err);
	if (rc)
		return rc;
	pid = daemon_role_start(DAEMON_CHECKER, shared, err);
	if (pid >= 0 && waitpid(pid, &status, 0) < 0)
		rc = error_errno(err, errno, "the checker");
	close(shared->check_files);
	shared->check_files = -1;
	if (pid < 0 || rc)
		return pid < 0 ? (int)pid : rc;
	/* a worker that dies cannot be looked at */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == DAEMON_CHECK_REFUSED ||
				  WEXITSTATUS(status) == DAEMON_CHECK_WRONG))
		return error_set(err, ERR_INVALID,
				 "worker %d, whose keeper has died, serves on "
				 "as it is: correct what is said above, and "
				 "start civicfsd again",
				 worker);
	return 0;
}

/* The mount of a worker that has outlived its keeper, or a new one. */
static int
take_mount(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	bool clean;
	int rc;

	if (daemon_adopt(shared, &clean))
		return clean || shared->kernel_resends
			       ? 0
			       : daemon_tree_again(shared, err);
	daemon_tree_clear(shared);
	rc = daemon_tree_refuse_second(shared, err);
	return rc ? rc : daemon_tree_mount(shared, err);
}

/* Every role holds both ends, so that who writes does not see the death of
 * who reads: nobody writes for ever. */
static int
open_notices(struct daemon_shared *shared, struct error *err)
{
	const struct timeval patience = {.tv_sec = 2};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		       shared->notices) ||
	    setsockopt(shared->notices[1], SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, shared->news))
		return error_errno(err, errno,
				   "links to the notifier and the herald");
	return 0;
}

static int
begin(struct keeper *k, struct error *err)
{
	struct daemon_shared *shared = k->shared;
	int rc;

	shared->keeper = getpid();
	shared->started_at = shared->config_since = clock_now();
	shared->beat = daemon_beat_new();
	if (!shared->beat)
		return error_nomem(err);
	rc = daemon_state_open_note(shared->state_dir, &shared->note, err);
	if (!rc)
		rc = open_signals(k, err);
	if (!rc)
		rc = open_notices(shared, err);
	if (!rc)
		rc = check_first(k, err);
	if (!rc)
		rc = daemon_backing_new(shared, err);
	if (!rc)
		rc = take_mount(k, err);
	if (!rc)
		rc = daemon_keep_start(k, DAEMON_NOTIFIER, &shared->notifier,
				       err);
	return rc ? rc : daemon_keep_start_worker(k, err);
}

/* Written over, not emptied: a file that is emptied waits for the disk. */
static int
write_pid(int lock, struct error *err)
{
	char text[32];
	int rc;

	snprintf(text, sizeof(text), "%d\n", getpid());
	rc = io_pwrite(lock, text, strlen(text), 0, err);
	if (!rc && ftruncate(lock, (off_t)strlen(text)))
		rc = error_errno(err, errno, "lock");
	return rc;
}

int
daemon_keeper(struct daemon_shared *shared)
{
	struct keeper k = {.shared = shared, .signals = -1};
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
	config_free(k.earlier);
	free(shared->init);
	return rc || k.failed ? 1 : 0;
}

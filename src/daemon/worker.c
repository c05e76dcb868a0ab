/*
 * The worker: everything that knows the state. It opens it, answers the
 * kernel's requests with several threads, turns complete files into
 * submissions in one, judges them in another, and listens to the command line
 * in a third. It may die at any moment; the next one takes up from the state
 * and from what the kernel sends again.
 */
#include "daemon/roles.h"

#include "access/access.h"
#include "base/clock.h"
#include "base/scope.h"
#include "control/control.h"
#include "control/protocol.h"
#include "daemon/backing.h"
#include "daemon/check.h"
#include "daemon/herald.h"
#include "daemon/link.h"
#include "daemon/log.h"
#include "daemon/tell.h"
#include "daemon/watch.h"
#include "flow/flow.h"
#include "mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#define SAY(priority, ...) daemon_log("worker", priority, __VA_ARGS__)
#define THREADS 10 /* that answer the kernel */
#define ARENAS 3   /* of malloc(3): what a thread frees, few can use again */
#define PREDECESSOR_NS (2 * CLOCK_NS) /* for the earlier worker to end */
#define JUDGING_S 8 /* for what is being judged, when the worker ends */

enum { /* whose pulse the keeper looks at */
       PULSE_OF_MAIN,
       PULSE_OF_FLOW,
       PULSE_OF_COLLECTING,
       PULSE_OF_INTAKE,
       PULSE_OF_ANSWERS,
};
_Static_assert(PULSE_OF_ANSWERS + THREADS <= DAEMON_PULSES, "too many threads");

enum { /* those beside them */
       THREAD_FLOW,
       THREAD_COLLECTING,
       THREAD_CONTROL,
       THREAD_FLATTENING,
       THREAD_INTAKE,
       THREAD_END,
       THREADS_OWN
};

struct worker {
	const struct daemon_shared *shared;
	struct store *store;
	struct flow_plan *plan;
	struct access *access;
	struct inbox *inbox;
	struct publish_flat *flat;
	struct mount *mount;
	struct flow *flow;
	struct control *control;
	pthread_mutex_t link_lock; /* one question to the keeper at a time */
	struct daemon_teller teller;
	_Atomic bool stopping;
	_Atomic pid_t asked_by;
	_Atomic bool handing_over; /* to a next worker: nobody is told of an
				    * end */
	bool begun;		   /* its own threads run */
	bool judged;		   /* the thread that judges has ended */
	_Atomic bool forgotten;	   /* what was before the reload */
	pthread_t threads[THREADS_OWN];
};

/* ---- to the other roles -------------------------------------------------- */

static int
ask_keeper(struct worker *w, const struct link_message *question,
	   const int *fds, int n, struct link_message *answer,
	   struct error *err)
{
	int none[LINK_FDS];
	int rc;

	pthread_mutex_lock(&w->link_lock);
	rc = daemon_link_send(w->shared->link, question, fds, n, err);
	if (!rc)
		rc = daemon_link_receive(w->shared->link, answer, none, err);
	pthread_mutex_unlock(&w->link_lock);
	if (rc == 0)
		return error_set(err, ERR_IO,
				 "the keeper has died; start civicfsd again");
	return rc < 0 ? rc : 0;
}

static int
ask_for_decoder(void *ctx, int in_fd, int request_fd, int out_fd,
		struct error *err)
{
	const struct link_message question = {.kind = LINK_DECODE};
	const int fds[] = {in_fd, request_fd, out_fd};
	struct link_message answer = {0};
	int rc = ask_keeper(ctx, &question, fds, LINK_FDS, &answer, err);

	if (rc < 0)
		return error_prefix(err, rc, "cannot start a decoder");
	if (answer.value < 0)
		return error_errno(err, -answer.value,
				   "cannot start a decoder");
	return 0;
}

static int
back(void *ctx, uint64_t node, int fd, int32_t *ret_id, struct error *err)
{
	const struct link_message question = {.kind = LINK_BACK, .node = node};
	struct link_message answer = {0};
	int rc = ask_keeper(ctx, &question, &fd, 1, &answer, err);

	if (rc < 0)
		return error_prefix(err, rc,
				    "the keeper does not open a file for the "
				    "kernel");
	if (answer.value <= 0)
		return error_errno(err, -answer.value,
				   "the keeper does not open a file for the "
				   "kernel");
	*ret_id = answer.value;
	return 0;
}

static void
unback(void *ctx, uint64_t node)
{
	const struct link_message m = {.kind = LINK_UNBACK, .node = node};
	struct worker *w = ctx;

	/* a keeper that has died has a successor, which sees what is open */
	pthread_mutex_lock(&w->link_lock);
	(void)!daemon_link_send(w->shared->link, &m, NULL, 0, NULL);
	pthread_mutex_unlock(&w->link_lock);
}

/* The kernel may still act upon what an earlier worker told it of rights. Not
 * before the mount is served: the notifier may wait for a lookup. */
static void
renew_rights(struct worker *w)
{
	scope_buf message = BUF_INIT;
	struct error err = ERROR_INIT;

	if (w->shared->generation == 1)
		return; /* it knows nothing yet */
	if (mount_invalidate_rights(w->mount, w->shared->reloaded, &message,
				    &err)) {
		SAY(LOG_ERR, "%s", err.text);
		return;
	}
	daemon_tell_surely(&w->teller, &message, &w->stopping);
}

static void
on_published(void *ctx, const struct publish_made *made, size_t n)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;
	struct error err = ERROR_INIT;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		if (!made[i].theme->theme->recheck)
			publish_flat_offer(w->flat, made[i].theme->id);
		rc = mount_invalidate_theme(w->mount, made[i].theme->id,
					    &message, &err);
		if (!rc)
			rc = mount_invalidate_subjects(w->mount, &made[i],
						       &message, &err);
	}
	if (rc)
		SAY(LOG_ERR, "readers see the new version in a minute: %s",
		    err.text);
	mount_settle_names(w->mount);
	daemon_tell_surely(&w->teller, &message, &w->stopping);
	daemon_herald_published(w->shared, w->mount, made, n);
}

static void
on_judged(void *ctx, int64_t resource, int64_t number)
{
	struct worker *w = ctx;
	struct store_submission s;
	scope_reader reader = {0};
	scope_buf message = BUF_INIT;

	inbox_tell(w->inbox, store_published(w->store));
	if (store_reader_get(w->store, &reader, NULL) ||
	    store_submission_get(reader.db, number, &s, NULL) <= 0)
		return;
	if (!mount_invalidate_inbox(w->mount, resource, s.name, &message))
		daemon_tell(&w->teller, &message);
	daemon_herald_judged(w->shared, w->mount, &s);
	store_submission_release(&s);
	store_reader_put(&reader);
	mount_answer_close(w->mount, number);
}

static void
on_erased(void *ctx, int64_t submission, int64_t file)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;

	if (!mount_invalidate_erased(submission, file, &message))
		daemon_tell(&w->teller, &message);
}

static void
on_left(void *ctx, int64_t resource, const char *name)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;

	if (!mount_invalidate_inbox(w->mount, resource, name, &message))
		daemon_tell(&w->teller, &message);
}

static void
on_dropped(void *ctx, int64_t dataset, int64_t first, int64_t last)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;

	publish_flat_prune(w->flat);
	if (!mount_invalidate_versions(w->mount, dataset, first, last,
				       &message))
		daemon_tell(&w->teller, &message);
}

static void
on_expired(void *ctx, int64_t resource, const char *submission)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;

	if (!mount_invalidate_archived(w->mount, resource, submission,
				       &message))
		daemon_tell(&w->teller, &message);
}

static int
each_open(void *ctx, flow_pin_fn *each, void *each_ctx, struct error *err)
{
	struct worker *w = ctx;

	return mount_each_open(w->mount, each, each_ctx, err);
}

static void
on_failed(void *ctx, const struct error *err)
{
	struct worker *w = ctx;

	SAY(LOG_ERR, "%s; trying again", err->text);
	mount_fail_closes(w->mount, err->errnum ? err->errnum : EIO);
}

/* Its names lead to another node now. */
static void
on_flat(void *ctx, int64_t state)
{
	struct worker *w = ctx;
	scope_buf message = BUF_INIT;
	struct error err = ERROR_INIT;

	if (mount_invalidate_file(w->mount, state, &message, &err))
		SAY(LOG_WARNING, "%s", err.text);
	else
		daemon_tell(&w->teller, &message);
}

static void
on_failed_copy(void *ctx, const struct error *err)
{
	(void)ctx;
	SAY(LOG_WARNING, "a file stays as it is: %s", err->text);
}

static void
on_refusal(void *ctx, const char *text)
{
	(void)ctx;
	SAY(LOG_WARNING, "%s", text);
}

static void
on_complaint(void *ctx, const char *text)
{
	(void)ctx;
	SAY(LOG_ERR, "%s", text);
}

/* ---- another configuration ------------------------------------------------
 */

static int
reload(void *ctx, control_tell_fn *tell, void *tell_ctx,
       char ret_digest[static DIGEST_HEX], struct error *err)
{
	const struct worker *w = ctx;

	return daemon_check_ask(w->shared, tell, tell_ctx, ret_digest, err);
}

/* The kernel has kept names, sizes and rights of before. It forgets them
 * before the command line is answered, so that a reload is done when it says
 * so. */
static void
forget(struct worker *w)
{
	const struct link_message m = {.kind = LINK_FORGOTTEN};
	struct error err = ERROR_INIT;

	renew_rights(w);
	if (w->shared->reloaded &&
	    daemon_link_send(w->shared->link, &m, NULL, 0, &err))
		SAY(LOG_ERR, "%s", err.text);
	atomic_store(&w->forgotten, true);
}

/* ---- ending -------------------------------------------------------------- */

static void
stop(void *ctx)
{
	const struct link_message m = {.kind = LINK_STOP};
	struct worker *w = ctx;
	struct error err = ERROR_INIT;

	if (daemon_link_send(w->shared->link, &m, NULL, 0, &err))
		SAY(LOG_ERR, "%s", err.text);
}

/*
 * Waits for the keeper's word to end (SIGTERM), or to make room for a next
 * worker (SIGUSR1). The tree is served until what is being judged has its
 * verdict; what takes too long is judged from its beginning another time.
 */
static void *
wait_for_end(void *ctx)
{
	struct worker *w = ctx;
	struct timespec until;
	siginfo_t got;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	while (sigwaitinfo(&set, &got) < 0)
		;
	w->asked_by = got.si_pid;
	w->handing_over = got.si_signo == SIGUSR1;
	w->stopping = true;
	flow_stop(w->flow);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JUDGING_S;
	if (!w->judged)
		w->judged = !pthread_timedjoin_np(w->threads[THREAD_FLOW], NULL,
						  &until);
	mount_stop(w->mount);
	return NULL;
}

/* ---- its own threads ----------------------------------------------------- */

static struct pulse *
pulse_of(const struct worker *w, int whose)
{
	return &w->shared->beat->pulses[whose];
}

static void *
run_flow(void *ctx)
{
	struct worker *w = ctx;

	pulse_take(pulse_of(w, PULSE_OF_FLOW));
	pulse_turn(PULSE_WORKING);
	flow_run(w->flow);
	pulse_take(NULL);
	return NULL;
}

static void *
run_collecting(void *ctx)
{
	struct worker *w = ctx;

	pulse_take(pulse_of(w, PULSE_OF_COLLECTING));
	pulse_turn(PULSE_WORKING);
	flow_run_collecting(w->flow);
	pulse_take(NULL);
	return NULL;
}

static void *
run_control(void *ctx)
{
	struct worker *w = ctx;

	forget(w);
	control_serve(w->control);
	return NULL;
}

static void *
run_flattening(void *ctx)
{
	struct worker *w = ctx;

	publish_flat_run(w->flat);
	return NULL;
}

static void *
run_intake(void *ctx)
{
	struct worker *w = ctx;

	pulse_take(pulse_of(w, PULSE_OF_INTAKE));
	inbox_run(w->inbox);
	pulse_take(NULL);
	return NULL;
}

/* After those that answer the kernel: the first answer would wait for what
 * these do at their beginning. */
static int
start_threads(void *ctx, struct error *err)
{
	static void *(*const bodies[THREADS_OWN])(void *) = {
		[THREAD_FLOW] = run_flow,
		[THREAD_COLLECTING] = run_collecting,
		[THREAD_CONTROL] = run_control,
		[THREAD_FLATTENING] = run_flattening,
		[THREAD_INTAKE] = run_intake,
		[THREAD_END] = wait_for_end,
	};
	struct worker *w = ctx;

	if (w->begun)
		return 0;
	w->begun = true;
	for (size_t i = 0; i < THREADS_OWN; i++) {
		int rc = pthread_create(&w->threads[i], NULL, bodies[i], w);

		if (rc)
			return error_errno(err, rc, "cannot start a thread");
	}
	return 0;
}

/* ---- beginning ----------------------------------------------------------- */

/*
 * Takes the lock by which the next keeper finds a worker that outlived its
 * own; only then it may outlive it. An earlier worker of which one thread
 * hangs in the kernel keeps the lock, or a full disk has no room for the note:
 * then this one ends with its keeper.
 */
static int
become_findable(const struct daemon_shared *shared, struct error *err)
{
	const struct daemon_note note = {.generation = shared->generation,
					 .fuse_fd = shared->fuse_fd,
					 .handover = shared->handover,
					 .backings = shared->backings_fd};
	int64_t until = clock_monotonic() + PREDECESSOR_NS;
	int rc = daemon_state_hold_note(shared->note, note, err);

	while (rc == ERR_BUSY && clock_monotonic() < until) {
		poll(NULL, 0, 1);
		rc = daemon_state_hold_note(shared->note, note, err);
	}
	if (rc)
		return rc == ERR_BUSY || err->errnum == ENOSPC ? 0 : rc;
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	return 0;
}

static int
open_state(struct worker *w, struct error *err)
{
	const struct config *config = w->shared->config;
	const struct publish_flat_hooks flat = {on_flat, on_failed_copy, w};
	int rc = store_open(w->shared->state_dir, true, &w->store, err);

	if (!rc)
		rc = publish_recover(w->store, err);
	if (!rc)
		rc = flow_plan_new(w->store, config, &w->plan, err);
	if (!rc)
		rc = access_compile(config, &access_machine, &w->access, err);
	if (!rc)
		rc = inbox_open(w->store, config, w->plan->resource_ids,
				w->plan->trial_ids, w->shared->session,
				&w->inbox, err);
	if (!rc) {
		inbox_on_refusal(w->inbox, on_refusal, w);
		inbox_tell(w->inbox, store_published(w->store));
	}
	if (!rc)
		rc = publish_flat_new(w->store, config, &flat, &w->flat, err);
	return rc;
}

static int
open_services(struct worker *w, struct error *err)
{
	const struct mount_context mount = {
		.store = w->store,
		.config = w->shared->config,
		.inbox = w->inbox,
		.access = w->access,
		.herald = w->shared->users.worker_uid,
		.themes = w->plan->themes,
		.nthemes = w->plan->nthemes,
		.departments = w->plan->department_ids,
		.resources = w->plan->resource_ids,
		.trials = w->plan->trial_ids,
		.flat = w->flat,
		.passthrough = {.list = *w->shared->cannot_pass
						? NULL
						: daemon_backing_list(
							  w->shared),
				.enabled = w->shared->config->passthrough,
				.open = back,
				.close = unback,
				.ctx = w},
		.pulses = pulse_of(w, PULSE_OF_ANSWERS),
		.session = w->shared->session,
		.complain = on_complaint,
		.begun = start_threads,
		.begun_ctx = w,
	};
	const struct flow_keeping keeping = {each_open, on_left, on_dropped,
					     on_expired, w};
	const struct config *config = w->shared->config;
	const struct flow_decoder decoder = {.start = ask_for_decoder,
					     .ctx = w,
					     .limits = {config->max_unpacked,
							config->max_ratio,
							config->max_members}};
	const struct flow_hooks hooks = {on_published, on_judged, on_failed, w};
	int rc = mount_new(&mount, &w->mount, err);

	inbox_on_erased(w->inbox, on_erased, w);
	if (!rc)
		rc = flow_new(w->store, w->plan, w->inbox, &decoder, &hooks,
			      &w->flow, err);
	if (!rc)
		flow_keep(w->flow, &keeping);
	return rc;
}

static void
count_requests(void *ctx, struct control_counts *ret)
{
	struct worker *w = ctx;
	struct mount_counts counts;
	struct publish_flat_count copies;

	mount_count(w->mount, &counts);
	publish_flat_count(w->flat, &copies);
	*ret = (struct control_counts){.requests = counts.requests,
				       .waited = counts.waited,
				       .resent = counts.resent,
				       .passed = counts.passed,
				       .written = counts.written,
				       .copies = copies.files,
				       .copied_bytes = copies.bytes,
				       .waiting = copies.waiting};
}

static bool
has_forgotten(void *ctx)
{
	return atomic_load(&((struct worker *)ctx)->forgotten);
}

/* Its children are others' once it has died. */
static bool
has_keeper(void *ctx)
{
	return getppid() == ((struct worker *)ctx)->shared->keeper;
}

static int
open_control(struct worker *w, struct error *err)
{
	const struct daemon_shared *shared = w->shared;
	const struct control_context context = {
		.store = w->store,
		.config = shared->config,
		.plan = w->plan,
		.flow = w->flow,
		.inbox = w->inbox,
		.mountpoint = shared->mountpoint,
		.keeper = shared->keeper,
		.worker = getpid(),
		.notifier = shared->notifier,
		.generation = shared->generation,
		.started_at = shared->started_at,
		.kernel_resends = shared->kernel_resends,
		.cannot_pass = shared->cannot_pass,
		.service_uid = shared->users.worker_uid,
		.access = w->access,
		.count = count_requests,
		.has_keeper = has_keeper,
		.stop = stop,
		.reload = reload,
		.is_new = has_forgotten,
		.config_since = shared->config_since,
		.refused = *shared->refused ? shared->refused : NULL,
		.ctx = w,
	};

	return control_new(&context, &w->control, err);
}

static void
close_all(struct worker *w)
{
	control_free(w->control);
	flow_free(w->flow);
	mount_free(w->mount);
	publish_flat_free(w->flat);
	inbox_close(w->inbox);
	access_free(w->access);
	flow_plan_free(w->plan);
	store_close(w->store);
}

/* After the last request. What is still being judged is left as it is: the
 * state is sound at every moment, and the next worker judges it. */
static void
end_threads(struct worker *w)
{
	pthread_join(w->threads[THREAD_END], NULL);
	if (w->handing_over)
		control_hand_over(w->control);
	else
		control_stop(w->control);
	pthread_join(w->threads[THREAD_CONTROL], NULL);
	publish_flat_stop(w->flat);
	pthread_join(w->threads[THREAD_FLATTENING], NULL);
	inbox_stop(w->inbox);
	pthread_join(w->threads[THREAD_INTAKE], NULL);
	if (w->judged)
		pthread_join(w->threads[THREAD_COLLECTING], NULL);
}

static int
answer(struct worker *w, bool first, struct error *err)
{
	const struct daemon_shared *shared = w->shared;

	return mount_serve(w->mount, shared->fuse_fd, shared->init,
			   shared->init_len, first, THREADS, err);
}

/* The keeper has died while it had this worker make room: nobody else has the
 * mount, unless it is another keeper who asks. */
static bool
is_left_alone(const struct worker *w)
{
	return w->handing_over && w->asked_by == w->shared->keeper &&
	       getppid() != w->shared->keeper;
}

/* Until the next keeper comes. Nothing is judged any more. */
static int
serve_on(struct worker *w, struct error *err)
{
	pthread_t *end = &w->threads[THREAD_END];
	int rc;

	pthread_join(*end, NULL);
	w->handing_over = w->stopping = false;
	mount_resume(w->mount);
	rc = pthread_create(end, NULL, wait_for_end, w);
	return rc ? error_errno(err, rc, "cannot start a thread")
		  : answer(w, false, err);
}

static int
serve(struct worker *w, struct error *err)
{
	const struct daemon_shared *shared = w->shared;
	const struct link_message ready = {.kind = LINK_READY};
	int rc = daemon_link_send(shared->link, &ready, NULL, 0, err);

	if (!rc)
		rc = answer(w, shared->generation == 1, err);
	while (!rc && is_left_alone(w))
		rc = serve_on(w, err);
	if (rc)
		return rc; /* the process ends, and its threads with it */
	/* stopped, or unmounted: then the signal is still to come */
	if (!w->stopping)
		kill(getpid(), SIGTERM);
	end_threads(w);
	return 0;
}

/* The next one may be told by it: the keeper keeps the last words. */
static void
give_up(const struct daemon_shared *shared, const struct error *err)
{
	struct link_message m = {.kind = LINK_TROUBLE};

	SAY(LOG_ERR, "%s", err->text);
	snprintf(m.text, sizeof(m.text), "%s", err->text);
	(void)!daemon_link_send(shared->link, &m, NULL, 0, NULL);
}

static void
set_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGINT, SIG_IGN); /* a terminal's ^C is the keeper's business */
	signal(SIGIO, SIG_IGN);	 /* a lease is waited for: inbox/pass.c */
}

static int
begin(struct worker *w, struct error *err)
{
	int rc = daemon_beat_start(w->shared->beat);

	if (rc)
		return error_errno(err, rc, "cannot start a thread");
	pulse_take(pulse_of(w, PULSE_OF_MAIN));
	pulse_turn(PULSE_WORKING);
	rc = become_findable(w->shared, err);
	if (!rc)
		rc = open_state(w, err);
	if (!rc)
		rc = open_services(w, err);
	if (!rc)
		rc = open_control(w, err);
	pulse_take(NULL);
	return rc;
}

int
daemon_worker(const struct daemon_shared *shared)
{
	struct worker w = {.shared = shared};
	struct error err = ERROR_INIT;
	int rc;

	set_signals();
	umask(077);
	setenv("SQLITE_TMPDIR", ".", 1);
	mallopt(M_ARENA_MAX, ARENAS);
	pthread_mutex_init(&w.link_lock, NULL);
	daemon_tell_init(&w.teller, shared);
	rc = begin(&w, &err);
	if (rc) {
		give_up(shared, &err);
		close_all(&w);
		return shared->generation == 1 || rc == ERR_INVALID ||
				       rc == ERR_CORRUPT
			       ? DAEMON_HOPELESS
			       : 1;
	}
	rc = serve(&w, &err);
	if (rc) {
		give_up(shared, &err);
		return 1;
	}
	if (w.judged)
		close_all(&w);
	daemon_state_clear_note(shared->note);
	return 0;
}

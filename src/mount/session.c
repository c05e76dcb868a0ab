/*
 * libfuse without its own mounting, INIT and loop. The loop is ours because
 * libfuse's can only be ended by a signal, and gives no way to say that a
 * thread has its last request answered.
 *
 * A request is read and answered by one thread, so its number is kept by
 * thread. A thread that waits for a request when the loop ends is woken by a
 * signal whose handler does nothing; cancelling it would leave its stack
 * marked as in use for the sanitizers.
 */
#include "mount/session.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "mount/call.h"
#include "mount/closing.h"
#include "mount/fuse_ops.h"
#include "mount/kernel.h"

#define THREADS_MOST 64
#define WAKE SIGURG /* ignored by default: a late one does no harm */
#define WAKE_AGAIN_NS 1000000
#define PAGE_LEAST 4096

static _Thread_local uint64_t current_unique;
static _Thread_local int32_t passed; /* of the answer to come; 0: none */

struct worker {
	pthread_t thread;
	struct session *session;
	struct pulse *pulse; /* NULL none */
	struct fuse_buf buf;
	atomic_bool waiting; /* for a request */
	atomic_bool gone;
};

struct session {
	struct fuse_session *fuse;
	const void *init; /* while INIT is being given to libfuse */
	size_t init_len;
	uint64_t init_unique;
	bool has_epochs;
	_Atomic uint64_t requests, resent, waited;
	const struct mount_context *context;
	pthread_mutex_t faulting;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ended;  /* a thread has left, or somebody asked to stop */
	bool giving; /* a thread is in mount_session_give() */
};

uint64_t
mount_session_unique(bool *ret_resent)
{
	*ret_resent = current_unique & KERNEL_RESENT;
	return current_unique & ~KERNEL_RESENT;
}

/* What it waits for, another thread answers: so none leaves meanwhile, and once
 * they leave, it is not begun any more. */
static bool
begin_giving(struct session *s)
{
	bool may;

	pthread_mutex_lock(&s->lock);
	may = !s->ended;
	s->giving = may;
	pthread_mutex_unlock(&s->lock);
	return may;
}

static void
end_giving(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->giving = false;
	if (s->ended) /* else nobody waits for it */
		pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

bool
mount_session_give(struct session *s, uint64_t node, void *p, size_t n)
{
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(n);
	bool given;

	if (!begin_giving(s))
		return false;
	bytes.buf[0].mem = p;
	given = fuse_lowlevel_notify_store(s->fuse, node, 0, &bytes, 0) == 0;
	end_giving(s);
	return given;
}

/* libfuse has a word for it since 3.17; before, the answer is completed on its
 * way to the kernel. */
void
mount_session_pass(struct fuse_file_info *fi, int32_t id)
{
#ifdef HAVE_STRUCT_FUSE_FILE_INFO_BACKING_ID
	fi->backing_id = id;
#else
	(void)fi;
	passed = id;
#endif
}

/* OPEN's answer is the last part, or its end (CREATE). */
static void
complete_open(const struct iovec *last)
{
	char *out = (char *)last->iov_base + last->iov_len -
		    sizeof(struct fuse_open_out);
	char *flags_at = out + offsetof(struct fuse_open_out, open_flags);
	uint32_t flags;

	memcpy(&flags, flags_at, sizeof(flags));
	flags |= KERNEL_OPEN_PASSTHROUGH;
	memcpy(flags_at, &flags, sizeof(flags));
	memcpy(flags_at + sizeof(flags), &passed, sizeof(passed));
}

struct session *
mount_session_new(void)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->faulting = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	s->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	s->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	return s;
}

void
mount_session_free(struct session *s)
{
	if (!s)
		return;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->faulting);
	free(s);
}

void
mount_session_stop(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
mount_session_resume(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = false;
	pthread_mutex_unlock(&s->lock);
}

bool
mount_session_has_epochs(const struct session *s)
{
	return s->has_epochs;
}

void
mount_session_count(const struct session *s, struct mount_counts *ret)
{
	ret->requests = atomic_load(&s->requests);
	ret->waited = atomic_load(&s->waited);
	ret->resent = atomic_load(&s->resent);
}

/* The reads and writes of the session: userdata is the struct mount. */

/*
 * The kernel copies a request page by page. Where it must fault a page in
 * first, and the process is killed at that moment, it fails the request with
 * EIO instead of keeping it for the next worker (measured; fs/fuse/dev.c,
 * fuse_dev_do_read). So the pages are there before the first request is read.
 */
static void
touch(void *p, size_t n)
{
	volatile char *bytes = p;

	for (size_t at = 0; at < n; at += PAGE_LEAST)
		bytes[at] = 0;
	bytes[n - 1] = 0;
}

/* At once where the kernel can (5.14). */
static bool
populate(void *p, size_t n)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)p / page * page;

	return madvise((void *)first, (uintptr_t)p + n - first,
		       MADV_POPULATE_WRITE) == 0;
#else
	(void)p;
	(void)n;
	return false;
#endif
}

/* One thread after the other, so that the first one answers while the others
 * are still at it. */
static void
fault_in(struct session *s, void *p, size_t n)
{
	static _Thread_local const void *done;

	if (p == done)
		return;
	pthread_mutex_lock(&s->faulting);
	if (!populate(p, n))
		touch(p, n);
	pthread_mutex_unlock(&s->faulting);
	done = p;
}

/* Somebody waits for the answer: a round trip. */
static bool
is_waited_for(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_INTERRUPT:
		return false;
	default:
		return true;
	}
}

static ssize_t
io_read(int fd, void *p, size_t n, void *userdata)
{
	struct session *s = mount_session(userdata);
	struct fuse_in_header header;
	ssize_t got;

	if (s->init) {
		memcpy(p, s->init, s->init_len);
		s->init = NULL;
		return (ssize_t)s->init_len;
	}
	fault_in(s, p, n);
	got = read(fd, p, n);
	if (got >= (ssize_t)sizeof(header)) {
		memcpy(&header, p, sizeof(header));
		current_unique = header.unique;
		atomic_fetch_add(&s->requests, 1);
		atomic_fetch_add(&s->waited, is_waited_for(header.opcode));
		if (header.unique & KERNEL_RESENT)
			atomic_fetch_add(&s->resent, 1);
	}
	return got;
}

static ssize_t
io_writev(int fd, struct iovec *parts, int n, void *userdata)
{
	struct session *s = mount_session(userdata);
	struct fuse_out_header header;
	ssize_t total = 0;

	memcpy(&header, parts[0].iov_base, sizeof(header));
	if (passed && !header.error && n > 1 &&
	    parts[n - 1].iov_len >= sizeof(struct fuse_open_out))
		complete_open(&parts[n - 1]);
	passed = 0;
	if (!s->init_unique || header.unique != s->init_unique)
		return writev(fd, parts, n);
	/* The kernel has its answer to INIT already. */
	s->init_unique = 0;
	for (int i = 0; i < n; i++)
		total += (ssize_t)parts[i].iov_len;
	return total;
}

static int
give_init(struct session *s, const void *init, size_t n, struct error *err)
{
	struct fuse_buf buf = {0};
	struct fuse_in_header header;
	struct {
		uint32_t major, minor;
	} in;
	int got;

	if (n < sizeof(header) + sizeof(in) || n > MOUNT_REQUEST_MAX)
		return error_set(err, ERR_PROTOCOL,
				 "the saved INIT request has %zu bytes", n);
	memcpy(&header, init, sizeof(header));
	memcpy(&in, (const char *)init + sizeof(header), sizeof(in));
	s->has_epochs = in.minor >= KERNEL_MINOR_EPOCHS;
	s->init = init;
	s->init_len = n;
	s->init_unique = header.unique;
	got = fuse_session_receive_buf(s->fuse, &buf);
	if (got > 0)
		fuse_session_process_buf(s->fuse, &buf);
	free(buf.mem);
	if (got <= 0 || s->init_unique || fuse_session_exited(s->fuse))
		return error_set(err, ERR_PROTOCOL,
				 "libfuse does not take the saved INIT "
				 "request");
	return 0;
}

static void *
loop(void *arg)
{
	struct worker *w = arg;
	struct fuse_session *fuse = w->session->fuse;

	pulse_take(w->pulse);
	while (!fuse_session_exited(fuse)) {
		int n;

		atomic_store(&w->waiting, true);
		n = fuse_session_receive_buf(fuse, &w->buf);
		atomic_store(&w->waiting, false);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		pulse_turn(PULSE_WORKING);
		fuse_session_process_buf(fuse, &w->buf);
		pulse_turn(PULSE_RESTING);
	}
	mount_session_stop(w->session);
	atomic_store(&w->gone, true);
	return NULL;
}

static void
on_wake(int signal)
{
	(void)signal;
}

/* Threads take no other signals: those are for whoever runs the process. */
static unsigned
start(struct session *s, struct worker *workers, unsigned n)
{
	struct pulse *pulses = s->context->pulses;
	sigset_t others, before;
	unsigned started = 0;

	sigfillset(&others);
	sigdelset(&others, WAKE);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	while (started < n) {
		struct worker *w = &workers[started];

		w->session = s;
		w->pulse = pulses ? &pulses[started] : NULL;
		if (pthread_create(&w->thread, NULL, loop, w))
			break;
		started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* A signal may come just before the wait it is meant to end: so again. */
static void
end(struct worker *w)
{
	const struct timespec pause = {.tv_nsec = WAKE_AGAIN_NS};

	while (!atomic_load(&w->gone)) {
		if (atomic_load(&w->waiting))
			pthread_kill(w->thread, WAKE);
		nanosleep(&pause, NULL);
	}
	pthread_join(w->thread, NULL);
	free(w->buf.mem);
}

/* What else is to be done by then, and the end. */
static int
wait_for_end(struct session *s, struct error *err)
{
	const struct mount_context *context = s->context;
	int rc = context->begun ? context->begun(context->begun_ctx, err) : 0;

	if (rc)
		mount_session_stop(s);
	pthread_mutex_lock(&s->lock);
	while (!s->ended || s->giving)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
run_threads(struct session *s, unsigned n, struct error *err)
{
	const struct sigaction wake = {.sa_handler = on_wake};
	struct worker workers[THREADS_MOST] = {0};
	struct sigaction before;
	unsigned started;
	int rc;

	if (n < 1)
		n = 1;
	if (n > THREADS_MOST)
		n = THREADS_MOST;
	sigaction(WAKE, &wake, &before);
	started = start(s, workers, n);
	rc = started ? wait_for_end(s, err)
		     : error_errno(err, EAGAIN, "cannot start a thread");
	fuse_session_exit(s->fuse);
	for (unsigned i = 0; i < started; i++)
		end(&workers[i]);
	sigaction(WAKE, &before, NULL);
	return rc;
}

static int
run(struct session *s, int fd, const void *init, size_t init_len, bool first,
    unsigned threads, struct error *err)
{
	const struct fuse_custom_io io = {.read = io_read, .writev = io_writev};
	int own, rc;

	/* libfuse closes the descriptor it is given. */
	own = dup(fd);
	if (own < 0)
		return error_errno(err, errno, "cannot copy '/dev/fuse'");
	rc = fuse_session_custom_io(s->fuse, &io, own);
	if (rc) {
		close(own);
		return error_errno(err, -rc, "libfuse refuses its session");
	}
	rc = give_init(s, init, init_len, err);
	if (!rc && !first)
		rc = mount_ask_again(fd, err);
	return rc ? rc : run_threads(s, threads, err);
}

int
mount_session_run(struct session *s, int fuse_fd, const void *init,
		  size_t init_len, bool first, unsigned threads, void *mount,
		  struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	const struct mount *m = mount;
	int rc;

	if (fuse_opt_add_arg(&args, "civicfs"))
		return error_nomem(err);
	s->fuse = fuse_session_new(&args, &mount_fuse_ops,
				   sizeof(mount_fuse_ops), mount);
	fuse_opt_free_args(&args);
	s->context = &m->context;
	if (!s->fuse)
		return error_set(err, ERR_INTERNAL, "libfuse makes no session");
	mount_closings_begin(m->closings);
	rc = run(s, fuse_fd, init, init_len, first, threads, err);
	mount_closings_end(m->closings);
	fuse_session_destroy(s->fuse);
	s->fuse = NULL;
	return rc;
}

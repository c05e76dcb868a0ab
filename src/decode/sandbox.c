/*
 * The sandbox: see sandbox.h. Four fences, each of which would do for most
 * attacks: another user, no descriptors, Landlock with nothing allowed, and a
 * filter of system calls that also ties reading and writing to the right
 * descriptors. Limits keep a hostile file from taking the machine.
 */
#include "decode/sandbox.h"

#include "decode/source.h"

#include <errno.h>
#include <grp.h>
#include <iconv.h>
#include <jansson.h>
#include <locale.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/landlock.h>

/* A second more for each of these bytes of the file: it may be packed. */
#define CPU_BYTES (1024 * 1024)

#ifdef CIVICFS_SANITIZED
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- before the doors close ---------------------------------------------- */

/* Each converter is opened and never closed: its module stays loaded, and
 * opening it again needs no file. */
static int
load_converters(struct error *err)
{
	for (int i = 0; i < DECODE_ENCODINGS; i++) {
		const char *charset = decode_encodings[i].charset;

		if (charset && iconv_open("UTF-8", charset) == (iconv_t)-1)
			return error_errno(err, errno, "no converter for '%s'",
					   charset);
	}
	return 0;
}

/* The parent's handlers and mask are no business of this process. */
static void
reset_signals(void)
{
	static const int handled[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGPIPE,
				      SIGALRM, SIGTERM, SIGCHLD, SIGUSR1,
				      SIGUSR2, SIGXCPU};
	sigset_t none;

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		signal(handled[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- descriptors --------------------------------------------------------- */

static int
compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* glibc's qsort() asks how much memory there is when it first sorts more than
 * a kilobyte. */
static void
sort_once(void)
{
	int numbers[1024] = {0};

	qsort(numbers, sizeof(numbers) / sizeof(numbers[0]), sizeof(numbers[0]),
	      compare_fds);
}

/* Closes what lies between those that stay. A sanitizer reports to standard
 * error, so it keeps that. */
static int
close_others(const struct decode_sandbox *box, struct error *err)
{
	int keep[] = {box->in_fd, box->request_fd, box->out_fd,
		      SANITIZED ? STDERR_FILENO : box->out_fd};
	size_t n = sizeof(keep) / sizeof(keep[0]);
	unsigned int from = 0;

	qsort(keep, n, sizeof(keep[0]), compare_fds);
	for (size_t i = 0; i < n; i++) {
		unsigned int fd = (unsigned int)keep[i];

		if (fd > from && close_range(from, fd - 1, 0))
			return error_errno(err, errno, "close_range");
		from = fd + 1;
	}
	if (close_range(from, ~0U, 0))
		return error_errno(err, errno, "close_range");
	return 0;
}

/* ---- limits -------------------------------------------------------------- */

static int
limit(int resource, rlim_t most, struct error *err)
{
	struct rlimit r = {most, most};
	struct rlimit now;

	/* a lower limit that is in force already cannot and need not be
	 * raised */
	if (!getrlimit(resource, &now) && now.rlim_max < most)
		r.rlim_cur = r.rlim_max = now.rlim_max;
	if (setrlimit(resource, &r))
		return error_errno(err, errno, "setrlimit");
	return 0;
}

/* RLIMIT_FSIZE binds regular files: what is unpacked, which is stopped before
 * by the limits of the request. */
static int
set_limits(const struct decode_sandbox *box, struct error *err)
{
	const struct decode_process *as = box->as, most = DECODE_PROCESS;
	int64_t cpu = as->seconds ? as->seconds : most.seconds;
	int rc = limit(RLIMIT_CPU, (rlim_t)(cpu + box->size / CPU_BYTES), err);

	/* AddressSanitizer's shadow takes terabytes of address space */
	if (!rc && !SANITIZED)
		rc = limit(RLIMIT_AS,
			   (rlim_t)(as->memory ? as->memory : most.memory),
			   err);
	if (!rc)
		rc = limit(RLIMIT_NPROC, 0, err);
	if (!rc)
		rc = limit(RLIMIT_CORE, 0, err);
	return rc ? rc
		  : limit(RLIMIT_FSIZE,
			  (rlim_t)(as->room ? as->room : most.room), err);
}

/* ---- who and what -------------------------------------------------------- */

static int
become(unsigned int uid, unsigned int gid, struct error *err)
{
	if (!uid)
		return 0;
	if (setgroups(0, NULL))
		return error_errno(err, errno, "setgroups");
	if (setresgid(gid, gid, gid))
		return error_errno(err, errno, "setresgid to %u", gid);
	if (setresuid(uid, uid, uid))
		return error_errno(err, errno, "setresuid to %u", uid);
	if (geteuid() != uid || getuid() != uid || getegid() != gid)
		return error_set(err, ERR_IO, "still user %u", geteuid());
	return 0;
}

/* All of the kernel's ABI 6; the header of Debian 12 knows the first field. */
struct ruleset {
	uint64_t fs;
	uint64_t net;	 /* from ABI 4 */
	uint64_t scoped; /* from ABI 6 */
};

/* Everything that this kernel can deny is denied: bits it does not know would
 * be EINVAL, so its version says how many there are. */
static int
close_landlock(struct error *err)
{
	static const int fs_bits[] = {13, 13, 14, 15, 15, 16};
	struct ruleset rules = {0};
	size_t size = sizeof(rules.fs);
	long abi, fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		      LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return 0;
	rules.fs = (UINT64_C(1) << fs_bits[abi < 5 ? abi : 5]) - 1;
	if (abi >= 4) {
		rules.net = 3;
		size += sizeof(rules.net);
	}
	if (abi >= 6) {
		rules.scoped = 3;
		size += sizeof(rules.scoped);
	}
	fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return error_errno(err, errno, "landlock_create_ruleset");
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		return error_errno(err, errno, "landlock_restrict_self");
	close((int)fd);
	return 0;
}

/* ---- system calls -------------------------------------------------------- */

/* Calls that take no name and no descriptor: memory, and the end. */
static const int harmless[] = {
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(getrandom),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
#ifdef CIVICFS_SANITIZED
	/* what the sanitizers' run time does besides; reports need no more,
	 * because they are printed without symbols */
	SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(sched_yield),
	SCMP_SYS(prctl),
#endif
};

/* Reads and writes, each on its descriptor only. */
static int
allow_descriptors(scmp_filter_ctx filter, const struct decode_sandbox *box)
{
	const struct {
		int call;
		int fd;
	} calls[] = {
		{SCMP_SYS(pread64), box->in_fd},
		{SCMP_SYS(read), box->request_fd},
		/* the room behind the request */
		{SCMP_SYS(pread64), box->request_fd},
		{SCMP_SYS(pwrite64), box->request_fd},
		{SCMP_SYS(write), box->out_fd},
		{SCMP_SYS(write), SANITIZED ? STDERR_FILENO : box->out_fd},
	};
	size_t n = sizeof(calls) / sizeof(calls[0]) - (SANITIZED ? 0 : 1);
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, calls[i].call, 1,
			SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)calls[i].fd));
	return rc;
}

static int
fill_filter(scmp_filter_ctx filter, const struct decode_sandbox *box)
{
	/* memory that can be run is never needed */
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				  SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!rc)
		rc = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; !rc && i < sizeof(harmless) / sizeof(harmless[0]);
	     i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, harmless[i], 0);
	if (!rc)
		rc = allow_descriptors(filter, box);
	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				      SCMP_ACT_KILL_PROCESS);
	return rc ? rc : seccomp_load(filter);
}

static int
close_calls(const struct decode_sandbox *box, struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!filter)
		return error_nomem(err);
	rc = fill_filter(filter, box);
	if (rc)
		return error_errno(err, -rc, "seccomp");
	seccomp_release(filter);
	return 0;
}

int
decode_sandbox_close(const struct decode_sandbox *box, struct error *err)
{
	int rc;

	setlocale(LC_CTYPE, "C.UTF-8");
	/* without TZ, mktime() looks for /etc/localtime at every call */
	if (setenv("TZ", "UTC0", 1))
		return error_nomem(err);
	tzset();
	sort_once();
	/* it reads /dev/urandom */
	json_object_seed(0);
	reset_signals();
	rc = load_converters(err);
	if (!rc)
		rc = close_others(box, err);
	if (!rc)
		rc = set_limits(box, err);
	if (!rc)
		rc = become(box->as->uid, box->as->gid, err);
	if (rc)
		return error_prefix(err, rc, "sandbox");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return error_errno(err, errno, "sandbox: prctl");
	rc = close_landlock(err);
	if (!rc)
		rc = limit(RLIMIT_NOFILE, 0, err);
	if (!rc)
		rc = close_calls(box, err);
	return rc ? error_prefix(err, rc, "sandbox") : 0;
}

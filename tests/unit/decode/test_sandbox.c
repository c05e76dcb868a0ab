/* The decoder process. Fails if a process in the sandbox can reach anything
 * but the file, the request and the answer, or if its death is taken for an
 * end of the file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "decode/sandbox.h"
#include "tests/lib/decode_collect.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NOBODY 65534
static const char *const names[] = {"a", "b=名称", NULL};

/* ---- what kills ---------------------------------------------------------- */

struct world {
	struct decode_sandbox box;
	int other; /* a descriptor that must be closed */
};

static void
try_open(const struct world *w)
{
	(void)w;
	open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void
try_socket(const struct world *w)
{
	(void)w;
	socket(AF_INET, SOCK_STREAM, 0);
}

static void
try_fork(const struct world *w)
{
	(void)w;
	syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void
try_exec(const struct world *w)
{
	char *const argv[] = {NULL};

	(void)w;
	execve("/bin/true", argv, argv);
}

static void
try_kill(const struct world *w)
{
	(void)w;
	kill(getppid(), 0);
}

static void
try_ptrace(const struct world *w)
{
	(void)w;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void
try_stat(const struct world *w)
{
	struct stat st;

	(void)w;
	stat("/etc/passwd", &st);
}

static void
try_unlink(const struct world *w)
{
	(void)w;
	unlink("/nowhere");
}

static void
try_code(const struct world *w)
{
	(void)w;
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	     0);
}

static void
try_write_file(const struct world *w)
{
	ssize_t n = write(w->box.in_fd, "x", 1);

	(void)n;
}

static void
try_write_other(const struct world *w)
{
	ssize_t n = write(w->other, "x", 1);

	(void)n;
}

static void
try_dup(const struct world *w)
{
	fcntl(w->box.out_fd, F_DUPFD, 0);
}

static const struct {
	const char *name;
	void (*act)(const struct world *w);
} forbidden[] = {
	{"open", try_open},
	{"socket", try_socket},
	{"fork", try_fork},
	{"exec", try_exec},
	{"kill", try_kill},
	{"ptrace", try_ptrace},
	{"stat", try_stat},
	{"unlink", try_unlink},
	{"memory to run", try_code},
	{"write to the file", try_write_file},
	{"write elsewhere", try_write_other},
	{"dup", try_dup},
};

/* In a child: closes the sandbox, then acts. */
static int
run_inside(void (*act)(const struct world *w), unsigned int id)
{
	const struct decode_process as = {.uid = id, .gid = id};
	struct world w = {.box = {.as = &as}};
	int ask[2], answer[2], status;
	pid_t pid;

	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	w.box.in_fd = collect_file(SLICE("a,b\n"));
	w.other = collect_file(SLICE(""));
	w.box.request_fd = ask[0];
	w.box.out_fd = answer[1];
	pid = fork();
	if (pid == 0) {
		if (decode_sandbox_close(&w.box, NULL))
			_exit(3);
		act(&w);
		_exit(0);
	}
	close(w.box.in_fd);
	close(w.other);
	close(ask[0]);
	close(ask[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(answer[0]);
	close(answer[1]);
	return status;
}

static void
test_forbidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = run_inside(forbidden[i].act, 0);

		if (!WIFSIGNALED(status))
			print_error("'%s' was not stopped: %x\n",
				    forbidden[i].name, status);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

/* ---- what works ---------------------------------------------------------- */

static void
do_work(const struct world *w)
{
	char bytes[8];
	char *room = malloc(100 * 1024 * 1024);
	bool ok = room && pread(w->box.in_fd, bytes, 4, 0) == 4 &&
		  write(w->box.out_fd, bytes, 4) == 4;

	free(room);
	_exit(ok ? 0 : 1);
}

static void
take_memory(const struct world *w)
{
	void *p = mmap(NULL, 1UL << 30, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)w;
	_exit(p == MAP_FAILED ? 0 : 1);
}

static void
test_allowed(void **state)
{
	(void)state;
	assert_int_equal(run_inside(do_work, 0), 0);
#ifndef CIVICFS_SANITIZED
	assert_int_equal(run_inside(take_memory, 0), 0);
#else
	(void)take_memory;
#endif
}

/* ---- the process --------------------------------------------------------- */

struct running {
	pid_t pid;
	int ask; /* the request is written here */
	int answer;
};

static struct running
start(int in, unsigned int id)
{
	const struct decode_process as = {.uid = id, .gid = id};
	struct running r;
	int ask[2], answer[2];

	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	r.pid = fork();
	if (r.pid == 0)
		decode_process(in, ask[0], answer[1], &as);
	assert_true(r.pid > 0);
	close(ask[0]);
	close(answer[1]);
	r.ask = ask[1];
	r.answer = answer[0];
	return r;
}

static int
finish(struct running *r, struct collected *c)
{
	struct decode_request *req = collect_request("", names);
	struct decode_sink sink = collect_sink(c);
	int status;

	c->rc = decode_frames_read(r->answer, -1, req, &sink, &c->end, &c->err);
	decode_request_free(req);
	close(r->answer);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	return status;
}

static void
ask(struct running *r)
{
	struct decode_request *req = collect_request("", names);
	scope_buf bytes = BUF_INIT;

	assert_int_equal(decode_request_write(req, &bytes), 0);
	assert_int_equal(io_write(r->ask, bytes.data, bytes.len, NULL), 0);
	close(r->ask);
	decode_request_free(req);
}

static void
test_every_encoding(void **state)
{
	static const struct slice texts[] = {
		{"a,\xc3\xfb\xb3\xc6\n1,\xc4\xbf\xc2\xbc\n", 14},
		{"a,名称\n1,目录\n", 18},
		{"\xff\xfe"
		 "a\0,\0\x0d\x54\xf0\x79\n\0"
		 "1\0,\0\xee\x76\x55\x5f\n\0",
		 22},
		{"\xfe\xff\0a\0,\x54\x0d\x79\xf0\0\n\0"
		 "1\0,\x76\xee\x5f\x55\0\n",
		 22},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct collected c scope_collected = {0};
		scope_fd in = collect_file(texts[i]);
		struct running r = start(in, geteuid() ? 0 : NOBODY);

		ask(&r);
		assert_int_equal(finish(&r, &c), 0);
		assert_int_equal(c.rc, 0);
		assert_int_equal(c.end, DECODE_DONE);
		assert_string_equal(buf_str(&c.rows), "1@2 1|目录\n");
	}
}

static void
read_status(pid_t pid, struct buf *out)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	buf_clear(out);
	assert_int_equal(io_slurp(AT_FDCWD, name, 1 << 20, out, NULL), 0);
	assert_non_null(buf_str(out));
}

/* While it waits for the request, the kernel says how it is confined; killed
 * there, it is dead to the reader, not done. */
static void
test_killed(void **state)
{
	struct collected c scope_collected = {0};
	scope_fd in = collect_file(SLICE("a,b\n1,2\n"));
	struct running r = start(in, geteuid() ? 0 : NOBODY);
	scope_buf status = BUF_INIT;

	(void)state;
	do {
		sched_yield();
		read_status(r.pid, &status);
	} while (!strstr(status.data, "Seccomp:\t2"));
	assert_non_null(strstr(status.data, "NoNewPrivs:\t1"));
	if (!geteuid()) {
		assert_non_null(strstr(status.data,
				       "Uid:\t65534\t65534\t65534\t65534"));
		assert_non_null(strstr(status.data,
				       "Gid:\t65534\t65534\t65534\t65534"));
		assert_non_null(
			strstr(status.data, "CapEff:\t0000000000000000"));
		assert_non_null(
			strstr(status.data, "CapPrm:\t0000000000000000"));
	}
	kill(r.pid, SIGKILL);
	close(r.ask);
	assert_int_equal(finish(&r, &c), SIGKILL);
	assert_int_equal(c.rc, ERR_IO);
}

static void
test_bad_request(void **state)
{
	struct collected c scope_collected = {0};
	scope_fd in = collect_file(SLICE("a,b\n1,2\n"));
	struct running r = start(in, 0);

	(void)state;
	assert_int_equal(io_write(r.ask, "nonsense", 8, NULL), 0);
	close(r.ask);
	assert_true(WEXITSTATUS(finish(&r, &c)) != 0);
	assert_int_equal(c.rc, ERR_IO);
	assert_string_equal(c.err.text, "the decoder gave up: the request to "
					"the decoder is broken");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_every_encoding),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_bad_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

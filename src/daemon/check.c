/* Whether a configuration could come into force: see check.h. */
#include "daemon/check.h"

#include "access/access.h"
#include "base/io.h"
#include "base/scope.h"
#include "daemon/log.h"
#include "flow/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <syslog.h>

#define FILES_MAX ((size_t)256 << 20)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define PATIENCE_MS 500
#define READINGS 50   /* until two of them are equal */
#define READING_MS 20 /* between two */

/* ---- words --------------------------------------------------------------- */

static void
log_line(char kind, const char *text)
{
	daemon_log("reload", kind == 'E' ? LOG_ERR : LOG_WARNING, "%s%s",
		   kind == 'W' ? "warning: " : "", text);
}

/* Whoever asked reads all the time, or hangs: nobody waits for him long, the
 * keeper least of all. */
static bool
may_write(int answer)
{
	struct pollfd p = {.fd = answer, .events = POLLOUT};

	return poll(&p, 1, PATIENCE_MS) > 0;
}

void
daemon_check_say(int answer, char kind, const char *fmt, ...)
{
	char line[DAEMON_CHECK_LINE] = {kind, ' '};
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 2, sizeof(line) - 3, fmt, ap);
	va_end(ap);
	for (char *p = line; *p; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	if (answer < 0 && (kind == 'E' || kind == 'W')) {
		log_line(kind, line + 2);
		return;
	}
	n = strlen(line);
	line[n++] = '\n';
	/* whoever asked may have died since */
	if (answer >= 0 && may_write(answer))
		(void)!io_write(answer, line, n, NULL);
}

/* ---- the files ----------------------------------------------------------- */

int
daemon_check_open(int *ret_fd, struct error *err)
{
	*ret_fd =
		memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*ret_fd < 0)
		return error_errno(err, errno, "memory for the configuration");
	return 0;
}

static int
slurp(int fd, struct buf *bytes, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return io_slurp(AT_FDCWD, path, FILES_MAX, bytes, err);
}

/* An editor, or a program that puts several files in place, is given the time
 * to end: two readings one after the other are equal. */
static int
read_still(const char *path, struct buf *bytes, struct error *err)
{
	scope_buf before = BUF_INIT;
	int rc = config_read_files(path, &before, err);

	for (int i = 0; !rc && i < READINGS; i++) {
		poll(NULL, 0, READING_MS);
		rc = config_read_files(path, bytes, err);
		if (rc || slice_eq(buf_slice(&before), buf_slice(bytes)))
			return rc;
		buf_clear(&before);
		if (buf_addslice(&before, buf_slice(bytes)))
			return error_nomem(err);
	}
	return rc ? rc
		  : error_set(err, ERR_BUSY,
			      "the files beside '%s' are being changed: reload "
			      "again when that has ended",
			      path);
}

int
daemon_check_read(const struct daemon_shared *shared)
{
	struct error err = ERROR_INIT;
	scope_buf bytes = BUF_INIT;
	int rc = read_still(shared->config_path, &bytes, &err);

	if (!rc)
		rc = io_write(shared->check_files, bytes.data, bytes.len, &err);
	if (!rc && fcntl(shared->check_files, F_ADD_SEALS, SEALS))
		rc = error_errno(&err, errno, "cannot seal the configuration");
	if (!rc)
		return DAEMON_CHECK_GOOD;
	daemon_check_say(shared->check_answer, 'E', "%s", err.text);
	return rc == ERR_NOMEM || rc == ERR_BUSY ? DAEMON_CHECK_FAILED
						 : DAEMON_CHECK_WRONG;
}

int
daemon_check_take(int files, struct config **ret, struct error *err)
{
	struct config_problems problems = {0};
	scope_buf bytes = BUF_INIT;
	int rc;

	if (fcntl(files, F_GET_SEALS) != SEALS)
		return error_set(err, ERR_PROTOCOL,
				 "the checker has left nothing");
	rc = slurp(files, &bytes, err);
	if (!rc)
		rc = config_parse(buf_slice(&bytes), ret, &problems, err);
	config_problems_release(&problems);
	return rc;
}

/* ---- judging ------------------------------------------------------------- */

static int
parse(const struct daemon_shared *shared, struct config **ret)
{
	struct config_problems problems = {0};
	struct error err = ERROR_INIT;
	scope_buf bytes = BUF_INIT;
	bool said = false;
	int rc = slurp(shared->check_files, &bytes, &err);

	if (!rc)
		rc = config_parse(buf_slice(&bytes), ret, &problems, &err);
	/* the files were read as root: daemon_check_read() */
	if (!rc)
		rc = config_check_files(*ret, 0, &problems, &err);
	if (!rc)
		rc = access_check(*ret, &err);
	for (size_t i = 0; i < problems.n; i++) {
		const struct config_problem *p = &problems.items[i];

		said = said || !p->warning;
		daemon_check_say(shared->check_answer, p->warning ? 'W' : 'E',
				 "%s", p->text);
	}
	if (rc && !said)
		daemon_check_say(shared->check_answer, 'E', "%s", err.text);
	config_problems_release(&problems);
	if (rc) {
		config_free(*ret);
		*ret = NULL;
	}
	return rc;
}

/* What belongs to the running daemon itself. */
static int
check_fixed(const struct daemon_shared *shared, const struct config *config)
{
	const struct {
		const char *key, *now, *then;
	} fixed[] = {
		{"state", config->state, shared->config->state},
		{"user", config->user, shared->config->user},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (strcmp(fixed[i].now, fixed[i].then) == 0)
			continue;
		daemon_check_say(shared->check_answer, 'E',
				 "[platform] %s = %s: it was '%s' and cannot "
				 "change while civicfsd runs: restore it, or "
				 "end civicfsd with 'civicfs stop' and start "
				 "it again",
				 fixed[i].key, fixed[i].now, fixed[i].then);
		rc = 1;
	}
	return rc;
}

static int
report(void *ctx, const char *text)
{
	const struct daemon_shared *shared = ctx;

	daemon_check_say(shared->check_answer, 'E', "%s", text);
	return 0;
}

/* 0, 1 refused, or a negative code. */
static int
check_state(const struct daemon_shared *shared, const struct config *config,
	    struct error *err)
{
	struct store *store = NULL;
	struct daemon_shared copy = *shared;
	int rc = store_open_reading(shared->state_dir, &store, err);

	if (!rc)
		rc = flow_plan_check(store, config, report, &copy, err);
	store_close(store);
	return rc;
}

int
daemon_checker(const struct daemon_shared *shared)
{
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	int rc = parse(shared, &config);

	if (rc)
		return rc == ERR_NOMEM ? DAEMON_CHECK_FAILED
				       : DAEMON_CHECK_WRONG;
	rc = check_fixed(shared, config);
	if (!rc)
		rc = check_state(shared, config, &err);
	if (rc < 0)
		daemon_check_say(shared->check_answer, 'E', "%s", err.text);
	config_free(config);
	if (rc < 0)
		return DAEMON_CHECK_FAILED;
	return rc ? DAEMON_CHECK_REFUSED : DAEMON_CHECK_GOOD;
}

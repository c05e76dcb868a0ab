/* Asking the keeper for a reload, in the worker's name: see check.h. */
#include "base/scope.h"
#include "control/protocol.h"
#include "daemon/check.h"
#include "daemon/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 200

/* The checker's lines, until it and the keeper have said all: check.h. */
struct reload {
	const struct daemon_shared *shared;
	control_tell_fn *tell;
	void *tell_ctx;
	char *digest; /* DIGEST_HEX bytes */
	int exit_status;
};

static void
take_line(struct reload *r, char *line)
{
	char kind = *line;
	const char *text = kind && line[1] ? line + 2 : "";

	if (kind == 'W' || kind == 'E')
		r->tell(r->tell_ctx, kind == 'W', text);
	if (kind == 'R')
		r->exit_status = atoi(text) == CONTROL_USAGE ? CONTROL_USAGE
							     : CONTROL_NO;
	if (kind == 'A')
		r->exit_status = ERR_BUSY;
	if (kind == 'D') {
		snprintf(r->digest, DIGEST_HEX, "%s", text);
		r->exit_status = CONTROL_DONE;
	}
}

/* Whether there is more to read, or the end of it. Not every process that may
 * have the other end at this moment ends with the keeper, so the keeper is
 * looked at, too. */
static bool
is_readable(const struct reload *r, int answer)
{
	struct pollfd p = {.fd = answer, .events = POLLIN};

	for (;;) {
		bool alive = getppid() == r->shared->keeper;
		int n = poll(&p, 1, alive ? LOOK_MS : 0);

		if (n > 0)
			return true;
		if (!alive)
			return false;
	}
}

static void
take_lines(struct reload *r, int answer)
{
	char text[DAEMON_CHECK_LINE + 1];
	size_t n = 0;

	while (is_readable(r, answer)) {
		ssize_t got = read(answer, text + n, sizeof(text) - 1 - n);
		char *line = text, *end;

		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			take_line(r, line);
			line = end + 1;
		}
		n -= (size_t)(line - text);
		memmove(text, line, n);
	}
}

int
daemon_check_ask(const struct daemon_shared *shared, control_tell_fn *tell,
		 void *tell_ctx, char ret_digest[static DIGEST_HEX],
		 struct error *err)
{
	const struct link_message m = {.kind = LINK_RELOAD};
	struct reload r = {shared, tell, tell_ctx, ret_digest, ERR_IO};
	scope_fd answer = -1;
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(err, errno, "pipe");
	rc = daemon_link_send(shared->link, &m, &ends[1], 1, err);
	close(ends[1]);
	answer = ends[0];
	if (!rc)
		take_lines(&r, answer);
	if (r.exit_status == ERR_BUSY)
		return error_set(err, ERR_BUSY,
				 "another reload is under way: ask again");
	if (r.exit_status < 0)
		return error_set(err, ERR_IO,
				 "the configuration was not checked: the "
				 "keeper has died; start civicfsd again");
	return r.exit_status;
}

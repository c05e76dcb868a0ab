/* Asking the keeper for a reload, in the worker's name: see check.h. */
#include "base/scope.h"
#include "control/protocol.h"
#include "daemon/check.h"
#include "daemon/link.h"

#include <errno.h>
#include <fcntl.h>

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

static void
take_lines(struct reload *r, FILE *answer)
{
	char line[DAEMON_CHECK_LINE + 1];

	while (fgets(line, sizeof(line), answer)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(r, line);
	}
}

int
daemon_check_ask(const struct daemon_shared *shared, control_tell_fn *tell,
		 void *tell_ctx, char ret_digest[static DIGEST_HEX],
		 struct error *err)
{
	const struct link_message m = {.kind = LINK_RELOAD};
	struct reload r = {shared, tell, tell_ctx, ret_digest, ERR_IO};
	scope_file answer = NULL;
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(err, errno, "pipe");
	rc = daemon_link_send(shared->link, &m, &ends[1], 1, err);
	close(ends[1]);
	answer = fdopen(ends[0], "r");
	if (!answer)
		return error_nomem(err);
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

/* Asking the daemon: see ask.h. */
#include "ctl/ask.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "control/control.h"
#include "ctl/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define PAUSE_MS 10
#define PATIENCE_NS (10 * CLOCK_NS) /* for a worker to be replaced */

/* What an attempt ended with, besides an exit status. */
enum { LOST = -100 };

void
ctl_answer_release(struct ctl_answer *answer)
{
	json_decref(answer->items);
	answer->items = NULL;
	buf_release(&answer->text);
}

struct ctl_question
ctl_question_of(const struct ctl *ctl)
{
	struct ctl_question q = {.request = {.verb = ctl->verb->name}};

	for (size_t i = 0; i < ctl->nargs && i < CONTROL_ARGS_MAX; i++)
		q.request.args[q.request.nargs++] = ctl->args[i];
	return q;
}

void
ctl_question_option(struct ctl_question *q, const char *name, const char *value)
{
	struct control_request *r = &q->request;

	if (value && r->noptions < CONTROL_ARGS_MAX)
		r->options[r->noptions++] =
			(struct control_option){name, value};
}

/* ---- one attempt --------------------------------------------------------- */

static int
send_request(const struct ctl_question *q, int fd, struct error *err)
{
	struct control_request request = q->request;
	scope_buf line = BUF_INIT;
	char timeout[32];
	size_t sent = 0;
	int rc;

	if (q->deadline) {
		int64_t left = q->deadline - clock_monotonic();

		snprintf(timeout, sizeof(timeout), "%lld",
			 left > 0 ? (long long)left / 1000000 : 0);
		request.options[request.noptions++] =
			(struct control_option){"timeout_ms", timeout};
	}
	rc = control_request_write(&request, &line, err);
	while (!rc && sent < line.len) {
		ssize_t n = send(fd, line.data + sent, line.len - sent,
				 MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			/* it may have refused us already: that is read */
			break;
	}
	return rc;
}

static int
take_text(struct ctl_question *q, const json_t *text, struct ctl_answer *ret,
	  struct error *err)
{
	const char *p = json_string_value(text);
	size_t n = json_string_length(text);

	if (!q->text_to)
		return buf_add(&ret->text, p, n) ? error_nomem(err) : 0;
	q->once = true; /* it cannot be unsaid */
	if (fwrite(p, 1, n, q->text_to) != n)
		return error_errno(err, errno, "cannot write the answer");
	return 0;
}

/* The last line: an exit status. */
static int
take_done(const json_t *line, struct error *err)
{
	const json_t *exit_status = json_object_get(line, "exit");
	const char *why = json_string_value(json_object_get(line, "error"));
	json_int_t value = json_integer_value(exit_status);

	if (!json_is_integer(exit_status) || value < CTL_DONE ||
	    value > CTL_USAGE)
		return error_set(err, ERR_PROTOCOL,
				 "the daemon's answer has no exit status");
	if (value)
		error_set(err, ERR_INVALID, "%s",
			  why && *why ? why : "the daemon gives no reason");
	return (int)value;
}

/* 1 to go on, 0 when that was the last line and *ret_exit is known. */
static int
take_line(struct ctl_question *q, const json_t *line, struct ctl_answer *ret,
	  int *ret_exit, struct error *err)
{
	json_t *item = json_object_get(line, "item");
	const json_t *text = json_object_get(line, "text");
	const json_t *progress = json_object_get(line, "progress");
	int rc;

	if (json_is_true(json_object_get(line, "done"))) {
		*ret_exit = take_done(line, err);
		return *ret_exit < 0 ? *ret_exit : 0;
	}
	if (json_is_object(progress)) {
		if (q->progress)
			q->progress(q->progress_ctx, progress);
		return 1;
	}
	if (json_is_object(item))
		rc = json_array_append(ret->items, item) ? error_nomem(err) : 0;
	else if (json_is_string(text))
		rc = take_text(q, text, ret, err);
	else
		rc = error_set(err, ERR_PROTOCOL,
			       "the daemon's answer is of another form: are "
			       "civicfs and civicfsd of the same version?");
	return rc ? rc : 1;
}

static int
read_answer(struct ctl_question *q, int fd, struct ctl_answer *ret,
	    struct error *err)
{
	struct control_lines lines = {.fd = fd};
	int exit_status = LOST;
	int rc;

	do {
		struct slice text;
		json_t *line;

		rc = control_lines_next(&lines, CONTROL_ANSWER_MAX, 0, &text,
					err);
		if (rc <= 0)
			break;
		line = json_loadb(text.p, text.n, 0, NULL);
		rc = take_line(q, line, ret, &exit_status, err);
		json_decref(line);
	} while (rc > 0);
	control_lines_release(&lines);
	return rc < 0 ? rc : exit_status;
}

static int
converse(struct ctl_question *q, int fd, struct ctl_answer *ret,
	 struct error *err)
{
	int rc;

	ctl_answer_release(ret);
	ret->items = json_array();
	if (!ret->items)
		return error_nomem(err);
	rc = send_request(q, fd, err);
	if (!rc)
		rc = read_answer(q, fd, ret, err);
	if (q->progress)
		q->progress(q->progress_ctx, NULL);
	return rc;
}

/* ---- until it is answered ------------------------------------------------ */

static int
no_daemon(const struct ctl *ctl)
{
	return ctl_refuse(CTL_NO_DAEMON,
			  "civicfsd does not run on '%s': start it with "
			  "civicfsd -c %s MOUNTPOINT",
			  ctl->state, ctl->config_path);
}

/* The keeper leaves a note of the reason when it has tried in vain. */
static void
read_trouble(const struct ctl *ctl, struct buf *why)
{
	scope_fd dir = open(ctl->state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 ||
	    io_slurp(dir, CONTROL_TROUBLE, ERROR_TEXT_MAX, why, NULL) ||
	    !buf_str(why))
		buf_clear(why);
}

static int
no_worker(const struct ctl *ctl, pid_t keeper, struct buf *why)
{
	return ctl_refuse(CTL_NO_DAEMON,
			  "civicfsd runs on '%s' (keeper %d), but its worker "
			  "does not answer%s%s: look into the system's log, or "
			  "at what civicfsd -f says",
			  ctl->state, keeper, why->len ? ": " : "",
			  why->len ? why->data : "");
}

static int
give_up(const struct ctl *ctl, const struct ctl_question *q, pid_t keeper,
	int64_t since)
{
	int64_t now = clock_monotonic();
	scope_buf why = BUF_INIT;

	if (q->deadline && now >= q->deadline)
		return ctl_refuse(CTL_NO, "the time is over: the worker is "
					  "being replaced, ask again");
	read_trouble(ctl, &why);
	if (!why.len && now - since < PATIENCE_NS)
		return CTL_DONE;
	return no_worker(ctl, keeper, &why);
}

static int
say(const struct ctl_question *q, struct ctl_answer *ret, int rc,
    const struct error *err)
{
	if (rc == CTL_DONE)
		return rc;
	if (q->quiet) {
		snprintf(ret->why, sizeof(ret->why), "%s", err->text);
		return rc < 0 ? CTL_NO : rc;
	}
	return ctl_refuse(rc < 0 ? CTL_NO : rc, "%s", err->text);
}

int
ctl_ask(struct ctl *ctl, struct ctl_question *q, struct ctl_answer *ret)
{
	int64_t since = clock_monotonic();

	for (;;) {
		struct error err = ERROR_INIT;
		pid_t keeper;
		scope_fd fd = -1;
		int rc = ctl_connect(ctl->state, &fd, &err);

		if (rc < 0)
			return say(q, ret, rc, &err);
		if (rc) {
			rc = converse(q, fd, ret, &err);
			if (rc != LOST)
				return say(q, ret, rc, &err);
			if (q->once)
				return ctl_refuse(
					CTL_NO,
					"the worker ended before it had "
					"answered: 'civicfs status' shows what "
					"came of it; ask again");
			since = clock_monotonic();
		}
		keeper = ctl_keeper(ctl->state);
		if (!keeper)
			return no_daemon(ctl);
		rc = give_up(ctl, q, keeper, since);
		if (rc)
			return rc;
		poll(NULL, 0, PAUSE_MS);
	}
}

bool
ctl_has_daemon(struct ctl *ctl)
{
	scope_fd fd = -1;

	return ctl_connect(ctl->state, &fd, NULL) > 0 ||
	       ctl_keeper(ctl->state) != 0;
}

/* Writing answers, and waiting while one is made: see call.h. */
#include "control/call.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#define SEND_MS (600 * 1000)

/* ---- lines --------------------------------------------------------------- */

struct jsonout *
control_item(struct control_call *call)
{
	call->json = jsonout_begin(&call->out, false);
	jsonout_object(&call->json);
	jsonout_key(&call->json, "item");
	jsonout_object(&call->json);
	return &call->json;
}

int
control_item_end(struct control_call *call)
{
	int rc = jsonout_end_text(&call->json);

	if (!rc)
		rc = buf_addc(&call->out, '\n');
	if (rc)
		return error_set(&call->err, rc, "the answer does not fit");
	call->whole = call->out.len;
	return 0;
}

void
control_member(struct jsonout *j, const char *key, const char *text)
{
	jsonout_key(j, key);
	if (text)
		jsonout_string(j, slice_str(text));
	else
		jsonout_raw(j, SLICE("null"));
}

void
control_member_int(struct jsonout *j, const char *key, int64_t value)
{
	jsonout_key(j, key);
	jsonout_integer(j, value);
}

void
control_member_bool(struct jsonout *j, const char *key, bool value)
{
	jsonout_key(j, key);
	jsonout_raw(j, value ? SLICE("true") : SLICE("false"));
}

void
control_member_time(struct jsonout *j, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	control_member(j, key, ns ? clock_rfc3339(ns, text) : NULL);
}

/* Where a piece of at most CONTROL_TEXT_MAX bytes ends: between characters. */
static size_t
piece_of(struct slice text)
{
	size_t n = CONTROL_TEXT_MAX;

	if (text.n <= n)
		return text.n;
	while (n > CONTROL_TEXT_MAX - 4 &&
	       ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int
add_piece(struct control_call *call, struct slice piece)
{
	struct jsonout j = jsonout_begin(&call->out, false);

	jsonout_object(&j);
	jsonout_key(&j, "text");
	jsonout_string(&j, piece);
	if (jsonout_end_text(&j) || buf_addc(&call->out, '\n'))
		return error_nomem(&call->err);
	call->whole = call->out.len;
	return 0;
}

int
control_text(struct control_call *call, struct slice text)
{
	int rc = 0;

	while (!rc && text.n) {
		size_t n = piece_of(text);

		rc = add_piece(call, (struct slice){text.p, n});
		text.p += n;
		text.n -= n;
	}
	return rc;
}

/* Until the client reads on. An answer may stand in a pager: that costs a
 * thread and nothing else, but not for ever, and not when the daemon ends. */
static int
wait_for_room(struct control_call *call)
{
	struct pollfd p[] = {
		{.fd = call->fd, .events = POLLOUT},
		{.fd = call->stop_fd, .events = POLLIN},
	};
	int n;

	do {
		n = poll(p, 2, SEND_MS);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && p[0].revents)
		return 0;
	return error_set(&call->err, ERR_IO, "the client does not read");
}

int
control_flush(struct control_call *call)
{
	const char *p = call->out.data;
	size_t left = call->out.len;
	int rc = 0;

	while (!rc && left) {
		ssize_t n =
			send(call->fd, p, left, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			p += n;
			left -= (size_t)n;
		} else if (errno == EAGAIN) {
			rc = wait_for_room(call);
		} else if (errno != EINTR) {
			rc = error_errno(&call->err, errno,
					 "the client has gone");
		}
	}
	buf_clear(&call->out);
	call->whole = 0;
	return rc;
}

int
control_finish(struct control_call *call, int exit_status)
{
	const char *why = exit_status == CONTROL_DONE ? "" : call->err.text;
	struct jsonout j = jsonout_begin(&call->out, false);

	call->out.len = call->whole; /* an item may have failed half way */
	jsonout_object(&j);
	control_member_bool(&j, "done", true);
	control_member_int(&j, "exit", exit_status);
	control_member(&j, "error", why);
	if (jsonout_end_text(&j) || buf_addc(&call->out, '\n'))
		return error_nomem(&call->err);
	return control_flush(call);
}

int
control_refuse(struct control_call *call, enum control_exit exit_status,
	       const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(&call->err, ERR_INVALID, "%s", text);
	return (int)exit_status;
}

/* ---- waiting ------------------------------------------------------------- */

int
control_sleep(struct control_call *call, int wake_fd, int ms)
{
	struct pollfd p[] = {
		{.fd = call->fd}, /* a client that has gone is POLLHUP */
		{.fd = call->stop_fd, .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};

	if (poll(p, 3, ms) <= 0)
		return 0; /* or a signal: the caller looks again anyway */
	call->cut_off = p[1].revents;
	if (call->cut_off)
		return error_set(&call->err, ERR_BUSY, "the daemon ends");
	if (!p[0].revents)
		return 0;
	return error_set(&call->err, ERR_IO, "the client has gone");
}

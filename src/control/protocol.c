/* Lines of JSON between the command line and the worker: see protocol.h. */
#include "control/protocol.h"

#include "base/clock.h"
#include "base/jsonout.h"
#include "base/scope.h"
#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>

#define READ_STEP 16384

/* ---- writing requests ---------------------------------------------------- */

static int
check_text(const char *text, struct error *err)
{
	size_t at;

	if (text_is_utf8(slice_str(text), &at))
		return 0;
	return error_set(err, ERR_INVALID,
			 "an argument is not UTF-8: set a UTF-8 locale, for "
			 "example LC_ALL=C.UTF-8, and give it again");
}

static int
check_request(const struct control_request *request, struct error *err)
{
	int rc = check_text(request->verb, err);

	for (size_t i = 0; !rc && i < request->nargs; i++)
		rc = check_text(request->args[i], err);
	for (size_t i = 0; !rc && i < request->noptions; i++)
		rc = check_text(request->options[i].value, err);
	return rc;
}

int
control_request_write(const struct control_request *request, struct buf *out,
		      struct error *err)
{
	size_t began = out->len;
	struct jsonout j = jsonout_begin(out, false);
	int rc = check_request(request, err);

	if (rc)
		return rc;
	jsonout_object(&j);
	jsonout_pair(&j, "verb", request->verb);
	jsonout_key(&j, "args");
	jsonout_array(&j);
	for (size_t i = 0; i < request->nargs; i++)
		jsonout_string(&j, slice_str(request->args[i]));
	jsonout_end(&j);
	jsonout_key(&j, "options");
	jsonout_object(&j);
	for (size_t i = 0; i < request->noptions; i++)
		jsonout_pair(&j, request->options[i].name,
			     request->options[i].value);
	if (jsonout_end_text(&j) || buf_addc(out, '\n'))
		return error_nomem(err);
	if (out->len - began > CONTROL_REQUEST_MAX)
		return error_set(err, ERR_LIMIT,
				 "the arguments are longer than %d bytes",
				 CONTROL_REQUEST_MAX);
	return 0;
}

/* ---- reading requests ---------------------------------------------------- */

static int
bad_request(struct error *err, const char *what)
{
	return error_set(err, ERR_PROTOCOL,
			 "no request: %s; a request is a line such as "
			 "{\"verb\":\"status\",\"args\":[],\"options\":{}}",
			 what);
}

static int
take_args(const json_t *args, struct control_request *ret, struct error *err)
{
	if (!json_is_array(args))
		return bad_request(err, "'args' is no list");
	if (json_array_size(args) > CONTROL_ARGS_MAX)
		return bad_request(err, "too many 'args'");
	for (size_t i = 0; i < json_array_size(args); i++) {
		const json_t *one = json_array_get(args, i);

		if (!json_is_string(one))
			return bad_request(err, "an argument is no text");
		ret->args[ret->nargs++] = json_string_value(one);
	}
	return 0;
}

static int
take_options(json_t *options, struct control_request *ret, struct error *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(options))
		return bad_request(err, "'options' is no object");
	if (json_object_size(options) > CONTROL_ARGS_MAX)
		return bad_request(err, "too many 'options'");
	json_object_foreach(options, name, value)
	{
		if (!json_is_string(value))
			return bad_request(err, "an option's value is no text");
		ret->options[ret->noptions++] =
			(struct control_option){name, json_string_value(value)};
	}
	return 0;
}

static int
take_members(json_t *root, struct control_request *ret, struct error *err)
{
	const json_t *verb = json_object_get(root, "verb");
	const json_t *args = json_object_get(root, "args");
	json_t *options = json_object_get(root, "options");
	size_t known = 1 + (args != NULL) + (options != NULL);
	int rc = 0;

	if (!json_is_string(verb))
		return bad_request(err, "'verb' is no text");
	if (json_object_size(root) != known)
		return bad_request(err, "there are unknown members");
	ret->verb = json_string_value(verb);
	if (args)
		rc = take_args(args, ret, err);
	if (!rc && options)
		rc = take_options(options, ret, err);
	return rc;
}

int
control_request_parse(struct slice line, struct control_request *ret,
		      struct error *err)
{
	struct control_request request = {.verb = ""};
	json_error_t why;
	json_t *root = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &why);
	int rc;

	if (!root)
		return bad_request(err, why.text);
	if (json_is_object(root))
		rc = take_members(root, &request, err);
	else
		rc = bad_request(err, "it is no object");
	if (rc) {
		json_decref(root);
		return rc;
	}
	request.json = root;
	*ret = request;
	return 0;
}

void
control_request_release(struct control_request *request)
{
	json_decref(request->json);
	request->json = NULL;
}

const char *
control_request_option(const struct control_request *request, const char *name)
{
	for (size_t i = 0; i < request->noptions; i++) {
		if (strcmp(request->options[i].name, name) == 0)
			return request->options[i].value;
	}
	return NULL;
}

bool
control_number(const char *text, int64_t *ret)
{
	int64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
	}
	*ret = value;
	return true;
}

bool
control_is_submission_id(const char *text)
{
	size_t day = strspn(text, "0123456789");
	size_t number;

	if (day != 8 || text[day] != '-')
		return false;
	number = strspn(text + day + 1, "0123456789");
	return number >= 6 && text[day + 1 + number] == '\0';
}

/* ---- lines --------------------------------------------------------------- */

void
control_lines_release(struct control_lines *lines)
{
	buf_release(&lines->buf);
}

/* Until something can be read; ERR_BUSY at the deadline. */
static int
wait_for_bytes(const struct control_lines *lines, int64_t deadline,
	       struct error *err)
{
	struct pollfd p = {.fd = lines->fd, .events = POLLIN};

	for (;;) {
		int64_t left = -1;
		int n;

		if (deadline) {
			left = (deadline - clock_monotonic()) / 1000000;
			if (left <= 0)
				return error_set(err, ERR_BUSY,
						 "nothing more came in time");
			if (left > 60000)
				left = 60000;
		}
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return error_errno(err, errno, "control socket");
	}
}

/* Appends what has come: the count, 0 at the end. */
static ssize_t
read_some(struct control_lines *lines, int64_t deadline, struct error *err)
{
	ssize_t n = wait_for_bytes(lines, deadline, err);

	if (!n && buf_reserve(&lines->buf, READ_STEP))
		n = error_nomem(err);
	if (n)
		return n;
	do {
		n = read(lines->fd, lines->buf.data + lines->buf.len,
			 READ_STEP);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n < 0)
		return error_errno(err, errno, "control socket");
	lines->buf.len += (size_t)n;
	return n;
}

int
control_lines_next(struct control_lines *lines, size_t max, int64_t deadline,
		   struct slice *ret, struct error *err)
{
	size_t seen = 0;

	if (lines->used) {
		lines->buf.len -= lines->used;
		memmove(lines->buf.data, lines->buf.data + lines->used,
			lines->buf.len);
		lines->used = 0;
	}
	for (;;) {
		const char *start = lines->buf.data;
		const char *end = NULL;
		ssize_t n;

		if (lines->buf.len > seen)
			end = memchr(start + seen, '\n', lines->buf.len - seen);
		if (end) {
			*ret = (struct slice){start, (size_t)(end - start)};
			lines->used = ret->n + 1;
		}
		if (lines->used > max || (!end && lines->buf.len >= max))
			return error_set(err, ERR_LIMIT,
					 "a line of more than %zu bytes", max);
		if (end)
			return 1;
		seen = lines->buf.len;
		n = read_some(lines, deadline, err);
		if (n <= 0)
			return (int)n;
	}
}

/*
 * What the command line and the worker say to each other: lines of JSON.
 *
 *   request   {"verb":"wait","args":["20260301-000001"],
 *              "options":{"timeout_ms":"5000"}}
 *   answer    {"text":"…"}   bytes to be printed as they are, in pieces
 *             {"item":{…}}   one fact, or one row of a table
 *             {"progress":{…}}   how far it is; wait, when asked for it
 *             {"done":true,"exit":0,"error":""}   always the last
 *
 * 'exit' is the exit status of the command line, 0 to 2. A connection carries
 * one request.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include "base/buf.h"

#include <stdint.h>

#define CONTROL_REQUEST_MAX 65536 /* bytes of a request's line, with LF */
#define CONTROL_ANSWER_MAX (8 * 1024 * 1024) /* bytes of an answer's line */
#define CONTROL_TEXT_MAX 32768		     /* bytes of one "text" */
#define CONTROL_ARGS_MAX 16

/* Exit statuses (SPEC 2); 3, no daemon, is the command line's own. */
enum control_exit { CONTROL_DONE = 0, CONTROL_NO = 1, CONTROL_USAGE = 2 };

/* ---- requests ------------------------------------------------------------ */

struct control_option {
	const char *name, *value;
};

/* Texts are UTF-8. A parsed one owns its memory in 'json'. */
struct control_request {
	const char *verb;
	const char *args[CONTROL_ARGS_MAX];
	size_t nargs;
	struct control_option options[CONTROL_ARGS_MAX];
	size_t noptions;
	void *json;
};

/* Appends the line with its LF. ERR_NOMEM; ERR_LIMIT when the line or a list
 * would be too long; ERR_INVALID when a text is not UTF-8. */
MUST_CHECK int control_request_write(const struct control_request *request,
				     struct buf *out, struct error *err);

/* From a line without LF, which anybody may have sent. ERR_PROTOCOL says what
 * is wrong with it. */
MUST_CHECK int control_request_parse(struct slice line,
				     struct control_request *ret,
				     struct error *err);
void control_request_release(struct control_request *request);

/* NULL when the request has no such option. */
const char *control_request_option(const struct control_request *request,
				   const char *name);

/* A decimal number of digits alone; false otherwise, and when it does not
 * fit. */
bool control_number(const char *text, int64_t *ret);

/* Whether a text has the form of a submission's id, YYYYMMDD-NNNNNN. */
bool control_is_submission_id(const char *text);

/* ---- lines --------------------------------------------------------------- */

/* Lines from a descriptor. Zeroed but for 'fd', which stays the caller's;
 * control_lines_release(). */
struct control_lines {
	int fd;
	struct buf buf;
	size_t used; /* bytes of 'buf' that were handed out */
};
void control_lines_release(struct control_lines *lines);

/*
 * The next line, without its LF, until the next call: 1, or 0 at the end (what
 * comes after the last LF is no line). ERR_LIMIT for more than 'max' bytes,
 * ERR_BUSY at 'deadline' (clock_monotonic(), 0 none), ERR_IO, ERR_NOMEM.
 */
MUST_CHECK int control_lines_next(struct control_lines *lines, size_t max,
				  int64_t deadline, struct slice *ret,
				  struct error *err);

#endif

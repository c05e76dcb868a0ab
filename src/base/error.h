/*
 * Errors: a negative code, and one context object on the caller's stack.
 *
 * A function that can fail returns 0 or a negative ERR_ code and, when it was
 * given a struct error, leaves there a sentence for people: lower case, the
 * failure first, the subject in single quotes, and the next step. A caller
 * adds what it knows by error_prefix(). A NULL struct error is allowed
 * everywhere. Library code never logs and never ends the process.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define ERROR_TEXT_MAX 1024

enum {
	ERR_NOMEM = -1,	   /* no memory */
	ERR_IO = -2,	   /* a system call failed; errnum says which way */
	ERR_INVALID = -3,  /* the input breaks a rule that the text names */
	ERR_NOTFOUND = -4, /* what was asked for does not exist */
	ERR_EXISTS = -5,   /* what was to be made exists */
	ERR_DENIED = -6,   /* not allowed */
	ERR_BUSY = -7,	   /* somebody else holds it */
	ERR_STALE = -8,	   /* it existed once */
	ERR_PROTOCOL = -9, /* the other side broke the protocol */
	ERR_CORRUPT = -10, /* stored bytes are not what they were */
	ERR_LIMIT = -11,   /* larger than a setting or a format allows */
	ERR_INTERNAL = -12 /* a state that must not be */
};

struct error {
	int code;   /* 0 or an ERR_ code */
	int errnum; /* the errno behind ERR_IO, else 0 */
	char text[ERROR_TEXT_MAX];
};

#define ERROR_INIT ((struct error){0})

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Fills 'err' and returns 'code'. A text that does not fit is cut. */
int error_set(struct error *err, int code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The same for a failed system call: ERR_IO (or ERR_NOMEM for ENOMEM), the
 * text followed by ": " and what errnum means. Returns the code. */
int error_errno(struct error *err, int errnum, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the text; returns err->code (or 'code' without an
 * object, which is why the code is passed). */
int error_prefix(struct error *err, int code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Sets the text for ERR_NOMEM; returns ERR_NOMEM. */
int error_nomem(struct error *err);

/* A positive errno for the kernel. 'err' may be NULL; its errnum wins. */
int error_to_errno(int code, const struct error *err);

#endif

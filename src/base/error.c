/* Errors: see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	err->errnum = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int
error_errno(struct error *err, int errnum, const char *fmt, ...)
{
	int code = errnum == ENOMEM ? ERR_NOMEM : ERR_IO;
	char why[128];
	size_t len;
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	err->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(errnum, why, sizeof(why)));
	return code;
}

int
error_prefix(struct error *err, int code, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX]; /* what does not fit is cut */
	size_t len;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", err->text);
	memcpy(err->text, text, sizeof(text));
	return code;
}

int
error_nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

int
error_to_errno(int code, const struct error *err)
{
	if (!code)
		return 0;
	if (err && err->errnum)
		return err->errnum;
	switch (code) {
	case ERR_NOMEM:
		return ENOMEM;
	case ERR_INVALID:
		return EINVAL;
	case ERR_NOTFOUND:
		return ENOENT;
	case ERR_EXISTS:
		return EEXIST;
	case ERR_DENIED:
		return EACCES;
	case ERR_BUSY:
		return EBUSY;
	case ERR_STALE:
		return ESTALE;
	case ERR_LIMIT:
		return EFBIG;
	default:
		return EIO;
	}
}

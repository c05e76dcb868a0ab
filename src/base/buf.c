/* A growing byte buffer: see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_MIN 64

void
buf_release(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

int
buf_grow(struct buf *b, size_t more)
{
	size_t want, cap;
	char *data;

	if (more > SIZE_MAX / 2 - b->len)
		return ERR_NOMEM;
	want = b->len + more;
	if (want <= b->cap)
		return 0;
	cap = b->cap ? b->cap : BUF_MIN;
	while (cap < want)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return ERR_NOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || buf_reserve(b, (size_t)n + 1))
		return ERR_NOMEM;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_addv(b, fmt, ap);
	va_end(ap);
	return rc;
}

const char *
buf_str(struct buf *b)
{
	if (buf_reserve(b, 1))
		return NULL;
	b->data[b->len] = '\0';
	return b->data;
}

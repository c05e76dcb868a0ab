/*
 * A growing byte buffer. The buffer owns its memory; 'data' is NULL while it
 * is empty and is not ended by NUL unless buf_str() was called.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"
#include "base/slice.h"

#include <stdarg.h>

struct buf {
	char *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT ((struct buf){0})

void buf_release(struct buf *b);

/* Forgets the contents, keeps the memory. */
void buf_clear(struct buf *b);

/* Each returns 0 or ERR_NOMEM; on failure the buffer is as it was. */
MUST_CHECK int buf_grow(struct buf *b, size_t more);
static inline MUST_CHECK int
buf_reserve(struct buf *b, size_t more)
{
	return b->data && more <= b->cap - b->len ? 0 : buf_grow(b, more);
}
static inline MUST_CHECK int
buf_add(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n))
		return ERR_NOMEM;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}
static inline MUST_CHECK int
buf_addslice(struct buf *b, struct slice s)
{
	return buf_add(b, s.p, s.n);
}
static inline MUST_CHECK int
buf_addc(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		return ERR_NOMEM;
	b->data[b->len++] = c;
	return 0;
}
MUST_CHECK int buf_adds(struct buf *b, const char *s);
MUST_CHECK int buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST_CHECK int buf_addv(struct buf *b, const char *fmt, va_list ap)
	PRINTF_LIKE(2, 0);

/* The contents ended by a NUL that does not count in len; NULL without
 * memory. The pointer holds until the buffer changes. */
const char *buf_str(struct buf *b);

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){b->data, b->len};
}

#endif

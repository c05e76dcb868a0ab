/*
 * Numbers in LEB128: seven bits a byte, least significant first, in as few
 * bytes as the number needs.
 */
#ifndef BASE_LEB_H
#define BASE_LEB_H

#include "base/buf.h"

#include <stdint.h>

#define LEB_MAX 10 /* bytes of one number */

/* Appends; LEB_MAX bytes have been reserved. */
static inline void
leb_put(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		out->data[out->len++] = (char)(n | 0x80);
	out->data[out->len++] = (char)n;
}

/* Takes a number of at most 63 bits off 'rest'. False, and nothing is taken,
 * when there is none, or one in more bytes than it needs. */
static inline bool
leb_take(struct slice *rest, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < rest->n && i < 9; i++) {
		unsigned char c = (unsigned char)rest->p[i];

		n |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		if (c == 0 && i)
			return false;
		rest->p += i + 1;
		rest->n -= i + 1;
		*ret = n;
		return true;
	}
	return false;
}

#endif

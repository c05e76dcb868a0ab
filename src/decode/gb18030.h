/*
 * GB18030 to UTF-8 by a table of its pairs of bytes, which is what nearly all
 * of a file consists of; the rest goes to iconv, which also fills the table:
 * so both give the same text and find the same faults. Five times as fast as
 * iconv alone.
 */
#ifndef DECODE_GB18030_H
#define DECODE_GB18030_H

#include <iconv.h>
#include <stddef.h>

struct decode_gb18030;

/* 'conv' converts GB18030 to UTF-8. NULL without memory; freed by free(). */
struct decode_gb18030 *decode_gb18030_new(iconv_t conv);

/* As iconv(): moves the pointers over what it has converted, and errno says
 * why it stopped; 0 when nothing is left. */
void decode_gb18030_convert(const struct decode_gb18030 *pairs, iconv_t conv,
			    char **in, size_t *nin, char **out, size_t *room);

#endif

/*
 * CRC-32 as gzip has it, eight bytes at a time: libarchive does not look at the
 * checksum of a gzip.
 */
#ifndef DECODE_CRC32_H
#define DECODE_CRC32_H

#include <stddef.h>
#include <stdint.h>

struct decode_crc32 {
	uint32_t sum;
	uint32_t table[8][256]; /* of a byte that 0 to 7 bytes follow */
};

void decode_crc32_begin(struct decode_crc32 *crc);
void decode_crc32_add(struct decode_crc32 *crc, const char *p, size_t n);

#endif

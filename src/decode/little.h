/* Numbers as files of little-endian formats hold them, at any place. */
#ifndef DECODE_LITTLE_H
#define DECODE_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t
decode_u16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
decode_u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
decode_u64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

#endif

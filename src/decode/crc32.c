/* CRC-32: see crc32.h. Eight tables, so that a word of eight bytes is eight
 * lookups that do not wait for one another ("slicing by 8"). */
#include "decode/crc32.h"

#include "decode/little.h"

#define POLYNOMIAL 0xedb88320U

void
decode_crc32_begin(struct decode_crc32 *crc)
{
	crc->sum = 0;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		crc->table[0][i] = c;
	}
	for (int k = 1; k < 8; k++) {
		for (int i = 0; i < 256; i++) {
			uint32_t c = crc->table[k - 1][i];

			crc->table[k][i] = c >> 8 ^ crc->table[0][c & 255];
		}
	}
}

static uint32_t
add_word(const uint32_t table[8][256], uint32_t c, const char *p)
{
	uint64_t word = decode_u64(p) ^ c;
	uint32_t sum = 0;

	for (int k = 7; k >= 0; k--, word >>= 8)
		sum ^= table[k][word & 255];
	return sum;
}

void
decode_crc32_add(struct decode_crc32 *crc, const char *p, size_t n)
{
	uint32_t c = ~crc->sum;

	for (; n >= 8; p += 8, n -= 8)
		c = add_word(crc->table, c, p);
	for (; n; p++, n--)
		c = c >> 8 ^ crc->table[0][(c ^ (unsigned char)*p) & 255];
	crc->sum = ~c;
}

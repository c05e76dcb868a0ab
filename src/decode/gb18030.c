/* GB18030 by a table: see gb18030.h. */
#include "decode/gb18030.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Lead bytes of pairs and of fours; the second byte of a pair, which in a four
 * is a digit. */
#define LEAD_LEAST 0x81
#define LEADS 126
#define SECOND_LEAST 0x40
#define SECONDS 191
#define PAIR_MAX 3 /* bytes of UTF-8; longer ones are left to iconv */
/* How much iconv is given at once where the table ends: a run of fours. */
#define PIECE 64

struct decode_gb18030 {
	/* the text, and in the last byte its length; 0: not here */
	unsigned char pairs[LEADS][SECONDS][PAIR_MAX + 1];
};

static void
fill(unsigned char entry[PAIR_MAX + 1], iconv_t conv, int lead, int second)
{
	char bytes[2] = {(char)lead, (char)second}, text[8];
	char *in = bytes, *out = text;
	size_t nin = sizeof(bytes), room = sizeof(text), n;

	if (iconv(conv, &in, &nin, &out, &room) != 0 || nin) {
		iconv(conv, NULL, NULL, NULL, NULL);
		return;
	}
	n = sizeof(text) - room;
	if (n > PAIR_MAX)
		return;
	memcpy(entry, text, n);
	entry[PAIR_MAX] = (unsigned char)n;
}

struct decode_gb18030 *
decode_gb18030_new(iconv_t conv)
{
	struct decode_gb18030 *table = calloc(1, sizeof(*table));

	for (int i = 0; table && i < LEADS; i++) {
		for (int k = 0; k < SECONDS; k++)
			fill(table->pairs[i][k], conv, LEAD_LEAST + i,
			     SECOND_LEAST + k);
	}
	return table;
}

/* One end of a conversion that has the bytes and the room for it. */
struct cursor {
	const unsigned char *in;
	size_t nin;
	char *out;
	size_t room;
};

static inline void
take_ascii(struct cursor *c)
{
	uint64_t word;

	while (c->nin >= sizeof(word) && c->room >= sizeof(word)) {
		memcpy(&word, c->in, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
		memcpy(c->out, &word, sizeof(word));
		c->in += sizeof(word);
		c->nin -= sizeof(word);
		c->out += sizeof(word);
		c->room -= sizeof(word);
	}
	while (c->nin && c->room && *c->in < 0x80) {
		*c->out++ = (char)*c->in++;
		c->nin--;
		c->room--;
	}
}

/* Pairs as far as they go: an entry is written whole, and what stands behind
 * its text is written over by the next. */
static inline void
take_pairs(const struct decode_gb18030 *table, struct cursor *c)
{
	while (c->nin >= 2 && c->room > PAIR_MAX) {
		unsigned lead = c->in[0] - (unsigned)LEAD_LEAST;
		unsigned second = c->in[1] - (unsigned)SECOND_LEAST;
		const unsigned char *entry;
		size_t n;

		if (lead >= LEADS || second >= SECONDS)
			return;
		entry = table->pairs[lead][second];
		n = entry[PAIR_MAX];
		if (!n)
			return;
		memcpy(c->out, entry, PAIR_MAX + 1);
		c->in += 2;
		c->nin -= 2;
		c->out += n;
		c->room -= n;
	}
}

/* What the table does not have; false when it stops here, with errno. */
static bool
take_piece(iconv_t conv, struct cursor *c)
{
	char *in = (char *)(uintptr_t)c->in;
	size_t piece = c->nin < PIECE ? c->nin : PIECE, left = piece;
	bool whole;

	errno = 0;
	whole = iconv(conv, &in, &left, &c->out, &c->room) != (size_t)-1;
	c->in += piece - left;
	c->nin -= piece - left;
	/* a character may go on behind the piece */
	return whole || (errno == EINVAL && c->nin > left);
}

void
decode_gb18030_convert(const struct decode_gb18030 *pairs, iconv_t conv,
		       char **in, size_t *nin, char **out, size_t *room)
{
	struct cursor c = {(const unsigned char *)*in, *nin, *out, *room};
	bool going = true;

	while (going && c.nin) {
		size_t before;

		take_ascii(&c);
		before = c.nin;
		take_pairs(pairs, &c);
		if (c.nin && c.nin == before)
			going = take_piece(conv, &c);
	}
	if (going)
		errno = 0;
	*in += *nin - c.nin;
	*nin = c.nin;
	*out = c.out;
	*room = c.room;
}

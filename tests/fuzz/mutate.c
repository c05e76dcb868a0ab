/*
 * Runs a fuzzer's harness over mutations of seeds, the same ones each time,
 * where there is no libFuzzer.
 *
 *   mutate NUMBER FILE…    so many mutations of each seed, and itself
 *
 * When one kills it, its seed is the last line printed; with SAVE in the
 * environment, its bytes are in that file.
 */
#include "base/buf.h"
#include "base/io.h"
#include "base/scope.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

/* xorshift64*: the same numbers on every machine. */
static uint64_t
draw(uint64_t *state, uint64_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return below ? (*state * UINT64_C(2685821657736338717) >> 11) % below
		     : 0;
}

static const struct slice odd[] = {
	{"\0", 1},
	{"\xff\xff\xff\xff", 4},
	{"\x7f\xff\xff\xff", 4},
	{"\x80\0\0\0", 4},
	{"</", 2},
	{"<row>", 5},
	{"<c r=\"XFD9\">", 13},
	{"&#1;", 4},
	{"99999999999999", 14},
	{"-1", 2},
	{"{\"id\":", 6},
	{"[", 1},
	{"\"", 1},
	{"]]>", 3},
	{"1e999", 5},
};

static void
mutate_once(struct buf *b, uint64_t *state)
{
	size_t at = draw(state, b->len), n = 1 + draw(state, 64);
	size_t left = b->len - at;

	n = n < left ? n : left;
	switch (draw(state, 6)) {
	case 0:
		b->data[at] ^= (char)(1 << draw(state, 8));
		break;
	case 1:
		b->data[at] = (char)draw(state, 256);
		break;
	case 2: /* out */
		memmove(b->data + at, b->data + at + n, left - n);
		b->len -= n;
		break;
	case 3: /* twice */
		if (b->len + n > INPUT_MAX)
			break;
		memmove(b->data + at + n, b->data + at, left);
		b->len += n;
		break;
	case 4: { /* something odd */
		const struct slice *s =
			&odd[draw(state, sizeof(odd) / sizeof(odd[0]))];

		memcpy(b->data + at, s->p, s->n < left ? s->n : left);
		break;
	}
	default:
		if (draw(state, 4) == 0)
			b->len = at;
		break;
	}
	if (b->len < 2)
		b->len = 2;
}

static int
run_seed(const char *path, long number)
{
	const char *save = getenv("SAVE");
	scope_buf seed = BUF_INIT, b = BUF_INIT;
	uint64_t state = 88172645463325252;

	if (io_slurp(AT_FDCWD, path, INPUT_MAX, &seed, NULL) || seed.len < 2 ||
	    buf_reserve(&b, INPUT_MAX + 64)) {
		fprintf(stderr, "'%s' is no seed\n", path);
		return 1;
	}
	printf("%s\n", path);
	fflush(stdout);
	for (long i = 0; i <= number; i++) {
		buf_clear(&b);
		if (buf_addslice(&b, buf_slice(&seed)))
			return 1;
		for (uint64_t k = i ? 1 + draw(&state, 5) : 0; k; k--)
			mutate_once(&b, &state);
		b.data[0] = seed.data[0]; /* which parser */
		if (save) {
			scope_fd fd = open(
				save, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0600);

			if (fd < 0 || io_write(fd, b.data, b.len, NULL))
				return 1;
		}
		LLVMFuzzerTestOneInput((const unsigned char *)b.data, b.len);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (run_seed(argv[i], strtol(argv[1], NULL, 10)))
			return 1;
	}
	printf("%d seeds, %s mutations of each\n", argc - 2,
	       argc > 1 ? argv[1] : "0");
	return argc < 3;
}

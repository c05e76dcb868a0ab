/* Frames between decoder and worker. Fails if a file does not come back as it
 * was decoded, or if the reader takes bytes that no decoder may send: a cut, a
 * changed byte that makes rows, columns, faults and end disagree, a count or
 * a text beyond its bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "base/text.h"
#include "decode/frames.h"
#include "tests/lib/decode_collect.h"

#include <fcntl.h>
#include <unistd.h>

static const char *const names[] = {"a", "b=名称", NULL};

/* ---- round trip ---------------------------------------------------------- */

/* The frames of a file, as a decoder writes them. */
static void
make_frames(struct slice text, const char *options, struct buf *out)
{
	struct decode_request *req = collect_request(options, names);
	struct error err = ERROR_INIT;
	struct decode_frames *frames;
	struct decode_sink sink;
	enum decode_end end;
	scope_fd in = collect_file(text);
	scope_fd fd = collect_file(SLICE(""));
	off_t size;

	assert_int_equal(decode_frames_new(fd, &frames, &err), 0);
	sink = decode_frames_sink(frames);
	assert_int_equal(decode_file(req, in, (int64_t)text.n, DECODE_NO_ROOM,
				     &sink, &end, &err),
			 0);
	assert_int_equal(decode_frames_end(frames, end), 0);
	decode_frames_free(frames);
	decode_request_free(req);
	size = lseek(fd, 0, SEEK_END);
	assert_int_equal(buf_reserve(out, (size_t)size + 1), 0);
	assert_int_equal(pread(fd, out->data, (size_t)size, 0), size);
	out->len = (size_t)size;
}

static void
read_frames(struct slice bytes, const char *options, struct collected *c)
{
	struct decode_request *req = collect_request(options, names);
	struct decode_sink sink = collect_sink(c);
	scope_fd fd = collect_file(bytes);

	lseek(fd, 0, SEEK_SET);
	c->rc = decode_frames_read(fd, -1, req, &sink, &c->end, &c->err);
	decode_request_free(req);
}

static const struct {
	const char *options;
	struct slice text;
} files[] = {
	{"", {"a,b\r\n1,\"x,\r\ny\"\n\n中,文,3\n", 26}},
	{"ce", {"sep=;\nchange;a;x;名称\n;;\n", 27}},
	{"", {"a,a,x\n1\n", 8}},
	{"", {"a,b\n1,2\n3,\"4\n", 13}},
	{"", {"a,b\n1,2\n\0\0", 10}},
	{"", {"a,\x80\n", 4}},
	{"", {"a,b\n", 4}},
};
#define NFILES (sizeof(files) / sizeof(files[0]))

static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < NFILES; i++) {
		struct collected direct scope_collected = {0};
		struct collected framed scope_collected = {0};
		scope_buf bytes = BUF_INIT;

		collect(&direct, files[i].text, files[i].options, names);
		make_frames(files[i].text, files[i].options, &bytes);
		read_frames(buf_slice(&bytes), files[i].options, &framed);
		assert_int_equal(framed.rc, 0);
		assert_int_equal(framed.end, direct.end);
		assert_string_equal(buf_str(&framed.header),
				    buf_str(&direct.header));
		assert_string_equal(buf_str(&framed.rows),
				    buf_str(&direct.rows));
		assert_string_equal(buf_str(&framed.faults),
				    buf_str(&direct.faults));
		assert_string_equal(buf_str(&framed.messages),
				    buf_str(&direct.messages));
	}
}

/* A row as large as may be, and many rows, through blocks of both sides. */
static void
test_large(void **state)
{
	struct collected c scope_collected = {.count_only = true};
	scope_buf text = BUF_INIT;
	scope_buf bytes = BUF_INIT;
	size_t fill = DECODE_MAX_RECORD - 1;

	(void)state;
	assert_int_equal(buf_adds(&text, "a,b\n"), 0);
	assert_int_equal(buf_reserve(&text, fill), 0);
	memset(text.data + text.len, 'f', fill);
	for (size_t i = 1; i < DECODE_MAX_CELLS; i++)
		text.data[text.len + 100 * i] = ',';
	text.len += fill;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_adds(&text, "\n1,2"), 0);
	make_frames(buf_slice(&text), "", &bytes);
	read_frames(buf_slice(&bytes), "", &c);
	assert_int_equal(c.rc, 0);
	assert_int_equal(c.nrows, 100001);
	assert_int_equal(c.ncells, DECODE_MAX_CELLS + 200000);
}

/* ---- hostile bytes ------------------------------------------------------- */

/* Whatever was accepted must be what some file could have given. */
static void
assert_consistent(struct collected *c)
{
	size_t at;

	if (c->rc) {
		assert_true(*c->err.text);
		return;
	}
	assert_true(c->end != DECODE_DONE || (c->header.len && !c->nfaults));
	assert_true(c->end != DECODE_REJECTED || c->nfaults);
	assert_true(c->end != DECODE_INCOMPLETE ||
		    (!c->header.len && !c->nfaults && !c->nrows));
	assert_true(text_is_utf8(buf_slice(&c->rows), &at));
	assert_true(!c->rows.len || !memchr(c->rows.data, 0, c->rows.len));
	assert_true(text_is_utf8(buf_slice(&c->header), &at));
	assert_true(text_is_utf8(buf_slice(&c->faults), &at));
}

static void
test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < NFILES; i++) {
		scope_buf bytes = BUF_INIT;

		make_frames(files[i].text, files[i].options, &bytes);
		for (size_t n = 0; n < bytes.len; n++) {
			struct collected c scope_collected = {0};

			read_frames((struct slice){bytes.data, n},
				    files[i].options, &c);
			assert_int_equal(c.rc, ERR_IO);
			assert_non_null(strstr(c.err.text, "died"));
		}
	}
}

static void
test_every_byte(void **state)
{
	static const unsigned char flips[] = {0x01, 0x02, 0x04, 0x08, 0x10,
					      0x20, 0x40, 0x80, 0xff, 0x7f};

	(void)state;
	for (size_t i = 0; i < NFILES; i++) {
		scope_buf bytes = BUF_INIT;

		make_frames(files[i].text, files[i].options, &bytes);
		for (size_t n = 0; n < bytes.len * sizeof(flips); n++) {
			struct collected c scope_collected = {0};
			char *byte = &bytes.data[n / sizeof(flips)];
			char kept = *byte;

			*byte ^= (char)flips[n % sizeof(flips)];
			read_frames(buf_slice(&bytes), files[i].options, &c);
			assert_consistent(&c);
			*byte = kept;
		}
	}
}

/* Frames by hand: a header of the columns a, b; a row; ends. */
#define HEADER "\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\3"
#define ROW1 "\x08\0\0\0\2\1\2\2\1\1xy\0"
#define DONE "\1\0\0\0\4\0"
#define REJECTED "\1\0\0\0\4\1"
#define INCOMPLETE "\1\0\0\0\4\2"
#define FAULT "\x0c\0\0\0\3\0\1\2\4\1\1\1\1fvmz"

static int
code_of(int at, struct slice bytes, int want)
{
	struct collected c scope_collected = {0};

	read_frames(bytes, "", &c);
	assert_consistent(&c);
	if (c.rc != want)
		print_error("line %d: %d '%s'\n", at, c.rc, c.err.text);
	return c.rc;
}
#define EXPECT(bytes, want) \
	assert_int_equal(code_of(__LINE__, SLICE(bytes), want), want)

static void
test_order(void **state)
{
	(void)state;
	EXPECT(HEADER ROW1 DONE, 0);
	EXPECT(HEADER DONE, 0);
	EXPECT(HEADER ROW1 FAULT REJECTED, 0);
	EXPECT(FAULT REJECTED, 0);
	EXPECT(INCOMPLETE, 0);

	EXPECT(DONE, ERR_PROTOCOL);
	EXPECT(REJECTED, ERR_PROTOCOL);
	EXPECT(ROW1 DONE, ERR_PROTOCOL);
	EXPECT(HEADER HEADER DONE, ERR_PROTOCOL);
	EXPECT(HEADER ROW1 HEADER DONE, ERR_PROTOCOL);
	EXPECT(FAULT HEADER REJECTED, ERR_PROTOCOL);
	EXPECT(HEADER FAULT DONE, ERR_PROTOCOL);
	EXPECT(HEADER FAULT ROW1 REJECTED, ERR_PROTOCOL);
	EXPECT(HEADER INCOMPLETE, ERR_PROTOCOL);
	EXPECT(FAULT INCOMPLETE, ERR_PROTOCOL);
	EXPECT(HEADER DONE DONE, ERR_PROTOCOL);
	EXPECT(HEADER DONE "x", ERR_PROTOCOL);
	EXPECT(HEADER ROW1, ERR_IO);
	EXPECT("", ERR_IO);
}

static void
test_headers(void **state)
{
	(void)state;
	/* encoding 5, flags 4, line 0 */
	EXPECT("\x0c\0\0\0\1\0\5,\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0,\4\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0,\0\0\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	/* a delimiter is one character, no NUL, quote, line break, surrogate */
	EXPECT("\x0e\0\0\0\1\0\0\x8c\xfe\3\0\1\2\1\1ab\2\3" DONE, 0);
	EXPECT("\x0c\0\0\0\1\0\0\0\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0\"\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0\n\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0\r\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x0e\0\0\0\1\0\0\x80\xb0\3\0\1\2\1\1ab\2\3" DONE, ERR_PROTOCOL);
	EXPECT("\x10\0\0\0\1\0\0\x80\x80\x80\x80\x10\0\1\2\1\1ab\2\3" DONE,
	       ERR_PROTOCOL);
	/* no labels; a field that is not there; 'change' not allowed */
	EXPECT("\x06\0\0\0\1\0\0,\0\1\0" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\4" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\0" DONE, ERR_PROTOCOL);
	/* columns with faults may be told, but have no rows */
	EXPECT("\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\2" FAULT REJECTED, 0);
	EXPECT("\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\2" DONE, ERR_PROTOCOL);
	EXPECT("\x0c\0\0\0\1\0\0,\0\1\2\1\1ab\2\1" ROW1 DONE, ERR_PROTOCOL);
	/* bytes left over */
	EXPECT("\x0d\0\0\0\1\0\0,\0\1\2\1\1ab\2\3x" DONE, ERR_PROTOCOL);
}

static void
test_rows(void **state)
{
	(void)state;
	/* row 2 first, row 0, a line that falls */
	EXPECT(HEADER "\x08\0\0\0\2\2\2\2\1\1xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\0\2\2\1\1xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\0\2\1\1xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER ROW1 ROW1 DONE, ERR_PROTOCOL);
	EXPECT(HEADER ROW1 "\x08\0\0\0\2\2\1\2\1\1xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER ROW1 "\x08\0\0\0\2\2\2\2\1\1xy\0" DONE, 0);
	EXPECT(HEADER ROW1 "\x08\0\0\0\2\2\3\2\1\1xy\0" DONE, 0);
	/* no cells; more bytes than there are; fewer */
	EXPECT(HEADER "\x04\0\0\0\2\1\2\0\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\2xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\0xy\0" DONE, ERR_PROTOCOL);
	/* NUL, broken UTF-8, a character divided between two cells */
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\1\0y\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\1\xffy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\1\xc3\xa9\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\2\0\xc3\xa9\0" DONE, 0);
	/* a number in more bytes than it needs, one beyond 63 bits */
	EXPECT(HEADER "\x09\0\0\0\2\x81\0\2\2\1\1xy\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER
	       "\x0c\0\0\0\2\1\2\1\xff\xff\xff\xff\xff\xff\xff\x7f\0" DONE,
	       ERR_PROTOCOL);
	/* a frame without end, an unknown one */
	EXPECT(HEADER "\xff\xff\xff\xff\2" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\0\0\0\0\x08" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\0\0\0\0\2" DONE, ERR_PROTOCOL);
}

static void
test_faults(void **state)
{
	struct collected c scope_collected = {0};

	(void)state;
	EXPECT("\x0c\0\0\0\3\6\1\2\4\1\1\1\1fvmz" REJECTED, ERR_PROTOCOL);
	EXPECT("\x0a\0\0\0\3\0\1\2\3\1\1\1fvm" REJECTED, ERR_PROTOCOL);
	EXPECT("\1\0\0\0\4\4", ERR_PROTOCOL);
	read_frames(SLICE(HEADER "\x08\0\0\0\5\1\6no\nbut"), "", &c);
	assert_int_equal(c.rc, ERR_IO);
	assert_string_equal(c.err.text, "the decoder gave up: no\\x0abut");
}

/* What a cell's text does not show: a cell that is there, in order, a kind
 * that is known. */
static void
test_flaws(void **state)
{
	(void)state;
	EXPECT(HEADER "\x0a\0\0\0\2\1\2\2\1\1xy\1\1\4" DONE, 0);
	EXPECT(HEADER "\x0c\0\0\0\2\1\2\2\1\1xy\2\0\1\1\1" DONE, 0);
	EXPECT(HEADER "\x0a\0\0\0\2\1\2\2\1\1xy\1\2\1" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x0a\0\0\0\2\1\2\2\1\1xy\1\1\6" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x0a\0\0\0\2\1\2\2\1\1xy\1\1\0" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x0c\0\0\0\2\1\2\2\1\1xy\2\1\1\1\1" DONE, ERR_PROTOCOL);
	EXPECT(HEADER "\x08\0\0\0\2\1\2\2\1\1xy\1" DONE, ERR_PROTOCOL);
}

#define MEMBER "\3\0\0\0\6\1\1m"
#define WARNING "\x0c\0\0\0\7\0\1\2\4\1\1\1\1fvmz"
#define SOME "\1\0\0\0\4\3"
#define ROW2 "\x08\0\0\0\2\2\2\2\1\1xy\0"

/* Each member has a header and rows of its own; their numbers go on. */
static void
test_members(void **state)
{
	struct collected c scope_collected = {0};

	(void)state;
	EXPECT(MEMBER HEADER ROW1 MEMBER HEADER ROW2 DONE, 0);
	EXPECT(MEMBER HEADER ROW1 FAULT MEMBER HEADER FAULT REJECTED, 0);
	EXPECT(WARNING MEMBER WARNING HEADER WARNING ROW1 WARNING DONE, 0);
	EXPECT(MEMBER HEADER ROW1 MEMBER HEADER ROW1 DONE, ERR_PROTOCOL);
	EXPECT(MEMBER HEADER ROW1 MEMBER ROW2 DONE, ERR_PROTOCOL);
	EXPECT(HEADER ROW1 MEMBER HEADER ROW2 DONE, ERR_PROTOCOL);
	EXPECT(MEMBER DONE, ERR_PROTOCOL);
	EXPECT(MEMBER INCOMPLETE, ERR_PROTOCOL);
	EXPECT(FAULT WARNING REJECTED, ERR_PROTOCOL);
	EXPECT("\2\0\0\0\6\1\0" REJECTED, ERR_PROTOCOL);
	/* some of them, only where that is asked for */
	EXPECT(MEMBER FAULT MEMBER HEADER ROW1 SOME, ERR_PROTOCOL);
	read_frames(SLICE(MEMBER FAULT MEMBER HEADER ROW1 SOME), "m", &c);
	assert_int_equal(c.rc, 0);
	assert_int_equal(c.end, DECODE_SOME);
}

static int
stop(void *ctx, const struct decode_row *row)
{
	(void)ctx;
	(void)row;
	return ERR_DENIED;
}

/* What a callback returns ends the reading, and comes back. */
static void
test_callback(void **state)
{
	struct decode_request *req = collect_request("", names);
	struct collected c scope_collected = {0};
	struct decode_sink sink = collect_sink(&c);
	scope_fd fd = collect_file(SLICE(HEADER ROW1 DONE));

	(void)state;
	sink.row = stop;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(decode_frames_read(fd, -1, req, &sink, &c.end, &c.err),
			 ERR_DENIED);
	decode_request_free(req);
}

/* So does one while the next batch is awaited, from a decoder that says nothing
 * more and lives. */
static void
test_callback_while_waiting(void **state)
{
	struct decode_request *req = collect_request("", names);
	struct collected c scope_collected = {0};
	struct decode_sink sink = collect_sink(&c);
	scope_buf text = BUF_INIT;
	scope_buf bytes = BUF_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(buf_adds(&text, "a,b\n"), 0);
	for (int i = 0; i < 15000; i++)
		assert_int_equal(buf_adds(&text, "1,2\n"), 0);
	make_frames(buf_slice(&text), "", &bytes);
	assert_in_range(bytes.len, 150000, 250000);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
	bytes.len -= DECODE_FRAME_HEAD + 1; /* END */
	assert_int_equal(write(ends[1], bytes.data, bytes.len), bytes.len);
	sink.row = stop;
	assert_int_equal(
		decode_frames_read(ends[0], -1, req, &sink, &c.end, &c.err),
		ERR_DENIED);
	close(ends[0]);
	close(ends[1]);
	decode_request_free(req);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_flaws),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_callback_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

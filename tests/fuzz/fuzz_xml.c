/*
 * Fuzzes the reader of XML parts: a document, read as plain XML as far as it
 * is plain, must tell what expat alone tells of it, in the same order, and end
 * in the same way. The first byte says after which elements to pause.
 */
#include "base/io.h"
#include "base/scope.h"
#include "decode/tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MARK '\x01' /* between two events; no XML holds it */

struct told {
	struct decode_xml *xml;
	struct buf events;
	unsigned int pause; /* after each so many elements; 0 never */
	unsigned int ends;
	bool in_text;
};

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
add(struct told *t, const char *what, const char *text)
{
	t->in_text = false;
	must(!buf_addc(&t->events, MARK) && !buf_adds(&t->events, what) &&
	     !buf_adds(&t->events, text));
}

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	add(ctx, "<", name);
	for (; *attributes; attributes += 2) {
		add(ctx, "@", attributes[0]);
		add(ctx, "=", attributes[1]);
	}
}

static void
on_end(void *ctx, const char *name)
{
	struct told *t = ctx;

	add(t, ">", name);
	if (t->pause && ++t->ends % t->pause == 0)
		decode_xml_pause(t->xml);
}

static void
on_text(void *ctx, const char *p, size_t n)
{
	struct told *t = ctx;

	if (!t->in_text)
		add(t, "", "");
	t->in_text = true;
	must(!buf_add(&t->events, p, n));
}

static uint32_t
crc_of(const unsigned char *p, size_t n)
{
	uint32_t crc = ~UINT32_C(0);

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void
put(struct buf *out, uint32_t value, int bytes)
{
	for (; bytes--; value >>= 8)
		must(!buf_addc(out, (char)value));
}

/* A zip of one stored part, 'x'. */
static int
pack(const unsigned char *p, size_t n)
{
	int fd = memfd_create("xml", MFD_CLOEXEC);
	uint32_t crc = crc_of(p, n), size = (uint32_t)n;
	scope_buf zip = BUF_INIT;
	scope_buf same = BUF_INIT;
	size_t directory;

	put(&same, 20, 2); /* version, flags, method, time */
	put(&same, 0, 8);
	put(&same, crc, 4);
	put(&same, size, 4);
	put(&same, size, 4);
	put(&same, 1, 4); /* lengths of name and extra */
	must(!buf_adds(&zip, "PK\3\4") &&
	     !buf_addslice(&zip, buf_slice(&same)));
	must(!buf_addc(&zip, 'x') && !buf_add(&zip, (const char *)p, n));
	directory = zip.len;
	must(!buf_adds(&zip, "PK\1\2"));
	put(&zip, 20, 2);
	must(!buf_addslice(&zip, buf_slice(&same)));
	put(&zip, 0, 4); /* comment, disk, attributes, where it begins */
	put(&zip, 0, 10);
	must(!buf_addc(&zip, 'x'));
	size = (uint32_t)(zip.len - directory);
	must(!buf_adds(&zip, "PK\5\6"));
	put(&zip, 0, 4);
	put(&zip, 1, 2);
	put(&zip, 1, 2);
	put(&zip, size, 4);
	put(&zip, (uint32_t)directory, 4);
	put(&zip, 0, 2);
	must(fd >= 0 && !io_pwrite(fd, zip.data, zip.len, 0, NULL));
	return fd;
}

static int
read_part(int fd, size_t n, bool by_expat, struct told *ret, struct error *err)
{
	const struct decode_xml_handlers handlers = {on_start, on_end, on_text,
						     by_expat};
	char name[] = "x";
	struct decode_member part = {.name = name, .size = (int64_t)n};
	const struct decode_members members = {
		.packing = DECODE_PACKED_ZIP, .list = &part, .n = 1};
	const struct decode_bytes bytes = {.fd = fd,
					   .size = lseek(fd, 0, SEEK_END)};
	int rc = decode_xml_open(&bytes, &members, &part, &handlers, ret,
				 &ret->xml, err);

	if (!rc) {
		do
			rc = decode_xml_run(ret->xml, err);
		while (rc == 1);
	}
	decode_xml_close(ret->xml);
	return rc;
}

/* As it comes in pieces, after a first one that holds the declaration: as far
 * as it is plain it tells the same. */
static void
read_pieces(const unsigned char *p, size_t n, size_t piece, struct told *ret)
{
	const struct decode_xml_handlers handlers = {on_start, on_end, on_text,
						     false};
	enum decode_tags_end end = DECODE_TAGS_MORE;
	struct decode_tags tags = {0};
	bool stop = false;

	for (size_t at = 0; at < n && end == DECODE_TAGS_MORE;) {
		size_t some = at ? piece : 64;

		some = some < n - at ? some : n - at;
		must(!decode_tags_add(&tags, (const char *)p + at, some));
		at += some;
		end = decode_tags_run(&tags, &handlers, ret, &stop);
	}
	must(end == DECODE_TAGS_MORE || end == DECODE_TAGS_UNUSUAL);
	decode_tags_release(&tags);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	struct told plain = {.pause = n ? data[0] & 7 : 0};
	struct told whole = {.pause = plain.pause};
	struct error why = ERROR_INIT, why_whole = ERROR_INIT;
	scope_fd fd = -1;
	int rc;

	if (!n || n > 1 << 20)
		return 0;
	fd = pack(data + 1, n - 1);
	rc = read_part(fd, n - 1, false, &plain, &why);
	must(rc == read_part(fd, n - 1, true, &whole, &why_whole));
	must(!strcmp(why.text, why_whole.text));
	must(slice_eq(buf_slice(&plain.events), buf_slice(&whole.events)));
	plain.pause = 0;
	plain.in_text = false;
	buf_clear(&plain.events);
	read_pieces(data + 1, n - 1, 1 + (data[0] >> 3), &plain);
	must(slice_starts(buf_slice(&whole.events), buf_slice(&plain.events)));
	buf_release(&plain.events);
	buf_release(&whole.events);
	return 0;
}

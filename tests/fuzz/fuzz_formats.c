/*
 * Fuzzes the parsers of every format. The first byte says which: the rest is a
 * whole file, or one part that is wrapped into an otherwise right file, so that
 * mutations reach the parser and not the checksums before it. The sink checks
 * what decode.h promises. 'make fuzz'; tests/fuzz/test-mutations runs it with
 * mutations of its own, where there is no libFuzzer.
 */
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/decode.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

struct check {
	int64_t row, line;
	int64_t faults, all_faults; /* of the member, of the file */
	bool header, any;
};

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_text(struct slice s)
{
	must(text_is_utf8(s, NULL) && (!s.n || !memchr(s.p, '\0', s.n)));
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct check *c = ctx;

	must(!c->header && h->line > 0 && h->nlabels > 0);
	c->header = c->any = true;
	c->line = h->line;
	for (size_t i = 0; i < h->nlabels; i++)
		check_text(h->labels[i]);
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct check *c = ctx;

	must(c->header && !c->faults && r->row == c->row + 1 &&
	     r->line >= c->line && r->ncells > 0 &&
	     r->ncells <= DECODE_MAX_CELLS && r->nflaws <= r->ncells);
	c->row = r->row;
	c->line = r->line;
	for (size_t i = 0; i < r->ncells; i++)
		check_text(r->cells[i]);
	for (size_t i = 0; i < r->nflaws; i++)
		must(r->flaws[i].cell < r->ncells && r->flaws[i].kind > 0 &&
		     r->flaws[i].kind < DECODE_FLAWS);
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct check *c = ctx;

	c->faults++;
	c->all_faults++;
	check_text(slice_str(f->field));
	check_text(slice_str(f->value));
	check_text(slice_str(f->message));
	check_text(slice_str(f->message_zh));
	return 0;
}

static int
on_warning(void *ctx, const struct decode_fault *f)
{
	const struct check *c = ctx;

	must(!c->faults);
	check_text(slice_str(f->value));
	check_text(slice_str(f->message));
	check_text(slice_str(f->message_zh));
	return 0;
}

static int
on_member(void *ctx, const char *name)
{
	struct check *c = ctx;

	must(*name && strlen(name) <= DECODE_NAME_MAX);
	check_text(slice_str(name));
	c->header = false;
	c->faults = c->line = 0;
	return 0;
}

/* ---- a part in its place ------------------------------------------------- */

struct part {
	const char *name;
	struct slice content;
};

static void
put(struct buf *out, uint64_t value, size_t bytes)
{
	uint64_t le = htole64(value);

	must(!buf_add(out, &le, bytes));
}

static uint32_t
crc32(struct slice s)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

/* What both headers of an entry have in common. */
static void
put_entry(struct buf *out, const struct part *p)
{
	put(out, 20, 2);
	put(out, 0, 4);
	put(out, 33 << 16, 4);
	put(out, crc32(p->content), 4);
	put(out, p->content.n, 4);
	put(out, p->content.n, 4);
	put(out, strlen(p->name), 2);
	put(out, 0, 2);
}

static void
put_zip(struct buf *out, const struct part *parts, size_t n)
{
	scope_buf central = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		size_t at = out->len;

		put(out, 0x04034b50, 4);
		put_entry(out, &parts[i]);
		must(!buf_adds(out, parts[i].name) &&
		     !buf_addslice(out, parts[i].content));
		put(&central, 0x02014b50, 4);
		put(&central, 20, 2);
		put_entry(&central, &parts[i]);
		put(&central, 0, 8);
		put(&central, 0, 2);
		put(&central, at, 4);
		must(!buf_adds(&central, parts[i].name));
	}
	put(&central, 0x06054b50, 4);
	put(&central, 0, 4);
	put(&central, n, 2);
	put(&central, n, 2);
	put(&central, central.len - 12, 4);
	put(&central, out->len, 4);
	put(&central, 0, 2);
	must(!buf_addslice(out, buf_slice(&central)));
}

#define RELATION(id, type, target) \
	"<Relationship Id='" id "' Type='/" type "' Target='" target "'/>"

/* The parts of a small workbook, one of which is replaced. */
static void
put_xlsx(struct buf *out, const char *name, struct slice content)
{
	struct part parts[] = {
		{"[Content_Types].xml", SLICE("<Types/>")},
		{"xl/workbook.xml",
		 SLICE("<workbook><sheets><sheet name='a' r:id='r1'/>"
		       "</sheets></workbook>")},
		{"xl/_rels/workbook.xml.rels",
		 SLICE("<R>" RELATION("r1", "worksheet", "s.xml") RELATION(
			 "r2", "sharedStrings", "t.xml")
			       RELATION("r3", "styles", "f.xml") "</R>")},
		{"xl/s.xml",
		 SLICE("<worksheet><sheetData><row><c t='s'><v>0</v></c>"
		       "<c t='s'><v>1</v></c></row><row><c s='1'><v>1</v></c>"
		       "</row></sheetData></worksheet>")},
		{"xl/t.xml", SLICE("<sst><si><t>id</t></si><si><t>name</t></si>"
				   "</sst>")},
		{"xl/f.xml", SLICE("<styleSheet><cellXfs><xf numFmtId='0'/>"
				   "<xf numFmtId='14'/></cellXfs>"
				   "</styleSheet>")},
	};
	const size_t n = sizeof(parts) / sizeof(parts[0]);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(parts[i].name, name))
			parts[i].content = content;
	}
	put_zip(out, parts, n);
}

static void
put_ods(struct buf *out, const char *name, struct slice content)
{
	const struct part part = {name, content};

	put_zip(out, &part, 1);
}

/* A container of one stream, in sectors of 512 bytes: header, table, stream,
 * directory. */
static void
put_ole(struct buf *out, const char *name, struct slice content)
{
	size_t n = (content.n < 4096 ? 4096 : content.n + 511) / 512;
	size_t tables = (n + 2) / 127 + 1;
	scope_buf body = BUF_INIT;

	put(out, 0xe11ab1a1e011cfd0, 8);
	must(!buf_reserve(out, (n + tables + 4) * 512));
	memset(out->data + out->len, 0, (n + tables + 4) * 512 - out->len);
	out->data[28] = (char)0xfe;
	out->data[29] = (char)0xff;
	out->data[30] = 9;
	out->data[32] = 6;
	out->len = 44;
	put(out, tables, 4);
	put(out, tables + n, 4); /* the directory */
	put(out, 0, 8);
	put(out, 0xfffffffe, 4);
	put(out, 0, 4);
	put(out, 0xfffffffe, 4);
	put(out, 0, 4);
	for (size_t i = 0; i < 109; i++)
		put(out, i < tables ? i : 0xffffffff, 4);
	for (size_t i = 0; i < tables * 128; i++) {
		bool chained = i >= tables && i + 1 < tables + n;

		put(out,
		    i < tables ? 0xfffffffd
		    : chained  ? i + 1
			       : 0xfffffffe,
		    4);
	}
	must(!buf_addslice(out, content));
	memset(out->data + out->len, 0, n * 512 - content.n);
	out->len += n * 512 - content.n;
	for (size_t i = 0; name[i]; i++)
		put(&body, (unsigned char)name[i], 2);
	must(!buf_reserve(&body, 512));
	memset(body.data + body.len, 0, 512 - body.len);
	body.data[64] = (char)(2 * (strlen(name) + 1));
	body.data[66] = 2;
	body.len = 116;
	put(&body, tables, 4);
	put(&body, n * 512, 4);
	body.len = 512;
	must(!buf_addslice(out, buf_slice(&body)));
}

static void
put_file(struct buf *out, const char *name, struct slice content)
{
	(void)name;
	must(!buf_addslice(out, content));
}

static const struct {
	void (*put)(struct buf *out, const char *name, struct slice content);
	const char *name;
} wraps[] = {
	{put_file, ""},
	{put_xlsx, "xl/s.xml"},
	{put_xlsx, "xl/t.xml"},
	{put_xlsx, "xl/f.xml"},
	{put_xlsx, "xl/workbook.xml"},
	{put_xlsx, "xl/_rels/workbook.xml.rels"},
	{put_ods, "content.xml"},
	{put_ole, "Workbook"},
};

/* ---- one input ----------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static const struct decode_label labels[] = {{"id", "编号"},
						     {"name", "名称"}};
	struct check c = {0};
	const struct decode_sink sink = {
		.header = on_header,
		.row = on_row,
		.fault = on_fault,
		.ctx = &c,
		.member = on_member,
		.warning = on_warning,
	};
	struct decode_request req = {
		.labels = labels, .nlabels = 2, .limits = DECODE_LIMITS};
	scope_fd fd = memfd_create("fuzz", MFD_CLOEXEC);
	scope_fd room_fd = memfd_create("room", MFD_CLOEXEC);
	const struct decode_room room = {.fd = room_fd};
	scope_buf file = BUF_INIT;
	enum decode_end end;
	size_t wrap;

	if (n < 2 || fd < 0)
		return 0;
	wrap = data[0] & 15;
	if (wrap >= sizeof(wraps) / sizeof(wraps[0]))
		return 0;
	req.extra_ignore = data[0] & 16;
	req.change_allowed = data[0] & 32;
	req.members_each = data[0] & 64;
	req.limits.unpacked = 16 << 20;
	wraps[wrap].put(&file, wraps[wrap].name,
			(struct slice){(const char *)data + 1, n - 1});
	if (io_pwrite(fd, file.data, file.len, 0, NULL))
		return 0;
	if (decode_file(&req, fd, (int64_t)file.len, room, &sink, &end, NULL))
		return 0;
	must(end != DECODE_DONE || (c.any && !c.all_faults));
	must(end != DECODE_SOME || (c.any && c.all_faults && req.members_each));
	must(end != DECODE_REJECTED || c.all_faults);
	must(end != DECODE_INCOMPLETE || (!c.any && !c.all_faults));
	return 0;
}

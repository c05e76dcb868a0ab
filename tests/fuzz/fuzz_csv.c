/*
 * Fuzzes the whole core: bytes of a file, decoded into a sink that checks what
 * decode.h promises. The first byte chooses the request. 'make fuzz', and
 * tests/fuzz/test-mutations.
 */
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/decode.h"

#include <stdlib.h>
#include <sys/mman.h>

struct check {
	int64_t row;
	int64_t line;
	int64_t faults;
	bool header;
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
	c->header = true;
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
	     r->line >= c->line && r->ncells > 0);
	c->row = r->row;
	c->line = r->line;
	for (size_t i = 0; i < r->ncells; i++)
		check_text(r->cells[i]);
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct check *c = ctx;

	c->faults++;
	check_text(slice_str(f->field));
	check_text(slice_str(f->value));
	check_text(slice_str(f->message));
	check_text(slice_str(f->message_zh));
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static const struct decode_label labels[] = {
		{"id", ""}, {"name", "\xe5\x90\x8d\xe7\xa7\xb0"}};
	struct check c = {0};
	struct decode_sink sink = {.header = on_header,
				   .row = on_row,
				   .fault = on_fault,
				   .ctx = &c};
	struct decode_request req = {.labels = labels, .limits = DECODE_LIMITS};
	scope_fd room_fd = memfd_create("room", MFD_CLOEXEC);
	struct decode_room room = {.fd = room_fd};
	scope_fd fd = memfd_create("fuzz", MFD_CLOEXEC);
	enum decode_end end;

	if (!n)
		return 0;
	req.nlabels = 1 + (data[0] & 1);
	req.extra_ignore = data[0] & 2;
	req.change_allowed = data[0] & 4;
	if (fd < 0 || io_pwrite(fd, data + 1, n - 1, 0, NULL))
		return 0;
	if (decode_file(&req, fd, (int64_t)n - 1, room, &sink, &end, NULL))
		return 0;
	must(end != DECODE_DONE || (c.header && !c.faults));
	must(end != DECODE_REJECTED || c.faults);
	must(end != DECODE_INCOMPLETE || (!c.header && !c.faults));
	return 0;
}

/*
 * Fuzzes what the worker reads from a decoder: frames of any bytes. Whatever
 * is accepted must be what some file could have given. The first byte chooses
 * the request. 'make fuzz'.
 */
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/decode.h"

#include <stdlib.h>
#include <sys/mman.h>

struct check {
	int64_t row;
	int64_t faults;
	bool header;
};

static void
must(bool so)
{
	if (!so)
		abort();
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct check *c = ctx;

	must(!c->header && h->line > 0 && *h->encoding && *h->delimiter);
	c->header = true;
	for (size_t i = 0; i < h->nlabels; i++)
		must(text_is_utf8(h->labels[i], NULL) &&
		     h->field[i] >= DECODE_CHANGE && h->field[i] < 2);
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct check *c = ctx;

	must(c->header && !c->faults && r->row == ++c->row && r->ncells > 0);
	for (size_t i = 0; i < r->ncells; i++)
		must(text_is_utf8(r->cells[i], NULL));
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct check *c = ctx;

	c->faults++;
	must(*f->code && text_is_utf8(slice_str(f->message), NULL) &&
	     text_is_utf8(slice_str(f->message_zh), NULL));
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static const struct decode_label labels[] = {{"a", ""}, {"b", ""}};
	struct check c = {0};
	struct decode_sink sink = {.header = on_header,
				   .row = on_row,
				   .fault = on_fault,
				   .ctx = &c};
	struct decode_request req = {
		.labels = labels, .nlabels = 2, .limits = DECODE_LIMITS};
	scope_fd fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct error err = ERROR_INIT;
	enum decode_end end;

	if (!n)
		return 0;
	req.extra_ignore = data[0] & 1;
	req.change_allowed = data[0] & 2;
	if (fd < 0 || io_pwrite(fd, data + 1, n - 1, 0, NULL))
		return 0;
	if (decode_frames_read(fd, -1, &req, &sink, &end, &err)) {
		must(*err.text);
		return 0;
	}
	must(end != DECODE_DONE || (c.header && !c.faults));
	must(end != DECODE_REJECTED || c.faults);
	must(end != DECODE_INCOMPLETE || (!c.header && !c.faults));
	return 0;
}

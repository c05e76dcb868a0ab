/*
 * Fuzzes what the worker reads from a decoder: frames of any bytes. Whatever
 * is accepted must be what some file could have given. The first byte chooses
 * the request. 'make fuzz'; tests/fuzz/test-mutations runs it with mutations of
 * what decoders have said.
 */
#include "base/io.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/decode.h"

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
must_be_text(struct slice s)
{
	must(text_is_utf8(s, NULL) && (!s.n || !memchr(s.p, '\0', s.n)));
}

static int
on_member(void *ctx, const char *name)
{
	struct check *c = ctx;

	must(*name && strlen(name) <= DECODE_NAME_MAX);
	must_be_text(slice_str(name));
	c->header = false;
	c->faults = c->line = 0;
	return 0;
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct check *c = ctx;

	must(!c->header && h->line > 0 && *h->encoding && *h->delimiter);
	c->header = c->any = true;
	c->line = h->line;
	for (size_t i = 0; i < h->nlabels; i++) {
		must_be_text(h->labels[i]);
		must(h->field[i] >= DECODE_CHANGE && h->field[i] < 2);
	}
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct check *c = ctx;

	must(c->header && !c->faults && r->row == ++c->row &&
	     r->line >= c->line && r->ncells > 0 &&
	     r->ncells <= DECODE_MAX_CELLS);
	c->line = r->line;
	for (size_t i = 0; i < r->ncells; i++)
		must_be_text(r->cells[i]);
	for (size_t i = 0; i < r->nflaws; i++)
		must(r->flaws[i].cell < r->ncells && r->flaws[i].kind > 0 &&
		     r->flaws[i].kind < DECODE_FLAWS);
	return 0;
}

static void
must_be_fault(const struct decode_fault *f)
{
	must(*f->code);
	must_be_text(slice_str(f->field));
	must_be_text(slice_str(f->value));
	must_be_text(slice_str(f->message));
	must_be_text(slice_str(f->message_zh));
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct check *c = ctx;

	c->faults++;
	c->all_faults++;
	must_be_fault(f);
	return 0;
}

static int
on_warning(void *ctx, const struct decode_fault *f)
{
	const struct check *c = ctx;

	must(!c->faults);
	must_be_fault(f);
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static const struct decode_label labels[] = {{"id", ""}, {"name", ""}};
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
	struct error err = ERROR_INIT;
	enum decode_end end;

	if (!n)
		return 0;
	req.extra_ignore = data[0] & 1;
	req.change_allowed = data[0] & 2;
	req.members_each = data[0] & 4;
	if (fd < 0 || io_pwrite(fd, data + 1, n - 1, 0, NULL))
		return 0;
	if (decode_frames_read(fd, -1, &req, &sink, &end, &err)) {
		must(*err.text);
		return 0;
	}
	must(end != DECODE_DONE || (c.any && !c.all_faults));
	must(end != DECODE_REJECTED || c.all_faults);
	must(end != DECODE_SOME || (c.any && c.all_faults));
	must(end != DECODE_INCOMPLETE || (!c.any && !c.all_faults));
	return 0;
}

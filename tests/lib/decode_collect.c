/* What decoding gave, as texts: see decode_collect.h. */
#include "tests/lib/decode_collect.h"

#include "base/io.h"
#include "base/scope.h"

#include <sys/mman.h>

void
collected_release(struct collected *c)
{
	buf_release(&c->header);
	buf_release(&c->rows);
	buf_release(&c->faults);
	buf_release(&c->messages);
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	struct collected *c = ctx;
	int rc = buf_addf(&c->header, "%s %s %lld%s%s", h->encoding,
			  h->delimiter, (long long)h->line,
			  h->sep_line ? " sep" : "", h->crlf ? " crlf" : "");

	for (size_t i = 0; !rc && i < h->nlabels; i++)
		rc = buf_addf(&c->header, " %d", h->field[i]);
	return rc;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	struct collected *c = ctx;
	int rc;

	c->nrows++;
	c->ncells += (int64_t)r->ncells;
	if (c->count_only)
		return 0;
	rc = buf_addf(&c->rows, "%lld@%lld ", (long long)r->row,
		      (long long)r->line);
	for (size_t i = 0; !rc && i < r->ncells; i++) {
		rc = i ? buf_addc(&c->rows, '|') : 0;
		if (!rc)
			rc = buf_addslice(&c->rows, r->cells[i]);
	}
	return rc ? rc : buf_addc(&c->rows, '\n');
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	struct collected *c = ctx;
	int rc = buf_addf(&c->faults,
			  "%s row=%lld line=%lld field=%s value=%s\n", f->code,
			  (long long)f->row, (long long)f->line, f->field,
			  f->value);

	c->nfaults++;
	return rc ? rc
		  : buf_addf(&c->messages, "%s\n%s\n", f->message,
			     f->message_zh);
}

struct decode_sink
collect_sink(struct collected *c)
{
	return (struct decode_sink){
		.header = on_header,
		.row = on_row,
		.fault = on_fault,
		.ctx = c,
	};
}

/* By way of the bytes that a decoder gets, so that those are tested too. */
struct decode_request *
collect_request(const char *options, const char *const *labels)
{
	struct decode_label given[8];
	bool optional[8];
	struct decode_request req = {
		.labels = given,
		.optional = optional,
		.limits = DECODE_LIMITS,
		.extra_ignore = strchr(options, 'e') != NULL,
		.change_allowed = strchr(options, 'c') != NULL,
		.members_each = strchr(options, 'm') != NULL,
		.fix_file = strchr(options, 'x') != NULL,
	};
	scope_buf bytes = BUF_INIT;
	struct decode_request *parsed = NULL;
	char texts[8][128];

	for (size_t i = 0; labels[i] && i < 8; i++) {
		char *title;

		optional[i] = labels[i][0] == '?';
		snprintf(texts[i], sizeof(texts[i]), "%s",
			 labels[i] + optional[i]);
		title = strchr(texts[i], '=');
		if (title)
			*title++ = '\0';
		given[i] = (struct decode_label){texts[i], title ? title : ""};
		req.nlabels++;
	}
	if (decode_request_write(&req, &bytes) ||
	    decode_request_parse(buf_slice(&bytes), &parsed, NULL))
		return NULL;
	return parsed;
}

int
collect_file(struct slice bytes)
{
	int fd = memfd_create("decode", MFD_CLOEXEC);

	if (fd >= 0 && io_pwrite(fd, bytes.p, bytes.n, 0, NULL)) {
		close(fd);
		return -1;
	}
	return fd;
}

void
collect(struct collected *c, struct slice bytes, const char *options,
	const char *const *labels)
{
	struct decode_request *req = collect_request(options, labels);
	struct decode_sink sink = collect_sink(c);
	scope_fd fd = collect_file(bytes);
	scope_fd room_fd = collect_file(SLICE_NONE);
	struct decode_room room = {.fd = room_fd};

	c->rc = ERR_INTERNAL;
	if (req && fd >= 0)
		c->rc = decode_file(req, fd, (int64_t)bytes.n, room, &sink,
				    &c->end, &c->err);
	decode_request_free(req);
}

/* Rows to frames: see frames.h. */
#include "decode/frames.h"

#include "base/io.h"
#include "base/leb.h"
#include "base/text.h"
#include "decode/csv.h"
#include "decode/fault.h"
#include "decode/format.h"
#include "decode/source.h"

#include <endian.h>
#include <stdlib.h>
#include <utf8proc.h>

#define BLOCK (64 * 1024)

struct decode_frames {
	int fd;
	struct buf out;
	size_t frame; /* where the frame that is being made begins */
};

int
decode_frames_new(int fd, struct decode_frames **ret, struct error *err)
{
	struct decode_frames *f = calloc(1, sizeof(*f));

	if (!f)
		return error_nomem(err);
	f->fd = fd;
	*ret = f;
	return 0;
}

void
decode_frames_free(struct decode_frames *frames)
{
	if (!frames)
		return;
	buf_release(&frames->out);
	free(frames);
}

static int
flush(struct decode_frames *f)
{
	int rc = io_write(f->fd, f->out.data, f->out.len, NULL);

	buf_clear(&f->out);
	return rc;
}

/* ---- one frame; room was reserved by begin() ----------------------------- */

/* Room for a frame of 'numbers' numbers and 'bytes' bytes of text. */
static int
begin(struct decode_frames *f, enum decode_frame type, size_t numbers,
      size_t bytes)
{
	if (buf_reserve(&f->out, DECODE_FRAME_HEAD + numbers * LEB_MAX + bytes))
		return ERR_NOMEM;
	f->frame = f->out.len;
	f->out.data[f->frame + 4] = (char)type;
	f->out.len += DECODE_FRAME_HEAD;
	return 0;
}

static int
finish(struct decode_frames *f)
{
	uint32_t n = (uint32_t)(f->out.len - f->frame - DECODE_FRAME_HEAD);

	n = htole32(n);
	memcpy(f->out.data + f->frame, &n, sizeof(n));
	return f->out.len < BLOCK ? 0 : flush(f);
}

static void
put_texts(struct buf *out, const struct slice *texts, size_t n)
{
	char *at;

	leb_put(out, n);
	for (size_t i = 0; i < n; i++)
		leb_put(out, texts[i].n);
	at = out->data + out->len;
	for (size_t i = 0; i < n; i++) {
		if (texts[i].n)
			memcpy(at, texts[i].p, texts[i].n);
		at += texts[i].n;
	}
	out->len = (size_t)(at - out->data);
}

static size_t
total(const struct slice *texts, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += texts[i].n;
	return sum;
}

/* ---- the sink ------------------------------------------------------------ */

/* The delimiter's code point. */
static uint64_t
code_point(const char *delimiter)
{
	utf8proc_int32_t c = 0;

	(void)utf8proc_iterate((const utf8proc_uint8_t *)delimiter, -1, &c);
	return (uint64_t)c;
}

static int
write_header(void *ctx, const struct decode_header *h)
{
	struct decode_frames *f = ctx;

	if (begin(f, DECODE_FRAME_HEADER, 6 + 2 * h->nlabels,
		  total(h->labels, h->nlabels)))
		return ERR_NOMEM;
	leb_put(&f->out, (uint64_t)decode_format_number(h->format));
	leb_put(&f->out, (uint64_t)decode_encoding_number(h->encoding));
	leb_put(&f->out, code_point(h->delimiter));
	leb_put(&f->out, (h->sep_line ? DECODE_FRAME_SEP : 0) |
				 (h->crlf ? DECODE_FRAME_CRLF : 0));
	leb_put(&f->out, (uint64_t)h->line);
	put_texts(&f->out, h->labels, h->nlabels);
	for (size_t i = 0; i < h->nlabels; i++)
		leb_put(&f->out, (uint64_t)(h->field[i] + 2));
	return finish(f);
}

static int
write_row(void *ctx, const struct decode_row *r)
{
	struct decode_frames *f = ctx;

	if (begin(f, DECODE_FRAME_ROW, 4 + r->ncells + 2 * r->nflaws,
		  total(r->cells, r->ncells)))
		return ERR_NOMEM;
	leb_put(&f->out, (uint64_t)r->row);
	leb_put(&f->out, (uint64_t)r->line);
	put_texts(&f->out, r->cells, r->ncells);
	leb_put(&f->out, r->nflaws);
	for (size_t i = 0; i < r->nflaws; i++) {
		leb_put(&f->out, r->flaws[i].cell);
		leb_put(&f->out, (uint64_t)r->flaws[i].kind);
	}
	return finish(f);
}

/* Cut to what the reader takes, not inside a character. */
static struct slice
short_text(const char *text)
{
	struct slice s = slice_str(text);
	size_t at;

	if (s.n > DECODE_FAULT_TEXT_MAX)
		s.n = DECODE_FAULT_TEXT_MAX;
	if (!text_is_utf8(s, &at))
		s.n = at;
	return s;
}

static int
write_about(struct decode_frames *f, enum decode_frame type,
	    const struct decode_fault *fault)
{
	const struct slice texts[] = {
		short_text(fault->field),
		short_text(fault->value),
		short_text(fault->message),
		short_text(fault->message_zh),
	};

	if (begin(f, type, 8, total(texts, 4)))
		return ERR_NOMEM;
	leb_put(&f->out, (uint64_t)decode_fault_number(fault->code));
	leb_put(&f->out, (uint64_t)fault->row);
	leb_put(&f->out, (uint64_t)fault->line);
	put_texts(&f->out, texts, 4);
	return finish(f);
}

static int
write_fault(void *ctx, const struct decode_fault *fault)
{
	return write_about(ctx, DECODE_FRAME_FAULT, fault);
}

static int
write_warning(void *ctx, const struct decode_fault *fault)
{
	return write_about(ctx, DECODE_FRAME_WARNING, fault);
}

static int
write_member(void *ctx, const char *name)
{
	struct decode_frames *f = ctx;
	const struct slice text = slice_str(name);

	if (begin(f, DECODE_FRAME_MEMBER, 2, text.n))
		return ERR_NOMEM;
	put_texts(&f->out, &text, 1);
	return finish(f);
}

struct decode_sink
decode_frames_sink(struct decode_frames *frames)
{
	return (struct decode_sink){
		.header = write_header,
		.row = write_row,
		.fault = write_fault,
		.member = write_member,
		.warning = write_warning,
		.ctx = frames,
	};
}

int
decode_frames_end(struct decode_frames *frames, enum decode_end end)
{
	int rc;

	if (begin(frames, DECODE_FRAME_END, 1, 0))
		return ERR_NOMEM;
	leb_put(&frames->out, (uint64_t)end);
	rc = finish(frames);
	return rc ? rc : flush(frames);
}

int
decode_frames_fail(struct decode_frames *frames, const char *why)
{
	const struct slice text = short_text(why);
	int rc;

	if (begin(frames, DECODE_FRAME_FAILED, 2, text.n))
		return ERR_NOMEM;
	put_texts(&frames->out, &text, 1);
	rc = finish(frames);
	return rc ? rc : flush(frames);
}

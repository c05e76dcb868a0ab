/* Bytes from the decoder to rows, a batch ahead: see frames_take.h. Nothing
 * here trusts the writer. */
#include "decode/frames_take.h"

#include "base/leb.h"
#include "base/pulse.h"
#include "base/relay.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/frames.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BLOCK (256 * 1024)
#define BATCH_CELLS 32768	   /* and those of the row that is on top */
#define WORTH_A_THREAD (BLOCK / 4) /* bytes of the first batch */

struct batch {
	struct decode_batch given; /* first: what the caller sees */
	struct buf bytes;
	size_t done; /* of them */
	struct slice *cells;
	struct decode_flaw *flaws;
	size_t ncells, nflaws;
};

struct decode_taker {
	int fd;
	int patience_ms;
	int stop;	     /* eventfd: no more is wanted; -1 */
	struct relay *relay; /* NULL: the caller does it all */
	bool ahead;	     /* the relay is at work on 'coming' */
	struct batch two[2];
	struct batch *now, *coming;
};

/* ---- payloads ------------------------------------------------------------ */

bool
decode_take_number(struct slice *rest, int64_t *ret)
{
	uint64_t n;

	if (!leb_take(rest, &n))
		return false;
	*ret = (int64_t)n;
	return true;
}

/* Lengths must add up to no more than is there. The bytes are checked in one
 * go; then a text is right if it does not begin inside a character. */
bool
decode_take_texts(struct slice *rest, struct slice *ret, size_t max,
		  size_t *ret_n)
{
	uint64_t n, len;
	size_t sum = 0;
	const char *at;

	if (!leb_take(rest, &n) || n < 1 || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!leb_take(rest, &len) || len > DECODE_MAX_RECORD)
			return false;
		ret[i].n = (size_t)len;
		sum += (size_t)len;
	}
	if (sum > rest->n || sum > DECODE_MAX_RECORD ||
	    !text_is_utf8((struct slice){rest->p, sum}, NULL) ||
	    (sum && memchr(rest->p, '\0', sum)))
		return false;
	at = rest->p;
	for (size_t i = 0; i < n; i++) {
		if (ret[i].n && ((unsigned char)*at & 0xc0) == 0x80)
			return false;
		ret[i].p = at;
		at += ret[i].n;
	}
	rest->p += sum;
	rest->n -= sum;
	*ret_n = (size_t)n;
	return true;
}

static bool
take_flaws(struct batch *b, struct slice *rest, struct decode_row *row)
{
	struct decode_flaw *flaws = b->flaws + b->nflaws;
	int64_t n, cell, kind, last = -1;

	if (!decode_take_number(rest, &n) || (uint64_t)n > row->ncells)
		return false;
	for (int64_t i = 0; i < n; i++) {
		if (!decode_take_number(rest, &cell) || cell <= last ||
		    (uint64_t)cell >= row->ncells ||
		    !decode_take_number(rest, &kind) || kind < 1 ||
		    kind >= DECODE_FLAWS)
			return false;
		last = cell;
		flaws[i] = (struct decode_flaw){(size_t)cell,
						(enum decode_flaw_kind)kind};
	}
	row->flaws = flaws;
	row->nflaws = (size_t)n;
	return true;
}

static bool
take_row(struct batch *b, struct slice rest)
{
	struct slice *cells = b->cells + b->ncells;
	struct decode_row row = {.cells = cells};

	if (!decode_take_number(&rest, &row.row) ||
	    !decode_take_number(&rest, &row.line) ||
	    !decode_take_texts(&rest, cells, DECODE_MAX_CELLS, &row.ncells) ||
	    !take_flaws(b, &rest, &row) || rest.n)
		return false;
	b->ncells += row.ncells;
	b->nflaws += row.nflaws;
	b->given.rows[b->given.nrows++] = row;
	return true;
}

/* ---- bytes --------------------------------------------------------------- */

/* Until there are bytes, or the end, or nobody wants them. */
static int
wait_for_bytes(const struct decode_taker *t, struct error *err)
{
	struct pollfd p[] = {{.fd = t->fd, .events = POLLIN},
			     {.fd = t->stop, .events = POLLIN}};
	enum pulse_state before = pulse_turn(PULSE_RESTING);
	int n;

	do {
		n = poll(p, 2, t->patience_ms);
	} while (n < 0 && errno == EINTR);
	pulse_turn(before);
	if (n < 0)
		return error_errno(err, errno, "cannot wait for the decoder");
	if (n == 0)
		return error_set(err, ERR_IO,
				 "the decoder has said nothing for %d s",
				 t->patience_ms / 1000);
	return p[1].revents ? error_set(err, ERR_IO, "nobody reads any more")
			    : 0;
}

/* Room for 'n' bytes from 'done' on, and some of them: how many came, 0 at the
 * end of the pipe. No row of the batch points to its bytes yet. */
static ssize_t
read_some(const struct decode_taker *t, struct batch *b, size_t n,
	  struct error *err)
{
	struct buf *in = &b->bytes;
	size_t have = in->len - b->done;
	ssize_t k;
	int rc;

	if (have && b->done)
		memmove(in->data, in->data + b->done, have);
	in->len = have;
	b->done = 0;
	if (n < have + BLOCK)
		n = have + BLOCK;
	if (buf_reserve(in, n - have))
		return error_nomem(err);
	do {
		rc = wait_for_bytes(t, err);
		if (rc)
			return rc;
		k = read(t->fd, in->data + have, in->cap - have);
	} while (k < 0 && errno == EINTR);
	if (k < 0)
		return error_errno(err, errno, "cannot read from the decoder");
	in->len += (size_t)k;
	return k;
}

/* ---- batches ------------------------------------------------------------- */

static void
end(struct batch *b, enum decode_behind behind)
{
	b->given.behind = behind;
}

static void
end_broken(struct batch *b, const char *what)
{
	b->given.broken = what;
	end(b, DECODE_BROKEN);
}

/* The bytes that the frame at 'done' needs; 0: it is there, or cannot be. */
static size_t
missing(const struct batch *b, uint32_t *ret_length)
{
	size_t have = b->bytes.len - b->done;
	uint32_t n;

	*ret_length = 0;
	if (have < DECODE_FRAME_HEAD)
		return DECODE_FRAME_HEAD;
	memcpy(&n, b->bytes.data + b->done, sizeof(n));
	*ret_length = n = le32toh(n);
	if (n > DECODE_FRAME_MAX || have >= DECODE_FRAME_HEAD + (size_t)n)
		return 0;
	return DECODE_FRAME_HEAD + (size_t)n;
}

/* The frame that stands; whether another row may follow in this batch. */
static bool
take_frame(struct batch *b, uint32_t length)
{
	const char *frame = b->bytes.data + b->done;
	struct slice payload = {frame + DECODE_FRAME_HEAD, length};

	if (length > DECODE_FRAME_MAX) {
		end_broken(b, "a frame that is too long");
		return false;
	}
	b->done += DECODE_FRAME_HEAD + length;
	if (frame[4] != DECODE_FRAME_ROW) {
		b->given.type = (unsigned char)frame[4];
		b->given.payload = payload;
		end(b, DECODE_A_FRAME);
		return false;
	}
	if (!take_row(b, payload)) {
		end_broken(b, "a wrong row");
		return false;
	}
	return b->ncells < BATCH_CELLS;
}

/* More bytes for a batch that has no row; whether some came. */
static bool
feed(const struct decode_taker *t, struct batch *b, size_t n)
{
	ssize_t k = read_some(t, b, n, &b->given.err);

	if (k > 0)
		return true;
	end(b, k < 0	      ? DECODE_FAILED
	       : b->bytes.len ? DECODE_CUT
			      : DECODE_NOTHING);
	return false;
}

static void
fill(const struct decode_taker *t, struct batch *b)
{
	uint32_t length;
	size_t n;

	end(b, DECODE_MORE_ROWS);
	do {
		while ((n = missing(b, &length)) > 0) {
			if (b->given.nrows || !feed(t, b, n))
				return;
		}
	} while (take_frame(b, length));
}

/* What the batch before has left goes on in this one. */
static int
begin(struct batch *b, const struct batch *before)
{
	const size_t left = before->bytes.len - before->done;

	buf_clear(&b->bytes);
	b->done = b->ncells = b->nflaws = 0;
	b->given.nrows = 0;
	b->given.err = ERROR_INIT;
	return left ? buf_add(&b->bytes, before->bytes.data + before->done,
			      left)
		    : 0;
}

static void
work(void *ctx)
{
	struct decode_taker *t = ctx;

	if (begin(t->coming, t->now)) {
		error_nomem(&t->coming->given.err);
		end(t->coming, DECODE_FAILED);
		return;
	}
	fill(t, t->coming);
}

/* ---- all of it ----------------------------------------------------------- */

static int
batch_init(struct batch *b, struct error *err)
{
	const size_t most = BATCH_CELLS + DECODE_MAX_CELLS;

	b->given.rows = calloc(BATCH_CELLS, sizeof(*b->given.rows));
	b->cells = calloc(most, sizeof(*b->cells));
	b->flaws = calloc(most, sizeof(*b->flaws));
	return b->given.rows && b->cells && b->flaws ? 0 : error_nomem(err);
}

int
decode_taker_new(int fd, int patience_ms, struct decode_taker **ret,
		 struct error *err)
{
	struct decode_taker *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return error_nomem(err);
	t->fd = fd;
	t->patience_ms = patience_ms;
	t->stop = -1;
	t->now = &t->two[0];
	t->coming = &t->two[1];
	rc = batch_init(t->now, err);
	if (!rc)
		rc = batch_init(t->coming, err);
	if (rc) {
		decode_taker_free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

void
decode_taker_free(struct decode_taker *t)
{
	const uint64_t one = 1;

	if (!t)
		return;
	if (t->stop >= 0)
		(void)!write(t->stop, &one, sizeof(one));
	relay_free(t->relay);
	if (t->stop >= 0)
		close(t->stop);
	for (size_t i = 0; i < 2; i++) {
		buf_release(&t->two[i].bytes);
		free(t->two[i].given.rows);
		free(t->two[i].cells);
		free(t->two[i].flaws);
	}
	free(t);
}

/* A small file is not worth a thread. Without one, the caller does it. */
static void
go_ahead(struct decode_taker *t)
{
	if (t->now->given.behind != DECODE_MORE_ROWS)
		return;
	if (!t->relay && t->now->bytes.len >= WORTH_A_THREAD) {
		t->stop = eventfd(0, EFD_CLOEXEC);
		t->relay = t->stop < 0 ? NULL : relay_new(work, t);
	}
	if (!t->relay)
		return;
	t->ahead = true;
	relay_start(t->relay);
}

const struct decode_batch *
decode_taker_next(struct decode_taker *t)
{
	enum pulse_state before;
	struct batch *used = t->now;

	if (t->ahead) {
		before = pulse_turn(PULSE_RESTING);
		relay_wait(t->relay);
		pulse_turn(before);
	} else {
		work(t);
	}
	t->ahead = false;
	t->now = t->coming;
	t->coming = used;
	go_ahead(t);
	return &t->now->given;
}

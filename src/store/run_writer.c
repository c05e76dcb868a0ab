/* Writing the file of a run: see run_file.h. */
#include "store/run_file.h"

#include "base/cells.h"
#include "base/checksum.h"
#include "base/io.h"
#include "base/relay.h"
#include "base/scope.h"
#include "store/run_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH ((size_t)256 << 10)
#define FLUSHED ((off_t)8 << 20) /* the disk is given work as early as this */

/* Blocks one after the other, and of each the packed first key, then this. */
struct fresh {
	uint32_t length, rows, marked;
};
struct batch {
	struct buf bytes, blocks;
};

struct run_writer {
	int64_t run;
	int fd;
	bool ended;
	struct batch filling;

	struct relay *relay; /* NULL: not needed yet */
	/* the relay's while it works */
	struct batch writing;
	off_t at, flushed;
	int64_t rows;	   /* of all blocks in the index */
	int64_t page_rows; /* of those before the page */
	struct buf page;   /* of the index, under way */
	struct buf first;  /* key of the page */
	struct buf top;
	int rc;
	struct error err;
};

void
run_file_name(int64_t run, char name[static RUN_FILE_NAME_MAX])
{
	snprintf(name, RUN_FILE_NAME_MAX, RUN_FOLDER "/%012" PRId64 ".run",
		 run);
}

/* The file is removed first, never truncated: whoever holds an old one open
 * keeps its bytes. */
int
run_writer_new(int64_t run, struct run_writer **ret, struct error *err)
{
	struct run_writer *w = calloc(1, sizeof(*w));
	char name[RUN_FILE_NAME_MAX];

	if (!w)
		return error_nomem(err);
	run_file_name(run, name);
	w->run = run;
	if (!unlink(name) || errno == ENOENT)
		w->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			     0600);
	else
		w->fd = -1;
	if (w->fd < 0) {
		free(w);
		return error_errno(err, errno, "cannot make '%s'", name);
	}
	*ret = w;
	return 0;
}

static void
batch_release(struct batch *b)
{
	buf_release(&b->bytes);
	buf_release(&b->blocks);
}

void
run_writer_free(struct run_writer *w)
{
	char name[RUN_FILE_NAME_MAX];

	if (!w)
		return;
	relay_free(w->relay);
	close(w->fd);
	run_file_name(w->run, name);
	if (!w->ended)
		unlink(name);
	batch_release(&w->filling);
	batch_release(&w->writing);
	buf_release(&w->page);
	buf_release(&w->first);
	buf_release(&w->top);
	free(w);
}

/* ---- a batch into the file ----------------------------------------------- */

static int
put(struct run_writer *w, struct slice bytes)
{
	char name[RUN_FILE_NAME_MAX];
	int rc = io_pwrite(w->fd, bytes.p, bytes.n, w->at, &w->err);

	if (!rc) {
		w->at += (off_t)bytes.n;
		return 0;
	}
	run_file_name(w->run, name);
	return error_prefix(&w->err, rc, "cannot write '%s'", name);
}

static int
add_entry(struct buf *to, struct slice first, const struct run_entry *e)
{
	int rc = cells_add(to, first);

	return rc ? rc : buf_add(to, e, sizeof(*e));
}

/* The page as it is goes behind the blocks that are written. */
static int
put_page(struct run_writer *w)
{
	struct run_entry e = {
		.offset = htole64((uint64_t)w->at),
		.length = htole32((uint32_t)w->page.len),
		.ordinal = htole64((uint64_t)w->page_rows),
		.sum = htole64(checksum(buf_slice(&w->page))),
	};
	int rc;

	if (!w->page.len)
		return 0;
	if (add_entry(&w->top, buf_slice(&w->first), &e))
		return error_nomem(&w->err);
	rc = put(w, buf_slice(&w->page));
	buf_clear(&w->page);
	buf_clear(&w->first);
	w->page_rows = w->rows;
	return rc;
}

static int
index_block(struct run_writer *w, struct slice first, const struct fresh *f,
	    struct slice body)
{
	struct run_entry e = {
		.offset = htole64(
			(uint64_t)(w->at + body.p - w->writing.bytes.data)),
		.length = htole32(f->length),
		.rows = htole32(f->rows),
		.marked = htole32(f->marked),
		.sum = htole64(checksum(body)),
	};

	if (!w->page.len && buf_addslice(&w->first, first))
		return ERR_NOMEM;
	if (add_entry(&w->page, first, &e))
		return ERR_NOMEM;
	w->rows += f->rows;
	return 0;
}

static int
write_batch(struct run_writer *w)
{
	struct slice blocks = buf_slice(&w->writing.blocks), first;
	struct slice body = {w->writing.bytes.data, 0};
	int rc;

	while (cells_next(&blocks, &first)) {
		struct fresh f;

		memcpy(&f, blocks.p, sizeof(f));
		blocks.p += sizeof(f);
		blocks.n -= sizeof(f);
		body.n = f.length;
		if (index_block(w, first, &f, body))
			return error_nomem(&w->err);
		body.p += f.length;
	}
	rc = put(w, buf_slice(&w->writing.bytes));
	if (!rc && w->page.len >= RUN_PAGE)
		rc = put_page(w);
	if (!rc && w->at - w->flushed >= FLUSHED) {
		/* a hint: a failure comes again with fsync */
		(void)sync_file_range(w->fd, w->flushed, w->at - w->flushed,
				      SYNC_FILE_RANGE_WRITE);
		w->flushed = w->at;
	}
	return rc;
}

static void
work(void *ctx)
{
	struct run_writer *w = ctx;

	w->rc = write_batch(w);
}

/* ---- the caller's side --------------------------------------------------- */

static int
wait_for(struct run_writer *w, struct error *err)
{
	if (w->relay)
		relay_wait(w->relay);
	if (w->rc)
		*err = w->err;
	return w->rc;
}

/* What is filled becomes what is written; another batch is filled. */
static int
turn(struct run_writer *w, struct error *err)
{
	struct batch b;
	int rc = wait_for(w, err);

	if (rc)
		return rc;
	b = w->writing;
	w->writing = w->filling;
	w->filling = b;
	buf_clear(&w->filling.bytes);
	buf_clear(&w->filling.blocks);
	return 0;
}

static int
hand_over(struct run_writer *w, struct error *err)
{
	int rc = turn(w, err);

	if (rc)
		return rc;
	if (!w->relay)
		w->relay = relay_new(work, w);
	if (!w->relay)
		return error_nomem(err);
	relay_start(w->relay);
	return 0;
}

int
run_writer_add(struct run_writer *w, struct slice first, int64_t rows,
	       int64_t marked, struct slice body, struct error *err)
{
	const struct fresh f = {(uint32_t)body.n, (uint32_t)rows,
				(uint32_t)marked};
	struct batch *b = &w->filling;

	if (buf_addslice(&b->bytes, body) || cells_add(&b->blocks, first) ||
	    buf_add(&b->blocks, &f, sizeof(f)))
		return error_nomem(err);
	return b->bytes.len < BATCH ? 0 : hand_over(w, err);
}

static int
put_end(struct run_writer *w)
{
	struct run_trailer t = {.magic = htole64(RUN_MAGIC)};
	int rc = put_page(w);

	t.top_offset = htole64((uint64_t)w->at);
	t.top_length = htole64(w->top.len);
	t.rows = htole64((uint64_t)w->rows);
	t.sum = htole64(checksum(buf_slice(&w->top)));
	t.self = htole64(checksum((struct slice){
		(char *)&t, offsetof(struct run_trailer, self)}));
	if (!rc)
		rc = put(w, buf_slice(&w->top));
	return rc ? rc : put(w, (struct slice){(char *)&t, sizeof(t)});
}

int
run_writer_end(struct run_writer *w, struct error *err)
{
	scope_fd folder = -1;
	int rc = turn(w, err);

	if (rc)
		return rc;
	rc = write_batch(w);
	if (!rc)
		rc = put_end(w);
	if (rc) {
		*err = w->err;
		return rc;
	}
	if (fdatasync(w->fd))
		return error_errno(err, errno,
				   "cannot make run %" PRId64 " durable",
				   w->run);
	folder = open(RUN_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return error_errno(err, errno, "'" RUN_FOLDER "'");
	rc = io_sync_dir(folder, err);
	w->ended = !rc;
	return rc;
}

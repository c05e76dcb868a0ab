/* Reading the file of a run: see run_file.h. */
#include "store/run_file.h"

#include "base/cells.h"
#include "base/checksum.h"
#include "base/io.h"
#include "base/scope.h"
#include "store/run_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct page {
	struct slice first;  /* in the top */
	struct run_block at; /* of the page itself; ordinal: of its first row */
};

struct run_file {
	int64_t run, rows;
	int fd;
	struct buf top;
	struct page *pages;
	size_t npages;
};

static int
broken(int64_t run, const char *what, struct error *err)
{
	char name[RUN_FILE_NAME_MAX];

	run_file_name(run, name);
	return error_set(err, ERR_CORRUPT, "'%s' %s: restore a backup", name,
			 what);
}

int64_t
run_file_run(const struct run_file *f)
{
	return f->run;
}

int64_t
run_file_rows(const struct run_file *f)
{
	return f->rows;
}

void
run_file_close(struct run_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	buf_release(&f->top);
	free(f->pages);
	free(f);
}

/* ---- bytes --------------------------------------------------------------- */

static int
read_exactly(const struct run_file *f, void *p, size_t n, int64_t offset,
	     struct error *err)
{
	ssize_t got = io_pread(f->fd, p, n, offset, err);

	if (got < 0)
		return (int)got;
	return (size_t)got < n ? broken(f->run, "is too short", err) : 0;
}

static int
read_checked(const struct run_file *f, int64_t offset, size_t n, uint64_t sum,
	     struct buf *ret, struct error *err)
{
	int rc;

	buf_clear(ret);
	if (buf_reserve(ret, n + 1))
		return error_nomem(err);
	rc = read_exactly(f, ret->data, n, offset, err);
	if (rc)
		return rc;
	ret->len = n;
	return checksum(buf_slice(ret)) == sum
		       ? 0
		       : broken(f->run, "is not what was written", err);
}

int
run_file_read(const struct run_file *f, const struct run_block *block,
	      struct buf *ret, struct error *err)
{
	return read_checked(f, block->offset, (size_t)block->length, block->sum,
			    ret, err);
}

/* ---- opening ------------------------------------------------------------- */

/* Takes an entry off a page or the top; false at the end. */
static bool
take_entry(struct slice *rest, struct slice *ret_first, struct run_block *ret)
{
	struct run_entry e;

	if (!cells_next(rest, ret_first) || rest->n < sizeof(e))
		return false;
	memcpy(&e, rest->p, sizeof(e));
	rest->p += sizeof(e);
	rest->n -= sizeof(e);
	*ret = (struct run_block){
		.offset = (int64_t)le64toh(e.offset),
		.length = le32toh(e.length),
		.ordinal = (int64_t)le64toh(e.ordinal),
		.rows = le32toh(e.rows),
		.marked = le32toh(e.marked),
		.sum = le64toh(e.sum),
	};
	return true;
}

static int
load_pages(struct run_file *f, struct error *err)
{
	struct slice rest = buf_slice(&f->top);
	size_t cap = 0;

	while (rest.n) {
		struct page page;

		if (!take_entry(&rest, &page.first, &page.at))
			return broken(f->run, "is not what was written", err);
		if (f->npages == cap) {
			struct page *pages;

			cap = cap ? 2 * cap : 8;
			pages = reallocarray(f->pages, cap, sizeof(*pages));
			if (!pages)
				return error_nomem(err);
			f->pages = pages;
		}
		f->pages[f->npages++] = page;
	}
	return 0;
}

static int
load_top(struct run_file *f, struct error *err)
{
	struct run_trailer t;
	struct stat st;
	uint64_t before;
	int rc;

	if (fstat(f->fd, &st))
		return error_errno(err, errno, "run %lld", (long long)f->run);
	if (st.st_size < (off_t)sizeof(t))
		return broken(f->run, "is too short", err);
	before = (uint64_t)st.st_size - sizeof(t);
	rc = read_exactly(f, &t, sizeof(t), (int64_t)before, err);
	if (rc)
		return rc;
	if (le64toh(t.magic) != RUN_MAGIC ||
	    le64toh(t.self) !=
		    checksum((struct slice){
			    (char *)&t, offsetof(struct run_trailer, self)}) ||
	    le64toh(t.top_length) > before ||
	    le64toh(t.top_offset) != before - le64toh(t.top_length))
		return broken(f->run, "is not what was written", err);
	f->rows = (int64_t)le64toh(t.rows);
	rc = read_checked(f, (int64_t)le64toh(t.top_offset),
			  le64toh(t.top_length), le64toh(t.sum), &f->top, err);
	return rc ? rc : load_pages(f, err);
}

int
run_file_open(int64_t run, struct run_file **ret, struct error *err)
{
	struct run_file *f = calloc(1, sizeof(*f));
	char name[RUN_FILE_NAME_MAX];
	int rc = 0;

	if (!f)
		return error_nomem(err);
	run_file_name(run, name);
	f->run = run;
	f->fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		rc = errno == ENOENT
			     ? broken(run, "is missing from the state", err)
			     : error_errno(err, errno, "cannot open '%s'",
					   name);
	if (!rc)
		rc = load_top(f, err);
	if (rc) {
		run_file_close(f);
		return rc;
	}
	*ret = f;
	return 0;
}

/* ---- the index ----------------------------------------------------------- */

void
run_places_release(struct run_places *p)
{
	buf_release(&p->bytes);
}

void
run_places_rewind(struct run_places *p)
{
	p->page = 0;
	p->rest = SLICE_NONE;
	buf_clear(&p->bytes);
}

static int
load_page(struct run_places *p, size_t page, struct error *err)
{
	const struct run_block *at = &p->file->pages[page].at;
	int rc;

	if (p->bytes.len && p->page == page + 1) {
		p->rest = buf_slice(&p->bytes);
		p->ordinal = at->ordinal;
		return 0;
	}
	p->rest = SLICE_NONE;
	rc = run_file_read(p->file, at, &p->bytes, err);
	if (rc) {
		buf_clear(&p->bytes);
		return rc;
	}
	p->rest = buf_slice(&p->bytes);
	p->ordinal = at->ordinal;
	p->page = page + 1;
	return 0;
}

static int
take_block(struct run_places *p, struct slice *ret_first, struct run_block *ret,
	   struct error *err)
{
	if (!take_entry(&p->rest, ret_first, ret))
		return broken(p->file->run, "is not what was written", err);
	ret->ordinal = p->ordinal;
	p->ordinal += ret->rows;
	return 1;
}

int
run_places_next(struct run_places *p, struct run_block *ret, struct error *err)
{
	struct slice first;
	int rc;

	if (!p->rest.n) {
		if (p->page >= p->file->npages)
			return 0;
		rc = load_page(p, p->page, err);
		if (rc)
			return rc;
	}
	return take_block(p, &first, ret, err);
}

bool
run_places_peek(const struct run_places *p, struct slice *ret_first)
{
	struct slice rest = p->rest;

	return rest.n && cells_next(&rest, ret_first);
}

/* The last page that begins with a key (or, 'key' NULL, a row) not above the
 * one that is looked for; npages for none. */
static size_t
find_page(const struct run_file *f, const struct slice *key, int64_t ordinal)
{
	size_t lo = 0, hi = f->npages;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct page *page = &f->pages[mid];

		if (key ? slice_cmp(page->first, *key) <= 0
			: page->at.ordinal <= ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : f->npages;
}

/* Steps through the page that stands, up to the last block that is not above.
 */
static int
find_in_page(struct run_places *p, const struct slice *key, int64_t ordinal,
	     struct run_block *ret, struct error *err)
{
	bool found = false;

	while (p->rest.n) {
		const struct slice rest = p->rest;
		const int64_t before = p->ordinal;
		struct run_block b;
		struct slice first;
		int rc = take_block(p, &first, &b, err);

		if (rc < 0)
			return rc;
		if (key ? slice_cmp(first, *key) > 0 : before > ordinal) {
			p->rest = rest;
			p->ordinal = before;
			break;
		}
		*ret = b;
		found = true;
	}
	return found;
}

/* Whether it is in what is left of the page that stands. */
static bool
is_ahead(const struct run_places *p, size_t page, const struct slice *key,
	 int64_t ordinal)
{
	struct slice first;

	if (p->page != page + 1 || !run_places_peek(p, &first))
		return false;
	return key ? slice_cmp(first, *key) <= 0 : p->ordinal <= ordinal;
}

static int
find(struct run_places *p, const struct slice *key, int64_t ordinal,
     struct run_block *ret, struct error *err)
{
	size_t page = find_page(p->file, key, ordinal);
	int rc;

	if (page == p->file->npages) { /* from the beginning on */
		run_places_rewind(p);
		return 0;
	}
	rc = is_ahead(p, page, key, ordinal) ? 0 : load_page(p, page, err);
	return rc ? rc : find_in_page(p, key, ordinal, ret, err);
}

int
run_places_find(struct run_places *p, struct slice key, struct run_block *ret,
		struct error *err)
{
	return find(p, &key, 0, ret, err);
}

int
run_places_find_row(struct run_places *p, int64_t ordinal,
		    struct run_block *ret, struct error *err)
{
	int rc = find(p, NULL, ordinal, ret, err);

	return rc <= 0 ? rc : ordinal < ret->ordinal + ret->rows;
}

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

struct run_file {
	int64_t run, rows;
	int fd;
	struct buf top;
	struct run_line
		*pages; /* first: in the top; ordinal: of the first row */
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

/* Takes a line off a page or the top; false when there is none. */
static bool
take_line(struct slice *rest, struct run_line *ret)
{
	struct run_entry e;

	if (!cells_next(rest, &ret->first) || rest->n < sizeof(e))
		return false;
	memcpy(&e, rest->p, sizeof(e));
	rest->p += sizeof(e);
	rest->n -= sizeof(e);
	ret->at = (struct run_block){
		.offset = (int64_t)le64toh(e.offset),
		.length = le32toh(e.length),
		.ordinal = (int64_t)le64toh(e.ordinal),
		.rows = le32toh(e.rows),
		.marked = le32toh(e.marked),
		.sum = le64toh(e.sum),
	};
	return true;
}

/* All lines of a page or the top, in place of those that 'lines' had. */
static int
take_lines(int64_t run, struct slice rest, struct run_line **lines, size_t *n,
	   size_t *cap, struct error *err)
{
	*n = 0;
	while (rest.n) {
		if (*n == *cap) {
			size_t more = *cap ? 2 * *cap : 16;
			struct run_line *grown =
				reallocarray(*lines, more, sizeof(**lines));

			if (!grown)
				return error_nomem(err);
			*lines = grown;
			*cap = more;
		}
		if (!take_line(&rest, &(*lines)[*n]))
			return broken(run, "is not what was written", err);
		++*n;
	}
	return 0;
}

static int
load_pages(struct run_file *f, struct error *err)
{
	size_t cap = 0;

	return take_lines(f->run, buf_slice(&f->top), &f->pages, &f->npages,
			  &cap, err);
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
	free(p->lines);
	p->lines = NULL;
	p->n = p->cap = 0;
}

void
run_places_rewind(struct run_places *p)
{
	p->page = 0;
	p->n = p->next = 0;
}

/* Blocks are numbered from the page's first row on. */
static int
take_blocks(struct run_places *p, int64_t ordinal, struct error *err)
{
	int rc = take_lines(p->file->run, buf_slice(&p->bytes), &p->lines,
			    &p->n, &p->cap, err);

	for (size_t i = 0; i < p->n; i++) {
		p->lines[i].at.ordinal = ordinal;
		ordinal += p->lines[i].at.rows;
	}
	return rc;
}

static int
load_page(struct run_places *p, size_t page, struct error *err)
{
	const struct run_block *at = &p->file->pages[page].at;
	int rc;

	p->next = 0;
	if (p->n && p->page == page + 1)
		return 0;
	p->n = 0;
	rc = run_file_read(p->file, at, &p->bytes, err);
	if (!rc)
		rc = take_blocks(p, at->ordinal, err);
	if (rc)
		p->n = 0;
	else
		p->page = page + 1;
	return rc;
}

int
run_places_next(struct run_places *p, struct run_block *ret, struct error *err)
{
	if (p->next == p->n) {
		int rc;

		if (p->page >= p->file->npages)
			return 0;
		rc = load_page(p, p->page, err);
		if (rc)
			return rc;
		if (!p->n)
			return broken(p->file->run, "is not what was written",
				      err);
	}
	*ret = p->lines[p->next++].at;
	return 1;
}

bool
run_places_peek(const struct run_places *p, struct slice *ret_first)
{
	if (p->next == p->n)
		return false;
	*ret_first = p->lines[p->next].first;
	return true;
}

/* How many lines begin with a key (or, 'key' NULL, a row) not above the one
 * that is looked for: the last of them is where it can be. */
static size_t
count_not_above(const struct run_line *lines, size_t n, const struct slice *key,
		int64_t ordinal)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct run_line *line = &lines[mid];

		if (key ? slice_cmp(line->first, *key) <= 0
			: line->at.ordinal <= ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
find(struct run_places *p, const struct slice *key, int64_t ordinal,
     struct run_block *ret, struct error *err)
{
	const struct run_file *f = p->file;
	size_t n = count_not_above(f->pages, f->npages, key, ordinal);
	int rc;

	if (n == 0) { /* from the beginning on */
		run_places_rewind(p);
		return 0;
	}
	rc = load_page(p, n - 1, err);
	if (rc)
		return rc;
	p->next = count_not_above(p->lines, p->n, key, ordinal);
	if (p->next == 0)
		return 0;
	*ret = p->lines[p->next - 1].at;
	return 1;
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

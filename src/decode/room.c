/* Room for what is unpacked: see room.h. */
#include "decode/room.h"

#include "base/io.h"

#include <stdlib.h>
#include <string.h>

#define PAGE ((size_t)1 << 20)

int
decode_room_add(struct decode_room *room, const void *p, size_t n,
		struct error *err)
{
	int rc;

	if (room->fd < 0)
		return error_set(err, ERR_IO,
				 "there is no room to unpack the file in");
	rc = io_pwrite(room->fd, p, n, room->at, err);
	if (!rc)
		room->at += (int64_t)n;
	return rc;
}

/* ---- pools --------------------------------------------------------------- */

struct page {
	char *kept; /* NULL: it lies in the room */
	int64_t at;
};

struct decode_pool {
	struct decode_room *room;
	size_t kept; /* pages that may stay in memory */
	struct page *pages;
	size_t n;   /* full ones; the one after them is being filled */
	size_t cap; /* of 'pages' */
	char *last;
	size_t fill; /* bytes of 'last' */
};

int
decode_pool_new(struct decode_room *room, size_t kept, struct decode_pool **ret,
		struct error *err)
{
	struct decode_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return error_nomem(err);
	pool->room = room;
	pool->kept = kept / PAGE;
	*ret = pool;
	return 0;
}

void
decode_pool_free(struct decode_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->n; i++)
		free(pool->pages[i].kept);
	free(pool->pages);
	free(pool->last);
	free(pool);
}

int64_t
decode_pool_size(const struct decode_pool *pool)
{
	return (int64_t)(pool->n * PAGE + pool->fill);
}

/* The full page takes its place; 'last' is new, or written again. */
static int
turn_page(struct decode_pool *pool, struct error *err)
{
	struct page *page;
	int rc;

	if (pool->n == pool->cap) {
		size_t cap = pool->cap ? 2 * pool->cap : 16;
		struct page *more =
			reallocarray(pool->pages, cap, sizeof(*more));

		if (!more)
			return error_nomem(err);
		pool->pages = more;
		pool->cap = cap;
	}
	page = &pool->pages[pool->n];
	*page = (struct page){0};
	if (pool->n < pool->kept) {
		page->kept = pool->last;
		pool->last = NULL;
	} else {
		page->at = pool->room->at;
		rc = decode_room_add(pool->room, pool->last, PAGE, err);
		if (rc)
			return rc;
	}
	pool->n++;
	pool->fill = 0;
	return 0;
}

int
decode_pool_add(struct decode_pool *pool, const void *p, size_t n,
		struct error *err)
{
	const char *from = p;

	while (n) {
		size_t part;

		if (pool->last && pool->fill == PAGE) {
			int rc = turn_page(pool, err);

			if (rc)
				return rc;
		}
		if (!pool->last && !(pool->last = malloc(PAGE)))
			return error_nomem(err);
		part = PAGE - pool->fill < n ? PAGE - pool->fill : n;
		memcpy(pool->last + pool->fill, from, part);
		pool->fill += part;
		from += part;
		n -= part;
	}
	return 0;
}

/* Up to the end of one page. */
static int
get_part(const struct decode_pool *pool, int64_t at, size_t n, char *out,
	 struct error *err)
{
	size_t page = (size_t)at / PAGE, off = (size_t)at % PAGE;
	const char *kept =
		page == pool->n ? pool->last : pool->pages[page].kept;
	ssize_t got;

	if (kept) {
		memcpy(out, kept + off, n);
		return 0;
	}
	got = io_pread(pool->room->fd, out, n,
		       pool->pages[page].at + (int64_t)off, err);
	if (got >= 0 && (size_t)got < n)
		return error_set(err, ERR_IO, "unpacked bytes are gone");
	return got < 0 ? (int)got : 0;
}

int
decode_pool_get(const struct decode_pool *pool, int64_t at, size_t n, char *out,
		const char **ret, struct error *err)
{
	size_t page = (size_t)at / PAGE, off = (size_t)at % PAGE;
	int rc = 0;

	if (off + n <= PAGE) {
		const char *kept =
			page == pool->n ? pool->last : pool->pages[page].kept;

		if (kept || !n) {
			*ret = n ? kept + off : "";
			return 0;
		}
	}
	*ret = out;
	while (!rc && n) {
		size_t left = PAGE - (size_t)at % PAGE;
		size_t part = left < n ? left : n;

		rc = get_part(pool, at, part, out, err);
		at += (int64_t)part;
		out += part;
		n -= part;
	}
	return rc;
}

/* See list.h. */
#include "mount/list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/digest.h"

void
mount_listing_free(void *listing)
{
	struct listing *l = listing;

	if (!l)
		return;
	free(l->items);
	buf_release(&l->names);
	free(l);
}

int
mount_list_add(struct listing *l, int64_t offset, uint64_t node,
	       const char *name)
{
	size_t at = l->names.len;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct list_item *items =
			reallocarray(l->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->cap = cap;
	}
	if (buf_add(&l->names, name, strlen(name) + 1))
		return -ENOMEM;
	l->items[l->n++] = (struct list_item){offset, node, at, LIST_UNKNOWN};
	return 0;
}

void
mount_list_know(struct listing *l, int64_t bytes, int64_t mtime)
{
	l->items[l->n - 1].bytes = bytes;
	l->items[l->n - 1].mtime = mtime;
}

int64_t
mount_list_offset(const char *name)
{
	uint64_t hash = digest_key64(slice_str(name)) >> 2;

	return (int64_t)hash + LIST_FIRST;
}

static int
compare(const void *a, const void *b)
{
	const struct list_item *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void
mount_list_sort(struct listing *l)
{
	if (l->n)
		qsort(l->items, l->n, sizeof(*l->items), compare);
}

size_t
mount_list_after(const struct listing *l, int64_t offset)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->items[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

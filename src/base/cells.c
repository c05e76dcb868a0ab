/* Packed cells: see cells.h. */
#include "base/cells.h"

#include "base/leb.h"

int
cells_add_long(struct buf *row, struct slice cell)
{
	if (buf_reserve(row, LEB_MAX + cell.n))
		return ERR_NOMEM;
	leb_put(row, cell.n);
	memcpy(row->data + row->len, cell.p, cell.n);
	row->len += cell.n;
	return 0;
}

/* The bytes move up, for a length that takes more than one. */
int
cells_close_long(struct buf *row, size_t place, size_t *ret_first)
{
	char bytes[LEB_MAX] = {0};
	struct buf length = {.data = bytes, .cap = sizeof(bytes)};
	size_t n = row->len - place - 1;

	leb_put(&length, n);
	if (buf_reserve(row, length.len - 1))
		return ERR_NOMEM;
	memmove(row->data + place + length.len, row->data + place + 1, n);
	memcpy(row->data + place, bytes, length.len);
	row->len += length.len - 1;
	*ret_first = place + length.len;
	return 0;
}

bool
cells_next_long(struct slice *rest, struct slice *ret_cell)
{
	struct slice after = *rest;
	uint64_t len;

	if (!leb_take(&after, &len) || len > after.n)
		return false;
	*ret_cell = (struct slice){after.p, (size_t)len};
	rest->p = after.p + len;
	rest->n = after.n - len;
	return true;
}

struct slice
cells_get(struct slice row, size_t index)
{
	struct slice cell;

	while (cells_next(&row, &cell)) {
		if (index-- == 0)
			return cell;
	}
	return SLICE_NONE;
}

long
cells_split(struct slice row, struct slice *ret_cells, size_t max)
{
	struct slice cell;
	long n = 0;

	while (cells_next(&row, &cell)) {
		if ((size_t)n < max)
			ret_cells[n] = cell;
		n++;
	}
	return row.n ? -1 : n;
}

int
cells_key_add(struct buf *key, struct slice part, bool first)
{
	if (buf_reserve(key, part.n + 1))
		return ERR_NOMEM;
	if (!first)
		key->data[key->len++] = '\0';
	if (part.n)
		memcpy(key->data + key->len, part.p, part.n);
	key->len += part.n;
	return 0;
}

/* Packed cells: see cells.h. */
#include "base/cells.h"

#include <stdint.h>

int
cells_add_long(struct buf *row, struct slice cell)
{
	unsigned char head[10];
	size_t n = 0, len = cell.n;

	do {
		head[n] = len & 0x7f;
		len >>= 7;
		if (len)
			head[n] |= 0x80;
		n++;
	} while (len);
	if (buf_reserve(row, n + cell.n))
		return ERR_NOMEM;
	memcpy(row->data + row->len, head, n);
	if (cell.n)
		memcpy(row->data + row->len + n, cell.p, cell.n);
	row->len += n + cell.n;
	return 0;
}

bool
cells_next_long(struct slice *rest, struct slice *ret_cell)
{
	uint64_t len = 0;
	unsigned int shift = 0;
	size_t i = 0;

	for (;; i++, shift += 7) {
		unsigned char c;

		if (i == rest->n || shift > 56)
			return false;
		c = (unsigned char)rest->p[i];
		len |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			break;
	}
	i++;
	if (len > rest->n - i)
		return false;
	*ret_cell = (struct slice){rest->p + i, (size_t)len};
	rest->p += i + len;
	rest->n -= i + len;
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

/*
 * Packed cells: a row as one run of bytes, the form in which rows are stored
 * and handed on. Each cell is its length in LEB128 (seven bits a byte, least
 * significant first) and its bytes. An empty cell is a missing value. A
 * packed row is compared and hashed as a whole.
 *
 * A packed key is another thing: cells joined by NUL bytes, which no value
 * contains, so that memcmp() orders keys field by field (SPEC 15).
 */
#ifndef BASE_CELLS_H
#define BASE_CELLS_H

#include "base/buf.h"

/* Of a cell with 128 bytes or more; for the functions below. */
MUST_CHECK int cells_add_long(struct buf *row, struct slice cell);
bool cells_next_long(struct slice *rest, struct slice *ret_cell);

/* Appends one cell; 0 or ERR_NOMEM. */
static inline MUST_CHECK int
cells_add(struct buf *row, struct slice cell)
{
	if (cell.n >= 0x80)
		return cells_add_long(row, cell);
	if (buf_reserve(row, cell.n + 1))
		return ERR_NOMEM;
	row->data[row->len++] = (char)cell.n;
	if (cell.n)
		memcpy(row->data + row->len, cell.p, cell.n);
	row->len += cell.n;
	return 0;
}

/* A cell that is written where it is to stand: cells_open() gives its place,
 * its bytes are appended to the row, and cells_close() says how many there are:
 * returns 0 or ERR_NOMEM, and the offset of the first of them. */
static inline MUST_CHECK int
cells_open(struct buf *row, size_t *ret_place)
{
	*ret_place = row->len;
	return buf_addc(row, 0);
}
MUST_CHECK int cells_close_long(struct buf *row, size_t place,
				size_t *ret_first);
static inline MUST_CHECK int
cells_close(struct buf *row, size_t place, size_t *ret_first)
{
	size_t n = row->len - place - 1;

	if (n >= 0x80)
		return cells_close_long(row, place, ret_first);
	row->data[place] = (char)n;
	*ret_first = place + 1;
	return 0;
}

/* Takes the first cell off 'rest'. False at the end, and when the bytes are
 * no packed row (then rest->n is not 0). */
static inline bool
cells_next(struct slice *rest, struct slice *ret_cell)
{
	size_t len;

	if (!rest->n || rest->p[0] & 0x80)
		return cells_next_long(rest, ret_cell);
	len = (size_t)rest->p[0];
	if (len > rest->n - 1)
		return false;
	*ret_cell = (struct slice){rest->p + 1, len};
	rest->p += 1 + len;
	rest->n -= 1 + len;
	return true;
}

/* Cell number 'index', from 0; SLICE_NONE when the row has fewer. */
struct slice cells_get(struct slice row, size_t index);

/* Unpacks up to 'max' cells; returns how many the row has, or -1 when the
 * bytes are no packed row. The cells point into 'row'. */
long cells_split(struct slice row, struct slice *ret_cells, size_t max);

/* Appends one part of a key, after a NUL unless it is the first part. */
MUST_CHECK int cells_key_add(struct buf *key, struct slice part, bool first);

#endif

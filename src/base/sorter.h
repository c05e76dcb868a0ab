/*
 * Any number of entries into byte order of their keys, in bounded memory:
 * batches of a fixed size are sorted and written to a temporary file without a
 * name, and merged as they are read back, both by a thread beside the caller's,
 * a little ahead of it. One caller at a time; blocks on the file.
 */
#ifndef BASE_SORTER_H
#define BASE_SORTER_H

#include "base/error.h"
#include "base/slice.h"

struct sorter;

/* Keeps up to about 'memory' bytes of entries, half of them on their way to the
 * file, which is made in the working directory when there are more. */
MUST_CHECK int sorter_new(size_t memory, struct sorter **ret,
			  struct error *err);
void sorter_free(struct sorter *s);
static inline void
sorter_freep(struct sorter **s)
{
	sorter_free(*s);
}
#define scope_sorter __attribute__((cleanup(sorter_freep))) struct sorter

/* Both are copied. ERR_NOMEM, ERR_IO, ERR_LIMIT (an entry of 4 GiB). */
MUST_CHECK int sorter_add(struct sorter *s, struct slice key,
			  struct slice value, struct error *err);
/* The same; the value is the parts one after the other. */
MUST_CHECK int sorter_add_parts(struct sorter *s, struct slice key,
				const struct slice *parts, size_t n,
				struct error *err);
/* No more will come; entries are read from the smallest key on. */
MUST_CHECK int sorter_sort(struct sorter *s, struct error *err);
/* Back to the smallest key; only after sorter_sort(). */
MUST_CHECK int sorter_rewind(struct sorter *s, struct error *err);
/* 1 and the next entry, 0 after the last. Equal keys come in the order in
 * which they were added. The bytes hold until the next call. */
MUST_CHECK int sorter_next(struct sorter *s, struct slice *ret_key,
			   struct slice *ret_value, struct error *err);

#endif

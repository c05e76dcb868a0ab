/*
 * Long work that lets others pass: now and then it takes a breath, in which
 * its thread does what does not wait. Nothing of the work may be held then
 * that the others need. A breath may fail: then the work cannot go on.
 */
#ifndef BASE_BREATH_H
#define BASE_BREATH_H

#include "base/error.h"

#include <stdatomic.h>

struct breath {
	int (*take)(void *ctx, struct error *err);
	void *ctx;
	const atomic_bool *wanted; /* whether somebody may be waiting */
};

/* NULL: nobody is let pass. Cheap enough for every row. */
MUST_CHECK static inline int
breathe(const struct breath *b, struct error *err)
{
	return b && atomic_load_explicit(b->wanted, memory_order_relaxed)
		       ? b->take(b->ctx, err)
		       : 0;
}

#endif

/*
 * Long work that lets others pass: now and then it takes a breath, in which
 * its thread does what does not wait. Nothing of the work may be held then
 * that the others need.
 */
#ifndef BASE_BREATH_H
#define BASE_BREATH_H

#include <stdatomic.h>

struct breath {
	void (*take)(void *ctx);
	void *ctx;
	const atomic_bool *wanted; /* whether somebody may be waiting */
};

/* NULL: nobody is let pass. Cheap enough for every row. */
static inline void
breathe(const struct breath *b)
{
	if (b && atomic_load_explicit(b->wanted, memory_order_relaxed))
		b->take(b->ctx);
}

#endif

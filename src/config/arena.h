/*
 * Memory that lives as long as one configuration: taken piece by piece, given
 * back at once. The arena owns everything it hands out.
 */
#ifndef CONFIG_ARENA_H
#define CONFIG_ARENA_H

#include "base/slice.h"
#include "config/config.h"

struct config_arena {
	struct config_block *blocks; /* newest first */
	bool nomem;		     /* something was refused, for good */
};

void config_arena_release(struct config_arena *a);

/* 'n' zeroed bytes, aligned for anything; NULL without memory, and then
 * 'nomem' stays set, so that a long piece of work asks only once at its
 * end. */
void *config_arena_alloc(struct config_arena *a, size_t n);

/* A copy ended by NUL; "" without memory. */
const char *config_arena_text(struct config_arena *a, struct slice s);
const char *config_arena_printf(struct config_arena *a, const char *fmt, ...)
	PRINTF_LIKE(2, 3);

/*
 * Room for item number 'n' (from 0) of a growing array: returns the array,
 * perhaps moved, with one more zeroed item, or NULL without memory (the old
 * one is still good). Such an array may only grow by this function, from
 * NULL.
 */
void *config_arena_grow(struct config_arena *a, void *items, size_t n,
			size_t size);

/* Appends to a list; does nothing without memory. */
void config_list_add(struct config_arena *a, struct config_list *list,
		     const char *item);

#endif

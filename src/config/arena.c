/* Memory of one configuration: see arena.h. */
#include "config/arena.h"

#include "base/scope.h"

#include <stdalign.h>
#include <stdarg.h>

#define BLOCK_MIN 16384
#define GROW_MIN 4

struct config_block {
	struct config_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

void
config_arena_release(struct config_arena *a)
{
	while (a->blocks) {
		struct config_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->nomem = false;
}

static struct config_block *
add_block(struct config_arena *a, size_t n)
{
	size_t size = n > BLOCK_MIN ? n : BLOCK_MIN;
	struct config_block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		a->nomem = true;
		return NULL;
	}
	block->size = size;
	block->next = a->blocks;
	a->blocks = block;
	return block;
}

void *
config_arena_alloc(struct config_arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct config_block *block = a->blocks;
	void *p;

	if (n > SIZE_MAX / 2) {
		a->nomem = true;
		return NULL;
	}
	n = (n + align - 1) / align * align;
	if (!block || block->size - block->used < n)
		block = add_block(a, n);
	if (!block)
		return NULL;
	p = block->bytes + block->used;
	block->used += n;
	return p;
}

const char *
config_arena_text(struct config_arena *a, struct slice s)
{
	char *p = config_arena_alloc(a, s.n + 1);

	if (!p)
		return "";
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

const char *
config_arena_printf(struct config_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : config_arena_alloc(a, (size_t)n + 1);
	if (!p)
		return "";
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

/* The capacity follows from the count: GROW_MIN, then powers of two. */
void *
config_arena_grow(struct config_arena *a, void *items, size_t n, size_t size)
{
	size_t cap;
	void *more;

	if (n && (n < GROW_MIN || (n & (n - 1))))
		return items;
	cap = n ? 2 * n : GROW_MIN;
	more = config_arena_alloc(a, cap * size);
	if (more && n)
		memcpy(more, items, n * size);
	return more;
}

void
config_list_add(struct config_arena *a, struct config_list *list,
		const char *item)
{
	const char **items = config_arena_grow(a, (void *)list->items, list->n,
					       sizeof(*items));

	if (!items)
		return;
	items[list->n++] = item;
	list->items = items;
}

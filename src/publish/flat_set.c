/* The table of contiguous copies: see flat_set.h. */
#include "publish/flat_set.h"

#include <stdlib.h>
#include <string.h>

void
publish_flat_set_release(struct flat_set *s)
{
	free(s->items);
	*s = (struct flat_set){0};
}

/* Where the state is, or would be. */
static size_t
place_of(const struct flat_set *s, int64_t state)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->items[mid].state < state)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct flat_item *
publish_flat_set_find(const struct flat_set *s, int64_t state)
{
	size_t at = place_of(s, state);

	return at < s->n && s->items[at].state == state ? &s->items[at] : NULL;
}

static int
grow(struct flat_set *s)
{
	size_t cap = s->cap ? 2 * s->cap : 64;
	struct flat_item *items = realloc(s->items, cap * sizeof(*items));

	if (!items)
		return ERR_NOMEM;
	s->items = items;
	s->cap = cap;
	return 0;
}

struct flat_item *
publish_flat_set_add(struct flat_set *s, int64_t state, enum flat_stage stage)
{
	struct flat_item *item = publish_flat_set_find(s, state);
	size_t at;

	if (item)
		return item;
	if (s->n == s->cap && grow(s))
		return NULL;
	at = place_of(s, state);
	item = &s->items[at];
	memmove(item + 1, item, (s->n - at) * sizeof(*item));
	*item = (struct flat_item){.state = state, .stage = stage};
	s->n++;
	return item;
}

void
publish_flat_set_remove(struct flat_set *s, struct flat_item *item)
{
	size_t at = (size_t)(item - s->items);

	memmove(item, item + 1, (s->n - at - 1) * sizeof(*item));
	s->n--;
}

void
publish_flat_set_use(struct flat_set *s, struct flat_item *item)
{
	item->used = ++s->uses;
}

/* An earlier life's have not been used: then the older bytes go first. */
static int
by_use(const struct flat_item *a, const struct flat_item *b)
{
	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	return a->state < b->state ? -1 : a->state > b->state;
}

struct flat_item *
publish_flat_set_newest(const struct flat_set *s, enum flat_stage stage)
{
	struct flat_item *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct flat_item *item = &s->items[i];

		if (item->stage == stage && (!best || by_use(item, best) > 0))
			best = item;
	}
	return best;
}

struct flat_item *
publish_flat_set_oldest(const struct flat_set *s, enum flat_stage stage)
{
	struct flat_item *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct flat_item *item = &s->items[i];

		if (item->stage == stage && item->bytes &&
		    (!best || by_use(item, best) < 0))
			best = item;
	}
	return best;
}

int64_t
publish_flat_set_bytes(const struct flat_set *s, enum flat_stage stage)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].stage == stage)
			bytes += s->items[i].bytes;
	}
	return bytes;
}

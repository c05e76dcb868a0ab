/* Walks for the next who wants them: see run_cache.h. */
#include "store/run_cache.h"

#include <stdlib.h>

#define WALKS 16

struct run_cache {
	struct run_walk walks[WALKS];
	size_t n;
	int64_t ended; /* rows, so far */
	int64_t drops;
};

static struct run_cache *
cache_of(struct sql *db)
{
	struct run_cache **cache = sql_run_cache(db);

	if (!*cache)
		*cache = calloc(1, sizeof(**cache));
	return *cache;
}

static void
release_all(struct run_cache *c)
{
	for (size_t i = 0; i < c->n; i++)
		run_walk_release(&c->walks[i]);
	c->n = 0;
}

void
run_cache_free(struct run_cache *c)
{
	if (c)
		release_all(c);
	free(c);
}

void
run_cache_drop(struct sql *db)
{
	struct run_cache *c = cache_of(db);

	if (!c)
		return;
	release_all(c);
	c->drops++;
}

void
run_cache_row_ended(struct sql *db)
{
	struct run_cache *c = cache_of(db);

	if (c)
		c->ended++;
}

bool
run_cache_take(struct sql *db, enum run_kind kind, int64_t owner, int64_t at,
	       struct run_walk *ret)
{
	struct run_cache *c = cache_of(db);

	if (!c || ret->marked || !sql_is_writing(db, at))
		return false;
	for (size_t i = 0; i < c->n; i++) {
		struct run_walk *w = &c->walks[i];

		if (w->kind != kind || w->owner != owner || w->at != at)
			continue;
		for (size_t k = 0; w->ended != c->ended && k < w->ncursors; k++)
			w->cursors[k].some_gone = true;
		*ret = *w;
		ret->ended = c->ended;
		*w = c->walks[--c->n];
		return true;
	}
	ret->ended = c->ended;
	ret->drops = c->drops;
	return false;
}

bool
run_cache_put(struct run_walk *w)
{
	struct run_cache *c;

	if (!w->db || !w->kind || w->marked || !sql_is_writing(w->db, w->at))
		return false;
	c = cache_of(w->db);
	if (!c || w->drops != c->drops)
		return false;
	if (c->n == WALKS)
		run_walk_release(&c->walks[--c->n]);
	w->last = NULL;
	buf_clear(&w->hi);
	c->walks[c->n++] = *w;
	*w = (struct run_walk){0};
	return true;
}

/* A hash table with a list in order of use: see cache.h. */
#include "mount/cache.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 4096

struct cache {
	pthread_mutex_t lock;
	size_t limit, cost;
	void (*release)(void *value);
	struct cache_item *buckets[BUCKETS];
	struct cache_item *oldest, *youngest;
};

struct cache *
mount_cache_new(size_t limit, void (*release)(void *value))
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (pthread_mutex_init(&c->lock, NULL)) {
		free(c);
		return NULL;
	}
	c->limit = limit;
	c->release = release;
	return c;
}

static struct cache_item **
bucket(struct cache *c, uint64_t key)
{
	return &c->buckets[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
}
_Static_assert(BUCKETS == 1 << (64 - 52), "the upper bits choose the bucket");

static void
unlink_use(struct cache *c, struct cache_item *item)
{
	*(item->older ? &item->older->younger : &c->oldest) = item->younger;
	*(item->younger ? &item->younger->older : &c->youngest) = item->older;
	item->older = item->younger = NULL;
}

static void
link_youngest(struct cache *c, struct cache_item *item)
{
	item->older = c->youngest;
	item->younger = NULL;
	*(c->youngest ? &c->youngest->younger : &c->oldest) = item;
	c->youngest = item;
}

/* Off the table; the caller releases it unless it is in use. */
static void
take_out(struct cache *c, struct cache_item *item)
{
	struct cache_item **at = bucket(c, item->key);

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	unlink_use(c, item);
	c->cost -= item->cost;
	item->kept = 0;
}

static void
release(struct cache *c, struct cache_item *item)
{
	c->release(item->value);
	free(item);
}

/* Items to be released once the lock is given back, linked by 'next'. */
static struct cache_item *
shrink(struct cache *c)
{
	struct cache_item *gone = NULL;
	struct cache_item *item = c->oldest;

	while (item && c->cost > c->limit) {
		struct cache_item *younger = item->younger;

		if (!item->users) {
			take_out(c, item);
			item->next = gone;
			gone = item;
		}
		item = younger;
	}
	return gone;
}

static void
release_all(struct cache *c, struct cache_item *gone)
{
	while (gone) {
		struct cache_item *next = gone->next;

		release(c, gone);
		gone = next;
	}
}

void
mount_cache_free(struct cache *c)
{
	if (!c)
		return;
	while (c->oldest) {
		struct cache_item *item = c->oldest;

		take_out(c, item);
		release(c, item);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cache_item *
find(struct cache *c, uint64_t key)
{
	struct cache_item *item = *bucket(c, key);

	while (item && item->key != key)
		item = item->next;
	if (item) {
		item->users++;
		unlink_use(c, item);
		link_youngest(c, item);
	}
	return item;
}

struct cache_item *
mount_cache_get(struct cache *c, uint64_t key)
{
	struct cache_item *item;

	pthread_mutex_lock(&c->lock);
	item = find(c, key);
	pthread_mutex_unlock(&c->lock);
	return item;
}

struct cache_item *
mount_cache_put(struct cache *c, uint64_t key, void *value, size_t cost)
{
	struct cache_item *item = calloc(1, sizeof(*item)), *found, *gone;

	if (!item) {
		c->release(value);
		return NULL;
	}
	*item = (struct cache_item){
		.value = value,
		.cache = c,
		.key = key,
		.cost = cost,
		.users = 1,
		.kept = 1,
	};
	pthread_mutex_lock(&c->lock);
	found = find(c, key);
	if (!found) {
		item->next = *bucket(c, key);
		*bucket(c, key) = item;
		link_youngest(c, item);
		c->cost += cost;
	}
	gone = shrink(c);
	pthread_mutex_unlock(&c->lock);
	release_all(c, gone);
	if (!found)
		return item;
	release(c, item);
	return found;
}

void
mount_cache_drop(struct cache *c, uint64_t key)
{
	struct cache_item *item;

	pthread_mutex_lock(&c->lock);
	item = *bucket(c, key);
	while (item && item->key != key)
		item = item->next;
	if (item) {
		take_out(c, item);
		if (item->users)
			item = NULL; /* by whoever is done with it */
	}
	pthread_mutex_unlock(&c->lock);
	if (item)
		release(c, item);
}

void
mount_cache_done(struct cache_item **item)
{
	struct cache_item *it = *item, *gone = NULL;
	struct cache *c;

	if (!it)
		return;
	c = it->cache;
	pthread_mutex_lock(&c->lock);
	it->users--;
	if (it->kept) {
		gone = shrink(c);
	} else if (!it->users) {
		it->next = NULL;
		gone = it;
	}
	pthread_mutex_unlock(&c->lock);
	release_all(c, gone);
	*item = NULL;
}

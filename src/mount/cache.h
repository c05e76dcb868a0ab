/*
 * A bounded cache: values by a 64-bit key, the longest unused go first. It
 * makes things fast, never right: whatever is in it can be made again.
 *
 * The cache owns its values. Who has an item may use its value until
 * mount_cache_done(), even when it has been dropped in between. Any thread.
 */
#ifndef MOUNT_CACHE_H
#define MOUNT_CACHE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct cache;
struct cache_item {
	void *value;
	/* the rest is the cache's */
	struct cache *cache;
	uint64_t key;
	size_t cost;
	unsigned users;
	int kept;			    /* it is in the table */
	struct cache_item *next;	    /* of the same bucket */
	struct cache_item *older, *younger; /* in order of use */
};

/* Holds values up to the sum of costs 'limit' (those in use count, but stay).
 * NULL without memory. */
struct cache *mount_cache_new(size_t limit, void (*release)(void *value));
/* No item may be in use. */
void mount_cache_free(struct cache *c);

/* NULL when there is none. */
struct cache_item *mount_cache_get(struct cache *c, uint64_t key);

/* Takes 'value' over. When somebody was faster, theirs is returned and
 * 'value' released. NULL without memory: 'value' is released. */
struct cache_item *mount_cache_put(struct cache *c, uint64_t key, void *value,
				   size_t cost);
void mount_cache_drop(struct cache *c, uint64_t key);
void mount_cache_done(struct cache_item **item);

#define scope_cached \
	__attribute__((cleanup(mount_cache_done))) struct cache_item *

#endif

/* Which contiguous copies there are: the table behind flatten.h, by state, in
 * memory. Not safe for threads: its owner has the lock. */
#ifndef PUBLISH_FLAT_SET_H
#define PUBLISH_FLAT_SET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flat_stage {
	FLAT_WANTED,
	FLAT_READY,
	FLAT_IGNORED, /* no copy is made or used */
};

struct flat_item {
	int64_t state;
	int64_t bytes;
	uint64_t used; /* when, by a count */
	enum flat_stage stage;
};

struct flat_set {
	struct flat_item *items; /* by state */
	size_t n, cap;
	uint64_t uses;
};

void publish_flat_set_release(struct flat_set *s);
/* NULL: none. It holds until the next item is added or removed. */
struct flat_item *publish_flat_set_find(const struct flat_set *s,
					int64_t state);
/* The item of a state, made if there is none; NULL without memory. */
struct flat_item *publish_flat_set_add(struct flat_set *s, int64_t state,
				       enum flat_stage stage);
void publish_flat_set_remove(struct flat_set *s, struct flat_item *item);
void publish_flat_set_use(struct flat_set *s, struct flat_item *item);
/* The one of a stage that was used last, or of those that have bytes the
 * longest not; NULL none. */
struct flat_item *publish_flat_set_newest(const struct flat_set *s,
					  enum flat_stage stage);
struct flat_item *publish_flat_set_oldest(const struct flat_set *s,
					  enum flat_stage stage);
int64_t publish_flat_set_bytes(const struct flat_set *s, enum flat_stage stage);

#endif

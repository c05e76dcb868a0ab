/*
 * The names of a folder, in the order of their offsets. An offset is computed
 * from what the name is (its place among fixed names, a version's number, a
 * hash), never from what else is in the folder: so a listing goes on after a
 * restart, and each name that stays is seen once, whatever comes and goes.
 */
#ifndef MOUNT_LIST_H
#define MOUNT_LIST_H

#include "base/buf.h"

#include <stdint.h>

/* Offsets 1 and 2 are "." and ".."; the others are above. */
#define LIST_FIRST 3

struct list_item {
	int64_t offset;
	uint64_t node;
	size_t name;   /* where in names it begins; ended by NUL */
	int64_t bytes; /* of a file; LIST_UNKNOWN: to be asked for */
	int64_t mtime; /* where 'bytes' is known */
};
#define LIST_UNKNOWN (-1)

struct listing {
	struct list_item *items;
	size_t n, cap;
	struct buf names;
	bool plain;    /* attributes are not to be sent along: they are dear */
	int64_t theme; /* of the files whose size is known */
};

void mount_listing_free(void *listing); /* a struct listing * */

/* 0 or -ENOMEM. */
int mount_list_add(struct listing *l, int64_t offset, uint64_t node,
		   const char *name);
/* The size and time of the one that was added last. */
void mount_list_know(struct listing *l, int64_t bytes, int64_t mtime);
/* An offset from the hash of the name, for folders without an order. */
int64_t mount_list_offset(const char *name);
void mount_list_sort(struct listing *l);

/* Index of the first item beyond an offset. */
size_t mount_list_after(const struct listing *l, int64_t offset);

static inline const char *
mount_list_name(const struct listing *l, size_t i)
{
	return l->names.data + l->items[i].name;
}

#endif

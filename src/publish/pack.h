/*
 * Packs: packs/NNNNNNNNNNNN.pack in the state's folder, named by the publish
 * that wrote them. Bytes are only ever appended, and never again once that
 * publish has ended (doc/format.md).
 */
#ifndef PUBLISH_PACK_H
#define PUBLISH_PACK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PUBLISH_PACK_NAME_MAX 48

/* The name of a pack, relative to the state's folder. */
void publish_pack_name(int64_t number, char name[static PUBLISH_PACK_NAME_MAX]);

/* A file that is written in one piece has a pack of its own, numbered by the
 * publish and a count from 1 before ten digits; publishes are fewer. */
#define PUBLISH_PACK_OWN INT64_C(10000000000)
#define PUBLISH_PACK_OWN_MOST 99

/* The publish that wrote a pack; 0: it was written again by a sweep, and is of
 * no publish. */
int64_t publish_pack_seq(int64_t number);

/* The file of a pack that somebody else writes: empty, in place of what an
 * earlier attempt left under this number; and, once it is written, what makes
 * its bytes and its name durable. ERR_IO. */
MUST_CHECK int publish_pack_create(int state_fd, int64_t number, int *ret_fd,
				   struct error *err);
MUST_CHECK int publish_pack_keep(int state_fd, int64_t number, int fd,
				 struct error *err);

/* One pack being written, for one thread, by another one. There is no file
 * before the first byte. What an earlier attempt left under this number is
 * replaced. */
struct publish_pack;
MUST_CHECK int publish_pack_new(int state_fd, int64_t number,
				struct publish_pack **ret, struct error *err);
void publish_pack_free(struct publish_pack *pack);
int64_t publish_pack_number(const struct publish_pack *pack);

/* Appends; *ret_offset is where the bytes begin. ERR_IO. */
MUST_CHECK int publish_pack_add(struct publish_pack *pack, const void *p,
				size_t n, int64_t *ret_offset,
				struct error *err);
/* Makes the bytes and the name durable. Blocks. ERR_IO. */
MUST_CHECK int publish_pack_sync(struct publish_pack *pack, struct error *err);
/* Removes the file: nothing refers to it. */
void publish_pack_remove(struct publish_pack *pack);

/* A descriptor to read from; ERR_CORRUPT when there is no such pack, ERR_IO. */
MUST_CHECK int publish_pack_open(int state_fd, int64_t number, int *ret_fd,
				 struct error *err);
/* Exactly n bytes; ERR_CORRUPT when the pack is shorter, ERR_IO. */
MUST_CHECK int publish_pack_read(int fd, int64_t number, void *p, size_t n,
				 int64_t offset, struct error *err);

#endif

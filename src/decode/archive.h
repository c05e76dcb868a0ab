/*
 * Packed bytes by libarchive: gzip, xz and zstd, zip and tar, nothing else,
 * never under a name and never to a file. What is wrong with them is
 * ERR_INVALID with a sentence for the receipt.
 */
#ifndef DECODE_ARCHIVE_H
#define DECODE_ARCHIVE_H

#include "decode/bytes.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

enum decode_packing {
	DECODE_PACKED_ZIP,   /* by its directory */
	DECODE_PACKED_TAR,   /* not compressed */
	DECODE_PACKED_STREAM /* gzip, xz, zstd of anything */
};

struct decode_archive;

/* 'bytes' are copied, their descriptor is borrowed. ERR_NOMEM, ERR_IO,
 * ERR_INVALID. */
MUST_CHECK int decode_archive_open(const struct decode_bytes *bytes,
				   enum decode_packing packing,
				   struct decode_archive **ret,
				   struct error *err);
void decode_archive_close(struct decode_archive *a);
static inline void
decode_archive_closep(struct decode_archive **a)
{
	decode_archive_close(*a);
}
#define scope_archive \
	__attribute__((cleanup(decode_archive_closep))) struct decode_archive *

/* The next entry, which holds until the next call: 1; 0 behind the last. */
MUST_CHECK int decode_archive_next(struct decode_archive *a,
				   struct archive_entry **ret,
				   struct error *err);

/* Behind the last entry of a tar: whether it ends as a tar does, with blocks of
 * NULs. libarchive takes one that is cut off between two entries for whole.
 * ERR_INVALID, ERR_IO. */
MUST_CHECK int decode_archive_ended(const struct decode_archive *a,
				    struct error *err);

/* Reads on in the entry: the count, 0 at its end; *ret holds until the next
 * call. */
MUST_CHECK ssize_t decode_archive_block(struct decode_archive *a,
					const char **ret, struct error *err);

#endif

/*
 * Reading and writing whole runs of bytes: EINTR and short counts are dealt
 * with here and nowhere else. All of them block.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

/* Writes all of it; ERR_IO. */
MUST_CHECK int io_write(int fd, const void *p, size_t n, struct error *err);
MUST_CHECK int io_pwrite(int fd, const void *p, size_t n, off_t off,
			 struct error *err);

/* Reads up to n bytes, fewer only at the end of the file; the count, or
 * ERR_IO. */
MUST_CHECK ssize_t io_read(int fd, void *p, size_t n, struct error *err);
MUST_CHECK ssize_t io_pread(int fd, void *p, size_t n, off_t off,
			    struct error *err);

/* Appends a whole file to 'b'; ERR_LIMIT when it has more than 'max' bytes,
 * ERR_IO, ERR_NOMEM. 'name' is for the message. */
MUST_CHECK int io_slurp(int dirfd, const char *name, size_t max, struct buf *b,
			struct error *err);

/* The same of an open file, from where it stands. */
MUST_CHECK int io_slurp_open(int fd, const char *name, size_t max,
			     struct buf *b, struct error *err);

/* A file of the current folder that has no name, for reading and writing; the
 * descriptor or ERR_IO. */
MUST_CHECK int io_unnamed(struct error *err);

/* Makes the names of a directory durable; ERR_IO. */
MUST_CHECK int io_sync_dir(int dirfd, struct error *err);

#endif

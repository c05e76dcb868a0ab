/*
 * Clean-up at the end of a scope. A variable declared with one of these is
 * released when its block ends; take_fd() hands a descriptor on.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
scope_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
scope_free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void
scope_fclose_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define scope_fd __attribute__((cleanup(scope_close_fd))) int
#define scope_buf __attribute__((cleanup(buf_release))) struct buf
#define scope_free __attribute__((cleanup(scope_free_ptr)))
#define scope_file __attribute__((cleanup(scope_fclose_file))) FILE *

static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif

/* The sample city of tests/cases/config/city in a folder of its own, which
 * becomes the current one, so that files are named as a person would. */
#ifndef TESTS_CONFIG_CITY_H
#define TESTS_CONFIG_CITY_H

#include "base/buf.h"

#include <stddef.h>

/* Makes a new folder and goes there; fills it with the city. Ends the test
 * program when it cannot. */
void city_enter(void);

/* A file of the source tree, ended by NUL; ends the test program when there
 * is none. For before city_enter(), or after. */
void city_source(const char *file, struct buf *ret);

/* Goes back and removes the folder. */
void city_leave(void);

/* Replaces the only occurrence of 'from' in a file; with a NULL 'from' the
 * file is written anew. NULL 'to' removes the file. */
void city_change(const char *file, const char *from, const char *to);
void city_write(const char *file, const void *bytes, size_t n);

#endif

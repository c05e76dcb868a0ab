/* What is true of every run of bytes that the line reader is given. */
#ifndef TESTS_CONFIG_ROUNDTRIP_H
#define TESTS_CONFIG_ROUNDTRIP_H

#include <stddef.h>

/*
 * Reads the bytes. What is refused names at least one place within them; what
 * is accepted, printed in a canonical form and read again, is the same. Ends
 * the process when that does not hold.
 */
void roundtrip_check(const void *bytes, size_t n);

#endif

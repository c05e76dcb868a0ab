/* Fuzzes the strict line reader of the configuration (libFuzzer's entry; with
 * AFL++ by its driver of the same interface). It fails when a run of bytes
 * crashes the reader, or what was accepted does not survive being printed and
 * read again. Seeds: tests/cases/config/city. */
#include "tests/unit/config/roundtrip.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	roundtrip_check(data, size);
	return 0;
}

/* How the file of a run is laid out: what its writer and its reader share. See
 * run_file.h. */
#ifndef STORE_RUN_FORMAT_H
#define STORE_RUN_FORMAT_H

#include <endian.h>
#include <stdint.h>

#define RUN_FOLDER "runs"
#define RUN_MAGIC UINT64_C(0x316e757263766963) /* "civcrun1" */
#define RUN_PAGE 8000 /* bytes of a page of the index, or a little more */

/* Behind a packed first key: of a block in a page, of a page in the top. */
struct run_entry {
	uint64_t offset;
	uint32_t length;
	uint32_t rows;	 /* of a page: 0 */
	uint32_t marked; /* the same */
	uint32_t zero;
	uint64_t ordinal; /* of a block: 0; it follows from those before */
	uint64_t sum;
};

struct run_trailer {
	uint64_t top_offset, top_length;
	uint64_t rows;
	uint64_t sum;  /* of the top */
	uint64_t self; /* the sum of all that stands above */
	uint64_t magic;
};

#endif

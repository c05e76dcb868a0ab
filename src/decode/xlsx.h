/* What the files of the XLSX reader share: the workbook around the sheets. */
#ifndef DECODE_XLSX_H
#define DECODE_XLSX_H

#include "decode/strings.h"
#include "decode/workbook.h"

struct decode_xlsx {
	struct decode_job *job;
	const struct decode_bytes *bytes;
	const struct decode_members *members;
	struct decode_xml *xml; /* the part that is being read */

	const struct decode_member *book, *styles_part, *strings_part;
	struct decode_sheets sheets;
	bool from_1904;

	/* of each cell format: enum decode_style */
	unsigned char *styles;
	size_t nstyles;

	struct decode_strings strings;
};

/* xlsx_book.c: finds the parts, reads the list of sheets and the styles. */
MUST_CHECK int decode_xlsx_book(struct decode_xlsx *x);

/* xlsx_strings.c */
MUST_CHECK int decode_xlsx_strings(struct decode_xlsx *x);

/* xlsx_strings.c: takes _x000D_ and the like for the characters they stand
 * for, in what was appended to 'text' from 'start' on. */
void decode_xlsx_unescape(struct buf *text, size_t start);

#endif

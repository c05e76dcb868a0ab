/*
 * A workbook as a reader: each sheet that may be read is a way to read it.
 * XLSX and ODS are parts of XML in a zip; each has its own file.
 */
#ifndef DECODE_WORKBOOK_H
#define DECODE_WORKBOOK_H

#include "decode/job.h"
#include "decode/members.h"
#include "decode/sheet.h"
#include "decode/xml.h"

/* xlsx.c, ods.c: reads the table, from header to end. */
MUST_CHECK int decode_xlsx(struct decode_job *job,
			   const struct decode_bytes *bytes,
			   const struct decode_members *members);
MUST_CHECK int decode_ods(struct decode_job *job,
			  const struct decode_bytes *bytes,
			  const struct decode_members *members);

struct decode_sheet {
	char *name;
	bool hidden;
	const struct decode_member *part; /* of an XLSX; NULL: none */
	int place;			  /* among all, in an ODS or XLS */
};

/* The sheets of a workbook, and which of them are read. */
struct decode_sheets {
	struct decode_sheet *list;
	size_t n;
};
void decode_sheets_release(struct decode_sheets *s);
#define scope_sheets \
	__attribute__((cleanup(decode_sheets_release))) struct decode_sheets

MUST_CHECK int decode_sheets_add(struct decode_sheets *s, const char *name,
				 struct decode_sheet **ret);

/* Leaves those that are to be read: the one that the request names, else those
 * that are not hidden; warns of the hidden. ERR_INVALID when none is left. */
MUST_CHECK int decode_sheets_choose(struct decode_job *job,
				    struct decode_sheets *s);

/* Blank rows between others are told only when one that is not follows. */
struct decode_gap {
	int64_t line; /* the last that was told */
	int64_t next; /* where the row that is ready stands; 0 none */
};
/* True when *ret is a blank record before that row. */
bool decode_gap_take(struct decode_gap *gap, struct decode_sheet_row *blank,
		     struct decode_record *ret);

#endif

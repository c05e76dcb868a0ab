/*
 * The core in order: what the file is, its encoding, its header, its rows.
 * Each step may end the file with faults; see decode.h for the contract.
 */
#include "decode/decode.h"

#include "decode/csv.h"
#include "decode/encoding.h"
#include "decode/fault.h"
#include "decode/format.h"
#include "decode/header.h"

static int
give_rows(struct decode_csv *csv, const struct decode_sink *sink,
	  enum decode_end *ret_end, struct error *err)
{
	struct decode_row row = {0};
	struct decode_csv_record record;
	struct decode_csv_fault fault;

	for (;;) {
		int rc = decode_csv_next(csv, &record, err);

		if (rc == DECODE_CSV_END || rc < 0)
			return rc < 0 ? rc : 0;
		row.row++;
		if (rc == DECODE_CSV_FAULT)
			break;
		row.line = record.line;
		row.cells = record.cells;
		row.ncells = record.ncells;
		rc = sink->row(sink->ctx, &row);
		if (rc)
			return rc;
	}
	*ret_end = DECODE_REJECTED;
	fault = decode_csv_fault(csv);
	return decode_fault_report(
		sink, DECODE_FAULT_FORMAT,
		(struct decode_place){.row = row.row, .line = fault.line}, "%s",
		fault.message);
}

/* From here on the bytes are text of a known encoding. */
static int
decode_text(const struct decode_request *req, int fd, int64_t size,
	    enum decode_encoding encoding, const struct decode_sink *sink,
	    enum decode_end *ret_end, struct error *err)
{
	scope_source source = NULL;
	scope_csv csv = NULL;
	int rc;

	rc = decode_source_open(fd, size, encoding, &source, err);
	if (rc)
		return rc;
	rc = decode_csv_new(source, &csv, err);
	if (rc)
		return rc;
	rc = decode_header_read(req, source, csv, sink, ret_end, err);
	if (rc || *ret_end != DECODE_DONE)
		return rc;
	return give_rows(csv, sink, ret_end, err);
}

int
decode_file(const struct decode_request *req, int fd, int64_t size,
	    const struct decode_sink *sink, enum decode_end *ret_end,
	    struct error *err)
{
	enum decode_end end = DECODE_DONE;
	enum decode_encoding encoding;
	int rc;

	rc = decode_format_check(fd, size, sink, &end, err);
	if (!rc && end == DECODE_DONE)
		rc = decode_encoding_find(fd, size, sink, &encoding, &end, err);
	if (!rc && end == DECODE_DONE)
		rc = decode_text(req, fd, size, encoding, sink, &end, err);
	if (!rc)
		*ret_end = end;
	return rc;
}

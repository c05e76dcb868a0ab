/*
 * The core in order: what the file is, its encoding, its header, its rows.
 * Each step may end the file with faults; see decode.h for the contract.
 */
#include "decode/decode.h"

#include "decode/encoding.h"
#include "decode/fault.h"
#include "decode/format.h"
#include "decode/header.h"
#include "decode/job.h"
#include "decode/json.h"
#include "decode/text.h"

/* ---- a table ------------------------------------------------------------- */

static int
give_rows(struct decode_job *job, const struct decode_reader *reader)
{
	struct decode_record record = {0};
	struct decode_why why;
	int64_t row = 0; /* of this table */

	for (;;) {
		struct decode_row given;
		int rc = reader->next(reader->ctx, &record, job->err);

		if (rc == DECODE_TABLE_END || rc < 0)
			return rc < 0 ? rc : 0;
		row++;
		if (rc == DECODE_RECORD_FAULT)
			break;
		given = (struct decode_row){
			.row = ++job->row,
			.line = record.line,
			.cells = record.cells,
			.ncells = record.ncells,
			.flaws = record.flaws,
			.nflaws = record.nflaws,
		};
		rc = job->sink->row(job->sink->ctx, &given);
		if (rc)
			return rc;
	}
	job->end = DECODE_REJECTED;
	why = reader->why(reader->ctx);
	return decode_fault_report(
		job->sink, DECODE_FAULT_FORMAT,
		(struct decode_place){.row = row, .line = why.line},
		why.message, "");
}

int
decode_job_table(struct decode_job *job, const struct decode_reader *reader)
{
	int rc = decode_header_read(job->req, reader, job->sink, &job->end,
				    job->err);

	return rc || job->end != DECODE_DONE ? rc : give_rows(job, reader);
}

/* ---- text ---------------------------------------------------------------- */

static int
open_source(struct decode_job *job, const struct decode_bytes *bytes,
	    struct decode_source **ret)
{
	enum decode_encoding encoding;
	int rc = decode_encoding_find(bytes, job->sink, &encoding, &job->end,
				      job->err);

	if (rc || job->end != DECODE_DONE)
		return rc;
	return decode_source_open(bytes, encoding, ret, job->err);
}

static int
run_text(struct decode_job *job, const struct decode_bytes *bytes)
{
	struct decode_reader reader;
	scope_source source = NULL;
	scope_text text = NULL;
	int rc = open_source(job, bytes, &source);

	if (rc || job->end != DECODE_DONE)
		return rc;
	rc = decode_text_open(source, job->sink, &text, &job->end, job->err);
	if (rc || job->end != DECODE_DONE)
		return rc;
	reader = decode_text_reader(text);
	return decode_job_table(job, &reader);
}

static int
run_json(struct decode_job *job, const struct decode_bytes *bytes)
{
	scope_source source = NULL;
	int rc = open_source(job, bytes, &source);

	return rc || job->end != DECODE_DONE ? rc : decode_json(job, source);
}

/* ---- any file ------------------------------------------------------------ */

static int (*const by_kind[])(struct decode_job *job,
			      const struct decode_bytes *bytes) = {
	[DECODE_KIND_TEXT] = run_text,	[DECODE_KIND_ZIP] = decode_zip,
	[DECODE_KIND_TAR] = decode_tar, [DECODE_KIND_PACKED] = decode_packed,
	[DECODE_KIND_JSON] = run_json,	[DECODE_KIND_OLE] = decode_xls,
};

int
decode_job_run(struct decode_job *job, const struct decode_bytes *bytes)
{
	enum decode_kind kind;
	int rc = decode_format_find(bytes, job->sink, &kind, &job->end,
				    job->err);

	if (!rc && job->end == DECODE_DONE)
		rc = by_kind[kind](job, bytes);
	if (rc != ERR_INVALID)
		return rc;
	job->end = DECODE_REJECTED;
	return decode_fault_tell(job->sink, DECODE_FAULT_FORMAT,
				 job->err->text);
}

int
decode_file(const struct decode_request *req, int fd, int64_t size,
	    struct decode_room room, const struct decode_sink *sink,
	    enum decode_end *ret_end, struct error *err)
{
	const struct decode_bytes bytes = {.fd = fd, .size = size};
	struct error own = ERROR_INIT;
	struct decode_job job = {
		.req = req,
		.sink = sink,
		.room = room,
		.size = size,
		.end = DECODE_DONE,
		.err = err ? err : &own,
	};
	int rc = decode_job_run(&job, &bytes);

	if (!rc)
		*ret_end = job.end;
	return rc;
}

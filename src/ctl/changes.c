/* changes/ as JSON: see changes.h. */
#include "ctl/changes.h"

#include "base/cells.h"
#include "base/scope.h"
#include "base/text.h"
#include "decode/csv.h"
#include "publish/format.h"

#include <errno.h>
#include <sys/stat.h>

/* One record: its first cell is the change, the others are a row of data. */
static int
row_json(const struct config_theme *theme, const struct decode_record *r,
	 struct buf *cells, struct buf *line)
{
	scope_buf row = BUF_INIT;

	buf_clear(cells);
	buf_clear(line);
	for (size_t i = 1; i < r->ncells; i++) {
		if (cells_add(cells, r->cells[i]))
			return ERR_NOMEM;
	}
	if (publish_format_data_jsonl(theme, buf_slice(cells), &row) ||
	    buf_adds(line, "{\"change\":") ||
	    text_json_string(line, r->cells[0]) || buf_addc(line, ','))
		return ERR_NOMEM;
	/* without its opening brace and its LF */
	return buf_add(line, row.data + 1, row.len - 2);
}

static int
write_rows(const struct config_theme *theme, struct decode_csv *csv, FILE *out,
	   struct error *err)
{
	scope_buf cells = BUF_INIT, line = BUF_INIT;
	struct decode_record r;
	int rc = decode_csv_next(csv, &r, err); /* the header */
	bool first = true;

	while (rc == DECODE_RECORD) {
		rc = decode_csv_next(csv, &r, err);
		if (rc != DECODE_RECORD)
			break;
		if (r.ncells != theme->nrules + 2)
			return error_set(err, ERR_CORRUPT,
					 "the changes have other columns than "
					 "theme '%s'",
					 theme->id);
		if (row_json(theme, &r, &cells, &line))
			return error_nomem(err);
		if (fprintf(out, "%s\n%.*s", first ? "" : ",", (int)line.len,
			    line.data) < 0)
			return error_errno(err, errno, "cannot write");
		first = false;
	}
	if (rc == DECODE_RECORD_FAULT)
		return error_set(
			err, ERR_CORRUPT, "line %lld: %s",
			(long long)decode_csv_fault(csv).line,
			sentence_text(decode_csv_fault(csv).message, false));
	return rc == DECODE_TABLE_END ? 0 : rc;
}

int
ctl_changes_json(const struct config_theme *theme, int fd, FILE *out,
		 struct error *err)
{
	const struct decode_csv_lead none = {0};
	scope_source source = NULL;
	scope_csv csv = NULL;
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return error_errno(err, errno, "the changes");
	rc = decode_source_open(&(struct decode_bytes){fd, 0, st.st_size},
				theme->bom ? DECODE_UTF8_BOM : DECODE_UTF8,
				&source, err);
	if (!rc)
		rc = decode_csv_new(source, &csv, err);
	if (rc)
		return rc;
	decode_csv_start(csv, ",", none);
	fputc('[', out);
	rc = write_rows(theme, csv, out, err);
	fputs("\n]\n", out);
	return rc;
}

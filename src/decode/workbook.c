/* What a zip is, and the sheets of workbooks: see workbook.h. */
#include "decode/workbook.h"

#include "base/sentence.h"
#include "decode/fault.h"
#include "decode/zip.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a zip is ------------------------------------------------------- */

/* Files that are zips inside, by an entry that every one of them has. */
static const struct {
	const char *entry;
	int (*decode)(struct decode_job *job, const struct decode_bytes *bytes,
		      const struct decode_members *members);
	enum sentence what; /* it is, and is refused */
} kinds[] = {
	{"xl/workbook.bin", NULL, MSG_IS_XLSB},
	{"word/document.xml", NULL, MSG_IS_DOCX},
	{"ppt/presentation.xml", NULL, MSG_IS_PPTX},
	{"[Content_Types].xml", decode_xlsx, MSG_NONE},
	{"content.xml", decode_ods, MSG_NONE},
	{"Index/Document.iwa", NULL, MSG_IS_NUMBERS},
};

int
decode_zip(struct decode_job *job, const struct decode_bytes *bytes)
{
	scope_members m = {.packing = DECODE_PACKED_ZIP};
	int rc = decode_zip_read(job, bytes, &m);

	for (size_t i = 0; !rc && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!decode_members_find(&m, kinds[i].entry))
			continue;
		if (kinds[i].decode)
			return kinds[i].decode(job, bytes, &m);
		return sentence_error(job->err, ERR_INVALID, MSG_BOOK_IS,
				      A_SENTENCE, kinds[i].what);
	}
	return rc ? rc : decode_members_run(job, bytes, &m);
}

/* ---- sheets -------------------------------------------------------------- */

void
decode_sheets_release(struct decode_sheets *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].name);
	free(s->list);
}

int
decode_sheets_add(struct decode_sheets *s, const char *name,
		  struct decode_sheet **ret)
{
	struct decode_sheet *more =
		reallocarray(s->list, s->n + 1, sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	s->list = more;
	more[s->n] = (struct decode_sheet){.name = strdup(name)};
	if (!more[s->n].name)
		return ERR_NOMEM;
	*ret = &more[s->n];
	(*ret)->place = (int)s->n++;
	return 0;
}

static int
warn_of(struct decode_job *job, const char *name)
{
	return decode_fault_warn(job->sink, DECODE_FAULT_HIDDEN_SHEET,
				 (struct decode_place){.value = name},
				 MSG_BOOK_SHEET_HIDDEN, "%.100s", name);
}

int
decode_sheets_choose(struct decode_job *job, struct decode_sheets *s)
{
	const char *wanted = job->req->sheet;
	size_t kept = 0;
	int rc = 0;

	if (wanted && !*wanted)
		wanted = NULL;
	for (size_t i = 0; !rc && i < s->n; i++) {
		struct decode_sheet sheet = s->list[i];
		bool keep =
			wanted ? !strcmp(sheet.name, wanted) : !sheet.hidden;

		if (!keep && !wanted)
			rc = warn_of(job, sheet.name);
		/* the others stay behind, to be freed */
		s->list[i] = s->list[kept];
		s->list[kept] = sheet;
		kept += keep;
	}
	if (rc || kept) {
		while (!rc && s->n > kept)
			free(s->list[--s->n].name);
		return rc;
	}
	return wanted ? sentence_error(job->err, ERR_INVALID, MSG_BOOK_NO_SHEET,
				       "%.100s", wanted)
		      : sentence_error(job->err, ERR_INVALID, MSG_BOOK_HIDDEN,
				       "");
}

bool
decode_gap_take(struct decode_gap *gap, struct decode_sheet_row *blank,
		struct decode_record *ret)
{
	if (gap->line + 1 >= gap->next)
		return false;
	gap->line++;
	blank->cells[0] = SLICE_NONE;
	*ret = (struct decode_record){
		.line = gap->line, .cells = blank->cells, .ncells = 1};
	return true;
}

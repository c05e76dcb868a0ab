/*
 * Values that must not be here (SPEC 9): what a file carries of a field with
 * 'sensitivity = secret'. They are looked for before a record is judged, and
 * nothing that is said of them repeats one.
 */
#include "validate/form.h"
#include "validate/message.h"

bool
validate_has_secrets(const struct config_resource *resource)
{
	for (size_t i = 0; i < resource->nfields; i++) {
		if (!config_field_is_sent(&resource->fields[i]))
			return true;
	}
	return false;
}

/* The secret field that a column holds; NULL: it holds none. */
static const struct config_field *
secret_of(const struct config_resource *resource, int field)
{
	const struct config_field *f =
		field < 0 ? NULL : &resource->fields[field];

	return f && !config_field_is_sent(f) ? f : NULL;
}

const char *
validate_secret_column(const struct config_resource *resource,
		       const int *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct config_field *f = secret_of(resource, columns[i]);

		if (f)
			return f->id;
	}
	return NULL;
}

/* Something stands in a cell whose text is not all there is to it. */
static bool
has_flaw(const struct decode_row *record, size_t cell)
{
	for (size_t i = 0; i < record->nflaws; i++) {
		if (record->flaws[i].cell == cell)
			return true;
	}
	return false;
}

static bool
is_empty(const struct config_resource *resource, struct slice cell)
{
	struct slice s = validate_form_trim(cell);

	for (size_t i = 0; s.n && i < resource->missing.n; i++) {
		if (slice_is(s, resource->missing.items[i]))
			return true;
	}
	return !s.n;
}

static int
report(const struct decode_row *record, const char *field,
       validate_report *on_fault, void *ctx)
{
	struct validate_value_fault text;

	validate_message_fill(MSG_SECRET, NULL, NULL, &text);
	return on_fault(
		ctx, &(struct validate_fault){.row = record->row,
					      .line = record->line,
					      .code = text.code,
					      .field = field,
					      .message = text.message,
					      .message_zh = text.message_zh});
}

/* Cells beyond the header: in such a row they may stand in any column. */
static bool
has_beyond(const struct config_resource *resource, size_t ncolumns,
	   const struct decode_row *record)
{
	for (size_t i = ncolumns; i < record->ncells; i++) {
		if (!is_empty(resource, record->cells[i]))
			return true;
	}
	return false;
}

int
validate_secrets(const struct config_resource *resource, const int *columns,
		 size_t ncolumns, const struct decode_row *record,
		 validate_report *on_fault, void *ctx)
{
	bool beyond = has_beyond(resource, ncolumns, record);
	int found = 0;

	for (size_t i = 0; i < ncolumns && i < record->ncells; i++) {
		const struct config_field *f = secret_of(resource, columns[i]);
		int rc;

		if (!f || (is_empty(resource, record->cells[i]) &&
			   !has_flaw(record, i) && !beyond))
			continue;
		rc = report(record, f->id, on_fault, ctx);
		if (rc)
			return rc;
		found = 1;
	}
	return found;
}

void
validate_secrets_leave_out(const struct config_resource *resource,
			   const int *columns, size_t ncolumns,
			   struct slice *cells, size_t n)
{
	for (size_t i = 0; i < ncolumns && i < n; i++) {
		if (secret_of(resource, columns[i]))
			cells[i] = SLICE_NONE;
	}
}

void
validate_fault_secret(enum validate_secret_in where, const char *field,
		      int64_t row, int64_t line, struct validate_fault *ret,
		      struct validate_sentences *text)
{
	static const enum sentence messages[] = {
		[VALIDATE_SECRET_UNREAD] = MSG_SECRET_UNREAD,
		[VALIDATE_SECRET_FIX] = MSG_SECRET_FIX,
	};
	struct validate_value_fault filled;

	validate_message_fill(messages[where], NULL, NULL, &filled);
	memcpy(text->en, filled.message, sizeof(filled.message));
	memcpy(text->zh, filled.message_zh, sizeof(filled.message_zh));
	*ret = (struct validate_fault){.row = row,
				       .line = line,
				       .code = filled.code,
				       .field = field,
				       .message = text->en,
				       .message_zh = text->zh};
}

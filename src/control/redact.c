/*
 * A receipt without values, for the coordinator, who sees every department's
 * receipts but not what is in its files (SPEC 12): where each fault is and of
 * which kind, not what stood there. See call.h.
 */
#include "control/call.h"

#include <jansson.h>
#include <stdlib.h>

/* Messages repeat values. */
static int
hide_values(json_t *faults)
{
	json_t *fault;
	size_t i;
	int rc = 0;

	json_array_foreach(faults, i, fault)
	{
		rc |= json_object_set_new(fault, "value", json_null());
		rc |= json_object_set_new(fault, "message", json_null());
	}
	return rc;
}

static int
add_number(struct buf *out, const char *what, const json_t *value)
{
	if (!json_is_integer(value))
		return 0;
	return buf_addf(out, "%s: %" JSON_INTEGER_FORMAT "\n", what,
			json_integer_value(value));
}

static int
add_word(struct buf *out, const json_t *receipt, const char *key)
{
	const char *text = json_string_value(json_object_get(receipt, key));

	return text ? buf_addf(out, "%s: %s\n", key, text) : 0;
}

static int
add_faults(struct buf *out, const char *what, const json_t *faults)
{
	const json_t *fault;
	size_t i;
	int rc = 0;

	json_array_foreach(faults, i, fault)
	{
		const json_t *row = json_object_get(fault, "row");
		const char *field =
			json_string_value(json_object_get(fault, "field"));
		const char *code =
			json_string_value(json_object_get(fault, "code"));

		if (rc)
			break;
		rc = buf_addf(out, "%s: %s", what, code ? code : "");
		if (!rc && json_is_integer(row))
			rc = buf_addf(out, ", row %" JSON_INTEGER_FORMAT,
				      json_integer_value(row));
		if (!rc && field)
			rc = buf_addf(out, ", field %s", field);
		if (!rc)
			rc = buf_addc(out, '\n');
	}
	return rc;
}

static int
write_text(const json_t *receipt, struct buf *out)
{
	static const char *const words[] = {
		"submission",  "resource",  "file", "submitted_by",
		"received_at", "judged_at", "state"};
	json_t *rows = json_object_get(receipt, "rows");
	const json_t *count;
	const char *key;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(words) / sizeof(*words); i++)
		rc = add_word(out, receipt, words[i]);
	json_object_foreach(rows, key, count)
	{
		if (!rc)
			rc = add_number(out, key, count);
	}
	if (!rc)
		rc = add_number(out, "errors",
				json_object_get(receipt, "error_count"));
	if (!rc)
		rc = add_faults(out, "error",
				json_object_get(receipt, "errors"));
	return rc ? rc
		  : add_faults(out, "warning",
			       json_object_get(receipt, "warnings"));
}

static int
write_json(const json_t *receipt, struct buf *out)
{
	char *text = json_dumps(receipt, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	int rc = text ? buf_addf(out, "%s\n", text) : ERR_NOMEM;

	free(text);
	return rc;
}

int
control_redact(struct slice json, bool as_json, struct buf *out,
	       struct error *err)
{
	json_t *receipt = json_loadb(json.p, json.n, 0, NULL);
	int rc;

	if (!json_is_object(receipt)) {
		json_decref(receipt);
		return error_set(err, ERR_CORRUPT, "the receipt is no JSON");
	}
	rc = hide_values(json_object_get(receipt, "errors")) |
	     hide_values(json_object_get(receipt, "warnings"));
	if (!rc)
		rc = as_json ? write_json(receipt, out)
			     : write_text(receipt, out);
	json_decref(receipt);
	return rc ? error_nomem(err) : 0;
}

/*
 * The states of a submission and the receipt for programs (SPEC 6): one line a
 * key at the top level, in SPEC's order. What is not known is null.
 */
#include "base/clock.h"
#include "base/jsonout.h"
#include "base/text.h"
#include "validate/validate.h"

#include <inttypes.h>

static const char *const state_words[] = {
	[VALIDATE_RECEIVING] = "receiving",
	[VALIDATE_JUDGING] = "judging",
	[VALIDATE_S_ACCEPTED] = "accepted",
	[VALIDATE_S_UNCHANGED] = "unchanged",
	[VALIDATE_S_PARTIAL] = "partial",
	[VALIDATE_S_QUARANTINED] = "quarantined",
	[VALIDATE_S_REJECTED] = "rejected",
	[VALIDATE_S_INCOMPLETE] = "incomplete",
	[VALIDATE_S_SUPERSEDED] = "superseded",
	[VALIDATE_S_WITHDRAWN] = "withdrawn",
};

const char *
validate_state_word(enum validate_state state)
{
	return state_words[state];
}

int
validate_state_parse(const char *word)
{
	for (size_t i = 0; i < sizeof(state_words) / sizeof(*state_words);
	     i++) {
		if (strcmp(state_words[i], word) == 0)
			return (int)i;
	}
	return -1;
}

/* The beginning of a line: a key of the top level. */
static int
add_key(struct buf *out, const char *key)
{
	bool first = out->data[out->len - 1] == '{';

	return buf_addf(out, "%s\"%s\":", first ? "\n" : ",\n", key);
}

/* A text that may be unknown. */
static int
add_named(struct buf *out, const char *key, const char *text)
{
	if (add_key(out, key))
		return ERR_NOMEM;
	if (!text || !*text)
		return buf_adds(out, "null");
	return text_json_string(out, slice_str(text));
}

static int
add_time(struct buf *out, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	return add_named(out, key, ns ? clock_rfc3339(ns, text) : "");
}

static int
add_count(struct buf *out, const char *key, int64_t n)
{
	if (add_key(out, key))
		return ERR_NOMEM;
	return buf_addf(out, "%" PRId64, n);
}

static void
put_count(struct jsonout *j, const char *key, int64_t n)
{
	jsonout_key(j, key);
	jsonout_integer(j, n);
}

/* A row or line; 0 is none. */
static void
put_place(struct jsonout *j, const char *key, int64_t n)
{
	jsonout_key(j, key);
	if (n)
		jsonout_integer(j, n);
	else
		jsonout_raw(j, SLICE("null"));
}

static int
add_rows(struct buf *out, const struct validate_counts *c)
{
	struct jsonout j = jsonout_begin(out, false);

	if (add_key(out, "rows"))
		return ERR_NOMEM;
	jsonout_object(&j);
	put_count(&j, "read", c->read);
	put_count(&j, "accepted", c->accepted);
	put_count(&j, "refused", c->refused);
	put_count(&j, "inserted", c->inserted);
	put_count(&j, "updated", c->updated);
	put_count(&j, "deleted", c->deleted);
	put_count(&j, "unchanged", c->unchanged);
	return jsonout_end_text(&j);
}

static int
add_published(struct buf *out, const struct validate_receipt *r)
{
	struct jsonout j = jsonout_begin(out, false);

	if (add_key(out, "published"))
		return ERR_NOMEM;
	jsonout_array(&j);
	for (size_t i = 0; i < r->npublished; i++) {
		jsonout_object(&j);
		jsonout_pair(&j, "dataset", r->published[i].dataset);
		put_count(&j, "version", r->published[i].version);
		jsonout_end(&j);
	}
	return jsonout_end_text(&j);
}

static int
add_faults(struct buf *out, const char *key, const struct validate_faults *f)
{
	struct jsonout j = jsonout_begin(out, false);
	const struct validate_fault *kept = NULL;
	size_t n = f ? validate_faults_kept(f, &kept) : 0;

	if (add_key(out, key))
		return ERR_NOMEM;
	jsonout_array(&j);
	for (size_t i = 0; i < n; i++) {
		jsonout_object(&j);
		if (kept[i].member)
			jsonout_pair(&j, "member", kept[i].member);
		put_place(&j, "row", kept[i].row);
		put_place(&j, "line", kept[i].line);
		jsonout_pair(&j, "field", kept[i].field);
		jsonout_pair(&j, "code", kept[i].code);
		jsonout_key(&j, "value");
		jsonout_string(&j, kept[i].value);
		jsonout_pair(&j, "message", kept[i].message);
		jsonout_end(&j);
	}
	return jsonout_end_text(&j);
}

static int
add_rounds(struct buf *out, const struct validate_receipt *r)
{
	struct jsonout j = jsonout_begin(out, false);
	char text[CLOCK_TEXT_MAX];

	if (!r->nrounds)
		return 0;
	if (add_key(out, "rounds"))
		return ERR_NOMEM;
	jsonout_array(&j);
	for (size_t i = 0; i < r->nrounds; i++) {
		const struct validate_round *x = &r->rounds[i];

		jsonout_object(&j);
		put_count(&j, "round", x->round);
		put_count(&j, "bytes", x->bytes);
		jsonout_pair(&j, "submitted_by", x->submitted_by);
		jsonout_pair(&j, "received_at",
			     clock_rfc3339(x->received_at, text));
		jsonout_pair(&j, "judged_at",
			     clock_rfc3339(x->judged_at, text));
		jsonout_pair(&j, "state", x->state);
		put_count(&j, "back", x->back);
		put_count(&j, "accepted", x->accepted);
		put_count(&j, "refused", x->refused);
		jsonout_end(&j);
	}
	return jsonout_end_text(&j);
}

static int64_t
count_of(const struct validate_faults *f)
{
	return f ? validate_faults_count(f) : 0;
}

int
validate_receipt_json(const struct validate_receipt *r, struct buf *out)
{
	if (buf_addc(out, '{') || add_named(out, "submission", r->submission) ||
	    add_named(out, "department", r->department) ||
	    add_named(out, "resource", r->resource) ||
	    add_named(out, "file", r->file) ||
	    add_count(out, "bytes", r->bytes) ||
	    add_named(out, "sha256", r->sha256) ||
	    add_named(out, "format", r->format) ||
	    add_named(out, "encoding", r->encoding) ||
	    add_named(out, "submitted_by", r->submitted_by) ||
	    add_time(out, "received_at", r->received_at) ||
	    add_time(out, "judged_at", r->judged_at) ||
	    add_named(out, "state", validate_state_word(r->state)) ||
	    add_rows(out, &r->rows) || add_published(out, r) ||
	    add_faults(out, "errors", r->errors) ||
	    add_count(out, "error_count", count_of(r->errors)) ||
	    add_faults(out, "warnings", r->warnings) ||
	    add_count(out, "warning_count", count_of(r->warnings)) ||
	    add_named(out, "next_due", r->next_due) || add_rounds(out, r))
		return ERR_NOMEM;
	return buf_adds(out, "\n}\n");
}

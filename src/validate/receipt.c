/*
 * The states of a submission and the receipt for programs (SPEC 6): one line a
 * key at the top level, in SPEC's order. What is not known is null.
 */
#include "base/clock.h"
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

static int
add_text(struct buf *out, const char *text)
{
	return text_json_string(out, slice_str(text));
}

/* A text that may be unknown. */
static int
add_known(struct buf *out, const char *text)
{
	return text && *text ? add_text(out, text) : buf_adds(out, "null");
}

static int
add_key(struct buf *out, const char *key)
{
	return buf_addf(out, "%s\"%s\":",
			out->data[out->len - 1] == '{' ? "\n" : ",\n", key);
}

static int
add_named(struct buf *out, const char *key, const char *text)
{
	return add_key(out, key) || add_known(out, text) ? ERR_NOMEM : 0;
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

static int
add_rows(struct buf *out, const struct validate_counts *c)
{
	if (add_key(out, "rows"))
		return ERR_NOMEM;
	return buf_addf(out,
			"{\"read\":%" PRId64 ",\"accepted\":%" PRId64
			",\"refused\":%" PRId64 ",\"inserted\":%" PRId64
			",\"updated\":%" PRId64 ",\"deleted\":%" PRId64
			",\"unchanged\":%" PRId64 "}",
			c->read, c->accepted, c->refused, c->inserted,
			c->updated, c->deleted, c->unchanged);
}

static int
add_published(struct buf *out, const struct validate_receipt *r)
{
	if (add_key(out, "published") || buf_addc(out, '['))
		return ERR_NOMEM;
	for (size_t i = 0; i < r->npublished; i++) {
		const struct validate_published *p = &r->published[i];

		if (buf_adds(out, i ? ",{\"dataset\":" : "{\"dataset\":") ||
		    add_text(out, p->dataset) ||
		    buf_addf(out, ",\"version\":%" PRId64 "}", p->version))
			return ERR_NOMEM;
	}
	return buf_addc(out, ']');
}

/* A row or line; 0 is none. */
static int
add_place(struct buf *out, const char *key, int64_t n)
{
	if (n)
		return buf_addf(out, "\"%s\":%" PRId64 ",", key, n);
	return buf_addf(out, "\"%s\":null,", key);
}

static int
add_fault(struct buf *out, const struct validate_fault *f)
{
	if (buf_addc(out, '{') || add_place(out, "row", f->row) ||
	    add_place(out, "line", f->line) || buf_adds(out, "\"field\":") ||
	    add_text(out, f->field) || buf_adds(out, ",\"code\":") ||
	    add_text(out, f->code) || buf_adds(out, ",\"value\":") ||
	    text_json_string(out, f->value) || buf_adds(out, ",\"message\":") ||
	    add_text(out, f->message))
		return ERR_NOMEM;
	return buf_addc(out, '}');
}

static int
add_faults(struct buf *out, const char *key, const struct validate_faults *f)
{
	const struct validate_fault *kept = NULL;
	size_t n = f ? validate_faults_kept(f, &kept) : 0;

	if (add_key(out, key) || buf_addc(out, '['))
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if ((i && buf_addc(out, ',')) || add_fault(out, &kept[i]))
			return ERR_NOMEM;
	}
	return buf_addc(out, ']');
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
	    add_named(out, "next_due", r->next_due))
		return ERR_NOMEM;
	return buf_adds(out, "\n}\n");
}

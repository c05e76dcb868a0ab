/*
 * A receipt whose state changed after it was written: the stored texts are
 * this program's own, so the line that says the state is found and replaced,
 * and everything else stays as the clerk has read it.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sentence.h"
#include "base/jsonout.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>

static int
replace(struct buf *in, size_t at, size_t len, struct slice by)
{
	scope_buf out = BUF_INIT;
	struct buf old;

	if (buf_add(&out, in->data, at) || buf_addslice(&out, by) ||
	    buf_add(&out, in->data + at + len, in->len - at - len))
		return ERR_NOMEM;
	old = *in;
	*in = out;
	out = old;
	return 0;
}

/* The line that says the state says another one. */
static int
restate_json(struct buf *json, const char *state)
{
	static const char mark[] = "\n\"state\":\"";
	const char *at = memmem(json->data, json->len, mark, sizeof(mark) - 1);
	const char *end;

	if (!at)
		return 0;
	at += sizeof(mark) - 1;
	end = memchr(at, '"', json->len - (size_t)(at - json->data));
	if (!end)
		return 0;
	return replace(json, (size_t)(at - json->data), (size_t)(end - at),
		       slice_str(state));
}

/* The first two lines are the verdict and the next step. */
static size_t
first_lines(const struct buf *text)
{
	size_t i = 0;

	for (int lines = 0; i < text->len && lines < 2; i++)
		lines += text->data[i] == '\n';
	return i;
}

static PRINTF_LIKE(4, 5) int add_line(struct buf *out, bool zh,
				      enum sentence id, const char *args, ...)
{
	char joined[512];
	va_list ap;

	va_start(ap, args);
	vsnprintf(joined, sizeof(joined), args, ap);
	va_end(ap);
	return sentence_add(out, zh, id, "%s", joined) || buf_addc(out, '\n')
		       ? ERR_NOMEM
		       : 0;
}

int
flow_restate_superseded(struct buf *json, struct buf *text, const char *by,
			const char *language)
{
	bool zh = strcmp(language, "zh") == 0;
	scope_buf head = BUF_INIT;
	int rc = restate_json(json, "superseded");

	validate_receipt_undress(text);

	if (!rc)
		rc = add_line(&head, zh, MSG_SUPERSEDED_BY, "%s", by);
	if (!rc)
		rc = add_line(&head, zh, MSG_SUPERSEDED_NEXT, "");
	if (!rc)
		rc = replace(text, 0, first_lines(text), buf_slice(&head));
	return rc ? rc : validate_receipt_dress(text);
}

/* ---- withdrawn ----------------------------------------------------------- */

/* What is said of it, as one more key at the end. */
static int
add_withdrawn(struct buf *json, const struct flow_withdrawn *w)
{
	static const char end[] = "\n}\n";
	char at[CLOCK_TEXT_MAX];
	struct jsonout j;

	if (json->len < sizeof(end) - 1)
		return 0;
	json->len -= sizeof(end) - 1;
	if (buf_adds(json, ",\n\"withdrawn\":"))
		return ERR_NOMEM;
	j = jsonout_begin(json, false);
	jsonout_object(&j);
	jsonout_pair(&j, "at", clock_rfc3339(w->at, at));
	jsonout_pair(&j, "by", w->by);
	jsonout_key(&j, "versions");
	jsonout_array(&j);
	for (size_t i = 0; i < w->nmade; i++) {
		jsonout_object(&j);
		jsonout_pair(&j, "dataset", w->made[i].dataset);
		jsonout_key(&j, "from");
		jsonout_integer(&j, w->from[i]);
		jsonout_key(&j, "until");
		jsonout_integer(&j, w->until[i]);
		jsonout_key(&j, "undone_in");
		jsonout_integer(&j, w->made[i].version);
		jsonout_end(&j);
	}
	jsonout_end(&j);
	jsonout_key(&j, "readers");
	jsonout_raw(&j, SLICE("null"));
	jsonout_end(&j);
	if (jsonout_end_text(&j))
		return ERR_NOMEM;
	return buf_adds(json, end);
}

/* The versions that show it, in lines of their own. */
static int
add_versions(struct buf *head, const struct flow_withdrawn *w, bool zh)
{
	for (size_t i = 0; i < w->nmade; i++) {
		if (add_line(head, zh, MSG_WITHDRAWN_SHOWN,
			     "%s" AND "%" PRId64 AND "%" PRId64 AND "%" PRId64,
			     w->made[i].dataset, w->from[i], w->until[i],
			     w->made[i].version))
			return ERR_NOMEM;
	}
	return w->nmade ? add_line(head, zh, MSG_WITHDRAWN_READERS, "") : 0;
}

int
flow_restate_withdrawn(struct buf *json, struct buf *text,
		       const struct flow_withdrawn *w, const char *language)
{
	bool zh = strcmp(language, "zh") == 0;
	scope_buf head = BUF_INIT;
	char at[CLOCK_TEXT_MAX];
	int rc = restate_json(json, "withdrawn");

	validate_receipt_undress(text);
	clock_rfc3339(w->at, at);
	if (!rc)
		rc = add_line(&head, zh, MSG_WITHDRAWN_BY, "%s" AND "%s", w->by,
			      at);
	if (!rc)
		rc = add_line(&head, zh, MSG_WITHDRAWN_NEXT, "");
	if (!rc)
		rc = add_withdrawn(json, w);
	if (!rc)
		rc = replace(text, 0, first_lines(text), buf_slice(&head));
	buf_clear(&head);
	if (!rc)
		rc = add_versions(&head, w, zh);
	/* behind the two lines and the blank one that ends them */
	if (!rc && head.len)
		rc = replace(text, first_lines(text) + 1, 0, buf_slice(&head));
	return rc ? rc : validate_receipt_dress(text);
}

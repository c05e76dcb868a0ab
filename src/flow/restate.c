/*
 * A receipt whose state changed after it was written: the stored texts are
 * this program's own, so the line that says the state is found and replaced,
 * and everything else stays as the clerk has read it.
 */
#include "flow/internal.h"

#include "base/scope.h"

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

static int
restate_json(struct buf *json)
{
	static const char was[] = "\n\"state\":\"quarantined\"";
	const char *at = memmem(json->data, json->len, was, sizeof(was) - 1);

	if (!at)
		return 0;
	return replace(json, (size_t)(at - json->data), sizeof(was) - 1,
		       SLICE("\n\"state\":\"superseded\""));
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

int
flow_restate_superseded(struct buf *json, struct buf *text, const char *by,
			const char *language)
{
	static const char en[] =
		"superseded: the later submission %s was accepted in its "
		"place\n"
		"next: nothing has to be done; this file has had no effect and "
		"can no longer be released.\n";
	static const char zh[] =
		"已被取代（superseded）：之后的提交 %s 已入库\n"
		"下一步：无需处理；本文件未入库，也不能再放行。\n";
	scope_buf head = BUF_INIT;
	int rc = restate_json(json);

	if (!rc && strcmp(language, "zh") == 0)
		rc = buf_addf(&head, zh, by);
	else if (!rc)
		rc = buf_addf(&head, en, by);
	return rc ? rc : replace(text, 0, first_lines(text), buf_slice(&head));
}

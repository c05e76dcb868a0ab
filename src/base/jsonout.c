/* Writing JSON text: see jsonout.h. */
#include "base/jsonout.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

struct jsonout
jsonout_begin(struct buf *out, bool pretty)
{
	return (struct jsonout){.out = out, .pretty = pretty};
}

static void
put(struct jsonout *j, const char *s)
{
	if (!j->rc)
		j->rc = buf_adds(j->out, s);
}

static void
new_line(struct jsonout *j)
{
	static const char line[] = "\n                                ";
	_Static_assert(sizeof(line) > 1 + 2 * JSONOUT_DEPTH,
		       "room for the deepest");

	if (!j->pretty)
		return;
	if (!j->rc)
		j->rc = buf_add(j->out, line, 1 + 2 * (size_t)j->depth);
}

/* What comes before a value or a key: nothing after a key, else a comma
 * unless it is the first. */
static void
separate(struct jsonout *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth == 0)
		return;
	if (j->level[j->depth - 1].any)
		put(j, ",");
	j->level[j->depth - 1].any = true;
	new_line(j);
}

static void
open_level(struct jsonout *j, const char *open, char close)
{
	separate(j);
	if (j->depth == JSONOUT_DEPTH)
		j->rc = j->rc ? j->rc : ERR_INTERNAL;
	if (j->rc)
		return;
	put(j, open);
	j->level[j->depth].close = close;
	j->level[j->depth++].any = false;
}

void
jsonout_object(struct jsonout *j)
{
	open_level(j, "{", '}');
}

void
jsonout_array(struct jsonout *j)
{
	open_level(j, "[", ']');
}

void
jsonout_end(struct jsonout *j)
{
	if (j->rc || j->depth == 0)
		return;
	j->depth--;
	if (j->level[j->depth].any)
		new_line(j);
	if (!j->rc)
		j->rc = buf_addc(j->out, j->level[j->depth].close);
}

void
jsonout_key(struct jsonout *j, const char *key)
{
	separate(j);
	if (!j->rc)
		j->rc = text_json_string(j->out, slice_str(key));
	put(j, j->pretty ? ": " : ":");
	j->after_key = true;
}

void
jsonout_string(struct jsonout *j, struct slice s)
{
	separate(j);
	if (!j->rc)
		j->rc = text_json_string(j->out, s);
}

void
jsonout_integer(struct jsonout *j, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	separate(j);
	put(j, text);
}

void
jsonout_raw(struct jsonout *j, struct slice literal)
{
	separate(j);
	if (!j->rc)
		j->rc = buf_addslice(j->out, literal);
}

void
jsonout_pair(struct jsonout *j, const char *key, const char *value)
{
	jsonout_key(j, key);
	jsonout_string(j, slice_str(value));
}

int
jsonout_end_text(struct jsonout *j)
{
	while (!j->rc && j->depth)
		jsonout_end(j);
	return j->rc;
}

/* JSON as a reader: see json.h. */
#include "decode/json.h"

#include "base/sentence.h"
#include "base/text.h"
#include "decode/format.h"
#include "decode/json_split.h"
#include "decode/names.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct json {
	struct decode_job *job;
	struct decode_source *source;
	struct decode_split *split;
	json_t *keys;	/* an object: key to its column */
	bool header;	/* it is the next record */
	int64_t first;	/* line of the first object */
	json_t *object; /* of the record that was given last */
	size_t ncells;
	size_t nflaws;
	struct decode_flaw flaws[DECODE_MAX_CELLS];
	struct slice cells[DECODE_MAX_CELLS];
};

/* One object, parsed. 1, 0 at the end. */
static int
next_object(struct json *j, int64_t *ret_line, struct error *err)
{
	struct slice text;
	json_error_t why;
	int rc = decode_split_next(j->split, &text, ret_line, err);

	json_decref(j->object);
	j->object = NULL;
	if (rc <= 0)
		return rc;
	j->object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	if (j->object)
		return 1;
	if (json_error_code(&why) == json_error_out_of_memory)
		return error_nomem(err);
	return sentence_error(err, ERR_INVALID, MSG_JSON_OBJECT,
			      "%lld" AND A_SENTENCE, (long long)*ret_line,
			      json_error_code(&why) == json_error_duplicate_key
				      ? MSG_JSON_KEY_TWICE
			      : json_error_code(&why) ==
					      json_error_null_character
				      ? MSG_JSON_NUL
				      : MSG_JSON_SYNTAX);
}

/* Keys have a NUL nowhere: jansson takes none. */
static int
add_keys(struct json *j, struct error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(j->object, key, value)
	{
		size_t n = json_object_size(j->keys);

		if (json_object_get(j->keys, key))
			continue;
		if (n == DECODE_MAX_CELLS)
			return sentence_error(err, ERR_INVALID, MSG_JSON_KEYS,
					      "%d", DECODE_MAX_CELLS);
		if (json_object_set_new(j->keys, key,
					json_integer((json_int_t)n)))
			return error_nomem(err);
	}
	return 0;
}

static int
read_keys(struct json *j)
{
	struct error *err = j->job->err;
	int64_t line;
	int rc;

	j->keys = json_object();
	if (!j->keys)
		return error_nomem(err);
	while ((rc = next_object(j, &line, err)) > 0) {
		if (!j->first)
			j->first = line;
		rc = add_keys(j, err);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (!json_object_size(j->keys))
		return sentence_error(err, ERR_INVALID, MSG_JSON_NO_KEY, "");
	return 0;
}

/* ---- records ------------------------------------------------------------- */

static int
start(void *ctx, int way, struct error *err)
{
	struct json *j = ctx;

	(void)way;
	(void)err;
	decode_split_start(j->split);
	j->header = true;
	return 0;
}

static void
give(struct json *j, int64_t line, struct decode_record *ret)
{
	*ret = (struct decode_record){
		.line = line,
		.cells = j->cells,
		.ncells = json_object_size(j->keys),
		.flaws = j->flaws,
		.nflaws = j->nflaws,
	};
}

/* The texts belong to the keys, which stay. */
static void
give_header(struct json *j, struct decode_record *ret)
{
	const char *key;
	json_t *column;

	json_object_foreach(j->keys, key, column)
	{
		j->cells[json_integer_value(column)] = slice_str(key);
	}
	j->nflaws = 0;
	give(j, j->first, ret);
}

static struct slice
text_of(const json_t *value, bool *ret_nested)
{
	*ret_nested = json_is_object(value) || json_is_array(value);
	if (json_is_string(value))
		return (struct slice){json_string_value(value),
				      json_string_length(value)};
	if (json_is_boolean(value))
		return json_is_true(value) ? SLICE("true") : SLICE("false");
	return SLICE_NONE;
}

static int
by_cell(const void *a, const void *b)
{
	const struct decode_flaw *x = a, *y = b;

	return (x->cell > y->cell) - (x->cell < y->cell);
}

static int
give_row(struct json *j, int64_t line, struct decode_record *ret,
	 struct error *err)
{
	size_t n = json_object_size(j->keys);
	const char *key;
	json_t *value;

	memset(j->cells, 0, n * sizeof(j->cells[0]));
	j->nflaws = 0;
	json_object_foreach(j->object, key, value)
	{
		const json_t *column = json_object_get(j->keys, key);
		size_t at = (size_t)json_integer_value(column);
		bool nested;

		if (!column)
			return error_set(err, ERR_CORRUPT,
					 "the file changed while it was read");
		j->cells[at] = text_of(value, &nested);
		if (nested)
			j->flaws[j->nflaws++] =
				(struct decode_flaw){at, DECODE_FLAW_NESTED};
	}
	qsort(j->flaws, j->nflaws, sizeof(j->flaws[0]), by_cell);
	give(j, line, ret);
	return DECODE_RECORD;
}

static int
next(void *ctx, struct decode_record *ret, struct error *err)
{
	struct json *j = ctx;
	int64_t line;
	int rc;

	if (j->header) {
		j->header = false;
		give_header(j, ret);
		return DECODE_RECORD;
	}
	rc = next_object(j, &line, err);
	if (rc <= 0)
		return rc ? rc : DECODE_TABLE_END;
	return give_row(j, line, ret, err);
}

static void
describe(const void *ctx, struct decode_header *h)
{
	const struct json *j = ctx;
	enum decode_encoding encoding = decode_source_encoding(j->source);

	h->format = decode_format_names[decode_split_is_list(j->split)
						? DECODE_FORMAT_JSON
						: DECODE_FORMAT_JSONL];
	h->encoding = decode_encodings[encoding].name;
	h->delimiter[0] = ',';
}

static void
release(struct json *j)
{
	decode_split_free(j->split);
	json_decref(j->keys);
	json_decref(j->object);
	free(j);
}

int
decode_json(struct decode_job *job, struct decode_source *source)
{
	struct json *j = calloc(1, sizeof(*j));
	const struct decode_reader reader = {
		.ctx = j,
		.ways = 1,
		.start = start,
		.next = next,
		.describe = describe,
	};
	int rc;

	if (!j)
		return error_nomem(job->err);
	j->job = job;
	j->source = source;
	rc = decode_split_new(source, &j->split, job->err);
	if (!rc)
		rc = read_keys(j);
	if (!rc)
		rc = decode_job_table(job, &reader);
	release(j);
	return rc;
}

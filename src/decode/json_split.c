/* JSON to objects: see json_split.h. */
#include "decode/json_split.h"

#include "base/sentence.h"
#include "decode/decode.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 65536
#define DEPTH_MAX 64

/* What stands between objects. */
enum place { START, IN_LIST, AFTER_COMMA, AFTER_OBJECT, IN_LINES, AFTER_LIST };

struct decode_split {
	struct decode_source *source;
	enum place place;
	bool list;
	int64_t line;
	size_t at, end;
	bool ended;
	struct buf object;
	char block[BLOCK];
};

int
decode_split_new(struct decode_source *source, struct decode_split **ret,
		 struct error *err)
{
	struct decode_split *s = calloc(1, sizeof(*s));

	if (!s)
		return error_nomem(err);
	s->source = source;
	decode_split_start(s);
	*ret = s;
	return 0;
}

void
decode_split_free(struct decode_split *split)
{
	if (!split)
		return;
	buf_release(&split->object);
	free(split);
}

void
decode_split_start(struct decode_split *split)
{
	decode_source_rewind(split->source);
	split->place = START;
	split->line = 1;
	split->at = split->end = 0;
	split->ended = false;
}

bool
decode_split_is_list(const struct decode_split *split)
{
	return split->list;
}

static int
wrong(const struct decode_split *s, enum sentence what, struct error *err)
{
	return sentence_error(err, ERR_INVALID, MSG_JSON_LINE,
			      "%lld" AND A_SENTENCE, (long long)s->line, what);
}

/* The next character without taking it; 0 at the end. NUL is no JSON. */
static int
peek(struct decode_split *s, char *ret, struct error *err)
{
	ssize_t n;

	*ret = '\0';
	if (s->at == s->end && !s->ended) {
		n = decode_source_read(s->source, s->block, BLOCK, err);
		if (n < 0)
			return (int)n;
		s->at = 0;
		s->end = (size_t)n;
		s->ended = n == 0;
	}
	if (s->ended)
		return 0;
	*ret = s->block[s->at];
	return *ret ? 1 : wrong(s, MSG_JSON_HAS_NUL, err);
}

static void
take(struct decode_split *s)
{
	s->line += s->block[s->at] == '\n';
	s->at++;
}

static int
keep(struct decode_split *s, char c, struct error *err)
{
	if (s->object.len >= DECODE_MAX_RECORD)
		return wrong(s, MSG_JSON_HAS_LONG, err);
	return buf_addc(&s->object, c) ? error_nomem(err) : 0;
}

/* From the opening quote to the closing one. */
static int
keep_string(struct decode_split *s, struct error *err)
{
	bool escaped = false;

	for (bool first = true;; first = false) {
		char c;
		int rc = peek(s, &c, err);

		if (rc <= 0)
			return rc ? rc : wrong(s, MSG_JSON_ENDS_IN_TEXT, err);
		if ((unsigned char)c < ' ')
			return wrong(s, MSG_JSON_BREAKS_TEXT, err);
		take(s);
		rc = keep(s, c, err);
		if (rc)
			return rc;
		if (!first && c == '"' && !escaped)
			return 0;
		escaped = c == '\\' && !escaped;
	}
}

/* Takes off digits; false when there are none. */
static bool
take_digits(const char **p)
{
	size_t n = strspn(*p, "0123456789");

	*p += n;
	return n > 0;
}

/* -12.5E+3 and nothing that is no number, such as 01 or 1. */
static bool
is_number(const char *p)
{
	p += *p == '-';
	if (*p == '0')
		p++;
	else if (!take_digits(&p))
		return false;
	if (*p == '.') {
		p++;
		if (!take_digits(&p))
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!take_digits(&p))
			return false;
	}
	return !*p;
}

static int
keep_number(struct decode_split *s, struct error *err)
{
	size_t from = s->object.len + 1;
	int rc = keep(s, '"', err);

	while (!rc) {
		char c;

		rc = peek(s, &c, err);
		if (rc < 0)
			return rc;
		if (!rc || !strchr("+-.0123456789eE", c))
			break;
		take(s);
		rc = keep(s, c, err);
	}
	if (rc < 0)
		return rc;
	if (!buf_str(&s->object))
		return error_nomem(err);
	if (!is_number(s->object.data + from))
		return wrong(s, MSG_JSON_BAD_NUMBER, err);
	return keep(s, '"', err);
}

static int
keep_object(struct decode_split *s, struct error *err)
{
	int depth = 0;

	buf_clear(&s->object);
	do {
		char c;
		int rc = peek(s, &c, err);

		if (rc <= 0)
			return rc ? rc : wrong(s, MSG_JSON_ENDS_IN_OBJECT, err);
		if (c == '"') {
			rc = keep_string(s, err);
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			rc = keep_number(s, err);
		} else {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			take(s);
			rc = keep(s, c, err);
		}
		if (rc < 0)
			return rc;
		if (depth > DEPTH_MAX)
			return wrong(s, MSG_JSON_DEEP, err);
	} while (depth > 0);
	return 0;
}

/* What may stand here between objects moves on; an object does not. */
static int
step(struct decode_split *s, char c, struct error *err)
{
	switch (s->place) {
	case START:
		s->list = c == '[';
		if (c != '[' && c != '{')
			break;
		s->place = s->list ? IN_LIST : IN_LINES;
		if (s->list)
			take(s);
		return 0;
	case IN_LIST:
	case AFTER_OBJECT:
		if (c == ']') {
			s->place = AFTER_LIST;
			take(s);
			return 0;
		}
		if (s->place == IN_LIST)
			break;
		if (c != ',')
			break;
		s->place = AFTER_COMMA;
		take(s);
		return 0;
	case AFTER_COMMA:
	case IN_LINES:
	case AFTER_LIST:
		break;
	}
	return wrong(s, MSG_JSON_NO_OBJECT, err);
}

static bool
may_begin(enum place place)
{
	return place == IN_LIST || place == AFTER_COMMA || place == IN_LINES;
}

int
decode_split_next(struct decode_split *split, struct slice *ret,
		  int64_t *ret_line, struct error *err)
{
	for (;;) {
		char c;
		int rc = peek(split, &c, err);

		if (rc < 0)
			return rc;
		if (!rc)
			break;
		if (memchr(" \t\r\n", c, 4)) {
			take(split);
			continue;
		}
		if (c == '{' && may_begin(split->place)) {
			*ret_line = split->line;
			rc = keep_object(split, err);
			if (split->list)
				split->place = AFTER_OBJECT;
			*ret = buf_slice(&split->object);
			return rc ? rc : 1;
		}
		rc = step(split, c, err);
		if (rc)
			return rc;
	}
	if (split->list && split->place != AFTER_LIST)
		return wrong(split, MSG_JSON_ENDS_IN_LIST, err);
	return 0;
}

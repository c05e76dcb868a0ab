/* Sentences of receipts, by number: see sentence.h. */
#include "base/sentence.h"

#include "base/scope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MARK SENTENCE_MARK[0]
#define NEXT SENTENCE_NEXT[0]
#define ARGS_MAX ERROR_TEXT_MAX /* bytes of all arguments */

static const struct {
	const char *code; /* "": that of what reports it */
	const char *text[2];
} sentences[SENTENCES] = {
#define SENTENCE(id, word, en, zh) [id] = {.code = (word), .text = {en, zh}},
#include "base/sentences.def"
#undef SENTENCE
};

const char *
sentence_code(enum sentence id)
{
	const char *code = sentences[id].code;

	return code && *code ? code : NULL;
}

const char *
sentence_text(enum sentence id, bool zh)
{
	return sentences[id].text[zh];
}

/* A text of limited size that ends between two characters; with 'out', one
 * that grows. */
struct room {
	char *text;
	size_t size, at;
	struct buf *out;
	bool nomem;
};

static void
put(struct room *room, const char *p, size_t n)
{
	size_t left;

	if (!n)
		return;
	if (room->out) {
		room->nomem |= buf_add(room->out, p, n) != 0;
		return;
	}
	left = room->size - 1 - room->at;
	if (n > left) {
		n = left;
		while (n && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
		room->size = room->at + n + 1; /* nothing behind the cut */
	}
	memcpy(room->text + room->at, p, n);
	room->at += n;
	room->text[room->at] = '\0';
}

/* The number of a sentence, which a mark begins; MSG_NONE for what is none. */
static enum sentence
number_of(const char *p, const char **ret_end)
{
	char *end;
	long id = *p == MARK ? strtol(p + 1, &end, 10) : 0;

	if (id <= MSG_NONE || id >= SENTENCES)
		return MSG_NONE;
	*ret_end = end;
	return (enum sentence)id;
}

static void
put_arg(struct room *room, struct slice arg, bool zh)
{
	const char *end;
	enum sentence id = arg.n ? number_of(arg.p, &end) : MSG_NONE;
	const char *text = id ? sentences[id].text[zh] : arg.p;

	put(room, text, id ? strlen(text) : arg.n);
}

/* 'args' are joined by NEXT. */
static void
tell(struct room *room, enum sentence id, const char *args, bool zh)
{
	struct slice arg[SENTENCE_ARGS] = {{0}};
	const char *text = sentences[id].text[zh];

	for (size_t i = 0; i < SENTENCE_ARGS && args; i++) {
		const char *next = strchr(args, NEXT);

		arg[i] = (struct slice){args, next ? (size_t)(next - args)
						   : strlen(args)};
		args = next ? next + 1 : NULL;
	}
	while (*text) {
		size_t n = strcspn(text, "{");

		put(room, text, n);
		text += n;
		if (!*text)
			break;
		/* the table holds {1} to {6} and no other brace */
		put_arg(room, arg[text[1] - '1'], zh);
		text += sizeof("{1}") - 1;
	}
}

int
sentence_add(struct buf *out, bool zh, enum sentence id, const char *args, ...)
{
	struct room room = {.out = out};
	scope_buf joined = BUF_INIT;
	va_list ap;
	int rc;

	va_start(ap, args);
	rc = buf_addv(&joined, args, ap);
	va_end(ap);
	if (rc || !buf_str(&joined))
		return ERR_NOMEM;
	tell(&room, id, joined.data, zh);
	return room.nomem ? ERR_NOMEM : 0;
}

void
sentence_write(char *out, size_t size, bool zh, enum sentence id,
	       const char *args, ...)
{
	char joined[ARGS_MAX];
	struct room room = {.text = out, .size = size};
	va_list ap;

	va_start(ap, args);
	vsnprintf(joined, sizeof(joined), args, ap);
	va_end(ap);
	*out = '\0';
	tell(&room, id, joined, zh);
}

int
sentence_error(struct error *err, int code, enum sentence id, const char *args,
	       ...)
{
	char joined[ARGS_MAX];
	va_list ap;

	va_start(ap, args);
	vsnprintf(joined, sizeof(joined), args, ap);
	va_end(ap);
	return error_set(err, code, SENTENCE_MARK "%d" SENTENCE_NEXT "%s", id,
			 joined);
}

void
sentence_tell(const char *untold, char *out, size_t size, bool zh)
{
	struct room room = {.text = out, .size = size};
	const char *args;
	enum sentence id = number_of(untold, &args);

	*out = '\0';
	if (id)
		tell(&room, id, *args == NEXT ? args + 1 : args, zh);
	else
		put(&room, untold, strlen(untold));
}

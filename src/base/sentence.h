/*
 * Every sentence that people read in a receipt, in English and in Chinese, by
 * number: sentences.def. A department gets its own language, so a sentence
 * goes as its number and its arguments until somebody knows whose it is.
 *
 * {1} to {6} in a sentence stand for its arguments, which are given like
 * printf's: "%lld" AND "%s" are two. An argument may be a sentence without
 * arguments: A_SENTENCE takes its number. Where an argument holds one of the
 * two characters that make the difference, the text reads oddly, no more.
 */
#ifndef BASE_SENTENCE_H
#define BASE_SENTENCE_H

#include "base/buf.h"

enum sentence {
	MSG_NONE,
#define SENTENCE(id, code, en, zh) id,
#include "base/sentences.def"
#undef SENTENCE
	SENTENCES
};

#define SENTENCE_ARGS 6
#define SENTENCE_MARK "\x1e"
#define SENTENCE_NEXT "\x1f"
#define AND SENTENCE_NEXT
#define A_SENTENCE SENTENCE_MARK "%d"

/* The code of a fault in a receipt (SPEC 6); NULL when it has none of its own.
 */
const char *sentence_code(enum sentence id);
/* With its placeholders. */
const char *sentence_text(enum sentence id, bool zh);

/* Appends the sentence, however long it is. ERR_NOMEM. */
MUST_CHECK int sentence_add(struct buf *out, bool zh, enum sentence id,
			    const char *args, ...) PRINTF_LIKE(4, 5);
/* The same into 'size' bytes, cut between characters; the arguments together
 * are at most ERROR_TEXT_MAX bytes. */
void sentence_write(char *out, size_t size, bool zh, enum sentence id,
		    const char *args, ...) PRINTF_LIKE(5, 6);

/* Leaves the sentence in 'err', untold, and returns 'code'. */
int sentence_error(struct error *err, int code, enum sentence id,
		   const char *args, ...) PRINTF_LIKE(4, 5);
/* Tells it, or any other text as it stands. */
void sentence_tell(const char *untold, char *out, size_t size, bool zh);

#endif

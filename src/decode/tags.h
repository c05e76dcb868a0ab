/*
 * Plain XML, as spreadsheets write it, without a parser for all of it: tags,
 * attributes, texts and the five entities, in UTF-8. What is anything else
 * (a comment, a document type, CDATA, other entities, whatever is wrong) is
 * left to expat, which then begins from the start; so nothing is taken here
 * that expat would not take, and no message is made here.
 */
#ifndef DECODE_TAGS_H
#define DECODE_TAGS_H

#include "base/buf.h"
#include "decode/xml.h"

#define DECODE_TAGS_DEPTH 256

struct decode_tags {
	char *data; /* what is not read yet, and a NUL behind it */
	size_t cap, at, end;
	int depth;
	bool any;	 /* something has been read */
	bool begun;	 /* the outermost element has been seen */
	struct buf open; /* the names of the elements around, in one run */
	size_t names[DECODE_TAGS_DEPTH]; /* where each begins in 'open' */
	struct buf plain;		 /* a text without entities */

	/* what has been told, so that expat can go on behind it */
	int64_t events; /* starts and ends */
	size_t text;	/* bytes of text since the last of them */
};

void decode_tags_release(struct decode_tags *t);

/* Appends bytes of the part. ERR_NOMEM. */
MUST_CHECK int decode_tags_add(struct decode_tags *t, const char *p, size_t n);

enum decode_tags_end {
	DECODE_TAGS_MORE,    /* all that is whole has been told */
	DECODE_TAGS_STOPPED, /* a handler has set *stop */
	DECODE_TAGS_UNUSUAL, /* this is for expat */
	DECODE_TAGS_NOMEM
};
/* Tells what is there. */
enum decode_tags_end decode_tags_run(struct decode_tags *t,
				     const struct decode_xml_handlers *handlers,
				     void *ctx, const bool *stop);

/* At the end of the part: whether it is whole. */
bool decode_tags_is_whole(const struct decode_tags *t);

#endif

/*
 * One XML part of a zip, a block at a time: plain XML by tags.h, and from the
 * first thing on that is not plain, expat. Element names come without their
 * prefix. A document type, very deep or very long
 * elements are ERR_INVALID: no table needs them.
 */
#ifndef DECODE_XML_H
#define DECODE_XML_H

#include "base/sentence.h"
#include "decode/members.h"

/* Attributes are pairs of name and value, ended by NULL. Texts hold during
 * the call; a text may come in several pieces. */
struct decode_xml_handlers {
	void (*start)(void *ctx, const char *name, const char **attributes);
	void (*end)(void *ctx, const char *name);
	void (*text)(void *ctx, const char *p, size_t n); /* NULL: none */
	bool by_expat; /* all of it; to compare with */
};

struct decode_xml;

/* 'handlers' are borrowed. ERR_NOMEM, ERR_IO, ERR_INVALID. */
MUST_CHECK int decode_xml_open(const struct decode_bytes *bytes,
			       const struct decode_members *members,
			       const struct decode_member *part,
			       const struct decode_xml_handlers *handlers,
			       void *ctx, struct decode_xml **ret,
			       struct error *err);
void decode_xml_close(struct decode_xml *xml);
static inline void
decode_xml_closep(struct decode_xml **xml)
{
	decode_xml_close(*xml);
}
#define scope_xml \
	__attribute__((cleanup(decode_xml_closep))) struct decode_xml *

/* Goes on: 1 when a handler asked to pause, 0 at the end, or an error. */
MUST_CHECK int decode_xml_run(struct decode_xml *xml, struct error *err);

/* For handlers: stop here, to go on later, or with an error for good; _fail:
 * the file is to blame. */
void decode_xml_pause(struct decode_xml *xml);
void decode_xml_fail(struct decode_xml *xml, enum sentence id, const char *args,
		     ...) PRINTF_LIKE(3, 4);
void decode_xml_stop(struct decode_xml *xml, int code, const char *text);

/* From open to close, for parts that are read in one go. */
MUST_CHECK int decode_xml_read(const struct decode_bytes *bytes,
			       const struct decode_members *members,
			       const struct decode_member *part,
			       const struct decode_xml_handlers *handlers,
			       void *ctx, struct decode_xml **current,
			       struct error *err);

/* The value of an attribute by its name without prefix; NULL. */
const char *decode_xml_attribute(const char **attributes, const char *name);

#endif

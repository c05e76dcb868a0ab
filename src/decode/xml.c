/* Parts of workbooks: see xml.h. */
#include "decode/xml.h"

#include "base/sentence.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP ((size_t)64 * 1024) /* fed to expat at once */
#define DEPTH_MAX 256
#define TOKEN_MAX ((int64_t)4 << 20) /* bytes of one tag with attributes */

struct decode_xml {
	XML_Parser parser;
	struct decode_archive *archive;
	const struct decode_xml_handlers *handlers;
	void *ctx;
	const struct decode_member *part;
	struct error error; /* of a handler, if it failed */
	int depth;
	int64_t given; /* bytes, to expat */
	bool paused;
	bool ended;
	const char *block; /* what is left of one of libarchive's */
	size_t left;
};

static const char *
local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}

const char *
decode_xml_attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2) {
		if (!strcmp(local_name(attributes[0]), name))
			return attributes[1];
	}
	return NULL;
}

/* ---- expat's side -------------------------------------------------------- */

void
decode_xml_pause(struct decode_xml *xml)
{
	xml->paused = XML_StopParser(xml->parser, XML_TRUE) == XML_STATUS_OK;
}

void
decode_xml_stop(struct decode_xml *xml, int code, const char *text)
{
	if (xml->error.code)
		return;
	error_set(&xml->error, code, "%s", text);
	XML_StopParser(xml->parser, XML_FALSE);
}

void
decode_xml_fail(struct decode_xml *xml, enum sentence id, const char *args, ...)
{
	char text[ERROR_TEXT_MAX];
	struct error why;
	va_list ap;

	va_start(ap, args);
	vsnprintf(text, sizeof(text), args, ap);
	va_end(ap);
	sentence_error(&why, ERR_INVALID, id, "%s", text);
	decode_xml_stop(xml, ERR_INVALID, why.text);
}

static void
on_start(void *ctx, const char *name, const char **attributes)
{
	struct decode_xml *xml = ctx;

	if (++xml->depth > DEPTH_MAX) {
		decode_xml_fail(xml, MSG_XML_DEEP, "%.100s", xml->part->name);
		return;
	}
	xml->handlers->start(xml->ctx, local_name(name), attributes);
}

static void
on_end(void *ctx, const char *name)
{
	struct decode_xml *xml = ctx;

	xml->depth--;
	xml->handlers->end(xml->ctx, local_name(name));
}

static void
on_text(void *ctx, const char *p, int n)
{
	struct decode_xml *xml = ctx;

	xml->handlers->text(xml->ctx, p, (size_t)n);
}

static void
on_doctype(void *ctx, const char *name, const char *system, const char *public,
	   int internal)
{
	struct decode_xml *xml = ctx;

	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	decode_xml_fail(xml, MSG_XML_DOCTYPE, "%.100s", xml->part->name);
}

/* ---- open ---------------------------------------------------------------- */

/* Entries come in the order of the list. */
static int
find_part(struct decode_xml *xml, const struct decode_members *members,
	  struct error *err)
{
	ptrdiff_t at = xml->part - members->list;

	for (ptrdiff_t i = 0; i <= at; i++) {
		struct archive_entry *entry;
		int rc = decode_archive_next(xml->archive, &entry, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			return sentence_error(err, ERR_INVALID, MSG_XML_GONE,
					      "%.100s", xml->part->name);
	}
	return 0;
}

int
decode_xml_open(const struct decode_bytes *bytes,
		const struct decode_members *members,
		const struct decode_member *part,
		const struct decode_xml_handlers *handlers, void *ctx,
		struct decode_xml **ret, struct error *err)
{
	scope_xml xml = calloc(1, sizeof(*xml));
	int rc;

	if (!xml)
		return error_nomem(err);
	xml->handlers = handlers;
	xml->ctx = ctx;
	xml->part = part;
	xml->parser = XML_ParserCreate(NULL);
	if (!xml->parser)
		return error_nomem(err);
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, on_start, on_end);
	if (handlers->text)
		XML_SetCharacterDataHandler(xml->parser, on_text);
	XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
	rc = decode_archive_open(bytes, DECODE_PACKED_ZIP, &xml->archive, err);
	if (!rc)
		rc = find_part(xml, members, err);
	if (rc)
		return rc;
	*ret = xml;
	xml = NULL;
	return 0;
}

void
decode_xml_close(struct decode_xml *xml)
{
	if (!xml)
		return;
	if (xml->parser)
		XML_ParserFree(xml->parser);
	decode_archive_close(xml->archive);
	free(xml);
}

/* ---- run ----------------------------------------------------------------- */

static int
explain(struct decode_xml *xml, struct error *err)
{
	enum XML_Error why = XML_GetErrorCode(xml->parser);

	if (xml->error.code)
		return error_set(err, xml->error.code, "%s", xml->error.text);
	if (why == XML_ERROR_NO_MEMORY)
		return error_nomem(err);
	return sentence_error(err, ERR_INVALID, MSG_XML_DAMAGED,
			      "%.100s" AND "%s" AND "%lu", xml->part->name,
			      XML_ErrorString(why),
			      XML_GetCurrentLineNumber(xml->parser));
}

static int
feed(struct decode_xml *xml, enum XML_Status *ret, struct error *err)
{
	size_t n = xml->left < STEP ? xml->left : STEP;

	if (!n) {
		ssize_t got =
			decode_archive_block(xml->archive, &xml->block, err);

		if (got < 0)
			return (int)got;
		xml->left = (size_t)got;
		n = xml->left < STEP ? xml->left : STEP;
	}
	xml->ended = !n;
	xml->given += (int64_t)n;
	if (xml->given > xml->part->size)
		return sentence_error(err, ERR_INVALID, MSG_XML_LARGER,
				      "%.100s", xml->part->name);
	*ret = XML_Parse(xml->parser, xml->block, (int)n, !n);
	xml->block += n;
	xml->left -= n;
	if (xml->given - XML_GetCurrentByteIndex(xml->parser) > TOKEN_MAX)
		return sentence_error(err, ERR_INVALID, MSG_XML_TOKEN,
				      "%.100s" AND "%lld", xml->part->name,
				      (long long)TOKEN_MAX);
	return 0;
}

int
decode_xml_run(struct decode_xml *xml, struct error *err)
{
	for (;;) {
		enum XML_Status status = XML_STATUS_OK;
		int rc = 0;

		if (xml->paused) {
			xml->paused = false;
			status = XML_ResumeParser(xml->parser);
		} else if (xml->ended) {
			return 0;
		} else {
			rc = feed(xml, &status, err);
		}
		if (rc)
			return rc;
		if (status == XML_STATUS_ERROR)
			return explain(xml, err);
		if (status == XML_STATUS_SUSPENDED)
			return 1;
	}
}

int
decode_xml_read(const struct decode_bytes *bytes,
		const struct decode_members *members,
		const struct decode_member *part,
		const struct decode_xml_handlers *handlers, void *ctx,
		struct decode_xml **current, struct error *err)
{
	int rc = decode_xml_open(bytes, members, part, handlers, ctx, current,
				 err);

	if (!rc)
		rc = decode_xml_run(*current, err);
	decode_xml_close(*current);
	*current = NULL;
	return rc;
}

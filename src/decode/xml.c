/* Parts of workbooks: see xml.h. */
#include "decode/xml.h"

#include "base/sentence.h"
#include "decode/tags.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP ((size_t)64 * 1024) /* fed to expat at once */
#define DEPTH_MAX 256
#define TOKEN_MAX ((int64_t)4 << 20) /* bytes of one tag with attributes */

struct decode_xml {
	struct decode_tags *tags; /* NULL: expat has it */
	XML_Parser parser;
	int64_t skip;	  /* starts and ends that have been told already */
	size_t skip_text; /* and bytes of text behind them */
	bool halt;	  /* a handler pauses or stops */

	const struct decode_bytes *bytes;
	const struct decode_members *members;
	struct decode_archive *archive;
	const struct decode_xml_handlers *handlers;
	void *ctx;
	const struct decode_member *part;
	struct error error; /* of a handler, if it failed */
	int depth;
	int64_t given; /* bytes, to be read */
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
	xml->halt = true;
	if (xml->parser)
		xml->paused =
			XML_StopParser(xml->parser, XML_TRUE) == XML_STATUS_OK;
}

void
decode_xml_stop(struct decode_xml *xml, int code, const char *text)
{
	if (xml->error.code)
		return;
	error_set(&xml->error, code, "%s", text);
	xml->halt = true;
	if (xml->parser)
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
	if (xml->skip) {
		xml->skip--;
		return;
	}
	xml->skip_text = 0;
	xml->handlers->start(xml->ctx, local_name(name), attributes);
}

static void
on_end(void *ctx, const char *name)
{
	struct decode_xml *xml = ctx;

	xml->depth--;
	if (xml->skip) {
		xml->skip--;
		return;
	}
	xml->skip_text = 0;
	xml->handlers->end(xml->ctx, local_name(name));
}

static void
on_text(void *ctx, const char *p, int n)
{
	struct decode_xml *xml = ctx;
	size_t told = xml->skip_text < (size_t)n ? xml->skip_text : (size_t)n;

	if (xml->skip)
		return;
	xml->skip_text -= told;
	if ((size_t)n > told)
		xml->handlers->text(xml->ctx, p + told, (size_t)n - told);
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

static int
open_part(struct decode_xml *xml, struct error *err)
{
	int rc;

	decode_archive_close(xml->archive);
	xml->archive = NULL;
	xml->given = 0;
	xml->left = 0;
	xml->ended = false;
	rc = decode_archive_open(xml->bytes, DECODE_PACKED_ZIP, &xml->archive,
				 err);
	return rc ? rc : find_part(xml, xml->members, err);
}

/* Expat begins from the start; the handlers hear no more of what they know. */
static int
go_on_by_expat(struct decode_xml *xml, struct error *err)
{
	if (xml->tags) {
		xml->skip = xml->tags->events;
		xml->skip_text = xml->tags->text;
		decode_tags_release(xml->tags);
		free(xml->tags);
		xml->tags = NULL;
	}
	xml->parser = XML_ParserCreate(NULL);
	if (!xml->parser)
		return error_nomem(err);
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, on_start, on_end);
	if (xml->handlers->text)
		XML_SetCharacterDataHandler(xml->parser, on_text);
	XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
	return open_part(xml, err);
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
	xml->bytes = bytes;
	xml->members = members;
	if (handlers->by_expat) {
		rc = go_on_by_expat(xml, err);
	} else {
		xml->tags = calloc(1, sizeof(*xml->tags));
		rc = xml->tags ? open_part(xml, err) : error_nomem(err);
	}
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
	if (xml->tags)
		decode_tags_release(xml->tags);
	free(xml->tags);
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

/* The next bytes of the part, at 'block'; none: xml->ended. */
static int
read_block(struct decode_xml *xml, size_t most, size_t *ret, struct error *err)
{
	if (!xml->left) {
		ssize_t got =
			decode_archive_block(xml->archive, &xml->block, err);

		if (got < 0)
			return (int)got;
		xml->left = (size_t)got;
	}
	*ret = xml->left < most ? xml->left : most;
	xml->left -= *ret;
	xml->ended = !*ret;
	xml->given += (int64_t)*ret;
	if (xml->given > xml->part->size)
		return sentence_error(err, ERR_INVALID, MSG_XML_LARGER,
				      "%.100s", xml->part->name);
	return 0;
}

static int
feed_expat(struct decode_xml *xml, enum XML_Status *ret, struct error *err)
{
	size_t n;
	int rc = read_block(xml, STEP, &n, err);

	if (rc)
		return rc;
	*ret = XML_Parse(xml->parser, xml->block, (int)n, !n);
	if (n)
		xml->block += n;
	if (xml->given - XML_GetCurrentByteIndex(xml->parser) > TOKEN_MAX)
		return sentence_error(err, ERR_INVALID, MSG_XML_TOKEN,
				      "%.100s" AND "%lld", xml->part->name,
				      (long long)TOKEN_MAX);
	return 0;
}

/* 1 paused, 0 at the end; 2: the rest is for expat. */
static int
run_tags(struct decode_xml *xml, struct error *err)
{
	for (;;) {
		enum decode_tags_end end = DECODE_TAGS_MORE;
		size_t n;
		int rc;

		xml->halt = false;
		end = decode_tags_run(xml->tags, xml->handlers, xml->ctx,
				      &xml->halt);
		if (xml->error.code)
			return error_set(err, xml->error.code, "%s",
					 xml->error.text);
		if (end == DECODE_TAGS_NOMEM)
			return error_nomem(err);
		if (end != DECODE_TAGS_MORE)
			return end == DECODE_TAGS_STOPPED ? 1 : 2;
		if (xml->ended)
			return decode_tags_is_whole(xml->tags) ? 0 : 2;
		if (xml->tags->end - xml->tags->at > TOKEN_MAX)
			return 2;
		rc = read_block(xml, SIZE_MAX, &n, err);
		if (!rc && n && decode_tags_add(xml->tags, xml->block, n))
			rc = error_nomem(err);
		if (rc)
			return rc;
	}
}

static int
run_expat(struct decode_xml *xml, struct error *err)
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
			rc = feed_expat(xml, &status, err);
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
decode_xml_run(struct decode_xml *xml, struct error *err)
{
	if (xml->tags) {
		int rc = run_tags(xml, err);

		if (rc != 2)
			return rc;
		rc = go_on_by_expat(xml, err);
		if (rc)
			return rc;
	}
	return run_expat(xml, err);
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

/* The strict line reader: see reader.h. */
#include "config/reader.h"

#include "base/scope.h"
#include "base/text.h"

#include <ini.h>
#include <utf8proc.h>

/* What the indented lines below belong to. */
enum below {
	BELOW_NOTHING,
	BELOW_KEY,   /* they continue the value of the last key */
	BELOW_FAULTY /* they continue a line that was refused */
};

struct reader {
	struct config_arena *arena;
	struct config_report *report;
	struct config_doc *doc;
	struct slice rest; /* lines still to come */
	struct config_place place;
	enum below below;
	bool skip; /* the section's header was refused: so are its keys */
	/* The line that inih is parsing: it may cut these, so the handler
	 * takes them from here. */
	const char *key;
	bool continues;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
trim(struct slice s)
{
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* A comment goes from a blank and ';' to the end; '#' only begins one at the
 * start of a line. */
static struct slice
without_comment(struct slice s)
{
	if (s.n && (s.p[0] == ';' || s.p[0] == '#'))
		return SLICE_NONE;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == ';' && is_blank(s.p[i - 1])) {
			s.n = i;
			break;
		}
	}
	return s;
}

/* One blank between words. */
static const char *
squeezed(struct config_arena *arena, struct slice s)
{
	char text[CONFIG_LINE_MAX + 1];
	size_t n = 0;

	s = trim(s);
	for (size_t i = 0; i < s.n; i++) {
		if (!is_blank(s.p[i]))
			text[n++] = s.p[i];
		else if (!is_blank(s.p[i - 1]))
			text[n++] = ' ';
	}
	return config_arena_text(arena, (struct slice){text, n});
}

static const char *
composed(struct reader *r, struct slice s)
{
	scope_free utf8proc_uint8_t *nfc = NULL;
	const char *text = config_arena_text(r->arena, s);

	nfc = utf8proc_NFC((const utf8proc_uint8_t *)text);
	if (!nfc) {
		r->arena->nomem = true;
		return "";
	}
	if (strcmp(text, (const char *)nfc) == 0)
		return text;
	return config_arena_text(r->arena, slice_str((const char *)nfc));
}

static bool
is_merge_marker(struct slice s)
{
	static const char marks[] = "<=>|";

	if (s.n < 7 || !strchr(marks, s.p[0]) || (s.n > 7 && s.p[7] != ' '))
		return false;
	for (size_t i = 1; i < 7; i++) {
		if (s.p[i] != s.p[0])
			return false;
	}
	return true;
}

/* What no line may be, whatever it says. */
static bool
check_line(struct reader *r, struct slice line)
{
	size_t at;

	if (line.n > CONFIG_LINE_MAX) {
		config_error(r->report, r->place,
			     "the line has %zu bytes, at most %d are read; go "
			     "on with an indented line below, or shorten it",
			     line.n, CONFIG_LINE_MAX);
		return false;
	}
	if (!text_is_utf8(line, &at)) {
		config_error(r->report, r->place,
			     "byte %zu of the line is not UTF-8; save the file "
			     "as UTF-8",
			     at + 1);
		return false;
	}
	for (at = 0; at < line.n; at++) {
		unsigned char c = (unsigned char)line.p[at];

		if ((c >= 0x20 && c != 0x7f) || c == '\t')
			continue;
		config_error(r->report, r->place,
			     "control character 0x%02x at byte %zu; remove it",
			     c, at + 1);
		return false;
	}
	if (is_merge_marker(line)) {
		config_error(r->report, r->place,
			     "a merge was not finished: '%.7s'; choose one of "
			     "the two texts and remove the markers",
			     line.p);
		return false;
	}
	return true;
}

static struct config_section *
last_section(struct reader *r)
{
	return r->doc->nsections ? &r->doc->sections[r->doc->nsections - 1]
				 : NULL;
}

static void
add_section(struct reader *r, struct slice inside)
{
	struct config_section *sections, *s;
	const char *blank;

	sections = config_arena_grow(r->arena, r->doc->sections,
				     r->doc->nsections, sizeof(*sections));
	if (!sections)
		return;
	r->doc->sections = sections;
	s = &sections[r->doc->nsections++];
	*s = (struct config_section){.place = r->place};
	s->name = composed(r, slice_str(squeezed(r->arena, inside)));
	blank = strchr(s->name, ' ');
	s->kind = blank ? config_arena_text(
				  r->arena,
				  (struct slice){s->name,
						 (size_t)(blank - s->name)})
			: s->name;
	s->argument = blank ? blank + 1 : "";
}

/* A header: '[', a name, ']', nothing else. */
static void
read_section(struct reader *r, struct slice line)
{
	const char *close = memchr(line.p, ']', line.n);
	struct slice inside;

	r->below = BELOW_NOTHING;
	r->skip = true;
	if (!close) {
		config_error(r->report, r->place,
			     "']' is missing after '%.*s'; the keys below "
			     "would go to another section",
			     (int)line.n, line.p);
		return;
	}
	if (close != line.p + line.n - 1) {
		config_error(r->report, r->place,
			     "text after ']'; a section's name stands alone on "
			     "its line");
		return;
	}
	inside = trim((struct slice){line.p + 1, line.n - 2});
	if (inside.n == 0 || memchr(inside.p, '[', inside.n)) {
		config_error(r->report, r->place,
			     "'%.*s' names no section; write [platform], for "
			     "example",
			     (int)line.n, line.p);
		return;
	}
	r->skip = false;
	add_section(r, inside);
}

/* 'key = value': true when inih shall read it. */
static bool
read_pair(struct reader *r, struct slice line)
{
	const char *equals = memchr(line.p, '=', line.n);
	struct slice key;

	r->below = BELOW_FAULTY;
	if (r->skip)
		return false;
	if (!equals) {
		config_error(r->report, r->place,
			     "no '=' in '%.*s'; write 'key = value', or indent "
			     "the line if it continues the value above",
			     (int)line.n, line.p);
		return false;
	}
	key = trim((struct slice){line.p, (size_t)(equals - line.p)});
	if (key.n == 0) {
		config_error(r->report, r->place,
			     "no key before '='; write 'key = value'");
		return false;
	}
	if (memchr(key.p, ':', key.n)) {
		config_error(r->report, r->place,
			     "':' in the key '%.*s'; only '=' separates a key "
			     "from its value",
			     (int)key.n, key.p);
		return false;
	}
	if (!r->doc->nsections) {
		config_error(r->report, r->place,
			     "the key '%.*s' stands before the first section; "
			     "put a section such as [platform] above it",
			     (int)key.n, key.p);
		return false;
	}
	r->below = BELOW_KEY;
	r->continues = false;
	r->key = composed(r, key);
	return true;
}

/* An indented line: true when inih shall read it. */
static bool
read_indented(struct reader *r)
{
	r->continues = true;
	if (r->below == BELOW_NOTHING && !r->skip)
		config_error(r->report, r->place,
			     "an indented line that continues no value; remove "
			     "the blanks before it, or put it directly below "
			     "its key");
	return r->below == BELOW_KEY;
}

/*
 * Takes the next line off the file and writes what inih shall make of it: a
 * section, a pair, or an empty line for everything else. A continuation line
 * goes as '=text', because inih would drop one that begins with '#'.
 */
static void
next_line(struct reader *r, struct slice line, char *out, size_t size)
{
	struct slice text = trim(without_comment(line));
	bool indented = line.n && is_blank(line.p[0]);

	snprintf(out, size, "\n");
	if (text.n == 0) {
		/* An indented comment is an empty continuation. */
		if (!indented || trim(line).n == 0)
			r->below = BELOW_NOTHING;
	} else if (indented) {
		if (read_indented(r))
			snprintf(out, size, "=%.*s", (int)text.n, text.p);
	} else if (text.p[0] == '[') {
		read_section(r, text);
		if (!r->skip)
			snprintf(out, size, "[s]");
	} else if (read_pair(r, text)) {
		snprintf(out, size, "%.*s", (int)text.n, text.p);
	}
}

/* inih's reader: one line at most 'num - 1' bytes long; NULL at the end. */
static char *
give_line(char *out, int num, void *stream)
{
	struct reader *r = stream;
	struct slice line;
	const char *end;

	if (r->rest.n == 0)
		return NULL;
	r->place.line++;
	end = memchr(r->rest.p, '\n', r->rest.n);
	line = (struct slice){r->rest.p,
			      end ? (size_t)(end - r->rest.p) : r->rest.n};
	r->rest.p += line.n + (end != NULL);
	r->rest.n -= line.n + (end != NULL);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (check_line(r, line)) {
		next_line(r, line, out, (size_t)num);
	} else {
		snprintf(out, (size_t)num, "\n");
		r->below = BELOW_FAULTY;
		/* a refused header must not lend its keys to the one above */
		if (line.n && line.p[0] == '[')
			r->skip = true;
	}
	return out;
}

static void
continue_value(struct reader *r, struct config_entry *e, const char *value)
{
	struct config_continuation *continued = config_arena_grow(
		r->arena, e->continued, e->ncontinued, sizeof(*continued));

	if (!continued)
		return;
	value = composed(r, slice_str(value));
	e->continued = continued;
	continued[e->ncontinued++] = (struct config_continuation){
		*e->value ? strlen(e->value) + 1 : 0, r->place.line};
	e->value = *e->value ? config_arena_printf(r->arena, "%s %s", e->value,
						   value)
			     : value;
}

int
config_entry_line(const struct config_entry *e, size_t at)
{
	size_t i = e->ncontinued;

	while (i > 0 && e->continued[i - 1].at > at)
		i--;
	return i ? e->continued[i - 1].line : e->place.line;
}

/* inih's handler: its section and name may be cut, its value is whole. */
static int
take_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;
	struct config_section *s = last_section(r);
	struct config_entry *entries;

	(void)section;
	(void)name;
	if (!s)
		return 0;
	if (r->continues && s->nentries) {
		continue_value(r, &s->entries[s->nentries - 1], value);
		return 1;
	}
	entries = config_arena_grow(r->arena, s->entries, s->nentries,
				    sizeof(*entries));
	if (!entries)
		return 0;
	s->entries = entries;
	entries[s->nentries++] =
		(struct config_entry){.key = r->key,
				      .value = composed(r, slice_str(value)),
				      .place = r->place};
	return 1;
}

static int
line_of(struct slice bytes, const char *at)
{
	int line = 1;

	for (const char *p = bytes.p; p < at; p++)
		line += *p == '\n';
	return line;
}

static const char *
find_lone_cr(struct slice s)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p && p < end && (p = memchr(p, '\r', (size_t)(end - p)))) {
		if (p + 1 == end || p[1] != '\n')
			return p;
		p++;
	}
	return NULL;
}

/* What makes a file no text at all; nothing of it is read then. */
static bool
check_file(struct reader *r, struct slice bytes)
{
	const char *at;

	r->place.line = 1;
	if (slice_starts(bytes, SLICE("\xff\xfe")) ||
	    slice_starts(bytes, SLICE("\xfe\xff"))) {
		config_error(r->report, r->place,
			     "the file is UTF-16; save it as UTF-8");
		return false;
	}
	at = bytes.n ? memchr(bytes.p, '\0', bytes.n) : NULL;
	if (at) {
		r->place.line = line_of(bytes, at);
		config_error(r->report, r->place,
			     "a NUL byte; save the file as plain text in "
			     "UTF-8");
		return false;
	}
	at = find_lone_cr(bytes);
	if (at) {
		r->place.line = line_of(bytes, at);
		config_error(r->report, r->place,
			     "a line ends with CR alone; save the file with "
			     "the line ends of Unix (LF) or Windows (CRLF)");
		return false;
	}
	return true;
}

int
config_read(struct config_arena *arena, struct config_report *report,
	    const char *file, struct slice bytes, struct config_doc *ret)
{
	struct config_doc doc = {
		.file = config_arena_text(arena, slice_str(file))};
	struct reader r = {.arena = arena,
			   .report = report,
			   .doc = &doc,
			   .place = {doc.file, 0}};
	size_t errors = report->nerrors;

	if (check_file(&r, bytes)) {
		if (slice_starts(bytes, SLICE("\xef\xbb\xbf"))) {
			bytes.p += 3;
			bytes.n -= 3;
		}
		r.rest = bytes;
		r.place.line = 0;
		if (ini_parse_stream(give_line, &r, take_pair, &r) &&
		    !arena->nomem)
			config_error(report, r.place,
				     "the line is no configuration");
	}
	if (arena->nomem || report->nomem)
		return ERR_NOMEM;
	if (!doc.nsections && report->nerrors == errors)
		config_error(report, (struct config_place){doc.file, 1},
			     "the file has no section; fill it, or give it a "
			     "name that does not end in .ini");
	*ret = doc;
	return 0;
}

/* Canonical print and reading it again: see roundtrip.h. */
#include "tests/unit/config/roundtrip.h"

#include "base/scope.h"
#include "config/reader.h"

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

struct read {
	struct config_arena arena;
	struct config_problems problems;
	struct config_doc doc;
};

static void
release(struct read *r)
{
	config_arena_release(&r->arena);
	config_problems_release(&r->problems);
}

static void
read_bytes(struct read *r, const void *bytes, size_t n)
{
	struct config_report report = {.problems = &r->problems};
	struct slice s = {n ? bytes : NULL, n};

	MUST(config_read(&r->arena, &report, "f", s, &r->doc) == 0);
	MUST((report.nerrors == 0) == (r->problems.n == 0));
}

/* A value may go on below at every single blank, and must where the line
 * would be too long; it does not begin with a blank and ';'. */
static void
print_value(struct buf *out, const char *value, size_t used)
{
	while (*value) {
		size_t n = 0;

		do
			n++;
		while (value[n] &&
		       !(value[n] == ' ' && value[n - 1] != ' ' &&
			 value[n - 1] != '\t' && value[n + 1] != ' ' &&
			 value[n + 1] != '\t'));
		if (used + n > CONFIG_LINE_MAX) {
			MUST(buf_adds(out, "\n\t") == 0);
			used = 1;
			if (*value == ' ') {
				value++;
				n--;
			}
		}
		MUST(buf_add(out, value, n) == 0);
		used += n;
		value += n;
	}
}

static void
print_doc(const struct config_doc *doc, struct buf *out)
{
	for (size_t i = 0; i < doc->nsections; i++) {
		const struct config_section *s = &doc->sections[i];

		MUST(buf_addf(out, "[%s]\n", s->name) == 0);
		for (size_t k = 0; k < s->nentries; k++) {
			const struct config_entry *e = &s->entries[k];

			MUST(buf_addf(out, "%s=", e->key) == 0);
			print_value(out, e->value, strlen(e->key) + 1);
			MUST(buf_addc(out, '\n') == 0);
		}
	}
}

static void
compare(const struct config_doc *a, const struct config_doc *b)
{
	MUST(a->nsections == b->nsections);
	for (size_t i = 0; i < a->nsections; i++) {
		const struct config_section *s = &a->sections[i];
		const struct config_section *t = &b->sections[i];

		MUST(strcmp(s->name, t->name) == 0);
		MUST(strcmp(s->kind, t->kind) == 0);
		MUST(strcmp(s->argument, t->argument) == 0);
		MUST(s->nentries == t->nentries);
		for (size_t k = 0; k < s->nentries; k++) {
			MUST(strcmp(s->entries[k].key, t->entries[k].key) == 0);
			MUST(strcmp(s->entries[k].value, t->entries[k].value) ==
			     0);
		}
	}
}

/* NFC of a few characters is longer than they are, so that a line at the
 * limit may have no printed form; such a file only has to be read. */
static bool
is_printable(const struct buf *text)
{
	const char *p = text->data, *end = p + text->len;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf - p > CONFIG_LINE_MAX)
			return false;
		p = lf + 1;
	}
	return true;
}

void
roundtrip_check(const void *bytes, size_t n)
{
	struct read first = {0}, again = {0};
	scope_buf text = BUF_INIT;

	read_bytes(&first, bytes, n);
	if (first.problems.n == 0) {
		MUST(first.doc.nsections > 0);
		print_doc(&first.doc, &text);
		if (is_printable(&text)) {
			read_bytes(&again, text.data, text.len);
			MUST(again.problems.n == 0);
			compare(&first.doc, &again.doc);
		}
	}
	release(&first);
	release(&again);
}

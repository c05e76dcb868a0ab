/* Plain XML: see tags.h. Most of the time that a workbook takes is spent here,
 * in inflating it, and in the handlers of its cells. */
#include "decode/tags.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MOST 64 /* LibreOffice names forty namespaces */

/* ---- characters ---------------------------------------------------------- */

enum {
	NAME = 1,   /* in a name */
	BEGIN = 2,  /* at its beginning */
	SPACE = 4,  /* inside of a tag */
	ODD = 8,    /* in no text and no value: left to expat */
	BREAK = 16, /* tab and LF: in a text, but in a value expat changes
		     * them */
	ENTITY = 32,
	BRACKET = 64, /* ] may begin what no text may hold */
	HIGH = 128    /* of more than one byte */
};

#define C4(c) c, c, c, c
#define C8(c) C4(c), C4(c)
#define C16(c) C8(c), C8(c)
#define C26(c) C16(c), C8(c), c, c
#define C64(c) C16(c), C16(c), C16(c), C16(c)

static const unsigned char classes[256] = {
	/* 00 */ C8(ODD),
	ODD,
	BREAK | SPACE,
	BREAK | SPACE,
	ODD,
	ODD,
	ODD | SPACE,
	ODD,
	ODD,
	/* 10 */ C16(ODD),
	/* 20 */ SPACE,
	0,
	0,
	0,
	0,
	0,
	ENTITY,
	0,
	0,
	0,
	0,
	0,
	0,
	NAME,
	NAME,
	0,
	/* 30 */ C8(NAME),
	NAME,
	NAME,
	0,
	0,
	ODD,
	0,
	0,
	0,
	/* 40 */ 0,
	C26(NAME | BEGIN),
	0,
	0,
	BRACKET,
	0,
	NAME | BEGIN,
	/* 60 */ 0,
	C26(NAME | BEGIN),
	0,
	0,
	0,
	0,
	0,
	/* 80 */ C64(HIGH),
	C64(HIGH)};

static unsigned int
class_of(const char *p)
{
	return classes[(unsigned char)*p];
}

/* The characters of XML: all of UTF-8 but U+FFFE and U+FFFF. */
static bool
is_text(const char *p, size_t n)
{
	return text_is_utf8((struct slice){p, n}, NULL) &&
	       !memmem(p, n, "\xef\xbf\xbe", 3) &&
	       !memmem(p, n, "\xef\xbf\xbf", 3);
}

static const struct {
	const char *name;
	size_t n;
	char is;
} entities[] = {
	{"&amp;", 5, '&'},  {"&lt;", 4, '<'},	 {"&gt;", 4, '>'},
	{"&quot;", 6, '"'}, {"&apos;", 6, '\''},
};

/* The character of the entity at 'p', of which 'left' bytes are there; 0. */
static char
entity(const char *p, size_t left, size_t *ret_n)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
		*ret_n = entities[i].n;
		if (left >= *ret_n && !memcmp(p, entities[i].name, *ret_n))
			return entities[i].is;
	}
	return '\0';
}

/* ---- tags ---------------------------------------------------------------- */

/* One tag while it is read: nothing is changed before all of it is there. */
struct tag {
	char *name, *local; /* behind its prefix */
	char *name_end;
	char *next; /* behind the tag */
	bool empty; /* <a/> */
	size_t n;   /* attributes */
	char *names[ATTRIBUTES_MOST], *name_ends[ATTRIBUTES_MOST];
	char *values[ATTRIBUTES_MOST], *value_ends[ATTRIBUTES_MOST];
	unsigned int in_value[ATTRIBUTES_MOST]; /* classes that occur */
};

/* Between two tokens: 'p' has reached the end of what is there, or something
 * that is not expected. */
static enum decode_tags_end
stuck(const struct decode_tags *t, const char *p)
{
	return p >= t->data + t->end ? DECODE_TAGS_MORE : DECODE_TAGS_UNUSUAL;
}

/* A name, and where what is behind its prefix begins. */
static char *
skip_name(char *p, char **ret_local)
{
	*ret_local = p;
	while (class_of(p) & NAME)
		p++;
	if (*p != ':')
		return p;
	*ret_local = ++p;
	if (!(class_of(p) & BEGIN))
		return p;
	while (class_of(p) & NAME)
		p++;
	return p;
}

static bool
is_repeated(const struct tag *g, size_t i)
{
	size_t n = (size_t)(g->name_ends[i] - g->names[i]);

	for (size_t k = 0; k < i; k++) {
		if (*g->names[k] == *g->names[i] &&
		    (size_t)(g->name_ends[k] - g->names[k]) == n &&
		    !memcmp(g->names[k], g->names[i], n))
			return true;
	}
	return false;
}

/* name="value"; 0 is good. */
static enum decode_tags_end
read_attribute(const struct decode_tags *t, struct tag *g, char **at)
{
	char *p = *at, *local, quote;
	unsigned int seen = 0;

	if (g->n == ATTRIBUTES_MOST || !(class_of(p) & BEGIN))
		return stuck(t, p);
	g->names[g->n] = p;
	p = skip_name(p, &local);
	g->name_ends[g->n] = p;
	if (*p != '=')
		return stuck(t, p);
	quote = *++p;
	if (quote != '"' && quote != '\'')
		return stuck(t, p);
	g->values[g->n] = ++p;
	while (*p && *p != quote)
		seen |= class_of(p++);
	if (*p != quote)
		return stuck(t, p);
	g->value_ends[g->n] = p;
	g->in_value[g->n] = seen;
	if (seen & (ODD | BREAK) || is_repeated(g, g->n))
		return DECODE_TAGS_UNUSUAL;
	g->n++;
	*at = p + 1;
	return DECODE_TAGS_STOPPED;
}

/* From '<' on. STOPPED: it is whole and good. */
static enum decode_tags_end
read_tag(const struct decode_tags *t, char *p, struct tag *ret)
{
	ret->name = ++p;
	ret->empty = false;
	ret->n = 0;
	if (!(class_of(p) & BEGIN))
		return stuck(t, p);
	p = ret->name_end = skip_name(p, &ret->local);
	for (;;) {
		bool spaced = class_of(p) & SPACE;
		enum decode_tags_end rc;

		while (class_of(p) & SPACE)
			p++;
		if (*p == '/') {
			ret->empty = true;
			p++;
		}
		if (*p == '>')
			break;
		if (ret->empty || !spaced)
			return stuck(t, p);
		rc = read_attribute(t, ret, &p);
		if (rc != DECODE_TAGS_STOPPED)
			return rc;
	}
	ret->next = p + 1;
	return DECODE_TAGS_STOPPED;
}

/* Ends a value where it stands; no entity is shorter than its character. */
static bool
finish_value(char *p, char **end, unsigned int seen)
{
	char *to = p;

	if (seen & HIGH && !is_text(p, (size_t)(*end - p)))
		return false;
	while (seen & ENTITY && p < *end) {
		size_t n = 1;
		char c = *p == '&' ? entity(p, (size_t)(*end - p), &n) : *p;

		if (!c)
			return false;
		*to++ = c;
		p += n;
	}
	if (seen & ENTITY)
		*end = to;
	**end = '\0';
	return true;
}

static bool
finish_values(struct tag *g,
	      const char *attributes[static 2 * ATTRIBUTES_MOST + 1])
{
	for (size_t i = 0; i < g->n; i++) {
		if (!finish_value(g->values[i], &g->value_ends[i],
				  g->in_value[i]))
			return false;
		*g->name_ends[i] = '\0';
		attributes[2 * i] = g->names[i];
		attributes[2 * i + 1] = g->values[i];
	}
	attributes[2 * g->n] = NULL;
	return true;
}

/* ---- elements ------------------------------------------------------------ */

static enum decode_tags_end
start(struct decode_tags *t, const struct decode_xml_handlers *handlers,
      void *ctx)
{
	const char *attributes[2 * ATTRIBUTES_MOST + 1];
	size_t length;
	struct tag g;
	enum decode_tags_end rc = read_tag(t, t->data + t->at, &g);

	if (rc != DECODE_TAGS_STOPPED)
		return rc;
	/* a second outermost element, or one that is too deep */
	if ((t->begun && !t->depth) || t->depth == DECODE_TAGS_DEPTH ||
	    !finish_values(&g, attributes))
		return DECODE_TAGS_UNUSUAL;
	length = (size_t)(g.name_end - g.name);
	if (!g.empty) {
		t->names[t->depth++] = t->open.len;
		if (buf_add(&t->open, g.name, length))
			return DECODE_TAGS_NOMEM;
	}
	*g.name_end = '\0';
	t->begun = true;
	t->at = (size_t)(g.next - t->data);
	t->events += 1 + g.empty;
	t->text = 0;
	handlers->start(ctx, g.local, attributes);
	if (g.empty)
		handlers->end(ctx, g.local);
	return DECODE_TAGS_STOPPED;
}

static enum decode_tags_end
end(struct decode_tags *t, const struct decode_xml_handlers *handlers,
    void *ctx)
{
	char *name = t->data + t->at + 2, *local, *p;
	struct slice open;

	if (!t->depth)
		return DECODE_TAGS_UNUSUAL;
	open.p = t->open.data + t->names[t->depth - 1];
	open.n = t->open.len - t->names[t->depth - 1];
	p = skip_name(name, &local);
	if (*p != '>')
		return stuck(t, p);
	if ((size_t)(p - name) != open.n || *name != *open.p ||
	    (open.n > 1 && memcmp(name, open.p, open.n) != 0))
		return DECODE_TAGS_UNUSUAL;
	*p = '\0';
	t->open.len -= open.n;
	t->depth--;
	t->at = (size_t)(p + 1 - t->data);
	t->events++;
	t->text = 0;
	handlers->end(ctx, local);
	return DECODE_TAGS_STOPPED;
}

/* ---- texts --------------------------------------------------------------- */

static enum decode_tags_end
plain_text(struct decode_tags *t, struct slice *text)
{
	struct slice rest = *text;

	buf_clear(&t->plain);
	while (rest.n) {
		const char *amp = memchr(rest.p, '&', rest.n);
		size_t before = amp ? (size_t)(amp - rest.p) : rest.n;
		size_t n = 0;
		char c;

		if (buf_add(&t->plain, rest.p, before))
			return DECODE_TAGS_NOMEM;
		rest.p += before;
		rest.n -= before;
		if (!rest.n)
			break;
		c = entity(rest.p, rest.n, &n);
		if (!c)
			return DECODE_TAGS_UNUSUAL;
		if (buf_addc(&t->plain, c))
			return DECODE_TAGS_NOMEM;
		rest.p += n;
		rest.n -= n;
	}
	*text = buf_slice(&t->plain);
	return DECODE_TAGS_STOPPED;
}

/* Up to the next tag. */
static enum decode_tags_end
text(struct decode_tags *t, const struct decode_xml_handlers *handlers,
     void *ctx)
{
	char *p = t->data + t->at;
	struct slice all = {p, 0};
	unsigned int seen = 0;

	while (*p && *p != '<')
		seen |= class_of(p++);
	if (*p != '<')
		return stuck(t, p);
	all.n = (size_t)(p - all.p);
	if (!t->depth) {
		/* outside of all elements there is nothing but space */
		for (size_t i = 0; i < all.n; i++) {
			if (!(class_of(all.p + i) & SPACE))
				return DECODE_TAGS_UNUSUAL;
		}
		t->at += all.n;
		return DECODE_TAGS_STOPPED;
	}
	if (seen & ODD || (seen & HIGH && !is_text(all.p, all.n)) ||
	    (seen & BRACKET && memmem(all.p, all.n, "]]>", 3)))
		return DECODE_TAGS_UNUSUAL;
	if (seen & ENTITY) {
		enum decode_tags_end rc = plain_text(t, &all);

		if (rc != DECODE_TAGS_STOPPED)
			return rc;
	}
	t->at = (size_t)(p - t->data);
	t->text = all.n;
	if (handlers->text)
		handlers->text(ctx, all.p, all.n);
	return DECODE_TAGS_STOPPED;
}

/* ---- all ----------------------------------------------------------------- */

/* How programs begin their parts; any other way is expat's. */
static const char *const beginnings[] = {
	"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>",
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
	"<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>",
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>",
	"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>",
	"<?xml version='1.0' encoding='UTF-8'?>",
	"<?xml version=\"1.0\"?>",
};

static enum decode_tags_end
declaration(struct decode_tags *t)
{
	const char *p = t->data + t->at;
	size_t left = t->end - t->at;

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		size_t n = strlen(beginnings[i]);

		if (left >= n && !memcmp(p, beginnings[i], n)) {
			t->at += n;
			return DECODE_TAGS_STOPPED;
		}
	}
	return DECODE_TAGS_UNUSUAL;
}

/* The next thing; STOPPED when there was one. */
static enum decode_tags_end
next(struct decode_tags *t, const struct decode_xml_handlers *handlers,
     void *ctx)
{
	const char *p;

	if (t->at == t->end)
		return DECODE_TAGS_MORE;
	p = t->data + t->at;
	if (*p != '<') {
		t->any = true;
		return text(t, handlers, ctx);
	}
	if (t->end - t->at < 2)
		return DECODE_TAGS_MORE;
	if (p[1] == '/')
		return end(t, handlers, ctx);
	/* at the very beginning, all of it, or nowhere */
	if (!t->any && p[1] == '?') {
		t->any = true;
		return declaration(t);
	}
	t->any = true;
	return start(t, handlers, ctx);
}

enum decode_tags_end
decode_tags_run(struct decode_tags *t,
		const struct decode_xml_handlers *handlers, void *ctx,
		const bool *stop)
{
	enum decode_tags_end rc;

	do
		rc = next(t, handlers, ctx);
	while (rc == DECODE_TAGS_STOPPED && !*stop);
	return rc;
}

bool
decode_tags_is_whole(const struct decode_tags *t)
{
	const char *p;

	if (!t->begun || t->depth)
		return false;
	p = t->data + t->at;
	while (class_of(p) & SPACE)
		p++;
	return p == t->data + t->end;
}

int
decode_tags_add(struct decode_tags *t, const char *p, size_t n)
{
	size_t left = t->end - t->at;

	if (left + n + 1 > t->cap) {
		size_t cap = 2 * (left + n + 1);
		char *more = malloc(cap);

		if (!more)
			return ERR_NOMEM;
		if (left)
			memcpy(more, t->data + t->at, left);
		free(t->data);
		t->data = more;
		t->cap = cap;
	} else {
		memmove(t->data, t->data + t->at, left);
	}
	memcpy(t->data + left, p, n);
	t->at = 0;
	t->end = left + n;
	t->data[t->end] = '\0';
	return 0;
}

void
decode_tags_release(struct decode_tags *t)
{
	free(t->data);
	buf_release(&t->open);
	buf_release(&t->plain);
}

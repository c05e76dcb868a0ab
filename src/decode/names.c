/* The names of columns: see names.h. */
#include "decode/names.h"

#include "base/scope.h"
#include "base/text.h"

#include <stdint.h>
#include <utf8proc.h>

/* Longer labels name nothing: a title has one line of the configuration. */
#define LABEL_MAX 4096

struct name {
	char *id;    /* in NFC */
	char *title; /* in NFC, "" none */
};

struct decode_names {
	bool change; /* 'change' is a name of its own */
	size_t n;
	struct name *names;
};

static const struct slice blanks[] = {
	{" ", 1},  {"\t", 1},	    {"\r", 1},
	{"\n", 1}, {"\xc2\xa0", 2}, {"\xe3\x80\x80", 3},
};

static size_t
blank_at_front(struct slice s)
{
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		if (slice_starts(s, blanks[i]))
			return blanks[i].n;
	}
	return 0;
}

static size_t
blank_at_back(struct slice s)
{
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		size_t n = blanks[i].n;

		if (s.n >= n && !memcmp(s.p + s.n - n, blanks[i].p, n))
			return n;
	}
	return 0;
}

/* The first and the last bytes of blanks: most texts have neither. */
static bool
may_trim(struct slice s)
{
	unsigned char first = (unsigned char)s.p[0];
	unsigned char last = (unsigned char)s.p[s.n - 1];

	return first <= ' ' || first == 0xc2 || first == 0xe3 || last <= ' ' ||
	       last == 0xa0 || last == 0x80;
}

struct slice
decode_names_trim(struct slice label)
{
	size_t n;

	if (!label.n || !may_trim(label))
		return label;
	while ((n = blank_at_front(label)))
		label = (struct slice){label.p + n, label.n - n};
	while ((n = blank_at_back(label)))
		label.n -= n;
	return label;
}

/* Trimmed and in NFC, on the heap; NULL without memory. What is not UTF-8
 * stays as it is: it names nothing. */
static char *
normal_form(struct slice label)
{
	utf8proc_uint8_t *made = NULL;
	utf8proc_ssize_t n;

	label = decode_names_trim(label);
	if (text_ascii_run(label) == label.n)
		return strndup(label.n ? label.p : "", label.n);
	n = utf8proc_map((const utf8proc_uint8_t *)label.p,
			 (utf8proc_ssize_t)label.n, &made,
			 UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n == UTF8PROC_ERROR_NOMEM)
		return NULL;
	return n < 0 ? strndup(label.p, label.n) : (char *)made;
}

int
decode_names_new(const struct decode_request *req, struct decode_names **ret,
		 struct error *err)
{
	scope_names names = calloc(1, sizeof(*names));

	if (!names)
		return error_nomem(err);
	names->change = req->change_allowed;
	names->names = calloc(req->nlabels + 1, sizeof(*names->names));
	if (!names->names)
		return error_nomem(err);
	for (; names->n < req->nlabels; names->n++) {
		const struct decode_label *label = &req->labels[names->n];
		struct name *name = &names->names[names->n];

		name->id = normal_form(slice_str(label->id));
		name->title = normal_form(slice_str(label->title));
		if (!name->id || !name->title) {
			names->n++;
			return error_nomem(err);
		}
	}
	*ret = names;
	names = NULL;
	return 0;
}

void
decode_names_free(struct decode_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n; i++) {
		free(names->names[i].id);
		free(names->names[i].title);
	}
	free(names->names);
	free(names);
}

static int
find_normal(const struct decode_names *names, const char *label)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!strcmp(names->names[i].id, label))
			return (int)i;
	}
	for (size_t i = 0; i < names->n; i++) {
		if (!strcmp(names->names[i].title, label))
			return (int)i;
	}
	if (names->change && !strcmp(label, "change"))
		return DECODE_CHANGE;
	return DECODE_EXTRA;
}

int
decode_names_find(const struct decode_names *names, struct slice label,
		  int *ret, struct error *err)
{
	scope_free char *normal = NULL;

	*ret = DECODE_EXTRA;
	label = decode_names_trim(label);
	if (!label.n || label.n > LABEL_MAX)
		return 0;
	normal = normal_form(label);
	if (!normal)
		return error_nomem(err);
	*ret = find_normal(names, normal);
	return 0;
}

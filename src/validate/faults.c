/*
 * The faults of a submission, for its receipt: the first ones by row, whatever
 * the order in which they were found (rows that clash are found late), in
 * memory that does not grow with the file.
 */
#include "validate/validate.h"

#include <stdlib.h>

#define MESSAGE_MAX 1000 /* bytes kept of a sentence */

struct validate_faults {
	struct validate_fault *kept; /* by row; each owns one block, which
				      * begins at its 'field' */
	size_t nkept, room;
	int64_t count;
};

struct validate_faults *
validate_faults_new(void)
{
	return calloc(1, sizeof(struct validate_faults));
}

static void
free_texts(struct validate_fault *fault)
{
	union {
		const char *text;
		void *block;
	} owned = {.text = fault->field};

	free(owned.block);
}

void
validate_faults_free(struct validate_faults *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nkept; i++)
		free_texts(&f->kept[i]);
	free(f->kept);
	free(f);
}

static bool
may_show(const struct config_resource *resource, const char *field)
{
	bool sensitive = false;

	if (!resource)
		return true;
	for (size_t i = 0; i < resource->nfields; i++) {
		const struct config_field *f = &resource->fields[i];
		bool hides = f->sensitivity >= CONFIG_PERSONAL;

		if (field && strcmp(f->id, field) == 0)
			return !hides;
		sensitive |= hides;
	}
	return !sensitive;
}

/* How much of a text is kept: 'max' bytes, cut between characters. */
static size_t
kept_length(struct slice s, size_t max)
{
	if (s.n <= max)
		return s.n;
	while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* Copies a text to *at, with an ellipsis when it is cut, and moves *at behind
 * its NUL. */
static struct slice
put(char **at, struct slice text, size_t max)
{
	static const char ellipsis[] = "…";
	size_t n = kept_length(text, max);
	struct slice ret = {*at, n};

	if (n)
		memcpy(*at, text.p, n);
	if (n < text.n) {
		memcpy(*at + n, ellipsis, sizeof(ellipsis) - 1);
		ret.n += sizeof(ellipsis) - 1;
	}
	(*at)[ret.n] = '\0';
	*at += ret.n + 1;
	return ret;
}

/* '*to' as a copy of 'from' that owns its texts. */
static int
copy(const struct validate_fault *from, struct slice value,
     struct validate_fault *to)
{
	const struct slice texts[] = {
		slice_str(from->field), value, slice_str(from->message),
		slice_str(from->message_zh),
		slice_str(from->member ? from->member : "")};
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		size += kept_length(texts[i], MESSAGE_MAX) + sizeof("…");
	at = malloc(size);
	if (!at)
		return ERR_NOMEM;
	*to = *from;
	to->field = put(&at, texts[0], VALIDATE_VALUE_MAX).p;
	to->value = put(&at, texts[1], VALIDATE_VALUE_MAX);
	to->message = put(&at, texts[2], MESSAGE_MAX).p;
	to->message_zh = put(&at, texts[3], MESSAGE_MAX).p;
	to->member = from->member ? put(&at, texts[4], MESSAGE_MAX).p : NULL;
	return 0;
}

static int
grow(struct validate_faults *f)
{
	size_t room = f->room ? 2 * f->room : 16;
	void *kept;

	if (f->nkept < f->room)
		return 0;
	kept = realloc(f->kept, room * sizeof(*f->kept));
	if (!kept)
		return ERR_NOMEM;
	f->kept = kept;
	f->room = room;
	return 0;
}

/* After the last kept fault of the same or an earlier row. */
static size_t
place_of(const struct validate_faults *f, int64_t row)
{
	size_t lo = 0, hi = f->nkept;

	if (hi && f->kept[hi - 1].row <= row)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->kept[mid].row <= row)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
validate_faults_add(struct validate_faults *f,
		    const struct config_resource *resource,
		    const struct validate_fault *fault)
{
	size_t at = place_of(f, fault->row);
	bool show = may_show(resource, fault->field);
	struct validate_fault kept;

	if (at < VALIDATE_KEPT) {
		if (grow(f) ||
		    copy(fault, show ? fault->value : SLICE_NONE, &kept))
			return ERR_NOMEM;
		if (f->nkept == VALIDATE_KEPT)
			free_texts(&f->kept[--f->nkept]);
		memmove(f->kept + at + 1, f->kept + at,
			(f->nkept - at) * sizeof(*f->kept));
		f->kept[at] = kept;
		f->nkept++;
	}
	f->count++;
	return 0;
}

void
validate_faults_more(struct validate_faults *f, int64_t n)
{
	f->count += n;
}

bool
validate_faults_keeps(const struct validate_faults *f, int64_t row)
{
	return place_of(f, row) < VALIDATE_KEPT;
}

int64_t
validate_faults_count(const struct validate_faults *f)
{
	return f->count;
}

size_t
validate_faults_kept(const struct validate_faults *f,
		     const struct validate_fault **ret)
{
	*ret = f->kept;
	return f->nkept;
}

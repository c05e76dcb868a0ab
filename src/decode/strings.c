/* Shared strings: see strings.h. */
#include "decode/strings.h"

#include <string.h>

#define TEXTS_KEPT ((size_t)24 << 20) /* bytes in memory */
#define ENDS_KEPT ((size_t)8 << 20)

int
decode_strings_init(struct decode_strings *s, struct decode_room *room,
		    struct error *err)
{
	int rc = decode_pool_new(room, TEXTS_KEPT, &s->texts, err);

	return rc ? rc : decode_pool_new(room, ENDS_KEPT, &s->ends, err);
}

void
decode_strings_release(struct decode_strings *s)
{
	decode_pool_free(s->texts);
	decode_pool_free(s->ends);
	buf_release(&s->last);
}

int
decode_strings_add(struct decode_strings *s, struct slice text,
		   struct error *err)
{
	int rc = decode_pool_add(s->texts, text.p, text.n, err);
	int64_t end = decode_pool_size(s->texts);

	if (!rc)
		rc = decode_pool_add(s->ends, &end, sizeof(end), err);
	s->n++;
	return rc;
}

/* Where a string begins, which is where the one before ends, and ends. */
static int
bounds_of(struct decode_strings *s, int64_t number, int64_t ret[static 2],
	  struct error *err)
{
	bool first = number == 0;
	size_t n = (first ? 1 : 2) * sizeof(*ret);
	const char *at;
	int rc = decode_pool_get(s->ends,
				 (number - !first) * (int64_t)sizeof(*ret), n,
				 (char *)(ret + first), &at, err);

	if (first)
		ret[0] = 0;
	if (!rc && at != (char *)(ret + first))
		memcpy(ret + first, at, n);
	return rc;
}

int
decode_strings_get(struct decode_strings *s, int64_t number, struct slice *ret,
		   struct error *err)
{
	int64_t bounds[2];
	int rc;

	if (number < 0 || number >= s->n)
		return 0;
	rc = bounds_of(s, number, bounds, err);
	if (rc)
		return rc;
	ret->n = (size_t)(bounds[1] - bounds[0]);
	buf_clear(&s->last);
	if (buf_reserve(&s->last, ret->n + 1))
		return error_nomem(err);
	rc = decode_pool_get(s->texts, bounds[0], ret->n, s->last.data, &ret->p,
			     err);
	return rc ? rc : 1;
}

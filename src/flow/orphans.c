/*
 * The orphans that begin. They come in the order of the rows, first those
 * without subject, then subject by subject; they are kept until all are there,
 * and stored in the order of their places.
 */
#include "flow/internal.h"

#include "base/scope.h"
#include "base/sorter.h"

#define MEMORY (2 << 20)
/* Fewer are as well off one by one, in a load. */
#define FEWEST 8

/* By theme: its place in the plan comes before that of the orphan. */
#define HEAD 2

int
flow_orphan_later(struct flow_judgement *j, size_t theme, struct slice place,
		  struct error *err)
{
	const char head[HEAD] = {(char)(theme >> 8), (char)theme};
	scope_buf key = BUF_INIT;
	int rc = j->orphans ? 0 : sorter_new(MEMORY, &j->orphans, err);

	if (rc)
		return rc;
	if (buf_add(&key, head, sizeof(head)) || buf_addslice(&key, place))
		return error_nomem(err);
	return sorter_add(j->orphans, buf_slice(&key), SLICE_NONE, err);
}

/* ---- into the store ------------------------------------------------------ */

static int
next_place(struct flow_judgement *j, size_t *ret_theme, struct slice *ret,
	   struct error *err)
{
	struct slice key, ignored;
	int rc = sorter_next(j->orphans, &key, &ignored, err);

	if (rc <= 0)
		return rc;
	*ret_theme =
		(size_t)(unsigned char)key.p[0] << 8 | (unsigned char)key.p[1];
	*ret = (struct slice){key.p + HEAD, key.n - HEAD};
	return 1;
}

/* How many each theme has; ready for the first again. */
static int
count(struct flow_judgement *j, int64_t *ret, struct error *err)
{
	struct slice place = SLICE_NONE;
	size_t theme;
	int rc = sorter_sort(j->orphans, err);

	if (rc)
		return rc;
	while ((rc = next_place(j, &theme, &place, err)) > 0)
		ret[theme]++;
	return rc ? rc : sorter_rewind(j->orphans, err);
}

static int
dirty(struct flow_judgement *j, const struct publish_theme *t,
      struct slice place, struct error *err)
{
	return publish_dirty(j->publish, t, PUBLISH_ORPHANS, 0, 0, place, err);
}

static int
insert(struct flow_judgement *j, const struct publish_theme *t, int64_t n,
       int64_t seq, struct error *err)
{
	struct slice place = SLICE_NONE;
	size_t theme;
	int rc = 0;

	while (!rc && n--) {
		rc = next_place(j, &theme, &place, err);
		if (rc > 0)
			rc = store_orphan_insert(store_records(j->store), t->id,
						 seq, place, err);
		if (!rc)
			rc = dirty(j, t, place, err);
	}
	return rc;
}

static int
load_rows(struct flow_judgement *j, const struct publish_theme *t,
	  struct store_load *load, int64_t n, struct error *err)
{
	struct slice place = SLICE_NONE;
	size_t theme;
	int rc = 0;

	while (!rc && n--) {
		rc = breathe(j->breath, err);
		if (!rc)
			rc = next_place(j, &theme, &place, err);
		if (rc > 0)
			rc = store_load_add(load, place, SLICE_NONE, err);
		if (!rc)
			rc = dirty(j, t, place, err);
	}
	return rc ? rc : store_load_end(load, err);
}

static int
load(struct flow_judgement *j, const struct publish_theme *t, int64_t n,
     int64_t seq, struct error *err)
{
	const struct store_load_of of = {
		.kind = STORE_LOAD_ORPHANS,
		.owner = t->id,
		.seq = seq,
		.submission = "",
		.breath = j->breath,
	};
	struct store_load *load = NULL;
	int rc = store_load_begin(store_records(j->store), &of, &load, err);

	if (!rc)
		rc = load_rows(j, t, load, n, err);
	if (!rc)
		rc = store_load_tell(load, err);
	store_load_free(load);
	return rc;
}

static int
store(struct flow_judgement *j, const struct publish_theme *t, int64_t n,
      int64_t seq, struct error *err)
{
	int64_t room = 0;
	int rc = 0;

	if (n >= (j->loaded ? FEWEST : FLOW_MANY))
		rc = store_load_room(store_records(j->store),
				     STORE_LOAD_ORPHANS, t->id, seq, &room,
				     err);
	if (rc)
		return rc;
	return room ? load(j, t, n, seq, err) : insert(j, t, n, seq, err);
}

int
flow_orphans_store(struct flow_judgement *j, const struct flow_plan *plan,
		   int64_t seq, struct error *err)
{
	scope_free int64_t *n = NULL;
	int rc = 0;

	if (!j->orphans)
		return 0;
	n = calloc(plan->nthemes, sizeof(*n));
	if (!n)
		return error_nomem(err);
	rc = count(j, n, err);
	for (size_t t = 0; !rc && t < plan->nthemes; t++) {
		if (n[t])
			rc = store(j, &plan->themes[t], n[t], seq, err);
	}
	return rc;
}

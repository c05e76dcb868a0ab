/*
 * What a fold changes of records and their links. It comes in the order of the
 * records' keys, and is written when all is known: ends first, in order; then
 * what begins, many at once as a load (store_load_begin()), few one by one.
 * Links follow in the order of their places, so that neighbours are found and
 * written together. See fold.h.
 */
#include "flow/fold.h"

#include "base/scope.h"
#include "base/sorter.h"

#include <stdlib.h>

#define MEMORY (2 << 20) /* of the records, and of each lens */

/* All that begins as one submission's. */
struct flow_group {
	int64_t n;
	bool load;
};

/* A group is the entries of a sorter whose keys begin with the submission and a
 * NUL, which neither has; with the NUL alone begin those of what ends. */
static int
add(struct sorter **to, const char *submission, struct slice key,
    struct slice value, struct error *err)
{
	scope_buf whole = BUF_INIT;
	int rc = *to ? 0 : sorter_new(MEMORY, to, err);

	if (rc)
		return rc;
	if (buf_adds(&whole, submission) || buf_addc(&whole, '\0') ||
	    buf_addslice(&whole, key))
		return error_nomem(err);
	return sorter_add(*to, buf_slice(&whole), value, err);
}

struct entry {
	const char *submission;
	struct slice key, value;
};

/* Those of one group after the other; 1, 0. */
static int
next(struct sorter *from, struct entry *ret, struct error *err)
{
	struct slice key;
	int rc = sorter_next(from, &key, &ret->value, err);
	size_t behind;

	if (rc <= 0)
		return rc;
	behind = strlen(key.p) + 1;
	ret->submission = key.p;
	ret->key = (struct slice){key.p + behind, key.n - behind};
	return 1;
}

static const char *
whose(const struct flow_fold *f, const struct flow_change *c)
{
	return c->submission ? c->submission : f->j->submission->id;
}

int
flow_record_later(struct flow_fold *f, const struct flow_change *c,
		  struct error *err)
{
	return add(&f->records, whose(f, c), c->key, c->new_cells, err);
}

int
flow_relink_later(struct flow_fold *f, size_t lens, const struct flow_change *c,
		  struct error *err)
{
	struct sorter **to;
	int rc = 0;

	if (!f->links)
		f->links =
			calloc(f->j->planned->nlenses, sizeof(struct sorter *));
	if (!f->links)
		return error_nomem(err);
	to = &f->links[lens];
	if (c->old_id)
		rc = add(to, "", buf_slice(&f->old_place), SLICE_NONE, err);
	if (!rc && c->has_new)
		rc = add(to, whose(f, c), buf_slice(&f->place), c->new_cells,
			 err);
	return rc;
}

/* ---- which groups are loads ---------------------------------------------- */

static int
add_group(struct flow_fold *f, struct error *err)
{
	struct flow_group *groups =
		reallocarray(f->groups, f->ngroups + 1, sizeof(*groups));

	if (!groups)
		return error_nomem(err);
	f->groups = groups;
	groups[f->ngroups++] = (struct flow_group){0};
	return 0;
}

static int
count_groups(struct flow_fold *f, struct error *err)
{
	scope_buf last = BUF_INIT;
	struct entry e;
	int rc = sorter_sort(f->records, err);

	while (!rc && (rc = next(f->records, &e, err)) > 0) {
		rc = 0;
		if (!slice_is(buf_slice(&last), e.submission)) {
			buf_clear(&last);
			if (buf_adds(&last, e.submission))
				return error_nomem(err);
			rc = add_group(f, err);
		}
		if (!rc)
			f->groups[f->ngroups - 1].n++;
	}
	return rc ? rc : sorter_rewind(f->records, err);
}

int
flow_load_room(struct flow_fold *f, int64_t *ret, struct error *err)
{
	const struct flow_resource *r = f->j->planned;
	int rc = store_load_room(f->db, STORE_LOAD_RECORDS, r->id, f->seq, ret,
				 err);

	for (size_t i = 0; !rc && i < r->nlenses; i++) {
		int64_t room = 0;

		rc = store_load_room(f->db, STORE_LOAD_LINKS, r->lenses[i].id,
				     f->seq, &room, err);
		if (room < *ret)
			*ret = room;
	}
	return rc;
}

/* A record of a load has links of loads. */
static int
choose_loads(struct flow_fold *f, struct error *err)
{
	int64_t room = 0;
	int rc = count_groups(f, err);

	if (!rc)
		rc = flow_load_room(f, &room, err);
	for (size_t i = 0; !rc && i < f->ngroups; i++) {
		f->groups[i].load = room > 0 && f->groups[i].n >= FLOW_MANY;
		room -= f->groups[i].load;
	}
	return rc;
}

/* ---- what begins --------------------------------------------------------- */

/* Into the records, or the links of a lens. */
struct beginning {
	struct flow_fold *f;
	struct sorter *from;
	int64_t lens; /* 0: records */
	struct error *err;
};

/* There is one. */
static int
next_entry(const struct beginning *b, struct entry *ret)
{
	int rc = breathe(b->f->j->breath, b->err);

	if (!rc)
		rc = next(b->from, ret, b->err);
	if (rc)
		return rc < 0 ? rc : 0;
	return error_set(b->err, ERR_INTERNAL,
			 "a record has come without its link");
}

/* A link of a record that came one by one, too. */
static int
insert_link(const struct beginning *b, const struct entry *e)
{
	struct flow_fold *f = b->f;
	const char *nul = memchr(e->key.p, '\0', e->key.n);
	size_t behind = nul ? (size_t)(nul - e->key.p) + 1 : 0;
	struct slice key = {e->key.p + behind, e->key.n - behind};
	int64_t record = 0;
	int rc = store_record_find(f->db, f->j->planned->id, f->seq, key,
				   &record, NULL, b->err);

	return rc < 0 ? rc
		      : store_link_insert(f->db, b->lens, f->seq, e->key,
					  record, b->err);
}

static int
insert(const struct beginning *b, int64_t n)
{
	struct flow_fold *f = b->f;
	int64_t ignored;
	int rc = 0;

	while (!rc && n--) {
		struct entry e = {0};

		rc = next_entry(b, &e);
		if (!rc)
			rc = b->lens ? insert_link(b, &e)
				     : store_record_insert(
					       f->db, f->j->planned->id, f->seq,
					       e.key, e.value, e.submission,
					       &ignored, b->err);
	}
	return rc;
}

static int
load_rows(const struct beginning *b, int64_t n, struct store_load **ret)
{
	const struct flow_fold *f = b->f;
	struct store_load_of of = {
		.kind = b->lens ? STORE_LOAD_LINKS : STORE_LOAD_RECORDS,
		.owner = b->lens ? b->lens : f->j->planned->id,
		.seq = f->seq,
		.breath = f->j->breath,
	};
	int rc = 0;

	while (!rc && n--) {
		struct entry e = {0};

		rc = next_entry(b, &e);
		of.submission = e.submission;
		if (!rc && !*ret)
			rc = store_load_begin(f->db, &of, ret, b->err);
		if (!rc)
			rc = store_load_add(*ret, e.key, e.value, b->err);
	}
	return rc ? rc : store_load_end(*ret, b->err);
}

static int
load(const struct beginning *b, int64_t n)
{
	struct store_load *load = NULL;
	int rc = load_rows(b, n, &load);

	if (!rc)
		rc = store_load_tell(load, b->err);
	store_load_free(load);
	return rc;
}

static int
begin_all(const struct beginning *b)
{
	const struct flow_fold *f = b->f;
	int rc = 0;

	for (size_t i = 0; !rc && i < f->ngroups; i++)
		rc = f->groups[i].load ? load(b, f->groups[i].n)
				       : insert(b, f->groups[i].n);
	return rc;
}

/* ---- what ends ----------------------------------------------------------- */

static int
end_links(struct flow_fold *f, struct sorter *links,
	  struct store_link_walk *walk, struct error *err)
{
	struct entry e = {0};
	int rc = 0;

	for (int64_t n = f->nended; !rc && n; n--) {
		rc = breathe(f->j->breath, err);
		if (!rc)
			rc = next(links, &e, err);
		if (rc > 0)
			rc = store_link_walk_end(walk, e.key, f->ends, err);
	}
	return rc;
}

static int
relink_lens(struct flow_fold *f, int64_t lens, struct sorter *links,
	    struct error *err)
{
	const struct beginning b = {f, links, lens, err};
	struct store_link_walk *walk = NULL;
	int rc = sorter_sort(links, err);

	if (!rc)
		rc = store_link_walk_open(f->db, lens, f->seq, &walk, err);
	if (!rc)
		rc = end_links(f, links, walk, err);
	store_link_walk_close(walk);
	if (!rc)
		rc = store_ends_tell(f->ends, f->db, f->seq, f->j->breath, err);
	return rc ? rc : begin_all(&b);
}

/* ---- all of it ----------------------------------------------------------- */

static void
forget(struct sorter **s)
{
	sorter_free(*s);
	*s = NULL;
}

int
flow_settle(struct flow_fold *f, struct error *err)
{
	const struct beginning b = {f, f->records, 0, err};
	int rc = 0;

	if (f->ends)
		rc = store_ends_tell(f->ends, f->db, f->seq, f->j->breath, err);
	if (!rc && f->records)
		rc = choose_loads(f, err);
	if (!rc)
		rc = begin_all(&b);
	forget(&f->records);
	for (size_t i = 0; !rc && f->links && i < f->j->planned->nlenses; i++) {
		rc = relink_lens(f, f->j->planned->lenses[i].id, f->links[i],
				 err);
		forget(&f->links[i]);
	}
	return rc;
}

void
flow_fold_release(struct flow_fold *f)
{
	sorter_free(f->records);
	for (size_t i = 0; f->links && i < f->j->planned->nlenses; i++)
		sorter_free(f->links[i]);
	free(f->links);
	free(f->groups);
	store_ends_free(f->ends);
	store_record_walk_close(f->old);
	buf_release(&f->place);
	buf_release(&f->old_place);
}

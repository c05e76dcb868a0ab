/*
 * What no row shows by itself: rows of one file that share a key or a unique
 * value, and rows of an append that contradict a stored record (SPEC 4, 6.7).
 */
#include "flow/internal.h"

#include "base/scope.h"

/* Rows with the same key, as they are walked in key order. */
struct group {
	struct buf key, cells; /* of the first */
	struct member {
		int64_t row, line;
		bool good;
	} * members;
	size_t n, cap;
	bool differ;
	bool deletes;
};

static void
release_group(struct group *g)
{
	buf_release(&g->key);
	buf_release(&g->cells);
	free(g->members);
}

#define scope_group __attribute__((cleanup(release_group))) struct group

static int
add_member(struct group *g, const struct store_staged *s, struct error *err)
{
	bool good = s->status == STORE_STAGED_GOOD;

	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 8;
		void *more = realloc(g->members, cap * sizeof(*g->members));

		if (!more)
			return error_nomem(err);
		g->members = more;
		g->cap = cap;
	}
	if (g->n == 0) {
		buf_clear(&g->key);
		buf_clear(&g->cells);
		if (buf_addslice(&g->key, s->key) ||
		    buf_addslice(&g->cells, s->cells))
			return error_nomem(err);
		g->deletes = s->deletes;
		g->differ = !good;
	} else {
		g->differ = g->differ || !good || s->deletes != g->deletes ||
			    !slice_eq(s->cells, buf_slice(&g->cells));
	}
	g->members[g->n++] = (struct member){s->row, s->line, good};
	return 0;
}

/* The key as a person wrote it, for the receipt. */
static int
show_key(struct slice key, struct buf *out)
{
	if (buf_addslice(out, key))
		return ERR_NOMEM;
	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] == '\0')
			out->data[i] = '|';
	}
	return 0;
}

static const char *
key_field(const struct config_resource *r)
{
	return r->nkey == 1 ? r->fields[r->key[0]].id : "";
}

/* A key may hold personal values; its fault names the field then, so that
 * the value is left out, or says nothing of a composite one. */
static bool
key_may_be_shown(const struct config_resource *r)
{
	for (size_t i = 0; i < r->nkey; i++) {
		if (r->fields[r->key[i]].sensitivity >= CONFIG_PERSONAL)
			return false;
	}
	return true;
}

static int
refuse(struct flow_judgement *j, enum validate_cross kind,
       const struct member *m, const char *field, struct slice value,
       int64_t other, struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;
	int rc;

	validate_fault_cross(kind, m->row, m->line, field, value, other, &fault,
			     &text);
	rc = flow_judge_fault(j, &fault);
	if (rc)
		return error_set(err, rc, "a row could not be refused");
	return store_staging_set_status(j->staging, m->row,
					STORE_STAGED_REFUSED, err);
}

static int
repeat(struct flow_judgement *j, const struct member *m, int64_t first,
       struct error *err)
{
	struct validate_sentences text;
	struct validate_fault fault;

	validate_fault_cross(VALIDATE_CROSS_DUPLICATE_ROW, m->row, m->line, "",
			     SLICE_NONE, first, &fault, &text);
	if (validate_faults_add(j->warnings, j->resource, &fault))
		return error_nomem(err);
	return store_staging_set_status(j->staging, m->row,
					STORE_STAGED_REPEATED, err);
}

/* Equal rows count once; rows that share a key but differ are all refused. */
static int
end_group(struct flow_judgement *j, struct group *g, struct error *err)
{
	scope_buf key = BUF_INIT;
	int rc = 0;

	if (g->n > 1 && key_may_be_shown(j->resource) &&
	    show_key(buf_slice(&g->key), &key))
		return error_nomem(err);
	for (size_t i = g->differ ? 0 : 1; !rc && g->n > 1 && i < g->n; i++) {
		const struct member *m = &g->members[i];

		if (!g->differ)
			rc = repeat(j, m, g->members[0].row, err);
		else if (m->good)
			rc = refuse(j, VALIDATE_CROSS_PRIMARY_KEY, m,
				    key_field(j->resource), buf_slice(&key),
				    g->members[i ? 0 : 1].row, err);
	}
	g->n = 0;
	return rc;
}

static int
check_keys(struct flow_judgement *j, struct error *err)
{
	scope_group g = {0};
	struct store_staged s;
	int rc = store_staging_first(j->staging, err);

	while (!rc && (rc = store_staging_next(j->staging, &s, err)) > 0) {
		rc = 0;
		if (g.n && !slice_eq(s.key, buf_slice(&g.key)))
			rc = end_group(j, &g, err);
		if (!rc)
			rc = add_member(&g, &s, err);
	}
	return rc ? rc : end_group(j, &g, err);
}

/* ---- unique fields ------------------------------------------------------- */

struct not_unique {
	struct flow_judgement *j;
	struct found {
		struct member at;
		int64_t field, first;
		struct buf value;
	} * items;
	size_t n, cap;
};

static void
release_not_unique(struct not_unique *list)
{
	for (size_t i = 0; i < list->n; i++)
		buf_release(&list->items[i].value);
	free(list->items);
}

static int
note_not_unique(void *ctx, int64_t field, struct slice value, int64_t row,
		int64_t line, int64_t first)
{
	struct not_unique *list = ctx;
	struct found *f;

	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 8;
		void *more = realloc(list->items, cap * sizeof(*list->items));

		if (!more)
			return ERR_NOMEM;
		list->items = more;
		list->cap = cap;
	}
	f = &list->items[list->n];
	*f = (struct found){
		.at = {row, line, true}, .field = field, .first = first};
	if (buf_addslice(&f->value, value))
		return ERR_NOMEM;
	list->n++;
	return 0;
}

static int
check_unique(struct flow_judgement *j, struct error *err)
{
	__attribute__((cleanup(release_not_unique))) struct not_unique list = {
		.j = j};
	int rc = store_staging_not_unique(j->staging, note_not_unique, &list,
					  err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		const struct found *f = &list.items[i];

		rc = refuse(j, VALIDATE_CROSS_UNIQUE, &f->at,
			    j->resource->fields[f->field].id,
			    buf_slice(&f->value), f->first, err);
	}
	return rc;
}

/* ---- append -------------------------------------------------------------- */

/* An equal row is unchanged; another row of a stored key is refused. */
static int
check_append(struct flow_judgement *j, struct error *err)
{
	int64_t at = store_published(j->store);
	struct store_staged s;
	int rc = store_staging_first(j->staging, err);

	while (!rc && (rc = store_staging_next(j->staging, &s, err)) > 0) {
		const struct member m = {s.row, s.line, true};
		scope_buf stored = BUF_INIT;
		scope_buf key = BUF_INIT;
		int64_t id;

		rc = 0;
		if (s.status != STORE_STAGED_GOOD)
			continue;
		rc = store_record_find(store_records(j->store), j->planned->id,
				       at, s.key, &id, &stored, err);
		if (rc <= 0)
			continue;
		rc = 0;
		if (slice_eq(s.cells, buf_slice(&stored)))
			continue;
		if (key_may_be_shown(j->resource) && show_key(s.key, &key))
			return error_nomem(err);
		rc = refuse(j, VALIDATE_CROSS_STORED_KEY, &m,
			    key_field(j->resource), buf_slice(&key), 0, err);
	}
	return rc;
}

int
flow_cross(struct flow_judgement *j, struct error *err)
{
	int rc = check_keys(j, err);

	if (!rc)
		rc = check_unique(j, err);
	if (!rc && j->store && j->resource->mode == CONFIG_APPEND)
		rc = check_append(j, err);
	return rc;
}

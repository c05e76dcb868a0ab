/*
 * What no row shows by itself: rows of one file that share a key or a unique
 * value, and rows of an append that contradict a stored record (SPEC 4, 6.7).
 */
#include "flow/internal.h"

#include "base/scope.h"

/* A row as its fault needs it. */
struct member {
	int64_t row, line;
};

static const char *
key_field(const struct config_resource *r)
{
	return r->nkey == 1 ? r->fields[r->key[0]].id : "";
}

/* A key may hold personal values; its fault names the field then, so that
 * the value is left out, or says nothing of a composite one. */
int
flow_key_show(const struct config_resource *r, struct slice key,
	      struct buf *out)
{
	for (size_t i = 0; i < r->nkey; i++) {
		if (r->fields[r->key[i]].sensitivity >= CONFIG_PERSONAL)
			return 0;
	}
	if (buf_addslice(out, key))
		return ERR_NOMEM;
	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] == '\0')
			out->data[i] = '|';
	}
	return 0;
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
	rc = flow_judge_fault(j, &fault, err);
	if (rc)
		return rc;
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

/* ---- keys ---------------------------------------------------------------- */

/* The rows of one key, as they are walked. Nothing is kept of them but the
 * first, because all rows of a file may have the same key. */
struct group {
	struct buf key;
	struct member first;
	bool first_is_good;
	bool several; /* then 'differ' is known */
	bool differ;
};

static int
begin_group(struct group *g, const struct store_staged *s, struct error *err)
{
	buf_clear(&g->key);
	if (buf_addslice(&g->key, s->key))
		return error_nomem(err);
	g->first = (struct member){s->row, s->line};
	g->first_is_good = s->status == STORE_STAGED_GOOD;
	g->several = false;
	return 0;
}

static int
refuse_key(struct flow_judgement *j, enum validate_cross kind,
	   const struct member *m, struct slice key, int64_t other,
	   struct error *err)
{
	scope_buf shown = BUF_INIT;

	if (flow_key_show(j->resource, key, &shown))
		return error_nomem(err);
	return refuse(j, kind, m, key_field(j->resource), buf_slice(&shown),
		      other, err);
}

/* What was taken in before a fix file came back stays. */
static int
refuse_differing(struct flow_judgement *j, const struct member *m,
		 struct slice key, int64_t other, struct error *err)
{
	bool may = true;
	int rc = flow_round_may_refuse(j, m->row, &may, err);

	return rc || !may ? rc
			  : refuse_key(j, VALIDATE_CROSS_PRIMARY_KEY, m, key,
				       other, err);
}

/* Equal rows count once; rows that share a key but differ are all refused. */
static int
add_to_group(struct flow_judgement *j, struct group *g,
	     const struct store_staged *s, struct error *err)
{
	const struct member m = {s->row, s->line};
	int rc = 0;

	if (!g->several) {
		g->several = true;
		rc = store_staging_differs(j->staging, g->first.row, &g->differ,
					   err);
		if (!rc && g->differ && g->first_is_good)
			rc = refuse_differing(j, &g->first, s->key, s->row,
					      err);
	}
	if (rc)
		return rc;
	if (!g->differ)
		return repeat(j, &m, g->first.row, err);
	return s->status == STORE_STAGED_GOOD
		       ? refuse_differing(j, &m, s->key, g->first.row, err)
		       : 0;
}

static int
check_keys(struct flow_judgement *j, struct error *err)
{
	struct group g = {.key = BUF_INIT};
	struct store_staged s;
	bool some = false, any = false;
	int rc = store_staging_find_equal(j->staging, j->breath, &some, err);

	if (rc || !some)
		return rc;
	rc = store_staging_first(j->staging, err);
	while (!rc && (rc = store_staging_next(j->staging, &s, err)) > 0) {
		rc = breathe(j->breath, err);
		if (rc || s.left)
			continue;
		if (any && slice_eq(s.key, buf_slice(&g.key)))
			rc = add_to_group(j, &g, &s, err);
		else
			rc = begin_group(&g, &s, err);
		any = true;
	}
	buf_release(&g.key);
	return rc;
}

/* ---- unique fields ------------------------------------------------------- */

struct unique {
	struct flow_judgement *j;
	struct error *err;
};

static int
refuse_not_unique(void *ctx, int64_t field, struct slice value, int64_t row,
		  int64_t line, int64_t first)
{
	const struct unique *u = ctx;
	const struct member m = {row, line};
	bool may = true;
	int rc = flow_round_may_refuse(u->j, row, &may, u->err);

	if (rc || !may)
		return rc;
	return refuse(u->j, VALIDATE_CROSS_UNIQUE, &m,
		      u->j->resource->fields[field].id, value, first, u->err);
}

static int
check_unique(struct flow_judgement *j, struct error *err)
{
	struct unique u = {j, err};

	return store_staging_not_unique(j->staging, refuse_not_unique, &u, err);
}

/* ---- append -------------------------------------------------------------- */

/* An equal row is unchanged; another row of a stored key is refused. */
static int
check_appended(struct flow_judgement *j, const struct store_staged *s,
	       struct error *err)
{
	const struct member m = {s->row, s->line};
	scope_buf stored = BUF_INIT;
	int64_t id;
	int rc = store_record_find(store_records(j->store), j->planned->id,
				   store_published(j->store), s->key, &id,
				   &stored, err);

	if (rc <= 0 || slice_eq(s->cells, buf_slice(&stored)))
		return rc < 0 ? rc : 0;
	return refuse_key(j, VALIDATE_CROSS_STORED_KEY, &m, s->key, 0, err);
}

static int
check_append(struct flow_judgement *j, struct error *err)
{
	struct store_staged s;
	int rc = store_staging_first(j->staging, err);

	while (!rc && (rc = store_staging_next(j->staging, &s, err)) > 0) {
		rc = breathe(j->breath, err);
		if (!rc && s.status == STORE_STAGED_GOOD)
			rc = check_appended(j, &s, err);
	}
	return rc;
}

/* ---- fix files ----------------------------------------------------------- */

/* A row that came back must not undo what a later submission said of its key
 * (SPEC 6.5). */
static int
check_fixed(struct flow_judgement *j, const struct store_staged *s,
	    struct error *err)
{
	const struct member m = {s->row, s->line};
	bool came = false, overtaken = false;
	int rc = flow_round_may_refuse(j, s->row, &came, err);

	if (!rc && came)
		rc = flow_is_overtaken(j, s->key, &overtaken, err);
	return rc || !overtaken ? rc
				: refuse_key(j, VALIDATE_CROSS_FIXED_KEY, &m,
					     s->key, 0, err);
}

static int
check_round(struct flow_judgement *j, struct error *err)
{
	struct store_staged s;
	int rc = store_staging_first(j->staging, err);

	while (!rc && (rc = store_staging_next(j->staging, &s, err)) > 0) {
		rc = breathe(j->breath, err);
		if (!rc && s.status == STORE_STAGED_GOOD)
			rc = check_fixed(j, &s, err);
	}
	return rc;
}

int
flow_cross(struct flow_judgement *j, struct error *err)
{
	int rc = check_keys(j, err);

	if (!rc)
		rc = check_unique(j, err);
	if (!rc && j->store && !j->replay && j->resource->mode == CONFIG_APPEND)
		rc = check_append(j, err);
	if (!rc && j->round)
		rc = check_round(j, err);
	return rc;
}

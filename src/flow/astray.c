/*
 * The rows of a submission that a theme does not show: its orphans, each with
 * the reason, as warnings of the receipt of the department that sent them.
 * After the subjects are computed: what is asked is what is published.
 */
#include "flow/internal.h"

#include "base/scope.h"
#include "base/sorter.h"
#include "publish/linked.h"

/* Of more rows the theme is asked which are its orphans, of fewer each row
 * whether it is one. */
#define FEW 2000
#define SORT_MEMORY (2 << 20)

struct astray {
	struct flow_judgement *j;
	struct sql *db;
	int64_t at;
	const struct flow_use *use;
	const struct publish_theme *theme;
	const struct config_source *source;
	struct sorter *keys; /* of orphans */
	struct buf subject, lo, hi;
	struct error *err;
};

/* Why a row is an orphan, and the field that it is of. */
struct cause {
	bool any;
	enum validate_astray why;
	size_t field;
	const char *other; /* source that has no such row, or several */
};

static size_t
subject_field(const struct astray *a)
{
	return a->source->members[a->use->member].subject;
}

static int
note_row(void *ctx, const struct store_theme_row *r)
{
	(void)ctx;
	(void)r;
	return 0;
}

/* Whether a subject is one of a theme that takes those of its base alone. */
static int
is_member(const struct astray *a, struct slice subject, bool *ret)
{
	int rc = store_theme_row_find(a->db, a->theme->id, a->at, subject,
				      note_row, NULL, a->err);

	*ret = rc > 0;
	return rc < 0 ? rc : 0;
}

static int
look_in_base(const struct astray *a, struct slice subject, size_t field,
	     struct cause *ret)
{
	const struct config_theme *t = a->theme->theme;
	bool member = true;
	/* what a trial would bring itself is not there */
	bool own = t->base == (int)a->use->source;
	int rc = t->base < 0 || own ? 0 : is_member(a, subject, &member);

	if (!rc && !member)
		*ret = (struct cause){true, VALIDATE_ASTRAY_BASE, field,
				      t->sources[t->base].name};
	return rc;
}

static int
follow_link(struct astray *a, struct slice cells, struct cause *ret)
{
	static const enum validate_astray whys[] = {
		[PUBLISH_LEAD_NONE] = VALIDATE_ASTRAY_NO_ROW,
		[PUBLISH_LEAD_SEVERAL] = VALIDATE_ASTRAY_SEVERAL,
		[PUBLISH_LEAD_EMPTY] = VALIDATE_ASTRAY_OTHER_EMPTY,
	};
	const struct config_link *link = a->source->link;
	size_t field = link->columns[a->use->member];
	struct slice value = cells_get(cells, field);
	enum publish_lead lead;
	int rc;

	*ret = (struct cause){true, VALIDATE_ASTRAY_EMPTY, subject_field(a),
			      ""};
	if (!value.n)
		return 0;
	rc = publish_linked_lead(a->db, a->theme, a->use->source, a->at, value,
				 &lead, &a->subject, a->err);
	if (rc)
		return rc;
	ret->any = lead != PUBLISH_LEAD_ONE;
	if (!ret->any)
		return look_in_base(a, buf_slice(&a->subject), field, ret);
	*ret = (struct cause){true, whys[lead], field,
			      a->theme->theme->sources[link->other].name};
	return 0;
}

static int
find_cause(struct astray *a, struct slice cells, struct cause *ret)
{
	size_t field = subject_field(a);
	struct slice subject = cells_get(cells, field);

	*ret = (struct cause){.any = false};
	if (subject.n)
		return look_in_base(a, subject, field, ret);
	if (a->source->link)
		return follow_link(a, cells, ret);
	*ret = (struct cause){true, VALIDATE_ASTRAY_EMPTY, field, ""};
	return 0;
}

/* Whether the row is what its record is: one that is released, or came back
 * in a fix file, may have been overtaken. */
static int
is_current(const struct astray *a, const struct store_staged *row, bool *ret)
{
	scope_buf cells = BUF_INIT;
	int64_t id;
	int rc;

	*ret = true;
	if (!a->j->release && !a->j->round)
		return 0;
	rc = store_record_find(a->db, a->j->planned->id, a->at, row->key, &id,
			       &cells, a->err);
	*ret = rc > 0 && slice_eq(buf_slice(&cells), row->cells);
	return rc < 0 ? rc : 0;
}

static int
warn(struct astray *a, const struct store_staged *row, const struct cause *c)
{
	const struct config_resource *r = a->j->resource;
	struct validate_sentences text;
	struct validate_fault fault;
	scope_buf key = BUF_INIT;

	if (flow_key_show(r, row->key, &key) || !buf_str(&key))
		return error_nomem(a->err);
	validate_fault_astray(c->why, a->theme->theme->id, key.data, c->other,
			      &fault, &text);
	fault.row = row->row;
	fault.line = row->line;
	fault.field = r->fields[c->field].id;
	fault.value = cells_get(row->cells, c->field);
	fault.member = flow_members_name(a->j->members, row->row);
	return validate_faults_add(a->j->warnings, r, &fault)
		       ? error_nomem(a->err)
		       : 0;
}

/* What no receipt would name is only counted. */
static int
explain_row(struct astray *a, const struct store_staged *row, bool known)
{
	struct cause cause;
	bool current;
	int rc;

	if (known && !validate_faults_keeps(a->j->warnings, row->row)) {
		validate_faults_more(a->j->warnings, 1);
		return 0;
	}
	rc = is_current(a, row, &current);
	if (rc || !current)
		return rc;
	rc = find_cause(a, row->cells, &cause);
	return rc || !cause.any ? rc : warn(a, row, &cause);
}

static bool
is_written(const struct store_staged *row)
{
	return row->status == STORE_STAGED_GOOD && !row->deletes;
}

static int
explain_each(struct astray *a)
{
	struct store_staged row;
	int rc = store_staging_first(a->j->staging, a->err);

	while (!rc &&
	       (rc = store_staging_next(a->j->staging, &row, a->err)) > 0)
		rc = is_written(&row) ? explain_row(a, &row, false) : 0;
	return rc;
}

/* ---- many rows: the theme's orphans are asked ---------------------------- */

static int
take_orphan(void *ctx, struct slice place, int64_t id)
{
	struct astray *a = ctx;
	size_t source, member;
	struct slice subject, key;
	int rc = publish_orphan_parse(place, &source, &member, &subject, &key);

	(void)id;
	if (rc)
		return error_set(a->err, rc,
				 "an orphan of theme '%s' has no "
				 "such place: run 'civicfs verify'",
				 a->theme->theme->id);
	return member == a->use->member
		       ? sorter_add(a->keys, key, SLICE_NONE, a->err)
		       : 0;
}

static int
collect_keys(struct astray *a)
{
	int rc = publish_orphan_source(a->use->source, &a->lo, &a->hi);

	if (rc)
		return error_nomem(a->err);
	rc = sorter_new(SORT_MEMORY, &a->keys, a->err);
	if (!rc)
		rc = store_orphan_each(a->db, a->theme->id, a->at,
				       buf_slice(&a->lo), buf_slice(&a->hi),
				       take_orphan, a, a->err);
	return rc ? rc : sorter_sort(a->keys, a->err);
}

/* Both in key order. */
static int
explain_orphans(struct astray *a)
{
	struct slice key, ignored;
	struct store_staged row;
	int more, rc = collect_keys(a);

	if (rc)
		return rc;
	more = sorter_next(a->keys, &key, &ignored, a->err);
	rc = more > 0 ? store_staging_first(a->j->staging, a->err) : more;
	while (!rc && more > 0 &&
	       (rc = store_staging_next(a->j->staging, &row, a->err)) > 0) {
		rc = 0;
		while (more > 0 && slice_cmp(key, row.key) < 0)
			more = sorter_next(a->keys, &key, &ignored, a->err);
		if (more > 0 && is_written(&row) && slice_eq(key, row.key))
			rc = explain_row(a, &row, true);
	}
	return rc ? rc : more < 0 ? more : 0;
}

/* ---- all of it ----------------------------------------------------------- */

static int
explain_use(struct astray *a)
{
	int rc = a->j->counts.accepted > FEW ? explain_orphans(a)
					     : explain_each(a);

	sorter_free(a->keys);
	a->keys = NULL;
	return rc;
}

int
flow_astray_explain(struct flow_judgement *j, const struct flow_plan *plan,
		    int64_t at, struct error *err)
{
	struct astray a = {
		.j = j, .db = store_records(j->store), .at = at, .err = err};
	int rc = 0;

	for (size_t i = 0; !rc && i < j->planned->nlenses; i++) {
		const struct flow_lens *lens = &j->planned->lenses[i];

		for (size_t k = 0; !rc && k < lens->nuses; k++) {
			a.use = &lens->uses[k];
			a.theme = &plan->themes[a.use->theme];
			a.source = &a.theme->theme->sources[a.use->source];
			rc = explain_use(&a);
		}
	}
	buf_release(&a.subject);
	buf_release(&a.lo);
	buf_release(&a.hi);
	return rc;
}

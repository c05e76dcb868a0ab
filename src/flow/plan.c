/* The configuration with its numbers in the state: see plan.h. */
#include "flow/plan.h"

#include "base/scope.h"
#include "flow/fields.h"
#include "store/object.h"
#include "store/record.h"

static void
release_theme(struct publish_theme *t)
{
	for (size_t s = 0; t->theme && s < t->theme->nsources; s++) {
		if (t->lens)
			free(t->lens[s]);
		if (t->resource)
			free(t->resource[s]);
		if (t->links) {
			free(t->links[s].lens);
			free(t->links[s].other);
		}
	}
	free(t->links);
	free(t->lens);
	free(t->resource);
}

void
flow_plan_free(struct flow_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; plan->resources && i < plan->config->nresources;
	     i++) {
		struct flow_resource *r = &plan->resources[i];

		for (size_t k = 0; k < r->nlenses; k++)
			free(r->lenses[k].uses);
		free(r->lenses);
		free(r->ties);
	}
	for (size_t i = 0; plan->themes && i < plan->nthemes; i++)
		release_theme(&plan->themes[i]);
	free(plan->resources);
	free(plan->resource_ids);
	free(plan->trial_ids);
	free(plan->department_ids);
	free(plan->themes);
	free(plan);
}

const struct flow_resource *
flow_plan_resource(const struct flow_plan *plan, int64_t id)
{
	for (size_t i = 0; i < plan->config->nresources; i++) {
		if (plan->resources[i].id == id ||
		    plan->resources[i].trial == id)
			return &plan->resources[i];
	}
	return NULL;
}

const struct config_link *
flow_use_link(const struct flow_plan *plan, const struct flow_use *use)
{
	return plan->themes[use->theme].theme->sources[use->source].link;
}

/* ---- numbers ------------------------------------------------------------- */

static int64_t
department_id(const struct flow_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->config->ndepartments; i++) {
		if (strcmp(plan->config->departments[i].id, id) == 0)
			return plan->department_ids[i];
	}
	return 0;
}

/* No resource's name has two slashes. */
static int
number_trial(struct store_txn *txn, struct flow_resource *r, struct error *err)
{
	scope_buf name = BUF_INIT;

	if (buf_addf(&name, "trial/%s", r->resource->name) || !buf_str(&name))
		return error_nomem(err);
	return store_object_intern(txn, STORE_RESOURCE, name.data, &r->trial,
				   err);
}

static int
number_objects(struct store_txn *txn, struct flow_plan *plan, struct error *err)
{
	const struct config *c = plan->config;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->ndepartments; i++)
		rc = store_object_intern(txn, STORE_DEPARTMENT,
					 c->departments[i].id,
					 &plan->department_ids[i], err);
	for (size_t i = 0; !rc && i < c->nresources; i++) {
		struct flow_resource *r = &plan->resources[i];

		r->resource = &c->resources[i];
		r->department = department_id(plan, r->resource->department);
		rc = store_object_intern(txn, STORE_RESOURCE, r->resource->name,
					 &r->id, err);
		if (!rc)
			rc = number_trial(txn, r, err);
		plan->resource_ids[i] = r->id;
		plan->trial_ids[i] = r->trial;
	}
	for (size_t i = 0; !rc && i < c->nthemes; i++) {
		plan->themes[i].theme = &c->themes[i];
		rc = store_object_intern(txn, STORE_THEME, c->themes[i].id,
					 &plan->themes[i].id, err);
	}
	return rc;
}

/* A theme that is no longer there does not follow the records; if it comes
 * back, it is made anew. */
static int
forget_other_themes(struct store_txn *txn, const struct flow_plan *plan,
		    struct error *err)
{
	scope_free int64_t *ids = calloc(plan->nthemes + 1, sizeof(*ids));

	if (!ids)
		return error_nomem(err);
	for (size_t i = 0; i < plan->nthemes; i++)
		ids[i] = plan->themes[i].id;
	return store_object_forget_texts(txn, STORE_THEME, ids, plan->nthemes,
					 err);
}

/* ---- lenses -------------------------------------------------------------- */

static struct flow_lens *
find_lens(struct flow_resource *r, size_t field)
{
	for (size_t i = 0; i < r->nlenses; i++) {
		if (r->lenses[i].field == field)
			return &r->lenses[i];
	}
	return NULL;
}

static struct flow_lens *
add_lens(struct flow_resource *r, size_t field)
{
	struct flow_lens *more =
		realloc(r->lenses, (r->nlenses + 1) * sizeof(*more));

	if (!more)
		return NULL;
	r->lenses = more;
	more[r->nlenses] = (struct flow_lens){.field = field};
	return &more[r->nlenses++];
}

static int
add_use(struct flow_lens *lens, struct flow_use use)
{
	struct flow_use *more =
		realloc(lens->uses, (lens->nuses + 1) * sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	lens->uses = more;
	more[lens->nuses++] = use;
	return 0;
}

/* The lens of a resource by a field, made where there was none. */
static int
get_lens(struct store *store, struct flow_resource *r, size_t field,
	 struct flow_lens **ret, struct error *err)
{
	*ret = find_lens(r, field);
	if (*ret)
		return 0;
	*ret = add_lens(r, field);
	if (!*ret)
		return error_nomem(err);
	return store_lens_intern(store_records(store), r->id,
				 r->resource->fields[field].id, &(*ret)->id,
				 err);
}

static struct flow_resource *
resource_of(const struct flow_plan *plan, const struct config_member *m)
{
	return &plan->resources[m->resource - plan->config->resources];
}

static int
plan_member(struct store *store, struct flow_plan *plan, struct flow_use use,
	    struct error *err)
{
	struct publish_theme *t = &plan->themes[use.theme];
	const struct config_member *m =
		&t->theme->sources[use.source].members[use.member];
	struct flow_resource *r = resource_of(plan, m);
	struct flow_lens *lens;
	int rc = get_lens(store, r, m->subject, &lens, err);

	if (rc)
		return rc;
	t->lens[use.source][use.member] = lens->id;
	t->resource[use.source][use.member] = r->id;
	return add_use(lens, use) ? error_nomem(err) : 0;
}

static int
plan_source(struct store *store, struct flow_plan *plan, size_t theme,
	    size_t source, struct error *err)
{
	struct publish_theme *t = &plan->themes[theme];
	size_t n = t->theme->sources[source].nmembers;
	int rc = 0;

	t->lens[source] = calloc(n, sizeof(**t->lens));
	t->resource[source] = calloc(n, sizeof(**t->resource));
	if (!t->lens[source] || !t->resource[source])
		return error_nomem(err);
	for (size_t m = 0; !rc && m < n; m++)
		rc = plan_member(store, plan,
				 (struct flow_use){theme, source, m}, err);
	return rc;
}

/* ---- links --------------------------------------------------------------- */

/* The lenses of a source by a field of each member. */
static int
plan_columns(struct store *store, struct flow_plan *plan,
	     const struct config_source *source, const size_t *columns,
	     int64_t **ret, struct error *err)
{
	int64_t *ids = calloc(source->nmembers, sizeof(*ids));
	int rc = 0;

	*ret = ids;
	if (!ids)
		return error_nomem(err);
	for (size_t m = 0; !rc && m < source->nmembers; m++) {
		struct flow_lens *lens;

		rc = get_lens(store, resource_of(plan, &source->members[m]),
			      columns[m], &lens, err);
		ids[m] = rc ? 0 : lens->id;
	}
	return rc;
}

static int
add_tie(struct flow_resource *r, struct flow_tie tie)
{
	struct flow_tie *more =
		reallocarray(r->ties, r->nties + 1, sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	r->ties = more;
	more[r->nties++] = tie;
	return 0;
}

static int
plan_link(struct store *store, struct flow_plan *plan, size_t theme,
	  size_t source, struct error *err)
{
	struct publish_theme *t = &plan->themes[theme];
	const struct config_source *s = &t->theme->sources[source];
	const struct config_source *other;
	int rc;

	if (!s->link)
		return 0;
	other = &t->theme->sources[s->link->other];
	rc = plan_columns(store, plan, s, s->link->columns,
			  &t->links[source].lens, err);
	if (!rc)
		rc = plan_columns(store, plan, other, s->link->other_columns,
				  &t->links[source].other, err);
	for (size_t m = 0; !rc && m < other->nmembers; m++) {
		const struct flow_tie tie = {theme, source,
					     s->link->other_columns[m],
					     other->members[m].subject};

		if (add_tie(resource_of(plan, &other->members[m]), tie))
			rc = error_nomem(err);
	}
	return rc;
}

static int
plan_theme(struct store *store, struct flow_plan *plan, size_t theme,
	   struct error *err)
{
	struct publish_theme *t = &plan->themes[theme];
	size_t n = t->theme->nsources;
	int rc = 0;

	t->lens = calloc(n, sizeof(*t->lens));
	t->resource = calloc(n, sizeof(*t->resource));
	t->links = calloc(n, sizeof(*t->links));
	if (!t->lens || !t->resource || !t->links)
		return error_nomem(err);
	for (size_t s = 0; !rc && s < n; s++) {
		rc = plan_source(store, plan, theme, s, err);
		if (!rc)
			rc = plan_link(store, plan, theme, s, err);
	}
	return rc;
}

/* The lenses that no theme looks through any more are unlinked. */
static int
unlink_other_lenses(struct store *store, const struct flow_plan *plan,
		    struct error *err)
{
	scope_free int64_t *ids = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->config->nresources; i++)
		n += plan->resources[i].nlenses;
	ids = calloc(n + 1, sizeof(*ids));
	if (!ids)
		return error_nomem(err);
	n = 0;
	for (size_t i = 0; i < plan->config->nresources; i++) {
		const struct flow_resource *r = &plan->resources[i];

		for (size_t k = 0; k < r->nlenses; k++)
			ids[n++] = r->lenses[k].id;
	}
	return store_lens_unlink_others(store_records(store), ids, n, err);
}

static int
plan_lenses(struct store *store, struct flow_plan *plan, struct error *err)
{
	int rc = store_records_begin(store, err);

	for (size_t t = 0; !rc && t < plan->nthemes; t++)
		rc = plan_theme(store, plan, t, err);
	if (!rc)
		rc = unlink_other_lenses(store, plan, err);
	if (rc) {
		store_records_rollback(store);
		return rc;
	}
	return store_records_commit(store, 0, err);
}

static struct flow_plan *
alloc_plan(const struct config *config)
{
	struct flow_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->config = config;
	plan->nthemes = config->nthemes;
	plan->resources =
		calloc(config->nresources + 1, sizeof(*plan->resources));
	plan->resource_ids =
		calloc(config->nresources + 1, sizeof(*plan->resource_ids));
	plan->trial_ids =
		calloc(config->nresources + 1, sizeof(*plan->trial_ids));
	plan->department_ids =
		calloc(config->ndepartments + 1, sizeof(*plan->department_ids));
	plan->themes = calloc(config->nthemes + 1, sizeof(*plan->themes));
	if (plan->resources && plan->resource_ids && plan->trial_ids &&
	    plan->department_ids && plan->themes)
		return plan;
	flow_plan_free(plan);
	return NULL;
}

static int
enter_plan(struct store *store, struct flow_plan *plan, struct error *err)
{
	scope_txn txn = {0};
	int rc = store_begin(store, &txn, err);

	if (!rc)
		rc = number_objects(&txn, plan, err);
	for (size_t i = 0; !rc && i < plan->config->nresources; i++)
		rc = flow_fields_check(store, &txn, &plan->resources[i], err);
	if (!rc)
		rc = forget_other_themes(&txn, plan, err);
	return rc ? rc : store_commit(&txn, err);
}

int
flow_plan_new(struct store *store, const struct config *config,
	      struct flow_plan **ret, struct error *err)
{
	struct flow_plan *plan = alloc_plan(config);
	int rc;

	if (!plan)
		return error_nomem(err);
	rc = enter_plan(store, plan, err);
	if (!rc)
		rc = plan_lenses(store, plan, err);
	if (rc) {
		flow_plan_free(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}

/* ---- would it be taken? -------------------------------------------------- */

static int
check_resource(const struct store_reader *reader,
	       const struct config_resource *resource, struct error *err)
{
	struct flow_resource r = {.resource = resource};
	int rc = store_object_find(reader->db, STORE_RESOURCE, resource->name,
				   &r.id, err);

	if (rc <= 0)
		return rc; /* a new one has no records */
	return flow_fields_compare(reader->db, store_published(reader->store),
				   &r, err);
}

int
flow_plan_check(struct store *store, const struct config *config,
		int (*report)(void *ctx, const char *text), void *ctx,
		struct error *err)
{
	scope_reader reader = {0};
	bool any = false;
	int rc = store_reader_get(store, &reader, err);

	for (size_t i = 0; !rc && i < config->nresources; i++) {
		struct error why = ERROR_INIT;

		rc = check_resource(&reader, &config->resources[i], &why);
		if (rc == ERR_INVALID) {
			any = true;
			rc = report(ctx, why.text);
		} else if (rc) {
			error_set(err, rc, "%s", why.text);
		}
	}
	return rc ? rc : any;
}

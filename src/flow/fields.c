/* Descriptors against stored records: see fields.h. */
#include "flow/fields.h"

#include "base/scope.h"
#include "store/object.h"
#include "store/record.h"
#include "validate/validate.h"

/* ---- what a descriptor says of stored records ---------------------------- */

/* What packed cells and keys mean. */
static int
describe_shape(const struct config_resource *r, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->nfields; i++)
		rc = buf_addf(out, "%s %s\n", r->fields[i].id,
			      config_type_word(r->fields[i].type));
	rc = rc ? rc : buf_adds(out, "key");
	for (size_t i = 0; !rc && i < r->nkey; i++)
		rc = buf_addf(out, " %s", r->fields[r->key[i]].id);
	return rc ? rc : buf_addc(out, '\n');
}

static int
describe_constraints(const struct config_field *f, struct buf *out)
{
	int rc = buf_addf(out, "%s%s%s%s length %lld %lld\nmin %s\nmax %s\n",
			  f->id, f->required ? " required" : "",
			  f->strict ? " strict" : "",
			  config_field_is_sent(f) ? "" : " secret",
			  (long long)f->min_length, (long long)f->max_length,
			  f->min, f->max);

	if (!rc)
		rc = buf_addf(out, "pattern %s\n", f->pattern);
	for (size_t i = 0; !rc && i < f->allow.n; i++)
		rc = buf_addf(out, "enum %s\n", f->allow.items[i]);
	return rc;
}

/* *ret_shape is how many bytes of it are the shape. */
static int
describe(const struct config_resource *r, struct buf *out, size_t *ret_shape)
{
	int rc = describe_shape(r, out);

	*ret_shape = out->len;
	for (size_t i = 0; !rc && i < r->nfields; i++)
		rc = describe_constraints(&r->fields[i], out);
	return rc || !buf_str(out) ? ERR_NOMEM : 0;
}

/* ---- judging them again -------------------------------------------------- */

struct again {
	const struct config_resource *resource;
	const struct validate *validate;
	struct validate_row row;
	struct slice *cells;
	int *columns; /* each field its own */
	size_t n;
	int64_t records, refused;
	char first[160]; /* why the first one is refused */
	struct error *err;
};

static int
note_first(void *ctx, const struct validate_fault *fault)
{
	struct again *a = ctx;

	if (!*a->first)
		snprintf(a->first, sizeof(a->first), "field '%s': %s",
			 fault->field, fault->message);
	return 0;
}

static int
ignore(void *ctx, const struct validate_fault *fault)
{
	(void)ctx;
	(void)fault;
	return 0;
}

static int
judge_again(void *ctx, const struct store_record *r)
{
	struct again *a = ctx;
	const struct decode_row row = {
		.row = 1, .line = 1, .cells = a->cells, .ncells = a->n};
	int rc;

	if (cells_split(r->cells, a->cells, a->n) != (long)a->n)
		return error_set(a->err, ERR_CORRUPT,
				 "a stored record cannot be read");
	a->records++;
	rc = validate_secrets(a->resource, a->columns, a->n, &row, note_first,
			      a);
	if (rc) {
		a->refused++;
		return 0;
	}
	rc = validate_judge(a->validate, a->columns, a->n, &row, &a->row,
			    note_first, ignore, a);
	if (rc)
		return error_nomem(a->err);
	a->refused += a->row.kind == VALIDATE_REFUSED;
	return 0;
}

static int
refuse_records(const struct config_resource *r, const struct again *a,
	       struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "%s:%d: %lld of %lld stored records of '%s' no "
			 "longer hold (the first one: %s): restore the "
			 "descriptor, and submit records that hold under the "
			 "new one before it is changed",
			 r->place.file, r->place.line, (long long)a->refused,
			 (long long)a->records, r->name, a->first);
}

/* The state as it is looked at: by the one who may write, or by a reader. */
struct look {
	struct sql *objects, *records;
	int64_t at; /* the published sequence */
};

static int
revalidate(const struct look *look, const struct flow_resource *r,
	   struct error *err)
{
	const struct config_resource *resource = r->resource;
	size_t n = resource->nfields;
	scope_free struct slice *cells = calloc(n + 1, sizeof(*cells));
	scope_free int *columns = calloc(n + 1, sizeof(*columns));
	struct again a = {.resource = resource,
			  .cells = cells,
			  .columns = columns,
			  .n = n,
			  .err = err};
	struct validate *validate = NULL;
	int rc;

	if (!cells || !columns)
		return error_nomem(err);
	for (size_t i = 0; i < n; i++)
		columns[i] = (int)i;
	rc = validate_new(resource, &validate, err);
	a.validate = validate;
	if (!rc)
		rc = store_record_each(look->records, r->id, look->at,
				       judge_again, &a, err);
	validate_row_release(&a.row);
	validate_free(validate);
	if (!rc && a.refused)
		rc = refuse_records(resource, &a, err);
	return rc;
}

/* ---- the question -------------------------------------------------------- */

static int
refuse_shape(const struct look *look, const struct flow_resource *r,
	     struct error *err)
{
	const struct config_resource *resource = r->resource;
	int64_t records = 0;
	int rc = store_record_count(look->records, r->id, look->at, &records,
				    err);

	if (rc || !records)
		return rc;
	return error_set(err, ERR_INVALID,
			 "%s:%d: the fields or the key of '%s' have changed "
			 "while %lld records of it are stored; this version "
			 "does not carry stored records over: restore the "
			 "descriptor, or register a new resource",
			 resource->place.file, resource->place.line,
			 resource->name, (long long)records);
}

/* 1 when the records hold under another descriptor than the one that is kept
 * with them, whose text then is in 'now'; 0 when it is the same. */
static int
compare(const struct look *look, const struct flow_resource *r, struct buf *now,
	struct error *err)
{
	scope_buf then = BUF_INIT;
	size_t shape = 0;
	int rc;

	if (describe(r->resource, now, &shape))
		return error_nomem(err);
	rc = store_object_text(look->objects, r->id, &then, err);
	if (rc < 0)
		return rc;
	if (rc && slice_eq(buf_slice(now), buf_slice(&then)))
		return 0;
	if (slice_starts(buf_slice(&then), (struct slice){now->data, shape}))
		rc = revalidate(look, r, err);
	else
		rc = refuse_shape(look, r, err);
	return rc ? rc : 1;
}

int
flow_fields_check(struct store *store, struct store_txn *txn,
		  const struct flow_resource *r, struct error *err)
{
	const struct look look = {.objects = txn->db,
				  .records = store_records(store),
				  .at = store_published(store)};
	scope_buf now = BUF_INIT;
	int rc = compare(&look, r, &now, err);

	return rc > 0 ? store_object_set_text(txn, r->id, now.data, err) : rc;
}

int
flow_fields_compare(struct sql *db, int64_t at, const struct flow_resource *r,
		    struct error *err)
{
	const struct look look = {.objects = db, .records = db, .at = at};
	scope_buf now = BUF_INIT;
	int rc = compare(&look, r, &now, err);

	return rc < 0 ? rc : 0;
}

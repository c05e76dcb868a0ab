/* The rows of published files: see rows.h. */
#include "publish/rows.h"

#include "base/scope.h"
#include "publish/portable.h"

struct walk {
	publish_row_fn *each;
	void *ctx;
	struct publish_counts *counts; /* may be NULL */
};

/* ---- data, data as JSON Lines, conflicts --------------------------------- */

static int
give_theme_row(void *ctx, const struct store_theme_row *r)
{
	const struct walk *w = ctx;
	struct publish_row row = {.place = r->subject, .theme_row = r};

	return w->each(w->ctx, &row);
}

static int
each_data(struct sql *db, const struct publish_rows *rows, int64_t at,
	  struct slice lo, struct slice hi, struct walk *w, struct error *err)
{
	return store_theme_row_each(db, rows->theme->id, at, lo, hi,
				    give_theme_row, w, err);
}

static int
each_conflict(struct sql *db, const struct publish_rows *rows, int64_t at,
	      struct slice lo, struct slice hi, struct walk *w,
	      struct error *err)
{
	return store_conflict_each(db, rows->theme->id, at, lo, hi,
				   give_theme_row, w, err);
}

static int
header_data(const struct publish_rows *rows, struct buf *out)
{
	return publish_format_data_header(rows->theme->theme, out);
}

static int
header_none(const struct publish_rows *rows, struct buf *out)
{
	(void)rows;
	(void)out;
	return 0;
}

/* There is none before its rows: the file of a theme without rows. */
static int
header_sqlite(const struct publish_rows *rows, struct buf *out)
{
	const struct config_theme *theme = rows->theme->theme;

	return theme->sqlite ? publish_portable_empty(theme, out, NULL)
			     : ERR_NOTFOUND;
}

static int
header_conflicts(const struct publish_rows *rows, struct buf *out)
{
	return publish_format_conflicts_header(rows->theme->theme, out);
}

static int
format_data(const struct publish_rows *rows, const struct publish_row *row,
	    struct buf *out, int64_t *ret_lines)
{
	(void)rows;
	*ret_lines = 1;
	return publish_format_data_csv(row->theme_row->cells, out);
}

static int
format_jsonl(const struct publish_rows *rows, const struct publish_row *row,
	     struct buf *out, int64_t *ret_lines)
{
	*ret_lines = 1;
	return publish_format_data_jsonl(rows->theme->theme,
					 row->theme_row->cells, out);
}

static int
format_conflicts(const struct publish_rows *rows, const struct publish_row *row,
		 struct buf *out, int64_t *ret_lines)
{
	(void)rows;
	return publish_format_conflicts_csv(
		row->place, row->theme_row->conflicts, out, ret_lines);
}

/* ---- orphans ------------------------------------------------------------- */

static int
give_orphan(void *ctx, struct slice place, int64_t id)
{
	const struct walk *w = ctx;
	struct publish_row row = {.place = place};

	(void)id;
	return w->each(w->ctx, &row);
}

static int
each_orphan(struct sql *db, const struct publish_rows *rows, int64_t at,
	    struct slice lo, struct slice hi, struct walk *w, struct error *err)
{
	return store_orphan_each(db, rows->theme->id, at, lo, hi, give_orphan,
				 w, err);
}

static int
header_orphans(const struct publish_rows *rows, struct buf *out)
{
	return publish_format_orphans_header(rows->theme->theme, out);
}

static int
format_orphan(const struct publish_rows *rows, const struct publish_row *row,
	      struct buf *out, int64_t *ret_lines)
{
	const struct config_theme *theme = rows->theme->theme;
	const struct config_source *source;
	struct slice subject, key;
	scope_buf shown = BUF_INIT;
	size_t at, member;
	int rc = publish_orphan_parse(row->place, &at, &member, &subject, &key);

	if (rc)
		return rc;
	if (at >= theme->nsources || member >= theme->sources[at].nmembers)
		return ERR_CORRUPT;
	source = &theme->sources[at];
	rc = publish_format_orphan_key(source->members[member].resource, key,
				       &shown);
	*ret_lines = 1;
	return rc ? rc
		  : publish_format_orphan_csv(source->name, subject,
					      buf_slice(&shown), out);
}

/* ---- sources ------------------------------------------------------------- */

static const struct config_resource *
resource_of(const struct publish_rows *rows)
{
	const struct config_source *source =
		&rows->theme->theme->sources[rows->source];

	return source->members[rows->member].resource;
}

static int
give_record(void *ctx, struct slice place, const struct store_record *r)
{
	const struct walk *w = ctx;
	struct publish_row row = {.place = place, .record = r};

	return w->each(w->ctx, &row);
}

static int
each_source(struct sql *db, const struct publish_rows *rows, int64_t at,
	    struct slice lo, struct slice hi, struct walk *w, struct error *err)
{
	return store_link_each(db,
			       rows->theme->lens[rows->source][rows->member],
			       at, lo, hi, give_record, w, err);
}

static int
header_source(const struct publish_rows *rows, struct buf *out)
{
	return publish_format_source_header(rows->theme->theme,
					    resource_of(rows), out);
}

static int
format_source(const struct publish_rows *rows, const struct publish_row *row,
	      struct buf *out, int64_t *ret_lines)
{
	*ret_lines = 1;
	return publish_format_source_csv(resource_of(rows), row->record->cells,
					 out);
}

bool
publish_rows_find_source(const struct publish_theme *theme,
			 const char *resource, size_t *ret_source,
			 size_t *ret_member)
{
	const struct config_theme *t = theme->theme;

	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; m < t->sources[s].nmembers; m++) {
			const struct config_resource *r =
				t->sources[s].members[m].resource;

			if (strcmp(r->name, resource) != 0)
				continue;
			*ret_source = s;
			*ret_member = m;
			return publish_format_source_shown(r);
		}
	}
	return false;
}

bool
publish_rows_is_shown(const struct publish_theme *theme, size_t source,
		      size_t member)
{
	const struct config_source *s = &theme->theme->sources[source];
	size_t first_source, first_member;

	return publish_rows_find_source(theme,
					s->members[member].resource->name,
					&first_source, &first_member) &&
	       first_source == source && first_member == member;
}

/* ---- changes ------------------------------------------------------------- */

static int
give_one(struct walk *w, const char *change, int64_t *count,
	 const struct store_theme_row *shown)
{
	struct publish_row row = {
		.place = shown->subject, .theme_row = shown, .change = change};

	++*count;
	return w->each(w->ctx, &row);
}

static int
give_change(void *ctx, const struct store_theme_row *old,
	    const struct store_theme_row *now)
{
	struct publish_counts ignored = {0}, *counts;
	struct walk *w = ctx;

	counts = w->counts ? w->counts : &ignored;
	if (!now)
		return old ? give_one(w, "delete", &counts->deleted, old) : 0;
	if (!old)
		return give_one(w, "insert", &counts->inserted, now);
	if (slice_eq(old->cells, now->cells))
		return 0; /* conflicts or provenance only */
	return give_one(w, "update", &counts->updated, now);
}

static int
give_insert(void *ctx, const struct store_theme_row *now)
{
	return give_change(ctx, NULL, now);
}

/* Before the first publish there were no rows to look for. */
static int
each_change(struct sql *db, const struct publish_rows *rows, int64_t at,
	    struct slice lo, struct slice hi, struct walk *w, struct error *err)
{
	(void)lo;
	(void)hi;
	if (!rows->from)
		return store_theme_row_each(db, rows->theme->id, at, SLICE_NONE,
					    SLICE_NONE, give_insert, w, err);
	return store_theme_changes(db, rows->theme->id, rows->from, at,
				   rows->breath, give_change, w, err);
}

static int
header_changes(const struct publish_rows *rows, struct buf *out)
{
	return publish_format_changes_header(rows->theme->theme, out);
}

/* A delete carries the old values; where those stood under other columns, the
 * subject alone. */
static int
format_change(const struct publish_rows *rows, const struct publish_row *row,
	      struct buf *out, int64_t *ret_lines)
{
	scope_buf alone = BUF_INIT;
	int rc;

	*ret_lines = 1;
	if (rows->same_columns || strcmp(row->change, "delete") != 0)
		return publish_format_change_csv(row->change,
						 row->theme_row->cells, out);
	rc = cells_add(&alone, row->place);
	for (size_t i = 0; !rc && i < rows->theme->theme->nrules; i++)
		rc = cells_add(&alone, SLICE_NONE);
	return rc ? rc
		  : publish_format_change_csv(row->change, buf_slice(&alone),
					      out);
}

/* ---- the table ----------------------------------------------------------- */

static const struct {
	const char *word;
	const char *path; /* in the version's folder; up to the part, if it has
			     one */
	int (*header)(const struct publish_rows *rows, struct buf *out);
	int (*each)(struct sql *db, const struct publish_rows *rows, int64_t at,
		    struct slice lo, struct slice hi, struct walk *w,
		    struct error *err);
	/* NULL: its bytes are not those of its rows in a row (portable.h) */
	int (*format)(const struct publish_rows *rows,
		      const struct publish_row *row, struct buf *out,
		      int64_t *ret_lines);
} kinds[] = {
	[PUBLISH_DATA] = {"data", "data.csv", header_data, each_data,
			  format_data},
	[PUBLISH_JSONL] = {"jsonl", "data.jsonl", header_none, each_data,
			   format_jsonl},
	[PUBLISH_CONFLICTS] = {"conflicts", "conflicts.csv", header_conflicts,
			       each_conflict, format_conflicts},
	[PUBLISH_ORPHANS] = {"orphans", "orphans.csv", header_orphans,
			     each_orphan, format_orphan},
	[PUBLISH_SOURCE] = {"source", "sources/", header_source, each_source,
			    format_source},
	[PUBLISH_CHANGES] = {"changes", "changes/", header_changes, each_change,
			     format_change},
	[PUBLISH_SQLITE] = {"sqlite", "data.sqlite", header_sqlite, each_data,
			    NULL},
};

const char *
publish_kind_word(enum publish_kind kind)
{
	return kinds[kind].word;
}

bool
publish_kind_find(const char *word, enum publish_kind *ret)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].word, word) == 0) {
			*ret = (enum publish_kind)i;
			return true;
		}
	}
	return false;
}

void
publish_kind_path(enum publish_kind kind, const char *part,
		  char path[static PUBLISH_PATH_MAX])
{
	size_t n = strlen(kinds[kind].path);

	snprintf(path, PUBLISH_PATH_MAX, "%s%s%s", kinds[kind].path, part,
		 part[0] ? ".csv" : "");
	if (part[0])
		path[n + strcspn(part, "/")] = '.';
}

int
publish_rows_header(const struct publish_rows *rows, struct buf *out)
{
	return kinds[rows->kind].header(rows, out);
}

int
publish_rows_each(struct sql *db, const struct publish_rows *rows, int64_t at,
		  struct slice lo, struct slice hi, publish_row_fn *each,
		  void *ctx, struct error *err)
{
	struct walk w = {each, ctx, rows->counts};

	return kinds[rows->kind].each(db, rows, at, lo, hi, &w, err);
}

int
publish_rows_format(const struct publish_rows *rows,
		    const struct publish_row *row, struct buf *out,
		    int64_t *ret_lines)
{
	return kinds[rows->kind].format(rows, row, out, ret_lines);
}

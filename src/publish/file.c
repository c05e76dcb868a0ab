/* Published files as readers find them: see publish.h. */
#include "publish/publish.h"

#include "base/scope.h"
#include "publish/rows.h"
#include "store/chunk.h"
#include "store/version.h"

/* A state as readers see it; its bytes were first published with the first
 * version of that publish or after it. */
static int
describe(struct sql *db, const struct store_file_state *state,
	 struct publish_file *ret, struct error *err)
{
	struct store_version v = {0};
	int rc = store_version_since(db, state->dataset, state->since, &v, err);

	if (rc < 0)
		return rc;
	*ret = (struct publish_file){
		.state = state->id,
		.bytes = state->bytes,
		.rows = state->rows,
		.mtime = v.published_at,
	};
	return 0;
}

static bool
rows_of(const struct publish_theme *theme, enum publish_kind kind,
	const char *part, struct publish_rows *ret)
{
	*ret = (struct publish_rows){.theme = theme, .kind = kind};
	return kind != PUBLISH_SOURCE ||
	       publish_rows_find_source(theme, part, &ret->source,
					&ret->member);
}

int
publish_header(const struct publish_theme *theme, enum publish_kind kind,
	       const char *part, struct buf *out)
{
	struct publish_rows rows;

	if (!rows_of(theme, kind, part, &rows))
		return ERR_NOTFOUND;
	return publish_rows_header(&rows, out);
}

/* A file without a state: before the first data, its header. */
static int
describe_none(const struct publish_theme *theme, enum publish_kind kind,
	      const char *part, bool first, struct publish_file *ret,
	      struct error *err)
{
	scope_buf header = BUF_INIT;
	int rc = ERR_NOTFOUND;

	if (first && kind != PUBLISH_CHANGES)
		rc = publish_header(theme, kind, part, &header);
	if (rc && rc != ERR_NOTFOUND)
		return rc == ERR_NOMEM ? error_nomem(err)
				       : error_set(err, rc, "cannot make '%s'",
						   publish_kind_word(kind));
	*ret = (struct publish_file){.bytes = rc ? -1 : (int64_t)header.len};
	return 0;
}

/* Whether a version of the theme was published up to a sequence. */
static int
is_before_first(struct sql *db, const struct publish_theme *theme, int64_t seq,
		bool *ret, struct error *err)
{
	struct store_version v = {0};
	int rc = store_version_since(db, theme->id, 0, &v, err);

	*ret = rc == 0 || v.seq > seq;
	return rc < 0 ? rc : 0;
}

int
publish_file_at(struct sql *db, const struct publish_theme *theme,
		enum publish_kind kind, const char *part, int64_t seq,
		struct publish_file *ret, struct error *err)
{
	struct store_file_state state;
	bool first = false;
	int64_t file = 0;
	int rc = is_before_first(db, theme, seq, &first, err);

	if (rc)
		return rc;
	if (!first)
		rc = store_file_find(db, theme->id, publish_kind_word(kind),
				     part ? part : "", &file, err);
	if (rc > 0)
		rc = store_file_state_at(db, file, seq, &state, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return describe(db, &state, ret, err);
	return describe_none(theme, kind, part ? part : "", first, ret, err);
}

int
publish_file_get(struct sql *db, int64_t state, struct publish_file *ret,
		 struct error *err)
{
	struct store_file_state found;
	int rc = store_file_state_get(db, state, &found, err);

	if (rc <= 0)
		return rc;
	rc = describe(db, &found, ret, err);
	return rc ? rc : 1;
}

int
publish_file_owner(struct sql *db, int64_t state, int64_t *ret_dataset,
		   char **ret_source, struct error *err)
{
	struct store_file_state found;
	scope_free char *kind = NULL, *part = NULL;
	int rc = store_file_state_get(db, state, &found, err);

	*ret_source = NULL;
	if (rc > 0)
		rc = store_file_get(db, found.file, ret_dataset, &kind, &part,
				    err);
	if (rc <= 0)
		return rc;
	if (strcmp(kind, publish_kind_word(PUBLISH_SOURCE)) == 0) {
		*ret_source = part;
		part = NULL;
	}
	return 1;
}

/* ---- all of a version ---------------------------------------------------- */

struct walk {
	struct sql *db;
	const struct publish_theme *theme;
	int64_t seq;
	publish_file_each_fn *each;
	void *ctx;
	struct error *err;
};

static int
give(struct walk *w, enum publish_kind kind, const char *part)
{
	struct publish_file f = {0};
	int rc = publish_file_at(w->db, w->theme, kind, part, w->seq, &f,
				 w->err);

	return rc || f.bytes < 0 ? rc : w->each(w->ctx, kind, part, &f);
}

static int
give_source(void *ctx, int64_t file, const char *kind, const char *part)
{
	(void)file;
	if (strcmp(kind, publish_kind_word(PUBLISH_SOURCE)) != 0)
		return 0;
	return give(ctx, PUBLISH_SOURCE, part);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Before the first data the configuration says which sources there are. */
static int
give_configured(struct walk *w)
{
	const struct config_theme *t = w->theme->theme;
	scope_free const char **names = NULL;
	size_t n = 0, members = 0;
	int rc = 0;

	for (size_t s = 0; s < t->nsources; s++)
		members += t->sources[s].nmembers;
	names = calloc(members + 1, sizeof(*names));
	if (!names)
		return error_nomem(w->err);
	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; m < t->sources[s].nmembers; m++) {
			if (publish_rows_is_shown(w->theme, s, m))
				names[n++] =
					t->sources[s].members[m].resource->name;
		}
	}
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; !rc && i < n; i++)
		rc = give(w, PUBLISH_SOURCE, names[i]);
	return rc;
}

int
publish_file_each(struct sql *db, const struct publish_theme *theme,
		  int64_t seq, publish_file_each_fn *each, void *ctx,
		  struct error *err)
{
	struct walk w = {db, theme, seq, each, ctx, err};
	bool first = false;
	int rc = is_before_first(db, theme, seq, &first, err);

	for (int kind = PUBLISH_DATA; !rc && kind <= PUBLISH_ORPHANS; kind++)
		rc = give(&w, (enum publish_kind)kind, "");
	if (!rc)
		rc = give(&w, PUBLISH_SQLITE, "");
	if (rc)
		return rc;
	return first ? give_configured(&w)
		     : store_file_each(db, theme->id, give_source, &w, err);
}

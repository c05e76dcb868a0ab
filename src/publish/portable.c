/* data.sqlite: see portable.h. */
#include "publish/portable.h"

#include "base/io.h"
#include "base/scope.h"
#include "integrate/integrate.h"
#include "store/portable.h"

#include <inttypes.h>
#include <stdlib.h>

#define STRETCH ((size_t)128 << 10)
#define PLACE_BYTES 8

/* ---- columns ------------------------------------------------------------- */

/* The subject is a key, not a quantity: text in the order of data.csv,
 * whatever its digits. */
static const struct {
	enum store_portable_type type;
	const char *word;
} types[] = {
	[CONFIG_STRING] = {STORE_PORTABLE_TEXT, "string"},
	[CONFIG_INTEGER] = {STORE_PORTABLE_INTEGER, "integer"},
	[CONFIG_NUMBER] = {STORE_PORTABLE_REAL, "number"},
	[CONFIG_BOOLEAN] = {STORE_PORTABLE_BOOLEAN, "boolean"},
	[CONFIG_DATE] = {STORE_PORTABLE_TEXT, "date"},
	[CONFIG_DATETIME] = {STORE_PORTABLE_TEXT, "datetime"},
	[CONFIG_USCC] = {STORE_PORTABLE_TEXT, "uscc"},
	[CONFIG_ORG_CODE] = {STORE_PORTABLE_TEXT, "org-code"},
	[CONFIG_ID_NUMBER] = {STORE_PORTABLE_TEXT, "id-number"},
	[CONFIG_REGION] = {STORE_PORTABLE_TEXT, "region"},
};

struct columns {
	struct store_portable_column *items;
	struct buf *rules; /* their texts */
	size_t n;
};

static void
columns_release(struct columns *c)
{
	for (size_t i = 0; c->rules && i < c->n; i++)
		buf_release(&c->rules[i]);
	free(c->rules);
	free(c->items);
}
#define scope_columns __attribute__((cleanup(columns_release))) struct columns

static int
set_columns(const struct config_theme *theme, struct columns *ret)
{
	ret->n = theme->nrules + 1;
	ret->items = calloc(ret->n, sizeof(*ret->items));
	ret->rules = calloc(ret->n, sizeof(*ret->rules));
	if (!ret->items || !ret->rules)
		return ERR_NOMEM;
	ret->items[0] = (struct store_portable_column){
		theme->subject, STORE_PORTABLE_TEXT,
		types[theme->subject_type].word, "subject"};
	for (size_t i = 0; i < theme->nrules; i++) {
		enum config_type type = integrate_rule_type(theme, i);

		if (integrate_rule_text(theme, i, &ret->rules[i]) ||
		    !buf_str(&ret->rules[i]))
			return ERR_NOMEM;
		ret->items[i + 1] = (struct store_portable_column){
			theme->rules[i].name, types[type].type,
			types[type].word, ret->rules[i].data};
	}
	return 0;
}

/* ---- the digest of the rows ---------------------------------------------- */

/* As that of a version is made of the chunks of data.csv (doc/format.md), so
 * that whoever has the file alone can tell which version it is. */
struct summary {
	struct digest *all;
	uint64_t border;
	struct buf bytes; /* of the chunk under way */
};

static int
summary_cut(struct summary *s)
{
	unsigned char sha256[DIGEST_SIZE];

	if (!s->bytes.len)
		return 0;
	if (digest_bytes(s->bytes.data, s->bytes.len, sha256))
		return ERR_NOMEM;
	digest_add(s->all, sha256, DIGEST_SIZE);
	buf_clear(&s->bytes);
	return 0;
}

static int
summary_add(struct summary *s, const struct store_theme_row *row)
{
	if (publish_is_border(row->subject, s->border) && summary_cut(s))
		return ERR_NOMEM;
	return publish_format_data_csv(row->cells, &s->bytes);
}

static void
summary_release(struct summary *s)
{
	digest_free(s->all);
	buf_release(&s->bytes);
}

/* ---- one file ------------------------------------------------------------ */

struct writing {
	const struct config_theme *theme;
	const struct publish_portable_job *job; /* NULL: no rows */
	struct store_portable *file;
	struct summary summary;
	int64_t rows;
	struct error *err;
};

static int
add_row(void *ctx, const struct publish_row *row)
{
	struct writing *w = ctx;
	int rc = store_portable_add(w->file, row->theme_row->cells, w->err);

	if (!rc && summary_add(&w->summary, row->theme_row))
		rc = error_nomem(w->err);
	w->rows++;
	return rc || !w->job->step ? rc : w->job->step(w->job->ctx);
}

static int
say_all(struct writing *w)
{
	unsigned char digest[DIGEST_SIZE];
	char hex[DIGEST_HEX], rows[24];
	const struct {
		const char *name, *value;
	} about[] = {
		{"theme", w->theme->id},
		{"title", w->theme->title},
		{"rows", rows},
		{"digest", hex},
	};
	int rc = summary_cut(&w->summary) ? error_nomem(w->err) : 0;

	digest_end(w->summary.all, digest);
	digest_hex(digest, DIGEST_SIZE, hex);
	snprintf(rows, sizeof(rows), "%" PRId64, w->rows);
	for (size_t i = 0; !rc && i < sizeof(about) / sizeof(*about); i++)
		rc = store_portable_say(w->file, about[i].name, about[i].value,
					w->err);
	return rc;
}

static int
write_file(struct writing *w, const char *name, struct buf *out)
{
	scope_columns columns = {0};
	int rc;

	w->summary.all = digest_new();
	if (!w->summary.all || set_columns(w->theme, &columns))
		return error_nomem(w->err);
	rc = store_portable_new(name, w->theme->id, columns.items, columns.n,
				&w->file, w->err);
	if (!rc && w->job)
		rc = store_chunk_border(w->job->db, &w->summary.border, w->err);
	if (!rc && w->job)
		rc = publish_rows_each(w->job->db, w->job->rows, w->job->at,
				       PUBLISH_BEFORE_BORDER, SLICE_NONE,
				       add_row, w, w->err);
	if (!rc)
		rc = say_all(w);
	if (!rc)
		rc = store_portable_end(w->file, out, w->err);
	store_portable_free(w->file);
	return rc;
}

int
publish_portable_empty(const struct config_theme *theme, struct buf *out,
		       struct error *err)
{
	struct writing w = {.theme = theme, .err = err};
	int rc = write_file(&w, "", out);

	summary_release(&w.summary);
	return rc;
}

int
publish_portable_write(const struct publish_portable_job *job,
		       int64_t *ret_rows, struct error *err)
{
	struct writing w = {
		.theme = job->rows->theme->theme, .job = job, .err = err};
	int rc = write_file(&w, job->name, NULL);

	summary_release(&w.summary);
	*ret_rows = w.rows;
	return rc;
}

/* ---- compared with its rows ---------------------------------------------- */

struct matching {
	struct store_portable_reader *file;
	bool same;
	struct error *err;
};

static int
match_row(void *ctx, const struct publish_row *row)
{
	struct matching *m = ctx;
	int rc = store_portable_match(m->file, row->theme_row->cells, &m->same,
				      m->err);

	return rc ? rc : !m->same;
}

int
publish_portable_match(const struct publish_portable_job *job, bool *ret_same,
		       struct error *err)
{
	const struct config_theme *theme = job->rows->theme->theme;
	scope_portable_reader file = NULL;
	scope_columns columns = {0};
	struct matching m = {.same = true, .err = err};
	int rc;

	if (set_columns(theme, &columns))
		return error_nomem(err);
	rc = store_portable_open(job->name, theme->id, columns.items, columns.n,
				 &file, err);
	m.file = file;
	if (!rc)
		rc = publish_rows_each(job->db, job->rows, job->at,
				       PUBLISH_BEFORE_BORDER, SLICE_NONE,
				       match_row, &m, err);
	if (!rc && m.same)
		rc = store_portable_match_end(file, &m.same, err);
	*ret_same = m.same;
	return rc < 0 ? rc : 0;
}

/* ---- its chunks ---------------------------------------------------------- */

static void
set_place(int64_t at, char place[static PLACE_BYTES])
{
	for (int i = PLACE_BYTES; i-- > 0; at >>= 8)
		place[i] = (char)(at & 0xff);
}

int
publish_portable_cut(int fd, int64_t rows, publish_chunk_fn *each, void *ctx,
		     struct error *err)
{
	scope_free char *bytes = malloc(STRETCH);
	char place[PLACE_BYTES];
	int64_t at = 0;
	ssize_t n;
	int rc = 0;

	if (!bytes)
		return error_nomem(err);
	while (!rc && (n = io_pread(fd, bytes, STRETCH, at, err)) != 0) {
		struct publish_chunk c = {
			.first = {place, sizeof(place)},
			.rows = at ? 0 : rows,
		};

		if (n < 0)
			return (int)n;
		c.bytes = (struct slice){bytes, (size_t)n};
		if (digest_bytes(bytes, (size_t)n, c.sha256))
			return error_nomem(err);
		set_place(at, place);
		rc = each(ctx, &c);
		at += n;
	}
	return rc;
}

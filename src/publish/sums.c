/* Texts of a version and SHA256SUMS: see publish.h. */
#include "publish/publish.h"

#include "base/scope.h"
#include "publish/era.h"
#include "publish/rows.h"
#include "store/version.h"

#include <inttypes.h>

static int
render(const struct config *config, const struct publish_theme *theme,
       const char *name, struct buf *out, struct error *err)
{
	int rc = ERR_NOTFOUND;

	if (strcmp(name, PUBLISH_README) == 0)
		rc = publish_format_readme(config, theme->theme, 0, out);
	else if (strcmp(name, PUBLISH_DATAPACKAGE) == 0)
		rc = publish_format_datapackage(theme->theme, 0, out);
	if (rc == ERR_NOMEM)
		return error_nomem(err);
	return rc ? error_set(err, rc, "a version has no text '%s'", name) : 0;
}

int
publish_text(struct sql *db, const struct config *config,
	     const struct publish_theme *theme, int64_t version,
	     const char *name, int64_t *ret_id, struct buf *out,
	     struct error *err)
{
	int rc;

	if (version == 0) {
		rc = render(config, theme, name, out, err);
		if (!rc)
			*ret_id = 0;
		return rc;
	}
	rc = store_version_text_get(db, theme->id, version, name, ret_id, out,
				    err);
	if (!rc)
		return error_set(err, ERR_NOTFOUND,
				 "version %" PRId64
				 " of theme '%s' has no text '%s'",
				 version, theme->theme->id, name);
	return rc < 0 ? rc : 0;
}

/* ---- SHA256SUMS ---------------------------------------------------------- */

/* A file of the version's folder. */
struct line {
	char path[PUBLISH_PATH_MAX];
	int64_t state; /* 0: 'sha256' is known */
	unsigned char sha256[DIGEST_SIZE];
};

struct listing {
	const struct publish_theme *theme;
	const struct config_theme *rules; /* that the version was made by */
	struct line *lines;
	size_t n;
	struct error *err;
};

static struct line *
add_line(struct listing *l, const char *path)
{
	struct line *lines = realloc(l->lines, (l->n + 1) * sizeof(*lines));

	if (!lines)
		return NULL;
	l->lines = lines;
	lines[l->n] = (struct line){.state = 0};
	snprintf(lines[l->n].path, sizeof(lines->path), "%s", path);
	return &lines[l->n++];
}

static int
add_text(struct listing *l, const char *path, struct slice text)
{
	struct line *line = add_line(l, path);

	if (!line || digest_bytes(text.p, text.n, line->sha256))
		return error_nomem(l->err);
	return 0;
}

/* Whether every reader of the theme may read it, so that 'sha256sum -c'
 * passes for all of them. */
static bool
is_for_all(const struct config_theme *rules, const char *resource)
{
	for (size_t s = 0; s < rules->nsources; s++) {
		const struct config_source *source = &rules->sources[s];

		for (size_t m = 0; m < source->nmembers; m++) {
			const struct config_resource *r =
				source->members[m].resource;

			if (strcmp(r->name, resource) == 0)
				return r->sharing == CONFIG_UNCONDITIONAL;
		}
	}
	return false;
}

static int
add_file(void *ctx, enum publish_kind kind, const char *part,
	 const struct publish_file *f)
{
	struct listing *l = ctx;
	scope_buf header = BUF_INIT;
	char path[PUBLISH_PATH_MAX];
	struct line *line;

	if (kind == PUBLISH_SOURCE && !is_for_all(l->rules, part))
		return 0;
	publish_kind_path(kind, part, path);
	if (!f->state) {
		if (publish_header(l->theme, kind, part, &header))
			return error_nomem(l->err);
		return add_text(l, path, buf_slice(&header));
	}
	line = add_line(l, path);
	if (!line)
		return error_nomem(l->err);
	line->state = f->state;
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path,
		      ((const struct line *)b)->path);
}

/* The published files of a version; the two texts are the caller's. */
static int
list_files(struct sql *db, struct listing *l, int64_t version)
{
	struct publish_version v = {0};
	scope_era era = {.told = NULL};
	int rc = version ? publish_version_get(db, l->theme->id, version, &v,
					       l->err)
			 : 1;

	if (rc > 0) {
		int failed =
			publish_era_get(db, l->theme, version, &era, l->err);

		if (failed)
			return failed;
		l->rules = era.theme.theme;
	}
	if (!rc)
		return error_set(l->err, ERR_NOTFOUND,
				 "theme '%s' has no version %" PRId64
				 ": versions/index.csv lists them",
				 l->theme->theme->id, version);
	return rc < 0 ? rc
		      : publish_file_each(db, l->theme, v.seq, add_file, l,
					  l->err);
}

static size_t
line_bytes(const char *path)
{
	return DIGEST_HEX - 1 + strlen("  ") + strlen(path) + strlen("\n");
}

int
publish_sums_size(struct sql *db, const struct publish_theme *theme,
		  int64_t version, int64_t *ret, struct error *err)
{
	struct listing l = {.theme = theme, .err = err};
	size_t size =
		line_bytes(PUBLISH_README) + line_bytes(PUBLISH_DATAPACKAGE);
	int rc = list_files(db, &l, version);

	for (size_t i = 0; i < l.n; i++)
		size += line_bytes(l.lines[i].path);
	free(l.lines);
	if (!rc)
		*ret = (int64_t)size;
	return rc;
}

static int
list_texts(struct sql *db, const struct config *config, struct listing *l,
	   int64_t version)
{
	static const char *const names[] = {PUBLISH_README,
					    PUBLISH_DATAPACKAGE};
	int64_t id;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(names) / sizeof(*names); i++) {
		scope_buf text = BUF_INIT;

		rc = publish_text(db, config, l->theme, version, names[i], &id,
				  &text, l->err);
		if (!rc)
			rc = add_text(l, names[i], buf_slice(&text));
	}
	return rc;
}

static int
list_all(struct store *store, const struct config *config, struct listing *l,
	 int64_t version)
{
	scope_reader reader = {0};
	int rc = store_reader_get(store, &reader, l->err);

	if (!rc)
		rc = list_files(reader.db, l, version);
	if (!rc)
		rc = list_texts(reader.db, config, l, version);
	return rc;
}

static int
print(struct store *store, struct listing *l, struct buf *out)
{
	int rc = 0;

	qsort(l->lines, l->n, sizeof(*l->lines), by_path);
	for (size_t i = 0; !rc && i < l->n; i++) {
		struct line *line = &l->lines[i];
		char hex[DIGEST_HEX];

		if (line->state)
			rc = publish_file_sha256(store, line->state,
						 line->sha256, l->err);
		digest_hex(line->sha256, DIGEST_SIZE, hex);
		if (!rc && buf_addf(out, "%s  %s\n", hex, line->path))
			rc = error_nomem(l->err);
	}
	return rc;
}

int
publish_sums(struct store *store, const struct config *config,
	     const struct publish_theme *theme, int64_t version,
	     struct buf *out, struct error *err)
{
	struct listing l = {.theme = theme, .err = err};
	int rc = list_all(store, config, &l, version);

	if (!rc)
		rc = print(store, &l, out);
	free(l.lines);
	return rc;
}

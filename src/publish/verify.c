/*
 * 'verify': everything readers can see against every index. See publish.h.
 * verify_file.c does one published file.
 */
#include "publish/verify.h"

#include "base/scope.h"
#include "publish/changes.h"
#include "publish/chunks.h"
#include "store/object.h"
#include "store/version.h"

#include <inttypes.h>
#include <stdarg.h>

int
publish_verify_problem(struct publish_verify *v, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	v->problems = true;
	return v->report(v->ctx, text);
}

/* ---- versions ------------------------------------------------------------ */

static int
state_of(struct publish_verify *v, enum publish_kind kind, const char *part,
	 int64_t seq, int64_t *ret_file, struct store_file_state *ret)
{
	int rc = store_file_find(v->db, v->theme->id, publish_kind_word(kind),
				 part, ret_file, v->err);

	return rc <= 0 ? rc
		       : store_file_state_at(v->db, *ret_file, seq, ret,
					     v->err);
}

static int
verify_data(struct publish_verify *v, const struct store_version *version)
{
	const char *theme = v->theme->theme->id;
	unsigned char digest[DIGEST_SIZE];
	struct store_file_state state;
	int64_t file = 0;
	int rc = state_of(v, PUBLISH_DATA, "", version->seq, &file, &state);

	if (!rc)
		return publish_verify_problem(
			v, "theme '%s', version %" PRId64 ": has no data",
			theme, version->number);
	if (rc > 0 && state.rows != version->rows)
		rc = publish_verify_problem(
			v,
			"theme '%s', version %" PRId64 ": %" PRId64
			" rows in data.csv, %" PRId64 " in versions/index.csv",
			theme, version->number, state.rows, version->rows);
	if (rc >= 0)
		rc = publish_chunks_digest(v->db, file, version->seq, digest,
					   v->err);
	if (!rc && memcmp(digest, version->digest, DIGEST_SIZE) != 0)
		rc = publish_verify_problem(
			v,
			"theme '%s', version %" PRId64
			": its digest is not that of its chunks",
			theme, version->number);
	return rc;
}

static int
verify_changes(struct publish_verify *v, const struct store_version *version)
{
	int64_t rows = version->inserted + version->updated + version->deleted;
	struct store_file_state state = {0};
	int64_t file = 0;
	char part[32];
	int rc;

	snprintf(part, sizeof(part), "%" PRId64, version->number);
	rc = state_of(v, PUBLISH_CHANGES, part, version->seq, &file, &state);
	if (rc < 0 || (rc > 0 && state.rows == rows))
		return rc < 0 ? rc : 0;
	return publish_verify_problem(
		v,
		"theme '%s', version %" PRId64 ": changes/ has %" PRId64
		" rows, versions/index.csv %" PRId64,
		v->theme->theme->id, version->number, state.rows, rows);
}

static int
verify_texts(struct publish_verify *v, const struct store_version *version)
{
	static const char *const names[] = {PUBLISH_README,
					    PUBLISH_DATAPACKAGE};
	int64_t id;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < sizeof(names) / sizeof(*names); i++) {
		rc = store_version_text_get(v->db, v->theme->id,
					    version->number, names[i], &id,
					    NULL, v->err);
		if (!rc)
			rc = publish_verify_problem(
				v, "theme '%s', version %" PRId64 ": has no %s",
				v->theme->theme->id, version->number, names[i]);
	}
	return rc < 0 ? rc : 0;
}

static int
verify_version(void *ctx, const struct store_version *version)
{
	struct publish_verify *v = ctx;
	int rc;

	v->newest = *version;
	rc = verify_data(v, version);
	if (!rc)
		rc = verify_changes(v, version);
	return rc ? rc : verify_texts(v, version);
}

/* ---- rows against the store ---------------------------------------------- */

/* Whether the newest version was made by today's rules; otherwise the next
 * one waits for a reload, and its rows cannot be made again. */
static int
is_current(struct publish_verify *v, bool *ret)
{
	scope_buf text = BUF_INIT;
	int rc = publish_same_columns(v->db, v->theme, v->newest.seq, ret,
				      v->err);

	if (rc || !*ret)
		return rc;
	rc = store_object_text(v->db, v->theme->id, &text, v->err);
	if (rc > 0)
		*ret = slice_is(buf_slice(&text), v->theme->theme->rules_text);
	return rc < 0 ? rc : 0;
}

struct rebuild {
	struct publish_verify *v;
	int64_t file;
	int64_t chunks;
	bool differs;
};

static int
compare_chunk(void *ctx, const struct publish_chunk *c)
{
	struct rebuild *r = ctx;
	struct store_chunk published;
	int rc = store_chunk_get(r->v->db, r->file, r->v->newest.seq, c->first,
				 &published, r->v->err);

	r->chunks++;
	if (rc <= 0 || published.rows != c->rows ||
	    memcmp(published.sha256, c->sha256, DIGEST_SIZE) != 0)
		r->differs = true;
	return rc < 0 ? rc : 0;
}

static int
count_chunk(void *ctx, const struct store_chunk *c)
{
	if (c->first.n) /* not the header */
		--*(int64_t *)ctx;
	return 0;
}

static int
rebuild_file(struct publish_verify *v, const struct publish_rows *rows,
	     const char *part)
{
	char path[PUBLISH_PATH_MAX];
	struct rebuild r = {.v = v};
	const struct publish_cut cut = {
		.db = v->db,
		.rows = rows,
		.at = v->newest.seq,
		.lo = PUBLISH_BEFORE_BORDER,
		.beside = true,
		.each = compare_chunk,
		.ctx = &r,
	};
	struct error err = ERROR_INIT;
	int rc = store_file_find(v->db, v->theme->id,
				 publish_kind_word(rows->kind), part, &r.file,
				 v->err);

	if (rc <= 0)
		return rc;
	rc = publish_chunks_cut(&cut, &err);
	if (rc == ERR_CORRUPT)
		return publish_verify_problem(v, "%s", err.text);
	if (rc) {
		if (v->err)
			*v->err = err;
		return rc;
	}
	rc = store_chunk_each(v->db, r.file, v->newest.seq, count_chunk,
			      &r.chunks, v->err);
	if (rc || (!r.differs && !r.chunks))
		return rc;
	publish_kind_path(rows->kind, part, path);
	return publish_verify_problem(
		v,
		"theme '%s', version %" PRId64
		": '%s' differs from the records it was made of",
		v->theme->theme->id, v->newest.number, path);
}

static int
rebuild_sources(struct publish_verify *v)
{
	const struct config_theme *t = v->theme->theme;
	int rc = 0;

	for (size_t s = 0; s < t->nsources; s++) {
		for (size_t m = 0; !rc && m < t->sources[s].nmembers; m++) {
			struct publish_rows rows = {.theme = v->theme,
						    .kind = PUBLISH_SOURCE,
						    .source = s,
						    .member = m};

			if (publish_rows_is_shown(v->theme, s, m))
				rc = rebuild_file(v, &rows,
						  t->sources[s]
							  .members[m]
							  .resource->name);
		}
	}
	return rc;
}

static int
verify_rows(struct publish_verify *v)
{
	bool current = false;
	int rc = v->newest.number ? is_current(v, &current) : 0;

	for (int kind = PUBLISH_DATA; !rc && current && kind <= PUBLISH_ORPHANS;
	     kind++) {
		struct publish_rows rows = {.theme = v->theme,
					    .kind = (enum publish_kind)kind};

		rc = rebuild_file(v, &rows, "");
	}
	if (!rc && current)
		rc = publish_verify_portable(v);
	return rc || !current ? rc : rebuild_sources(v);
}

/* ---- all -------------------------------------------------------------- */

static int
verify_theme(struct publish_verify *v)
{
	scope_reader reader = {0};
	int rc = store_reader_get(v->store, &reader, v->err);

	if (rc)
		return rc;
	v->db = reader.db;
	v->newest = (struct store_version){.number = 0};
	rc = store_version_each(v->db, v->theme->id, verify_version, v, v->err);
	if (!rc)
		rc = store_file_each(v->db, v->theme->id, publish_verify_file,
				     v, v->err);
	return rc ? rc : verify_rows(v);
}

int
publish_verify(struct store *store, const struct config *config,
	       const struct publish_theme *themes, size_t nthemes,
	       int (*report)(void *ctx, const char *text), void *ctx,
	       struct error *err)
{
	struct publish_verify v = {
		.store = store, .report = report, .ctx = ctx, .err = err};
	int rc = 0;

	(void)config;
	v.published = store_published(store);
	for (size_t i = 0; !rc && i < nthemes; i++) {
		v.theme = &themes[i];
		rc = verify_theme(&v);
	}
	publish_verify_release(&v);
	return rc ? rc : v.problems;
}

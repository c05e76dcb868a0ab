/* The rules of older versions: see era.h. */
#include "publish/era.h"

#include "base/scope.h"
#include "store/version.h"

#include <stdlib.h>

void
publish_era_release(struct publish_era *era)
{
	if (!era->told)
		return;
	for (size_t s = 0; era->theme.lens && s < era->told->nsources; s++)
		free(era->theme.lens[s]);
	for (size_t s = 0; era->theme.links && s < era->told->nsources; s++) {
		free(era->theme.links[s].lens);
		free(era->theme.links[s].other);
	}
	free(era->theme.lens);
	free(era->theme.links);
	config_theme_free(era->told);
	*era = (struct publish_era){0};
}

/* The lenses of a source by the field of each member; those of its subject
 * without 'columns'. A lens that is gone stays 0: it has no records. */
static int
find_lenses(struct sql *db, const struct config_source *source,
	    const size_t *columns, int64_t **ret, struct error *err)
{
	int64_t *lens = calloc(source->nmembers + 1, sizeof(*lens));
	int rc = 0;

	*ret = lens;
	if (!lens)
		return error_nomem(err);
	for (size_t m = 0; rc >= 0 && m < source->nmembers; m++) {
		const struct config_member *member = &source->members[m];
		size_t field = columns ? columns[m] : member->subject;

		rc = store_lens_find(db, member->resource->name,
				     member->resource->fields[field].id,
				     &lens[m], err);
	}
	return rc < 0 ? rc : 0;
}

static int
find_link(struct sql *db, const struct config_theme *t, size_t source,
	  struct publish_link *ret, struct error *err)
{
	const struct config_link *link = t->sources[source].link;
	int rc = 0;

	if (link)
		rc = find_lenses(db, &t->sources[source], link->columns,
				 &ret->lens, err);
	if (!rc && link)
		rc = find_lenses(db, &t->sources[link->other],
				 link->other_columns, &ret->other, err);
	return rc;
}

static int
find_all(struct sql *db, struct publish_era *era, struct error *err)
{
	const struct config_theme *t = era->told;
	int rc = 0;

	era->theme.lens = calloc(t->nsources + 1, sizeof(*era->theme.lens));
	era->theme.links = calloc(t->nsources + 1, sizeof(*era->theme.links));
	if (!era->theme.lens || !era->theme.links)
		return error_nomem(err);
	for (size_t s = 0; !rc && s < t->nsources; s++) {
		rc = find_lenses(db, &t->sources[s], NULL, &era->theme.lens[s],
				 err);
		if (!rc)
			rc = find_link(db, t, s, &era->theme.links[s], err);
	}
	return rc;
}

int
publish_era_get(struct sql *db, const struct publish_theme *today,
		int64_t version, struct publish_era *ret, struct error *err)
{
	scope_buf rules = BUF_INIT;
	int rc = store_version_rules_get(db, today->id, version, &rules, err);

	if (rc < 0)
		return rc;
	*ret = (struct publish_era){.theme = *today};
	if (rc == 0 || slice_is(buf_slice(&rules), today->theme->rules_text))
		return 0;
	ret->theme = (struct publish_theme){.id = today->id};
	rc = config_theme_parse(today->theme->id, buf_slice(&rules), &ret->told,
				err);
	ret->theme.theme = ret->told;
	if (!rc)
		rc = find_all(db, ret, err);
	if (rc)
		publish_era_release(ret);
	return rc;
}

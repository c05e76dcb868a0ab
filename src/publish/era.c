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
	free(era->theme.lens);
	config_theme_free(era->told);
	*era = (struct publish_era){0};
}

/* A lens that is gone stays 0: it has no records. */
static int
find_lenses(struct sql *db, struct publish_era *era, struct error *err)
{
	const struct config_theme *t = era->told;

	era->theme.lens = calloc(t->nsources + 1, sizeof(*era->theme.lens));
	if (!era->theme.lens)
		return error_nomem(err);
	for (size_t s = 0; s < t->nsources; s++) {
		const struct config_source *source = &t->sources[s];
		int64_t *lens = calloc(source->nmembers + 1, sizeof(*lens));

		era->theme.lens[s] = lens;
		if (!lens)
			return error_nomem(err);
		for (size_t m = 0; m < source->nmembers; m++) {
			const struct config_member *member =
				&source->members[m];
			int rc = store_lens_find(
				db, member->resource->name,
				member->resource->fields[member->subject].id,
				&lens[m], err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
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
		rc = find_lenses(db, ret, err);
	if (rc)
		publish_era_release(ret);
	return rc;
}

/* Whether a version that is kept still shows something: see publish.h. */
#include "publish/publish.h"

#include "store/chunk.h"
#include "store/retain.h"
#include "store/version.h"

int
publish_version_is_kept(struct sql *db, int64_t theme, int64_t number,
			struct error *err)
{
	struct store_version v = {0};
	int rc = store_version_get(db, theme, number, &v, err);

	return rc > 0 ? !v.dropped : rc;
}

/* The first kept version at 'since' or after it comes before 'until'. */
static int
is_shown(struct sql *db, int64_t theme, int64_t since, int64_t until,
	 struct error *err)
{
	struct store_version first = {0}, v = {0};
	int64_t number = 0;
	int rc = store_retained_first(db, theme, &number, err);

	if (!rc && number)
		rc = store_version_get(db, theme, number, &first, err);
	if (rc < 0)
		return rc;
	rc = store_version_since(
		db, theme, since > first.seq ? since : first.seq, &v, err);
	return rc <= 0 ? rc : v.seq < until;
}

int
publish_file_is_kept(struct sql *db, int64_t state, struct error *err)
{
	struct store_file_state s;
	int rc = store_file_state_get(db, state, &s, err);

	if (rc <= 0)
		return rc;
	if (s.changes)
		return publish_version_is_kept(db, s.dataset, s.changes, err);
	return s.until ? is_shown(db, s.dataset, s.since, s.until, err) : 1;
}

int
publish_subject_is_kept(struct sql *db, int64_t row, struct error *err)
{
	int64_t theme, since, until;
	int rc = store_theme_row_span(db, row, &theme, &since, &until, err);

	if (rc <= 0)
		return rc;
	return until ? is_shown(db, theme, since, until, err) : 1;
}

/* When runs of rows are merged (store/merge.h): whenever nothing else is to be
 * done, until there is no more to merge. See internal.h. */
#include "flow/internal.h"

#include "base/clock.h"
#include "store/merge.h"

#define AGAIN_NS (600 * CLOCK_NS)

void
flow_merging_step(struct flow_merging *m, struct store *store, int64_t now,
		  const struct flow_hooks *hooks)
{
	struct error err = ERROR_INIT;
	int rc;

	if (m->next > now)
		return;
	rc = store_merge_step(store, &m->merge, &err);
	m->next = rc > 0 ? 0 : rc ? now + AGAIN_NS : INT64_MAX;
	if (rc < 0) {
		error_prefix(&err, rc, "merging runs of rows");
		hooks->failed(hooks->ctx, &err);
	}
}

void
flow_merging_again(struct flow_merging *m)
{
	if (m->next == INT64_MAX)
		m->next = 0;
}

void
flow_merging_end(struct flow_merging *m)
{
	store_merge_free(m->merge);
	m->merge = NULL;
}

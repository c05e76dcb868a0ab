/* The packs of one publish: see packs.h. */
#include "publish/packs.h"

#include <stdlib.h>

struct publish_packs {
	int state_fd;
	int64_t seq;
	struct publish_pack *shared;
	struct publish_pack *own[PUBLISH_PACK_OWN_MOST];
	size_t n;
};

int
publish_packs_new(int state_fd, int64_t seq, struct publish_packs **ret,
		  struct error *err)
{
	struct publish_packs *packs = calloc(1, sizeof(*packs));
	int rc;

	if (!packs)
		return error_nomem(err);
	packs->state_fd = state_fd;
	packs->seq = seq;
	rc = publish_pack_new(state_fd, seq, &packs->shared, err);
	if (rc) {
		free(packs);
		return rc;
	}
	*ret = packs;
	return 0;
}

void
publish_packs_free(struct publish_packs *packs)
{
	if (!packs)
		return;
	publish_pack_free(packs->shared);
	for (size_t i = 0; i < packs->n; i++)
		publish_pack_free(packs->own[i]);
	free(packs);
}

void
publish_packs_remove(struct publish_packs *packs)
{
	if (!packs)
		return;
	publish_pack_remove(packs->shared);
	for (size_t i = 0; i < packs->n; i++)
		publish_pack_remove(packs->own[i]);
}

struct publish_pack *
publish_packs_shared(struct publish_packs *packs)
{
	return packs->shared;
}

int
publish_packs_own(struct publish_packs *packs, struct publish_pack **ret,
		  struct error *err)
{
	int64_t number =
		packs->seq + (int64_t)(packs->n + 1) * PUBLISH_PACK_OWN;
	int rc;

	*ret = packs->shared;
	if (packs->n == PUBLISH_PACK_OWN_MOST)
		return 0;
	rc = publish_pack_new(packs->state_fd, number, &packs->own[packs->n],
			      err);
	if (!rc)
		*ret = packs->own[packs->n++];
	return rc;
}

int
publish_packs_sync(struct publish_packs *packs, struct error *err)
{
	int rc = publish_pack_sync(packs->shared, err);

	for (size_t i = 0; !rc && i < packs->n; i++)
		rc = publish_pack_sync(packs->own[i], err);
	return rc;
}

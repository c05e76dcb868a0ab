/* Sets of users and groups: see set.h. */
#include "access/set.h"

#include <stdlib.h>
#include <string.h>

void
access_set_release(struct access_set *set)
{
	free(set->users);
	free(set->groups);
	*set = (struct access_set){0};
}

/* The place of an id, or where it belongs. */
static size_t
find(const struct access_entry *entries, size_t n, id_t id)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct access_entry *
access_set_find(const struct access_entry *entries, size_t n, id_t id)
{
	size_t i = find(entries, n, id);

	return i < n && entries[i].id == id ? &entries[i] : NULL;
}

static int
add(struct access_entry **entries, size_t *n, const struct access_entry *e)
{
	size_t i = find(*entries, *n, e->id);
	struct access_entry *grown;

	if (i < *n && (*entries)[i].id == e->id) {
		(*entries)[i].rights |= e->rights;
		return 0;
	}
	grown = reallocarray(*entries, *n + 1, sizeof(*grown));
	if (!grown)
		return ERR_NOMEM;
	*entries = grown;
	memmove(grown + i + 1, grown + i, (*n - i) * sizeof(*grown));
	grown[i] = *e;
	++*n;
	return 0;
}

int
access_set_add(struct access_set *set, const struct access_entry *entry)
{
	int rc;

	if (entry->kind == ACCESS_EVERYONE) {
		if (!set->everyone)
			set->everyone_reason = entry->reason;
		set->everyone |= entry->rights;
		return 0;
	}
	rc = entry->kind == ACCESS_USER
		     ? add(&set->users, &set->nusers, entry)
		     : add(&set->groups, &set->ngroups, entry);
	if (!rc && set->nusers + set->ngroups > ACCESS_ENTRIES_MAX &&
	    !set->beyond.place.line)
		set->beyond = entry->reason;
	return rc;
}

static int
join(struct access_set *set, const struct access_entry *entries, size_t n,
     unsigned rights)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		struct access_entry e = entries[i];

		e.rights &= rights;
		if (e.rights)
			rc = access_set_add(set, &e);
	}
	return rc;
}

int
access_set_join(struct access_set *set, const struct access_set *from,
		unsigned rights)
{
	const struct access_entry everyone = {
		.kind = ACCESS_EVERYONE,
		.rights = from->everyone,
		.reason = from->everyone_reason,
	};
	int rc = join(set, from->users, from->nusers, rights);

	if (!rc)
		rc = join(set, from->groups, from->ngroups, rights);
	return rc ? rc : join(set, &everyone, 1, rights);
}

/* ---- deciding ------------------------------------------------------------ */

static bool
answer(bool yes, const struct access_reason *why, struct access_reason *ret)
{
	if (ret)
		*ret = *why;
	return yes;
}

/* The entry for a group of the process that gives all of 'want'. */
static const struct access_entry *
match_group(const struct access_set *set, const struct access_who *who,
	    unsigned want)
{
	for (size_t i = 0; i <= who->ngroups; i++) {
		gid_t gid = i ? who->groups[i - 1] : who->gid;
		const struct access_entry *e =
			access_set_find(set->groups, set->ngroups, gid);

		if (e && (e->rights & want) == want)
			return e;
	}
	return NULL;
}

/* Entries have what 'everyone' has, so whom one matches loses nothing by it;
 * and a user's has what his groups give. */
bool
access_set_may(const struct access_set *set, const struct access_who *who,
	       unsigned want, struct access_reason *ret)
{
	static const struct access_reason root = {
		.key = "root",
		.how = "the kernel refuses root nothing",
	};
	const struct access_entry *e;

	if (who->uid == 0)
		return answer(true, &root, ret);
	if ((set->everyone & want) == want)
		return answer(true, &set->everyone_reason, ret);
	e = access_set_find(set->users, set->nusers, who->uid);
	if (e)
		return (e->rights & want) == want
			       ? answer(true, &e->reason, ret)
			       : answer(false, &set->none, ret);
	e = match_group(set, who, want);
	return e ? answer(true, &e->reason, ret)
		 : answer(false, &set->none, ret);
}

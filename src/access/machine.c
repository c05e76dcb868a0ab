/* Names of users and groups as this machine knows them. */
#include "access/access.h"

#include "base/scope.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#define ENTRY_MAX ((size_t)1 << 20) /* a group of very many members */
#define GROUPS_FIRST 64
#define GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX */

static int
find_user(void *ctx, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	struct passwd entry, *found = NULL;

	(void)ctx;
	for (size_t size = 4096; size <= ENTRY_MAX; size *= 4) {
		scope_free char *text = malloc(size);
		int rc = text ? getpwnam_r(name, &entry, text, size, &found)
			      : ENOMEM;

		if (rc == ERANGE)
			continue;
		if (rc || !found)
			return 0;
		*ret_uid = found->pw_uid;
		*ret_gid = found->pw_gid;
		return 1;
	}
	return 0;
}

static int
find_group(void *ctx, const char *name, gid_t *ret_gid)
{
	struct group entry, *found = NULL;

	(void)ctx;
	for (size_t size = 4096; size <= ENTRY_MAX; size *= 4) {
		scope_free char *text = malloc(size);
		int rc = text ? getgrnam_r(name, &entry, text, size, &found)
			      : ENOMEM;

		if (rc == ERANGE)
			continue;
		if (rc || !found)
			return 0;
		*ret_gid = found->gr_gid;
		return 1;
	}
	return 0;
}

static int
groups_of(void *ctx, const char *name, gid_t gid, gid_t **ret_groups,
	  size_t *ret_n)
{
	int n = GROUPS_FIRST;

	(void)ctx;
	while (n <= GROUPS_MAX) {
		int room = n;
		gid_t *groups = calloc((size_t)room, sizeof(*groups));

		if (!groups)
			return ERR_NOMEM;
		if (getgrouplist(name, gid, groups, &n) >= 0) {
			*ret_groups = groups;
			*ret_n = (size_t)n;
			return 0;
		}
		free(groups);
		if (n <= room)
			n = 2 * room; /* it does not say how many */
	}
	*ret_groups = NULL;
	*ret_n = 0;
	return 0;
}

const struct access_resolver access_machine = {
	.user = find_user,
	.group = find_group,
	.groups_of = groups_of,
};

int
access_account(uid_t uid, gid_t *ret_gid, gid_t **ret, size_t *ret_n)
{
	struct passwd entry, *found = NULL;

	for (size_t size = 4096; size <= ENTRY_MAX; size *= 4) {
		scope_free char *text = malloc(size);
		int rc = text ? getpwuid_r(uid, &entry, text, size, &found)
			      : ENOMEM;

		if (rc == ERANGE)
			continue;
		if (rc == ENOMEM)
			return ERR_NOMEM;
		if (rc || !found)
			return 0;
		*ret_gid = found->pw_gid;
		rc = groups_of(NULL, found->pw_name, found->pw_gid, ret, ret_n);
		return rc ? rc : 1;
	}
	return 0;
}

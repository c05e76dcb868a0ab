/*
 * A set as the kernel takes it: mode bits and system.posix_acl_access, which
 * is a version and entries of tag, permissions and id, all little-endian
 * (linux/posix_acl_xattr.h), in the order that acl(5) demands.
 */
#include "access/rules.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <endian.h>

#define NO_ID ACL_UNDEFINED_ID

static unsigned
permissions(unsigned rights, struct access_form form)
{
	unsigned p = 0;

	if (rights & ACCESS_READ)
		p |= form.folder ? ACL_READ | ACL_EXECUTE : ACL_READ;
	if ((rights & ACCESS_WRITE) && form.writable)
		p |= ACL_WRITE;
	return p;
}

/* Nobody named may do more than these. */
static unsigned
mask_of(const struct access_set *s)
{
	unsigned rights = s->everyone;

	for (size_t i = 0; i < s->nusers; i++)
		rights |= s->users[i].rights;
	for (size_t i = 0; i < s->ngroups; i++)
		rights |= s->groups[i].rights;
	return rights;
}

static unsigned
owner_permissions(struct access_form form)
{
	return permissions(ACCESS_READ | ACCESS_WRITE, form);
}

mode_t
access_mode(const struct access *a, struct access_at at,
	    struct access_form form)
{
	const struct access_set *s = access_set_at(a, at);
	unsigned group = permissions(s->plain ? s->everyone : mask_of(s), form);

	/* ACCESS_NO_GROUP: nobody is in the group */
	if (at.place == ACCESS_ROOT && form.folder)
		group = 0;
	return owner_permissions(form) << 6 | group << 3 |
	       permissions(s->everyone, form);
}

static int
add(struct buf *out, unsigned tag, unsigned permissions_, uint32_t id)
{
	const struct posix_acl_xattr_entry e = {
		.e_tag = htole16((uint16_t)tag),
		.e_perm = htole16((uint16_t)permissions_),
		.e_id = htole32(id),
	};

	return buf_add(out, &e, sizeof(e));
}

static int
add_entries(struct buf *out, unsigned tag, const struct access_entry *entries,
	    size_t n, struct access_form form)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = add(out, tag, permissions(entries[i].rights, form),
			 entries[i].id);
	return rc;
}

int
access_acl(const struct access *a, struct access_at at, struct access_form form,
	   struct buf *out)
{
	const struct posix_acl_xattr_header header = {
		.a_version = htole32(POSIX_ACL_XATTR_VERSION),
	};
	const struct access_set *s = access_set_at(a, at);
	unsigned everyone = permissions(s->everyone, form);
	int rc;

	if (s->plain)
		return 0;
	rc = buf_add(out, &header, sizeof(header));
	if (!rc)
		rc = add(out, ACL_USER_OBJ, owner_permissions(form), NO_ID);
	if (!rc)
		rc = add_entries(out, ACL_USER, s->users, s->nusers, form);
	if (!rc)
		rc = add(out, ACL_GROUP_OBJ, everyone, NO_ID);
	if (!rc)
		rc = add_entries(out, ACL_GROUP, s->groups, s->ngroups, form);
	if (!rc)
		rc = add(out, ACL_MASK, permissions(mask_of(s), form), NO_ID);
	return rc ? rc : add(out, ACL_OTHER, everyone, NO_ID);
}

/* Names are taken away and changed: unlink and rename. */
#include "inbox/state.h"

#include <errno.h>
#include <stdio.h>

/* Which upload, or which companion of one, a name is. */
struct named {
	const struct inbox_companion *companion; /* NULL: the upload itself */
	struct store_inbox_file file;
};

/* 0, -ENOENT, or what is wrong with the name. Whether the companion is shown
 * is not looked at. */
static int
find_named(struct inbox_change *c, int64_t resource, const char *name,
	   struct named *ret)
{
	char key[STORE_INBOX_KEY_MAX];
	size_t base;
	int rc = inbox_name_key(name, key);

	if (rc)
		return rc;
	ret->companion = inbox_name_split(key, &base);
	if (ret->companion)
		key[base] = '\0';
	rc = store_inbox_find(c->txn.db, resource, key, &ret->file, &c->err);
	if (rc < 0)
		return inbox_errno(rc, &c->err);
	return rc ? 0 : -ENOENT;
}

/* ---- unlink -------------------------------------------------------------- */

static int
unlink_named(struct inbox_change *c, struct named *n)
{
	int rc;

	if (!n->companion)
		return inbox_change_unlink(c, &n->file);
	if (!inbox_has_companion(c->inbox, &n->file, n->companion))
		return -ENOENT;
	rc = store_inbox_hide(&c->txn, n->file.submission, n->companion->bit,
			      &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

static int
unlink_once(struct inbox *inbox, const struct inbox_request *req,
	    int64_t resource, const char *name)
{
	scope_change c;
	struct named n;
	int64_t node;
	int rc = inbox_change_begin(inbox, &c);

	if (!rc)
		rc = inbox_change_answered(&c, req, &node);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = find_named(&c, resource, name, &n);
	if (!rc)
		rc = unlink_named(&c, &n);
	if (!rc)
		rc = inbox_change_answer(&c, req, n.file.id);
	return rc ? rc : inbox_change_commit(&c);
}

/* On a full disk people must be able to tidy up. */
int
inbox_unlink(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *name)
{
	int rc = unlink_once(inbox, req, resource, name);

	if (rc == -ENOSPC && store_spare_give(inbox->store))
		rc = unlink_once(inbox, req, resource, name);
	return rc;
}

/* ---- rename -------------------------------------------------------------- */

/* Takes what has the new name out of the way. */
static int
replace(struct inbox_change *c, int64_t file, int64_t resource, const char *key,
	unsigned flags)
{
	struct store_inbox_file there;
	int rc = store_inbox_find(c->txn.db, resource, key, &there, &c->err);

	if (rc < 0)
		return inbox_errno(rc, &c->err);
	if (!rc || there.id == file)
		return 0; /* the same name in another normal form */
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	return inbox_change_unlink(c, &there);
}

/* Gives the file its name. It keeps its receipts and is no new submission if
 * it was judged; else a final name completes it at once (SPEC 6.1). */
static int
give_name(struct inbox_change *c, struct store_inbox_file *f, const char *to,
	  const char *key)
{
	int rc;

	snprintf(f->name, sizeof(f->name), "%s", to);
	snprintf(f->key, sizeof(f->key), "%s", key);
	if (!f->submission && !f->handles)
		inbox_fall_quiet(f, clock_now() - c->inbox->settle);
	rc = store_inbox_set(&c->txn, f, &c->err);
	return rc ? inbox_errno(rc, &c->err) : 0;
}

int
inbox_rename(struct inbox *inbox, const struct inbox_request *req,
	     int64_t resource, const char *from, const char *to, unsigned flags)
{
	char key[STORE_INBOX_KEY_MAX];
	scope_change c;
	struct named n;
	int64_t node;
	int rc = inbox_change_begin(inbox, &c);

	if (!rc)
		rc = inbox_change_answered(&c, req, &node);
	if (rc)
		return rc < 0 ? rc : 0;
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL;
	rc = inbox_name_check(to);
	if (!rc)
		rc = inbox_name_key(to, key);
	if (!rc)
		rc = find_named(&c, resource, from, &n);
	if (!rc && n.companion)
		rc = inbox_has_companion(inbox, &n.file, n.companion) ? -EPERM
								      : -ENOENT;
	/* its receipts would have no place there */
	if (!rc && n.file.submission && inbox_holding_of(to))
		rc = -EXDEV;
	if (!rc)
		rc = replace(&c, n.file.id, resource, key, flags);
	if (!rc)
		rc = inbox_fix_rename(&c, &n.file, to);
	if (!rc)
		rc = give_name(&c, &n.file, to, key);
	if (!rc)
		rc = inbox_change_answer(&c, req, n.file.id);
	if (!rc)
		rc = inbox_change_commit(&c);
	if (!rc)
		inbox_changed(inbox);
	return rc;
}

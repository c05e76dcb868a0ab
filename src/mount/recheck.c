/* Reads that ask the rules: see recheck.h. */
#include "mount/recheck.h"

#include "base/scope.h"
#include "mount/permit.h"
#include "mount/pins.h"
#include "mount/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define NAME "cache/openers"
#define GROUPS_USUAL 64
#define ACCOUNTS 64 /* known at once */
#define BY_ACCOUNT 1u

/* Who opened a file. 'unique' is written last and cleared first. */
struct opener {
	_Atomic uint64_t unique; /* of the OPEN, plus one; 0 none */
	uint32_t uid;
	uint32_t gid;		  /* the one of his groups that let him */
	uint16_t theme, resource; /* objects; resource 0: not a source */
	uint32_t flags;
};

struct openers {
	int64_t session;
	struct opener slots[MOUNT_PINS_SLOTS];
};

/* An account and its groups, as they were when this worker first asked. */
struct account {
	bool known;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n;
	bool exists;
};

struct recheck {
	struct openers *openers;
	pthread_mutex_t lock; /* of what follows */
	struct account accounts[ACCOUNTS];
};

/* ---- what is remembered -------------------------------------------------- */

static bool
is_wanted(const struct config *config)
{
	bool wanted = false;

	for (size_t i = 0; i < config->nthemes; i++)
		wanted |= config->themes[i].recheck;
	return wanted;
}

static int
map_openers(const struct mount_context *context, struct recheck *r,
	    struct error *err)
{
	scope_fd fd = context->session
			      ? openat(store_dir_fd(context->store), NAME,
				       O_RDWR | O_CREAT | O_CLOEXEC, 0600)
			      : memfd_create("openers", MFD_CLOEXEC);
	void *at;

	if (fd < 0)
		return error_errno(err, errno, "'" NAME "'");
	/* with its blocks: a full disk must not kill who writes to it */
	errno = posix_fallocate(fd, 0, sizeof(*r->openers));
	if (errno)
		return error_errno(err, errno, "'" NAME "'");
	at = mmap(NULL, sizeof(*r->openers), PROT_READ | PROT_WRITE, MAP_SHARED,
		  fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, errno, "'" NAME "'");
	r->openers = at;
	if (r->openers->session != context->session) {
		memset(r->openers, 0, sizeof(*r->openers));
		r->openers->session = context->session;
	}
	return 0;
}

int
mount_recheck_new(const struct mount_context *context, struct recheck **ret,
		  struct error *err)
{
	struct recheck *r;
	int rc;

	*ret = NULL;
	if (!is_wanted(context->config))
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_nomem(err);
	pthread_mutex_init(&r->lock, NULL);
	rc = map_openers(context, r, err);
	if (rc)
		mount_recheck_free(r);
	else
		*ret = r;
	return rc;
}

void
mount_recheck_free(struct recheck *r)
{
	if (!r)
		return;
	if (r->openers)
		munmap(r->openers, sizeof(*r->openers));
	for (size_t i = 0; i < ACCOUNTS; i++)
		free(r->accounts[i].groups);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool
mount_recheck_is_on(const struct mount *m, struct access_at at)
{
	return m->recheck &&
	       (at.place == ACCESS_THEME || at.place == ACCESS_SOURCE) &&
	       m->context.config->themes[at.index].recheck;
}

/* ---- accounts ------------------------------------------------------------ */

/* The lock is held. */
static struct account *
account_of(struct recheck *r, uid_t uid)
{
	struct account *a = &r->accounts[uid % ACCOUNTS];
	int rc;

	if (a->known && a->uid == uid)
		return a;
	free(a->groups);
	*a = (struct account){.uid = uid};
	rc = access_account(uid, &a->gid, &a->groups, &a->n);
	a->exists = rc > 0;
	a->known = rc >= 0;
	return a;
}

/* Whether his account alone lets him. */
static bool
may_account(const struct mount *m, struct access_at at, uid_t uid)
{
	struct recheck *r = m->recheck;
	const struct account *a;
	bool may = false;

	pthread_mutex_lock(&r->lock);
	a = account_of(r, uid);
	if (a->exists) {
		const struct access_who who = {uid, a->gid, a->groups, a->n};

		may = access_may(m->context.access, at, &who, ACCESS_READ,
				 NULL);
	}
	pthread_mutex_unlock(&r->lock);
	return may;
}

static bool
may_group(const struct mount *m, struct access_at at, uid_t uid, gid_t gid)
{
	const struct access_who who = {.uid = uid, .gid = gid};

	return access_may(m->context.access, at, &who, ACCESS_READ, NULL);
}

/* The group of a process that lets it, which it may have without its account:
 * from a service's settings, from sg(1). Its first one when none does. */
static gid_t
find_group(struct fuse_req *req, const struct mount *m, struct access_at at)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[GROUPS_USUAL];
	int n = fuse_req_getgroups(req, GROUPS_USUAL, groups);

	if (may_group(m, at, ctx->uid, ctx->gid))
		return ctx->gid;
	for (int i = 0; i < n && i < GROUPS_USUAL; i++) {
		if (may_group(m, at, ctx->uid, groups[i]))
			return groups[i];
	}
	return ctx->gid;
}

/* ---- opening ------------------------------------------------------------- */

static int64_t
object_of_theme(const struct mount *m, struct access_at at)
{
	const struct config_theme *theme = &m->context.config->themes[at.index];

	for (size_t i = 0; i < m->context.nthemes; i++) {
		if (m->context.themes[i].theme == theme)
			return m->context.themes[i].id;
	}
	return 0;
}

static void
note(struct fuse_req *req, const struct mount *m, struct access_at at,
     uint64_t handle)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct opener *o = &m->recheck->openers->slots[mount_pins_slot(handle)];

	o->unique = 0;
	o->uid = ctx->uid;
	o->flags = may_account(m, at, ctx->uid) ? BY_ACCOUNT : 0;
	o->gid = o->flags ? ctx->gid : find_group(req, m, at);
	o->theme = (uint16_t)object_of_theme(m, at);
	o->resource = at.place == ACCESS_SOURCE
			      ? (uint16_t)m->context.resources[at.resource]
			      : 0;
	o->unique = mount_pins_unique(handle) + 1;
}

int
mount_recheck_open(struct fuse_req *req, uint64_t node, struct access_at at,
		   struct fuse_file_info *fi)
{
	const struct mount *m = fuse_req_userdata(req);

	if (mount_node_kind(node) == NODE_FLAT)
		return -ESTALE;
	if (fi->fh && !mount_pins_is_noted(fi->fh))
		return -ENFILE;
	if (fi->fh)
		note(req, m, at, fi->fh);
	fi->direct_io = 1;
	fi->keep_cache = 0;
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

static struct access_at
place_of(const struct mount *m, const struct opener *o)
{
	const struct config_resource *r =
		o->resource ? mount_resource(m, o->resource) : NULL;

	if (!o->resource)
		return mount_rights_theme(m, o->theme);
	return r ? mount_rights_source(m, o->theme, r->name)
		 : (struct access_at){.place = ACCESS_NOWHERE};
}

static bool
may_opener(const struct mount *m, const struct opener *o, struct access_at at)
{
	return o->flags & BY_ACCOUNT ? may_account(m, at, o->uid)
				     : may_group(m, at, o->uid, o->gid);
}

/* Whoever opened the file did so under these rules or earlier ones. NULL: it is
 * not of a dataset that asks, or was opened before it did. */
static const struct opener *
find_opener(const struct mount *m, uint64_t handle)
{
	const struct opener *o =
		handle ? &m->recheck->openers->slots[mount_pins_slot(handle)]
		       : NULL;

	return o && o->unique && mount_pins_is_of(handle, o->unique - 1) ? o
									 : NULL;
}

int
mount_recheck_read(struct fuse_req *req, uint64_t node,
		   const struct fuse_file_info *fi)
{
	const struct mount *m = fuse_req_userdata(req);
	const struct opener *o;
	struct access_at at;

	if (!m->recheck || mount_tree_is_inbox(node))
		return 0;
	o = find_opener(m, fi->fh);
	at = o ? place_of(m, o) : mount_rights_node(m, node);
	if (!o && (fi->fh || !mount_recheck_is_on(m, at)))
		return 0;
	if (!fi->lock_owner)
		return -EINVAL;
	if (o && !may_opener(m, o, at))
		return -EACCES;
	return mount_permit(req, at, ACCESS_READ);
}

/*
 * changes/FROM..TO.csv: computed when it is looked up, so that its size is
 * exact, into a file without a name in the state's folder; kept while there is
 * room, and computed again when it is not there any more.
 */
#include "mount/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/scope.h"
#include "store/version.h"

void
mount_net_free(void *net)
{
	struct net *n = net;

	if (!n)
		return;
	close(n->fd);
	free(n);
}

/* Memory where the file system of the state has no files without a name. */
static int
open_nameless(const struct mount *m)
{
	int fd = openat(store_dir_fd(m->context.store), ".",
			O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("civicfs-changes", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct search {
	struct node_net bits, found;
	int froms, tos;
};

static int
match(void *ctx, const struct store_version *v)
{
	struct search *s = ctx;

	if (mount_node_net_has_from(&s->bits, v->number)) {
		s->found.from = v->number;
		s->froms++;
	}
	if (mount_node_net_has_to(&s->bits, v->number)) {
		s->found.to = v->number;
		s->tos++;
	}
	return 0;
}

int
mount_net_of(struct sql *db, uint64_t node, struct node_net *ret,
	     struct error *err)
{
	struct search s = {0};
	int rc;

	mount_node_net_get(node, &s.bits);
	*ret = s.bits;
	if (!s.bits.low)
		return 0;
	s.found.theme = s.bits.theme;
	s.froms = mount_node_net_has_from(&s.bits, 0);
	rc = store_version_range(db, s.bits.theme, 1, NODE_VERSION_MAX, match,
				 &s, err);
	if (rc)
		return rc;
	if (s.froms > 1 || s.tos > 1)
		return error_set(err, ERR_LIMIT,
				 "two versions have numbers that one number of "
				 "a file cannot tell apart");
	if (!s.froms || !s.tos)
		return error_set(err, ERR_NOTFOUND,
				 "a version is no longer in the state");
	*ret = s.found;
	return 0;
}

static int
net_of(struct call *call, uint64_t node, struct node_net *ret)
{
	struct sql *db;
	int rc = mount_call_db(call, &db);

	if (rc < 0)
		return rc;
	rc = mount_net_of(db, node, ret, &call->err);
	return rc == ERR_NOTFOUND ? -ESTALE : mount_call_errno(call, rc);
}

static int
compute(struct call *call, const struct node_net *of, int fd, int64_t *ret)
{
	const struct publish_theme *theme = mount_theme(call->m, of->theme);
	struct sql *db;
	int rc;

	if (!theme)
		return -ESTALE;
	rc = mount_call_db(call, &db);
	if (rc < 0)
		return rc;
	rc = publish_changes_between(db, theme, of->from, of->to, fd, ret,
				     &call->err);
	return rc == ERR_NOTFOUND ? -ESTALE : mount_call_errno(call, rc);
}

int
mount_net_get(struct call *call, uint64_t node, struct cache_item **ret)
{
	struct node_net of;
	struct net *net;
	scope_fd fd = -1;
	int64_t bytes = 0;
	int rc;

	*ret = mount_cache_get(call->m->nets, node);
	if (*ret)
		return 0;
	rc = net_of(call, node, &of);
	if (rc < 0)
		return rc;
	fd = open_nameless(call->m);
	if (fd < 0)
		return fd;
	rc = compute(call, &of, fd, &bytes);
	if (rc < 0)
		return rc;
	net = malloc(sizeof(*net));
	if (!net)
		return -ENOMEM;
	*net = (struct net){take_fd(&fd), bytes};
	*ret = mount_cache_put(call->m->nets, node, net, 1);
	return *ret ? 0 : -ENOMEM;
}

int
mount_net_stat(struct call *call, uint64_t node, struct tree_entry *ret)
{
	scope_cached item = NULL;
	struct node_net of;
	struct theme_at at;
	int rc;

	rc = net_of(call, node, &of);
	if (!rc)
		rc = mount_theme_version(call, of.theme, of.to, &at);
	if (!rc)
		rc = mount_net_get(call, node, &item);
	if (rc)
		return rc;
	mount_fill_file(ret, node, ((const struct net *)item->value)->bytes,
			at.mtime);
	return 0;
}

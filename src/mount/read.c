/*
 * The bytes of a file, by its number alone: an open file has no state here, so
 * nothing is lost when a worker dies. What is costly to open is kept in caches.
 */
#include "mount/tree.h"

#include <errno.h>

#include "base/io.h"

/* A reader also keeps packs open. */
#define READER_LEAST ((size_t)256 << 10)

static void
complain_read(struct call *call)
{
	(void)mount_call_errno(call, ERR_CORRUPT);
}

static int
reader_get(struct call *call, uint64_t node, struct cache_item **ret)
{
	struct publish_reader *reader;
	size_t cost;
	int rc;

	*ret = mount_cache_get(call->m->readers, node);
	if (*ret)
		return 0;
	rc = publish_reader_open(call->m->context.store,
				 (int64_t)mount_node_payload(node), &reader,
				 &call->err);
	if (rc == ERR_NOTFOUND)
		return -ESTALE;
	if (rc < 0)
		return mount_call_errno(call, rc);
	cost = publish_reader_size(reader);
	*ret = mount_cache_put(call->m->readers, node, reader,
			       cost > READER_LEAST ? cost : READER_LEAST);
	return *ret ? 0 : -ENOMEM;
}

static ssize_t
read_published(struct call *call, uint64_t node, void *p, size_t n,
	       off_t offset)
{
	scope_cached item = NULL;
	ssize_t got;
	int rc = reader_get(call, mount_node_plain(node), &item);

	if (rc < 0)
		return rc;
	got = publish_reader_read(item->value, p, n, offset, &call->err);
	return got < 0 ? mount_call_errno(call, (int)got) : got;
}

static ssize_t
read_text(struct call *call, uint64_t node, void *p, size_t n, off_t offset)
{
	scope_cached item = NULL;
	const struct text *text;
	int rc = mount_text_get(call, node, &item);

	if (rc < 0)
		return rc;
	text = item->value;
	if ((size_t)offset >= text->bytes.len)
		return 0;
	if (n > text->bytes.len - (size_t)offset)
		n = text->bytes.len - (size_t)offset;
	memcpy(p, text->bytes.data + offset, n);
	return (ssize_t)n;
}

static ssize_t
read_net(struct call *call, uint64_t node, void *p, size_t n, off_t offset)
{
	scope_cached item = NULL;
	const struct net *net;
	ssize_t got;
	int rc = mount_net_get(call, node, &item);

	if (rc < 0)
		return rc;
	net = item->value;
	got = io_pread(net->fd, p, n, offset, &call->err);
	if (got < 0) {
		complain_read(call);
		return -EIO;
	}
	return got;
}

ssize_t
mount_read(struct call *call, uint64_t node, void *p, size_t n, off_t offset)
{
	struct inbox *inbox = call->m->context.inbox;
	int64_t id = mount_node_inbox_id(node);

	if (offset < 0)
		return -EINVAL;
	switch (mount_node_kind(node)) {
	case NODE_FILE:
	case NODE_FLAT:
		return read_published(call, node, p, n, offset);
	case NODE_NET:
		return read_net(call, node, p, n, offset);
	case NODE_UPLOAD:
	case NODE_WRITTEN:
	case NODE_RECEIPT_TEXT:
	case NODE_RECEIPT_JSON:
		return inbox_read(inbox, mount_inbox_part(node), id, p, n,
				  offset);
	case NODE_ORIGINAL:
	case NODE_KEPT_TEXT:
	case NODE_KEPT_JSON:
	case NODE_KEPT_FIX:
		return inbox_archive_read(inbox, id, mount_inbox_part(node), p,
					  n, offset);
	default:
		if (mount_tree_is_text(node))
			return read_text(call, node, p, n, offset);
		return mount_tree_type(node) == S_IFDIR ? -EISDIR : -ESTALE;
	}
}

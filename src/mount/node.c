/* How node numbers are put together and taken apart: see node.h. */
#include "mount/node.h"

#define VERSION_BITS 40

static uint64_t
bits(uint64_t value, unsigned n)
{
	return value & ((UINT64_C(1) << n) - 1);
}

uint64_t
mount_node_version(enum node_kind kind, int64_t theme, int64_t version)
{
	return mount_node_make(
		kind, (int64_t)(bits((uint64_t)theme, 16) << VERSION_BITS |
				bits((uint64_t)version, VERSION_BITS)));
}

void
mount_node_version_get(uint64_t node, int64_t *theme, int64_t *version)
{
	*theme = (int64_t)(mount_node_payload(node) >> VERSION_BITS);
	*version = (int64_t)bits(node, VERSION_BITS);
}

uint64_t
mount_node_index(int64_t theme, int64_t first, int64_t last)
{
	uint64_t low = bits((uint64_t)first, NODE_INDEX_FIRST_BITS);

	return mount_node_version(
		NODE_VERSION_INDEX, theme,
		(int64_t)(low << 28 | bits((uint64_t)last, 28)));
}

void
mount_node_index_get(uint64_t node, int64_t *theme, int64_t *first_bits,
		     int64_t *last)
{
	mount_node_version_get(node, theme, last);
	*first_bits = *last >> 28;
	*last = (int64_t)bits(node, 28);
}

uint64_t
mount_node_text(const struct node_text *t)
{
	return mount_node_make(NODE_TEXT,
			       (int64_t)((uint64_t)t->what << 48 |
					 (uint64_t)t->object << 32 | t->hash));
}

void
mount_node_text_get(uint64_t node, struct node_text *ret)
{
	ret->what = (enum node_text_kind)bits(node >> 48, 8);
	ret->object = (uint16_t)(node >> 32);
	ret->hash = (uint32_t)node;
}

uint64_t
mount_node_part(const struct node_part *p)
{
	return mount_node_make(NODE_SUBJECTS_PART,
			       (int64_t)((uint64_t)p->theme << 40 |
					 bits(p->prefix, 12) << 28 |
					 bits((uint64_t)p->version, 28)));
}

void
mount_node_part_get(uint64_t node, struct node_part *ret)
{
	ret->theme = (uint16_t)(node >> 40);
	ret->prefix = (uint16_t)bits(node >> 28, 12);
	ret->version = (int64_t)bits(node, 28);
}

uint64_t
mount_node_header(const struct node_header *h)
{
	return mount_node_make(
		NODE_HEADER,
		(int64_t)((uint64_t)h->theme << 40 | bits(h->file, 4) << 36 |
			  (uint64_t)h->resource << 20 | bits(h->hash, 20)));
}

void
mount_node_header_get(uint64_t node, struct node_header *ret)
{
	ret->theme = (uint16_t)(node >> 40);
	ret->file = (unsigned)bits(node >> 36, 4);
	ret->resource = (uint16_t)(node >> 20);
	ret->hash = (uint32_t)bits(node, 20);
}

static uint64_t
net_wide(const struct node_net *n)
{
	return NODE_NET_WIDE |
	       (uint64_t)n->theme << (NODE_NET_FROM_BITS + NODE_NET_TO_BITS) |
	       bits((uint64_t)n->from, NODE_NET_FROM_BITS) << NODE_NET_TO_BITS |
	       bits((uint64_t)n->to, NODE_NET_TO_BITS);
}

uint64_t
mount_node_written(const struct node_written *w)
{
	return mount_node_make(NODE_WRITTEN,
			       (int64_t)((uint64_t)w->file << 20 |
					 bits((uint64_t)w->blob, 20)));
}

void
mount_node_written_get(uint64_t node, struct node_written *ret)
{
	ret->file = mount_node_inbox_id(node);
	ret->blob = (int64_t)bits(node, 20);
}

uint64_t
mount_node_holding(const struct node_holding *h)
{
	return mount_node_make(
		NODE_HOLDING,
		(int64_t)((uint64_t)h->which << NODE_HOLDING_SHIFT |
			  bits((uint64_t)h->resource, NODE_HOLDING_SHIFT)));
}

void
mount_node_holding_get(uint64_t node, struct node_holding *ret)
{
	ret->resource = mount_node_inbox_id(node);
	ret->which = (unsigned)(mount_node_payload(node) >> NODE_HOLDING_SHIFT);
}

uint64_t
mount_node_net(const struct node_net *n)
{
	if (n->to > NODE_NET_MAX)
		return net_wide(n);
	return mount_node_make(NODE_NET,
			       (int64_t)((uint64_t)n->theme << 40 |
					 bits((uint64_t)n->from, 20) << 20 |
					 bits((uint64_t)n->to, 20)));
}

void
mount_node_net_get(uint64_t node, struct node_net *ret)
{
	ret->low = node & NODE_NET_WIDE;
	if (ret->low) {
		ret->theme = (uint16_t)(node >> (NODE_NET_FROM_BITS +
						 NODE_NET_TO_BITS));
		ret->from = (int64_t)bits(node >> NODE_NET_TO_BITS,
					  NODE_NET_FROM_BITS);
		ret->to = (int64_t)bits(node, NODE_NET_TO_BITS);
		return;
	}
	ret->theme = (uint16_t)(node >> 40);
	ret->from = (int64_t)bits(node >> 20, 20);
	ret->to = (int64_t)bits(node, 20);
}

bool
mount_node_net_has_from(const struct node_net *n, int64_t version)
{
	return n->from ==
	       (n->low ? (int64_t)bits((uint64_t)version, NODE_NET_FROM_BITS)
		       : version);
}

bool
mount_node_net_has_to(const struct node_net *n, int64_t version)
{
	return n->to ==
	       (n->low ? (int64_t)bits((uint64_t)version, NODE_NET_TO_BITS)
		       : version);
}

bool
mount_node_is_immutable(uint64_t node)
{
	int64_t theme, version;
	struct node_part part;

	switch (mount_node_kind(node)) {
	case NODE_DATASET:
	case NODE_SOURCES:
	case NODE_SUBJECTS:
		mount_node_version_get(node, &theme, &version);
		return version != 0;
	case NODE_SUBJECTS_PART:
		mount_node_part_get(node, &part);
		return part.version != 0;
	case NODE_README:
	case NODE_DATAPACKAGE:
	case NODE_SUMS:
	case NODE_VERSION_INDEX:
	case NODE_CURRENT:
	case NODE_DAY:
	case NODE_FILE:
	case NODE_FLAT:
	case NODE_HEADER:
	case NODE_TEXT:
	case NODE_SUBJECT:
	case NODE_NET:
	case NODE_ORIGINAL:
		return true;
	default:
		return false;
	}
}

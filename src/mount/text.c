/*
 * Files that are made when they are looked at, so that their size is exact
 * (DESIGN 7), and kept for a while. An open file whose text has left the
 * cache is made again; if the configuration has changed in between so that
 * the bytes would be others, its number names nothing any more.
 */
#include "mount/tree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/digest.h"
#include "mount/session.h"

#define GIVEN_MOST ((size_t)64 << 10)

void
mount_text_free(void *text)
{
	struct text *t = text;

	if (!t)
		return;
	buf_release(&t->bytes);
	free(t);
}

uint32_t
mount_text_hash(const struct buf *bytes)
{
	return (uint32_t)digest_key64(buf_slice(bytes));
}

/* Takes the bytes of 'text' in any case. */
int
mount_text_keep(struct call *call, uint64_t node, struct text *text,
		struct cache_item **ret)
{
	struct text *kept = malloc(sizeof(*kept));

	if (!kept) {
		buf_release(&text->bytes);
		return -ENOMEM;
	}
	*kept = *text;
	text->bytes = BUF_INIT;
	*ret = mount_cache_put(call->m->texts, node, kept,
			       kept->bytes.cap + sizeof(*kept) +
				       sizeof(struct cache_item));
	return *ret ? 0 : -ENOMEM;
}

/* The numbers of some texts hold a hash of their bytes. */
static bool
is_named(uint64_t node, const struct buf *bytes)
{
	struct node_text t;
	struct node_header h;

	switch (mount_node_kind(node)) {
	case NODE_TEXT:
		mount_node_text_get(node, &t);
		return t.hash == mount_text_hash(bytes);
	case NODE_HEADER:
		mount_node_header_get(node, &h);
		return h.hash == (mount_text_hash(bytes) & 0xfffff);
	default:
		return true;
	}
}

int
mount_text_get(struct call *call, uint64_t node, struct cache_item **ret)
{
	struct text text = {0};
	int rc;

	*ret = mount_cache_get(call->m->texts, node);
	if (*ret)
		return 0;
	rc = mount_tree_make(call, node, &text);
	if (!rc && !is_named(node, &text.bytes))
		rc = -ESTALE;
	if (rc < 0) {
		buf_release(&text.bytes);
		return rc;
	}
	return mount_text_keep(call, node, &text, ret);
}

/*
 * It can wait for a READ of the same file that is under way, and that another
 * thread has to answer: so one thread at a time does it, and the others do not
 * wait for that one.
 */
bool
mount_text_give(struct call *call, uint64_t node)
{
	struct mount *m = call->m;
	scope_cached item = NULL;
	struct text *text;
	bool given;

	if (mount_text_get(call, node, &item) < 0)
		return false;
	text = item->value;
	if (text->bytes.len > GIVEN_MOST || atomic_exchange(&text->given, true))
		return true;
	if (atomic_flag_test_and_set(&m->giving)) {
		text->given = false;
		return false;
	}
	given = mount_session_give(m->session, node, text->bytes.data,
				   text->bytes.len);
	atomic_flag_clear(&m->giving);
	text->given = given;
	return given;
}

void
mount_text_given_back(struct mount *m, uint64_t node)
{
	scope_cached item = mount_cache_get(m->texts, node);

	if (item)
		((struct text *)item->value)->given = false;
}

int
mount_text_node(struct call *call, enum node_text_kind what, int64_t object,
		uint64_t *ret)
{
	struct node_text name = {.what = what, .object = (uint16_t)object};
	struct text text = {0};
	scope_cached item = NULL;
	int rc;

	rc = mount_made_text(call, mount_node_text(&name), &text);
	if (rc < 0) {
		buf_release(&text.bytes);
		return rc;
	}
	name.hash = mount_text_hash(&text.bytes);
	*ret = mount_node_text(&name);
	return mount_text_keep(call, *ret, &text, &item);
}

/* Nodes that the kernel reads by itself: see backings.h. */
#include "mount/backings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/scope.h"
#include "mount/pins.h"

#define BUCKETS 1024
#define IDLE_MOST 64
#define FAILED_NS CLOCK_NS /* for which uploads are not tried again */

/* A node with handles. */
struct backed {
	struct backed *next;	  /* of its bucket */
	TAILQ_ENTRY(backed) idle; /* linked while it has no handle */
	uint64_t node;
	int32_t id; /* 0: none yet */
	size_t handles;
};

TAILQ_HEAD(idle, backed);

struct backings {
	struct mount_passthrough to; /* the keeper */
	struct pins *pins;
	struct inbox *inbox;
	_Atomic int64_t failed_at; /* clock_monotonic(); 0 never */
	pthread_mutex_t lock;	   /* of what follows, and of the notes */
	struct backed *buckets[BUCKETS];
	struct idle idle; /* whose number is kept a while, oldest first */
	size_t nidle;
	_Atomic bool off;
	_Atomic uint64_t count, written;
};

/* ---- the table ----------------------------------------------------------- */

static struct backed **
bucket(struct backings *b, uint64_t node)
{
	return &b->buckets[node % BUCKETS];
}

static struct backed *
find(struct backings *b, uint64_t node)
{
	struct backed *item = *bucket(b, node);

	while (item && item->node != node)
		item = item->next;
	return item;
}

static struct backed *
find_or_add(struct backings *b, uint64_t node)
{
	struct backed *item = find(b, node);

	if (item)
		return item;
	item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	item->node = node;
	item->next = *bucket(b, node);
	*bucket(b, node) = item;
	return item;
}

static void
remove_item(struct backings *b, struct backed *item)
{
	struct backed **at = bucket(b, item->node);

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	free(item);
}

/* The keeper is told. */
static void
end_idle(struct backings *b, struct backed *item)
{
	TAILQ_REMOVE(&b->idle, item, idle);
	b->nidle--;
	b->to.close(b->to.ctx, item->node);
	remove_item(b, item);
}

static void
end_written(struct backings *b, struct backed *item)
{
	if (item->id)
		b->to.close(b->to.ctx, item->node);
	inbox_pass_end(b->inbox, mount_node_inbox_id(item->node));
	remove_item(b, item);
}

/* It is likely to be opened again: asking for a number costs more than the rest
 * of an OPEN. An upload is complete only when the kernel has given it up. */
static void
begin_idle(struct backings *b, struct backed *item)
{
	if (mount_node_kind(item->node) == NODE_WRITTEN) {
		end_written(b, item);
		return;
	}
	if (!item->id) {
		remove_item(b, item);
		return;
	}
	TAILQ_INSERT_TAIL(&b->idle, item, idle);
	if (++b->nidle > IDLE_MOST)
		end_idle(b, TAILQ_FIRST(&b->idle));
}

static void
add_handle(struct backings *b, struct backed *item)
{
	if (!item->handles++ && item->id) {
		TAILQ_REMOVE(&b->idle, item, idle);
		b->nidle--;
	}
}

/* ---- what an earlier worker left ----------------------------------------- */

static bool
is_passed_kind(uint64_t node)
{
	return mount_node_kind(node) == NODE_FLAT ||
	       mount_node_kind(node) == NODE_WRITTEN;
}

static int
count_handle(void *ctx, uint64_t node)
{
	struct backings *b = ctx;
	struct backed *item;

	if (!is_passed_kind(node))
		return 0;
	item = find_or_add(b, node);
	if (!item)
		return ERR_NOMEM;
	item->handles++;
	return 0;
}

static int
take_numbers(struct backings *b)
{
	for (size_t i = 0; i < MOUNT_BACKINGS_MOST; i++) {
		const struct mount_backing *left = &b->to.list[i];
		struct backed *item;

		if (!left->node)
			continue;
		item = find(b, left->node);
		if (!item)
			b->to.close(b->to.ctx, left->node);
		else
			item->id = left->id;
		if (item && mount_node_kind(left->node) == NODE_WRITTEN)
			inbox_pass_again(b->inbox,
					 mount_node_inbox_id(left->node));
	}
	return 0;
}

int
mount_backings_new(const struct mount_context *context, struct pins *pins,
		   struct backings **ret, struct error *err)
{
	struct backings *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return error_nomem(err);
	pthread_mutex_init(&b->lock, NULL);
	TAILQ_INIT(&b->idle);
	b->to = context->passthrough;
	b->pins = pins;
	b->inbox = context->inbox;
	inbox_allow_passing(b->inbox);
	b->off = !context->passthrough.enabled || !context->flat;
	rc = mount_pins_each(pins, count_handle, b, err);
	if (!rc) {
		rc = take_numbers(b);
	} else if (rc == ERR_BUSY) {
		/* not known which: none is given back until the mount ends */
		b->off = true;
		rc = 0;
	} else if (rc == ERR_NOMEM) {
		rc = error_nomem(err);
	}
	if (rc) {
		mount_backings_free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

void
mount_backings_free(struct backings *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (b->buckets[i])
			remove_item(b, b->buckets[i]);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- opening and closing ------------------------------------------------- */

enum node_kind
mount_backings_kind(const struct mount *m, int64_t theme, int64_t state)
{
	const struct publish_theme *t = mount_theme(m, theme);
	const struct backings *b = m->backings;

	return b && !b->off && !(t && t->theme->recheck) &&
			       publish_flat_has(m->context.flat, state)
		       ? NODE_FLAT
		       : NODE_FILE;
}

bool
mount_backings_are_on(const struct backings *b)
{
	int64_t failed_at = atomic_load(&b->failed_at);

	return !b->off &&
	       (!failed_at || clock_monotonic() - failed_at >= FAILED_NS);
}

uint64_t
mount_backings_hold(struct backings *b, uint64_t node, uint64_t unique,
		    bool resent)
{
	struct backed *item;
	uint64_t handle;
	bool is_new;

	pthread_mutex_lock(&b->lock);
	handle = mount_pins_add(b->pins, unique, resent, node, &is_new);
	if (is_new && mount_pins_is_noted(handle)) {
		item = find_or_add(b, node);
		if (item)
			add_handle(b, item);
		else
			b->off = true;
	}
	pthread_mutex_unlock(&b->lock);
	return handle;
}

void
mount_backings_drop(struct backings *b, uint64_t node, uint64_t handle)
{
	struct backed *item;

	pthread_mutex_lock(&b->lock);
	item = mount_pins_remove(b->pins, handle) ? find(b, node) : NULL;
	if (item && --item->handles == 0)
		begin_idle(b, item);
	pthread_mutex_unlock(&b->lock);
}

void
mount_backings_forget(struct backings *b, uint64_t node)
{
	struct backed *item;

	pthread_mutex_lock(&b->lock);
	item = find(b, node);
	if (item && !item->handles)
		end_idle(b, item);
	pthread_mutex_unlock(&b->lock);
}

/* The kernel's number for an upload's bytes. */
static void
ask_written(struct call *call, struct backings *b, struct backed *item)
{
	struct node_written w;
	scope_fd fd = -1;
	int rc;

	mount_node_written_get(item->node, &w);
	fd = inbox_pass(b->inbox, w.file, w.blob, NODE_WRITTEN_BLOB_MASK);
	if (fd < 0)
		return;
	rc = b->to.open(b->to.ctx, item->node, fd, &item->id, &call->err);
	if (!rc)
		return;
	item->id = 0;
	atomic_store(&b->failed_at, clock_monotonic());
	(void)mount_call_errno(call, rc);
}

/* The first handle of a node. */
static int
ask(struct call *call, struct backings *b, struct backed *item)
{
	int64_t state = (int64_t)mount_node_payload(item->node);
	struct publish_flat *flat = call->m->context.flat;
	scope_fd fd = -1;
	int rc = publish_flat_open(flat, state, &fd, &call->err);

	if (!rc)
		rc = b->to.open(b->to.ctx, item->node, fd, &item->id,
				&call->err);
	if (!rc)
		return 0;
	item->id = 0;
	publish_flat_ignore(flat, state);
	if (rc != ERR_NOTFOUND)
		(void)mount_call_errno(call, rc);
	return -ESTALE;
}

int
mount_backings_use(struct call *call, uint64_t node, uint64_t handle,
		   int32_t *ret_id)
{
	struct backings *b = call->m->backings;
	struct backed *item;
	int rc = -ESTALE;

	if (!mount_pins_is_noted(handle)) {
		b->off = true; /* nobody could tell when it is closed */
		return -ESTALE;
	}
	pthread_mutex_lock(&b->lock);
	item = find(b, node);
	if (item && item->id)
		rc = 0;
	else if (item && !b->off)
		rc = ask(call, b, item);
	if (!rc)
		*ret_id = item->id;
	pthread_mutex_unlock(&b->lock);
	if (!rc)
		b->count++;
	return rc;
}

bool
mount_backings_write(struct call *call, uint64_t node, uint64_t handle,
		     bool may, int32_t *ret_id)
{
	struct backings *b = call->m->backings;
	struct backed *item;

	*ret_id = 0;
	if (!mount_pins_is_noted(handle))
		b->off = true;
	pthread_mutex_lock(&b->lock);
	item = find(b, node);
	if (item && !item->id && may && !b->off && item->handles == 1)
		ask_written(call, b, item);
	if (item)
		*ret_id = item->id;
	pthread_mutex_unlock(&b->lock);
	b->written += *ret_id != 0;
	return *ret_id != 0;
}

bool
mount_backings_unwrite(struct backings *b, uint64_t node)
{
	struct backed *item;
	bool alone;

	pthread_mutex_lock(&b->lock);
	item = find(b, node);
	alone = item && item->handles == 1;
	if (alone && item->id) {
		b->to.close(b->to.ctx, node);
		item->id = 0;
	}
	pthread_mutex_unlock(&b->lock);
	return alone;
}

void
mount_backings_count(const struct backings *b, uint64_t *ret_read,
		     uint64_t *ret_written)
{
	*ret_read = b->count;
	*ret_written = b->written;
}

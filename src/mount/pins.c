/* Which files are open: see pins.h. */
#include "mount/pins.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FOLDER "cache"
#define NAME FOLDER "/open-files"
#define SLOT_BITS 17
#define SLOTS MOUNT_PINS_SLOTS
_Static_assert(SLOTS == 1u << SLOT_BITS, "a handle has room for a slot");
#define SLOT_MASK (SLOTS - 1)
#define NO_SLOT SLOT_MASK /* the last is not used: more are open than fit */

/* A slot is taken while 'unique' is not 0; it is written last and cleared
 * first, so that a death in between leaves no half. */
struct slot {
	_Atomic uint64_t unique; /* plus one */
	uint64_t node;
};

/* Of slots that this session has not used yet, the content is of an earlier
 * one, and means nothing. */
struct table {
	_Atomic int64_t session;
	uint64_t overflowed;
	struct slot slots[SLOTS];
	_Atomic uint64_t fresh; /* so many before the last were never taken; 0
				 * where an earlier version did not count */
};

struct pins {
	struct table *table;
	pthread_mutex_t lock; /* of what follows, and of taking slots */
	uint32_t *free;	      /* numbers of slots that are empty again */
	size_t nfree;
};

/* The slots below it may be taken; those from it on are not. */
static uint32_t
used(const struct table *t)
{
	uint64_t fresh = t->fresh;

	return fresh <= NO_SLOT ? NO_SLOT - (uint32_t)fresh : NO_SLOT;
}

/* ---- the file ------------------------------------------------------------ */

static int
open_file(int state_fd, int *ret_fd, struct error *err)
{
	scope_fd fd = -1;

	if (mkdirat(state_fd, FOLDER, 0700) && errno != EEXIST)
		return error_errno(err, errno, "'" FOLDER "'");
	fd = openat(state_fd, NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "'" NAME "'");
	/* with its blocks: a full disk must not kill who writes to it */
	errno = posix_fallocate(fd, 0, sizeof(struct table));
	if (errno)
		return error_errno(err, errno, "'" NAME "'");
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
map_table(int state_fd, struct pins *p, struct error *err)
{
	scope_fd fd = -1;
	void *at;
	int rc = open_file(state_fd, &fd, err);

	if (rc)
		return rc;
	at = mmap(NULL, sizeof(*p->table), PROT_READ | PROT_WRITE, MAP_SHARED,
		  fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, errno, "'" NAME "'");
	p->table = at;
	return 0;
}

/* The number comes last: a death before it, and it is begun again. */
static void
begin_session(struct table *t, int64_t session)
{
	t->overflowed = 0;
	t->fresh = NO_SLOT;
	t->session = session;
}

int
mount_pins_open(int state_fd, int64_t session, struct pins **ret,
		struct error *err)
{
	struct pins *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_nomem(err);
	pthread_mutex_init(&p->lock, NULL);
	p->free = calloc(SLOTS, sizeof(*p->free));
	rc = p->free ? map_table(state_fd, p, err) : error_nomem(err);
	if (rc) {
		mount_pins_close(p);
		return rc;
	}
	if (p->table->session != session)
		begin_session(p->table, session);
	for (uint32_t i = used(p->table); i-- > 0;) {
		if (!p->table->slots[i].unique)
			p->free[p->nfree++] = i;
	}
	*ret = p;
	return 0;
}

void
mount_pins_close(struct pins *p)
{
	if (!p)
		return;
	if (p->table)
		munmap(p->table, sizeof(*p->table));
	pthread_mutex_destroy(&p->lock);
	free(p->free);
	free(p);
}

/* ---- opening and closing ------------------------------------------------- */

/* The slot and as much of the number as there is room for. */
static uint64_t
handle_of(uint64_t unique, uint32_t slot)
{
	return (unique + 1) << SLOT_BITS | slot;
}

/* Where an earlier worker put this request, or NO_SLOT. */
static uint32_t
find(const struct pins *p, uint64_t unique)
{
	uint32_t end = used(p->table);

	for (uint32_t i = 0; i < end; i++) {
		if (p->table->slots[i].unique == unique + 1)
			return i;
	}
	return NO_SLOT;
}

/* An empty slot becomes the request's, or NO_SLOT. One that was never taken
 * counts once it is written: a death before leaves it as it was. */
static uint32_t
take(struct pins *p, uint64_t unique, uint64_t node)
{
	struct table *t = p->table;
	bool again = p->nfree > 0;
	uint32_t slot = again ? p->free[--p->nfree] : used(t);

	if (slot == NO_SLOT)
		return slot;
	t->slots[slot].node = node;
	t->slots[slot].unique = unique + 1;
	if (!again)
		t->fresh--;
	return slot;
}

/* The kernel counts requests from 0, in steps of 2: 47 bits are enough for two
 * years of a million in a second. */
uint64_t
mount_pins_unique(uint64_t handle)
{
	return (handle >> SLOT_BITS) - 1;
}

uint32_t
mount_pins_slot(uint64_t handle)
{
	return handle & SLOT_MASK;
}

bool
mount_pins_is_of(uint64_t handle, uint64_t unique)
{
	return handle == handle_of(unique, mount_pins_slot(handle));
}

bool
mount_pins_is_noted(uint64_t handle)
{
	return (handle & SLOT_MASK) != NO_SLOT;
}

uint64_t
mount_pins_add(struct pins *p, uint64_t unique, bool resent, uint64_t node,
	       bool *ret_new)
{
	uint32_t slot = NO_SLOT;

	pthread_mutex_lock(&p->lock);
	if (resent)
		slot = find(p, unique);
	*ret_new = slot == NO_SLOT;
	if (*ret_new)
		slot = take(p, unique, node);
	if (slot == NO_SLOT)
		p->table->overflowed = 1;
	pthread_mutex_unlock(&p->lock);
	return handle_of(unique, slot);
}

bool
mount_pins_remove(struct pins *p, uint64_t handle)
{
	const uint64_t tag_mask = UINT64_MAX >> SLOT_BITS;
	uint32_t slot = handle & SLOT_MASK;
	uint64_t tag = handle >> SLOT_BITS;
	struct slot *s = &p->table->slots[slot];

	bool noted;

	if (slot >= used(p->table) || !tag)
		return false;
	pthread_mutex_lock(&p->lock);
	/* an earlier worker may have done it, and the slot be another's */
	noted = (s->unique & tag_mask) == tag;
	if (noted) {
		s->unique = 0;
		p->free[p->nfree++] = slot;
	}
	pthread_mutex_unlock(&p->lock);
	return noted;
}

int
mount_pins_each(struct pins *p, int (*each)(void *ctx, uint64_t node),
		void *ctx, struct error *err)
{
	int rc = 0;

	if (p->table->overflowed)
		return error_set(err, ERR_BUSY,
				 "more than %u files are open, so it is not "
				 "known which: nothing that may be open is "
				 "removed until the daemon has been stopped "
				 "and started",
				 NO_SLOT);
	pthread_mutex_lock(&p->lock);
	for (uint32_t i = 0; !rc && i < used(p->table); i++) {
		if (p->table->slots[i].unique)
			rc = each(ctx, p->table->slots[i].node);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

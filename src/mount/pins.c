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

struct table {
	int64_t session;
	uint64_t overflowed;
	struct slot slots[SLOTS];
};

struct pins {
	struct table *table;
	pthread_mutex_t lock; /* of what follows, and of taking slots */
	uint32_t *free;	      /* numbers of empty slots */
	size_t nfree;
};

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
	if (p->table->session != session) {
		memset(p->table, 0, sizeof(*p->table));
		p->table->session = session;
	}
	for (uint32_t i = NO_SLOT; i-- > 0;) {
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
	uint32_t i = 0;

	while (i < NO_SLOT && p->table->slots[i].unique != unique + 1)
		i++;
	return i;
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
	if (slot == NO_SLOT && p->nfree) {
		slot = p->free[--p->nfree];
		p->table->slots[slot].node = node;
		p->table->slots[slot].unique = unique + 1;
	} else if (slot == NO_SLOT) {
		p->table->overflowed = 1;
	}
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

	if (slot == NO_SLOT || !tag)
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
	for (uint32_t i = 0; !rc && i < NO_SLOT; i++) {
		if (p->table->slots[i].unique)
			rc = each(ctx, p->table->slots[i].node);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Whether a worker lives: see watch.h. */
#include "daemon/watch.h"

#include <stddef.h>
#include <sys/mman.h>

struct daemon_beat *
daemon_beat_new(void)
{
	void *p = mmap(NULL, sizeof(struct daemon_beat), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int64_t
daemon_watch_look(struct daemon_watch *w, const struct daemon_beat *beat,
		  int64_t now, int64_t pause_ns)
{
	uint64_t count = atomic_load(&beat->count);
	int64_t passed = w->looked_at ? now - w->looked_at : 0;

	w->looked_at = now;
	if (count != w->count) {
		w->count = count;
		w->silent = 0;
	} else {
		w->silent += passed < pause_ns ? passed : pause_ns;
	}
	return w->silent;
}

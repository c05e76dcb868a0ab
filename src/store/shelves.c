/* The names of a theme's load by shelf: see shelves.h. */
#include "store/shelves.h"

#include "base/cells.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/pulse.h"
#include "base/relay.h"
#include "base/sorter.h"
#include "store/record.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MEMORY (2 << 20)
#define BATCH ((size_t)64 << 10)

struct shelves {
	struct buf filling; /* subjects and their entries, packed */
	uint32_t ordinal;   /* of the next */
	struct buf entry;
	struct relay *relay;
	/* the relay's while it works */
	struct buf subjects;
	bool last;
	struct sorter *sorter; /* shelf and subject */
	struct run_builder *run;
	struct digest *digest;
	struct buf key;
	atomic_uint steps; /* names */
	struct error err;  /* code 0: none */
};

void
shelves_free(struct shelves *s)
{
	if (!s)
		return;
	relay_free(s->relay);
	buf_release(&s->filling);
	buf_release(&s->entry);
	buf_release(&s->subjects);
	sorter_free(s->sorter);
	run_build_free(s->run);
	digest_free(s->digest);
	buf_release(&s->key);
	free(s);
}

/* ---- the thread ---------------------------------------------------------- */

static void
step(struct shelves *s)
{
	atomic_fetch_add_explicit(&s->steps, 1, memory_order_relaxed);
}

static int
sort_in(struct shelves *s, struct slice subject, struct slice entry)
{
	unsigned char sha256[DIGEST_SIZE];
	int shelf;

	step(s);
	digest_restart(s->digest);
	digest_add(s->digest, subject.p, subject.n);
	digest_end(s->digest, sha256);
	shelf = store_theme_shelf(sha256);
	buf_clear(&s->key);
	if (buf_addc(&s->key, (char)(shelf >> 8)) ||
	    buf_addc(&s->key, (char)shelf) || buf_addslice(&s->key, subject))
		return error_nomem(&s->err);
	return sorter_add(s->sorter, buf_slice(&s->key), entry, &s->err);
}

static int
write_run(struct shelves *s)
{
	struct slice key, entry;
	int rc = sorter_sort(s->sorter, &s->err);

	while (!rc &&
	       (rc = sorter_next(s->sorter, &key, &entry, &s->err)) > 0) {
		step(s);
		rc = run_build_add(s->run, key, entry, false, &s->err);
	}
	return rc ? rc : run_build_end(s->run, &s->err);
}

static void
work(void *ctx)
{
	struct shelves *s = ctx;
	struct slice rest = buf_slice(&s->subjects), subject, entry;
	int rc = 0;

	while (!rc && cells_next(&rest, &subject) && cells_next(&rest, &entry))
		rc = sort_in(s, subject, entry);
	if (!rc && s->last)
		rc = write_run(s);
	s->err.code = rc;
}

/* ---- the caller's side --------------------------------------------------- */

int
shelves_new(struct sql *db, const struct run *run, struct shelves **ret,
	    struct error *err)
{
	struct shelves *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(err);
	*ret = s;
	rc = run_build(db, RUN_SHELF, run, &s->run, err);
	if (!rc)
		rc = sorter_new(MEMORY, &s->sorter, err);
	if (rc)
		return rc;
	s->relay = relay_new(work, s);
	s->digest = digest_new();
	return s->relay && s->digest ? 0 : error_nomem(err);
}

/* As long as the thread gets on, so does who waits for it. */
int
shelves_wait(struct shelves *s, const struct breath *breath, struct error *err)
{
	unsigned int seen = 0;
	int rc = 0;

	while (!relay_wait_some(s->relay, CLOCK_NS / 100)) {
		unsigned int steps = atomic_load(&s->steps);

		if (steps != seen)
			pulse_step();
		seen = steps;
		if (!rc)
			rc = breathe(breath, err);
	}
	if (!rc && s->err.code)
		*err = s->err;
	return rc ? rc : s->err.code;
}

bool
shelves_is_done(struct shelves *s)
{
	return relay_wait_some(s->relay, 0);
}

static int
hand_over(struct shelves *s, bool last, struct error *err)
{
	struct buf b;
	int rc = shelves_wait(s, NULL, err);

	if (rc)
		return rc;
	b = s->subjects;
	s->subjects = s->filling;
	s->filling = b;
	buf_clear(&s->filling);
	s->last = last;
	relay_start(s->relay);
	return 0;
}

int
shelves_add(struct shelves *s, struct slice subject, struct slice head,
	    int64_t bytes, struct error *err)
{
	const bool known = bytes >= 0 && bytes < UINT32_MAX;
	const struct run_shelf_entry entry = {
		.ordinal = htole32(s->ordinal++),
		.bytes = htole32(known ? (uint32_t)bytes : UINT32_MAX),
	};

	buf_clear(&s->entry);
	if (buf_addslice(&s->entry, head) ||
	    buf_add(&s->entry, &entry, sizeof(entry)) ||
	    cells_add(&s->filling, subject) ||
	    cells_add(&s->filling, buf_slice(&s->entry)))
		return error_nomem(err);
	return s->filling.len < BATCH ? 0 : hand_over(s, false, err);
}

int
shelves_end(struct shelves *s, struct error *err)
{
	return hand_over(s, true, err);
}

int
shelves_tell(struct shelves *s, struct error *err)
{
	return run_build_tell(s->run, err);
}

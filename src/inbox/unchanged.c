/* Files that were opened for writing and not written: see state.h. */
#include "inbox/state.h"

#include "base/io.h"
#include "base/pulse.h"
#include "store/fix.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#define CHUNK (64 * 1024)
#define TICKS_MOST 20 /* ms: more than there are between two ticks */

static int64_t
changed_at(const struct stat *st)
{
	return st->st_ctim.tv_sec * CLOCK_NS + st->st_ctim.tv_nsec;
}

int
inbox_was_note(struct inbox_change *c, struct store_inbox_file *f, int64_t copy)
{
	struct store_inbox_was was = {.submission = f->submission,
				      .blob = f->blob};
	struct stat st;
	int rc;

	f->was = (struct store_inbox_was){0};
	/* what was never whole is given up */
	if (strcmp(f->state, "incomplete") == 0)
		return 0;
	if (copy) {
		rc = inbox_blob_stat(c->inbox, copy, &st);
		if (rc)
			return rc;
		was.changed = changed_at(&st);
	}
	rc = inbox_fix_stands(c, f);
	if (rc < 0)
		return rc;
	was.beside = rc;
	was.fix = f->fix;
	f->was = was;
	return 0;
}

/* Times of files are those of the kernel's coarse clock: two changes between
 * two of its ticks have the same. */
void
inbox_was_tick(struct inbox *inbox, int64_t copy)
{
	const struct timespec pause = {.tv_nsec = CLOCK_NS / 1000};
	struct timespec now;
	struct stat st;

	if (inbox_blob_stat(inbox, copy, &st))
		return;
	for (int i = 0; i < TICKS_MOST; i++) {
		if (clock_gettime(CLOCK_REALTIME_COARSE, &now) ||
		    now.tv_sec * CLOCK_NS + now.tv_nsec > changed_at(&st))
			return;
		nanosleep(&pause, NULL);
	}
}

/* ---- whether it was written ---------------------------------------------- */

bool
inbox_was_untouched(struct inbox *inbox, const struct store_inbox_file *f)
{
	struct stat st;

	if (!f->was.submission || f->handles)
		return false;
	return !f->was.changed || (!inbox_blob_stat(inbox, f->blob, &st) &&
				   changed_at(&st) == f->was.changed);
}

static bool
is_equal(int a, int b)
{
	scope_free char *one = malloc(CHUNK), *other = malloc(CHUNK);

	if (!one || !other)
		return false;
	for (off_t at = 0;; at += CHUNK) {
		ssize_t n = io_pread(a, one, CHUNK, at, NULL);

		pulse_step();
		if (n < 0 || io_pread(b, other, CHUNK, at, NULL) != n ||
		    memcmp(one, other, (size_t)n) != 0)
			return false;
		if (n < CHUNK)
			return true;
	}
}

/* The bytes of a fix file are gone when it has been judged; then the time
 * alone has to tell. */
bool
inbox_was_kept(struct inbox *inbox, const struct store_inbox_file *f)
{
	scope_fd own = -1, before = -1;

	if (!inbox_was_untouched(inbox, f))
		return false;
	if (!f->was.changed)
		return true;
	own = inbox_blob_open(inbox, f->blob, O_RDONLY);
	before = inbox_blob_open(inbox, f->was.blob, O_RDONLY);
	if (before == -ENOENT && f->was.fix)
		return true;
	return own >= 0 && before >= 0 && is_equal(own, before);
}

/* ---- as it was ----------------------------------------------------------- */

/* Writes the row, and gives up the bytes it had. */
static int
become(struct store_txn *txn, struct store_inbox_file *f, int64_t own,
       struct inbox_restored *ret, struct error *err)
{
	int rc;

	f->killed = false;
	f->quiet_since = 0;
	f->was = (struct store_inbox_was){0};
	rc = store_inbox_set(txn, f, err);
	if (!rc && f->blob != own)
		rc = store_blob_drop(txn, own, err);
	if (rc > 0)
		ret->blob = own;
	return rc < 0 ? rc : 1;
}

static int
restore_file(struct store_txn *txn, struct store_inbox_file *f,
	     const struct store_submission *s, struct inbox_restored *ret,
	     struct error *err)
{
	bool beside = f->was.beside && inbox_fix_is_awaited(s);
	int64_t own = f->blob;
	int rc;

	f->submission = s->number;
	f->blob = f->was.blob;
	f->fix = f->was.fix;
	rc = become(txn, f, own, ret, err);
	if (rc > 0 && beside) {
		rc = inbox_fix_add(txn, f, s->fix_blob, s->fix_workbook, err);
		rc = rc ? rc : 1;
	}
	return rc;
}

/* The file goes; the one that its verdict has made comes. */
static int
replace_fix(struct store_txn *txn, struct store_inbox_file *f,
	    const struct store_submission *s, struct inbox_restored *ret,
	    struct error *err)
{
	struct store_inbox_file of;
	int rc;

	f->key[0] = '\0';
	ret->gone = true;
	rc = become(txn, f, f->blob, ret, err);
	if (rc < 0 || !s->fix_blob || !inbox_fix_is_awaited(s))
		return rc;
	rc = store_inbox_of(txn->db, s->number, &of, err);
	if (rc > 0)
		rc = inbox_fix_add(txn, &of, s->fix_blob, s->fix_workbook, err);
	return rc < 0 ? rc : 1;
}

/* 1 the round with these bytes waits for its verdict, 0 another or none. */
static int
is_pending(struct store_txn *txn, const struct store_inbox_file *f,
	   struct error *err)
{
	struct store_fix_round round;
	int rc = store_fix_pending(txn->db, f->was.submission, &round, err);

	if (rc <= 0)
		return rc;
	rc = round.blob == f->was.blob;
	store_fix_round_release(&round);
	return rc;
}

static int
restore_fix(struct store_txn *txn, struct store_inbox_file *f,
	    const struct store_submission *s, struct inbox_restored *ret,
	    struct error *err)
{
	int rc;

	if (s->fix_blob == f->was.blob && inbox_fix_is_awaited(s))
		return restore_file(txn, f, s, ret, err);
	rc = is_pending(txn, f, err);
	if (rc > 0)
		return restore_file(txn, f, s, ret, err);
	/* a verdict is on its way; a copy of its own name is its owner's */
	if (rc < 0 || strcmp(s->state, "judging") == 0 || s->released ||
	    s->again || !inbox_is_fix(f->name))
		return rc;
	return replace_fix(txn, f, s, ret, err);
}

int
inbox_was_restore(struct store_txn *txn, struct store_inbox_file *f,
		  struct inbox_restored *ret, struct error *err)
{
	struct store_submission s;
	int rc = store_submission_get(txn->db, f->was.submission, &s, err);

	*ret = (struct inbox_restored){0};
	if (rc <= 0)
		return rc;
	if (s.expired || s.erasing)
		rc = 0;
	else if (f->was.fix)
		rc = restore_fix(txn, f, &s, ret, err);
	else if (s.blob == f->was.blob)
		rc = restore_file(txn, f, &s, ret, err);
	else
		rc = 0;
	store_submission_release(&s);
	return rc;
}

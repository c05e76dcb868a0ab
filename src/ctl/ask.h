/*
 * Asking the daemon over its socket (control/protocol.h).
 *
 * A worker may die and be replaced while it is asked: as long as the keeper
 * lives, the question is put again.
 */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "control/protocol.h"
#include "ctl/ctl.h"

#include <jansson.h>
#include <stdio.h>

struct ctl_question {
	struct control_request request; /* borrows its texts */
	bool once;	  /* not to be put again once it was sent */
	int64_t deadline; /* clock_monotonic(), 0 none: timeout_ms is added */
	FILE *text_to;	  /* where texts go; NULL: to the answer */
	/* Hears how far it is, and NULL once there is no more of it, before
	 * anything else is said; NULL: nobody. */
	void (*progress)(void *ctx, const json_t *progress);
	void *progress_ctx;
	bool quiet; /* the daemon's no is not said, but left in the answer */
};

/* Zeroed at the start; ctl_answer_release(). */
struct ctl_answer {
	json_t *items; /* an array of objects */
	struct buf text;
	char why[ERROR_TEXT_MAX]; /* of a quiet question; "" it was said */
};
void ctl_answer_release(struct ctl_answer *answer);
#define scope_answer \
	__attribute__((cleanup(ctl_answer_release))) struct ctl_answer

/* The verb of the call with its arguments and no options. ERR_LIMIT is left
 * to ctl_ask(). */
struct ctl_question ctl_question_of(const struct ctl *ctl);
void ctl_question_option(struct ctl_question *q, const char *name,
			 const char *value);

/*
 * Puts the question. Returns the exit status; when it is not CTL_DONE the
 * reason has been said. Blocks.
 */
MUST_CHECK int ctl_ask(struct ctl *ctl, struct ctl_question *q,
		       struct ctl_answer *ret);

/* Whether a daemon could be asked: its socket answers, or its keeper lives. */
bool ctl_has_daemon(struct ctl *ctl);

#endif

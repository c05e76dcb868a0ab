/*
 * A whole town without a mount and without a keeper, for the tests of
 * src/flow: a configuration and a state in a private folder, an inbox that is
 * driven by its calls, decoders as real processes, and the flow in
 * threads of its own. What cannot be done fails the test.
 */
#ifndef TESTS_FLOW_TOWN_H
#define TESTS_FLOW_TOWN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/scope.h"
#include "flow/flow.h"
#include "store/submission.h"

#include <pthread.h>
#include <stdatomic.h>

struct town {
	char path[64]; /* holds conf/ and conf/state/ */
	int keeper;    /* a process that starts decoders */
	int home, dir; /* where the process was; the state */
	struct config *config;
	struct store *store;
	struct flow_plan *plan;
	struct inbox *inbox;
	struct flow *flow; /* NULL: not running */
	pthread_t threads[2];
	int64_t session;
	uint64_t unique;
	int fds; /* open descriptors before the test */

	/* heard from the flow */
	_Atomic int judged, failed;
	_Atomic int64_t made; /* versions */
	char trouble[256];    /* the last failure; read it after town_end() */

	/* what the next decoders do */
	enum town_decoder {
		TOWN_DECODES,
		TOWN_DIES,	/* before it says anything */
		TOWN_DIES_ONCE, /* the next one only */
		TOWN_STALLS,	/* sleeps for ever */
		TOWN_IS_REFUSED /* cannot be started */
	} decoder;
	int patience_ms; /* with them; of the next town_start() */
	int64_t large;	 /* flow_set_large() of the next one; 0: as it is */
};

/* cmocka's set-up and tear-down; the second compares open descriptors. */
int town_setup(void **state);
int town_teardown(void **state);

/* Writes conf/PATH; folders are made. */
void town_write(struct town *t, const char *path, const char *text);
/* Copies a folder of tests/cases/flow to conf/. */
void town_copy(struct town *t, const char *name);

/* Reads the configuration and opens everything but the flow. */
void town_open(struct town *t);
/* What flow_plan_new() says to the configuration as it stands. */
int town_try_open(struct town *t, struct error *err);
void town_start(struct town *t); /* the flow; opens first if need be */
void town_stop(struct town *t);	 /* the flow only */
void town_close(struct town *t); /* everything */
void town_restart(struct town *t);

/* The numbers of civicfs.db as they are now, put aside; and put back, as if
 * the machine had stopped then. records.db and the packs go on. The town is
 * closed for both. */
void town_keep_main(struct town *t);
void town_lose_main(struct town *t);

/* A file copied into an inbox ("aic/reg"). */
void town_copy_in(struct town *t, const char *resource, const char *name,
		  const char *text);
void town_copy_in_bytes(struct town *t, const char *resource, const char *name,
			struct slice bytes);
/* Of the set-up: before there are threads. */
int town_start_keeper(struct town *t);
/* For struct flow_decoder; 'ctx' is the town. */
int town_start_decoder(void *ctx, int in_fd, int request_fd, int out_fd,
		       struct error *err);

/* Makes submissions of what is complete, without a flow. */
int town_collect(struct town *t);
/* Waits until nothing is left to do. */
void town_settle(struct town *t);
/* Copies, waits; the number of the submission. */
int64_t town_submit(struct town *t, const char *resource, const char *name,
		    const char *text);
int64_t town_last(struct town *t); /* the newest submission's number */
/* Releases and waits. */
void town_release(struct town *t, int64_t number);

/* The submission; released by the caller. */
void town_submission(struct town *t, int64_t number,
		     struct store_submission *ret);
/* The state; holds until the next call. */
const char *town_state(struct town *t, int64_t number);
void town_receipt(struct town *t, int64_t number, enum store_receipt which,
		  struct buf *ret);
/* The line of a key in the JSON receipt, without key and comma, appended. */
void town_receipt_line(struct town *t, int64_t number, const char *key,
		       struct buf *ret);
/* State and rows{} at once: "accepted 3 3 0 3 0 0 0" (read accepted refused
 * inserted updated deleted unchanged). */
void town_expect(struct town *t, int64_t number, const char *text);
/* "DATASET:VERSION …" of published[]. */
void town_expect_published(struct town *t, int64_t number, const char *text);
/* Whether an error or a warning with this code (and row, unless 0) is in the
 * receipt. */
bool town_has_fault(struct town *t, int64_t number, const char *list,
		    const char *code, int64_t row);
/* The fix file's bytes; none: the test fails. */
void town_fix(struct town *t, int64_t number, struct buf *ret);

/* A published file of the newest version: its header before the first. */
void town_file(struct town *t, const char *theme, enum publish_kind kind,
	       const char *part, struct buf *ret);
void town_expect_file(struct town *t, const char *theme, enum publish_kind kind,
		      const char *part, const char *text);
/* data.csv, conflicts.csv, orphans.csv. */
void town_expect_data(struct town *t, const char *theme, const char *text);
void town_expect_conflicts(struct town *t, const char *theme, const char *text);
void town_expect_orphans(struct town *t, const char *theme, const char *text);
/* subjects/KEY.json of the newest version; false when there is none. */
bool town_subject(struct town *t, const char *theme, const char *key,
		  struct buf *ret);
void town_version(struct town *t, const char *theme,
		  struct publish_version *ret);
const struct publish_theme *town_theme(struct town *t, const char *id);
/* publish_verify() and store_check() find nothing. */
void town_verify(struct town *t);

#endif

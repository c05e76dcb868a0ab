/*
 * What has been kept long enough goes (SPEC 3, keep_inbox, keep_versions,
 * keep_archive): files from inboxes, originals from archive/, versions with
 * the rows and packs that only they showed.
 *
 * The work is cut into short steps, each a transaction of its own or a few
 * system calls, done by the thread that judges, between submissions. A step
 * leaves a whole state behind, so a run can end after any of them and the next
 * one begins from the start. What is removed is first hidden from whoever may
 * open it, then compared with what is open, then removed: so nobody who has a
 * file open is stopped.
 */
#ifndef FLOW_GC_H
#define FLOW_GC_H

#include "flow/plan.h"
#include "inbox/inbox.h"
#include "store/store.h"

/* Something open that an older version or a submission shows. */
enum flow_pin_kind {
	FLOW_PIN_FILE,	     /* id: file_state */
	FLOW_PIN_SUBJECT,    /* id: theme_row */
	FLOW_PIN_TEXT,	     /* id: dataset, version */
	FLOW_PIN_SUMS,	     /* the same, with the states of its files */
	FLOW_PIN_NET,	     /* id: dataset, from and version */
	FLOW_PIN_SUBMISSION, /* id: number */
};
struct flow_pin {
	enum flow_pin_kind kind;
	int64_t id, version, from;
};
typedef int flow_pin_fn(void *ctx, const struct flow_pin *pin);

/* What the shell knows and wants to hear; NULL members are left out. Called
 * from the flow's thread. */
struct flow_keeping {
	/* What is open now; ERR_BUSY when that is not known: then nothing that
	 * may be open is removed. */
	int (*each_pin)(void *ctx, flow_pin_fn *each, void *each_ctx,
			struct error *err);
	/* A file has left the inbox of a resource. */
	void (*left)(void *ctx, int64_t resource, const char *name);
	/* Versions first to last of a dataset can no longer be opened. */
	void (*dropped)(void *ctx, int64_t dataset, int64_t first,
			int64_t last);
	/* A submission has left archive/. */
	void (*expired)(void *ctx, int64_t resource, const char *submission);
	void *ctx;
};

/* What a run has removed, or would remove. */
struct flow_gc_report {
	int64_t inbox_files;
	int64_t submissions; /* that have left archive/ */
	int64_t versions;
	int64_t rows; /* of both databases */
	int64_t packs;
	int64_t packs_rewritten;
	int64_t bytes;	    /* freed on the disk: uploads, originals, packs */
	int64_t reusable;   /* bytes of the databases that are used again */
	int64_t open_files; /* older files that are open: kept until closed */
};

struct flow_gc;
MUST_CHECK int flow_gc_new(struct store *store, const struct config *config,
			   struct inbox *inbox, struct flow_gc **ret,
			   struct error *err);
void flow_gc_free(struct flow_gc *gc);
/* 'keeping' is copied; before the first step. */
void flow_gc_set(struct flow_gc *gc, const struct flow_keeping *keeping);

/* When there is something to do (ns); 0 at once. Any thread. */
int64_t flow_gc_next(struct flow_gc *gc);
/* Begins a run that is due, or goes on with the one under way: 1 there is more
 * to do now, 0 not (it has ended, or must wait). A failure ends the run; the
 * next one is due later. Only the thread that judges, and not inside
 * store_records_begin(). */
MUST_CHECK int flow_gc_step(struct flow_gc *gc, int64_t now, struct error *err);

/* Asks for a run that begins after now: its number. flow_gc_ended() gives what
 * it did once it has ended: 1, or 0 not yet, or the code it failed with. Any
 * thread. */
int64_t flow_gc_ask(struct flow_gc *gc);
MUST_CHECK int flow_gc_ended(struct flow_gc *gc, int64_t number,
			     struct flow_gc_report *ret, struct error *err);

/* What a run would remove at 'now'. Any thread. */
MUST_CHECK int flow_gc_preview(struct store *store, const struct config *config,
			       struct inbox *inbox, int64_t now,
			       struct flow_gc_report *ret, struct error *err);

#endif

/*
 * The order of the stages, and recovery: the only place that knows both.
 *
 *   complete ─► judging ─► accepted │ unchanged │ partial │ quarantined │
 *                          rejected │ incomplete
 *   quarantined ─► (release) accepted │ partial;  (a later snapshot)
 *                  superseded
 *
 * Every stage moves one durable state to the next in one transaction, so that
 * recovery is the same work: take the first submission in state judging, and
 * judge it. One thread, flow_run(), does all of it, in order of completion;
 * while it judges a large one, small ones of other resources pass.
 * Another, flow_run_collecting(), makes complete files submissions meanwhile:
 * one that settles while a large file is judged must not be lost when it is
 * replaced before that is done.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "decode/decode.h"
#include "flow/gc.h"
#include "flow/plan.h"
#include "flow/progress.h"
#include "inbox/inbox.h"

/* Starts a decoder (decode_process) over three descriptors, which stay the
 * caller's: the file, the request, the pipe for its frames. */
struct flow_decoder {
	int (*start)(void *ctx, int in_fd, int request_fd, int out_fd,
		     struct error *err);
	void *ctx;
	int patience_ms; /* how long it may say nothing; 0: by the size of
			  * the file */
	struct decode_limits limits; /* zeroed: DECODE_LIMITS */
};

/* What the shell wants to hear; called from the flow's thread. 'published'
 * comes after the flip and before anybody is told that it is settled. */
struct flow_hooks {
	void (*published)(void *ctx, const struct publish_made *made, size_t n);
	void (*judged)(void *ctx, int64_t resource, int64_t submission);
	void (*failed)(void *ctx, const struct error *err);
	void *ctx;
};

struct flow;

/* 'plan', 'inbox' and what the hooks need must outlive it. */
MUST_CHECK int flow_new(struct store *store, const struct flow_plan *plan,
			struct inbox *inbox, const struct flow_decoder *decoder,
			const struct flow_hooks *hooks, struct flow **ret,
			struct error *err);
void flow_free(struct flow *flow);

/* What has been kept long enough goes, by the thread of flow_run(), when
 * nothing is to be judged: see gc.h. 'keeping' before flow_run(). */
void flow_keep(struct flow *flow, const struct flow_keeping *keeping);
/* Asks for a run now: flow_gc_ask(), flow_gc_ended(). Any thread. */
int64_t flow_gc_begin(struct flow *flow);
MUST_CHECK int flow_gc_result(struct flow *flow, int64_t number,
			      struct flow_gc_report *ret, struct error *err);

/* From how many bytes on a submission is large; before flow_run(). */
void flow_set_large(struct flow *flow, int64_t bytes);

/* Works until flow_stop(); failures of the machine (a full disk, no process)
 * are told to 'failed' and tried again. Returns when stopped. */
void flow_run(struct flow *flow);
/* The same for the inboxes: both are needed, each in a thread of its own. */
void flow_run_collecting(struct flow *flow);
/* Any thread. */
void flow_stop(struct flow *flow);
void flow_wake(struct flow *flow);

/* Whether every complete submission has its verdict and what it publishes is
 * published. Any thread. */
MUST_CHECK int flow_is_settled(struct flow *flow, bool *ret, struct error *err);
/* How many are judged at once, at most. */
#define FLOW_JUDGES 2 /* a large one, and one that passes it */
/* How far those that are being judged have come; returns their number. Any
 * thread; never blocks. */
size_t flow_under_way(const struct flow *flow,
		      struct flow_progress_view ret[static FLOW_JUDGES]);

/* Writes to an eventfd after each change that flow_is_settled() or a
 * submission's state may show. Both are the caller's, and stay until
 * flow_unwatch(), which may be called before flow_watch(). Look after it was
 * added, then wait, then look again. Any thread. */
struct flow_watch {
	int fd;
	struct flow_watch *next;
};
void flow_watch(struct flow *flow, struct flow_watch *watch);
void flow_unwatch(struct flow *flow, struct flow_watch *watch);

/* The last failure that is being retried, "" none. Any thread. */
void flow_trouble(struct flow *flow, char *ret, size_t size);

/* Asks for the release of a quarantined submission. ERR_NOTFOUND,
 * ERR_INVALID (it is not quarantined). Any thread. */
MUST_CHECK int flow_release(struct flow *flow, const char *id,
			    struct error *err);

/*
 * Asks for the withdrawal of a submission (SPEC 6.6); 'by' is who asks. Its
 * effect is undone as a new version: what it leaves is what would be if it had
 * never come, as far as the verdicts on the others go. ERR_NOTFOUND;
 * ERR_INVALID: there is nothing to withdraw, or what it needs is kept no
 * longer. Any thread.
 */
MUST_CHECK int flow_withdraw(struct flow *flow, const char *id, const char *by,
			     struct error *err);

/* Every original of the archive, re-hashed; for 'verify'. Problems are reported
 * as lines of text: 0 when there was none, 1 when there were, or a negative
 * code. Any thread. */
MUST_CHECK int flow_verify_originals(struct store *store,
				     int (*report)(void *ctx, const char *text),
				     void *ctx, struct error *err);

/* A dry run (SPEC 2, try): judges the file on 'fd' as 'name' for a resource;
 * stores nothing. The receipts are appended. *ret_good says whether it would
 * be accepted. Needs no state and no flow. */
MUST_CHECK int flow_try(const struct config_resource *resource,
			const struct flow_decoder *decoder, const char *name,
			int fd, int64_t now, const char *language,
			struct buf *json, struct buf *text, bool *ret_good,
			struct error *err);

#endif

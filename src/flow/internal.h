/*
 * What the files of flow/ share: one submission on its way through the
 * stages.
 */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "base/breath.h"
#include "flow/flow.h"
#include "flow/plan.h"
#include "store/fix_rows.h"
#include "store/staging.h"
#include "store/submission.h"
#include "validate/validate.h"

/* So many rows that change at once are worth files of their own: below, single
 * rows cost less than these (doc/decisions/2026-11-23-changes-in-runs.md). */
#define FLOW_MANY 1000

struct flow_early;
struct flow_members;
struct sorter;

/* What every submission is judged with. */
struct flow_shop {
	struct store *store;
	const struct flow_plan *plan;
	struct flow_decoder decoder;
	struct flow_hooks hooks;
	struct flow_progress *progress;
	/* lets others pass while a large one is judged; NULL: none are */
	const struct breath *breath;
	struct flow_passing *passing;
	struct flow_early *early; /* NULL: none */
	struct inbox *inbox;
};

/* The large work under way, that others may pass: a submission whose bytes are
 * more than those of a small one, or themes that are rebuilt. */
struct flow_passing {
	bool any;
	const struct flow_resource *resource; /* or NULL */
	const bool *themes;		      /* of the plan; or NULL */
	bool stores; /* what it reads is not to be changed */
	int64_t seq; /* of its publish, while records.db is its alone; or 0 */
};

/* What a file carries of secret fields (SPEC 9): secret.c. */
struct flow_secret {
	bool found;	     /* a value: nothing else counts any more */
	const char *column;  /* a secret field that has a column; NULL none */
	struct slice *cells; /* of a record, without such values */
	size_t cap;
};

/* Where a file stands among the versions of a theme that its resource follows:
 * see follow.h. */
struct flow_step {
	bool named; /* the name says from which to which it leads */
	bool past;  /* the records are of a later one: nothing is stored */
	bool whole; /* it is everything */
	int64_t from, to;
	int64_t last; /* of which the records are */
};

/* A submission being judged. Zeroed at the start; flow_judgement_release(). */
struct flow_judgement {
	/* given */
	struct store *store; /* NULL: a trial without a state */
	const struct config_resource *resource;
	const struct flow_resource *planned; /* NULL in a trial */
	const struct store_submission *submission;
	const char *language; /* of the receipt */
	bool release;	      /* it is published already, or is to be: tolerance
			       * and max_shrink do not count */
	bool any_column;      /* no column is one too many */
	bool dry;	      /* of a folder for trials: nothing is stored */
	bool replay;	      /* as it was judged: nothing new is refused */
	struct flow_progress *progress; /* NULL in a trial */
	const struct breath *breath;	/* NULL: nobody passes */
	struct flow_round *round;	/* a fix file came back; NULL none */
	struct sorter *orphans;		/* that begin: orphans.c */

	/* decode and validate */
	struct store_staging *staging;
	struct validate *validate;
	struct validate_fix *fix; /* NULL before a header was found */
	struct validate_row row;  /* used again for each record */
	int *columns;
	size_t ncolumns;
	struct flow_members *members; /* NULL: the file is no archive */
	int64_t last;		      /* row */
	char format[16], encoding[16];
	bool footer;   /* the table has ended */
	bool rejected; /* a fault of the file was given */
	/* blank rows since the last row that was not: their number, and as
	 * many as a receipt can name */
	struct flow_blank {
		int64_t row, line;
	} blanks[VALIDATE_KEPT];
	int64_t nblanks;
	int64_t read; /* records that are not empty */
	struct validate_faults *errors, *warnings;
	struct error sink_error; /* a callback's: code 0 none */
	enum decode_end end;
	struct flow_secret secret;

	/* the verdict */
	enum validate_state state;
	struct validate_counts counts;
	char reason[256], reason_zh[256];
	struct publish *publish;
	struct flow_step step;
	bool changed; /* something is to be published */
	bool loaded;  /* all its records came at once */
	unsigned char sha256[DIGEST_SIZE];
	int64_t fix_blob, fix_bytes;
	bool fix_workbook;
};
/* What is given, the rest zeroed. 'shop' and 's' outlive it. */
void flow_judgement_begin(struct flow_judgement *j,
			  const struct flow_shop *shop,
			  const struct store_submission *s, bool release);
MUST_CHECK int flow_judgement_init(struct flow_judgement *j, struct error *err);
void flow_judgement_release(struct flow_judgement *j);

/* submission.c: one submission through all stages, to its verdict. With
 * 'release' tolerance and max_shrink do not count. */
MUST_CHECK int flow_submission_judge(const struct flow_shop *shop,
				     const struct store_submission *s,
				     bool release, struct error *err);
/* Its bytes, to read. */
MUST_CHECK int flow_open_original(const struct flow_shop *shop,
				  const struct store_submission *s, int *ret_fd,
				  struct error *err);
/* The stages before the records are asked: bytes (on 'fd') to a state. */
MUST_CHECK int flow_judge_file(struct flow_judgement *j,
			       const struct flow_decoder *decoder, int fd,
			       struct error *err);

/* judge.c: bytes to staged rows. Sets end; a decoder that dies twice leaves a
 * format-error and DECODE_REJECTED. */
MUST_CHECK int flow_judge_rows(struct flow_judgement *j,
			       const struct flow_decoder *decoder, int fd,
			       struct error *err);
/* A fault of the file or of a row, from outside validate. */
MUST_CHECK int flow_judge_fault(struct flow_judgement *j,
				const struct validate_fault *fault,
				struct error *err);

/*
 * secret.c: what must not be here. A header is noted, each record below it is
 * looked at before it is judged: 1, and it is not to be judged, once a value
 * was found. In what was published already values are left out instead: '*r'
 * then points to the record without them.
 */
void flow_secret_header(struct flow_judgement *j, const int *columns, size_t n);
MUST_CHECK int flow_secret_row(struct flow_judgement *j,
			       const struct decode_row **r,
			       struct decode_row *without);
/* The same for a record of a fix file, with its own columns; only leaves
 * out. */
MUST_CHECK int flow_secret_leave_out(struct flow_judgement *j,
				     const int *columns, size_t ncolumns,
				     struct decode_row *r);
/* After the last record: whether the file is rejected for what it carries. */
MUST_CHECK int flow_secret_weigh(struct flow_judgement *j, bool *ret,
				 struct error *err);
/* judge.c: forgets the faults that were found. ERR_NOMEM. */
MUST_CHECK int flow_judge_renew_faults(struct flow_judgement *j,
				       struct error *err);

/* members.c: the members of an archive. '*m' is made by the first and freed
 * with the judgement; 'before' is the last row of those before. ERR_NOMEM. */
MUST_CHECK int flow_members_add(struct flow_members **m, const char *name,
				int64_t before);
void flow_members_free(struct flow_members *m);
/* Of which member a row is, 0: the last one. NULL: the file is no archive. */
const char *flow_members_name(const struct flow_members *m, int64_t row);
/* Keeps the columns of the first header. */
MUST_CHECK int flow_members_header(struct flow_members *m, const int *columns,
				   size_t n);
/* Packs the cells of a row as sent, under the columns of the first header. */
MUST_CHECK int flow_members_sent(const struct flow_judgement *j,
				 const struct decode_row *r, struct buf *out);

/* decoder.c: one decoder over the file. *ret_died: the failure is the
 * decoder's (it died, broke the rules or said nothing for too long), not this
 * program's; otherwise it is left alone. */
MUST_CHECK int flow_decode(struct flow_judgement *j,
			   const struct flow_decoder *decoder, int fd,
			   const struct decode_sink *sink, bool *ret_died,
			   struct error *err);

/*
 * round.c: a fix file that came back (SPEC 6.5). The original is judged again,
 * with the rows of the fix file in the place of those that were refused.
 * flow_round_begin() looks whether one has: then j->round.
 */
MUST_CHECK int flow_round_begin(struct flow_judgement *j, struct error *err);
void flow_round_end(struct flow_judgement *j);
/* Reads the fix files, before the original. *ret_same: nothing was changed in
 * it, and nothing is to be judged. */
MUST_CHECK int flow_round_read(const struct flow_shop *shop,
			       struct flow_judgement *j, bool *ret_same,
			       struct error *err);
/* The row to be judged instead of 'r', unless *ret_kind is OTHER; holds until
 * the next call. */
MUST_CHECK int flow_round_row(struct flow_judgement *j,
			      const struct decode_row *r,
			      struct decode_row *ret,
			      enum store_fix_kind *ret_kind, struct error *err);
/* A header of the original: the first counts, if no fix file has shown it.
 * ERR_NOMEM. */
MUST_CHECK int flow_round_header(struct flow_judgement *j, const int *columns,
				 size_t n);
/* Which fields its cells are: the header of the fix file. */
const int *flow_round_columns(const struct flow_judgement *j, size_t *ret_n);
/* Whether a row may be refused for another's sake: in a round only those that
 * came back. */
MUST_CHECK int flow_round_may_refuse(struct flow_judgement *j, int64_t row,
				     bool *ret, struct error *err);
/* Whether a later submission has written the key. */
MUST_CHECK int flow_is_overtaken(struct flow_judgement *j, struct slice key,
				 bool *ret, struct error *err);
/* What is to be said of the fix file itself; counts its rows. After the rows
 * are judged. */
MUST_CHECK int flow_round_weigh(struct flow_judgement *j, struct error *err);
/* Whether nothing of it counts. It stays where it is, if it could not be
 * read; it is erased, if it holds what must not be here. */
bool flow_round_is_unreadable(const struct flow_judgement *j);
bool flow_round_is_secret(const struct flow_judgement *j);
/* The blob of the file that came back; 0 none has. */
int64_t flow_round_blob(const struct flow_judgement *j);
/* Whether a later snapshot leaves nothing to be stored. */
bool flow_round_is_moot(const struct flow_judgement *j);
/* All rounds up to this one, and what all have stored and published. */
MUST_CHECK int flow_round_tell(struct flow_judgement *j, int64_t now,
			       struct validate_receipt *receipt,
			       struct error *err);
/* In the transaction of the verdict. */
MUST_CHECK int flow_round_conclude(struct flow_judgement *j,
				   struct store_txn *txn, int64_t now,
				   int64_t seq, struct error *err);
/* It was not changed: the submission is what it was. */
MUST_CHECK int flow_round_cancel(struct flow_judgement *j, struct error *err);

/* cross.c: rules over several rows, and over what is stored. */
MUST_CHECK int flow_cross(struct flow_judgement *j, struct error *err);
/* The key as a person wrote it; nothing of one that has personal values.
 * ERR_NOMEM. */
MUST_CHECK int flow_key_show(const struct config_resource *r, struct slice key,
			     struct buf *out);

/* fold.c: the good rows into the records, inside store_records_begin(). Sets
 * counts and, for a snapshot past max_shrink, state quarantined. */
MUST_CHECK int flow_fold(struct flow_judgement *j, const struct flow_plan *plan,
			 int64_t seq, struct error *err);
/* What it would do: the counts alone, in the file's own state. */
MUST_CHECK int flow_fold_dry(struct flow_judgement *j,
			     const struct flow_plan *plan, struct error *err);
/* early.c: a large file that settles, through the stages before the records
 * are asked; others pass meanwhile. NULL when nothing has come of it. It is of
 * no use any more once another submission of the resource has been judged. */
struct flow_early *flow_early_judge(const struct flow_shop *shop, int64_t blob,
				    int64_t resource, int64_t bytes);
void flow_early_free(struct flow_early *early);
int64_t flow_early_resource(const struct flow_early *early); /* NULL: 0 */
/* Whether this is the submission of the same bytes (on 'fd'): then 'j' goes on
 * where it stopped. */
bool flow_early_take(struct flow_early *early, const struct store_submission *s,
		     int fd, struct flow_judgement *j);

/*
 * turn.c: a publish's turn at records.db, from store_records_begin() to what is
 * committed under its number; with 'seq' 0 it has none. It may be dropped, and
 * is dropped after a failure. Then, right before its number is published:
 * flow_turn_flip(). In between others pass a large one.
 */
MUST_CHECK int flow_turn_begin(const struct flow_shop *shop, int64_t *ret_seq,
			       struct error *err);
MUST_CHECK int flow_turn_end(const struct flow_shop *shop, int64_t seq,
			     struct error *err);
void flow_turn_drop(const struct flow_shop *shop);
MUST_CHECK int flow_turn_flip(const struct flow_shop *shop, int64_t seq,
			      struct error *err);
/* Whether a publish of this resource writes a file of at least so many bytes as
 * a whole, however few rows change; unknown: no. */
bool flow_turn_is_long(const struct flow_shop *shop, int64_t resource,
		       int64_t bytes);
/* Whatever came of it, nobody passes any more. */
void flow_turn_over(const struct flow_shop *shop);
/* The large one waits for those that 'let_pass' lets pass. A failure of that is
 * the large one's. */
MUST_CHECK int flow_turn_breathe(struct store *store,
				 const struct flow_passing *p,
				 int (*let_pass)(void *ctx, struct error *err),
				 void *ctx, struct error *err);
/* Not one of its resource and, once its records change, none that changes what
 * it reads: the sources of its themes. */
bool flow_may_pass(const struct flow_passing *p, const struct flow_resource *r,
		   size_t nthemes);

/* orphans.c: an orphan that begins, in any order; and all of them into the
 * store, with what of orphans.csv they change. */
MUST_CHECK int flow_orphan_later(struct flow_judgement *j, size_t theme,
				 struct slice place, struct error *err);
MUST_CHECK int flow_orphans_store(struct flow_judgement *j,
				  const struct flow_plan *plan, int64_t seq,
				  struct error *err);

/* astray.c: warnings for those of its rows that themes do not show, as
 * published at 'at'. After the rows are stored. */
MUST_CHECK int flow_astray_explain(struct flow_judgement *j,
				   const struct flow_plan *plan, int64_t at,
				   struct error *err);

/* link.c: links the records of every lens of a resource that is not linked
 * yet. */
MUST_CHECK int flow_link(struct store *store, const struct flow_resource *r,
			 int64_t seq, const struct breath *breath,
			 struct error *err);

/* One publish, once the records are written. */
struct flow_work {
	struct store *store;
	const struct flow_plan *plan;
	struct publish *publish;
	int64_t seq;
	const struct breath *breath;	  /* NULL: nobody passes */
	struct flow_judgement *judgement; /* whose records they are; or NULL */
};
/* subjects.c: computes the subjects that store_subject_add() collected, and
 * every subject of what was loaded. */
MUST_CHECK int flow_subjects(const struct flow_work *work, struct error *err);

/* rebuild.c: a version of every theme whose rules have changed since its last
 * one, and of every new theme over records that are there. Submissions that
 * none of them is made of pass meanwhile. */
MUST_CHECK int flow_rebuild(const struct flow_shop *shop, struct error *err);

/* merge.c: a step of merging runs, if one is due; only the thread that judges,
 * outside of any publish. Zeroed at the start. */
struct store_merge;
struct flow_merging {
	struct store_merge *merge; /* under way; NULL none */
	int64_t next; /* when there is a step (ns); INT64_MAX: not before
		       * flow_merging_again() */
};
void flow_merging_step(struct flow_merging *m, struct store *store, int64_t now,
		       const struct flow_hooks *hooks);
/* Something may have been published since. */
void flow_merging_again(struct flow_merging *m);
void flow_merging_end(struct flow_merging *m);

/* restate.c: the receipts of a quarantined submission as those of one that a
 * later snapshot superseded. ERR_NOMEM. */
MUST_CHECK int flow_restate_superseded(struct buf *json, struct buf *text,
				       const char *by, const char *language);
/* Of any submission as those of one that was withdrawn. 'made' are the
 * versions that show it no more; of each dataset 'until' is the last that did
 * (0: none). */
struct flow_withdrawn {
	const char *by;
	int64_t at; /* ns */
	const struct validate_published *made;
	const int64_t *from, *until; /* per dataset of 'made' */
	size_t nmade;
};
MUST_CHECK int flow_restate_withdrawn(struct buf *json, struct buf *text,
				      const struct flow_withdrawn *w,
				      const char *language);

/* A dry run has nothing to release or to withdraw: ERR_INVALID. */
int flow_refuse_trial(const struct store_submission *s, struct error *err);
/* withdraw.c: the withdrawal that was asked for, to its new versions. */
MUST_CHECK int flow_withdrawal(const struct flow_shop *shop,
			       const struct store_submission *s,
			       struct error *err);
/* Whether it can be: 0, or ERR_INVALID and why not. */
MUST_CHECK int flow_may_withdraw(struct store *store,
				 const struct store_submission *s,
				 struct error *err);
/* submission.c: the language of a department's receipts. */
const char *flow_language(const struct config *config, const char *department);
/* round.c, round_read.c: to judge a submission as it was judged last. */
MUST_CHECK int flow_round_replay(const struct flow_shop *shop,
				 struct flow_judgement *j, struct error *err);

/* fix.c: the fix file, as a blob that nothing refers to yet. */
MUST_CHECK int flow_fix_file(const struct flow_shop *shop,
			     struct flow_judgement *j, struct error *err);
/* Removes a fix file, 0 for none, unless a submission refers to it; what
 * cannot be removed now is by the next start. */
void flow_fix_forget(struct store *store, int64_t blob);

/* verdict.c: the receipts, and the one transaction that flips. */
MUST_CHECK int flow_receipts(struct flow_judgement *j, int64_t now,
			     const struct publish_made *made, size_t nmade,
			     struct buf *json, struct buf *text,
			     struct error *err);
/* Another, quarantined, has nothing to say any more. */
MUST_CHECK int flow_supersede(struct flow_judgement *j, struct store_txn *txn,
			      int64_t number, int64_t now, struct error *err);
MUST_CHECK int flow_conclude(const struct flow_shop *shop,
			     struct flow_judgement *j, int64_t seq,
			     struct error *err);

#endif

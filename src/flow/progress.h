/*
 * How far the submission being judged has come: written by the thread that
 * judges, read by any other, without a lock and without holding either up.
 *
 * A submission passes the stages below in order. Of each the time is kept, so
 * that the next one's time can be told: what a row cost then it will cost
 * again. While bytes are read the number of rows is not known; how many there
 * will be follows from the share of bytes.
 */
#ifndef FLOW_PROGRESS_H
#define FLOW_PROGRESS_H

#include "base/slice.h"

#include <stdatomic.h>
#include <stdint.h>

enum flow_stage {
	FLOW_READING,	 /* bytes to judged rows */
	FLOW_CHECKING,	 /* rules over several rows */
	FLOW_STORING,	 /* good rows into the records */
	FLOW_PUBLISHING, /* subjects, versions, the receipt */
	FLOW_STAGES
};

/* Zeroed at the start. One thread writes. */
struct flow_progress {
	/* what is read together: odd while it is being written */
	_Atomic uint64_t turn;
	_Atomic int64_t submission; /* its number; 0: nothing is judged */
	_Atomic int64_t bytes;	    /* of the file */
	_Atomic int64_t began, stage_began; /* clock_monotonic() */
	_Atomic int stage;
	_Atomic int64_t total; /* steps of the stage, 0 unknown */
	_Atomic int64_t rows;  /* of the file; while it is read: so far */
	/* what is counted on the way */
	_Atomic int64_t done;	    /* steps of this stage */
	_Atomic int64_t bytes_read; /* of the file */
	/* what a row has cost last time, ns; 0 unknown */
	_Atomic int64_t cost[FLOW_STAGES];
	/* only the writer */
	int64_t spent[FLOW_STAGES]; /* ns of this submission */
	bool halves;		    /* see flow_progress_encoding() */
};

/* ---- the thread that judges ---------------------------------------------- */

/* NULL is allowed everywhere, and nothing is noted. 'now' is
 * clock_monotonic(). */
void flow_progress_begin(struct flow_progress *p, int64_t submission,
			 int64_t bytes, int64_t now);
/* The next stage, of 'total' steps (0: not known). 'rows' is how many rows the
 * file has, or 0 while that is not known. */
void flow_progress_stage(struct flow_progress *p, enum flow_stage stage,
			 int64_t rows, int64_t total, int64_t now);
/* Nothing is judged any more. 'learn': it has published, so that its times say
 * what the next one will cost. */
void flow_progress_end(struct flow_progress *p, bool learn, int64_t now);

/* How the file's bytes are written, as decode_header has it: the bytes of a
 * row are those of its text, which a converted file had fewer of. */
void flow_progress_encoding(struct flow_progress *p, const char *encoding);
/* A row was read. Quotes and what stands above the header are not counted, so
 * that the share of bytes comes out a little short. */
void flow_progress_row(struct flow_progress *p, const struct slice *cells,
		       size_t n);

/* Steps of this stage were done. */
static inline void
flow_progress_add(struct flow_progress *p, int64_t steps)
{
	if (p)
		atomic_store_explicit(
			&p->done,
			atomic_load_explicit(&p->done, memory_order_relaxed) +
				steps,
			memory_order_relaxed);
}

/* ---- any thread ---------------------------------------------------------- */

/* One moment of it. */
struct flow_progress_view {
	int64_t submission;
	enum flow_stage stage;
	int64_t rows;	    /* read so far; later, of the file */
	int64_t done;	    /* steps of the stage */
	int64_t total;	    /* 0 unknown */
	int64_t bytes_read; /* at most 'bytes' */
	int64_t bytes;
	int64_t began, stage_began; /* clock_monotonic() */
	int64_t cost[FLOW_STAGES];
};

/* False when nothing is being judged. */
bool flow_progress_see(const struct flow_progress *p,
		       struct flow_progress_view *ret);

/* What can be told of it at 'now'; -1 what cannot. */
struct flow_progress_told {
	int percent;	  /* of the stage, 0 to 99 */
	int64_t rate;	  /* rows a second in this stage */
	int64_t left_ns;  /* until the verdict */
	int64_t taken_ns; /* since it began */
};
struct flow_progress_told flow_progress_tell(const struct flow_progress_view *v,
					     int64_t now);

/* "reading", "checking", "storing", "publishing". */
const char *flow_stage_word(enum flow_stage stage);

#endif

/* What round.c and round_read.c share: a fix file that came back. */
#ifndef FLOW_ROUND_H
#define FLOW_ROUND_H

#include "flow/internal.h"
#include "store/fix.h"

/* Rows of a kind that is worth a word. */
struct flow_odd {
	int64_t n, first;
};

struct flow_round {
	struct store_fix_round given;
	bool moot;	    /* a later snapshot was accepted */
	bool unreadable;    /* nothing of it counts */
	bool secret;	    /* it holds what must not be here */
	const char *column; /* of a secret field, not looked at to its end */
	struct validate_faults *faults; /* why */
	struct store_fix_rows *rows;
	int64_t back; /* rows that came back */
	struct flow_odd unknown, twice, nameless;

	/* the header of the original, as its fix file shows it */
	int *columns; /* as decode_header.field */
	size_t ncolumns;

	/* used again for each row */
	struct buf packed, flaws;
	struct decode_flaw *flawed;
	size_t nflawed;
	struct slice *cells;
	size_t cap;

	/* for the receipt */
	struct validate_round *told;
	char **by;
	size_t ntold;
	struct validate_published *made;
	char **datasets;
	size_t nmade;
};

/* A packed row's cells; they hold until the next call. */
MUST_CHECK int flow_round_split(struct flow_round *r, struct slice packed,
				const struct slice **ret, size_t *ret_n,
				struct error *err);

#endif

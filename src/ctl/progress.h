/* How far the daemon has come, as one line for people. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "base/buf.h"

#include <jansson.h>

/* Appends one member of "judging": "reading 45%, 120,000 rows, 85,000/s,
 * 12 s left"; what is not known is left out. ERR_NOMEM. */
MUST_CHECK int ctl_progress_of(const json_t *judging, struct buf *out);

/* Appends a line of at most 'columns' columns of a terminal, in the locale's
 * character set UTF-8, without LF: what is being judged, how far it is, how
 * many wait. ERR_NOMEM. */
MUST_CHECK int ctl_progress_line(const json_t *progress, int columns,
				 struct buf *out);

/* A line of standard output that is written again and again, if that is a
 * terminal. Zeroed at the start. */
struct ctl_progress_terminal {
	int width; /* columns that the last one took */
};
bool ctl_progress_is_terminal(void);
void ctl_progress_show(struct ctl_progress_terminal *t, const json_t *progress);
/* Blanks it; the cursor is in the first column. */
void ctl_progress_clear(struct ctl_progress_terminal *t);

#endif

/*
 * Cascades (SPEC 7): a resource whose files are the changes of a theme of
 * another platform (descriptor: follows). The name of a file says from which
 * version of the theme to which it leads (base/span.h), whatever it is packed
 * in.
 *
 * The records of the resource are those of one version, the last. A file is
 * taken in when it begins there; or begins with nothing (0..TO, everything:
 * what it does not name is no more); or ends there. One that ends before has
 * nothing to say. Any other, which leaves versions out or begins with one that
 * is past, is quarantined (code sequence), and judged again by itself once it
 * fits; when its versions are in otherwise, it is superseded.
 */
#ifndef FLOW_FOLLOW_H
#define FLOW_FOLLOW_H

#include "flow/internal.h"

/* Sets j->step, and the state of what does not fit. After the rows were
 * weighed, before they are stored. */
MUST_CHECK int flow_follow_weigh(struct flow_judgement *j, struct error *err);

/* In the transaction of the verdict: how far the resource is now, and what
 * becomes of those that wait. */
MUST_CHECK int flow_follow_conclude(struct flow_judgement *j,
				    struct store_txn *txn, int64_t now,
				    struct error *err);

#endif

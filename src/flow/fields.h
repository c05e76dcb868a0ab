/*
 * Whether the records of a resource still hold under its descriptor as it is
 * now (SPEC 3: a change of a descriptor's fields revalidates the stored rows).
 */
#ifndef FLOW_FIELDS_H
#define FLOW_FIELDS_H

#include "flow/plan.h"

/*
 * Compares the descriptor with the one the records were stored under, and
 * keeps it as theirs. Other constraints: every record is judged again;
 * ERR_INVALID with the counts when some no longer hold. Other fields, types or
 * keys: ERR_INVALID as soon as there are records, which this version cannot
 * carry over. Blocks for as long as judging takes.
 */
MUST_CHECK int flow_fields_check(struct store *store, struct store_txn *txn,
				 const struct flow_resource *r,
				 struct error *err);

/* Only compares, as of the published sequence 'at'; 'db' is a reader. */
MUST_CHECK int flow_fields_compare(struct sql *db, int64_t at,
				   const struct flow_resource *r,
				   struct error *err);

#endif

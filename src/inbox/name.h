/* The names of an inbox: which are allowed, which are temporary, which stand
 * for receipts (SPEC 5, 6.1, 6.4). Functions of memory. */
#ifndef INBOX_NAME_H
#define INBOX_NAME_H

#include "inbox/inbox.h"
#include "store/inbox.h"

#define INBOX_NAME_BYTES 240 /* of an upload, as sent */

/* The name in NFC, under which it is found: two names that are equal in NFC
 * are one. 0, -EILSEQ (not UTF-8), -ENAMETOOLONG, -ENOMEM. Any name up to 255
 * bytes, also of a receipt. */
MUST_CHECK int inbox_name_key(const char *name,
			      char key[static STORE_INBOX_KEY_MAX]);

/* Whether an upload may be called so: 0; -ENAMETOOLONG, -EILSEQ; -EISDIR for a
 * holding folder; -EPERM for what only civicfs writes (*.receipt.txt,
 * *.receipt.json, and receipt.txt, receipt.json: their names in the archive). A
 * fix file may be as much longer as its ending. */
MUST_CHECK int inbox_name_check(const char *name);

/* The parts beside a file, and the ends of their names. */
struct inbox_companion {
	enum inbox_part part;
	enum store_inbox_companion bit;
	const char *suffix;
};
#define INBOX_COMPANIONS 2
/* In the order of the suffixes' bytes. A fix file is none of them: in an inbox
 * folder it is a file like others, which comes back changed. */
extern const struct inbox_companion inbox_companions[INBOX_COMPANIONS];
const struct inbox_companion *inbox_companion_of(enum inbox_part part);

/* Which companion a key ends like; NULL none. *ret_base is the length of what
 * is before the suffix, never 0. */
const struct inbox_companion *inbox_name_split(const char *key,
					       size_t *ret_base);

#endif

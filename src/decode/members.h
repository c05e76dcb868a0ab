/*
 * The members of an archive: their names, which are checked together before
 * one of them is read, and their way through the core, each as a file of its
 * own. doc/decisions/2026-11-23-members.md says what becomes of them.
 */
#ifndef DECODE_MEMBERS_H
#define DECODE_MEMBERS_H

#include "base/slice.h"
#include "decode/archive.h"
#include "decode/job.h"

struct decode_member {
	char *name;    /* UTF-8 once decode_members_check() has been passed */
	bool utf8;     /* the archive says that it is */
	bool folder;   /* or what a system leaves behind: not read */
	int64_t place; /* in the archive, for their order */
	int64_t size;  /* unpacked; -1 unknown */
};

struct decode_members {
	enum decode_packing packing;
	struct decode_member *list;
	size_t n;
	size_t cap;
};

void decode_members_release(struct decode_members *m);
#define scope_members \
	__attribute__((cleanup(decode_members_release))) struct decode_members

/* Adds one with its name as it stands in the archive. ERR_NOMEM, ERR_INVALID
 * (a name that is too long or holds a NUL). */
MUST_CHECK int decode_members_add(struct decode_members *m, struct slice name,
				  struct decode_member **ret,
				  struct error *err);

/* Decides the encoding of the names, for all of them, and refuses those that
 * lead out of the archive, repeat another (also in other letters) or cannot be
 * shown. Sorts by place. ERR_NOMEM, ERR_INVALID. */
MUST_CHECK int decode_members_check(struct decode_members *m,
				    struct error *err);

/* The member of this name, without regard to ASCII letters; NULL. */
const struct decode_member *decode_members_find(const struct decode_members *m,
						const char *name);

#endif

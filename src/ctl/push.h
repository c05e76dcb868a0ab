/* What the files of push share: one theme on its way to another platform. */
#ifndef CTL_PUSH_H
#define CTL_PUSH_H

#include "base/digest.h"
#include "base/span.h"
#include "config/config.h"

/* What the other platform says of a file: the state of its receipt. */
struct push_answer {
	char state[16];
	char code[32];	 /* of its first error; "" none */
	int64_t wanted;	 /* where it wants changes to begin; -1 it does not
			  * say */
	int64_t refused; /* rows */
};

struct push {
	const struct config_upstream *upstream;
	const struct config_push *what;
	int changes; /* folders: of the theme here, of its inbox there, of what
		      * was answered */
	int inbox, kept;
	int64_t newest; /* version here */
	int64_t last;	/* the one that has been taken there */
};

/* push_file.c. Names are those of the files of changes. */

/* Whether changes/ has it. */
bool push_has(const struct push *p, const char *name);
/* The highest version of all good answers that were brought back. ERR_IO,
 * ERR_NOMEM. */
MUST_CHECK int push_find_last(struct push *p, struct error *err);
/* Copies it over, unless it is there already with these bytes; durable, and
 * under its name at once or not at all. 'sha256' is that of its bytes. */
MUST_CHECK int push_send(const struct push *p, const char *name,
			 unsigned char sha256[static DIGEST_SIZE],
			 struct error *err);
/* 1 its receipt is there and is of these bytes: it was brought back. 0 not
 * yet. */
MUST_CHECK int push_fetch(const struct push *p, const char *name,
			  const unsigned char sha256[static DIGEST_SIZE],
			  struct push_answer *ret, struct error *err);

#endif

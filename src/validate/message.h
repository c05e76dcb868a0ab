/*
 * What validate says to people, in one table: each text has its code of SPEC
 * 6 and a sentence in English and in Chinese. Sentences never hold a value of
 * the file, because a value may be personal; {1} and {2} stand for a bound, a
 * count or another row's number.
 */
#ifndef VALIDATE_MESSAGE_H
#define VALIDATE_MESSAGE_H

#include "base/sentence.h"
#include "validate/validate.h"

/* Fills code and both sentences; a NULL argument is an empty one. A sentence
 * that does not fit is cut between characters. */
void validate_message_fill(enum sentence id, const char *arg1, const char *arg2,
			   struct validate_value_fault *ret);

#endif

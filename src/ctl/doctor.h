/* What doctor.c and the checks in checks.c share. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/ctl.h"

#include <jansson.h>

struct doctor {
	struct ctl *ctl;
	const char *check; /* under way */
	json_t *findings;
	bool bad; /* something keeps civicfs from working */
};

enum doctor_result { DOCTOR_GOOD, DOCTOR_WARNING, DOCTOR_BAD };

/* Adds a finding. 0 or ERR_NOMEM. */
int doctor_say(struct doctor *d, enum doctor_result result, const char *fmt,
	       ...) PRINTF_LIKE(3, 4);

/* A check says one finding, or several. 0 or ERR_NOMEM. */
struct doctor_check {
	const char *name;
	int (*run)(struct doctor *d);
};
/* Ended by a row without name. */
extern const struct doctor_check doctor_checks[];

#endif

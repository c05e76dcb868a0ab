/* The table of verbs, and the help that is made of it. */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/ctl.h"

#include <stdio.h>

/* In the order of the help; ended by a row without name. */
extern const struct ctl_verb ctl_verbs[];

/* NULL when there is none. */
const struct ctl_verb *ctl_verb_find(const char *name);
/* The name that comes nearest to a wrong one; NULL when none is near. */
const char *ctl_verb_nearest(const char *name);

void ctl_help(FILE *to);
/* Of a verb of this version. */
void ctl_help_verb(FILE *to, const struct ctl_verb *verb);

#endif

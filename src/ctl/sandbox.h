/* Decoders of the command line's own: for try and doctor. */
#ifndef CTL_SANDBOX_H
#define CTL_SANDBOX_H

#include "flow/flow.h"

/* Starts a sandboxed decoder as a child; as root it becomes a user without
 * account. Children need not be waited for. The program must have one
 * thread. */
struct flow_decoder ctl_decoder(void);

#endif

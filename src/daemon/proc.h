/* What /proc says of a process. */
#ifndef DAEMON_PROC_H
#define DAEMON_PROC_H

#include <stdint.h>
#include <sys/types.h>

struct daemon_proc {
	char state;	 /* as ps(1) shows it; 'Z' is dead but not reaped */
	int64_t started; /* clock ticks since the machine started */
};

/* 0, or -1 when there is no such process. */
int daemon_proc_read(pid_t pid, struct daemon_proc *ret);

#endif

/*
 * What the keeper and the worker say to each other: a socket pair of packets,
 * made anew for each worker.
 *
 *   worker → keeper   LINK_READY    the tree answers
 *                     LINK_DECODE   start a decoder over these three
 *                                   descriptors; answered by LINK_DONE
 *                     LINK_BACK     the kernel is to read the file behind the
 *                                   first descriptor for 'node'; answered by
 *                                   LINK_DONE
 *                     LINK_UNBACK   no longer
 *                     LINK_STOP     a person asked for the end
 *                     LINK_RELOAD   read the configuration anew; what comes
 *                                   of it goes to the first descriptor
 *                                   (check.h)
 *                     LINK_FORGOTTEN  after a reload: the kernel has
 *                                   forgotten what was before
 *                     LINK_TROUBLE  'text' is why this worker gives up
 *   keeper → worker   LINK_DONE     value: 0 (of LINK_BACK the number, above
 *                                   0) or a negative errno
 */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "base/error.h"

#include <stdint.h>

#define LINK_FDS 3

enum link_kind {
	LINK_READY = 1,
	LINK_DECODE,
	LINK_STOP,
	LINK_DONE,
	LINK_RELOAD,
	LINK_TROUBLE,
	LINK_FORGOTTEN,
	LINK_BACK,
	LINK_UNBACK
};

struct link_message {
	uint32_t kind;
	int32_t value;
	uint64_t node;
	char text[ERROR_TEXT_MAX]; /* ended by NUL */
};

/* Sends a message with n descriptors (n <= LINK_FDS), which stay the
 * caller's. ERR_IO. Blocks while the other side's queue is full. */
MUST_CHECK int daemon_link_send(int fd, const struct link_message *m,
				const int *fds, int n, struct error *err);

/* Receives one; descriptors that came with it are the caller's, the others
 * -1. Returns 1, 0 when the other side has closed, ERR_IO, or ERR_PROTOCOL
 * (what came is closed). */
MUST_CHECK int daemon_link_receive(int fd, struct link_message *m,
				   int fds[LINK_FDS], struct error *err);

#endif

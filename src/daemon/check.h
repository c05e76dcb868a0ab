/*
 * A reload, first half: whether the files of the configuration as they are
 * now could come into force. The keeper starts a checker for it and goes on.
 *
 * The checker reads the files as root, and becomes the service user before it
 * looks at a byte of them. It judges them as the start does, then compares
 * them with the state. When it ends with DAEMON_CHECK_GOOD, 'check_files' (a
 * memfd) holds these very bytes, sealed: the keeper makes the configuration of
 * them, so that a file that was changed meanwhile is not half used.
 *
 * What is wrong goes to 'check_answer', if there is somebody who asked, else
 * to the log, in lines; the keeper adds the last one.
 *
 *   W TEXT      a warning
 *   E TEXT      an error
 *   D DIGEST    done: the next worker serves under the configuration with
 *               this digest
 *   R STATUS    refused: nothing changes; an exit status of SPEC 2
 *   A           another reload is under way: to be asked again
 */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "control/control.h"
#include "daemon/roles.h"

/* Exit statuses of the checker. */
enum daemon_check_exit {
	DAEMON_CHECK_GOOD,
	DAEMON_CHECK_REFUSED, /* by the state */
	DAEMON_CHECK_WRONG,   /* the files have errors */
	DAEMON_CHECK_FAILED   /* it could not be found out */
};

#define DAEMON_CHECK_LINE 4096 /* bytes of a line at most, with LF */

/* An empty memfd for 'check_files'; ERR_IO. */
MUST_CHECK int daemon_check_open(int *ret_fd, struct error *err);

/* The checker's first half: as root. An exit status. */
int daemon_check_read(const struct daemon_shared *shared);

/* A line to the one who asked, or to the log. */
void daemon_check_say(int answer, char kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The configuration that a checker has found good. ERR_PROTOCOL when the
 * bytes are not sealed; as config_parse(). */
MUST_CHECK int daemon_check_take(int files, struct config **ret,
				 struct error *err);

/*
 * The other end, in the worker: asks the keeper for a reload and tells
 * 'tell' what is wrong, until all is said. An exit status of SPEC 2, with the
 * digest when it is 0; ERR_BUSY, ERR_IO when the keeper has died. Blocks.
 */
MUST_CHECK int daemon_check_ask(const struct daemon_shared *shared,
				control_tell_fn *tell, void *tell_ctx,
				char ret_digest[static DIGEST_HEX],
				struct error *err);

#endif

/* What a worker has the kernel forget: see tell.h. */
#include "daemon/tell.h"

#include "daemon/log.h"
#include "mount/mount.h"

#include <poll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#define NOTIFIER_MS 2000
#define GENERATION_BIT 20

void
daemon_tell_init(struct daemon_teller *t, const struct daemon_shared *shared)
{
	t->shared = shared;
	pthread_mutex_init(&t->lock, NULL);
	/* unlike those of an earlier worker, whose answers may still come */
	t->mark = (int)((unsigned)shared->generation << GENERATION_BIT);
}

void
daemon_tell(struct daemon_teller *t, const struct buf *message)
{
	if (message->len && send(t->shared->notices[1], message->data,
				 message->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		daemon_log("worker", LOG_DEBUG, "the notifier does not listen");
}

/* Everything in pieces, then the question whether it was done. The notifier
 * may be replaced meanwhile; what it was doing is then lost. */
static bool
send_all(struct daemon_teller *t, const struct buf *message)
{
	int end = t->shared->notices[1], mark = ++t->mark, answer;
	struct pollfd p = {.fd = end, .events = POLLIN};
	size_t at = 0;

	while (at < message->len) {
		size_t n = mount_notify_piece(message->data + at,
					      message->len - at);

		if (send(end, message->data + at, n, MSG_NOSIGNAL) < 0)
			return false;
		at += n;
	}
	if (send(end, &mark, sizeof(mark), MSG_NOSIGNAL) < 0)
		return false;
	while (poll(&p, 1, NOTIFIER_MS) > 0) {
		if (recv(end, &answer, sizeof(answer), MSG_DONTWAIT) ==
			    sizeof(answer) &&
		    answer == mark)
			return true;
	}
	return false;
}

void
daemon_tell_surely(struct daemon_teller *t, const struct buf *message,
		   const _Atomic bool *stopping)
{
	bool told;

	pthread_mutex_lock(&t->lock);
	do {
		told = send_all(t, message);
		if (!told)
			daemon_log("worker", LOG_WARNING,
				   "the notifier does not answer: the kernel "
				   "may keep earlier names and rights for a "
				   "while");
	} while (!told && !*stopping && getppid() == t->shared->keeper);
	pthread_mutex_unlock(&t->lock);
}

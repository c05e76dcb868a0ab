/*
 * The socket and its clients: see control.h. One thread a client: a question
 * may read for minutes, or wait for hours.
 */
#include "control/control.h"

#include "base/clock.h"
#include "base/scope.h"
#include "control/call.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CLIENTS 64
#define CLIENTS_EACH 16 /* of one user, so that others find room */
#define BACKLOG 64
#define REQUEST_NS (5 * CLOCK_NS) /* for the whole of a request */
#define PAUSE_MS 100		  /* when the machine has no room */

struct client {
	struct control *control;
	pthread_t thread;
	bool used;  /* only the serving thread */
	bool ended; /* under 'lock': to be joined */
	int fd;	    /* under 'lock'; -1 closed */
	uid_t uid;
};

struct control {
	struct control_context context;
	int listen_fd;
	int stop_fd; /* eventfd, never read: readable once it ends */
	_Atomic bool handing_over;
	pthread_mutex_t lock;
	struct client clients[CLIENTS];
};

/* ---- one client ---------------------------------------------------------- */

static int
answer_request(struct control_call *call, struct slice line)
{
	struct control_request request;
	int rc = control_request_parse(line, &request, &call->err);

	if (rc)
		return CONTROL_USAGE;
	call->request = &request;
	rc = control_call_run(call);
	call->request = NULL;
	control_request_release(&request);
	return rc;
}

static int
read_and_answer(struct control_call *call, struct control_lines *lines)
{
	struct slice line;
	int rc = control_lines_next(lines, CONTROL_REQUEST_MAX,
				    clock_monotonic() + REQUEST_NS, &line,
				    &call->err);

	/* when the server ends, nothing more is read */
	call->cut_off = rc == 0;
	if (rc == 0)
		return control_refuse(call, CONTROL_USAGE, "no request came");
	return rc < 0 ? rc : answer_request(call, line);
}

/* An exit status; a failure of the machine is a no. */
static int
answer(struct control_call *call)
{
	struct control_lines lines = {.fd = call->fd};
	int rc = control_peer(call);

	if (rc == CONTROL_DONE)
		rc = read_and_answer(call, &lines);
	control_lines_release(&lines);
	return rc < 0 ? CONTROL_NO : rc;
}

static void *
serve_client(void *arg)
{
	struct client *client = arg;
	struct control *control = client->control;
	struct control_call call = {.context = &control->context,
				    .fd = client->fd,
				    .stop_fd = control->stop_fd};
	int exit_status = answer(&call);

	/* a client that has gone has no use for it; one that asks another
	 * worker gets none */
	if (!(atomic_load(&control->handing_over) && call.cut_off))
		(void)!control_finish(&call, exit_status);
	pthread_mutex_lock(&control->lock);
	close(client->fd);
	client->fd = -1;
	client->ended = true;
	pthread_mutex_unlock(&control->lock);
	if (call.stops)
		control->context.stop(control->context.ctx);
	buf_release(&call.out);
	free(call.groups);
	return NULL;
}

/* ---- clients come and go ------------------------------------------------- */

/* Joins those who have ended; with 'all' the others too, who are not read any
 * more and end by themselves: see control_sleep() and control_flush(). */
static void
join_clients(struct control *control, bool all)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];
		bool ended;

		if (!client->used)
			continue;
		pthread_mutex_lock(&control->lock);
		ended = client->ended;
		if (all && client->fd >= 0)
			shutdown(client->fd, SHUT_RD);
		pthread_mutex_unlock(&control->lock);
		if (!ended && !all)
			continue;
		pthread_join(client->thread, NULL);
		client->used = false;
	}
}

static bool
has_many(const struct control *control, uid_t uid)
{
	size_t n = 0;

	if (uid == 0 || uid == control->context.service_uid)
		return false;
	for (size_t i = 0; i < CLIENTS; i++)
		n += control->clients[i].used && control->clients[i].uid == uid;
	return n >= CLIENTS_EACH;
}

static struct client *
free_client(struct control *control, uid_t uid)
{
	if (has_many(control, uid))
		return NULL;
	for (size_t i = 0; i < CLIENTS; i++) {
		if (!control->clients[i].used)
			return &control->clients[i];
	}
	return NULL;
}

/* Too many at once: an answer that fits into any socket's buffer. */
static void
send_away(struct control *control, int fd)
{
	struct control_call call = {.context = &control->context,
				    .fd = fd,
				    .stop_fd = control->stop_fd};
	int rc = control_refuse(&call, CONTROL_NO,
				"too many questions are being answered (%d, "
				"of one user %d): ask again later",
				CLIENTS, CLIENTS_EACH);

	(void)!control_finish(&call, rc);
	buf_release(&call.out);
}

static int
start_client(struct control *control, struct client *client, int fd, uid_t uid)
{
	*client = (struct client){.control = control, .fd = fd, .uid = uid};
	return pthread_create(&client->thread, NULL, serve_client, client);
}

static void
accept_client(struct control *control)
{
	scope_fd fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t n = sizeof(peer);
	struct client *client;

	if (fd < 0) {
		/* it has gone; or it waits until there is a descriptor */
		if (errno != EAGAIN && errno != ECONNABORTED)
			poll(NULL, 0, PAUSE_MS);
		return;
	}
	(void)!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
	client = free_client(control, peer.uid);
	if (!client || start_client(control, client, fd, peer.uid)) {
		send_away(control, fd);
		return;
	}
	client->used = true;
	(void)take_fd(&fd);
}

/* ---- the server ---------------------------------------------------------- */

/* Bound by its bare name: the path may be longer than an address holds, and a
 * process that changed its user may not go through /proc/self. Who may ask for
 * what is decided by credentials, so the file is open to all. */
static int
open_socket(struct control *control, struct error *err)
{
	const struct sockaddr_un at = {.sun_family = AF_UNIX,
				       .sun_path = CONTROL_SOCKET};

	control->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listen_fd < 0)
		return error_errno(err, errno, "'" CONTROL_SOCKET "'");
	if (unlink(CONTROL_SOCKET) && errno != ENOENT)
		return error_errno(err, errno,
				   "cannot replace the state's "
				   "'" CONTROL_SOCKET "'");
	if (bind(control->listen_fd, (const struct sockaddr *)&at,
		 sizeof(at)) ||
	    chmod(CONTROL_SOCKET, 0666) || listen(control->listen_fd, BACKLOG))
		return error_errno(err, errno,
				   "cannot make the state's "
				   "'" CONTROL_SOCKET "'");
	return 0;
}

static void
close_socket(struct control *control)
{
	if (control->listen_fd < 0)
		return;
	unlink(CONTROL_SOCKET);
	close(control->listen_fd);
	control->listen_fd = -1;
}

int
control_new(const struct control_context *context, struct control **ret,
	    struct error *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int rc;

	if (!control)
		return error_nomem(err);
	control->context = *context;
	control->listen_fd = -1;
	pthread_mutex_init(&control->lock, NULL);
	control->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = control->stop_fd < 0 ? error_errno(err, errno, "eventfd")
				  : open_socket(control, err);
	if (rc) {
		control_free(control);
		return rc;
	}
	*ret = control;
	return 0;
}

void
control_serve(struct control *control)
{
	struct pollfd p[] = {
		{.fd = control->listen_fd, .events = POLLIN},
		{.fd = control->stop_fd, .events = POLLIN},
	};

	for (;;) {
		int n = poll(p, 2, -1);

		if (n < 0) {
			poll(NULL, 0, PAUSE_MS);
			continue;
		}
		if (p[1].revents)
			break;
		join_clients(control, false);
		accept_client(control);
	}
	/* those who are not taken in ask again, or see that nobody is there */
	close_socket(control);
	join_clients(control, true);
}

void
control_stop(struct control *control)
{
	const uint64_t one = 1;

	(void)!write(control->stop_fd, &one, sizeof(one));
}

void
control_hand_over(struct control *control)
{
	atomic_store(&control->handing_over, true);
	control_stop(control);
}

void
control_free(struct control *control)
{
	if (!control)
		return;
	close_socket(control);
	if (control->stop_fd >= 0)
		close(control->stop_fd);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

/* A server on a state in a private folder, with the sample city and a flow
 * that does not run, and its clients. */
#ifndef TESTS_CONTROL_SERVER_H
#define TESTS_CONTROL_SERVER_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/scope.h"
#include "control/control.h"
#include "control/protocol.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

struct server {
	char path[64];
	int home, dir;
	int fds; /* open descriptors before the test */
	struct config *config;
	struct access *access;
	struct store *store;
	struct flow_plan *plan;
	struct inbox *inbox;
	struct flow *flow;
	struct control *control;
	pthread_t thread;
	bool running;
	_Atomic int stops;   /* how often the end was asked for */
	_Atomic int reloads; /* what reloads come to, an exit status or code */
	_Atomic bool is_orphan; /* its keeper has died */
	_Atomic bool is_older;	/* what was before the last one is still seen */
};

/* cmocka's set-up and tear-down; the second compares open descriptors. */
int server_setup(void **state);
int server_teardown(void **state);
/* control_stop(), and the end of its thread. */
void server_stop(struct server *s);
/* The same by control_hand_over(). */
void server_hand_over(struct server *s);

/* A submission of a resource by its name, and its verdict ("" none). Returns
 * its number. */
int64_t server_submit(struct server *s, const char *resource, const char *file,
		      const char *verdict);

/* A connected client; a whole line sent by it; an answer read to its end and
 * the client closed: all items, and the last line. */
int server_connect(void);
void server_send(int fd, const char *line);
struct server_answer {
	json_t *items;
	char text[4096];
	int exit_status; /* -1: it was cut off */
	char error[1024];
};
struct server_answer server_read(int fd);
struct server_answer server_ask(const char *line);
void server_answer_release(struct server_answer *a);

#endif

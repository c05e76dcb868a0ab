/* A state in a private folder with one inbox in it, and calls as a kernel
 * would make them, for the tests of src/inbox. */
#ifndef TESTS_INBOX_FIXTURE_H
#define TESTS_INBOX_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/scope.h"
#include "inbox/inbox.h"
#include "store/handle.h"
#include "store/inbox.h"
#include "store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define UID 1000
#define GID 1000
#define SETTLED (clock_now() + 3600 * CLOCK_NS) /* long after settle */

struct box {
	char path[64];
	int home, dir;
	struct config config;
	struct config_resource resource_aic;
	struct config_department department;
	struct store *store;
	struct inbox *inbox;
	int64_t resource, trial;
	int64_t session;
	uint64_t unique;
	int fds; /* open descriptors before the test */
	int changes;
};

/* cmocka's set-up and tear-down; the second compares open descriptors. */
int box_setup(void **state);
int box_teardown(void **state);

/* The worker dies and is started again: same mount, or the next one. */
void box_restart(struct box *b, bool same_mount);

/* A request that nobody has seen; and the same once more. */
struct inbox_request box_request(struct box *b);
struct inbox_request box_again(const struct inbox_request *req);

struct inbox_entry box_lookup(struct box *b, const char *name);
/* 0 or the negative errno of a lookup. */
int box_has(struct box *b, const char *name);
/* The names of the folder, joined by blanks. */
char *box_names(struct box *b, char ret[static 1024]);

/* open(2) with O_CREAT; gives the file and its handle. */
int64_t box_create(struct box *b, const char *name, uint64_t *fh);
void box_write(struct box *b, int64_t id, const char *text, off_t offset);
void box_close(struct box *b, int64_t id, uint64_t fh);
/* All of a file: create (or open and cut), write, close. */
int64_t box_copy(struct box *b, const char *name, const char *text);
uint64_t box_open(struct box *b, int64_t id, int flags);
int box_rename(struct box *b, const char *from, const char *to);
int box_unlink(struct box *b, const char *name);
void box_expect(struct box *b, enum inbox_part part, int64_t id,
		const char *text);

/* Collects as of 'now'; how many became submissions. */
int box_collect(struct box *b, int64_t now);
int box_blobs(struct box *b); /* files of intake/ */
int64_t box_submissions(struct box *b, const char *state);
struct store_inbox_file box_row(struct box *b, int64_t id);
/* The verdict on a submission, with a receipt, and with a fix file when
 * 'fix' is not NULL. */
void box_judge(struct box *b, int64_t number, const char *state,
	       const char *fix);

#endif

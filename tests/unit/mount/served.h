/*
 * A real mount of a small world in a private folder, served by threads of the
 * test program itself. Failures end the test.
 */
#ifndef TESTS_UNIT_MOUNT_SERVED_H
#define TESTS_UNIT_MOUNT_SERVED_H

#include "mount/mount.h"
#include "unit/mount/fake_inbox.h"
#include "unit/publish/world.h"

#include <pthread.h>

#define SERVED_RESOURCES 4
#define SERVED_DEPARTMENTS 4

struct served {
	struct world *world;
	struct inbox *inbox;
	struct config_resource resources[SERVED_RESOURCES]; /* by name */
	int64_t resource_ids[SERVED_RESOURCES];
	int64_t trial_ids[SERVED_RESOURCES];
	int64_t department_ids[SERVED_DEPARTMENTS];
	char point[64]; /* where it is mounted */
	int root;	/* that folder, open */
	int fuse_fd;
	char init[4096]; /* the saved INIT request */
	size_t init_len;
	struct access *access;
	struct mount *mount;
	pthread_t thread;
	bool first;
	_Atomic int
		begun; /* how often it was said that requests are answered */
	int complaints;
};

/* Whether this machine can mount: root and /dev/fuse. */
bool served_possible(void);

/* For cmocka. */
int served_setup(void **state);
int served_teardown(void **state);

/* Another worker takes over: nothing is kept but the descriptor and INIT. */
void served_restart(struct served *s);

/* The whole file, by path below the root. */
void served_read(struct served *s, const char *path, struct buf *ret);
void served_expect(struct served *s, const char *path, const char *text);

#endif

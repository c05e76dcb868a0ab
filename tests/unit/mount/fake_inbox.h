/*
 * src/inbox in memory, for tests of the mount alone: one folder per resource,
 * no completeness, no submissions. Linked in the place of libinbox.
 */
#ifndef TESTS_UNIT_MOUNT_FAKE_INBOX_H
#define TESTS_UNIT_MOUNT_FAKE_INBOX_H

#include "inbox/inbox.h"

#define FAKE_FILES 600
#define FAKE_BYTES (1 << 16)

struct fake_file {
	int64_t id; /* 0 none */
	int64_t resource;
	char name[256];
	size_t n;
	mode_t mode;
	char bytes[FAKE_BYTES];
};

struct inbox {
	struct fake_file files[FAKE_FILES];
	int64_t last_id;
	int opened, flushed, released;
	uint64_t handle; /* of the last writer */
};

struct inbox *fake_inbox_new(void);

#endif

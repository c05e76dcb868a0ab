/* Messages to the notifier. Fails if an item does not come out as it went in,
 * if bytes that are no message are taken for one, or if what goes to
 * /dev/fuse is not what the kernel expects there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/fuse.h>
#include <unistd.h>

#include "base/scope.h"
#include "mount/mount.h"
#include "mount/notify.h"

static void
test_items(void **state)
{
	scope_buf m = BUF_INIT;
	struct notify_item item;
	struct slice rest;

	(void)state;
	assert_int_equal(mount_notify_add_node(&m, 7), 0);
	assert_int_equal(mount_notify_add_name(&m, 8, "六月.csv"), 0);
	rest = buf_slice(&m);
	assert_int_equal(mount_notify_next(&rest, &item, NULL), 1);
	assert_int_equal(item.kind, NOTIFY_NODE);
	assert_int_equal(item.node, 7);
	assert_int_equal(item.name.n, 0);
	assert_int_equal(mount_notify_next(&rest, &item, NULL), 1);
	assert_int_equal(item.kind, NOTIFY_NAME);
	assert_int_equal(item.node, 8);
	assert_true(slice_is(item.name, "六月.csv"));
	assert_int_equal(mount_notify_next(&rest, &item, NULL), 0);
}

/* No node has such a name, so nothing has to be forgotten. */
static void
test_long_name(void **state)
{
	scope_buf m = BUF_INIT;
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	assert_int_equal(mount_notify_add_name(&m, 8, name), 0);
	assert_int_equal(m.len, 0);
	name[255] = '\0';
	assert_int_equal(mount_notify_add_name(&m, 8, name), 0);
	assert_true(m.len > 255);
}

static void
test_nonsense(void **state)
{
	scope_buf m = BUF_INIT;
	struct notify_item item;
	struct slice rest;

	(void)state;
	assert_int_equal(mount_notify_add_name(&m, 8, "data.csv"), 0);
	for (size_t n = 1; n < m.len; n++) {
		rest = (struct slice){m.data, n};
		assert_int_equal(mount_notify_next(&rest, &item, NULL),
				 ERR_PROTOCOL);
	}
	memset(m.data, 0xff, m.len);
	rest = buf_slice(&m);
	assert_int_equal(mount_notify_next(&rest, &item, NULL), ERR_PROTOCOL);
}

/* A pipe in the place of /dev/fuse. */
static void
test_write(void **state)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out body;
	} inode;
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_entry_out body;
		char name[9];
	} __attribute__((packed)) entry;
	scope_buf m = BUF_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(mount_notify_add_node(&m, 7), 0);
	assert_int_equal(mount_notify_add_name(&m, 8, "data.csv"), 0);
	assert_int_equal(mount_notify_write(ends[1], m.data, m.len, NULL), 0);
	assert_int_equal(read(ends[0], &inode, sizeof(inode)), sizeof(inode));
	assert_int_equal(inode.header.len, sizeof(inode));
	assert_int_equal(inode.header.error, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(inode.header.unique, 0);
	assert_int_equal(inode.body.ino, 7);
	assert_int_equal(read(ends[0], &entry, sizeof(entry)), sizeof(entry));
	assert_int_equal(entry.header.len, sizeof(entry));
	assert_int_equal(entry.header.error, FUSE_NOTIFY_INVAL_ENTRY);
	assert_int_equal(entry.body.parent, 8);
	assert_int_equal(entry.body.namelen, 8);
	assert_string_equal(entry.name, "data.csv");
	close(ends[0]);
	close(ends[1]);
}

/* Attributes alone leave the contents: a negative offset. Names are a bare
 * header. */
static void
test_rights(void **state)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out body;
	} inode;
	struct fuse_out_header names;
	scope_buf m = BUF_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(mount_notify_add_attributes(&m, 9), 0);
	assert_int_equal(mount_notify_add_names(&m), 0);
	assert_int_equal(mount_notify_write(ends[1], m.data, m.len, NULL), 0);
	assert_int_equal(read(ends[0], &inode, sizeof(inode)), sizeof(inode));
	assert_int_equal(inode.header.error, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(inode.body.ino, 9);
	assert_true(inode.body.off < 0);
	assert_int_equal(read(ends[0], &names, sizeof(names)), sizeof(names));
	assert_int_equal(names.len, sizeof(names));
	assert_int_equal(names.error, 8);
	close(ends[0]);
	close(ends[1]);
}

/* Pieces are whole items, none is left out, and each fits a message. */
static void
test_pieces(void **state)
{
	scope_buf m = BUF_INIT;
	struct notify_item item;
	uint64_t seen = 0;
	size_t at = 0;

	(void)state;
	for (uint64_t i = 1; i <= 5000; i++) {
		assert_int_equal(mount_notify_add_attributes(&m, i), 0);
		if (i % 100 == 0)
			assert_int_equal(
				mount_notify_add_name(&m, i, "data.csv"), 0);
	}
	while (at < m.len) {
		size_t n = mount_notify_piece(m.data + at, m.len - at);
		struct slice rest = {m.data + at, n};

		assert_in_range(n, 1, MOUNT_MESSAGE_MAX);
		while (mount_notify_next(&rest, &item, NULL) > 0) {
			if (item.kind == NOTIFY_ATTRIBUTES)
				assert_int_equal(item.node, ++seen);
		}
		assert_int_equal(rest.n, 0);
		at += n;
	}
	assert_int_equal(seen, 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

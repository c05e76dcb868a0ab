/* Node numbers. Fails if a number does not give back what it was made of, if
 * two nodes have one number, if the root is not 1 (linux/fuse.h), or if a
 * number that was once given has changed: the kernel keeps them across
 * upgrades. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mount/node.h"

static void
test_root(void **state)
{
	(void)state;
	assert_int_equal(mount_node_make(NODE_FIXED, FIXED_ROOT), NODE_ROOT);
	assert_int_equal(mount_node_kind(1), NODE_FIXED);
}

/* The values themselves, written down. */
static void
test_values(void **state)
{
	(void)state;
	assert_true(mount_node_make(NODE_FILE, 77) == 0x300000000000004d);
	assert_true(mount_node_version(NODE_DATASET, 3, 0) ==
		    0x2000030000000000);
	assert_true(mount_node_version(NODE_DATASET, 3, 12) ==
		    0x200003000000000c);
	assert_true(mount_node_make(NODE_SUBJECT, 1) == 0x3200000000000001);
	assert_true(mount_node_make(NODE_UPLOAD, 1) == 0x1000000000000001);
}

static void
test_version(void **state)
{
	int64_t theme, version;
	uint64_t node = mount_node_version(NODE_README, NODE_OBJECT_MAX,
					   (1L << 40) - 1);

	(void)state;
	mount_node_version_get(node, &theme, &version);
	assert_int_equal(mount_node_kind(node), NODE_README);
	assert_int_equal(theme, NODE_OBJECT_MAX);
	assert_int_equal(version, (1L << 40) - 1);
}

static void
test_text(void **state)
{
	struct node_text in = {TEXT_DATASET_SUMS, NODE_OBJECT_MAX, 0xfedcba98};
	struct node_text out;
	uint64_t node = mount_node_text(&in);

	(void)state;
	mount_node_text_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_TEXT);
	assert_int_equal(out.what, in.what);
	assert_int_equal(out.object, in.object);
	assert_int_equal(out.hash, in.hash);
}

static void
test_part(void **state)
{
	struct node_part in = {9, 0xabc, NODE_VERSION_MAX}, out;
	uint64_t node = mount_node_part(&in);

	(void)state;
	mount_node_part_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_SUBJECTS_PART);
	assert_int_equal(out.theme, in.theme);
	assert_int_equal(out.prefix, in.prefix);
	assert_int_equal(out.version, in.version);
	in.version = 0;
	assert_true(mount_node_part(&in) != node);
}

static void
test_header(void **state)
{
	struct node_header in = {9, 5, NODE_OBJECT_MAX, 0xfffff}, out;
	uint64_t node = mount_node_header(&in);

	(void)state;
	mount_node_header_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_HEADER);
	assert_int_equal(out.theme, in.theme);
	assert_int_equal(out.file, in.file);
	assert_int_equal(out.resource, in.resource);
	assert_int_equal(out.hash, in.hash);
}

static void
test_written(void **state)
{
	struct node_written in = {NODE_WRITTEN_FILE_MAX, 0xabcde}, out;
	uint64_t node = mount_node_written(&in);

	(void)state;
	mount_node_written_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_WRITTEN);
	assert_int_equal(out.file, in.file);
	assert_int_equal(out.blob, in.blob);
	assert_true(mount_node_is_upload(node));
	assert_int_equal(mount_node_inbox_id(node), in.file);
	assert_int_equal(mount_node_plain(node),
			 mount_node_make(NODE_UPLOAD, in.file));
	/* other bytes of the same file are another node */
	in.blob++;
	assert_int_not_equal(mount_node_written(&in), node);
	assert_int_equal(mount_node_inbox_id(mount_node_make(NODE_KEPT_FIX, 7)),
			 7);
}

static void
test_net(void **state)
{
	struct node_net in = {9, 0, NODE_NET_MAX}, out;
	uint64_t node = mount_node_net(&in);

	(void)state;
	mount_node_net_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_NET);
	assert_int_equal(out.theme, 9);
	assert_int_equal(out.from, 0);
	assert_int_equal(out.to, NODE_NET_MAX);
	assert_false(out.low);
	assert_true(mount_node_net_has_from(&out, 0));
	assert_false(mount_node_net_has_to(&out, 2 * NODE_NET_MAX + 1));
}

/* After some restores, each of which begins a million higher. */
static void
test_net_of_high_versions(void **state)
{
	struct node_net in = {0xffff, 7, NODE_VERSION_MAX}, out;
	uint64_t node = mount_node_net(&in);

	(void)state;
	assert_int_equal(mount_node_kind(node), NODE_NET);
	mount_node_net_get(node, &out);
	assert_true(out.low);
	assert_int_equal(out.theme, 0xffff);
	for (int64_t v = 0; v < 9000000; v += 999) {
		assert_int_equal(mount_node_net_has_from(&out, v + 7),
				 v == 0 || v == (1 << NODE_NET_FROM_BITS));
		assert_int_equal(
			mount_node_net_has_to(&out, NODE_VERSION_MAX - v),
			v == 0);
	}
	/* none is another's */
	in.from++;
	assert_true(mount_node_net(&in) != node);
	in.from--;
	in.to = NODE_NET_MAX + 1;
	assert_true(mount_node_net(&in) != node);
	in.to = NODE_NET_MAX;
	assert_false(mount_node_net(&in) & NODE_NET_WIDE);
}

/* A holding folder is known by its resource, and is no other's node. */
static void
test_holding(void **state)
{
	struct node_holding in = {.resource = 0x123456789, .which = 2}, out;
	uint64_t node = mount_node_holding(&in);

	(void)state;
	mount_node_holding_get(node, &out);
	assert_int_equal(mount_node_kind(node), NODE_HOLDING);
	assert_int_equal(out.resource, in.resource);
	assert_int_equal(out.which, in.which);
	assert_int_equal(mount_node_inbox_id(node), in.resource);
	assert_true(mount_node_is_inbox(node));
	assert_false(mount_node_is_upload(node));
	assert_true(node == 0x0e02000123456789);
	in.which = 1;
	assert_true(mount_node_holding(&in) != node);
}

/* What the kernel may keep for ever: a version, not the top of its theme. */
static void
test_immutable(void **state)
{
	(void)state;
	assert_true(mount_node_is_immutable(
		mount_node_version(NODE_DATASET, 1, 1)));
	assert_false(mount_node_is_immutable(
		mount_node_version(NODE_DATASET, 1, 0)));
	assert_true(mount_node_is_immutable(
		mount_node_part(&(struct node_part){1, 0, 4})));
	assert_false(mount_node_is_immutable(
		mount_node_part(&(struct node_part){1, 0, 0})));
	assert_true(mount_node_is_immutable(mount_node_make(NODE_FILE, 1)));
	assert_true(mount_node_is_immutable(mount_node_make(NODE_FLAT, 1)));
	assert_true(mount_node_plain(mount_node_make(NODE_FLAT, 77)) ==
		    mount_node_make(NODE_FILE, 77));
	assert_false(mount_node_is_immutable(mount_node_make(NODE_UPLOAD, 1)));
	assert_false(
		mount_node_is_immutable(mount_node_make(NODE_KEPT_TEXT, 1)));
	assert_false(mount_node_is_immutable(NODE_ROOT));
	assert_false(mount_node_is_immutable(UINT64_MAX >> 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_holding),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_net_of_high_versions),
		cmocka_unit_test(test_immutable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

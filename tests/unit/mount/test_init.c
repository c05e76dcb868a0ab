/* The answer to the kernel's INIT. Fails if it asks for what the kernel did
 * not offer, forgets what it did, takes bytes that are no INIT, or lets a
 * write be larger than the session's buffer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/fuse.h>

#include "mount/mount.h"

#define RESEND (1u << 7)
#define PASSTHROUGH (1u << 5)

struct request {
	struct fuse_in_header header;
	struct fuse_init_in in;
};

struct answer {
	struct fuse_out_header header;
	struct fuse_init_out out;
};

static struct request
request(uint32_t flags, uint32_t flags2)
{
	return (struct request){
		.header = {.len = sizeof(struct request),
			   .opcode = FUSE_INIT,
			   .unique = 2},
		.in = {.major = FUSE_KERNEL_VERSION,
		       .minor = 45,
		       .max_readahead = 131072,
		       .flags = flags,
		       .flags2 = flags2},
	};
}

static struct answer
ask(const struct request *q, struct mount_init *init)
{
	struct answer a;

	assert_int_equal(mount_init_reply(q, q->header.len, init, NULL), 0);
	assert_int_equal(init->reply_len, sizeof(a));
	memcpy(&a, init->reply, sizeof(a));
	assert_int_equal(a.header.len, sizeof(a));
	assert_int_equal(a.header.error, 0);
	assert_int_equal(a.header.unique, q->header.unique);
	return a;
}

static void
test_everything_offered(void **state)
{
	struct request q = request(UINT32_MAX, UINT32_MAX);
	struct mount_init init;
	struct answer a = ask(&q, &init);

	(void)state;
	assert_int_equal(a.out.major, 7);
	assert_int_equal(a.out.minor, FUSE_KERNEL_MINOR_VERSION);
	assert_int_equal(a.out.flags2, RESEND | PASSTHROUGH);
	assert_true(a.out.flags & FUSE_PARALLEL_DIROPS);
	assert_true(a.out.flags & FUSE_HANDLE_KILLPRIV_V2);
	assert_true(a.out.flags & FUSE_ATOMIC_O_TRUNC);
	assert_true(a.out.flags & FUSE_DO_READDIRPLUS);
	assert_false(a.out.flags & FUSE_WRITEBACK_CACHE);
	assert_true(a.out.flags & FUSE_POSIX_ACL);
	assert_false(a.out.flags & FUSE_NO_OPEN_SUPPORT);
	assert_int_equal(a.out.max_readahead, 131072);
	assert_true(a.out.max_write + 4096 <= MOUNT_REQUEST_MAX);
	assert_true(init.resend && init.parallel_dirops && init.killpriv &&
		    init.readdirplus && init.passthrough);
	/* one layer: without it the kernel takes no file to read */
	assert_int_equal(a.out.unused[0], 1);
	assert_int_equal(init.unique, 2);
}

static void
test_nothing_offered(void **state)
{
	struct request q = request(0, UINT32_MAX);
	struct mount_init init;
	struct answer a = ask(&q, &init);

	(void)state;
	assert_int_equal(a.out.flags, 0);
	assert_int_equal(a.out.flags2, 0);
	assert_int_equal(a.out.unused[0], 0);
	assert_false(init.resend || init.parallel_dirops || init.killpriv ||
		     init.passthrough);
}

/* A kernel of 7.31 sends 16 bytes and says so; its minor comes back. */
static void
test_short_request(void **state)
{
	struct request q = request(UINT32_MAX & ~FUSE_INIT_EXT, UINT32_MAX);
	struct mount_init init;
	struct answer a;

	(void)state;
	q.header.len = sizeof(q.header) + 16;
	q.in.minor = 31;
	a = ask(&q, &init);
	assert_int_equal(a.out.minor, 31);
	assert_int_equal(a.out.flags2, 0);
}

static void
expect_refused(const void *p, size_t n)
{
	struct mount_init init;
	struct error err = ERROR_INIT;

	assert_int_equal(mount_init_reply(p, n, &init, &err), ERR_PROTOCOL);
	assert_true(err.text[0]);
}

static void
test_refused(void **state)
{
	struct request q = request(0, 0);

	(void)state;
	expect_refused(&q, 0);
	expect_refused(&q, sizeof(q.header) - 1);
	expect_refused(&q, sizeof(q) - 1);
	q.in.minor = 30;
	expect_refused(&q, sizeof(q));
	q = request(0, 0);
	q.in.major = 8;
	expect_refused(&q, sizeof(q));
	q = request(0, 0);
	q.header.opcode = FUSE_LOOKUP;
	expect_refused(&q, sizeof(q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_offered),
		cmocka_unit_test(test_nothing_offered),
		cmocka_unit_test(test_short_request),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

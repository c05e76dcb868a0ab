/*
 * INIT, answered by the keeper: libfuse 3.14 never asks for parallel directory
 * operations, and the answer must not come from a worker that may die.
 */
#include "mount/mount.h"

#include <linux/fuse.h>
#include <stddef.h>

#include "mount/kernel.h"

#define INIT_MINOR_LEAST 31
#define INIT_MAX_WRITE (1024 * 1024)
#define INIT_MAX_PAGES 256
#define INIT_BACKGROUND 64
#define INIT_CONGESTION 48

/* HANDLE_KILLPRIV_V2: no mode here ever has a set-id bit (mode & 0777), so
 * there is nothing to kill, and the kernel need not ask on every write.
 * WRITEBACK_CACHE stays off: close() must have the bytes and their error.
 * POSIX_ACL: the kernel asks for system.posix_acl_access and enforces it. */
static const uint32_t wanted =
	FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
	FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_ASYNC_DIO |
	FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2 |
	FUSE_POSIX_ACL | FUSE_INIT_EXT;

struct init_reply {
	struct fuse_out_header header;
	struct fuse_init_out body;
};
_Static_assert(sizeof(struct init_reply) <= MOUNT_INIT_REPLY_MAX,
	       "the reply to INIT fits");

static int
read_request(const void *request, size_t n, struct fuse_in_header *header,
	     struct fuse_init_in *in, struct error *err)
{
	size_t body;

	if (n < sizeof(*header))
		return error_set(err, ERR_PROTOCOL,
				 "the kernel's first request has %zu bytes", n);
	memcpy(header, request, sizeof(*header));
	if (header->opcode != FUSE_INIT || header->len != n)
		return error_set(err, ERR_PROTOCOL,
				 "the kernel's first request is no INIT "
				 "(operation %u, %u bytes)",
				 header->opcode, header->len);
	/* Kernels before 7.36 send a shorter body: the rest is zero. */
	body = n - sizeof(*header);
	if (body > sizeof(*in))
		body = sizeof(*in);
	memcpy(in, (const char *)request + sizeof(*header), body);
	if (in->major != FUSE_KERNEL_VERSION || in->minor < INIT_MINOR_LEAST)
		return error_set(err, ERR_PROTOCOL,
				 "the kernel speaks FUSE %u.%u; %d.%d or later "
				 "is needed",
				 in->major, in->minor, FUSE_KERNEL_VERSION,
				 INIT_MINOR_LEAST);
	return 0;
}

/* The word after flags2, which has no name in older headers. */
static void
allow_passthrough(struct fuse_init_out *out)
{
	const uint32_t depth = KERNEL_STACK_DEPTH;
	size_t at = offsetof(struct fuse_init_out, flags2) + sizeof(depth);

	if (out->flags2 & KERNEL_HAS_PASSTHROUGH)
		memcpy((char *)out + at, &depth, sizeof(depth));
}

int
mount_init_reply(const void *request, size_t n, struct mount_init *ret,
		 struct error *err)
{
	struct fuse_in_header header = {0};
	struct fuse_init_in in = {0};
	struct init_reply reply = {0};
	struct fuse_init_out *out = &reply.body;
	int rc;

	rc = read_request(request, n, &header, &in, err);
	if (rc < 0)
		return rc;
	out->major = FUSE_KERNEL_VERSION;
	out->minor = in.minor < FUSE_KERNEL_MINOR_VERSION
			     ? in.minor
			     : FUSE_KERNEL_MINOR_VERSION;
	out->max_readahead = in.max_readahead;
	out->flags = in.flags & wanted;
	if (in.flags & FUSE_INIT_EXT)
		out->flags2 = in.flags2 &
			      (KERNEL_HAS_RESEND | KERNEL_HAS_PASSTHROUGH);
	allow_passthrough(out);
	out->max_background = INIT_BACKGROUND;
	out->congestion_threshold = INIT_CONGESTION;
	out->max_write = INIT_MAX_WRITE;
	out->max_pages = INIT_MAX_PAGES;
	out->time_gran = 1;
	reply.header.len = sizeof(reply);
	reply.header.unique = header.unique;

	*ret = (struct mount_init){
		.reply_len = sizeof(reply),
		.unique = header.unique,
		.minor = out->minor,
		.resend = out->flags2 & KERNEL_HAS_RESEND,
		.passthrough = out->flags2 & KERNEL_HAS_PASSTHROUGH,
		.parallel_dirops = out->flags & FUSE_PARALLEL_DIROPS,
		.killpriv = out->flags & FUSE_HANDLE_KILLPRIV_V2,
		.readdirplus = out->flags & FUSE_DO_READDIRPLUS,
	};
	memcpy(ret->reply, &reply, sizeof(reply));
	return 0;
}

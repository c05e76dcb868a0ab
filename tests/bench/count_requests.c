/*
 * Counts what the kernel asks of one FUSE file system, by the tracepoint
 * fuse:fuse_request_send:
 *
 *   count_requests TRACEFS CONNECTION
 *
 * CONNECTION is the minor number of the mount's device. Says 'ready' when it
 * counts, stops at the end of its standard input and prints the counts by
 * operation. Ends with 77 where there is no such tracepoint.
 */
#include "bench/tool.h"

#include "base/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static const struct operation {
	const char *name;
	int opcode; /* of linux/fuse.h; 0: all of them */
} operations[] = {
	{"all", 0},	  {"lookup", 1},       {"forget", 2},	{"getattr", 3},
	{"open", 14},	  {"read", 15},	       {"write", 16},	{"release", 18},
	{"getxattr", 22}, {"flush", 25},       {"opendir", 27}, {"readdir", 28},
	{"create", 35},	  {"readdirplus", 44},
};
#define OPERATIONS (sizeof(operations) / sizeof(*operations))
#define MAX_CPUS 256

static int fds[OPERATIONS][MAX_CPUS];

static uint64_t
tracepoint(const char *tracefs)
{
	scope_buf path = BUF_INIT;
	scope_file file = NULL;
	uint64_t id = 0;

	if (buf_addf(&path, "%s/events/fuse/fuse_request_send/id", tracefs))
		tool_fail("no memory for", tracefs);
	file = fopen(buf_str(&path), "re");
	if (!file || fscanf(file, "%" SCNu64, &id) != 1) {
		fprintf(stderr, "count_requests: no tracepoint in '%s'\n",
			tracefs);
		exit(77);
	}
	return id;
}

static int
count_on(uint64_t id, int cpu, const struct operation *operation,
	 const char *connection)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
	};
	char filter[128];
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		tool_fail("cannot count on a processor of", connection);
	snprintf(filter, sizeof(filter), "connection == %s", connection);
	if (operation->opcode)
		snprintf(filter + strlen(filter),
			 sizeof(filter) - strlen(filter), " && opcode == %d",
			 operation->opcode);
	if (ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		tool_fail("cannot filter by", filter);
	return fd;
}

int
main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t id;

	if (argc != 3)
		tool_usage("count_requests TRACEFS CONNECTION");
	cpus = cpus > MAX_CPUS ? MAX_CPUS : cpus;
	id = tracepoint(argv[1]);
	for (size_t i = 0; i < OPERATIONS; i++) {
		for (int cpu = 0; cpu < cpus; cpu++)
			fds[i][cpu] =
				count_on(id, cpu, &operations[i], argv[2]);
	}
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (size_t i = 0; i < OPERATIONS; i++) {
		uint64_t n, sum = 0;

		for (int cpu = 0; cpu < cpus; cpu++) {
			if (read(fds[i][cpu], &n, sizeof(n)) == sizeof(n))
				sum += n;
		}
		printf("%s\"%s\":%" PRIu64, i ? "," : "{", operations[i].name,
		       sum);
	}
	printf("}\n");
	return 0;
}

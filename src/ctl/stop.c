/* stop: asks the daemon to end, and waits until nothing of it is left. */
#include "base/clock.h"
#include "base/scope.h"
#include "ctl/ask.h"
#include "ctl/keeper.h"
#include "ctl/print.h"

#include <poll.h>

#define PATIENCE_NS (60 * CLOCK_NS)
#define LOOK_MS 20

/* Until the process has ended; false at the deadline. */
static bool
wait_for_process(pid_t pid, int64_t deadline)
{
	scope_fd process = ctl_process_open(pid);
	struct pollfd p = {.fd = process, .events = POLLIN};

	while (process >= 0 && clock_monotonic() < deadline) {
		if (poll(&p, 1, LOOK_MS) > 0)
			return true;
	}
	return process < 0;
}

static bool
wait_for_mount(const char *mountpoint, int64_t deadline)
{
	while (ctl_is_mounted(mountpoint)) {
		if (clock_monotonic() >= deadline)
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return true;
}

int
ctl_stop(struct ctl *ctl)
{
	struct ctl_question q = ctl_question_of(ctl);
	int64_t deadline = clock_monotonic() + PATIENCE_NS;
	scope_answer answer = {0};
	const char *mountpoint;
	const json_t *ends;
	pid_t keeper, worker;
	int rc;

	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	ends = json_array_get(answer.items, 0);
	keeper = (pid_t)json_integer_value(json_object_get(ends, "keeper_pid"));
	worker = (pid_t)json_integer_value(json_object_get(ends, "worker_pid"));
	mountpoint = json_string_value(json_object_get(ends, "mountpoint"));
	if (!wait_for_process(worker, deadline) ||
	    !wait_for_process(keeper, deadline))
		return ctl_refuse(CTL_NO,
				  "civicfsd does not end (keeper %d, worker "
				  "%d): look into the system's log",
				  keeper, worker);
	if (mountpoint && !wait_for_mount(mountpoint, deadline))
		return ctl_refuse(CTL_NO,
				  "'%s' is still mounted: umount it by hand",
				  mountpoint);
	if (ctl->json)
		puts("{\"stopped\": true}");
	return CTL_DONE;
}

/* The checks of doctor: see doctor.h. */
#include "ctl/doctor.h"

#include "base/clock.h"
#include "base/scope.h"
#include "ctl/keeper.h"
#include "ctl/sandbox.h"
#include "decode/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#define MIB (1024 * 1024)

/* ---- the kernel ---------------------------------------------------------- */

static int
check_fuse(struct doctor *d)
{
	struct stat st;
	scope_fd fd = -1;

	if (stat("/dev/fuse", &st) || !S_ISCHR(st.st_mode))
		return doctor_say(d, DOCTOR_BAD,
				  "there is no /dev/fuse: load the module "
				  "(modprobe fuse), or give the container the "
				  "device");
	if (geteuid() != 0)
		return doctor_say(d, DOCTOR_WARNING,
				  "/dev/fuse is there; only root can tell "
				  "whether it can be opened: use sudo");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return doctor_say(d, DOCTOR_BAD, "/dev/fuse: %s",
				  strerror(errno));
	return doctor_say(d, DOCTOR_GOOD, "/dev/fuse can be opened");
}

/* What it offers to a mount is agreed when it mounts: 'status' says it. */
static int
check_kernel(struct doctor *d)
{
	struct utsname name;
	int major = 0, minor = 0;

	if (uname(&name))
		return doctor_say(d, DOCTOR_WARNING, "uname: %s",
				  strerror(errno));
	sscanf(name.release, "%d.%d", &major, &minor);
	if (major < 6 || (major == 6 && minor < 9))
		return doctor_say(d, DOCTOR_WARNING,
				  "Linux %s: from 6.9 on, open files go on "
				  "when a process of civicfs dies",
				  name.release);
	return doctor_say(d, DOCTOR_GOOD, "Linux %s", name.release);
}

#define LANDLOCK_VERSION 1U /* LANDLOCK_CREATE_RULESET_VERSION */

static int
check_landlock(struct doctor *d)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	if (version > 0)
		return doctor_say(d, DOCTOR_GOOD, "Landlock version %ld",
				  version);
	return doctor_say(d, DOCTOR_WARNING,
			  "no Landlock (%s): decoders are held by the system "
			  "call filter alone; add landlock to the kernel's "
			  "lsm= list",
			  strerror(errno));
}

/* ---- a decoder in its sandbox -------------------------------------------- */

static int
memory_file(struct slice bytes)
{
	scope_fd fd = memfd_create("civicfs-doctor", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n ||
	    lseek(fd, 0, SEEK_SET))
		return -1;
	return take_fd(&fd);
}

static int
on_header(void *ctx, const struct decode_header *h)
{
	(void)ctx;
	(void)h;
	return 0;
}

static int
on_row(void *ctx, const struct decode_row *r)
{
	*(int64_t *)ctx += (int64_t)r->ncells;
	return 0;
}

static int
on_fault(void *ctx, const struct decode_fault *f)
{
	(void)ctx;
	(void)f;
	return 0;
}

#define DECODER_MS 10000 /* for one cell */

/* Decodes a file of one cell as every delivered file is. */
static int
decode_one_cell(int64_t *ret_cells, struct error *err)
{
	const struct flow_decoder decoder = ctl_decoder();
	struct decode_label label = {"a", "a"};
	struct decode_request request = {
		.labels = &label, .nlabels = 1, .limits = DECODE_LIMITS};
	struct decode_sink sink = {.header = on_header,
				   .row = on_row,
				   .fault = on_fault,
				   .ctx = ret_cells};
	enum decode_end end;
	scope_buf text = BUF_INIT;
	scope_fd in = memory_file(SLICE("a\n1\n"));
	scope_fd ask = -1, answer = -1, write_end = -1;
	int pipe_ends[2], rc;

	if (decode_request_write(&request, &text))
		return error_nomem(err);
	ask = memory_file(buf_slice(&text));
	if (in < 0 || ask < 0 || pipe2(pipe_ends, O_CLOEXEC))
		return error_errno(err, errno, "cannot prepare a decoder");
	answer = pipe_ends[0];
	write_end = pipe_ends[1];
	rc = decoder.start(decoder.ctx, in, ask, write_end, err);
	close(take_fd(&write_end));
	return rc ? rc
		  : decode_frames_read(answer, DECODER_MS, &request, &sink,
				       &end, err);
}

static int
check_sandbox(struct doctor *d)
{
	struct error err = ERROR_INIT;
	int64_t cells = 0;
	int rc = decode_one_cell(&cells, &err);

	if (rc || cells != 1)
		return doctor_say(d, DOCTOR_BAD,
				  "a decoder cannot work in its sandbox: %s",
				  rc ? err.text : "it answers wrongly");
	return doctor_say(d, DOCTOR_GOOD,
			  "a file was decoded in its sandbox (seccomp)");
}

/* ---- the setup ----------------------------------------------------------- */

static int
check_config(struct doctor *d)
{
	const struct config_list *w = &d->ctl->config->warnings;
	int rc = 0;

	for (size_t i = 0; !rc && i < w->n; i++)
		rc = doctor_say(d, DOCTOR_WARNING, "%s", w->items[i]);
	if (rc || w->n)
		return rc;
	return doctor_say(d, DOCTOR_GOOD, "'%s' is in order",
			  d->ctl->config_path);
}

static int
check_user(struct doctor *d)
{
	const char *user = d->ctl->config->user;

	if (getpwnam(user))
		return doctor_say(d, DOCTOR_GOOD, "service user '%s'", user);
	return doctor_say(d, DOCTOR_WARNING,
			  "[platform] user = %s: there is no such user, so "
			  "'nobody' is taken; make it by 'useradd --system "
			  "--shell /usr/sbin/nologin %s'",
			  user, user);
}

static int
check_zone(struct doctor *d)
{
	const char *zone = d->ctl->config->timezone;
	char now[CLOCK_TEXT_MAX];
	struct error err = ERROR_INIT;

	if (clock_check_zone(zone, &err))
		return doctor_say(d, DOCTOR_BAD, "%s", err.text);
	return doctor_say(d, DOCTOR_GOOD, "%s, now %s", zone,
			  clock_rfc3339(clock_now(), now));
}

/* No submission was ever made before the program was written. */
#define PROGRAM_YEAR_NS (INT64_C(1767225600) * CLOCK_NS) /* 2026-01-01 */

static int
check_clock(struct doctor *d)
{
	struct timex t = {0};
	char now[CLOCK_TEXT_MAX];

	if (clock_now() < PROGRAM_YEAR_NS)
		return doctor_say(d, DOCTOR_BAD,
				  "the machine's clock says %s: set it, "
				  "because receipts and versions carry its "
				  "time",
				  clock_rfc3339(clock_now(), now));
	if (adjtimex(&t) < 0 || (t.status & STA_UNSYNC))
		return doctor_say(d, DOCTOR_WARNING,
				  "nothing keeps the machine's clock right: "
				  "run a time service, because receipts and "
				  "versions carry its time");
	return doctor_say(d, DOCTOR_GOOD, "kept right by a time service");
}

/* ---- the state ----------------------------------------------------------- */

/* The state's folder, or the one it will be made in. */
static bool
find_state(const struct doctor *d, char *path, size_t size)
{
	snprintf(path, size, "%s", d->ctl->config->state);
	while (access(path, F_OK) && errno == ENOENT) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return false;
		slash[slash == path] = '\0';
	}
	return true;
}

static int
check_file_system(struct doctor *d)
{
	char path[PATH_MAX];
	struct statfs fs;

	if (!find_state(d, path, sizeof(path)) || statfs(path, &fs))
		return doctor_say(d, DOCTOR_BAD, "state '%s': %s",
				  d->ctl->config->state, strerror(errno));
	switch (fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case FUSE_SUPER_MAGIC:
		return doctor_say(d, DOCTOR_BAD,
				  "state '%s' lies on a network or FUSE file "
				  "system, where a database cannot be kept: "
				  "use a local disk",
				  d->ctl->config->state);
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return doctor_say(d, DOCTOR_WARNING,
				  "state '%s' lies in memory: everything is "
				  "lost when the machine stops",
				  d->ctl->config->state);
	default:
		return doctor_say(
			d, DOCTOR_GOOD, "state '%s'%s", d->ctl->config->state,
			strcmp(path, d->ctl->config->state) ? " will be made"
							    : "");
	}
}

static int
check_space(struct doctor *d)
{
	char path[PATH_MAX];
	struct statvfs fs;
	char setting[CONFIG_ROOM_SHOWN];
	double room, reserve;

	if (!find_state(d, path, sizeof(path)) || statvfs(path, &fs))
		return doctor_say(d, DOCTOR_BAD, "state '%s': %s",
				  d->ctl->config->state, strerror(errno));
	room = (double)fs.f_bavail * (double)fs.f_frsize;
	reserve = (double)config_room_bytes(&d->ctl->config->reserve,
					    fs.f_blocks * fs.f_frsize);
	if (room <= reserve)
		return doctor_say(
			d, DOCTOR_BAD,
			"%.0f MiB are free where the state lies, not "
			"more than reserve = %s (%.0f MiB): make "
			"room",
			room / MIB,
			config_room_show(&d->ctl->config->reserve, setting),
			reserve / MIB);
	return doctor_say(d, room < 2 * reserve ? DOCTOR_WARNING : DOCTOR_GOOD,
			  "%.0f MiB are free where the state lies, %.0f MiB of "
			  "them in reserve",
			  room / MIB, reserve / MIB);
}

/* ---- the daemon ---------------------------------------------------------- */

static int
check_daemon(struct doctor *d)
{
	struct error err = ERROR_INIT;
	const char *state = d->ctl->config->state;
	pid_t keeper = ctl_keeper(state);
	scope_fd fd = -1;
	int rc = ctl_connect(state, &fd, &err);

	if (rc < 0)
		return doctor_say(d, DOCTOR_WARNING, "%s", err.text);
	if (rc && keeper)
		return doctor_say(d, DOCTOR_GOOD,
				  "civicfsd runs and answers (keeper %d)",
				  keeper);
	if (rc)
		return doctor_say(d, DOCTOR_WARNING,
				  "the worker answers, but its keeper is dead: "
				  "start civicfsd again");
	if (keeper)
		return doctor_say(d, DOCTOR_WARNING,
				  "the keeper lives (%d), but no worker "
				  "answers at this moment",
				  keeper);
	return doctor_say(d, DOCTOR_GOOD, "civicfsd does not run on '%s'",
			  state);
}

const struct doctor_check doctor_checks[] = {
	{"/dev/fuse", check_fuse},	    {"kernel", check_kernel},
	{"landlock", check_landlock},	    {"sandbox", check_sandbox},
	{"configuration", check_config},    {"user", check_user},
	{"timezone", check_zone},	    {"clock", check_clock},
	{"file system", check_file_system}, {"space", check_space},
	{"daemon", check_daemon},	    {0},
};

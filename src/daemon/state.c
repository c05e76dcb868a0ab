/* The state's folder as the keeper prepares it: see state.h. */
#include "daemon/state.h"

#include "base/io.h"
#include "base/scope.h"
#include "daemon/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_NAME "keeper.lock"
#define NOTE_NAME "worker.pid"
#define STATE_MODE 0711
#define FALLBACK_USER "nobody"
#define NOTE_MAX 128
#define DECODER_ID 65532 /* of the kernel's numbers one that no account has */

int
daemon_users_find(const struct config *config, struct daemon_users *ret,
		  struct error *err)
{
	const struct passwd *pw = getpwnam(config->user);

	ret->fallback = !pw;
	if (!pw)
		pw = getpwnam(FALLBACK_USER);
	if (!pw)
		return error_set(err, ERR_INVALID,
				 "[platform] user = %s: no such user; make it "
				 "by 'useradd --system %s'",
				 config->user, config->user);
	ret->worker_uid = pw->pw_uid;
	ret->worker_gid = pw->pw_gid;
	ret->decoder_uid = DECODER_ID;
	ret->decoder_gid = DECODER_ID;
	return 0;
}

/* ---- ownership ----------------------------------------------------------- */

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The state is two levels deep, and no deeper. */
static int
give_entries(int dir, const struct daemon_users *users, int depth,
	     struct error *err)
{
	__attribute__((cleanup(close_dir))) DIR *list = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;

	if (fd >= 0)
		list = fdopendir(fd);
	if (!list)
		return error_errno(err, errno, "state");
	while ((e = readdir(list))) {
		scope_fd sub = -1;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fchownat(dir, e->d_name, users->worker_uid,
			     users->worker_gid, AT_SYMLINK_NOFOLLOW))
			return error_errno(err, errno, "state '%s'", e->d_name);
		if (e->d_type != DT_DIR || depth == 0)
			continue;
		sub = openat(dir, e->d_name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0 && give_entries(sub, users, depth - 1, err))
			return err ? err->code : ERR_IO;
	}
	return 0;
}

static int
give_state(int dir, const struct daemon_users *users, struct error *err)
{
	struct stat st;

	if (fstat(dir, &st))
		return error_errno(err, errno, "state");
	/* to be entered, for the socket; what is in it is its owner's */
	if ((st.st_mode & 07777) != STATE_MODE && fchmod(dir, STATE_MODE))
		return error_errno(err, errno, "state");
	if (st.st_uid == users->worker_uid)
		return 0;
	if (fchown(dir, users->worker_uid, users->worker_gid))
		return error_errno(err, errno, "state");
	return give_entries(dir, users, 1, err);
}

/* ---- the lock ------------------------------------------------------------ */

static int
take_lock(int dir, const char *state, int *ret_lock, struct error *err)
{
	char text[32] = "";
	scope_fd fd =
		openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "'%s/" LOCK_NAME "'", state);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return error_errno(err, errno, "'%s/" LOCK_NAME "'",
					   state);
		if (pread(fd, text, sizeof(text) - 1, 0) < 0)
			text[0] = '\0';
		return error_set(err, ERR_BUSY,
				 "civicfsd already runs on '%s': its keeper is "
				 "process %ld; 'civicfs -c CONFIG status' "
				 "shows it, 'civicfs -c CONFIG stop' ends it",
				 state, strtol(text, NULL, 10));
	}
	*ret_lock = take_fd(&fd);
	return 0;
}

int
daemon_state_take(const struct config *config, const struct daemon_users *users,
		  const char *mountpoint, int *ret_dir, int *ret_lock,
		  struct error *err)
{
	scope_fd dir = -1;
	size_t len = strlen(mountpoint);
	int rc;

	if (strncmp(config->state, mountpoint, len) == 0 &&
	    (config->state[len] == '/' || config->state[len] == '\0'))
		return error_set(err, ERR_INVALID,
				 "[platform] state = '%s' lies on the mount "
				 "'%s': choose another folder",
				 config->state, mountpoint);
	if (mkdir(config->state, STATE_MODE) && errno != EEXIST)
		return error_errno(err, errno,
				   "[platform] state: cannot make '%s'",
				   config->state);
	dir = open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno,
				   "[platform] state: cannot open '%s'",
				   config->state);
	rc = take_lock(dir, config->state, ret_lock, err);
	if (!rc)
		rc = give_state(dir, users, err);
	if (rc)
		return rc;
	*ret_dir = take_fd(&dir);
	return 0;
}

/* ---- the worker's note --------------------------------------------------- */

int
daemon_state_open_note(int dir, int *ret_note, struct error *err)
{
	*ret_note = openat(dir, NOTE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*ret_note < 0)
		return error_errno(err, errno, "'" NOTE_NAME "'");
	return 0;
}

/* Written over, never emptied: on a full disk a block that was given up might
 * not come back. */
static int
write_note(int note, const char *text, struct error *err)
{
	int rc = io_pwrite(note, text, strlen(text), 0, err);

	if (!rc && ftruncate(note, (off_t)strlen(text)))
		rc = error_errno(err, errno, "cannot shorten it");
	return rc;
}

int
daemon_state_hold_note(int note, struct daemon_note content, struct error *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct daemon_proc proc;
	char text[NOTE_MAX];
	int rc;

	if (fcntl(note, F_SETLK, &lock)) {
		if (errno == EAGAIN || errno == EACCES)
			return error_set(err, ERR_BUSY,
					 "an earlier worker has not ended");
		return error_errno(err, errno, "'" NOTE_NAME "'");
	}
	if (daemon_proc_read(getpid(), &proc))
		proc.started = 0;
	snprintf(text, sizeof(text), "%d %" PRId64 " %d %d %d %d\n", getpid(),
		 proc.started, content.generation, content.fuse_fd,
		 content.handover, content.backings);
	rc = write_note(note, text, err);
	return rc ? error_prefix(err, rc, "'" NOTE_NAME "'") : 0;
}

void
daemon_state_clear_note(int note)
{
	(void)!write_note(note, "ended\n", NULL);
}

int
daemon_state_read_note(int note, struct daemon_note *ret)
{
	char text[NOTE_MAX];
	ssize_t n = io_pread(note, text, sizeof(text) - 1, 0, NULL);

	*ret = (struct daemon_note){.pid = 0};
	if (n <= 0)
		return (int)n;
	text[n] = '\0';
	n = sscanf(text, "%d %" SCNd64 " %d %d %d %d", &ret->pid, &ret->started,
		   &ret->generation, &ret->fuse_fd, &ret->handover,
		   &ret->backings);
	return n == 6 || n == 0 ? 0 : -1;
}

pid_t
daemon_state_worker(int note)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(note, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

/*
 * civicfsd: reads the configuration, then becomes the keeper. Also installed
 * as mount.civicfs, which is called as "mount.civicfs CONFIG MOUNTPOINT
 * -o OPTIONS" by mount(8) and fstab.
 */
#include "access/access.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "daemon/keeper.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <syslog.h>

#define EXIT_USAGE 2
#define PATIENCE "patience=" /* a mount option, seconds */
#define PATIENCE_S 60

struct arguments {
	const char *config;
	const char *mountpoint;
	bool foreground;
	bool no_resend;
	int patience_s;
};

static void
usage(FILE *to)
{
	fprintf(to,
		"usage: civicfsd -c CONFIG [-f] [-o OPTIONS] MOUNTPOINT\n"
		"       mount -t civicfs CONFIG MOUNTPOINT\n"
		"\n"
		"Mounts a city's shared data as CONFIG describes it.\n"
		"  -c CONFIG   civicfs.conf\n"
		"  -f          stay in the foreground, messages to standard "
		"error\n"
		"  -o OPTIONS  mount options; those that only mount(8) knows "
		"are ignored\n"
		"  -V          print the version\n");
}

/* ---- arguments ----------------------------------------------------------- */

/* What mount(8) and fstab hand on although it is not about the tree. */
static bool
is_ignored(const char *option)
{
	static const char *const ignored[] = {
		"rw",	  "auto",    "noauto",	 "nofail",   "_netdev",
		"nosuid", "nodev",   "exec",	 "noexec",   "async",
		"atime",  "noatime", "relatime", "defaults", "users",
		"nouser", "dev",
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
		if (strcmp(option, ignored[i]) == 0)
			return true;
	}
	return strncmp(option, "x-", 2) == 0 ||
	       strncmp(option, "comment=", 8) == 0;
}

static int
check_options(char *list, struct arguments *a)
{
	char *save = NULL;

	for (char *o = strtok_r(list, ",", &save); o;
	     o = strtok_r(NULL, ",", &save)) {
		if (strcmp(o, "no_resend") == 0) {
			a->no_resend = true;
			continue;
		}
		if (strncmp(o, PATIENCE, strlen(PATIENCE)) == 0) {
			a->patience_s = atoi(o + strlen(PATIENCE));
			if (a->patience_s > 0)
				continue;
		}
		if (is_ignored(o))
			continue;
		fprintf(stderr,
			"civicfsd: mount option '%s' is not known: remove it "
			"(who may do what stands in the configuration)\n",
			o);
		return EXIT_USAGE;
	}
	return 0;
}

static int
parse(int argc, char **argv, struct arguments *a)
{
	const char *name = strrchr(argv[0], '/');
	bool as_mount = strcmp(name ? name + 1 : argv[0], "mount.civicfs") == 0;
	int c;

	while ((c = getopt(argc, argv, as_mount ? "fno:svV" : "c:fho:V")) !=
	       -1) {
		switch (c) {
		case 'c':
			a->config = optarg;
			break;
		case 'f':
			a->foreground = !as_mount;
			break;
		case 'o':
			if (check_options(optarg, a))
				return EXIT_USAGE;
			break;
		case 'V':
			puts("civicfsd " PACKAGE_VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		case 'n':
		case 's':
		case 'v':
			break; /* of mount(8): nothing to us */
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (as_mount && optind < argc)
		a->config = argv[optind++];
	if (optind == argc - 1)
		a->mountpoint = argv[optind];
	if (a->config && a->mountpoint)
		return 0;
	usage(stderr);
	return EXIT_USAGE;
}

/* ---- configuration ------------------------------------------------------- */

static int
load(const char *path, struct config **ret)
{
	struct config_problems problems = {0};
	struct error err = ERROR_INIT;
	bool said = false;
	int rc = config_load(path, ret, &problems, &err);

	if (!rc)
		rc = config_check_files(*ret, getuid(), &problems, &err);
	if (!rc)
		rc = access_check(*ret, &err);
	for (size_t i = 0; i < problems.n; i++) {
		const struct config_problem *p = &problems.items[i];

		said = said || !p->warning;
		fprintf(stderr, "%s%s\n", p->warning ? "warning: " : "",
			p->text);
	}
	if (rc && !said)
		fprintf(stderr, "civicfsd: %s\n", err.text);
	config_problems_release(&problems);
	return rc ? EXIT_USAGE : 0;
}

/* ---- the launcher -------------------------------------------------------- */

/* Copies what the roles say while they start, until the tree answers (0), or
 * they have given up (1). */
static int
wait_for_tree(int ready, int words)
{
	char text[4096];
	ssize_t n;
	char byte;

	for (;;) {
		struct pollfd p[] = {{.fd = words, .events = POLLIN},
				     {.fd = ready, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (p[0].revents & POLLIN) {
			n = read(words, text, sizeof(text));
			if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
				return 1;
			continue;
		}
		if (p[1].revents)
			return read(ready, &byte, 1) == 1 ? 0 : 1;
	}
}

static int
launch(struct daemon_shared *shared)
{
	int ready[2], words[2];
	struct stat st;
	pid_t pid;
	int rc;

	if (pipe2(ready, O_CLOEXEC) || pipe2(words, O_CLOEXEC)) {
		perror("civicfsd: pipe");
		return 1;
	}
	pid = fork();
	if (pid < 0) {
		perror("civicfsd: fork");
		return 1;
	}
	if (pid > 0) {
		close(ready[1]);
		close(words[1]);
		close(shared->lock);
		rc = wait_for_tree(ready[0], words[0]);
		/* READY comes just before the first answer */
		return rc ? rc : stat(shared->mountpoint, &st) != 0;
	}
	close(ready[0]);
	close(words[0]);
	setsid();
	rc = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (rc < 0 || dup2(rc, STDIN_FILENO) < 0 ||
	    dup2(rc, STDOUT_FILENO) < 0 || dup2(words[1], STDERR_FILENO) < 0 ||
	    chdir("/"))
		_exit(1);
	close(rc);
	close(words[1]);
	shared->ready_fd = ready[1];
	_exit(daemon_keeper(shared));
}

/* A reload reads it again, from another folder; a link on the way is followed
 * then. */
static int
absolute(const char *path, char ret[static PATH_MAX], struct error *err)
{
	char cwd[PATH_MAX] = "";
	int n;

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return error_errno(err, errno, "the current folder");
	n = snprintf(ret, PATH_MAX, "%s%s%s", cwd, *cwd ? "/" : "", path);
	if (n >= PATH_MAX)
		return error_set(err, ERR_LIMIT, "'%s' is too long a path",
				 path);
	return 0;
}

static int
run(const struct arguments *a, struct config **config)
{
	struct daemon_shared shared = {
		.config = *config,
		.no_resend = a->no_resend,
		.patience_ns = a->patience_s * CLOCK_NS,
		.lock = -1,
		.note = -1,
		.ready_fd = -1,
		.fuse_fd = -1,
		.link = -1,
		.keeper_link = -1,
		.handover = -1,
		.backings_fd = -1,
		.check_files = -1,
		.check_answer = -1,
	};
	struct error err = ERROR_INIT;
	scope_fd dir = -1;
	char mountpoint[PATH_MAX], path[PATH_MAX];
	int rc = absolute(a->config, path, &err);

	/* a dead mount can be replaced, but not be resolved */
	if (!rc && !realpath(a->mountpoint, mountpoint)) {
		if (errno != ENOTCONN && errno != ECONNABORTED)
			rc = error_errno(&err, errno, "mount point '%s'",
					 a->mountpoint);
		snprintf(mountpoint, sizeof(mountpoint), "%s", a->mountpoint);
	}
	shared.mountpoint = mountpoint;
	shared.config_path = path;
	if (!rc && getuid() != 0)
		rc = error_set(&err, ERR_DENIED,
			       "only root can mount: run it by sudo, or as a "
			       "system service");
	if (!rc)
		rc = daemon_users_find(*config, &shared.users, &err);
	if (!rc)
		rc = daemon_state_take(*config, &shared.users, mountpoint, &dir,
				       &shared.lock, &err);
	if (rc) {
		fprintf(stderr, "civicfsd: %s\n", err.text);
		return 1;
	}
	shared.state_dir = dir;
	daemon_log_open(a->foreground);
	rc = a->foreground ? daemon_keeper(&shared) : launch(&shared);
	*config = shared.config;
	return rc;
}

int
main(int argc, char **argv)
{
	struct arguments a = {.patience_s = PATIENCE_S};
	struct config *config = NULL;
	int rc = parse(argc, argv, &a);

	if (!rc)
		rc = load(a.config, &config);
	if (!rc)
		rc = run(&a, &config);
	config_free(config);
	return rc;
}

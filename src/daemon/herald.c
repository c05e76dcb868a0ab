/*
 * The herald: touches through the mount what has come without a request, so
 * that whoever watches a folder is told (mount/news.h). It is apart from the
 * notifier because it waits for folders that others hold, and those may wait
 * for the notifier. Nothing waits for the herald.
 */
#include "daemon/herald.h"

#include "base/scope.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* ---- the worker's side --------------------------------------------------- */

static void
tell(const struct daemon_shared *shared, const struct buf *news)
{
	if (news->len && send(shared->news[1], news->data, news->len,
			      MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		daemon_log("worker", LOG_DEBUG, "the herald does not listen");
}

void
daemon_herald_published(const struct daemon_shared *shared,
			const struct mount *m, const struct publish_made *made,
			size_t n)
{
	scope_buf news = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (!mount_news_of_version(m, made[i].theme->id, &news))
			tell(shared, &news);
	}
}

void
daemon_herald_judged(const struct daemon_shared *shared, struct mount *m,
		     const struct store_submission *s)
{
	const char *const endings[] = {
		".receipt.txt",
		".receipt.json",
		s->fix_workbook ? ".fix.xlsx" : ".fix.csv",
	};
	const size_t n = s->fix_blob ? 3 : 2;
	scope_buf news = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (!mount_news_of_inbox(m, s->resource, s->name, endings[i],
					 &news))
			tell(shared, &news);
	}
}

/* ---- the herald ---------------------------------------------------------- */

/* A failure means that the file has gone again, or the tree. */
static void
announce(int root, char how, const char *path)
{
	if (how == MOUNT_NEWS_CAME) {
		(void)!mknodat(root, path, S_IFREG | 0444, 0);
	} else {
		scope_fd fd =
			openat(root, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	(void)!utimensat(root, path, NULL, AT_SYMLINK_NOFOLLOW);
}

int
daemon_herald(const struct daemon_shared *shared)
{
	char news[PATH_MAX + 2];

	close(shared->fuse_fd); /* it must not keep a tree alive */
	for (;;) {
		ssize_t n = recv(shared->news[0], news, sizeof(news) - 1,
				 MSG_TRUNC);
		scope_fd root = -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if ((size_t)n >= sizeof(news))
			continue;
		news[n] = '\0';
		root = open(shared->mountpoint,
			    O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root >= 0)
			announce(root, *news, news + 1);
	}
}

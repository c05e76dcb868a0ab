/*
 * What has come without a request through the mount, for those who watch a
 * folder (inotify, and by it change-notify of Samba): they see only what is
 * done through the mount. So a process of its own, the herald, touches the file
 * there: it makes a name that nobody has looked at yet (CREATE), or opens and
 * closes the file for writing (CLOSE_WRITE), and sets its times (ATTRIB). It is
 * the service user, with a right to every folder that nobody else has; its
 * requests are answered, and change nothing (DESIGN 4, watchers).
 */
#ifndef MOUNT_NEWS_H
#define MOUNT_NEWS_H

#include "mount/fuse_ops.h"

#include <stdbool.h>

/* Names that the herald is about to make. All of a mount; any thread. */
struct mount_news;
struct mount_news *mount_news_new(void);
void mount_news_free(struct mount_news *news);

/* Whether a request is the herald's. */
bool mount_news_is_herald(fuse_req_t req);
/* Whether the herald must not find the name, because it is to make it: for a
 * second, should it not come to that, as others may be the same user. */
bool mount_news_hides(fuse_req_t req, uint64_t folder, const char *name);
/* It makes the name: true, once. */
bool mount_news_take(fuse_req_t req, uint64_t folder, const char *name);

#endif

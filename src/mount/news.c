/* What has come without a request: see news.h, and mount.h for what the worker
 * asks for. */
#include "mount/news.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"
#include "mount/call.h"
#include "mount/node.h"

#define NAMES_MOST 64 /* beyond, the oldest are only touched */
#define NAME_SIZE 256
#define HIDDEN_NS CLOCK_NS /* the herald is at once, or not at all */

struct mount_news {
	pthread_mutex_t lock;
	struct {
		uint64_t folder; /* 0: none */
		int64_t until;	 /* it is hidden */
		char name[NAME_SIZE];
	} names[NAMES_MOST];
	size_t next;
};

struct mount_news *
mount_news_new(void)
{
	struct mount_news *news = calloc(1, sizeof(*news));

	if (news)
		pthread_mutex_init(&news->lock, NULL);
	return news;
}

void
mount_news_free(struct mount_news *news)
{
	if (!news)
		return;
	pthread_mutex_destroy(&news->lock);
	free(news);
}

/* ---- requests ------------------------------------------------------------ */

static struct mount *
of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

bool
mount_news_is_herald(fuse_req_t req)
{
	uid_t uid = of(req)->context.herald;

	return uid != 0 && fuse_req_ctx(req)->uid == uid;
}

static bool
find(fuse_req_t req, uint64_t folder, const char *name, bool take)
{
	struct mount_news *news = of(req)->news;
	int64_t now = clock_monotonic();
	bool found = false;

	if (!mount_news_is_herald(req))
		return false;
	pthread_mutex_lock(&news->lock);
	for (size_t i = 0; i < NAMES_MOST; i++) {
		if (news->names[i].folder != folder ||
		    now >= news->names[i].until ||
		    strcmp(news->names[i].name, name) != 0)
			continue;
		found = true;
		if (take) /* told twice, it is made once */
			news->names[i].folder = 0;
	}
	pthread_mutex_unlock(&news->lock);
	return found;
}

bool
mount_news_hides(fuse_req_t req, uint64_t folder, const char *name)
{
	return find(req, folder, name, false);
}

bool
mount_news_take(fuse_req_t req, uint64_t folder, const char *name)
{
	return find(req, folder, name, true);
}

/* ---- what is told -------------------------------------------------------- */

int
mount_news_of_version(const struct mount *m, int64_t theme, struct buf *ret)
{
	const struct publish_theme *t = mount_theme(m, theme);

	buf_clear(ret);
	return t ? buf_addf(ret, "%c%s/%s/%s/%s", MOUNT_NEWS_CHANGED,
			    mount_name(m, LAYOUT_THEMES), t->theme->id,
			    mount_name(m, LAYOUT_VERSIONS),
			    mount_name(m, LAYOUT_CURRENT))
		 : 0;
}

static void
hide(struct mount_news *news, uint64_t folder, const char *name)
{
	pthread_mutex_lock(&news->lock);
	news->names[news->next].folder = folder;
	news->names[news->next].until = clock_monotonic() + HIDDEN_NS;
	snprintf(news->names[news->next].name, NAME_SIZE, "%s", name);
	news->next = (news->next + 1) % NAMES_MOST;
	pthread_mutex_unlock(&news->lock);
}

/* inbox/DEPARTMENT/RESOURCE, or the one for its trials. */
static int
add_folder(const struct mount *m, int64_t resource,
	   const struct config_resource *r, struct buf *ret)
{
	const char *inbox = mount_name(m, LAYOUT_INBOX);

	return mount_is_trial(m, resource)
		       ? buf_addf(ret, "%s/%s/%s/%s", inbox, r->department,
				  mount_name(m, LAYOUT_TRIAL), r->id)
		       : buf_addf(ret, "%s/%s", inbox, r->name);
}

int
mount_news_of_inbox(struct mount *m, int64_t resource, const char *name,
		    const char *ending, struct buf *ret)
{
	const struct config_resource *r = mount_resource(m, resource);
	scope_buf file = BUF_INIT;

	buf_clear(ret);
	if (!r)
		return 0;
	if (buf_addf(&file, "%s%s", name, ending) || !buf_str(&file) ||
	    buf_addc(ret, MOUNT_NEWS_CAME) || add_folder(m, resource, r, ret) ||
	    buf_addf(ret, "/%s", file.data))
		return ERR_NOMEM;
	if (file.len < NAME_SIZE)
		hide(m->news, mount_node_make(NODE_INBOX_RESOURCE, resource),
		     file.data);
	return 0;
}

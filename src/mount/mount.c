/* The mount as a whole: its memory, and what the kernel has to forget. */
#include "mount/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/scope.h"
#include "mount/backings.h"
#include "mount/closing.h"
#include "mount/news.h"
#include "mount/notify.h"
#include "mount/pins.h"
#include "mount/recheck.h"
#include "mount/session.h"
#include "mount/tree.h"

#define TEXTS_BYTES (32u << 20)
#define READERS_BYTES (64u << 20)
#define NETS_MOST 16
#define LISTINGS_BYTES (32u << 20)
#define SETTLE_NS 20000
#define SETTLE_MOST 5000
#define NAMES_MOST 100 /* with what else is said: MOUNT_MESSAGE_MAX */

static void
close_reader(void *reader)
{
	publish_reader_close(reader);
}

static int
check_object(int64_t object, const char *what, const char *name,
	     struct error *err)
{
	if (object > 0 && object <= NODE_OBJECT_MAX)
		return 0;
	return error_set(err, ERR_LIMIT,
			 "%s '%s' has the number %lld: a state holds names for "
			 "up to %d departments, resources and themes",
			 what, name, (long long)object, NODE_OBJECT_MAX);
}

static int
check_objects(const struct mount_context *c, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->config->ndepartments && !rc; i++)
		rc = check_object(c->departments[i], "department",
				  c->config->departments[i].id, err);
	for (size_t i = 0; i < c->config->nresources && !rc; i++)
		rc = check_object(c->trials[i], "resource",
				  c->config->resources[i].name, err);
	for (size_t i = 0; i < c->nthemes && !rc; i++)
		rc = check_object(c->themes[i].id, "theme",
				  c->themes[i].theme->id, err);
	return rc;
}

int
mount_new(const struct mount_context *context, struct mount **ret,
	  struct error *err)
{
	size_t nresources = context->config->nresources;
	struct mount *m;
	int rc = check_objects(context, err);

	if (rc < 0)
		return rc;
	m = calloc(1, sizeof(*m));
	if (!m)
		return error_nomem(err);
	m->context = *context;
	m->looks = 1;
	m->layout = layout_of(context->config->language);
	/* of what the configuration alone decides: a restart changes nothing */
	m->made_at = context->config->modified_at;
	m->session = mount_session_new();
	m->closings = mount_closings_new();
	m->news = mount_news_new();
	m->texts = mount_cache_new(TEXTS_BYTES, mount_text_free);
	m->readers = mount_cache_new(READERS_BYTES, close_reader);
	m->nets = mount_cache_new(NETS_MOST, mount_net_free);
	m->listings = mount_cache_new(LISTINGS_BYTES, mount_listing_free);
	m->inbox_changed = calloc(nresources + 1, sizeof(*m->inbox_changed));
	if (!m->session || !m->closings || !m->news || !m->texts ||
	    !m->readers || !m->nets || !m->listings || !m->inbox_changed) {
		mount_free(m);
		return error_nomem(err);
	}
	if (context->session)
		rc = mount_pins_open(store_dir_fd(context->store),
				     context->session, &m->pins, err);
	if (!rc && m->pins && context->passthrough.list)
		rc = mount_backings_new(&m->context, m->pins, &m->backings,
					err);
	if (!rc)
		rc = mount_recheck_new(&m->context, &m->recheck, err);
	if (rc) {
		mount_free(m);
		return rc;
	}
	*ret = m;
	return 0;
}

void
mount_free(struct mount *m)
{
	if (!m)
		return;
	mount_session_free(m->session);
	mount_closings_free(m->closings);
	mount_recheck_free(m->recheck);
	mount_news_free(m->news);
	mount_backings_free(m->backings);
	mount_pins_close(m->pins);
	mount_cache_free(m->texts);
	mount_cache_free(m->readers);
	mount_cache_free(m->nets);
	mount_cache_free(m->listings);
	free(m->inbox_changed);
	free(m);
}

int
mount_serve(struct mount *m, int fuse_fd, const void *init, size_t init_len,
	    bool first, unsigned threads, struct error *err)
{
	return mount_session_run(m->session, fuse_fd, init, init_len, first,
				 threads, m, err);
}

void
mount_stop(struct mount *m)
{
	mount_session_stop(m->session);
}

void
mount_resume(struct mount *m)
{
	mount_session_resume(m->session);
}

void
mount_count(const struct mount *m, struct mount_counts *ret)
{
	mount_session_count(m->session, ret);
	ret->passed = ret->written = 0;
	if (m->backings)
		mount_backings_count(m->backings, &ret->passed, &ret->written);
}

/* ---- what the kernel has to forget --------------------------------------- */

void
mount_settle_names(struct mount *m)
{
	unsigned before = atomic_fetch_add(&m->phase, 1) & 1;
	const struct timespec pause = {.tv_nsec = SETTLE_NS};

	/* one that computes for long is not waited for: what it computes is no
	 * name that a publish changes */
	for (int i = 0; i < SETTLE_MOST && atomic_load(&m->naming[before]); i++)
		nanosleep(&pause, NULL);
}

void
mount_inbox_mark(struct mount *m, int64_t resource)
{
	int i = mount_resource_index(m, resource);

	if (i >= 0)
		atomic_store(&m->inbox_changed[i], clock_now());
}

int
mount_invalidate_inbox(struct mount *m, int64_t resource, const char *name,
		       struct buf *message)
{
	static const char *const endings[] = {
		"", ".receipt.txt", ".receipt.json", ".fix.csv", ".fix.xlsx"};
	uint64_t inbox = mount_node_make(NODE_INBOX_RESOURCE, resource);
	uint64_t archive = mount_node_make(NODE_ARCHIVE_RESOURCE, resource);
	uint64_t entry = mount_node_make(NODE_CATALOGUE_RESOURCE, resource);
	scope_buf full = BUF_INIT;
	int rc = 0;

	mount_inbox_mark(m, resource);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings) && !rc; i++) {
		buf_clear(&full);
		if (buf_addf(&full, "%s%s", name, endings[i]) ||
		    !buf_str(&full))
			return ERR_NOMEM;
		rc = mount_notify_add_name(message, inbox, buf_str(&full));
	}
	if (!rc)
		rc = mount_notify_add_name(message, entry,
					   mount_name(m, LAYOUT_STATUS));
	if (!rc)
		rc = mount_notify_add_node(message, inbox);
	return rc ? rc : mount_notify_add_node(message, archive);
}

int
mount_invalidate_erased(int64_t submission, int64_t file, struct buf *message)
{
	int rc;

	if (file)
		return mount_notify_add_node(
			message, mount_node_make(NODE_UPLOAD, file));
	rc = mount_notify_add_node(message,
				   mount_node_make(NODE_ORIGINAL, submission));
	return rc ? rc
		  : mount_notify_add_node(
			    message,
			    mount_node_make(NODE_KEPT_FIX, submission));
}

int
mount_invalidate_versions(struct mount *m, int64_t theme, int64_t first,
			  int64_t last, struct buf *message)
{
	uint64_t versions = mount_node_version(NODE_VERSIONS, theme, 0);
	uint64_t changes = mount_node_version(NODE_CHANGES, theme, 0);
	int rc = mount_notify_add_node(message, versions);

	if (!rc)
		rc = mount_notify_add_node(message, changes);
	if (!rc)
		rc = mount_notify_add_name(message, versions,
					   mount_name(m, LAYOUT_VERSION_INDEX));
	for (int64_t n = last; !rc && n >= first && n > last - NAMES_MOST;
	     n--) {
		char name[32];

		snprintf(name, sizeof(name), "%lld", (long long)n);
		rc = mount_notify_add_name(message, versions, name);
		snprintf(name, sizeof(name), "%lld.csv", (long long)n);
		if (!rc)
			rc = mount_notify_add_name(message, changes, name);
	}
	return rc;
}

int
mount_invalidate_archived(struct mount *m, int64_t resource,
			  const char *submission, struct buf *message)
{
	uint64_t archive = mount_node_make(NODE_ARCHIVE_RESOURCE, resource);
	int rc = mount_notify_add_name(message, archive, submission);

	(void)m;
	return rc ? rc : mount_notify_add_node(message, archive);
}

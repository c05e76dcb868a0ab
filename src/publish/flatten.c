/*
 * Making contiguous copies: see flatten.h. One thread copies, the others only
 * look into the table. The lock is never held over the disk or the store.
 */
#include "publish/flatten.h"

#include "base/clock.h"
#include "base/scope.h"
#include "publish/flat_copy.h"
#include "publish/flat_set.h"
#include "publish/publish.h"
#include "publish/rows.h"
#include "store/retain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FOLDER PUBLISH_FLAT_FOLDER
#define OFFERS_MOST 64
#define LOOK_NS \
	(2 * CLOCK_NS) /* at the room on the disk, while there are any */

struct publish_flat {
	struct store *store;
	const struct config *config;
	struct publish_flat_hooks hooks;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct flat_set set;
	bool stopping;
	bool prune;
	bool offered_all;
	int64_t offered[OFFERS_MOST]; /* datasets */
	size_t noffered;
};

void
publish_flat_name(int64_t state, char name[static PUBLISH_FLAT_NAME_MAX])
{
	snprintf(name, PUBLISH_FLAT_NAME_MAX, FOLDER "/%" PRId64, state);
}

static int
dir_of(const struct publish_flat *f)
{
	return store_dir_fd(f->store);
}

/* ---- what an earlier life has left --------------------------------------- */

static int64_t
state_of(const char *name)
{
	char again[PUBLISH_FLAT_NAME_MAX];
	char *end;
	int64_t state = strtoimax(name, &end, 10);

	if (*end || state <= 0)
		return 0;
	publish_flat_name(state, again);
	return strcmp(again + strlen(FOLDER "/"), name) == 0 ? state : 0;
}

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Another name of a pack costs nothing. */
static int64_t
cost_of(const struct stat *st)
{
	return st->st_nlink > 1 ? 0 : st->st_size;
}

static int
find_copies(struct publish_flat *f, struct error *err)
{
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	scope_fd fd = -1;
	const struct dirent *e;

	if (mkdirat(dir_of(f), FOLDER, 0700) && errno != EEXIST)
		return error_errno(err, errno, "'" FOLDER "'");
	fd = openat(dir_of(f), FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "'" FOLDER "'");
	dir = fdopendir(fd);
	if (!dir)
		return error_errno(err, errno, "'" FOLDER "'");
	take_fd(&fd);
	while ((e = readdir(dir))) {
		int64_t state = state_of(e->d_name);
		struct flat_item *item;
		struct stat st;

		if (!state ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		item = publish_flat_set_add(&f->set, state, FLAT_READY);
		if (!item)
			return error_nomem(err);
		item->bytes = cost_of(&st);
	}
	return 0;
}

int
publish_flat_new(struct store *store, const struct config *config,
		 const struct publish_flat_hooks *hooks,
		 struct publish_flat **ret, struct error *err)
{
	struct publish_flat *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return error_nomem(err);
	f->store = store;
	f->config = config;
	f->hooks = *hooks;
	f->prune = true;
	f->offered_all = true;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	(void)unlinkat(dir_of(f), PUBLISH_FLAT_PART, 0);
	rc = find_copies(f, err);
	if (rc) {
		publish_flat_free(f);
		return rc;
	}
	*ret = f;
	return 0;
}

void
publish_flat_free(struct publish_flat *f)
{
	if (!f)
		return;
	publish_flat_set_release(&f->set);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* ---- any thread ---------------------------------------------------------- */

bool
publish_flat_has(struct publish_flat *f, int64_t state)
{
	const struct flat_item *item;
	bool has;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	has = item && item->stage == FLAT_READY;
	pthread_mutex_unlock(&f->lock);
	return has;
}

int
publish_flat_open(struct publish_flat *f, int64_t state, int *ret_fd,
		  struct error *err)
{
	char name[PUBLISH_FLAT_NAME_MAX];
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	if (item)
		publish_flat_set_use(&f->set, item);
	pthread_mutex_unlock(&f->lock);
	publish_flat_name(state, name);
	*ret_fd = openat(dir_of(f), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(err, ERR_NOTFOUND, "there is no '%s'", name);
	return error_errno(err, errno, "cannot open '%s'", name);
}

void
publish_flat_ignore(struct publish_flat *f, int64_t state)
{
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	if (item)
		item->stage = FLAT_IGNORED;
	pthread_mutex_unlock(&f->lock);
}

void
publish_flat_want(struct publish_flat *f, int64_t state, int64_t bytes)
{
	const struct config *c = f->config;
	struct flat_item *item;

	if (bytes < c->flatten_from || !bytes ||
	    (!c->flatten_room.share && !c->flatten_room.bytes))
		return;
	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_add(&f->set, state, FLAT_WANTED);
	if (item) {
		publish_flat_set_use(&f->set, item);
		if (item->stage == FLAT_WANTED)
			item->bytes = bytes;
		pthread_cond_signal(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
}

void
publish_flat_offer(struct publish_flat *f, int64_t dataset)
{
	pthread_mutex_lock(&f->lock);
	if (!dataset || f->noffered == OFFERS_MOST)
		f->offered_all = true;
	else
		f->offered[f->noffered++] = dataset;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

void
publish_flat_count(struct publish_flat *f, struct publish_flat_count *ret)
{
	*ret = (struct publish_flat_count){0};
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->set.n; i++) {
		ret->files += f->set.items[i].stage == FLAT_READY;
		ret->waiting += f->set.items[i].stage == FLAT_WANTED;
	}
	ret->bytes = publish_flat_set_bytes(&f->set, FLAT_READY);
	pthread_mutex_unlock(&f->lock);
}

void
publish_flat_prune(struct publish_flat *f)
{
	pthread_mutex_lock(&f->lock);
	f->prune = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

void
publish_flat_stop(struct publish_flat *f)
{
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

/* ---- the table, by the thread that copies -------------------------------- */

static void
tell_changed(const struct publish_flat *f, int64_t state)
{
	if (f->hooks.changed)
		f->hooks.changed(f->hooks.ctx, state);
}

static void
forget(struct publish_flat *f, int64_t state)
{
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	if (item)
		publish_flat_set_remove(&f->set, item);
	pthread_mutex_unlock(&f->lock);
}

static void
set_stage(struct publish_flat *f, int64_t state, enum flat_stage stage)
{
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	if (item)
		item->stage = stage;
	pthread_mutex_unlock(&f->lock);
}

static void
set_cost(struct publish_flat *f, int64_t state, int64_t cost)
{
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_find(&f->set, state);
	if (item)
		item->bytes = cost;
	pthread_mutex_unlock(&f->lock);
}

static void
set_ready(struct publish_flat *f, int64_t state, int64_t cost)
{
	struct flat_item *item;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_add(&f->set, state, FLAT_READY);
	if (item) {
		item->stage = FLAT_READY;
		item->bytes = cost;
	}
	pthread_mutex_unlock(&f->lock);
}

/* Nobody is given it from here on; who has it open keeps it. */
static void
drop(struct publish_flat *f, int64_t state)
{
	char name[PUBLISH_FLAT_NAME_MAX];

	forget(f, state);
	publish_flat_name(state, name);
	(void)unlinkat(dir_of(f), name, 0);
	tell_changed(f, state);
}

/* The copy that was used longest ago: 0 there is none. */
static int64_t
oldest(struct publish_flat *f)
{
	const struct flat_item *item;
	int64_t state;

	pthread_mutex_lock(&f->lock);
	item = publish_flat_set_oldest(&f->set, FLAT_READY);
	state = item ? item->state : 0;
	pthread_mutex_unlock(&f->lock);
	return state;
}

static int64_t
held(struct publish_flat *f)
{
	int64_t bytes;

	pthread_mutex_lock(&f->lock);
	bytes = publish_flat_set_bytes(&f->set, FLAT_READY);
	pthread_mutex_unlock(&f->lock);
	return bytes;
}

static bool
is_stopping(struct publish_flat *f)
{
	bool stopping;

	pthread_mutex_lock(&f->lock);
	stopping = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return stopping;
}

/* ---- room ---------------------------------------------------------------- */

/* Whether so many bytes can be written without touching the reserve. */
static bool
has_space(const struct publish_flat *f, int64_t bytes, uint64_t *ret_size)
{
	struct statvfs fs;
	uint64_t left;

	if (fstatvfs(dir_of(f), &fs))
		return false;
	*ret_size = (uint64_t)fs.f_blocks * fs.f_frsize;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	return left > config_room_bytes(&f->config->reserve, *ret_size) +
			      (uint64_t)bytes;
}

/* For a copy of so many bytes, at the cost of others: false when there cannot
 * be. */
static bool
make_room(struct publish_flat *f, int64_t bytes)
{
	uint64_t size = 0;
	bool space = has_space(f, bytes, &size);
	uint64_t most = config_room_bytes(&f->config->flatten_room, size);

	if ((uint64_t)bytes > most)
		return false;
	while (!space || (uint64_t)(held(f) + bytes) > most) {
		int64_t state = oldest(f);

		if (!state)
			return false;
		drop(f, state);
		space = has_space(f, bytes, &size);
	}
	return true;
}

/* What others need of the disk goes before copies. */
static void
give_way(struct publish_flat *f)
{
	uint64_t size = 0;
	int64_t state;

	while (!has_space(f, 0, &size) && (state = oldest(f)))
		drop(f, state);
}

/* ---- one copy ---------------------------------------------------------- */

/* No faster than [platform] flatten_rate. */
static bool
keep_pace(void *ctx, int64_t since, int64_t bytes)
{
	struct publish_flat *f = ctx;
	double seconds = (double)bytes / (double)f->config->flatten_rate;
	int64_t until = since + (int64_t)(seconds * (double)CLOCK_NS);
	const struct timespec t = {until / CLOCK_NS, until % CLOCK_NS};
	bool stopping;

	pthread_mutex_lock(&f->lock);
	while (!f->stopping && clock_monotonic() < until)
		pthread_cond_clockwait(&f->changed, &f->lock, CLOCK_MONOTONIC,
				       &t);
	stopping = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return !stopping;
}

/* 1 there are such bytes and a version that is kept shows them, 0 not. */
static int
is_kept(struct publish_flat *f, int64_t state, struct store_file_state *ret,
	struct error *err)
{
	scope_reader reader = {0};
	int rc = store_reader_get(f->store, &reader, err);

	if (!rc)
		rc = store_file_state_get(reader.db, state, ret, err);
	return rc <= 0 ? rc : publish_file_is_kept(reader.db, state, err);
}

/* A failure that another attempt would meet again is not repeated. */
static void
give_up(struct publish_flat *f, int64_t state, int rc, const struct error *err)
{
	if (rc == ERR_BUSY || rc == ERR_STALE) {
		forget(f, state);
		return;
	}
	set_stage(f, state, FLAT_IGNORED);
	if (f->hooks.failed)
		f->hooks.failed(f->hooks.ctx, err);
}

/* A database is better read through the kernel's cache (doc/decisions,
 * sqlite-files): no copy helps it. */
static bool
is_of_use(const char *kind)
{
	return strcmp(kind, publish_kind_word(PUBLISH_SQLITE)) != 0;
}

/* is_kept(), but for what no copy is made of: that is ignored from here on. */
static int
is_wanted(struct publish_flat *f, int64_t state, struct store_file_state *ret,
	  bool *ret_ignored, struct error *err)
{
	scope_free char *kind = NULL;
	scope_free char *part = NULL;
	scope_reader reader = {0};
	int64_t dataset;
	int rc = is_kept(f, state, ret, err);

	*ret_ignored = false;
	if (rc <= 0)
		return rc;
	rc = store_reader_get(f->store, &reader, err);
	if (!rc)
		rc = store_file_get(reader.db, ret->file, &dataset, &kind,
				    &part, err);
	*ret_ignored = rc > 0 && kind && !is_of_use(kind);
	return rc;
}

static void
flatten(struct publish_flat *f, int64_t state)
{
	struct store_file_state found = {0};
	struct error err = ERROR_INIT;
	bool ignored, linked = false;
	int64_t cost = 0;
	int rc = is_wanted(f, state, &found, &ignored, &err);

	if (ignored) {
		set_stage(f, state, FLAT_IGNORED);
		return;
	}
	if (rc > 0) {
		rc = publish_flat_link(f->store, &found, &err);
		linked = rc > 0;
		cost = linked ? 0 : found.bytes;
		if (!rc && make_room(f, found.bytes))
			rc = publish_flat_copy(f->store, &found, keep_pace, f,
					       &err);
		else if (!rc)
			rc = error_set(&err, ERR_STALE, "no room");
	} else if (!rc) {
		rc = error_set(&err, ERR_STALE, "gone");
	}
	if (rc < 0) {
		give_up(f, state, rc, &err);
		return;
	}
	set_ready(f, state, cost);
	tell_changed(f, state);
}

/* ---- all of them --------------------------------------------------------- */

/* The next state in order that has a copy, after 'state'; 0 none. */
static int64_t
next_ready(struct publish_flat *f, int64_t state)
{
	int64_t found = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->set.n && !found; i++) {
		const struct flat_item *item = &f->set.items[i];

		if (item->stage == FLAT_READY && item->state > state)
			found = item->state;
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

static void
prune(struct publish_flat *f)
{
	int64_t at = 0;

	while ((at = next_ready(f, at)) && !is_stopping(f)) {
		struct store_file_state found = {0};
		struct error err = ERROR_INIT;
		struct stat st;
		char name[PUBLISH_FLAT_NAME_MAX];
		int rc = is_kept(f, at, &found, &err);

		publish_flat_name(at, name);
		if (rc > 0 && (fstatat(dir_of(f), name, &st, 0) ||
			       st.st_size != found.bytes))
			rc = 0;
		if (rc == 0)
			drop(f, at);
		else if (rc > 0)
			set_cost(f, at, cost_of(&st));
	}
}

struct offer {
	struct publish_flat *f;
	struct sql *db;
	struct error *err;
};

static int
take_file(void *ctx, int64_t file, const char *kind, const char *part)
{
	const struct offer *o = ctx;
	struct publish_flat *f = o->f;
	struct store_file_state state;
	int rc = store_file_state_at(o->db, file, store_published(f->store),
				     &state, o->err);

	(void)part;
	if (rc <= 0 || state.changes || !is_of_use(kind) ||
	    state.bytes < f->config->flatten_from || !state.bytes ||
	    publish_flat_has(f, state.id))
		return rc < 0 ? rc : 0;
	rc = publish_flat_link(f->store, &state, o->err);
	if (rc <= 0)
		return rc;
	set_ready(f, state.id, 0);
	tell_changed(f, state.id);
	return 0;
}

static int
take_dataset(void *ctx, int64_t dataset)
{
	const struct offer *o = ctx;

	return store_file_each(o->db, dataset, take_file, ctx, o->err);
}

/* What has been published in one piece. */
static void
take_offers(struct publish_flat *f)
{
	int64_t offered[OFFERS_MOST];
	struct error err = ERROR_INIT;
	struct offer o = {.f = f, .err = &err};
	scope_reader reader = {0};
	size_t n;
	bool all;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	n = f->noffered;
	memcpy(offered, f->offered, n * sizeof(*offered));
	all = f->offered_all;
	f->noffered = 0;
	f->offered_all = false;
	pthread_mutex_unlock(&f->lock);
	if (!n && !all)
		return;
	rc = store_reader_get(f->store, &reader, &err);
	o.db = reader.db;
	if (!rc && all)
		rc = store_dataset_each(o.db, take_dataset, &o, &err);
	for (size_t i = 0; !rc && !all && i < n; i++)
		rc = take_dataset(&o, offered[i]);
	if (rc && f->hooks.failed)
		f->hooks.failed(f->hooks.ctx, &err);
}

/* Waits; false at the end. *ret_state is 0 when there is nothing to copy. */
static bool
wait_for_work(struct publish_flat *f, int64_t *ret_state, bool *ret_prune)
{
	const struct flat_item *wanted;
	int64_t until = clock_monotonic() + LOOK_NS;
	const struct timespec t = {until / CLOCK_NS, until % CLOCK_NS};
	bool more;

	pthread_mutex_lock(&f->lock);
	wanted = publish_flat_set_newest(&f->set, FLAT_WANTED);
	if (!wanted && !f->prune && !f->stopping && !f->offered_all &&
	    !f->noffered) {
		if (f->set.n)
			pthread_cond_clockwait(&f->changed, &f->lock,
					       CLOCK_MONOTONIC, &t);
		else
			pthread_cond_wait(&f->changed, &f->lock);
		wanted = publish_flat_set_newest(&f->set, FLAT_WANTED);
	}
	*ret_state = wanted ? wanted->state : 0;
	*ret_prune = f->prune;
	f->prune = false;
	more = !f->stopping;
	pthread_mutex_unlock(&f->lock);
	return more;
}

void
publish_flat_run(struct publish_flat *f)
{
	int64_t state;
	bool pruning;

	while (wait_for_work(f, &state, &pruning)) {
		give_way(f);
		take_offers(f);
		if (pruning)
			prune(f);
		if (state)
			flatten(f, state);
	}
}

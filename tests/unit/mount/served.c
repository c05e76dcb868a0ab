/* See served.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/mount/served.h"

#include "base/io.h"
#include "base/scope.h"
#include "store/object.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#define THREADS 4

static void
check(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%d: %s", rc, err->text);
}

bool
served_possible(void)
{
	return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0;
}

/* ---- what is mounted ----------------------------------------------------- */

/* The sample's resources, with the texts that a configuration always has. */
static char descriptor[] = "[resource]\n";

static void
take_resource(struct config_resource *to, const struct config_resource *from)
{
	*to = *from;
	to->abstract = to->classification = to->code = "";
	to->format = to->sharing_condition = to->sharing_mode = "";
	to->open_condition = to->published_on = to->related = "";
	to->descriptor = descriptor;
	to->descriptor_len = strlen(descriptor);
}

static int
by_name(const void *a, const void *b)
{
	const struct config_resource *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
make_config(struct served *s)
{
	struct config *config = &s->world->sample.config;
	const struct config_theme *t = &s->world->sample.theme;
	size_t n = 0;

	for (size_t i = 0; i < t->nsources; i++) {
		for (size_t m = 0; m < t->sources[i].nmembers; m++)
			take_resource(&s->resources[n++],
				      t->sources[i].members[m].resource);
	}
	qsort(s->resources, n, sizeof(*s->resources), by_name);
	for (size_t i = 0; i < config->ndepartments; i++)
		config->departments[i].language = "";
	config->path = "/";
	config->resources = s->resources;
	config->nresources = n;
}

static void
intern(struct served *s)
{
	const struct config *config = &s->world->sample.config;
	struct error err = ERROR_INIT;
	scope_txn txn = {0};

	check(store_begin(s->world->store, &txn, &err), &err);
	for (size_t i = 0; i < config->nresources; i++)
		check(store_object_intern(&txn, STORE_RESOURCE,
					  config->resources[i].name,
					  &s->resource_ids[i], &err),
		      &err);
	for (size_t i = 0; i < config->ndepartments; i++)
		check(store_object_intern(&txn, STORE_DEPARTMENT,
					  config->departments[i].id,
					  &s->department_ids[i], &err),
		      &err);
	for (size_t i = 0; i < config->nresources; i++) {
		char name[128];

		snprintf(name, sizeof(name), "trial/%s",
			 config->resources[i].name);
		check(store_object_intern(&txn, STORE_RESOURCE, name,
					  &s->trial_ids[i], &err),
		      &err);
	}
	check(store_commit(&txn, &err), &err);
}

/* ---- serving ------------------------------------------------------------- */

static void
complain(void *ctx, const char *text)
{
	struct served *s = ctx;

	fprintf(stderr, "complaint: %s\n", text);
	s->complaints++;
}

static int
count_begun(void *ctx, struct error *err)
{
	struct served *s = ctx;

	(void)err;
	s->begun++;
	return 0;
}

static void *
serve(void *arg)
{
	struct served *s = arg;
	struct error err = ERROR_INIT;

	if (mount_serve(s->mount, s->fuse_fd, s->init, s->init_len, s->first,
			THREADS, &err)) {
		fprintf(stderr, "mount_serve: %s\n", err.text);
		abort();
	}
	return NULL;
}

static void
start(struct served *s, bool first)
{
	struct mount_context context = {
		.store = s->world->store,
		.config = &s->world->sample.config,
		.inbox = s->inbox,
		.themes = &s->world->theme,
		.nthemes = 1,
		.departments = s->department_ids,
		.resources = s->resource_ids,
		.trials = s->trial_ids,
		.session = 1,
		.complain = complain,
		.complain_ctx = s,
		.begun = count_begun,
		.begun_ctx = s,
	};
	struct error err = ERROR_INIT;

	check(access_compile(context.config, &access_machine, &s->access, &err),
	      &err);
	context.access = s->access;
	check(mount_new(&context, &s->mount, &err), &err);
	s->first = first;
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct served *s)
{
	mount_stop(s->mount);
	pthread_join(s->thread, NULL);
	mount_free(s->mount);
	access_free(s->access);
}

void
served_restart(struct served *s)
{
	stop(s);
	start(s, false);
}

/* What the keeper does. */
static void
attach(struct served *s)
{
	struct mount_init init;
	struct error err = ERROR_INIT;
	char options[128];
	ssize_t n;

	s->fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	assert_true(s->fuse_fd >= 0);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,"
		 "default_permissions",
		 s->fuse_fd);
	assert_int_equal(mount("civicfs", s->point, "fuse.civicfs",
			       MS_NOSUID | MS_NODEV, options),
			 0);
	n = read(s->fuse_fd, s->init, sizeof(s->init));
	/* The kernel wants room for the largest request. */
	if (n < 0 && errno == EINVAL) {
		char *room = malloc(MOUNT_REQUEST_MAX);

		n = read(s->fuse_fd, room, MOUNT_REQUEST_MAX);
		assert_true(n > 0 && (size_t)n <= sizeof(s->init));
		memcpy(s->init, room, (size_t)n);
		free(room);
	}
	assert_true(n > 0);
	s->init_len = (size_t)n;
	check(mount_init_reply(s->init, s->init_len, &init, &err), &err);
	assert_int_equal(write(s->fuse_fd, init.reply, init.reply_len),
			 init.reply_len);
}

int
served_setup(void **state)
{
	struct served *s = calloc(1, sizeof(*s));
	void *world = NULL;

	if (!s || world_setup(&world))
		return -1;
	s->world = world;
	make_config(s);
	intern(s);
	s->inbox = fake_inbox_new();
	snprintf(s->point, sizeof(s->point), "/tmp/civicfs-mount-XXXXXX");
	if (!s->inbox || !mkdtemp(s->point))
		return -1;
	attach(s);
	start(s, true);
	s->root = open(s->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return -1;
	*state = s;
	return 0;
}

int
served_teardown(void **state)
{
	struct served *s = *state;
	void *world = s->world;
	int complaints = s->complaints, rc;

	close(s->root);
	rc = umount2(s->point, MNT_DETACH);
	stop(s);
	close(s->fuse_fd);
	rc |= rmdir(s->point);
	free(s->inbox);
	free(s);
	return rc | world_teardown(&world) | complaints;
}

void
served_read(struct served *s, const char *path, struct buf *ret)
{
	struct error err = ERROR_INIT;

	buf_clear(ret);
	check(io_slurp(s->root, path, 1 << 24, ret, &err), &err);
}

void
served_expect(struct served *s, const char *path, const char *text)
{
	scope_buf bytes = BUF_INIT;

	served_read(s, path, &bytes);
	assert_string_equal(buf_str(&bytes), text);
}

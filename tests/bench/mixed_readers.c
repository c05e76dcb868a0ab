/*
 * Many readers at once, each as fast as it can for some seconds: of ten
 * operations seven read one subject, two a range of a large file, one is a
 * stat.
 *
 *   mixed_readers SUBJECTS DATA KEYS THREADS SECONDS
 *
 * SUBJECTS is a folder with KEY.json for each line of KEYS. Prints how many
 * operations there were, their times, and how many answers were wrong: a
 * subject without its key, a range that ends early, an error.
 */
#include "bench/tool.h"

#include "base/clock.h"
#include "base/scope.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RANGE (64 << 10)
#define MOST_TIMES (4 << 20) /* of one reader; the rest is only counted */

struct work {
	const char *data;
	char **keys;
	size_t nkeys;
	int subjects;
	int64_t size; /* of data */
	int64_t end;  /* on the monotonic clock */
};

struct reader {
	pthread_t thread;
	const struct work *work;
	uint64_t state;
	int64_t *times;
	size_t operations;
	size_t wrong;
};

static bool
read_subject(const struct work *w, const char *key)
{
	char name[512], bytes[RANGE];
	scope_fd fd = -1;
	ssize_t n;

	snprintf(name, sizeof(name), "%s.json", key);
	fd = openat(w->subjects, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	return n > 0 && memmem(bytes, (size_t)n, key, strlen(key));
}

static bool
read_range(const struct work *w, uint64_t *state)
{
	int64_t room = w->size > RANGE ? w->size - RANGE : 1;
	int64_t at = (int64_t)tool_random(state, (uint64_t)room);
	int64_t wanted = w->size - at < RANGE ? w->size - at : RANGE;
	char bytes[RANGE];
	scope_fd fd = open(w->data, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && pread(fd, bytes, (size_t)wanted, at) == wanted;
}

static bool
look(const struct work *w, const char *key)
{
	char name[512];
	struct stat st;

	snprintf(name, sizeof(name), "%s.json", key);
	return !fstatat(w->subjects, name, &st, 0) && st.st_size > 0;
}

static void *
run(void *arg)
{
	struct reader *r = arg;
	const struct work *w = r->work;
	int64_t began, now = clock_monotonic();

	while (now < w->end) {
		const char *key = w->keys[tool_random(&r->state, w->nkeys)];
		uint64_t dice = tool_random(&r->state, 10);
		bool right;

		began = now;
		if (dice < 7)
			right = read_subject(w, key);
		else if (dice < 9)
			right = read_range(w, &r->state);
		else
			right = look(w, key);
		r->wrong += !right;
		now = clock_monotonic();
		if (r->operations < MOST_TIMES)
			r->times[r->operations] = now - began;
		r->operations++;
	}
	return NULL;
}

static void
start(struct reader *r, const struct work *work, size_t number)
{
	r->work = work;
	r->state = 88172645463325252u + number;
	r->times = tool_room(MOST_TIMES, sizeof(*r->times));
	if (pthread_create(&r->thread, NULL, run, r))
		tool_fail("cannot start", "a reader");
}

/* The times of all readers in one. */
static void
report(struct reader *readers, size_t n, int64_t ns)
{
	scope_buf json = BUF_INIT;
	size_t operations = 0, wrong = 0, count = 0;
	int64_t *times;

	for (size_t i = 0; i < n; i++) {
		pthread_join(readers[i].thread, NULL);
		operations += readers[i].operations;
		wrong += readers[i].wrong;
	}
	times = tool_room(operations, sizeof(*times));
	for (size_t i = 0; i < n; i++) {
		size_t some = readers[i].operations < MOST_TIMES
				      ? readers[i].operations
				      : MOST_TIMES;

		memcpy(times + count, readers[i].times, some * sizeof(*times));
		count += some;
	}
	tool_quantiles(&json, "one", times, count);
	printf("{\"ns\":%" PRId64 ",\"operations\":%zu,\"wrong\":%zu%s}\n", ns,
	       operations, wrong, json.len ? buf_str(&json) : "");
}

int
main(int argc, char **argv)
{
	struct reader *readers;
	struct work work = {0};
	struct stat st;
	int64_t began;
	size_t n;

	if (argc != 6)
		tool_usage("mixed_readers SUBJECTS DATA KEYS THREADS SECONDS");
	work.subjects = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	work.data = argv[2];
	if (work.subjects < 0 || stat(argv[2], &st))
		tool_fail("cannot open", argv[1]);
	work.size = st.st_size;
	work.keys = tool_lines(argv[3], &work.nkeys);
	n = (size_t)tool_number(argv[4]);
	readers = tool_room(n, sizeof(*readers));
	began = clock_monotonic();
	work.end = began + tool_number(argv[5]) * CLOCK_NS;
	for (size_t i = 0; i < n; i++)
		start(&readers[i], &work, i);
	report(readers, n, tool_number(argv[5]) * CLOCK_NS);
	return 0;
}

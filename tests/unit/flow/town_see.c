/* What the town answers and shows: see town.h. */
#include "tests/unit/flow/town.h"

#include "store/record.h"
#include "validate/validate.h"

#include <fcntl.h>

static void
check(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%d: %s", rc, err->text);
}

/* ---- receipts ------------------------------------------------------------ */

void
town_receipt(struct town *t, int64_t number, enum store_receipt which,
	     struct buf *ret)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;

	check(store_reader_get(t->store, &reader, &err), &err);
	if (store_submission_receipt(reader.db, number, which, ret, &err) != 1)
		fail_msg("submission %lld has no receipt", (long long)number);
	if (which == STORE_RECEIPT_TEXT) {
		assert_true(
			slice_starts(buf_slice(ret), SLICE("\xef\xbb\xbf")));
		assert_true(ret->len > 5 &&
			    memcmp(ret->data + ret->len - 2, "\r\n", 2) == 0);
		validate_receipt_undress(ret);
	}
	assert_non_null(buf_str(ret));
}

void
town_receipt_line(struct town *t, int64_t number, const char *key,
		  struct buf *ret)
{
	scope_buf json = BUF_INIT;
	char mark[64];
	const char *at, *end;

	town_receipt(t, number, STORE_RECEIPT_JSON, &json);
	snprintf(mark, sizeof(mark), "\n\"%s\":", key);
	at = strstr(json.data, mark);
	if (!at)
		fail_msg("no key '%s' in %s", key, json.data);
	at += strlen(mark);
	end = strchr(at, '\n');
	assert_non_null(end);
	if (end[-1] == ',')
		end--;
	assert_int_equal(buf_add(ret, at, (size_t)(end - at)), 0);
	assert_non_null(buf_str(ret));
}

void
town_expect(struct town *t, int64_t number, const char *text)
{
	static const char *const names[] = {"read",	"accepted", "refused",
					    "inserted", "updated",  "deleted",
					    "unchanged"};
	scope_buf state = BUF_INIT;
	scope_buf rows = BUF_INIT;
	scope_buf got = BUF_INIT;

	town_receipt_line(t, number, "state", &state);
	town_receipt_line(t, number, "rows", &rows);
	assert_int_equal(buf_add(&got, state.data + 1, state.len - 2), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char mark[32];
		const char *at;

		snprintf(mark, sizeof(mark), "\"%s\":", names[i]);
		at = strstr(rows.data, mark);
		assert_non_null(at);
		assert_int_equal(buf_addf(&got, " %lld",
					  strtoll(at + strlen(mark), NULL, 10)),
				 0);
	}
	assert_non_null(buf_str(&got));
	if (strcmp(got.data, text) != 0) {
		scope_buf receipt = BUF_INIT;

		town_receipt(t, number, STORE_RECEIPT_TEXT, &receipt);
		fail_msg("'%s' instead of '%s':\n%s", got.data, text,
			 receipt.data);
	}
	assert_memory_equal(town_state(t, number), text,
			    strlen(town_state(t, number)));
}

void
town_expect_published(struct town *t, int64_t number, const char *text)
{
	scope_buf line = BUF_INIT;
	scope_buf want = BUF_INIT;
	scope_free char *copy = strdup(text);
	char *save = NULL;

	assert_non_null(copy);
	assert_int_equal(buf_adds(&want, "["), 0);
	for (char *p = strtok_r(copy, " ", &save); p;
	     p = strtok_r(NULL, " ", &save)) {
		char *colon = strchr(p, ':');

		assert_non_null(colon);
		*colon = '\0';
		assert_int_equal(
			buf_addf(&want, "%s{\"dataset\":\"%s\",\"version\":%s}",
				 want.len > 1 ? "," : "", p, colon + 1),
			0);
	}
	assert_int_equal(buf_adds(&want, "]"), 0);
	town_receipt_line(t, number, "published", &line);
	assert_string_equal(line.data, buf_str(&want));
}

bool
town_has_fault(struct town *t, int64_t number, const char *list,
	       const char *code, int64_t row)
{
	scope_buf line = BUF_INIT;
	char mark[64], where[32];
	const char *at;

	town_receipt_line(t, number, list, &line);
	snprintf(mark, sizeof(mark), "\"code\":\"%s\"", code);
	snprintf(where, sizeof(where), "{\"row\":%lld,", (long long)row);
	for (at = line.data; (at = strstr(at, mark)); at++) {
		const char *begin = at;

		while (begin > line.data && *begin != '{')
			begin--;
		if (!row || strncmp(begin, where, strlen(where)) == 0)
			return true;
	}
	return false;
}

void
town_fix(struct town *t, int64_t number, struct buf *ret)
{
	struct store_submission s;
	char path[STORE_BLOB_PATH_MAX];
	int fd;

	town_submission(t, number, &s);
	store_submission_release(&s);
	assert_true(s.fix_blob > 0);
	store_blob_path(s.fix_blob, path);
	fd = openat(t->dir, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(buf_reserve(ret, (size_t)s.fix_bytes + 1), 0);
	assert_int_equal(read(fd, ret->data, (size_t)s.fix_bytes + 1),
			 s.fix_bytes);
	ret->len = (size_t)s.fix_bytes;
	close(fd);
	assert_non_null(buf_str(ret));
}

/* ---- what readers see ---------------------------------------------------- */

const struct publish_theme *
town_theme(struct town *t, const char *id)
{
	for (size_t i = 0; i < t->plan->nthemes; i++) {
		if (strcmp(t->plan->themes[i].theme->id, id) == 0)
			return &t->plan->themes[i];
	}
	fail_msg("no theme '%s'", id);
	return NULL;
}

void
town_version(struct town *t, const char *theme, struct publish_version *ret)
{
	scope_reader reader = {0};
	struct error err = ERROR_INIT;

	check(store_reader_get(t->store, &reader, &err), &err);
	check(publish_newest(reader.db, town_theme(t, theme)->id, ret, &err),
	      &err);
}

static void
read_state(struct town *t, int64_t state, int64_t bytes, struct buf *ret)
{
	struct publish_reader *r = NULL;
	struct error err = ERROR_INIT;
	ssize_t n;

	check(publish_reader_open(t->store, state, &r, &err), &err);
	assert_int_equal(buf_reserve(ret, (size_t)bytes + 1), 0);
	n = publish_reader_read(r, ret->data, (size_t)bytes + 1, 0, &err);
	check((int)n, &err);
	assert_int_equal(n, bytes);
	ret->len = (size_t)n;
	publish_reader_close(r);
}

void
town_file(struct town *t, const char *theme, enum publish_kind kind,
	  const char *part, struct buf *ret)
{
	const struct publish_theme *th = town_theme(t, theme);
	struct publish_version v = {0};
	struct publish_file f = {0};
	struct error err = ERROR_INIT;

	{
		scope_reader reader = {0};

		check(store_reader_get(t->store, &reader, &err), &err);
		check(publish_newest(reader.db, th->id, &v, &err), &err);
		check(publish_file_at(reader.db, th, kind, part, v.seq, &f,
				      &err),
		      &err);
	}
	if (f.state)
		read_state(t, f.state, f.bytes, ret);
	else
		check(publish_header(th, kind, part, ret), &err);
	assert_non_null(buf_str(ret));
}

void
town_expect_file(struct town *t, const char *theme, enum publish_kind kind,
		 const char *part, const char *text)
{
	scope_buf got = BUF_INIT;

	town_file(t, theme, kind, part, &got);
	assert_string_equal(got.data, text);
}

void
town_expect_data(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_DATA, "", text);
}

void
town_expect_conflicts(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_CONFLICTS, "", text);
}

void
town_expect_orphans(struct town *t, const char *theme, const char *text)
{
	town_expect_file(t, theme, PUBLISH_ORPHANS, "", text);
}

static int
note_id(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

bool
town_subject(struct town *t, const char *theme, const char *key,
	     struct buf *ret)
{
	const struct publish_theme *th = town_theme(t, theme);
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int64_t row = 0;
	int rc;

	check(store_reader_get(t->store, &reader, &err), &err);
	rc = store_theme_row_find(reader.db, th->id, store_published(t->store),
				  slice_str(key), note_id, &row, &err);
	check(rc, &err);
	if (!rc)
		return false;
	check(publish_subject(reader.db, th, row, ret, &err), &err);
	assert_non_null(buf_str(ret));
	return true;
}

static int
report(void *ctx, const char *text)
{
	(void)ctx;
	print_message("%s\n", text);
	return 0;
}

void
town_verify(struct town *t)
{
	struct error err = ERROR_INIT;
	int rc = publish_verify(t->store, t->config, t->plan->themes,
				t->plan->nthemes, report, NULL, &err);

	check(rc, &err);
	assert_int_equal(rc, 0);
	rc = store_check(t->store, report, NULL, &err);
	check(rc, &err);
	assert_int_equal(rc, 0);
}

/*
 * Versions of the sample theme, byte for byte. Fails if a published byte is
 * not what the records say, if an older version changes, if a publish that
 * was not flipped is seen, or if a damaged pack is taken for whole.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/publish/world.h"

#include "base/io.h"
#include "base/scope.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char data_header[] = "uscc,name,penalties\n";

static void
first_version(struct world *w)
{
	world_begin(w, "20260101-000001");
	world_put(w, 0, 0, "L1;B;Beta, Ltd;5;2026-01-01;Li");
	world_put(w, 0, 0, "L2;A;Alpha;7;2026-01-01;Wu");
	world_put(w, 1, 0, "A;Alfa;A;3;true");
	world_put(w, 2, 0, "P1;A;10.50;1;2026-01-02");
	assert_int_equal(world_end(w), 1);
}

static void
second_version(struct world *w)
{
	world_begin(w, "20260101-000002");
	world_remove(w, 0, 0, "L1");
	world_put(w, 0, 0, "L3;C;Gamma;7;2026-01-01;");
	world_put(w, 2, 1, "A;P2;2026-01-03;1;1");
	assert_int_equal(world_end(w), 2);
}

static void
test_before_the_first_data(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	scope_buf sums = BUF_INIT;
	int64_t size = 0;

	world_expect(w, PUBLISH_DATA, "", 0, data_header);
	world_expect(w, PUBLISH_JSONL, "", 0, "");
	world_expect(w, PUBLISH_ORPHANS, "", 0, "source,subject,key\n");
	world_expect(w, PUBLISH_SOURCE, "aic/registrations", 0,
		     "licence_no,uscc,name,capital,updated_on\n");
	assert_int_equal(publish_sums(w->store, &w->sample.config, &w->theme, 0,
				      &sums, &err),
			 0);
	{
		scope_reader reader = {0};

		assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
		assert_int_equal(
			publish_sums_size(reader.db, &w->theme, 0, &size, &err),
			0);
	}
	assert_int_equal(size, sums.len);

	/* a submission that leaves every file empty makes no version */
	world_begin(w, "20260101-000001");
	assert_int_equal(publish_dirty_all(w->publish, &w->theme, &err), 0);
	assert_int_equal(world_end(w), 0);
	world_expect(w, PUBLISH_DATA, "", 0, data_header);
	first_version(w);
}

static void
test_versions(void **state)
{
	struct world *w = *state;
	char problem[256] = "";

	first_version(w);
	second_version(w);
	for (int again = 0; again < 2; again++) {
		world_expect(w, PUBLISH_DATA, "", 1,
			     "uscc,name,penalties\nA,Alpha,1\n"
			     "B,\"Beta, Ltd\",0\n");
		world_expect(w, PUBLISH_DATA, "", 2,
			     "uscc,name,penalties\nA,Alpha,2\nC,Gamma,0\n");
		/* the state is closed: the same after a restart */
		world_close(w);
		world_open(w);
	}
	world_expect(w, PUBLISH_JSONL, "", 2,
		     "{\"uscc\":\"A\",\"name\":\"Alpha\",\"penalties\":2}\n"
		     "{\"uscc\":\"C\",\"name\":\"Gamma\",\"penalties\":0}\n");
	world_expect(w, PUBLISH_CONFLICTS, "", 2,
		     "subject,field,winner_source,winner_value,source,value\n"
		     "A,name,registration,Alpha,rating,Alfa\n");
	world_expect(w, PUBLISH_SOURCE, "aic/registrations", 2,
		     "licence_no,uscc,name,capital,updated_on\n"
		     "L2,A,Alpha,7,2026-01-01\nL3,C,Gamma,7,2026-01-01\n");
	world_expect(w, PUBLISH_CHANGES, "1", 2,
		     "change,uscc,name,penalties\n"
		     "insert,A,Alpha,1\ninsert,B,\"Beta, Ltd\",0\n");
	world_expect(w, PUBLISH_CHANGES, "2", 2,
		     "change,uscc,name,penalties\nupdate,A,Alpha,2\n"
		     "delete,B,\"Beta, Ltd\",0\ninsert,C,Gamma,0\n");
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
}

static void
test_what_is_no_file(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct publish_file f;

	first_version(w);
	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	/* conditional: not in sources/ */
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_SOURCE,
					 "humen/penalties", 1, &f, &err),
			 0);
	assert_int_equal(f.bytes, -1);
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_CHANGES,
					 "2", 1, &f, &err),
			 0);
	assert_int_equal(f.bytes, -1);
	assert_int_equal(publish_file_get(reader.db, 4711, &f, &err), 0);
}

/* Provenance alone makes a version whose files are the same. */
static void
test_unchanged_bytes(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	struct publish_file was, is;
	struct publish_version v[2];

	first_version(w);
	world_begin(w, "20260101-000002");
	world_put(w, 2, 0, "P1;A;10.50;2;2026-01-02"); /* no rule reads it */
	assert_int_equal(world_end(w), 2);
	world_expect(w, PUBLISH_CHANGES, "2", 2,
		     "change,uscc,name,penalties\n");
	world_begin(w, "20260101-000003");
	assert_int_equal(world_end(w), 0);

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(publish_version_get(reader.db, w->theme.id,
						     i + 1, &v[i], &err),
				 1);
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_DATA,
					 NULL, v[0].seq, &was, &err),
			 0);
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_DATA,
					 NULL, v[1].seq, &is, &err),
			 0);
	assert_int_equal(was.state, is.state);
	assert_int_equal(is.mtime, v[0].published_at);
	assert_memory_equal(v[0].digest, v[1].digest, DIGEST_SIZE);
	assert_int_equal(v[1].inserted + v[1].updated + v[1].deleted, 0);
}

static void
test_orphans(void **state)
{
	struct world *w = *state;

	w->sample.theme.base = 0;
	world_begin(w, "20260101-000001");
	world_put(w, 0, 0, "L1;B;Beta;5;2026-01-01;");
	world_put(w, 2, 1, "A;P1;2026-01-03;1;1");
	world_put(w, 2, 0, "P1;A;10.50;1;2026-01-02");
	world_put(w, 2, 0, "P0;;10.50;1;2026-01-02");
	world_put(w, 1, 0, "A;Alfa;A;3;true");
	assert_int_equal(world_end(w), 1);
	world_expect(w, PUBLISH_ORPHANS, "", 1,
		     "source,subject,key\nrating,A,A\npenalty,,P0\n"
		     "penalty,A,P1\npenalty,A,P1\n");
	world_begin(w, "20260101-000002");
	world_put(w, 0, 0, "L2;A;Alpha;5;2026-01-01;");
	assert_int_equal(world_end(w), 2);
	world_expect(w, PUBLISH_ORPHANS, "", 2,
		     "source,subject,key\npenalty,,P0\n");
	world_expect(w, PUBLISH_DATA, "", 2,
		     "uscc,name,penalties\nA,Alpha,2\nB,Beta,0\n");
}

/* ---- what is read of versions -------------------------------------------- */

static void
test_index_and_days(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	scope_buf index = BUF_INIT;
	struct publish_version v;
	const char *line;

	first_version(w);
	w->now += INT64_C(86400) * 1000000000;
	second_version(w);
	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(publish_version_index(reader.db, w->theme.id, 0,
					       INT64_MAX, &index, &err),
			 0);
	line = strchr(buf_str(&index), '\n') + 1;
	assert_memory_equal(line,
			    "1,2026-01-01T01:00:00+00:00,"
			    "20260101-000001,2,2,0,0,",
			    51);
	line = strchr(line, '\n') + 1;
	assert_memory_equal(line,
			    "2,2026-01-02T02:00:00+00:00,"
			    "20260101-000002,2,1,1,1,",
			    51);
	assert_int_equal(publish_newest(reader.db, w->theme.id, &v, &err), 1);
	assert_int_equal(v.number, 2);
	assert_int_equal(
		publish_version_on(reader.db, w->theme.id, 20260101, &v, &err),
		1);
	assert_int_equal(v.number, 1);
	assert_int_equal(
		publish_version_on(reader.db, w->theme.id, 20260103, &v, &err),
		1);
	assert_int_equal(v.number, 2);
	assert_int_equal(
		publish_version_on(reader.db, w->theme.id, 20251231, &v, &err),
		0);
	assert_int_equal(v.number, 0);
	assert_int_equal(
		publish_version_on(reader.db, w->theme.id, 20260231, &v, &err),
		0);
	assert_int_equal(
		publish_version_get(reader.db, w->theme.id, 3, &v, &err), 0);
}

static void
expect_sum(struct buf *sums, const char *path, struct slice bytes)
{
	unsigned char sha256[DIGEST_SIZE];
	char hex[DIGEST_HEX], line[DIGEST_HEX + 128];

	assert_int_equal(digest_bytes(bytes.p, bytes.n, sha256), 0);
	digest_hex(sha256, DIGEST_SIZE, hex);
	snprintf(line, sizeof(line), "%s  %s\n", hex, path);
	assert_non_null(strstr(buf_str(sums), line));
}

static void
test_sums_and_texts(void **state)
{
	static const char *const order[] = {"  README.txt\n",
					    "  conflicts.csv\n",
					    "  data.csv\n",
					    "  data.jsonl\n",
					    "  datapackage.json\n",
					    "  orphans.csv\n",
					    "  sources/aic.registrations.csv\n",
					    "  sources/env.penalties.csv\n",
					    "  sources/tax.ratings.csv\n"};
	struct world *w = *state;
	struct error err = ERROR_INIT;
	scope_buf sums = BUF_INIT;
	scope_buf bytes = BUF_INIT;
	scope_buf text = BUF_INIT;
	scope_reader reader = {0};
	struct publish_file f;
	unsigned char sha256[DIGEST_SIZE];
	int64_t size = 0, id = 0;
	size_t at = 0;

	first_version(w);
	assert_int_equal(publish_sums(w->store, &w->sample.config, &w->theme, 1,
				      &sums, &err),
			 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		at += DIGEST_HEX - 1;
		assert_memory_equal(sums.data + at, order[i], strlen(order[i]));
		at += strlen(order[i]);
	}
	assert_int_equal(at, sums.len);
	world_read(w, PUBLISH_DATA, "", 1, &bytes);
	expect_sum(&sums, "data.csv", buf_slice(&bytes));
	world_read(w, PUBLISH_SOURCE, "tax/ratings", 1, &bytes);
	expect_sum(&sums, "sources/tax.ratings.csv", buf_slice(&bytes));

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	assert_int_equal(
		publish_sums_size(reader.db, &w->theme, 1, &size, &err), 0);
	assert_int_equal(size, sums.len);
	assert_int_equal(publish_text(reader.db, &w->sample.config, &w->theme,
				      1, PUBLISH_README, &id, &text, &err),
			 0);
	assert_true(id > 0);
	expect_sum(&sums, "README.txt", buf_slice(&text));
	assert_int_equal(publish_text(reader.db, &w->sample.config, &w->theme,
				      1, "NEWS", &id, &text, &err),
			 ERR_NOTFOUND);
	/* what was asked for once is remembered */
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_JSONL,
					 "", 1, &f, &err),
			 0);
	assert_int_equal(
		publish_file_sha256_known(reader.db, f.state, sha256, &err), 1);
	assert_int_equal(publish_file_at(reader.db, &w->theme, PUBLISH_CHANGES,
					 "1", 1, &f, &err),
			 0);
	assert_int_equal(
		publish_file_sha256_known(reader.db, f.state, sha256, &err), 0);
}

static void
expect_between(struct world *w, int64_t from, int64_t to, const char *text)
{
	int fd = memfd_create("changes", MFD_CLOEXEC);
	struct error err = ERROR_INIT;
	scope_reader reader = {0};
	int64_t bytes = 0;
	char got[512] = "";
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	rc = publish_changes_between(reader.db, &w->theme, from, to, fd, &bytes,
				     &err);
	if (rc)
		fail_msg("%s", err.text);
	assert_int_equal(bytes, io_pread(fd, got, sizeof(got) - 1, 0, NULL));
	assert_string_equal(got, text);
	close(fd);
}

static int
between(struct world *w, int64_t from, int64_t to)
{
	scope_reader reader = {0};
	int64_t bytes = 0;

	assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
	return publish_changes_between(reader.db, &w->theme, from, to, -1,
				       &bytes, NULL);
}

static void
test_changes_between(void **state)
{
	struct world *w = *state;

	first_version(w);
	second_version(w);
	world_begin(w, "20260101-000003");
	world_put(w, 0, 0, "L1;B;Beta, Ltd;5;2026-01-01;Li");
	world_remove(w, 0, 0, "L3");
	assert_int_equal(world_end(w), 3);
	expect_between(w, 0, 2,
		       "change,uscc,name,penalties\n"
		       "insert,A,Alpha,2\ninsert,C,Gamma,0\n");
	/* B came back as it was; C came and went */
	expect_between(w, 1, 3,
		       "change,uscc,name,penalties\nupdate,A,Alpha,2\n");
	expect_between(w, 2, 3,
		       "change,uscc,name,penalties\n"
		       "insert,B,\"Beta, Ltd\",0\ndelete,C,Gamma,0\n");
	assert_int_equal(between(w, 0, 4), ERR_NOTFOUND);
	assert_int_equal(between(w, 2, 2), ERR_INVALID);
}

/* Other columns: older versions keep theirs, and a delete has no old values
 * that would stand under a wrong name. */
static void
test_changed_rules(void **state)
{
	struct world *w = *state;
	char problem[256] = "";

	first_version(w);
	sample_rule(&w->sample, "fined = sum penalty.amount");
	/* not published yet: verify does not mistake it for damage */
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
	assert_int_equal(world_rules(w), 2);
	world_expect(w, PUBLISH_DATA, "", 1,
		     "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	world_expect(w, PUBLISH_DATA, "", 2,
		     "uscc,name,penalties,fined\nA,Alpha,1,10.50\n"
		     "B,\"Beta, Ltd\",0,\n");
	world_begin(w, "20260101-000003");
	world_remove(w, 0, 0, "L1");
	assert_int_equal(world_end(w), 3);
	expect_between(w, 1, 3,
		       "change,uscc,name,penalties,fined\n"
		       "update,A,Alpha,1,10.50\ndelete,B,,,\n");
	expect_between(w, 2, 3,
		       "change,uscc,name,penalties,fined\n"
		       "delete,B,\"Beta, Ltd\",0,\n");
	/* what was before has the columns of then */
	expect_between(w, 0, 1,
		       "change,uscc,name,penalties\n"
		       "insert,A,Alpha,1\ninsert,B,\"Beta, Ltd\",0\n");
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
}

static void
test_source_withdrawn(void **state)
{
	struct world *w = *state;
	struct config_member *member = &w->sample.theme.sources[1].members[0];
	const struct config_resource *shown = member->resource;
	struct config_resource hidden = *shown;
	struct error err = ERROR_INIT;
	struct publish_file f;

	first_version(w);
	hidden.sharing = CONFIG_CONDITIONAL;
	member->resource = &hidden;
	assert_int_equal(world_rules(w), 2);
	{
		scope_reader reader = {0};

		assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
		assert_int_equal(publish_file_at(reader.db, &w->theme,
						 PUBLISH_SOURCE, "tax/ratings",
						 w->seq, &f, &err),
				 0);
	}
	assert_int_equal(f.bytes, -1);
	world_expect(w, PUBLISH_SOURCE, "tax/ratings", 1,
		     "uscc,taxpayer_name,grade,score,listed\n"
		     "A,Alfa,A,3,true\n");
	member->resource = shown;
	assert_int_equal(world_rules(w), 3);
	world_expect(w, PUBLISH_SOURCE, "tax/ratings", 3,
		     "uscc,taxpayer_name,grade,score,listed\n"
		     "A,Alfa,A,3,true\n");
}

struct found {
	int64_t id;
	const char *subject;
};

static int
note_row(void *ctx, const struct store_theme_row *r)
{
	struct found *found = ctx;

	if (slice_is(r->subject, found->subject))
		found->id = r->id;
	return 0;
}

static void
test_subjects(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;
	struct found found = {0, "A"};
	scope_buf then = BUF_INIT;
	scope_buf again = BUF_INIT;

	first_version(w);
	{
		scope_reader reader = {0};

		assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
		assert_int_equal(store_theme_row_each(reader.db, w->theme.id, 1,
						      SLICE_NONE, SLICE_NONE,
						      note_row, &found, NULL),
				 0);
		assert_int_equal(publish_subject(reader.db, &w->theme, found.id,
						 &then, &err),
				 1);
	}
	assert_non_null(strstr(buf_str(&then), "\"version\": 1"));
	assert_non_null(strstr(then.data, "\"Alfa\""));
	second_version(w);
	{
		scope_reader reader = {0};

		assert_int_equal(store_reader_get(w->store, &reader, NULL), 0);
		assert_int_equal(publish_subject(reader.db, &w->theme, found.id,
						 &again, &err),
				 1);
		assert_string_equal(then.data, buf_str(&again));
		assert_int_equal(publish_subject(reader.db, &w->theme, 4711,
						 &again, &err),
				 0);
		/* told by the rules of then */
		sample_rule(&w->sample, "fined = sum penalty.amount");
		world_say(w);
		buf_clear(&again);
		assert_int_equal(publish_subject(reader.db, &w->theme, found.id,
						 &again, &err),
				 1);
		assert_string_equal(then.data, buf_str(&again));
	}
}

/* ---- crashes and damage -------------------------------------------------- */

static bool
has_pack(struct world *w, int64_t seq)
{
	char name[64];

	snprintf(name, sizeof(name), "packs/%012lld.pack", (long long)seq);
	return faccessat(w->dir, name, F_OK, 0) == 0;
}

static void
test_killed_before_the_flip(void **state)
{
	struct world *w = *state;
	char problem[256] = "";
	int64_t seq;

	first_version(w);
	world_begin(w, "20260101-000002");
	world_put(w, 0, 0, "L9;Z;Zeta;5;2026-01-01;");
	world_write(w);
	seq = w->seq;
	assert_true(has_pack(w, seq));
	publish_done(w->publish); /* nobody tidies up after a kill */
	publish_free(w->publish);
	world_close(w);

	world_open(w);
	assert_false(has_pack(w, seq));
	assert_true(has_pack(w, seq - 1));
	world_expect(w, PUBLISH_DATA, "", 1,
		     "uscc,name,penalties\nA,Alpha,1\nB,\"Beta, Ltd\",0\n");
	second_version(w);
	assert_int_equal(w->seq, seq);
	world_expect(w, PUBLISH_DATA, "", 2,
		     "uscc,name,penalties\nA,Alpha,2\nC,Gamma,0\n");
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
}

static void
test_given_up(void **state)
{
	struct world *w = *state;
	struct error err = ERROR_INIT;

	first_version(w);
	world_begin(w, "20260101-000002");
	world_put(w, 0, 0, "L9;Z;Zeta;5;2026-01-01;");
	assert_int_equal(publish_dirty_all(w->publish, &w->theme, &err), 0);
	assert_int_equal(publish_write(w->publish, NULL, &err), 0);
	assert_true(has_pack(w, w->seq));
	publish_free(w->publish);
	store_records_rollback(w->store);
	assert_false(has_pack(w, w->seq));
	second_version(w);
	world_expect(w, PUBLISH_DATA, "", 2,
		     "uscc,name,penalties\nA,Alpha,2\nC,Gamma,0\n");
}

static void
flip_byte(struct world *w, const char *pack, off_t at)
{
	scope_fd fd = openat(w->dir, pack, O_RDWR | O_CLOEXEC);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(io_pread(fd, &c, 1, at, NULL), 1);
	c ^= 1;
	assert_int_equal(io_pwrite(fd, &c, 1, at, NULL), 0);
}

static void
test_damage_is_found(void **state)
{
	static const char pack[] = "packs/000000000001.pack";
	struct world *w = *state;
	struct stat st;
	char problem[256] = "";

	first_version(w);
	second_version(w);
	assert_int_equal(fstatat(w->dir, pack, &st, 0), 0);
	for (off_t at = 0; at < st.st_size; at += 7) {
		flip_byte(w, pack, at);
		assert_true(world_verify(w, problem, sizeof(problem)) > 0);
		assert_non_null(strstr(problem, pack));
		flip_byte(w, pack, at);
	}
	assert_int_equal(world_verify(w, problem, sizeof(problem)), 0);
	assert_int_equal(unlinkat(w->dir, pack, 0), 0);
	assert_true(world_verify(w, problem, sizeof(problem)) > 0);
	assert_non_null(strstr(problem, "is missing"));
}

/* ---- places -------------------------------------------------------------- */

static void
test_orphan_places(void **state)
{
	/* in order: source, then subject, then key, then member */
	static const struct {
		size_t source, member;
		const char *subject;
		struct slice key;
	} places[] = {
		{0, 0, "", {"z", 1}},	    {0, 0, "a", {"", 0}},
		{0, 1, "a", {"", 0}},	    {0, 0, "a", {"k", 1}},
		{0, 300, "a", {"k", 1}},    {0, 0, "a", {"kk", 2}},
		{0, 0, "ab", {"\0\0", 2}},  {0, 0, "ab", {"\0\0b", 3}},
		{0, 0, "ab", {"a\0\0", 3}}, {1, 0, "", {"a", 1}},
		{300, 2, "q", {"a", 1}},
	};
	scope_buf last = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		scope_buf place = BUF_INIT;
		struct slice subject, key;
		size_t source, member;

		assert_int_equal(
			publish_orphan_place(places[i].source, places[i].member,
					     slice_str(places[i].subject),
					     places[i].key, &place),
			0);
		assert_true(slice_cmp(buf_slice(&last), buf_slice(&place)) < 0);
		assert_int_equal(publish_orphan_parse(buf_slice(&place),
						      &source, &member,
						      &subject, &key),
				 0);
		assert_int_equal(source, places[i].source);
		assert_int_equal(member, places[i].member);
		assert_true(slice_is(subject, places[i].subject));
		assert_true(slice_eq(key, places[i].key));
		buf_clear(&last);
		assert_int_equal(buf_addslice(&last, buf_slice(&place)), 0);
	}
	{
		struct slice s;
		size_t n;

		assert_int_equal(
			publish_orphan_parse(SLICE("\0\0a"), &n, &n, &s, &s),
			ERR_CORRUPT);
		assert_int_equal(publish_orphan_parse(SLICE("\0\0abcdef"), &n,
						      &n, &s, &s),
				 ERR_CORRUPT);
	}
}

/* The vectors of doc/format.md: they never change. */
static void
test_borders(void **state)
{
	(void)state;
	assert_true(digest_key64(SLICE("")) == UINT64_C(0xefd01f60ba992926));
	assert_true(digest_key64(SLICE("a")) == UINT64_C(0x82a2a958a9bece5b));
	assert_true(digest_key64(SLICE("91440000100000004X")) ==
		    UINT64_C(0xc292535800bb5a3e));
	assert_true(digest_key64(SLICE("东莞")) ==
		    UINT64_C(0x8073dfc2156b0f01));
	assert_true(digest_key64(SLICE("A\0L2")) ==
		    UINT64_C(0x8382b29de1a55f0c));
	assert_true(publish_is_border(SLICE("S00023"), 63));
	assert_true(publish_is_border(SLICE("S00357"), 63));
	assert_false(publish_is_border(SLICE("S00024"), 63));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_before_the_first_data,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_versions, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_file,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_unchanged_bytes,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_orphans, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_index_and_days,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_sums_and_texts,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_changes_between,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_changed_rules, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_source_withdrawn,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_subjects, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_killed_before_the_flip,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_given_up, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_damage_is_found,
						world_setup, world_teardown),
		cmocka_unit_test(test_orphan_places),
		cmocka_unit_test(test_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

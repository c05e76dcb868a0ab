/*
 * What the verbs answer. Fails if a fact is missing or wrong, if a name that
 * does not exist is not refused with what there is, or if a wait ends at the
 * wrong moment.
 */
#include "tests/unit/control/server.h"

#include "store/submission.h"

#define REQUEST 256 /* bytes of a request's line */

/* An answer of which only its end matters. */
static void
expect(const char *line, int exit_status, const char *error)
{
	struct server_answer a = server_ask(line);

	if (a.exit_status != exit_status || !strstr(a.error, error))
		fail_msg("%s: %d '%s'", line, a.exit_status, a.error);
	server_answer_release(&a);
}

static struct server_answer
done(const char *line)
{
	struct server_answer a = server_ask(line);

	if (a.exit_status != 0)
		fail_msg("%s: %d '%s'", line, a.exit_status, a.error);
	return a;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("no text '%s'", key);
	return text;
}

static json_int_t
number_of(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	if (!json_is_integer(number))
		fail_msg("no number '%s'", key);
	return json_integer_value(number);
}

static void
status_has_every_fact(void **state)
{
	struct server *s = *state;
	struct server_answer a;
	const json_t *item, *counts;

	server_submit(s, "aic/registrations", "a.csv", "");
	server_submit(s, "aic/registrations", "b.csv", "quarantined");
	a = done("{\"verb\":\"status\"}");
	assert_int_equal(json_array_size(a.items), 1);
	item = json_array_get(a.items, 0);
	counts = json_object_get(item, "submissions");
	assert_string_equal(text_of(item, "title"), s->config->title);
	assert_string_equal(text_of(item, "state"), s->config->state);
	assert_string_equal(text_of(item, "mountpoint"), "/mnt/city");
	assert_int_equal(number_of(item, "keeper_pid"), 11);
	assert_int_equal(number_of(item, "worker_pid"), 12);
	assert_int_equal(number_of(item, "notifier_pid"), 13);
	assert_int_equal(number_of(item, "worker_generation"), 3);
	assert_int_equal(number_of(item, "published_sequence"), 0);
	assert_int_equal(number_of(counts, "judging"), 1);
	assert_int_equal(number_of(counts, "quarantined"), 1);
	assert_int_equal(json_array_size(json_object_get(item, "judging")), 0);
	assert_int_equal(number_of(item, "waiting"), 1);
	assert_true(json_is_null(json_object_get(item, "trouble")));
	item = json_array_get(json_object_get(item, "warnings"), 0);
	assert_string_equal(json_string_value(item), "the moon is full");
	server_answer_release(&a);
}

static void
submissions_can_be_narrowed(void **state)
{
	static const struct {
		const char *options;
		size_t n;
	} cases[] = {
		{"", 4},
		{"\"limit\":\"3\"", 3},
		{"\"limit\":\"0\"", 4},
		{"\"state\":\"accepted\"", 2},
		{"\"department\":\"aic\"", 3},
		{"\"department\":\"aic\",\"limit\":\"2\"", 2},
		{"\"department\":\"tax\",\"state\":\"judging\"", 0},
		{"\"resource\":\"tax/ratings\"", 1},
		{"\"resource\":\"aic/registrations\",\"state\":\"judging\"", 1},
	};
	struct server *s = *state;

	server_submit(s, "aic/registrations", "a.csv", "accepted");
	server_submit(s, "aic/registrations", "b.csv", "rejected");
	server_submit(s, "tax/ratings", "c.csv", "accepted");
	server_submit(s, "aic/registrations", "d.csv", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char line[REQUEST];
		struct server_answer a;

		snprintf(line, sizeof(line),
			 "{\"verb\":\"submissions\",\"options\":{%s}}",
			 cases[i].options);
		a = done(line);
		if (json_array_size(a.items) != cases[i].n)
			fail_msg("%s: %zu", line, json_array_size(a.items));
		server_answer_release(&a);
	}
	expect("{\"verb\":\"submissions\",\"options\":{\"state\":\"x\"}}", 2,
	       "quarantined");
	expect("{\"verb\":\"submissions\",\"options\":{\"resource\":\"x\"}}", 1,
	       "no resource 'x'");
	expect("{\"verb\":\"submissions\",\"options\":{\"department\":\"x\"}}",
	       1, "no department 'x'");
	expect("{\"verb\":\"submissions\",\"options\":{\"limit\":\"x\"}}", 2,
	       "limit");
}

static void
the_newest_submission_comes_first(void **state)
{
	struct server *s = *state;
	struct server_answer a;

	server_submit(s, "aic/registrations", "old.csv", "accepted");
	server_submit(s, "tax/ratings", "新 \"1\".csv", "");
	a = done("{\"verb\":\"submissions\"}");
	assert_string_equal(text_of(json_array_get(a.items, 0), "file"),
			    "新 \"1\".csv");
	assert_string_equal(text_of(json_array_get(a.items, 0), "resource"),
			    "tax/ratings");
	assert_string_equal(
		text_of(json_array_get(a.items, 1), "judged_at") + 10,
		strchr(text_of(json_array_get(a.items, 1), "judged_at"), 'T'));
	server_answer_release(&a);
}

static void
id_of(struct server *s, int64_t number, char ret[STORE_SUBMISSION_ID_MAX])
{
	struct store_submission sub;
	scope_reader reader = {0};

	assert_int_equal(store_reader_get(s->store, &reader, NULL), 0);
	assert_int_equal(store_submission_get(reader.db, number, &sub, NULL),
			 1);
	memcpy(ret, sub.id, STORE_SUBMISSION_ID_MAX);
	store_submission_release(&sub);
}

/* A request with a first argument; 'more' are further ones, each begun by a
 * comma, 'options' the members of the options. Returns 'line'. */
static const char *
request(char line[REQUEST], const char *verb, const char *first,
	const char *more, const char *options)
{
	snprintf(line, REQUEST,
		 "{\"verb\":\"%s\",\"args\":[\"%s\"%s],\"options\":{%s}}", verb,
		 first, more, options);
	return line;
}

static void
receipts_are_given_as_they_are(void **state)
{
	struct server *s = *state;
	char judged[STORE_SUBMISSION_ID_MAX], judging[STORE_SUBMISSION_ID_MAX];
	char line[REQUEST];
	struct server_answer a;

	id_of(s, server_submit(s, "tax/ratings", "a.csv", "accepted"), judged);
	id_of(s, server_submit(s, "tax/ratings", "b.csv", ""), judging);
	request(line, "receipt", judged, "", "\"form\":\"json\"");
	a = done(line);
	assert_string_equal(a.text, "{\"a\": 1}\n");
	server_answer_release(&a);
	request(line, "receipt", judged, "", "");
	a = done(line);
	assert_string_equal(a.text, "a verdict\n");
	server_answer_release(&a);
	request(line, "receipt", judging, "", "");
	expect(line, 1, "no receipt yet");
	expect("{\"verb\":\"receipt\",\"args\":[\"20000101-000001\"]}", 1,
	       "no submission '20000101-000001'");
}

static void
only_what_is_quarantined_is_released(void **state)
{
	struct server *s = *state;
	char id[STORE_SUBMISSION_ID_MAX], line[REQUEST];

	id_of(s, server_submit(s, "tax/ratings", "a.csv", "quarantined"), id);
	request(line, "release", id, "", "");
	expect(line, 0, "");
	/* its verdict is to come, so a wait goes on */
	request(line, "wait", id, "", "\"timeout_ms\":\"0\"");
	expect(line, 1, "the time is over");
	id_of(s, server_submit(s, "tax/ratings", "b.csv", "accepted"), id);
	request(line, "release", id, "", "");
	expect(line, 1, "not quarantined");
}

static void
a_wait_for_one_ends_by_its_verdict(void **state)
{
	static const struct {
		const char *verdict;
		int exit_status;
		const char *error;
	} cases[] = {
		{"accepted", 0, ""},
		{"unchanged", 0, ""},
		{"partial", 1, "is partial"},
		{"quarantined", 1, "is quarantined"},
		{"rejected", 1, "is rejected"},
		{"incomplete", 1, "is incomplete"},
		{"", 1, "the time is over"},
	};
	struct server *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[STORE_SUBMISSION_ID_MAX], line[REQUEST];

		id_of(s,
		      server_submit(s, "tax/ratings", "a.csv",
				    cases[i].verdict),
		      id);
		request(line, "wait", id, "", "\"timeout_ms\":\"5\"");
		expect(line, cases[i].exit_status, cases[i].error);
	}
	expect("{\"verb\":\"wait\",\"args\":[\"20000101-000001\"]}", 1,
	       "no submission");
}

/* A verdict that comes while somebody waits ends the wait. */
static void
a_wait_sees_a_verdict_come(void **state)
{
	struct server *s = *state;
	const struct store_verdict v = {.state = "accepted", .judged_at = 1};
	int64_t number = server_submit(s, "tax/ratings", "a.csv", "");
	char id[STORE_SUBMISSION_ID_MAX], line[REQUEST];
	int fd = server_connect();
	struct server_answer a;
	scope_txn txn = {0};

	id_of(s, number, id);
	request(line, "wait", id, "", "");
	server_send(fd, line);
	server_send(fd, "\n");
	assert_int_equal(store_begin(s->store, &txn, NULL), 0);
	assert_int_equal(store_submission_judged(&txn, number, &v, NULL), 0);
	assert_int_equal(store_commit(&txn, NULL), 0);
	a = server_read(fd);
	assert_int_equal(a.exit_status, 0);
	assert_string_equal(text_of(json_array_get(a.items, 0), "state"),
			    "accepted");
	server_answer_release(&a);
}

#define WAIT_FOR(path) \
	"{\"verb\":\"wait\",\"args\":[\"" path "\"]," \
	"\"options\":{\"timeout_ms\":\"0\"}}"

static void
a_wait_knows_files_by_their_paths(void **state)
{
	struct server *s = *state;

	server_submit(s, "tax/ratings", "past.csv", "rejected");
	server_submit(s, "tax/ratings", "past.csv", "accepted");
	expect(WAIT_FOR("/mnt/city/inbox/tax/ratings/past.csv"), 0, "");
	expect(WAIT_FOR("inbox/tax/ratings/past.csv"), 0, "");
	/* the folder has another name in another language */
	expect(WAIT_FOR("/mnt/city/\xe6\x94\xb6/tax/ratings/past.csv"), 0, "");
	expect(WAIT_FOR("inbox/tax/ratings/none.csv"), 1, "there was none");
	expect(WAIT_FOR("inbox/tax/nothing/past.csv"), 1, "no resource");
	expect(WAIT_FOR("inbox/tax/ratings/x.csv.part"), 1, "rename it");
	expect(WAIT_FOR("/mnt/other/inbox/tax/ratings/past.csv"), 2, "inbox");
	expect(WAIT_FOR("/mnt/cityinbox/tax/ratings/past.csv"), 2, "inbox");
	expect(WAIT_FOR("past.csv"), 2, "past.csv");
	expect(WAIT_FOR(""), 2, "inbox");
	expect(WAIT_FOR("/"), 2, "inbox");
	expect(WAIT_FOR("a//b"), 2, "inbox");
}

static void
themes_are_named_when_one_is_not_found(void **state)
{
	const struct server *s = *state;
	char line[REQUEST];

	snprintf(line, sizeof(line),
		 "there is no theme 'x'; the themes are: "
		 "'%s'",
		 s->config->themes[0].id);
	expect("{\"verb\":\"versions\",\"args\":[\"x\"]}", 1, line);
	expect("{\"verb\":\"diff\",\"args\":[\"x\",\"0\",\"1\"]}", 1, line);
	expect("{\"verb\":\"subject\",\"args\":[\"x\",\"E1\"]}", 1, line);
	expect("{\"verb\":\"versions\",\"args\":[\"tax/ratings\"]}", 2,
	       "is a resource");
}

static void
before_the_first_data_there_is_nothing(void **state)
{
	const struct server *s = *state;
	const char *theme = s->config->themes[0].id;
	char line[REQUEST];
	struct server_answer a;

	request(line, "versions", theme, "", "");
	a = done(line);
	assert_int_equal(json_array_size(a.items), 0);
	server_answer_release(&a);
	a = done("{\"verb\":\"themes\"}");
	assert_int_equal(json_array_size(a.items), s->config->nthemes);
	assert_int_equal(number_of(json_array_get(a.items, 0), "version"), 0);
	server_answer_release(&a);
	request(line, "subject", theme, ",\"E1\"", "");
	expect(line, 1, "no subject 'E1'");
	request(line, "diff", theme, ",\"0\",\"1\"", "");
	expect(line, 1, "no version 1");
	request(line, "diff", theme, ",\"1\",\"0\"", "");
	expect(line, 2, "does not come before");
	request(line, "diff", theme, ",\"0\",\"now\"", "");
	expect(line, 2, "'now' is no version");
	expect("{\"verb\":\"verify\"}", 0, "");
}

static void
the_catalogue_is_listed_shown_and_searched(void **state)
{
	const struct server *s = *state;
	struct server_answer a =
		done("{\"verb\":\"catalogue\",\"args\":[\"list\"]}");
	const json_t *item;

	assert_int_equal(json_array_size(a.items), s->config->nresources);
	server_answer_release(&a);
	a = done("{\"verb\":\"catalogue\",\"args\":[\"show\","
		 "\"tax/ratings\"]}");
	item = json_array_get(a.items, 0);
	assert_string_equal(text_of(item, "resource"), "tax/ratings");
	assert_true(json_array_size(json_object_get(item, "fields")) > 0);
	server_answer_release(&a);
	a = done("{\"verb\":\"catalogue\",\"args\":[\"search\",\"RATINGS\"]}");
	assert_int_equal(json_array_size(a.items), 1);
	server_answer_release(&a);
	a = done("{\"verb\":\"catalogue\",\"args\":[\"search\",\"ratings\","
		 "\"no such word\"]}");
	assert_int_equal(json_array_size(a.items), 0);
	server_answer_release(&a);
	expect("{\"verb\":\"catalogue\",\"args\":[\"show\",\"x\"]}", 1,
	       "no resource 'x'");
	expect("{\"verb\":\"catalogue\",\"args\":[\"approve\",\"1\"]}", 2,
	       "'catalogue approve' is not part of this version");
	expect("{\"verb\":\"catalogue\",\"args\":[\"paint\"]}", 2, "search");
}

static void
a_reload_tells_all_that_is_wrong(void **state)
{
	static const char question[] = "{\"verb\":\"reload\"}";
	struct server *s = *state;
	struct server_answer a;

	s->reloads = CONTROL_USAGE;
	a = server_ask(question);
	assert_int_equal(a.exit_status, 2);
	assert_non_null(strstr(a.error, "stays as it was"));
	assert_int_equal(json_array_size(a.items), 2);
	assert_true(json_is_true(
		json_object_get(json_array_get(a.items, 0), "warning")));
	assert_string_equal(text_of(json_array_get(a.items, 1), "text"),
			    "civicfs.conf:4: unknown key");
	server_answer_release(&a);
	s->reloads = ERR_IO;
	expect(question, 1, "nobody is there");
	s->reloads = ERR_BUSY;
	a = server_ask(question);
	assert_int_equal(a.exit_status, 1);
	assert_true(json_is_true(
		json_object_get(json_array_get(a.items, 0), "busy")));
	server_answer_release(&a);
}

static void
a_reload_names_what_the_next_worker_has(void **state)
{
	struct server *s = *state;
	struct server_answer a = done("{\"verb\":\"reload\"}");
	const json_t *item;

	assert_int_equal(json_array_size(a.items), 2);
	item = json_array_get(a.items, 1);
	assert_string_equal(text_of(item, "digest"), "cafe");
	assert_int_equal(number_of(item, "worker_pid"), 12);
	server_answer_release(&a);
	s->is_older = true;
	a = done("{\"verb\":\"configuration\"}");
	item = json_array_get(a.items, 0);
	assert_string_equal(text_of(item, "digest"), s->config->digest);
	assert_int_equal(number_of(item, "worker_pid"), 12);
	assert_true(json_is_false(json_object_get(item, "forgotten")));
	assert_true(json_is_null(json_object_get(item, "refused")));
	server_answer_release(&a);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_has_every_fact),
		TEST(submissions_can_be_narrowed),
		TEST(the_newest_submission_comes_first),
		TEST(receipts_are_given_as_they_are),
		TEST(only_what_is_quarantined_is_released),
		TEST(a_wait_for_one_ends_by_its_verdict),
		TEST(a_wait_sees_a_verdict_come),
		TEST(a_wait_knows_files_by_their_paths),
		TEST(themes_are_named_when_one_is_not_found),
		TEST(before_the_first_data_there_is_nothing),
		TEST(the_catalogue_is_listed_shown_and_searched),
		TEST(a_reload_tells_all_that_is_wrong),
		TEST(a_reload_names_what_the_next_worker_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

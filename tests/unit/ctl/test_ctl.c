/*
 * The parts of the command line that need no daemon. Fails if the table of
 * verbs and its functions disagree, if JSON loses a digit, if progress does
 * not fit its line, or if a daemon is seen where there is none, or not where
 * there is one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/scope.h"
#include "control/control.h"
#include "ctl/changes.h"
#include "ctl/keeper.h"
#include "ctl/print.h"
#include "ctl/progress.h"
#include "ctl/verbs.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- the table ----------------------------------------------------------- */

static void
the_table_is_whole(void **state)
{
	(void)state;
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		if (ctl_verb_find(v->name) != v)
			fail_msg("'%s' stands twice", v->name);
		assert_non_null(v->sentence);
		assert_true(v->sentence[0] >= 'a' || v->sentence[0] == '\'');
		if (!v->run)
			continue;
		assert_non_null(v->arguments);
		assert_true(v->min <= v->max);
		if ((v->max == 0) != (*v->arguments == '\0'))
			fail_msg("'%s': its arguments are not told", v->name);
	}
	assert_null(ctl_verb_find("no-such-verb"));
}

/* Every verb of the contract is there, if only to be refused. */
static void
no_verb_is_unknown(void **state)
{
	static const char *const names[] = {
		"status",	"wait",	   "submissions", "receipt",
		"try",		"release", "withdraw",	  "catalogue",
		"desk",		"themes",  "versions",	  "diff",
		"subject",	"find",	   "explain",	  "open",
		"seal",		"expunge", "supervision", "audit",
		"verify",	"gc",	   "backup",	  "restore",
		"check-config", "reload",  "doctor",	  "stop"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!ctl_verb_find(names[i]))
			fail_msg("no verb '%s'", names[i]);
	}
}

static void
a_near_verb_is_offered(void **state)
{
	(void)state;
	assert_string_equal(ctl_verb_nearest("statsu"), "status");
	assert_string_equal(ctl_verb_nearest("submission"), "submissions");
	assert_null(ctl_verb_nearest("zzzzzzzzzzzz"));
}

/* ---- JSON ---------------------------------------------------------------- */

static void
numbers_keep_their_digits(void **state)
{
	json_t *j = ctl_json_exact(
		SLICE("{\"a\": 100.50, \"b\":-0.10,\"c\":99999999999999999999, "
		      "\"d\": \"1 \\\" 2\", \"e\": [1, 2.0], \"f\": null}"));
	const json_t *e;

	(void)state;
	assert_non_null(j);
	e = json_object_get(j, "e");
	assert_string_equal(json_string_value(json_object_get(j, "a")),
			    "100.50");
	assert_string_equal(json_string_value(json_object_get(j, "b")),
			    "-0.10");
	assert_string_equal(json_string_value(json_object_get(j, "c")),
			    "99999999999999999999");
	assert_string_equal(json_string_value(json_object_get(j, "d")),
			    "1 \" 2");
	assert_string_equal(json_string_value(json_array_get(e, 1)), "2.0");
	assert_true(json_is_null(json_object_get(j, "f")));
	json_decref(j);
}

static void
what_is_no_json_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",  "\"",   "\"\\",	  "{",	    "{\"a\":}", "-",
		"1", "[1,]", "{\"a\" 1}", "\"\\\"", "[1 2]"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_t *j = ctl_json_exact(slice_str(wrong[i]));

		if (j)
			fail_msg("'%s' is taken", wrong[i]);
	}
}

static void
values_are_told_to_people(void **state)
{
	json_t *j =
		json_pack("[s, i, b, b, n, [s, s]]", "a", 7, 1, 0, "x", "y");
	static const char *const texts[] = {"a", "7", "yes", "no", "", "x, y"};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		scope_buf out = BUF_INIT;

		assert_int_equal(ctl_value_text(json_array_get(j, i), &out), 0);
		assert_string_equal(buf_str(&out), texts[i]);
	}
	json_decref(j);
}

/* ---- changes ------------------------------------------------------------- */

static int
changes(const char *csv, char *ret, size_t size)
{
	struct config_problems problems = {0};
	struct config *config = NULL;
	struct error err = ERROR_INIT;
	char path[] = "/tmp/civicfs-ctl-XXXXXX";
	scope_fd fd = mkstemp(path);
	FILE *out = fmemopen(ret, size, "w");
	int rc;

	assert_true(fd >= 0 && out && !unlink(path));
	assert_int_equal(write(fd, csv, strlen(csv)), strlen(csv));
	rc = config_load(TEST_CASES "/ctl/city/civicfs.conf", &config,
			 &problems, &err);
	if (rc)
		fail_msg("%s", problems.n ? problems.items[0].text : err.text);
	config_problems_release(&problems);
	rc = ctl_changes_json(&config->themes[0], fd, out, &err);
	fclose(out);
	config_free(config);
	return rc;
}

static void
changes_have_the_types_of_the_theme(void **state)
{
	char text[1024] = "";
	json_t *j;

	(void)state;
	assert_int_equal(changes("change,code,name,capital\n"
				 "insert,E1,\"a \"\"b\"\", 华为\",100.50\n"
				 "delete,E2,,\n",
				 text, sizeof(text)),
			 0);
	assert_string_equal(
		text, "[\n{\"change\":\"insert\",\"code\":\"E1\","
		      "\"name\":\"a \\\"b\\\", 华为\",\"capital\":100.50},\n"
		      "{\"change\":\"delete\",\"code\":\"E2\",\"name\":null,"
		      "\"capital\":null}\n]\n");
	j = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(j), 2);
	json_decref(j);
}

static void
no_changes_are_an_empty_list(void **state)
{
	char text[64] = "";
	json_t *j;

	(void)state;
	assert_int_equal(
		changes("change,code,name,capital\n", text, sizeof(text)), 0);
	j = json_loads(text, 0, NULL);
	assert_true(json_is_array(j));
	json_decref(j);
}

static void
changes_of_other_columns_are_refused(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
		changes("change,code\ninsert,E1\n", text, sizeof(text)),
		ERR_CORRUPT);
	assert_int_equal(changes("change,code,name,capital\n\"open\n", text,
				 sizeof(text)),
			 ERR_CORRUPT);
}

/* ---- the daemon ---------------------------------------------------------- */

/* A state's folder whose path is longer than an address holds. */
struct place {
	char path[400];
	int home, dir;
};

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char root[] = "/tmp/civicfs-ctl-XXXXXX";
	char part[101];

	if (!p || !mkdtemp(root))
		return -1;
	p->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(part, 'd', 100);
	part[100] = '\0';
	snprintf(p->path, sizeof(p->path), "%s/%s", root, part);
	if (mkdir(p->path, 0700))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/%s/%s", root, part, part);
	if (mkdir(p->path, 0700))
		return -1;
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;
	int rc = fchdir(p->home);

	unlinkat(p->dir, CONTROL_SOCKET, 0);
	unlinkat(p->dir, CONTROL_KEEPER_LOCK, 0);
	close(p->dir);
	close(p->home);
	for (int i = 0; i < 3; i++) {
		rc |= rmdir(p->path);
		*strrchr(p->path, '/') = '\0';
	}
	free(p);
	return rc;
}

static void
a_long_path_is_no_hindrance(void **state)
{
	const struct sockaddr_un at = {.sun_family = AF_UNIX,
				       .sun_path = CONTROL_SOCKET};
	struct place *p = *state;
	struct error err = ERROR_INIT;
	scope_fd server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scope_fd client = -1;

	assert_true(strlen(p->path) > sizeof(at.sun_path));
	assert_int_equal(ctl_connect(p->path, &client, &err), 0);
	assert_int_equal(fchdir(p->dir), 0);
	assert_int_equal(bind(server, (const struct sockaddr *)&at, sizeof(at)),
			 0);
	/* there, but nobody listens: its worker has died */
	assert_int_equal(ctl_connect(p->path, &client, &err), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(ctl_connect(p->path, &client, &err), 1);
	assert_true(client >= 0);
}

static void
a_state_that_is_not_there_has_no_daemon(void **state)
{
	struct error err = ERROR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(ctl_connect("/nowhere/at/all", &fd, &err), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(ctl_keeper("/nowhere/at/all"), 0);
	assert_true(ctl_connect("/dev/null", &fd, &err) < 0);
	assert_non_null(strstr(err.text, "/dev/null"));
}

static void
note_keeper(const struct place *p, const char *text)
{
	scope_fd fd = openat(p->dir, CONTROL_KEEPER_LOCK,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void
what_a_keeper_left_is_no_keeper(void **state)
{
	static const char *const texts[] = {
		"", "\n", "keeper", "-1\n", "0\n", "99999999999999999999\n"};
	struct place *p = *state;
	char own[32];

	assert_int_equal(ctl_keeper(p->path), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		note_keeper(p, texts[i]);
		assert_int_equal(ctl_keeper(p->path), 0);
	}
	/* a process of another name has got its number */
	snprintf(own, sizeof(own), "%d\n", getpid());
	note_keeper(p, own);
	assert_int_equal(ctl_keeper(p->path), 0);
}

static void
a_keeper_lives_until_it_has_ended(void **state)
{
	struct place *p = *state;
	char text[32];
	int pipe_fds[2];
	pid_t pid;
	siginfo_t info;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NAME, CONTROL_KEEPER_NAME, 0, 0, 0);
		if (write(pipe_fds[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipe_fds[0], text, 1), 1);
	snprintf(text, sizeof(text), "%d\n", pid);
	note_keeper(p, text);
	assert_int_equal(ctl_keeper(p->path), pid);
	kill(pid, SIGKILL);
	/* ended, but its parent has not looked */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ctl_keeper(p->path), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ctl_keeper(p->path), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void
only_a_civicfs_counts_as_mounted(void **state)
{
	(void)state;
	assert_false(ctl_is_mounted("/"));
	assert_false(ctl_is_mounted("/proc"));
	assert_false(ctl_is_mounted("/nowhere"));
}

/* ---- how far it is ------------------------------------------------------- */

static void
expect_line(const char *progress, int columns, const char *expected)
{
	json_t *p = json_loads(progress, 0, NULL);
	scope_buf line = BUF_INIT;

	assert_non_null(p);
	assert_int_equal(ctl_progress_line(p, columns, &line), 0);
	assert_string_equal(buf_str(&line), expected);
	json_decref(p);
}

#define JUDGING \
	"\"judging\":[{\"resource\":\"aic/" \
	"reg\",\"file\":\"企业.csv\",\"stage\":" \
	"\"reading\",\"rows\":1234567,\"percent\":45,\"rate\":98765," \
	"\"seconds_left\":12}]"

static void
progress_is_a_line_that_fits(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	expect_line("{" JUDGING ",\"waiting\":3}", 100,
		    "aic/reg 企业.csv: reading 45%, 1,234,567 rows, 98,765/s, "
		    "12 s left; 3 waiting");
	/* 业 would be columns 11 and 12 */
	expect_line("{" JUDGING ",\"waiting\":3}", 12, "aic/reg 企…");
	expect_line("{" JUDGING ",\"waiting\":3}", 11, "aic/reg 企…");
	expect_line("{" JUDGING ",\"waiting\":3}", 10, "aic/reg …");
	expect_line("{\"judging\":[],\"waiting\":2}", 80, "2 waiting");
	expect_line("{\"judging\":[],\"waiting\":0}", 80, "");
	/* what is not known is not told, and a name cannot steer a terminal */
	expect_line(
		"{\"judging\":[{\"resource\":\"a/b\",\"file\":\"\\u001b[2J\","
		"\"stage\":\"publishing\",\"rows\":10,\"percent\":null,"
		"\"rate\":null,\"seconds\":7,"
		"\"seconds_left\":null},{}],\"waiting\":0}",
		80,
		"a/b \\x1b[2J: publishing, 10 rows, 7 s so far; "
		"1 more under way");
}

#define PLACE(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(no_verb_is_unknown),
		cmocka_unit_test(a_near_verb_is_offered),
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(values_are_told_to_people),
		cmocka_unit_test(progress_is_a_line_that_fits),
		cmocka_unit_test(changes_have_the_types_of_the_theme),
		cmocka_unit_test(no_changes_are_an_empty_list),
		cmocka_unit_test(changes_of_other_columns_are_refused),
		PLACE(a_long_path_is_no_hindrance),
		cmocka_unit_test(a_state_that_is_not_there_has_no_daemon),
		PLACE(what_a_keeper_left_is_no_keeper),
		PLACE(a_keeper_lives_until_it_has_ended),
		cmocka_unit_test(only_a_civicfs_counts_as_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

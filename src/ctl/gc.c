/* gc: what has been kept long enough goes now; with --dry-run it is counted. */
#include "ctl/ask.h"
#include "ctl/print.h"

/* What goes, and by which setting. */
static const struct {
	const char *fact, *what, *setting;
} lines[] = {
	{"inbox_files", "files from inboxes", "keep_inbox"},
	{"submissions", "submissions from archive/", "keep_archive"},
	{"versions", "versions", "keep_versions"},
	{"rows", "rows that nobody can see", ""},
	{"packs", "packs", ""},
};

static const struct ctl_column removed[] = {
	{"what", "WHAT", CTL_TEXT},
	{"count", "REMOVED", CTL_NUMBER},
	{"setting", "SETTING", CTL_TEXT},
};
static const struct ctl_column counted[] = {
	{"what", "WHAT", CTL_TEXT},
	{"count", "WOULD GO", CTL_NUMBER},
	{"setting", "SETTING", CTL_TEXT},
};

static double
mib(const json_t *facts, const char *name)
{
	return (double)json_integer_value(json_object_get(facts, name)) /
	       (1024 * 1024);
}

static int
print_table(const json_t *facts, bool dry_run)
{
	json_t *rows = json_array();
	int rc = rows ? 0 : -1;

	for (size_t i = 0; !rc && i < sizeof(lines) / sizeof(*lines); i++)
		rc = json_array_append_new(
			rows, json_pack("{s:s, s:O, s:s}", "what",
					lines[i].what, "count",
					json_object_get(facts, lines[i].fact),
					"setting", lines[i].setting));
	rc = rc ? ctl_refuse(CTL_NO, "no memory")
		: ctl_table(rows, dry_run ? counted : removed, 3);
	json_decref(rows);
	return rc;
}

static int
print_facts(const json_t *facts, bool dry_run)
{
	json_int_t open =
		json_integer_value(json_object_get(facts, "open_files"));
	int rc = print_table(facts, dry_run);

	if (rc)
		return rc;
	printf("%s on the disk: %.1f MiB; free for new rows in the databases: "
	       "%.1f MiB\n",
	       dry_run ? "would be freed" : "freed", mib(facts, "bytes_freed"),
	       mib(facts, "bytes_reusable"));
	if (open)
		printf("%lld older files are open and kept until they are "
		       "closed\n",
		       (long long)open);
	return CTL_DONE;
}

int
ctl_gc(struct ctl *ctl)
{
	bool dry_run = ctl_value(ctl, "dry-run") != NULL;
	struct ctl_question q = ctl_question_of(ctl);
	scope_answer answer = {0};
	int rc;

	ctl_question_option(&q, "dry_run", dry_run ? "yes" : NULL);
	rc = ctl_ask(ctl, &q, &answer);
	if (rc)
		return rc;
	if (ctl->json)
		return ctl_json(json_array_get(answer.items, 0));
	return print_facts(json_array_get(answer.items, 0), dry_run);
}

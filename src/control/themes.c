/* versions, diff and subject: what a theme was and is. See call.h. */
#include "control/call.h"

#include "base/io.h"
#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

/* ---- versions ------------------------------------------------------------ */

static int
version_item(void *ctx, const struct publish_version *v)
{
	struct control_call *call = ctx;
	struct jsonout *j = control_item(call);
	char digest[DIGEST_HEX];

	digest_hex(v->digest, sizeof(v->digest), digest);
	control_member_int(j, "version", v->number);
	control_member_time(j, "published_at", v->published_at);
	control_member(j, "submission", *v->submission ? v->submission : NULL);
	control_member_int(j, "rows", v->rows);
	control_member_int(j, "inserted", v->inserted);
	control_member_int(j, "updated", v->updated);
	control_member_int(j, "deleted", v->deleted);
	jsonout_pair(j, "digest", digest);
	return control_item_end(call);
}

int
control_verb_versions(struct control_call *call)
{
	const struct publish_theme *theme;
	scope_reader reader = {0};
	int rc = control_find_theme(call, call->request->args[0], &theme);

	if (rc)
		return rc;
	rc = store_reader_get(call->context->store, &reader, &call->err);
	if (rc)
		return rc;
	return publish_version_each(reader.db, theme->id, version_item, call,
				    &call->err);
}

/* ---- diff ---------------------------------------------------------------- */

static int
take_versions(struct control_call *call, int64_t *ret_from, int64_t *ret_to)
{
	const char *const *args = call->request->args;

	for (int i = 1; i <= 2; i++) {
		if (control_number(args[i], i == 1 ? ret_from : ret_to))
			continue;
		return control_refuse(call, CONTROL_USAGE,
				      "'%s' is no version: give numbers, such "
				      "as 'civicfs diff %s 0 1'; 'civicfs "
				      "versions %s' lists them",
				      args[i], args[0], args[0]);
	}
	if (*ret_from < *ret_to)
		return CONTROL_DONE;
	return control_refuse(call, CONTROL_USAGE,
			      "version %" PRId64 " does not come before "
			      "%" PRId64 ": the older one is named first",
			      *ret_from, *ret_to);
}

/* Memory where the state's file system has no files without a name. */
static int
open_nameless(struct control_call *call)
{
	int fd = openat(store_dir_fd(call->context->store), ".",
			O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("civicfs-diff", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(&call->err, errno, "room for the changes");
	return fd;
}

static int
check_kept(struct control_call *call, struct sql *db,
	   const struct publish_theme *theme, int64_t number)
{
	struct publish_version v = {0};
	int rc = publish_version_get(db, theme->id, number, &v, &call->err);

	if (rc < 0 || !v.dropped)
		return rc < 0 ? rc : CONTROL_DONE;
	return control_refuse(call, CONTROL_NO,
			      "theme '%s' has version %lld no longer: "
			      "[platform] keep_versions decides that; 'civicfs "
			      "versions %s' lists those it has",
			      theme->theme->id, (long long)number,
			      theme->theme->id);
}

static int
compute(struct control_call *call, const struct publish_theme *theme, int fd,
	int64_t *ret_bytes)
{
	int64_t from = 0, to = 0;
	scope_reader reader = {0};
	int rc = take_versions(call, &from, &to);

	if (rc)
		return rc;
	rc = store_reader_get(call->context->store, &reader, &call->err);
	if (rc)
		return rc;
	rc = check_kept(call, reader.db, theme, from);
	if (!rc)
		rc = check_kept(call, reader.db, theme, to);
	return rc ? rc
		  : publish_changes_between(reader.db, theme, from, to, fd,
					    ret_bytes, &call->err);
}

/* Sends a file in pieces that end between characters. */
static int
send_file(struct control_call *call, int fd, int64_t bytes)
{
	scope_free char *piece = malloc(CONTROL_TEXT_MAX);
	int64_t at = 0;

	if (!piece)
		return error_nomem(&call->err);
	while (at < bytes) {
		ssize_t n =
			io_pread(fd, piece, CONTROL_TEXT_MAX, at, &call->err);
		int rc;

		if (n <= 0)
			return n ? (int)n
				 : error_set(&call->err, ERR_IO,
					     "the changes are cut off");
		if (at + n < bytes) {
			while (((unsigned char)piece[n - 1] & 0xc0) == 0x80)
				n--;
			if ((unsigned char)piece[n - 1] >= 0xc0)
				n--;
		}
		rc = control_text(call, (struct slice){piece, (size_t)n});
		if (!rc)
			rc = control_flush(call);
		if (rc)
			return rc;
		at += n;
	}
	return CONTROL_DONE;
}

int
control_verb_diff(struct control_call *call)
{
	const struct publish_theme *theme;
	int64_t bytes = 0;
	scope_fd fd = -1;
	int rc = control_find_theme(call, call->request->args[0], &theme);

	if (rc)
		return rc;
	fd = open_nameless(call);
	if (fd < 0)
		return fd;
	rc = compute(call, theme, fd, &bytes);
	return rc ? rc : send_file(call, fd, bytes);
}

/* ---- subject ------------------------------------------------------------- */

static int
take_row(void *ctx, const struct store_theme_row *r)
{
	*(int64_t *)ctx = r->id;
	return 0;
}

static int
write_subject(struct control_call *call, const struct publish_theme *theme,
	      struct slice key, struct buf *out)
{
	struct publish_version v = {0};
	int64_t row = 0;
	scope_reader reader = {0};
	int rc = store_reader_get(call->context->store, &reader, &call->err);

	if (!rc)
		rc = publish_newest(reader.db, theme->id, &v, &call->err);
	if (rc > 0)
		rc = store_theme_row_find(reader.db, theme->id, v.seq, key,
					  take_row, &row, &call->err);
	return rc > 0 ? publish_subject(reader.db, theme, row, out, &call->err)
		      : rc;
}

int
control_verb_subject(struct control_call *call)
{
	const char *key = call->request->args[1];
	const struct publish_theme *theme;
	scope_buf out = BUF_INIT;
	int rc = control_find_theme(call, call->request->args[0], &theme);

	if (rc)
		return rc;
	rc = write_subject(call, theme, slice_str(key), &out);
	if (rc < 0)
		return rc;
	if (!rc)
		return control_refuse(
			call, CONTROL_NO,
			"theme '%s' has no subject '%s': keys are "
			"written as in the first column of its "
			"data.csv",
			theme->theme->id, key);
	return control_text(call, buf_slice(&out));
}

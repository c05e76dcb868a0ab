/*
 * The files of push: see push.h. A file that was cut off has a name that
 * nobody judges, and is written anew; what was answered is complete once its
 * receipt.json is there, which comes last.
 */
#include "ctl/push.h"

#include "base/io.h"
#include "base/scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP ((size_t)1 << 20)
#define NAME_SIZE 128
#define RECEIPT_MOST ((size_t)16 << 20)
#define RECEIPT ".receipt.json"

static void
close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define scope_folder __attribute__((cleanup(close_folder))) DIR *

static void
put_json(json_t **j)
{
	json_decref(*j);
}
#define scope_json __attribute__((cleanup(put_json))) json_t *

bool
push_has(const struct push *p, const char *name)
{
	return faccessat(p->changes, name, R_OK, 0) == 0;
}

/* ---- copying ------------------------------------------------------------- */

/* Reads a file to its end, into 'out' unless that is -1. 1, or 0: there is
 * none. */
static int
pass(int folder, const char *name, int out,
     unsigned char sha256[static DIGEST_SIZE], struct error *err)
{
	scope_fd fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	scope_digest digest = digest_new();
	scope_free char *step = malloc(STEP);
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, errno, "'%s'", name);
	if (!digest || !step)
		return error_nomem(err);
	while ((n = io_read(fd, step, STEP, err)) > 0) {
		int rc = out < 0 ? 0 : io_write(out, step, (size_t)n, err);

		if (rc)
			return rc;
		digest_add(digest, step, (size_t)n);
	}
	digest_end(digest, sha256);
	return n < 0 ? (int)n : 1;
}

/* Another name first: what has the final one is whole. */
static int
copy(int from, const char *name, int to, const char *as, struct error *err)
{
	unsigned char sha256[DIGEST_SIZE];
	char unfinished[NAME_SIZE];
	scope_fd out = -1;
	int rc;

	snprintf(unfinished, sizeof(unfinished), "%s.tmp", as);
	out = openat(to, unfinished,
		     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		     0644);
	if (out < 0)
		return error_errno(err, errno, "'%s'", unfinished);
	rc = pass(from, name, out, sha256, err);
	if (rc <= 0)
		return rc < 0 ? rc
			      : error_set(err, ERR_NOTFOUND, "'%s' is gone",
					  name);
	if (fsync(out) || close(take_fd(&out)))
		return error_errno(err, errno, "'%s'", unfinished);
	if (renameat(to, unfinished, to, as))
		return error_errno(err, errno, "'%s'", as);
	return 0;
}

int
push_send(const struct push *p, const char *name,
	  unsigned char sha256[static DIGEST_SIZE], struct error *err)
{
	unsigned char there[DIGEST_SIZE];
	int rc = pass(p->changes, name, -1, sha256, err);

	if (rc <= 0)
		return rc < 0 ? rc
			      : error_set(err, ERR_NOTFOUND, "'%s' is gone",
					  name);
	rc = pass(p->inbox, name, -1, there, err);
	if (rc < 0)
		return rc;
	if (rc && memcmp(there, sha256, DIGEST_SIZE) == 0)
		return 0;
	return copy(p->changes, name, p->inbox, name, err);
}

/* ---- answers ------------------------------------------------------------- */

/* Of the first "changes/FROM..": what is wanted instead. */
static int64_t
wanted_from(const char *message)
{
	const char *at = strstr(message, "/changes/");
	struct span span;

	return at && span_parse(at + strlen("/changes/"), &span) ? span.from
								 : -1;
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void
read_answer(const json_t *receipt, struct push_answer *ret)
{
	const json_t *error =
		json_array_get(json_object_get(receipt, "errors"), 0);
	const json_t *rows = json_object_get(receipt, "rows");

	*ret = (struct push_answer){
		.wanted = wanted_from(text_of(error, "message")),
		.refused = json_integer_value(json_object_get(rows, "refused")),
	};
	snprintf(ret->state, sizeof(ret->state), "%s",
		 text_of(receipt, "state"));
	snprintf(ret->code, sizeof(ret->code), "%s", text_of(error, "code"));
}

/* 1, or 0: there is none, or it is being replaced. */
static int
load_receipt(int folder, const char *name, json_t **ret, struct error *err)
{
	scope_buf text = BUF_INIT;
	int rc = io_slurp(folder, name, RECEIPT_MOST, &text, err);

	if (rc == ERR_NOTFOUND ||
	    (rc == ERR_IO && err &&
	     (err->errnum == ENOENT || err->errnum == ESTALE)))
		return 0;
	if (rc)
		return rc;
	*ret = json_loadb(text.data, text.len, 0, NULL);
	return *ret != NULL;
}

static bool
is_good(const char *state)
{
	static const char *const good[] = {"accepted", "partial", "unchanged",
					   "superseded"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (strcmp(state, good[i]) == 0)
			return true;
	}
	return false;
}

static int
look_at(struct push *p, const char *name, struct error *err)
{
	size_t n = strlen(name), end = strlen(RECEIPT);
	scope_json receipt = NULL;
	struct span span;
	int rc;

	if (n <= end || strcmp(name + n - end, RECEIPT) != 0 ||
	    !span_parse(name, &span) || span.to <= p->last)
		return 0;
	rc = load_receipt(p->kept, name, &receipt, err);
	if (rc > 0 && is_good(text_of(receipt, "state")))
		p->last = span.to;
	return rc < 0 ? rc : 0;
}

int
push_find_last(struct push *p, struct error *err)
{
	int fd = openat(p->kept, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scope_folder d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		rc = error_errno(err, errno, "the folder of receipts");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (!rc && (e = readdir(d)))
		rc = look_at(p, e->d_name, err);
	return rc;
}

/* The parts that a receipt may have beside it. */
static int
bring(const struct push *p, const char *name, const char *ending,
      struct error *err)
{
	char whole[NAME_SIZE];
	struct error why = ERROR_INIT;
	int rc;

	snprintf(whole, sizeof(whole), "%s%s", name, ending);
	if (faccessat(p->inbox, whole, F_OK, 0))
		return 0;
	rc = copy(p->inbox, whole, p->kept, whole, &why);
	if (rc && rc != ERR_NOTFOUND && err)
		*err = why;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
push_fetch(const struct push *p, const char *name,
	   const unsigned char sha256[static DIGEST_SIZE],
	   struct push_answer *ret, struct error *err)
{
	static const char *const endings[] = {".receipt.txt", ".fix.csv",
					      ".fix.xlsx", RECEIPT};
	char whole[NAME_SIZE], hex[DIGEST_HEX];
	scope_json receipt = NULL;
	int rc;

	snprintf(whole, sizeof(whole), "%s%s", name, RECEIPT);
	digest_hex(sha256, DIGEST_SIZE, hex);
	rc = load_receipt(p->inbox, whole, &receipt, err);
	if (rc <= 0 || strcmp(text_of(receipt, "sha256"), hex) != 0)
		return rc < 0 ? rc : 0;
	read_answer(receipt, ret);
	rc = 0;
	for (size_t i = 0; !rc && i < sizeof(endings) / sizeof(*endings); i++)
		rc = bring(p, name, endings[i], err);
	if (!rc)
		rc = io_sync_dir(p->kept, err);
	return rc ? rc : 1;
}

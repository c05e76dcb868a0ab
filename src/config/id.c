/*
 * Ids of departments, resources, themes, sources and fields (SPEC 1): they
 * become names of folders, files and columns, so they are letters, digits,
 * '-' and '_' only, and never one of the names the tree has itself.
 */
#include "config/config.h"

#include "base/scope.h"
#include "base/text.h"

#include <strings.h>
#include <utf8proc.h>

/* The fixed names of the tree in SPEC 5 that are made of letters alone; a name
 * with a dot cannot be an id anyway. No id may be one of them. */
static const char *const fixed_names[] = {
	"catalogue", "standards", "inbox",     "archive", "trial",
	"themes",    "sources",	  "subjects",  "find",	  "changes",
	"versions",  "current",	  "views",     "open",	  "desk",
	"requests",  "overdue",	  "bulletins", "audit",	  "supervision",
	NULL};

/* What else stands where an id may name a folder: the names of the Chinese
 * layout (fs-layout/), and the offices in desk/. Columns may have them. */
static const char *const folder_names[] = {
	"coordinator", "supervisor", "secrecy", "auditor", "资源目录", "收件箱",
	"存档",	       "主题库",     "变更",	"版本",	   "当前版本", NULL};

static bool
is_among(const char *const *names, const char *id)
{
	for (; *names; names++) {
		/* Samba's clients do not tell cases apart. */
		if (strcasecmp(*names, id) == 0)
			return true;
	}
	return false;
}

static bool
is_letter_or_digit(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL: /* the Chinese zero, U+3007 */
		return true;
	default:
		return false;
	}
}

static int
check_letters(const char *id, size_t n, struct error *err)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)id;
	size_t at = 0;

	while (at < n) {
		utf8proc_int32_t c;
		utf8proc_ssize_t k = utf8proc_iterate(
			p + at, (utf8proc_ssize_t)(n - at), &c);

		if (k <= 0)
			return error_set(err, ERR_INVALID, "'%s' is not UTF-8",
					 id);
		if (!is_letter_or_digit(c) &&
		    (at == 0 || (c != '-' && c != '_')))
			return error_set(err, ERR_INVALID,
					 "'%s' is no id: use letters, digits, "
					 "'-' and '_', beginning with a letter "
					 "or digit",
					 id);
		at += (size_t)k;
	}
	return 0;
}

static int
refuse_fixed(const char *id, struct error *err)
{
	return error_set(err, ERR_INVALID,
			 "'%s' is a name the tree has itself: choose another",
			 id);
}

int
config_check_column(const char *id, struct error *err)
{
	size_t n = strlen(id);
	scope_free char *nfc = NULL;
	int rc;

	if (n == 0)
		return error_set(err, ERR_INVALID, "an id may not be empty");
	if (n > CONFIG_ID_MAX)
		return error_set(err, ERR_INVALID,
				 "'%s' is %zu bytes long: an id has at most "
				 "%d bytes",
				 id, n, CONFIG_ID_MAX);
	rc = check_letters(id, n, err);
	if (rc)
		return rc;
	nfc = (char *)utf8proc_NFC((const utf8proc_uint8_t *)id);
	if (!nfc)
		return error_nomem(err);
	if (strcmp(nfc, id) != 0)
		return error_set(err, ERR_INVALID,
				 "'%s' is not in Unicode form NFC: write it "
				 "as '%s'",
				 id, nfc);
	return is_among(fixed_names, id) ? refuse_fixed(id, err) : 0;
}

int
config_check_id(const char *id, struct error *err)
{
	int rc = config_check_column(id, err);

	if (rc == 0 && is_among(folder_names, id))
		rc = refuse_fixed(id, err);
	return rc;
}

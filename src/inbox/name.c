/* Names of inbox files: see name.h. */
#include "inbox/name.h"

#include "base/slice.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <utf8proc.h>

const struct inbox_companion inbox_companions[INBOX_COMPANIONS] = {
	{INBOX_RECEIPT_JSON, STORE_INBOX_JSON, ".receipt.json"},
	{INBOX_RECEIPT_TEXT, STORE_INBOX_TEXT, ".receipt.txt"},
};

/* As it is made, and as it may come back: whatever is saved under another
 * type gets that type's ending. */
static const char *const fix_suffixes[] = {".fix.csv", ".fix.xlsx", ".fix.xls",
					   ".fix.ods", ".fix.txt",  ".fix.tsv",
					   ".fix.json"};

/* '.~tmp~' is rsync's own; the others are what its manual proposes for
 * --partial-dir. They begin with a dot, so their files' names are temporary. */
const char *const inbox_holdings[INBOX_HOLDINGS] = {".~tmp~", ".rsync-partial",
						    ".rsync-tmp"};

/* What programs write beside, or before, the file they mean. Windows does not
 * tell upper from lower case, so neither do these. */
static const struct {
	enum { PREFIX, SUFFIX, WHOLE } where;
	const char *text;
} temporary[] = {
	{PREFIX, "."},	  /* dot files; .~lock.NAME# of LibreOffice */
	{PREFIX, "~$"},	  /* owner files of Office */
	{SUFFIX, "~"},	  /* backups of editors */
	{WHOLE, "4913"},  /* vim asks whether it may write here */
	{SUFFIX, ".tmp"}, /* Word, and many others */
	{SUFFIX, ".part"},    {SUFFIX, ".filepart"},  {SUFFIX, ".crdownload"},
	{WHOLE, "thumbs.db"}, {WHOLE, "desktop.ini"},
};

static bool
ends_like(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

bool
inbox_is_temporary(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(temporary) / sizeof(*temporary); i++) {
		const char *text = temporary[i].text;

		if (temporary[i].where == PREFIX
			    ? strncmp(name, text, strlen(text)) == 0
		    : temporary[i].where == SUFFIX
			    ? ends_like(name, text)
			    : strcasecmp(name, text) == 0)
			return true;
	}
	/* Autosave of Emacs, and Excel's eight hexadecimal digits. */
	return (n > 1 && name[0] == '#' && name[n - 1] == '#') ||
	       (n == 8 && strspn(name, "0123456789abcdefABCDEF") == 8);
}

int
inbox_name_key(const char *name, char key[static STORE_INBOX_KEY_MAX])
{
	struct slice s = slice_str(name);
	utf8proc_uint8_t *nfc = NULL;
	utf8proc_ssize_t n;

	if (s.n >= STORE_INBOX_NAME_MAX)
		return -ENAMETOOLONG;
	if (!text_is_utf8(s, NULL))
		return -EILSEQ;
	n = utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)s.n,
			 &nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return n == UTF8PROC_ERROR_NOMEM ? -ENOMEM : -EILSEQ;
	if (n >= STORE_INBOX_KEY_MAX) {
		free(nfc);
		return -ENAMETOOLONG;
	}
	memcpy(key, nfc, (size_t)n);
	key[n] = '\0';
	free(nfc);
	return 0;
}

const char *
inbox_fix_suffix(bool workbook)
{
	return fix_suffixes[workbook];
}

size_t
inbox_fix_base(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(fix_suffixes) / sizeof(*fix_suffixes);
	     i++) {
		size_t m = strlen(fix_suffixes[i]);

		if (n > m && ends_like(name, fix_suffixes[i]))
			return n - m;
	}
	return 0;
}

int
inbox_holding_named(const char *name)
{
	for (int i = 0; i < INBOX_HOLDINGS; i++) {
		if (strcmp(name, inbox_holdings[i]) == 0)
			return i;
	}
	return -1;
}

size_t
inbox_holding_of(const char *name)
{
	for (size_t i = 0; i < INBOX_HOLDINGS; i++) {
		size_t n = strlen(inbox_holdings[i]);

		if (strncmp(name, inbox_holdings[i], n) == 0 && name[n] == '/')
			return n + 1;
	}
	return 0;
}

bool
inbox_is_fix(const char *name)
{
	return inbox_fix_base(name);
}

int
inbox_name_check(const char *full)
{
	size_t held = inbox_holding_of(full);
	const char *name = full + held;
	size_t n = inbox_fix_base(name);

	if ((n ? n : strlen(name)) > INBOX_NAME_BYTES)
		return -ENAMETOOLONG;
	if (!text_is_utf8(slice_str(name), NULL))
		return -EILSEQ;
	if (!held && inbox_holding_named(name) >= 0)
		return -EISDIR;
	if (strcmp(name, "receipt.txt") == 0 ||
	    strcmp(name, "receipt.json") == 0)
		return -EPERM;
	for (size_t i = 0; i < INBOX_COMPANIONS; i++) {
		if (ends_like(name, inbox_companions[i].suffix))
			return -EPERM;
	}
	return 0;
}

const struct inbox_companion *
inbox_companion_of(enum inbox_part part)
{
	for (size_t i = 0; i < INBOX_COMPANIONS; i++) {
		if (inbox_companions[i].part == part)
			return &inbox_companions[i];
	}
	return NULL;
}

const struct inbox_companion *
inbox_name_split(const char *key, size_t *ret_base)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < INBOX_COMPANIONS; i++) {
		size_t m = strlen(inbox_companions[i].suffix);

		if (n > m &&
		    strcmp(key + n - m, inbox_companions[i].suffix) == 0) {
			*ret_base = n - m;
			return &inbox_companions[i];
		}
	}
	return NULL;
}

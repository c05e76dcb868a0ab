/*
 * Stage 3, rows to verdicts: functions of memory (no database, no clock, no
 * logging). Canonical values, types and constraints are those of SPEC 4.
 */
#ifndef VALIDATE_VALIDATE_H
#define VALIDATE_VALIDATE_H

#include "base/cells.h"
#include "config/config.h"
#include "decode/decode.h"

/* One fault or warning of a row, a cell or a file, as in receipts. */
struct validate_fault {
	int64_t row;	     /* 0: the file */
	int64_t line;	     /* 0: unknown */
	const char *code;    /* static text, a code of SPEC 6 */
	const char *field;   /* field id, or "" */
	struct slice value;  /* as sent; not shown for personal or secret */
	const char *message; /* English, says what to do */
	const char *message_zh;
	const char *member; /* of an archive, by name; NULL: it is none */
};

/* Called for each fault; the pointers hold during the call. Returns 0 or a
 * negative code that ends the work. */
typedef int validate_report(void *ctx, const struct validate_fault *fault);

/*
 * One value: writes its canonical form to 'out' (appended), or a fault.
 * Returns 0 (canonical, possibly with a warning in *ret_warning), 1 (refused:
 * *ret_fault filled), ERR_NOMEM. An empty canonical value is a missing one;
 * 'required' is not checked here. It allocates; validate_judge() does not, but
 * for a cell that is not in NFC.
 */
struct validate_value_fault {
	const char *code; /* NULL: none */
	char message[256];
	char message_zh[256];
};
struct validate_field; /* a field made ready: pattern compiled, bounds parsed */
MUST_CHECK int validate_value(const struct validate_field *field,
			      struct slice raw, struct buf *out,
			      struct validate_value_fault *ret_fault,
			      struct validate_value_fault *ret_warning);

/* A resource made ready for judging; immutable, any thread. The resource must
 * outlive it. ERR_NOMEM, ERR_INVALID (a pattern that PCRE2 refuses). */
struct validate;
MUST_CHECK int validate_new(const struct config_resource *resource,
			    struct validate **ret, struct error *err);
void validate_free(struct validate *v);

struct validate_scratch;

/* What a row turned out to be. */
enum validate_kind {
	VALIDATE_BLANK,	   /* every cell empty after trimming */
	VALIDATE_FOOTER,   /* the table has ended; nothing after it counts */
	VALIDATE_ACCEPTED, /* cells and key are canonical */
	VALIDATE_REFUSED   /* faults were reported */
};
enum validate_change { VALIDATE_WRITE, VALIDATE_DELETE };

struct validate_row {
	enum validate_kind kind;
	enum validate_change change; /* upsert's column 'change' */
	bool has_key;	  /* the key could be read, even of a refused row */
	struct buf key;	  /* packed key (base/cells.h) */
	struct buf cells; /* packed canonical cells in the descriptor's order;
			   * for a delete only the key fields are filled */
	bool as_sent;	  /* the cells are what was sent, in the same order */
	struct validate_scratch *scratch; /* validate's own, used again */
};
void validate_row_release(struct validate_row *row);

/*
 * Judges one record against the header's columns. 'ret' is cleared and
 * filled. Faults of a refused row and warnings of any row go to the two
 * reports. Blank rows after the header are the caller's to warn about
 * (blank-row), because the last ones do not count.
 */
MUST_CHECK int validate_judge(const struct validate *v, const int *columns,
			      size_t ncolumns, const struct decode_row *record,
			      struct validate_row *ret,
			      validate_report *on_fault,
			      validate_report *on_warning, void *ctx);

/* ---- faults that more than one row decides (cross.c) --------------------- */

enum validate_cross {
	VALIDATE_CROSS_PRIMARY_KEY, /* another row has this key and differs */
	VALIDATE_CROSS_STORED_KEY,  /* append: a stored record has it */
	VALIDATE_CROSS_FIXED_KEY,   /* fix: its key was written since */
	VALIDATE_CROSS_NOT_BACK,    /* fix: it did not come back */
	VALIDATE_CROSS_NOTHING_TO_FIX, /* the file: nothing waits for it */
	VALIDATE_CROSS_FIX_UNKNOWN,    /* fix, warning: a row that was good */
	VALIDATE_CROSS_FIX_TWICE,      /* fix, warning: a row came back twice */
	VALIDATE_CROSS_FIX_NAMELESS,   /* fix, warning: no number in _row */
	VALIDATE_CROSS_FIX_NO_ROW,     /* fix: the column _row is missing */
	VALIDATE_CROSS_DUPLICATE_ROW,  /* warning: equal to another row */
	VALIDATE_CROSS_BLANK_ROW,      /* warning */
	VALIDATE_CROSS_UNIQUE	       /* another row has this unique value */
};

/* Where a fault's sentences are kept while it is reported. */
struct validate_sentences {
	char en[600];
	char zh[600];
};

/*
 * Makes the fault of a row that was judged good alone. 'other_row' is the
 * number of the other row where there is one, else 0. '*ret' points into
 * 'text', 'field' and 'value' and holds as long as they do.
 */
void validate_fault_cross(enum validate_cross kind, int64_t row, int64_t line,
			  const char *field, struct slice value,
			  int64_t other_row, struct validate_fault *ret,
			  struct validate_sentences *text);

/* One of the whole file that says how many rows, and of which row or line the
 * first is. */
void validate_fault_cross_counted(enum validate_cross kind, int64_t n,
				  int64_t first, struct validate_fault *ret,
				  struct validate_sentences *text);

/* Where changes of a followed theme do not fit: code sequence. */
enum validate_sequence {
	VALIDATE_SEQUENCE_GAP,	   /* 'other' is where they begin */
	VALIDATE_SEQUENCE_OVERLAP, /* 'other' is where they end */
	VALIDATE_SEQUENCE_NAME,	   /* the name says no versions */
	VALIDATE_SEQUENCE_PAST	   /* a warning: the records are of a later */
};
/* Of a whole file; 'last' is the version that the records are of. */
void validate_fault_sequence(enum validate_sequence why, const char *theme,
			     int64_t last, int64_t other,
			     struct validate_fault *ret,
			     struct validate_sentences *text);

/* Why a theme does not show a row: code orphan. */
enum validate_astray {
	VALIDATE_ASTRAY_EMPTY,	    /* it has no subject */
	VALIDATE_ASTRAY_BASE,	    /* the base, 'other', has not its subject */
	VALIDATE_ASTRAY_NO_ROW,	    /* no row of 'other' has its value */
	VALIDATE_ASTRAY_SEVERAL,    /* several have */
	VALIDATE_ASTRAY_OTHER_EMPTY /* the one that has it has no subject */
};
/* A warning but for its row, field and value; 'key' is that of the row, "" when
 * it is not to be shown. */
void validate_fault_astray(enum validate_astray why, const char *theme,
			   const char *key, const char *other,
			   struct validate_fault *ret,
			   struct validate_sentences *text);

/* A snapshot that would delete 'deleted' of 'records' (max_shrink). */
void validate_fault_shrink(int64_t deleted, int64_t records,
			   struct validate_fault *ret,
			   struct validate_sentences *text);

/* A fault that decode found in a fix file, told as one of its submission. */
void validate_fault_fix(const struct decode_fault *fault,
			struct validate_fault *ret,
			struct validate_sentences *text);

/* A fault that decode found in the file as a whole. '*ret' points into 'fault'.
 */
void validate_fault_decode(const struct decode_fault *fault,
			   struct validate_fault *ret);

/* ---- what must not be here (secret.c) ------------------------------------ */

/* Whether the resource has a field with 'sensitivity = secret'. */
bool validate_has_secrets(const struct config_resource *resource);
/* The first secret field that has a column; NULL: none has. */
const char *validate_secret_column(const struct config_resource *resource,
				   const int *columns, size_t n);
/* Whether the record carries a value of such a field: reports a fault for each.
 * Below the header any record counts, also a footer. 1 it does, 0 it does not,
 * or what the report says. */
MUST_CHECK int validate_secrets(const struct config_resource *resource,
				const int *columns, size_t ncolumns,
				const struct decode_row *record,
				validate_report *on_fault, void *ctx);
/* Empties the cells of such fields: for what was judged before the field was
 * secret. */
void validate_secrets_leave_out(const struct config_resource *resource,
				const int *columns, size_t ncolumns,
				struct slice *cells, size_t n);
/* Of a file whose rows cannot all be looked at, and of a fix file that came
 * back; '*ret' points into 'text' and 'field'. */
enum validate_secret_in { VALIDATE_SECRET_UNREAD, VALIDATE_SECRET_FIX };
void validate_fault_secret(enum validate_secret_in where, const char *field,
			   int64_t row, int64_t line,
			   struct validate_fault *ret,
			   struct validate_sentences *text);

/* ---- receipts (faults.c, receipt.c, report.c) ---------------------------- */

enum validate_state {
	VALIDATE_RECEIVING,
	VALIDATE_JUDGING,
	VALIDATE_S_ACCEPTED,
	VALIDATE_S_UNCHANGED,
	VALIDATE_S_PARTIAL,
	VALIDATE_S_QUARANTINED,
	VALIDATE_S_REJECTED,
	VALIDATE_S_INCOMPLETE,
	VALIDATE_S_SUPERSEDED,
	VALIDATE_S_WITHDRAWN
};
const char *validate_state_word(enum validate_state state);
/* -1 when the word is none. */
int validate_state_parse(const char *word);

struct validate_counts {
	int64_t read, accepted, refused;
	int64_t inserted, updated, deleted, unchanged;
};

struct validate_published {
	const char *dataset;
	int64_t version;
};

/* The faults of a submission: the first VALIDATE_KEPT by row are kept, all
 * are counted. Owns its texts; a value is kept up to VALIDATE_VALUE_MAX
 * bytes, cut between characters with an ellipsis. Values of personal and
 * secret fields are left out when they are added, and so are, for a resource
 * that has such fields, values that belong to no registered field. */
#define VALIDATE_KEPT 1000
#define VALIDATE_VALUE_MAX 400
struct validate_faults;
struct validate_faults *validate_faults_new(void); /* NULL: no memory */
void validate_faults_free(struct validate_faults *f);
MUST_CHECK int validate_faults_add(struct validate_faults *f,
				   const struct config_resource *resource,
				   const struct validate_fault *fault);
/* Counts 'n' more, of rows behind VALIDATE_KEPT others. */
void validate_faults_more(struct validate_faults *f, int64_t n);
/* Whether one of this row would be kept. */
bool validate_faults_keeps(const struct validate_faults *f, int64_t row);
int64_t validate_faults_count(const struct validate_faults *f);
/* The kept ones, ordered by (row, order of adding). */
size_t validate_faults_kept(const struct validate_faults *f,
			    const struct validate_fault **ret);

/* A fix file that came back. */
struct validate_round {
	int64_t round; /* from 1 */
	int64_t bytes;
	const char *submitted_by;
	int64_t received_at, judged_at; /* ns */
	const char *state;		/* of the submission, after it */
	int64_t back;			/* rows that came back */
	int64_t accepted, refused;	/* of them; of all, still */
};

struct validate_receipt {
	const char *submission, *department, *resource, *file;
	int64_t bytes;
	const char *sha256, *format, *encoding; /* "" unknown */
	const char *submitted_by;
	int64_t received_at, judged_at; /* ns */
	enum validate_state state;
	const char *reason; /* English: why quarantined or so, "" none */
	const char *reason_zh;
	struct validate_counts rows;
	const struct validate_published *published;
	size_t npublished;
	const struct validate_faults *errors, *warnings;
	const char *next_due;		     /* "" for null */
	const char *fix_file;		     /* name of the fix file, "" none */
	const struct validate_round *rounds; /* fix files that came back */
	size_t nrounds;
	bool trial;    /* a dry run: the texts say so */
	bool compared; /* with the records: rows says what would become of
			* them */
	bool erased;   /* rejected: it holds what must not be here */
};

/* Receipt JSON with the keys of SPEC 6, in that order and, if a fix file came
 * back, 'rounds' behind them; one line a key at the top level, ended by LF.
 * ERR_NOMEM. */
MUST_CHECK int validate_receipt_json(const struct validate_receipt *r,
				     struct buf *out);
/* Receipt for people in 'language' ("en" or "zh"); the first lines say the
 * verdict and the next step. Control characters in values are escaped. */
MUST_CHECK int validate_receipt_text(const struct validate_receipt *r,
				     const char *language, struct buf *out);

/* The latter as it lies in a folder: a byte order mark, and CR LF; and back.
 * No text of a receipt holds a CR of its own. ERR_NOMEM. */
MUST_CHECK int validate_receipt_dress(struct buf *text);
void validate_receipt_undress(struct buf *text);

/* ---- fix files (fix.c) --------------------------------------------------- */

/* Appends the header line, then a row at a time: the record's cells in the
 * original's order (cells beyond the header's come last), _row, _errors, in
 * the original's encoding and delimiter. ERR_NOMEM, ERR_INVALID. */
struct validate_fix;
MUST_CHECK int validate_fix_new(const struct decode_header *header,
				struct validate_fix **ret, struct error *err);
void validate_fix_free(struct validate_fix *fix);
MUST_CHECK int validate_fix_header(struct validate_fix *fix, struct buf *out,
				   struct error *err);
MUST_CHECK int validate_fix_row(struct validate_fix *fix,
				const struct slice *cells, size_t ncells,
				int64_t row, struct slice errors,
				struct buf *out, struct error *err);

/* Whether the original is a workbook, so that its fix file is one. */
bool validate_fix_is_workbook(const struct validate_fix *fix);
/* Then: begins it on 'fd' with its header, as validate_book_new(). */
struct validate_book;
MUST_CHECK int validate_fix_book(const struct validate_fix *fix,
				 const struct config_resource *resource,
				 const char *language, int fd,
				 struct validate_book **ret, struct error *err);

/* ---- workbooks that people fill in (book.c) ------------------------------ */

/* Of a sheet, with its header. */
#define VALIDATE_BOOK_ROWS 1048576

/* Why a row was refused. */
struct validate_reason {
	struct slice field; /* id of a field, or "change"; empty: the row */
	struct slice message;
};

/*
 * A table with these labels in its first row, of the fields of 'resource' that
 * 'fields' says (as decode_header.field), in 'language': columns of texts,
 * choice lists, a header that stays in sight. It is written to 'fd', an empty
 * file, by validate_book_close(), and to files without names in the current
 * folder before that. The resource must outlive it. Every function: ERR_NOMEM,
 * ERR_IO, ERR_LIMIT when no workbook can hold the table; then free it. That
 * there was no room for all of it is NOT always told.
 */
MUST_CHECK int validate_book_new(const struct config_resource *resource,
				 const char *language,
				 const struct slice *labels, const int *fields,
				 size_t n, int fd, struct validate_book **ret,
				 struct error *err);
void validate_book_free(struct validate_book *book);
/* A row of a fix file: as validate_fix_row(), with each cell of a reason's
 * field coloured, the reason in a comment. */
MUST_CHECK int validate_book_fix_row(struct validate_book *book,
				     const struct slice *cells, size_t ncells,
				     int64_t row, struct slice errors,
				     const struct validate_reason *reasons,
				     size_t nreasons, struct error *err);
/* Writes it, with choice lists for the first 'rows' rows. */
MUST_CHECK int validate_book_close(struct validate_book *book, int64_t rows,
				   struct error *err);

#endif

/*
 * What the four resources of tests/cases/flow/town must be, by the plainest
 * means: every accepted submission is kept with its rows, and whenever
 * somebody asks, all of them are folded again from the first (SPEC 6.8).
 */
#ifndef TESTS_FLOW_MODEL_H
#define TESTS_FLOW_MODEL_H

#include "tests/lib/theme_files.h"

#include <stdint.h>

#define MODEL_RESOURCES 4
#define MODEL_FIELDS 5
#define MODEL_ROWS 16	 /* of a file */
#define MODEL_FILES 512	 /* of a history */
#define MODEL_RECORDS 64 /* of a resource */

enum model_mode { MODEL_SNAPSHOT, MODEL_UPSERT, MODEL_APPEND };

struct model_resource {
	const char *name, *header;
	enum model_mode mode;
	int nkey;		       /* the first fields */
	int64_t tolerance, max_shrink; /* per cent */
};
extern const struct model_resource model_resources[MODEL_RESOURCES];

enum model_status { MODEL_GOOD, MODEL_REFUSED, MODEL_REPEATED };

struct model_row {
	char cells[MODEL_FIELDS][12]; /* canonical */
	bool bad;		      /* refused whatever the others are */
	bool no_key;
	bool deletes;
	enum model_status status; /* by the last verdict */
};

struct model_file {
	int resource;
	int64_t number; /* of the submission */
	char id[32];
	struct model_row rows[MODEL_ROWS];
	int nrows;
	const char *state;
	int64_t turn; /* of its verdict: appends are folded in this order */
};

struct model_record {
	const struct model_row *row;
	const struct model_file *file;
};
struct model_table {
	struct model_record records[MODEL_RECORDS];
	int n;
};

struct model {
	struct model_file files[MODEL_FILES]; /* by number */
	int n;
	int64_t turns;
};

/* All that counts of a resource, now. */
void model_fold(const struct model *m, int resource, struct model_table *ret);

/* The verdict on a file of the history: sets its state and those of others it
 * supersedes; what the receipt has to say is written to 'ret' as town_expect()
 * wants it. */
void model_judge(struct model *m, struct model_file *f, bool release,
		 char ret[static 128]);

/* The file as it would be delivered. */
void model_csv(const struct model_file *f, bool change_column, struct buf *out);

/* The tables packed; 'memory' holds the bytes and the records. */
struct model_packed {
	struct theme_table tables[MODEL_RESOURCES];
	struct theme_record records[MODEL_RESOURCES][MODEL_RECORDS];
	struct buf bytes[MODEL_RESOURCES * MODEL_RECORDS * 2];
};
void model_pack(const struct model *m, struct model_packed *ret);
void model_packed_release(struct model_packed *p);

#endif

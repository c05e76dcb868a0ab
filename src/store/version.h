/* The versions of datasets: tables version, version_text and version_rules.
 * Readers take any connection that sees civicfs.db. */
#ifndef STORE_VERSION_H
#define STORE_VERSION_H

#include "base/digest.h"
#include "store/store.h"

struct store_version {
	int64_t number;
	int64_t seq;
	int64_t published_at; /* ns */
	char submission[32];  /* "" when rules changed */
	int64_t rows, inserted, updated, deleted;
	unsigned char digest[DIGEST_SIZE];
	bool dropped; /* older than what is kept: only what is open shows it */
};

/* ERR_EXISTS when the dataset has a version of this number. */
MUST_CHECK int store_version_insert(struct store_txn *txn, int64_t dataset,
				    const struct store_version *v,
				    struct error *err);

/* Each 1 found, 0 none (then *ret is as it was). Dropped ones are found
 * too. */
MUST_CHECK int store_version_newest(struct sql *db, int64_t dataset,
				    struct store_version *ret,
				    struct error *err);
MUST_CHECK int store_version_get(struct sql *db, int64_t dataset,
				 int64_t number, struct store_version *ret,
				 struct error *err);
/* The newest one published before an instant. */
MUST_CHECK int store_version_before(struct sql *db, int64_t dataset, int64_t ns,
				    struct store_version *ret,
				    struct error *err);
/* The first one whose sequence is 'seq' or later. */
MUST_CHECK int store_version_since(struct sql *db, int64_t dataset, int64_t seq,
				   struct store_version *ret,
				   struct error *err);

/* Those that are kept, ascending; a callback returns 0 to go on or a negative
 * code. */
typedef int store_version_each_fn(void *ctx, const struct store_version *v);
MUST_CHECK int store_version_each(struct sql *db, int64_t dataset,
				  store_version_each_fn *each, void *ctx,
				  struct error *err);

/* The same for first <= number <= last, dropped ones too. */
MUST_CHECK int store_version_range(struct sql *db, int64_t dataset,
				   int64_t first, int64_t last,
				   store_version_each_fn *each, void *ctx,
				   struct error *err);

/* A text kept with a version. */
MUST_CHECK int store_version_text_insert(struct store_txn *txn, int64_t dataset,
					 int64_t number, const char *name,
					 struct slice body, struct error *err);
/* 1 found: appended to 'out' (NULL: not wanted), *ret_id names the bytes; 0
 * none. */
MUST_CHECK int store_version_text_get(struct sql *db, int64_t dataset,
				      int64_t number, const char *name,
				      int64_t *ret_id, struct buf *out,
				      struct error *err);

/* The rules that a version and those after it are made by. Says it once for
 * each change: what the version before has need not be said again. */
MUST_CHECK int store_version_rules_insert(struct store_txn *txn,
					  int64_t dataset, int64_t number,
					  const char *rules, struct error *err);
/* Those of a version, appended to 'out'. 1 found, 0 none. */
MUST_CHECK int store_version_rules_get(struct sql *db, int64_t dataset,
				       int64_t number, struct buf *out,
				       struct error *err);

#endif

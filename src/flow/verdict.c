/*
 * The answer to a submission: the receipts, and the one transaction that makes
 * verdict and versions true at once.
 */
#include "flow/internal.h"

#include "base/clock.h"
#include "base/scope.h"
#include "flow/follow.h"

/* ---- receipts ------------------------------------------------------------ */

int
flow_receipts(struct flow_judgement *j, int64_t now,
	      const struct publish_made *made, size_t nmade, struct buf *json,
	      struct buf *text, struct error *err)
{
	const struct store_submission *s = j->submission;
	scope_free struct validate_published *published =
		calloc(nmade + 1, sizeof(*published));
	char sha256[DIGEST_HEX], fix_name[512] = "";
	struct validate_receipt r = {
		.submission = s->id,
		.department = j->resource->department,
		.resource = j->resource->id,
		.file = s->name,
		.bytes = s->bytes,
		.sha256 = sha256,
		.format = j->format,
		.encoding = j->encoding,
		.submitted_by = s->submitted_by,
		.received_at = s->received_at,
		.judged_at = now,
		.state = j->state,
		.reason = j->reason,
		.reason_zh = j->reason_zh,
		.rows = j->counts,
		.published = published,
		.npublished = nmade,
		.errors = j->errors,
		.warnings = j->warnings,
		.next_due = "",
		.fix_file = fix_name,
		.trial = !j->store || j->dry,
		.compared = j->dry,
		.erased = j->secret.found,
	};

	if (!published)
		return error_nomem(err);
	for (size_t i = 0; i < nmade; i++)
		published[i] = (struct validate_published){
			made[i].theme->theme->id, made[i].version};
	digest_hex(j->sha256, DIGEST_SIZE, sha256);
	/* from the hash of a small file its bytes can be guessed */
	if (j->secret.found)
		*sha256 = '\0';
	if (j->fix_blob)
		snprintf(fix_name, sizeof(fix_name), "%s%s", s->name,
			 inbox_fix_suffix(j->fix_workbook));
	if (j->round) {
		int rc = flow_round_tell(j, now, &r, err);

		if (rc)
			return rc;
	}
	if (validate_receipt_json(&r, json) ||
	    validate_receipt_text(&r, j->language, text))
		return error_nomem(err);
	return 0;
}

/* ---- the flip ------------------------------------------------------------ */

struct superseding {
	struct flow_judgement *j;
	struct store_txn *txn;
	int64_t now;
	int64_t *numbers;
	size_t n;
	struct error *err;
};

static int
note_older(void *ctx, const struct store_submission *s)
{
	struct superseding *x = ctx;
	int64_t *more;

	if (s->number >= x->j->submission->number)
		return 0;
	more = realloc(x->numbers, (x->n + 1) * sizeof(*more));
	if (!more)
		return error_nomem(x->err);
	x->numbers = more;
	more[x->n++] = s->number;
	return 0;
}

int
flow_supersede(struct flow_judgement *j, struct store_txn *txn, int64_t number,
	       int64_t now, struct error *err)
{
	struct store_submission s;
	scope_buf json = BUF_INIT;
	scope_buf text = BUF_INIT;
	int rc = store_submission_get(txn->db, number, &s, err);

	if (rc <= 0)
		return rc;
	rc = store_submission_receipt(txn->db, number, STORE_RECEIPT_JSON,
				      &json, err);
	if (rc >= 0)
		rc = store_submission_receipt(txn->db, number,
					      STORE_RECEIPT_TEXT, &text, err);
	if (rc >= 0)
		rc = flow_restate_superseded(&json, &text, j->submission->id,
					     j->language);
	if (rc >= 0) {
		const struct store_verdict v = {
			.state = validate_state_word(VALIDATE_S_SUPERSEDED),
			.judged_at = now,
			.receipt_json = buf_slice(&json),
			.receipt_text = buf_slice(&text),
			.fix_blob = s.fix_blob,
			.fix_bytes = s.fix_bytes,
			.fix_workbook = s.fix_workbook,
			.sha256 = s.has_sha256 ? s.sha256 : NULL,
		};

		rc = store_submission_judged(txn, number, &v, err);
	}
	store_submission_release(&s);
	return rc;
}

/* A snapshot that was accepted leaves nothing to decide about older ones. */
static int
supersede(struct flow_judgement *j, struct store_txn *txn, int64_t now,
	  struct error *err)
{
	struct superseding x = {.j = j, .txn = txn, .now = now, .err = err};
	int rc = 0;

	if (j->resource->mode != CONFIG_SNAPSHOT ||
	    (j->state != VALIDATE_S_ACCEPTED &&
	     j->state != VALIDATE_S_PARTIAL &&
	     j->state != VALIDATE_S_UNCHANGED))
		return 0;
	rc = store_submission_each(txn->db, j->planned->id, "quarantined", 0,
				   note_older, &x, err);
	for (size_t i = 0; !rc && i < x.n; i++)
		rc = flow_supersede(j, txn, x.numbers[i], now, err);
	free(x.numbers);
	return rc;
}

/* The fix file that is there after the verdict, and what is erased with it. */
static int
show_files(const struct flow_shop *shop, struct flow_judgement *j,
	   struct store_txn *txn, struct inbox_fix_gone *gone,
	   struct inbox_secret *secret, struct error *err)
{
	bool secret_round = flow_round_is_secret(j);
	int rc = 0;

	if (!flow_round_is_unreadable(j) || secret_round)
		rc = inbox_fix_show(txn, j->submission, j->fix_blob,
				    j->fix_workbook, gone, err);
	if (!rc && (j->secret.found || secret_round))
		rc = inbox_secret_begin(shop->inbox, txn, j->submission,
					j->secret.found, flow_round_blob(j),
					secret, err);
	return rc;
}

int
flow_conclude(const struct flow_shop *shop, struct flow_judgement *j,
	      int64_t seq, struct error *err)
{
	struct inbox_fix_gone gone = {.n = 0};
	struct inbox_secret secret = {.n = 0};
	const struct publish_made *made = NULL;
	size_t nmade = j->publish && seq ? publish_made(j->publish, &made) : 0;
	int64_t now = clock_now();
	scope_buf json = BUF_INIT;
	scope_buf text = BUF_INIT;
	scope_txn txn = {0};
	struct store_verdict v = {
		.state = validate_state_word(j->state),
		.judged_at = now,
		.seq = j->submission->seq ? j->submission->seq : seq,
		.fix_blob = j->fix_blob,
		.fix_bytes = j->fix_bytes,
		.fix_workbook = j->fix_workbook,
		.sha256 = j->secret.found ? NULL : j->sha256,
	};
	int rc = flow_receipts(j, now, made, nmade, &json, &text, err);

	if (!rc && validate_receipt_dress(&text))
		rc = error_nomem(err);
	if (rc)
		return rc;
	v.receipt_json = buf_slice(&json);
	v.receipt_text = buf_slice(&text);
	rc = store_begin(j->store, &txn, err);
	if (!rc && seq)
		rc = publish_commit(j->publish, &txn, j->submission->id, now,
				    err);
	if (!rc && seq)
		rc = store_publish(&txn, seq, err);
	if (!rc)
		rc = store_submission_judged(&txn, j->submission->number, &v,
					     err);
	if (!rc && j->round)
		rc = flow_round_conclude(j, &txn, now, seq, err);
	if (!rc)
		rc = show_files(shop, j, &txn, &gone, &secret, err);
	if (!rc && !j->dry)
		rc = supersede(j, &txn, now, err);
	if (!rc && !j->dry)
		rc = flow_follow_conclude(j, &txn, now, err);
	if (!rc)
		rc = store_commit(&txn, err);
	inbox_secret_end(shop->inbox, &secret, !rc);
	if (!rc)
		inbox_fix_shown(shop->inbox, &gone);
	if (!rc && seq)
		publish_done(j->publish);
	return rc;
}

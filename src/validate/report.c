/*
 * The receipt for people (SPEC 6): the first line is the verdict, the second
 * the next step, then the facts, then the first faults. In English and in
 * Chinese; nothing of the file reaches the reader's terminal unescaped.
 */
#include "base/clock.h"
#include "base/text.h"
#include "validate/validate.h"

#include <inttypes.h>

#define SHOWN_FAULTS 50
#define SHOWN_VALUE 60 /* characters of a value */

struct report {
	const struct validate_receipt *r;
	bool zh;
	struct buf *out;
};

/* Appends a sentence in the report's language; both take the same values. */
#define SAY(w, en, chinese, ...) \
	((w)->zh ? buf_addf((w)->out, chinese, ##__VA_ARGS__) \
		 : buf_addf((w)->out, en, ##__VA_ARGS__))

#define N PRId64

static int
add_visible(const struct report *w, const char *text)
{
	return text_visible(w->out, slice_str(text), 0);
}

static int64_t
count_of(const struct validate_faults *f)
{
	return f ? validate_faults_count(f) : 0;
}

/* ---- the verdict --------------------------------------------------------- */

static int
say_accepted(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	if (c->read == 0 && c->deleted)
		return SAY(w,
			   "a header without rows: all %" N
			   " records were deleted",
			   "只有表头、没有数据，已删除全部 %" N " 条记录",
			   c->deleted);
	if (c->read == 0)
		return SAY(w, "a header without rows: a nil return",
			   "只有表头、没有数据，按零报送处理");
	if (c->read == 1)
		return SAY(w, "the one row is in", "1 条数据已入库");
	return SAY(w, "all %" N " rows are in", "全部 %" N " 条数据已入库",
		   c->read);
}

static int
say_unchanged(const struct report *w)
{
	if (w->r->rows.read == 0)
		return SAY(w, "a header without rows: a nil return",
			   "只有表头、没有数据，按零报送处理");
	return SAY(w, "nothing differs from the records of today",
		   "数据全部合格，与现有数据一致");
}

static int
say_partial(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	return SAY(w, "%" N " of %" N " rows are in, %" N " refused",
		   "%" N " 条已入库（共 %" N " 条），%" N " 条被退回",
		   c->accepted, c->read, c->refused);
}

static int
say_quarantined(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	if (w->r->reason && *w->r->reason)
		return SAY(w, "nothing was published", "暂缓入库，未发布");
	return SAY(w,
		   "nothing was published: %" N " of %" N
		   " rows refused, more than the tolerance",
		   "暂缓入库，未发布：%" N " 条不合格（共 %" N
		   " 条），超过允许比例",
		   c->refused, c->read);
}

/* What a command has looked at is not the platform's to erase. */
static int
say_erased(const struct report *w)
{
	if (!*w->r->submission)
		return SAY(w,
			   "the file holds values of a secret field and would "
			   "be erased",
			   "文件含有涉密字段的值，将被拒收并销毁");
	return SAY(w,
		   "the file has been erased: it held what must not be sent "
		   "here, values of a secret field; nothing of it is in",
		   "文件含有不得报送的涉密字段的值，已予销毁，未入库");
}

/* Of a dry run: what would become of the file. */
static int
say_trial(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	switch (w->r->state) {
	case VALIDATE_S_ACCEPTED:
		if (c->read == 1)
			return SAY(w, "the one row is good", "1 条数据合格");
		return SAY(w, "all %" N " rows are good",
			   "共 %" N " 条数据，全部合格", c->read);
	case VALIDATE_S_UNCHANGED:
		return say_unchanged(w);
	case VALIDATE_S_PARTIAL:
		return SAY(w,
			   "%" N " of %" N " rows are good, %" N
			   " would be refused",
			   "%" N " 条合格（共 %" N " 条），%" N " 条将被退回",
			   c->accepted, c->read, c->refused);
	case VALIDATE_S_QUARANTINED:
		return SAY(w, "nothing would be published", "将暂缓入库");
	case VALIDATE_S_REJECTED:
		if (w->r->erased)
			return say_erased(w);
		return SAY(w, "nothing of the file can be used",
			   "文件无法使用");
	default:
		return SAY(w, "nothing of the file can be used",
			   "文件无法使用");
	}
}

static int
say_state(const struct report *w)
{
	if (w->r->trial)
		return say_trial(w);
	switch (w->r->state) {
	case VALIDATE_S_ACCEPTED:
		return say_accepted(w);
	case VALIDATE_S_UNCHANGED:
		return say_unchanged(w);
	case VALIDATE_S_PARTIAL:
		return say_partial(w);
	case VALIDATE_S_QUARANTINED:
		return say_quarantined(w);
	case VALIDATE_S_REJECTED:
		if (w->r->erased)
			return say_erased(w);
		return SAY(w, "the file could not be read, nothing of it is in",
			   "文件无法读取，未入库");
	case VALIDATE_S_INCOMPLETE:
		return SAY(w, "the file is not whole and was not judged",
			   "文件不完整，未作检查");
	case VALIDATE_S_SUPERSEDED:
		return SAY(w, "a later file of this resource was accepted",
			   "本资源已有更新的文件入库，本次提交不再处理");
	case VALIDATE_S_WITHDRAWN:
		return SAY(w, "its effect was undone",
			   "本次提交已撤回，其影响已消除");
	case VALIDATE_RECEIVING:
	case VALIDATE_JUDGING:
		return SAY(w, "the verdict is still to come", "尚未得出结论");
	}
	return 0;
}

/* The Chinese of the states; the English words are those of SPEC. */
static const char *const states_zh[] = {
	[VALIDATE_RECEIVING] = "正在接收",
	[VALIDATE_JUDGING] = "正在检查",
	[VALIDATE_S_ACCEPTED] = "已接收",
	[VALIDATE_S_UNCHANGED] = "无变化",
	[VALIDATE_S_PARTIAL] = "部分接收",
	[VALIDATE_S_QUARANTINED] = "待处理",
	[VALIDATE_S_REJECTED] = "已拒收",
	[VALIDATE_S_INCOMPLETE] = "不完整",
	[VALIDATE_S_SUPERSEDED] = "已被取代",
	[VALIDATE_S_WITHDRAWN] = "已撤回",
};

static int
add_verdict(const struct report *w)
{
	const char *reason = w->zh ? w->r->reason_zh : w->r->reason;
	const char *word = validate_state_word(w->r->state);

	if (w->r->trial &&
	    SAY(w, "a trial, nothing is stored: ", "试运行，不保存数据："))
		return ERR_NOMEM;
	if (w->zh ? buf_addf(w->out, "%s（%s）：", states_zh[w->r->state], word)
		  : buf_addf(w->out, "%s: ", word))
		return ERR_NOMEM;
	if (say_state(w))
		return ERR_NOMEM;
	if (reason && *reason && (SAY(w, ": ", "：") || add_visible(w, reason)))
		return ERR_NOMEM;
	return buf_addc(w->out, '\n');
}

/* ---- the next step ------------------------------------------------------- */

static bool
has_fix_file(const struct report *w)
{
	return w->r->fix_file && *w->r->fix_file;
}

static int
say_fix(const struct report *w)
{
	if (SAY(w, "correct the rows named below", "请改正下列数据"))
		return ERR_NOMEM;
	if (!has_fix_file(w))
		return SAY(w, " in the file and copy it here again",
			   "，再将文件重新复制到本文件夹");
	if (SAY(w, " in '", "：打开“") || add_visible(w, w->r->fix_file))
		return ERR_NOMEM;
	return SAY(w, "' and save it", "”，修改后直接保存");
}

static bool
is_out_of_sequence(const struct report *w)
{
	const struct validate_fault *errors;

	return w->r->errors && validate_faults_kept(w->r->errors, &errors) &&
	       strcmp(errors[0].code, "sequence") == 0;
}

static int
say_quarantine_step(const struct report *w)
{
	if (is_out_of_sequence(w)) {
		if (SAY(w,
			"submit what is named above, or, if the rows are to "
			"be taken as they are, have it released",
			"请按上述说明提交；如需直接采用其中的数据，请办理放行"))
			return ERR_NOMEM;
	} else if (w->r->rows.refused == 0) {
		if (SAY(w,
			"submit the whole file, or, if this one is right, "
			"have it released",
			"请核对后重新提交完整的文件；如本文件无误，请办理放行"))
			return ERR_NOMEM;
	} else if (say_fix(w) || SAY(w, "; or have the good rows released",
				     "；或办理放行，使合格的数据先行入库")) {
		return ERR_NOMEM;
	}
	return SAY(w, " (civicfs release %s)", "（civicfs release %s）",
		   w->r->submission);
}

static int
say_nothing_to_do(const struct report *w)
{
	int64_t n = count_of(w->r->warnings);

	if (n)
		return SAY(w,
			   "nothing has to be done; please look at the "
			   "warnings below (%" N ")",
			   "无需处理；请留意下列提示（%" N " 条）", n);
	return SAY(w, "nothing has to be done", "无需处理");
}

static int
say_trial_step(const struct report *w)
{
	if (w->r->state == VALIDATE_S_UNCHANGED)
		return SAY(w, "there is nothing to submit", "无需报送");
	if (w->r->state != VALIDATE_S_ACCEPTED)
		return SAY(w, "correct what is named below and try again",
			   "请按下列说明改正后再试");
	if (SAY(w, "copy the file into the inbox of ", "可将文件放入 ") ||
	    add_visible(w, w->r->department) || buf_addc(w->out, '/') ||
	    add_visible(w, w->r->resource))
		return ERR_NOMEM;
	return w->zh ? buf_adds(w->out, " 的报送文件夹") : 0;
}

static int
say_step(const struct report *w)
{
	if (w->r->trial)
		return say_trial_step(w);
	switch (w->r->state) {
	case VALIDATE_S_ACCEPTED:
	case VALIDATE_S_UNCHANGED:
		return say_nothing_to_do(w);
	case VALIDATE_S_PARTIAL:
		return say_fix(w);
	case VALIDATE_S_QUARANTINED:
		return say_quarantine_step(w);
	case VALIDATE_S_REJECTED:
		if (w->r->erased)
			return SAY(w,
				   "remove the column from your own file, "
				   "submit it again without it, and report the "
				   "case to your secrecy office",
				   "请从原文件中删去该列后重新提交，并报告本单"
				   "位保密部门");
		return SAY(w,
			   "correct what is named below and submit the whole "
			   "file again",
			   "请按下列说明改正后重新提交整个文件");
	case VALIDATE_S_INCOMPLETE:
		return SAY(w, "copy the file again and let the copy finish",
			   "请重新复制该文件，并等待复制完成");
	case VALIDATE_S_SUPERSEDED:
		return SAY(w, "nothing has to be done", "无需处理");
	case VALIDATE_S_WITHDRAWN:
		return SAY(w,
			   "submit the file again if it was withdrawn by "
			   "mistake",
			   "如系误撤，请重新提交文件");
	case VALIDATE_RECEIVING:
	case VALIDATE_JUDGING:
		return SAY(w, "wait; this receipt will be replaced",
			   "请稍候，结论得出后将更新本回执");
	}
	return 0;
}

static int
add_step(const struct report *w)
{
	if (SAY(w, "next: ", "下一步：") || say_step(w))
		return ERR_NOMEM;
	return SAY(w, ".\n\n", "。\n\n");
}

/* ---- the facts ----------------------------------------------------------- */

/* A line 'name value'; nothing when the value is unknown. Names are padded by
 * hand, because printf() counts bytes and Chinese takes two columns. */
static int
add_fact(const struct report *w, const char *en, const char *zh,
	 const char *value)
{
	if (!value || !*value)
		return 0;
	if (SAY(w, "%.0s%-12s ", "%s：%.0s", zh, en))
		return ERR_NOMEM;
	if (add_visible(w, value))
		return ERR_NOMEM;
	return buf_addc(w->out, '\n');
}

static int
add_time(const struct report *w, const char *en, const char *zh, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	return ns ? add_fact(w, en, zh, clock_rfc3339(ns, text)) : 0;
}

static int
add_resource(const struct report *w)
{
	if (SAY(w, "resource     ", "资源："))
		return ERR_NOMEM;
	if (add_visible(w, w->r->department) || buf_addc(w->out, '/') ||
	    add_visible(w, w->r->resource))
		return ERR_NOMEM;
	return buf_addc(w->out, '\n');
}

static int
add_rows(const struct report *w)
{
	const struct validate_counts *c = &w->r->rows;

	/* of a file that was not read as rows there is nothing to count */
	if (c->read == 0)
		return 0;
	if (SAY(w,
		"rows         %" N " read, %" N " accepted, %" N " refused\n",
		"数据：读取 %" N " 条，合格 %" N " 条，退回 %" N " 条\n",
		c->read, c->accepted, c->refused))
		return ERR_NOMEM;
	if (w->r->trial && !w->r->compared)
		return 0;
	return SAY(w,
		   "records      %" N " inserted, %" N " updated, %" N
		   " deleted, %" N " unchanged\n",
		   "入库：新增 %" N " 条，修改 %" N " 条，删除 %" N
		   " 条，不变 %" N " 条\n",
		   c->inserted, c->updated, c->deleted, c->unchanged);
}

static int
add_published(const struct report *w)
{
	for (size_t i = 0; i < w->r->npublished; i++) {
		const struct validate_published *p = &w->r->published[i];

		if (SAY(w, "published    ", "发布：") ||
		    add_visible(w, p->dataset) ||
		    SAY(w, " version %" N "\n", " 第 %" N " 版\n", p->version))
			return ERR_NOMEM;
	}
	return 0;
}

static int
add_rounds(const struct report *w)
{
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < w->r->nrounds; i++) {
		const struct validate_round *x = &w->r->rounds[i];

		if (SAY(w,
			"fix file %-3" N " %" N " rows came back, %" N
			" of them accepted, %" N " are still refused (",
			"第 %" N " 次修正：交回 %" N " 条，其中合格 %" N
			" 条，仍有 %" N " 条被退回（",
			x->round, x->back, x->accepted, x->refused) ||
		    add_visible(w, x->submitted_by) || SAY(w, ", ", "，") ||
		    buf_adds(w->out, clock_rfc3339(x->received_at, text)) ||
		    SAY(w, ")\n", "）\n"))
			return ERR_NOMEM;
	}
	return 0;
}

static int
add_facts(const struct report *w)
{
	const struct validate_receipt *r = w->r;

	if (add_fact(w, "submission", "提交编号", r->submission) ||
	    add_resource(w) || add_fact(w, "file", "文件", r->file) ||
	    SAY(w, "bytes        %" N "\n", "字节数：%" N "\n", r->bytes) ||
	    add_fact(w, "sha256", "SHA-256", r->sha256) ||
	    add_fact(w, "format", "格式", r->format) ||
	    add_fact(w, "encoding", "编码", r->encoding) ||
	    add_fact(w, "submitted by", "提交人", r->submitted_by) ||
	    add_time(w, "received at", "接收时间", r->received_at) ||
	    add_time(w, "judged at", "检查时间", r->judged_at) || add_rows(w) ||
	    add_published(w) || add_rounds(w))
		return ERR_NOMEM;
	return add_fact(w, "next due", "下次报送期限", r->next_due);
}

/* ---- the faults ---------------------------------------------------------- */

static int
add_place(const struct report *w, const struct validate_fault *f)
{
	if (f->member && (SAY(w, "'", "“") || add_visible(w, f->member) ||
			  SAY(w, "', ", "”")))
		return ERR_NOMEM;
	if (f->row && f->line)
		return SAY(w, "row %" N " (line %" N ")",
			   "第 %" N " 条（文件第 %" N " 行）", f->row, f->line);
	if (f->row)
		return SAY(w, "row %" N, "第 %" N " 条", f->row);
	if (f->line)
		return SAY(w, "line %" N, "文件第 %" N " 行", f->line);
	return SAY(w, "file", "文件");
}

static int
add_fault(const struct report *w, const struct validate_fault *f)
{
	const char *message = w->zh ? f->message_zh : f->message;

	if (add_place(w, f))
		return ERR_NOMEM;
	if (*f->field &&
	    (SAY(w, ", field ", "，字段 ") || add_visible(w, f->field)))
		return ERR_NOMEM;
	if (SAY(w, ": ", "：") || add_visible(w, message))
		return ERR_NOMEM;
	if (f->value.n &&
	    (SAY(w, "; found '", "；填报值为“") ||
	     text_visible(w->out, f->value, SHOWN_VALUE) || SAY(w, "'", "”")))
		return ERR_NOMEM;
	return buf_addf(w->out, " [%s]\n", f->code);
}

static int
add_faults(const struct report *w, const char *en, const char *zh,
	   const struct validate_faults *f)
{
	const struct validate_fault *kept;
	int64_t count = count_of(f);
	int64_t shown = count < SHOWN_FAULTS ? count : SHOWN_FAULTS;

	if (!count)
		return 0;
	if (SAY(w, "\n%.0s%s: %" N "\n", "\n%s：%.0s%" N " 条\n", zh, en,
		count))
		return ERR_NOMEM;
	(void)validate_faults_kept(f, &kept);
	for (int64_t i = 0; i < shown; i++) {
		if (add_fault(w, &kept[i]))
			return ERR_NOMEM;
	}
	if (shown == count)
		return 0;
	return SAY(w,
		   "and %" N " more; the first %d are in the receipt that "
		   "ends in .json\n",
		   "另有 %" N " 条未列出；前 %d 条见扩展名为 .json 的回执\n",
		   count - shown, VALIDATE_KEPT);
}

int
validate_receipt_text(const struct validate_receipt *r, const char *language,
		      struct buf *out)
{
	const struct report w = {r, strcmp(language, "zh") == 0, out};

	if (add_verdict(&w) || add_step(&w) || add_facts(&w) ||
	    add_faults(&w, "errors", "错误", r->errors))
		return ERR_NOMEM;
	return add_faults(&w, "warnings", "提示", r->warnings);
}

/* The table of sentences: see message.h. */
#include "validate/message.h"

struct text {
	const char *code;
	const char *en;
	const char *zh;
};

static const struct text texts[MSG_COUNT] = {
	[MSG_UTF8] = {"encoding-error",
		      "not UTF-8 text: save the file as UTF-8 and send it "
		      "again",
		      "不是有效的 UTF-8 文本，请将文件另存为 UTF-8 后重新提交"},
	[MSG_INTEGER] = {"type-error",
			 "not an integer: write digits only, such as 1200 or "
			 "-5",
			 "不是整数，请只填数字，例如 1200 或 -5"},
	[MSG_INTEGER_POINT] = {"type-error",
			       "not an integer: it has a decimal point; send "
			       "a whole number, or have the field registered "
			       "as type number",
			       "不是整数（带有小数点），请填整数；如确有小数，"
			       "请将字段类型改为 number"},
	[MSG_INTEGER_SPREADSHEET] =
		{"spreadsheet-number",
		 "a spreadsheet shortened this number and its last digits are "
		 "lost: format the column as text or as number without "
		 "decimals, enter the number again and export it again",
		 "数字被电子表格改成了科学计数法，后几位已丢失。请将该列设为文"
		 "本"
		 "或无小数的数值格式，重新填写后再导出"},
	[MSG_NUMBER] = {"type-error",
			"not a number: write digits with a point before the "
			"decimals, such as 1200.50",
			"不是数值，请填数字，小数点用“.”，例如 1200.50"},
	[MSG_NUMBER_COMMAS] = {"type-error",
			       "commas in the wrong place: they may only "
			       "separate groups of three digits, as in "
			       "1,234,567, and decimals follow a point",
			       "逗号位置不对：逗号只能作千位分隔，例如 "
			       "1,234,567；小数点请用“.”"},
	[MSG_NUMBER_SPACE] = {"type-error",
			      "a blank inside the number: write it without "
			      "blanks",
			      "数字中间有空格，请去掉空格"},
	[MSG_NUMBER_LONG] = {"type-error",
			     "too long for a number: more than 100 digits when "
			     "its exponent is written out, or more than 1000 "
			     "characters: check the cell",
			     "数字过长：展开指数后超过 100 位，或超过 1000 "
			     "个字符，请核对"},
	[MSG_BOOLEAN] = {"type-error",
			 "neither yes nor no: write true or false (是/否, "
			 "1/0, yes/no and Y/N are taken too)",
			 "不是是否值，请填“是”或“否”（也可填 "
			 "true/false、1/0、yes/no、Y/N）"},
	[MSG_DATE] = {"type-error",
		      "not a date: write year, month and day as in "
		      "2012-06-01, the year with four digits",
		      "不是日期，请按“2012-06-01”的格式填写，年份为四位"},
	[MSG_DATE_TIME] = {"type-error",
			   "a date with a time of day: write the day only, "
			   "as in 2012-06-01",
			   "日期后面带有时间，请只填日期，例如 2012-06-01"},
	[MSG_DAY] = {"type-error",
		     "there is no such day in the calendar: correct the month "
		     "or the day",
		     "日历上没有这一天，请核对月份和日期"},
	[MSG_DATETIME] = {"type-error",
			  "not a date with time: write it as in "
			  "2012-06-01T09:30:00",
			  "不是日期时间，请按“2012-06-01 09:30:00”的格式填写"},
	[MSG_DATETIME_DAY] = {"type-error",
			      "the time of day is missing: write it as in "
			      "2012-06-01T09:30:00",
			      "缺少时间，请按“2012-06-01 09:30:00”的格式填写"},
	[MSG_DATETIME_CLOCK] = {"type-error",
				"there is no such time of day: hours go from "
				"00 to 23, minutes and seconds from 00 to 59",
				"没有这个时间：小时为 00 至 23，分、秒为 00 至 "
				"59"},
	[MSG_DATETIME_FRACTION] = {"type-error",
				   "finer than a millisecond: write at most "
				   "three digits after the seconds",
				   "秒的小数超过三位，请最多保留到毫秒"},
	[MSG_DATETIME_RANGE] = {"type-error",
				"in the platform's time zone this is no year "
				"from 0001 to 9999: correct the date or its "
				"offset",
				"换算到平台时区后年份超出 0001 至 "
				"9999，请核对日期和时区"},
	[MSG_CODE_SPREADSHEET] =
		{"spreadsheet-number",
		 "a spreadsheet turned this code into a number and its last "
		 "digits are lost: format the column as text, enter the code "
		 "again and export it again",
		 "代码被电子表格改成了科学计数法，后几位已丢失。请将该列设为文"
		 "本"
		 "格式，重新填写完整代码后再导出"},
	[MSG_USCC] = {"type-error",
		      "not a unified social credit code: it has 18 digits "
		      "and letters, the third to the eighth are digits",
		      "不是统一社会信用代码：应为 18 位数字或大写字母，其中第 "
		      "3 至 8 "
		      "位为数字"},
	[MSG_USCC_LETTER] =
		{"type-error",
		 "the letters I, O, S, V and Z do not occur in a "
		 "unified social credit code: look whether 1, 0, "
		 "5, U or 2 is meant",
		 "统一社会信用代码不使用字母 I、O、S、V、Z，请核对是否应为 "
		 "1、0、5、U、2"},
	[MSG_USCC_CHECK] =
		{"uscc-checksum",
		 "the check character does not fit (GB 32100): "
		 "compare the code with the certificate",
		 "统一社会信用代码的校验码不符（GB 32100），请与证照核对"},
	[MSG_ORG_CODE] =
		{"type-error",
		 "not an organization code: it has eight digits or "
		 "letters and a check character, such as 12345678-X",
		 "不是组织机构代码：应为 8 位数字或大写字母加 1 位校验码，例如 "
		 "12345678-X"},
	[MSG_ORG_CODE_CHECK] = {"uscc-checksum",
				"the check character does not fit (GB 11714): "
				"compare the code with the certificate",
				"组织机构代码的校验码不符（GB "
				"11714），请与证书核对"},
	[MSG_ID_NUMBER] = {"type-error",
			   "not an identity number: it has 17 digits and a "
			   "last digit or X",
			   "不是公民身份号码：应为 17 位数字加 1 位数字或 X"},
	[MSG_ID_NUMBER_15] = {"type-error",
			      "an old identity number of 15 digits: send the "
			      "one of 18 characters that replaced it",
			      "这是 15 位旧身份证号，请填写 18 位公民身份号码"},
	[MSG_ID_NUMBER_BIRTH] =
		{"type-error",
		 "digits 7 to 14 are no possible date of "
		 "birth: compare the number with the document",
		 "第 7 至 14 位不是可能的出生日期，请与证件核对"},
	[MSG_ID_NUMBER_CHECK] = {"uscc-checksum",
				 "the check character does not fit (GB "
				 "11643): compare the number with the document",
				 "公民身份号码的校验码不符（GB "
				 "11643），请与证件核对"},
	[MSG_ROUNDED_CHECK] = {"uscc-checksum",
			       "the check character does not fit and the last "
			       "digits are 000, as when a spreadsheet rounds "
			       "a long number: compare it with the document",
			       "校验码不符，且末三位为 "
			       "000，可能被电子表格改动过，请与证照核对"},
	[MSG_REGION] = {"type-error",
			"not a region code: it has 6, 9 or 12 digits",
			"不是行政区划代码：应为 6 位、9 位或 12 位数字"},
	[MSG_REQUIRED] = {"constraint-error",
			  "empty, but the field is required: fill it in",
			  "此项必填，不能为空，请补填"},
	[MSG_KEY_EMPTY] = {"constraint-error",
			   "empty, but the field is part of the key: fill it "
			   "in",
			   "此项是主键，不能为空，请补填"},
	[MSG_ENUM] = {"constraint-error",
		      "not one of the allowed values: use one of {1}",
		      "不在允许的取值范围内，请从以下取值中选填：{1}"},
	[MSG_PATTERN] = {"constraint-error",
			 "not of the form that the descriptor's pattern asks "
			 "for: {1}",
			 "不符合登记的格式要求（pattern）：{1}"},
	[MSG_PATTERN_LIMIT] =
		{"constraint-error",
		 "too long to be compared with the "
		 "descriptor's pattern: shorten the value",
		 "内容过长，无法按登记的格式（pattern）检查，请缩短"},
	[MSG_MIN] = {"constraint-error",
		     "smaller than the least allowed value {1} (min in the "
		     "descriptor): correct it",
		     "小于允许的最小值 {1}（登记项 min），请核对"},
	[MSG_MAX] = {"constraint-error",
		     "greater than the greatest allowed value {1} (max in "
		     "the descriptor): correct it",
		     "大于允许的最大值 {1}（登记项 max），请核对"},
	[MSG_MIN_LENGTH] = {"constraint-error",
			    "too short: {2} characters, at least {1} are "
			    "needed (min_length in the descriptor)",
			    "太短：现有 {2} 个字，至少应有 {1} 个字（登记项 "
			    "min_length）"},
	[MSG_MAX_LENGTH] = {"constraint-error",
			    "too long: {2} characters, at most {1} are "
			    "allowed (max_length in the descriptor)",
			    "太长：现有 {2} 个字，最多 {1} 个字（登记项 "
			    "max_length）"},
	[MSG_CELL_ERROR] = {"type-error",
			    "the formula of this cell ends in an error: "
			    "correct it, or write the value itself",
			    "该单元格的公式出错，请改正公式或直接填写数值"},
	[MSG_CELL_NO_VALUE] =
		{"type-error",
		 "a formula whose value was not saved: open the workbook in a "
		 "spreadsheet, save it and send it again, or write the value "
		 "itself",
		 "该单元格是公式，但文件中没有保存计算结果。请用电子表格软件打"
		 "开并保存后重新提交，或直接填写数值"},
	[MSG_CELL_NESTED] =
		{"type-error",
		 "a list or an object where one value belongs: "
		 "write a text or a number",
		 "此处应为单个值，而不是列表或对象，请填文本或数值"},
	[MSG_MISSING_CELL] =
		{"missing-cell",
		 "the row ends before this cell: it has {1} "
		 "cells, the header {2}; add what is missing",
		 "本行缺少这一格：表头有 {2} 列，本行只有 {1} 列，请补齐"},
	[MSG_EXTRA_CELL] =
		{"extra-cell",
		 "the row has {1} cells, the header {2}: remove "
		 "what is too much, or quote a cell that holds "
		 "the delimiter",
		 "本行有 {1} 列，表头只有 {2} "
		 "列。请删去多余的格；若某格内含分隔符，请用英文双引号括起"},
	[MSG_CHANGE] = {"constraint-error",
			"not a kind of change: write insert, update or delete",
			"不是变更类型，请填 insert（新增）、update（修改）或 "
			"delete（删除）"},
	[MSG_CHANGE_EMPTY] =
		{"constraint-error", "empty: write insert, update or delete",
		 "变更类型不能为空，请填 "
		 "insert（新增）、update（修改）或 delete（删除）"},
	[MSG_PRIMARY_KEY] = {"primary-key",
			     "rows {1} and {2} have the same key but differ: "
			     "keep one of them",
			     "第 {1} 条与第 {2} "
			     "条的主键相同而内容不同，请只保留正确的一条"},
	[MSG_STORED_KEY] =
		{"primary-key",
		 "a different record with this key was submitted "
		 "before, and this resource only takes new ones "
		 "(mode append): correct the key",
		 "此前已提交过主键相同而内容不同的记录，本资源只能追加（mode = "
		 "append），请核对主键"},
	[MSG_FIXED_KEY] =
		{"primary-key",
		 "the record with this key was changed by a later "
		 "submission: send the row again in a new file if "
		 "it still holds",
		 "该主键的记录已被后来的提交更新；如本行仍然有效，请用新文件提"
		 "交"},
	[MSG_NOT_BACK] =
		{"row-constraint",
		 "it was refused before, and the fix file that came back does "
		 "not hold it: it stays refused until it comes back",
		 "此条此前被退回，本次交回的修正文件中没有它，因此仍不入库；请"
		 "改"
		 "正后再次交回"},
	[MSG_NOTHING_TO_FIX] =
		{"format-error",
		 "it is named like a fix file, but no submission of that name "
		 "waits for corrected rows: rename it if it is data of its own",
		 "文件名是修正文件的名称，但没有同名的提交在等待改正；如系新的"
		 "数"
		 "据，请更改文件名"},
	[MSG_FIX_UNKNOWN] =
		{"row-constraint",
		 "the fix file holds {1} rows that were not refused, row {2} "
		 "first: they were left out; send a row that is to be changed "
		 "in a new file",
		 "修正文件中有 {1} 条不是被退回的数据（首条为第 {2} "
		 "条），未予处理；如需修改，请用新文件提交"},
	[MSG_FIX_TWICE] = {"duplicate-row",
			   "the fix file holds {1} rows a second time, row {2} "
			   "first: the first of each counts",
			   "修正文件中有 {1} 条重复出现（首条为第 {2} "
			   "条），以先出现的为准"},
	[MSG_FIX_NAMELESS] =
		{"row-constraint",
		 "in the fix file, the column _row of {1} rows holds no row's "
		 "number, line {2} first: they were left out",
		 "修正文件中有 {1} 行的 _row 列不是行号（首行为第 {2} "
		 "行），未予处理"},
	[MSG_FIX_NO_ROW] =
		{"missing-label",
		 "the fix file that came back has no column _row, which says "
		 "whose correction a row is: copy it back from the fix file "
		 "in the archive",
		 "交回的修正文件缺少 _row 列，无法与原数据对应；请从归档中的修"
		 "正文件恢复该列"},
	[MSG_DUPLICATE_ROW] = {"duplicate-row",
			       "the same as row {1}: it counts once",
			       "与第 {1} 条完全相同，只计一次"},
	[MSG_BLANK_ROW] = {"blank-row",
			   "every cell is empty: the row was skipped",
			   "整行为空，已跳过"},
	[MSG_UNIQUE] = {"constraint-error",
			"the same value as in row {1}, but the field is "
			"unique: correct one of them",
			"与第 {1} 条的值重复，而此项不允许重复，请核对"},
	[MSG_SHRINK] =
		{"shrink",
		 "the file would delete {1} of {2} records, more than "
		 "max_shrink allows: send the whole file, or have "
		 "this one released if they are really gone",
		 "按此文件将删除现有 {2} 条记录中的 {1} "
		 "条，超过允许比例（max_shrink）。请确认文件是否完整；确需删除"
		 "的，请办理放行"},
	[MSG_SECRET] = {"secret",
			"the field is secret and no value of it may be sent "
			"here: remove the column",
			"该字段为涉密字段，不得报送任何值，请删去该列"},
	[MSG_SECRET_UNREAD] =
		{"secret",
		 "the file has a column of this secret field and could not be "
		 "read to its end, so nobody can tell that it is empty: remove "
		 "the column",
		 "文件含有该涉密字段的列，且无法完整读取，不能确认该列为空，请"
		 "删去该列"},
	[MSG_SECRET_FIX] =
		{"secret",
		 "the fix file that came back held a value of this secret "
		 "field: it was erased and none of its rows were taken; "
		 "correct "
		 "the fix file that stands here now, without it",
		 "交回的修正文件含有该涉密字段的值，已予销毁，其中的数据均未采"
		 "用；"
		 "请在现有的修正文件中改正，不得填写该字段"},
	[MSG_ASTRAY_EMPTY] =
		{"orphan",
		 "theme {1} does not show the row: it has no subject; fill "
		 "it in",
		 "主题{1}中没有此条：主体代码为空，请补填"},
	[MSG_ASTRAY_BASE] =
		{"orphan",
		 "theme {1} does not show the row: source '{2}', the base, has "
		 "no such subject; check it, or wait until that source has it",
		 "主题{1}中没有此条：基准来源 {2} "
		 "中没有该主体，请核对，或待其报送"},
	[MSG_ASTRAY_NO_ROW] =
		{"orphan",
		 "theme {1} does not show the row: it has no subject, and no "
		 "row of source '{2}' has this value; check it, or wait until "
		 "that source has it",
		 "主题{1}中没有此条：主体代码为空，来源 {2} "
		 "中也没有该值，请核对，或待其报送"},
	[MSG_ASTRAY_SEVERAL] =
		{"orphan",
		 "theme {1} does not show the row: it has no subject, and "
		 "several rows of source '{2}' have this value; fill in the "
		 "subject",
		 "主题{1}中没有此条：主体代码为空，而来源 {2} "
		 "中有多条同值，请补填主体代码"},
	[MSG_ASTRAY_OTHER_EMPTY] =
		{"orphan",
		 "theme {1} does not show the row: it has no subject, and the "
		 "row of source '{2}' with this value has none either; fill "
		 "it in",
		 "主题{1}中没有此条：主体代码为空，来源 {2} "
		 "中同值的一条也没有主体代码，请补填"},
};

/* Codes that are found in a file as a whole, before there are rows. */
static const struct {
	const char *code;
	const char *zh;
} of_code[] = {
	{"missing-label",
	 "表头缺少已登记的字段，请补上这一列，列名用字段标识或标题"},
	{"extra-label",
	 "表头中有未登记的列，请删去该列；如确需报送，请先在资源目录中登记"},
	{"duplicate-label", "表头中同一字段出现了两次，请只保留一列"},
	{"encoding-error", "文件编码无法识别，请另存为 UTF-8 或 GB18030 编码后"
			   "重新提交"},
	{"format-error", "文件格式有误，无法读取。请检查表头、引号是否成对、是"
			 "否混有空字符；也可"
			 "另存为“CSV UTF-8”后重新提交"},
	{"blank-row", "空行，已跳过"},
	{"quota", "超出本部门的存储配额，请清理旧文件或联系平台管理员"},
	{"sequence", "变更文件的版本不连续，请先提交缺少的版本"},
};

const char *
validate_message_code(enum validate_message id)
{
	return texts[id].code;
}

const char *
validate_message_zh(const char *code)
{
	for (size_t i = 0; i < sizeof(of_code) / sizeof(*of_code); i++) {
		if (strcmp(of_code[i].code, code) == 0)
			return of_code[i].zh;
	}
	return "文件有误，请按代码和所指位置检查，改正后重新提交";
}

/* Appends to text[*at], cut between characters when it does not fit. */
static void
append(char *text, size_t size, size_t *at, const char *p, size_t n)
{
	size_t room = size - 1 - *at;

	if (n > room) {
		n = room;
		while (n && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(text + *at, p, n);
	*at += n;
	text[*at] = '\0';
}

static void
fill(const char *from, const char *const args[2], char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	while (*from) {
		size_t n = strcspn(from, "{");

		append(text, size, &at, from, n);
		from += n;
		if (!*from)
			break;
		/* the table holds {1} and {2} and no other brace */
		if (args[from[1] - '1']) {
			const char *arg = args[from[1] - '1'];

			append(text, size, &at, arg, strlen(arg));
		}
		from += 3;
	}
}

void
validate_message_fill(enum validate_message id, const char *arg1,
		      const char *arg2, struct validate_value_fault *ret)
{
	const char *args[2] = {arg1, arg2};

	ret->code = texts[id].code;
	if (!ret->code)
		return;
	fill(texts[id].en, args, ret->message, sizeof(ret->message));
	fill(texts[id].zh, args, ret->message_zh, sizeof(ret->message_zh));
}

/*
 * Choice lists of a workbook: the values of 'enum', the two of a boolean, and
 * the kinds of change. See book.h.
 */
#include "validate/book.h"

#include "base/scope.h"

#include <errno.h>
#include <stdio.h>

#define INLINE_MOST 255 /* UTF-16 units in the rule itself, with commas */

static const char *const booleans[2][2] = {{"true", "false"}, {"是", "否"}};
static const char *const changes[] = {"insert", "update", "delete"};

struct choices {
	const char *const *values;
	size_t n;
	size_t column; /* of the sheet of choices, if they go there */
};

static bool
has_choices(const struct validate_book *b, size_t column, struct choices *ret)
{
	const struct config_field *f = b->columns[column].field;

	*ret = (struct choices){0};
	if (f && f->allow.n)
		*ret = (struct choices){f->allow.items, f->allow.n, 0};
	else if (f && f->type == CONFIG_BOOLEAN)
		*ret = (struct choices){booleans[b->zh], 2, 0};
	else if (!f && b->columns[column].name)
		*ret = (struct choices){changes, 3, 0};
	return ret->n;
}

/* A short list stands in the rule, unless a comma would cut a value in two. */
static bool
are_inline(const struct choices *c)
{
	size_t all = 0;

	for (size_t i = 0; i < c->n; i++) {
		size_t units;
		int width;

		validate_book_measure(slice_str(c->values[i]), &units, &width);
		all += units + 1;
		if (strpbrk(c->values[i], ",\""))
			return false;
	}
	return all <= INLINE_MOST;
}

static int
add_rule(struct validate_book *b, size_t column, lxw_row_t last,
	 lxw_data_validation *rule, struct error *err)
{
	return validate_book_explain(
		worksheet_data_validation_range(b->sheet, 1, (lxw_col_t)column,
						last, (lxw_col_t)column, rule),
		err);
}

static int
add_inline(struct validate_book *b, size_t column, lxw_row_t last,
	   const struct choices *c, struct error *err)
{
	lxw_data_validation rule = {.validate = LXW_VALIDATION_TYPE_LIST};
	scope_buf texts = BUF_INIT;
	scope_free char **list = calloc(c->n + 1, sizeof(*list));
	size_t at = 0;

	if (!list)
		return error_nomem(err);
	for (size_t i = 0; i < c->n; i++) {
		if (buf_add(&texts, c->values[i], strlen(c->values[i]) + 1))
			return error_nomem(err);
	}
	for (size_t i = 0; i < c->n; i++) {
		list[i] = texts.data + at;
		at += strlen(list[i]) + 1;
	}
	rule.value_list = list;
	return add_rule(b, column, last, &rule, err);
}

/* The longer ones, side by side on a sheet of their own. */
static int
fill_choices(lxw_worksheet *sheet, lxw_format *text,
	     const struct choices *lists, size_t n, struct buf *cell,
	     struct error *err)
{
	bool more = true;

	for (lxw_row_t row = 0; more && row < VALIDATE_BOOK_ROWS; row++) {
		more = false;
		for (size_t i = 0; i < n; i++) {
			int rc;

			if (row >= lists[i].n)
				continue;
			more = true;
			if (validate_book_string(
				    slice_str(lists[i].values[row]), cell))
				return error_nomem(err);
			rc = validate_book_explain(
				worksheet_write_string(sheet, row, (lxw_col_t)i,
						       cell->data, text),
				err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int
add_listed(struct validate_book *b, const char *sheet, size_t at,
	   const struct choices *c, lxw_row_t last, struct error *err)
{
	lxw_data_validation rule = {.validate =
					    LXW_VALIDATION_TYPE_LIST_FORMULA};
	char column[LXW_MAX_COL_NAME_LENGTH], formula[128];

	lxw_col_to_name(column, (lxw_col_t)at, LXW_TRUE);
	snprintf(formula, sizeof(formula), "='%s'!%s$1:%s$%zu", sheet, column,
		 column, c->n);
	rule.value_formula = formula;
	/* libxlsxwriter 1.1.4 never frees its copy of the formula */
	return add_rule(b, c->column, last, &rule, err);
}

static int
add_sheet_of_choices(struct validate_book *b, const struct choices *lists,
		     size_t n, lxw_row_t last, struct error *err)
{
	const char *name = b->zh ? "选项" : "choices";
	lxw_worksheet *sheet;
	int rc = 0;

	if (!n)
		return 0;
	if (strcmp(name, b->sheet->name) == 0)
		name = b->zh ? "可选值" : "allowed values";
	sheet = workbook_add_worksheet(b->workbook, name);
	if (!sheet)
		return error_errno(err, errno ? errno : EIO, "workbook");
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_listed(b, name, i, &lists[i], last, err);
	return rc ? rc : fill_choices(sheet, b->text, lists, n, &b->cell, err);
}

int
validate_book_add_choices(struct validate_book *b, lxw_row_t last,
			  struct error *err)
{
	scope_free struct choices *lists =
		calloc(b->ncolumns + 1, sizeof(*lists));
	size_t n = 0;
	int rc = 0;

	if (!lists)
		return error_nomem(err);
	for (size_t i = 0; !rc && i < b->ncolumns; i++) {
		struct choices c;

		if (!has_choices(b, i, &c))
			continue;
		c.column = i;
		if (are_inline(&c))
			rc = add_inline(b, i, last, &c, err);
		else
			lists[n++] = c;
	}
	return rc ? rc : add_sheet_of_choices(b, lists, n, last, err);
}

/*
 * Writes a workbook by libxlsxwriter, as other programs do: for table_forms.py.
 *
 *   xlsxwriter_table FILE [ROW-BY-ROW] <CELLS
 *
 * A cell a line: a letter for its kind (s text, n number, b boolean, d day, t
 * time, - none), a blank and the value, in which \n is a line break; an empty
 * line ends a row. With a second argument rows are written as they come, texts
 * in the cells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

struct out {
	lxw_worksheet *sheet;
	lxw_format *day, *time;
	lxw_row_t row;
	lxw_col_t column;
};

static void
break_lines(char *s)
{
	for (char *p = s; (p = strstr(p, "\\n"));) {
		*p++ = '\n';
		memmove(p, p + 1, strlen(p));
	}
}

/* YYYY-MM-DD[Thh:mm:ss] */
static lxw_datetime
moment(const char *s)
{
	int part[6] = {0};

	for (int i = 0; i < 6 && *s; i++) {
		char *end;

		part[i] = (int)strtol(s, &end, 10);
		s = *end ? end + 1 : end;
	}
	return (lxw_datetime){part[0], part[1], part[2],
			      part[3], part[4], part[5]};
}

static lxw_error
put_cell(struct out *o, char *line)
{
	lxw_col_t column = o->column++;
	lxw_datetime at;

	switch (line[0]) {
	case 's':
		break_lines(line + 2);
		return worksheet_write_string(o->sheet, o->row, column,
					      line + 2, NULL);
	case 'n':
		return worksheet_write_number(o->sheet, o->row, column,
					      strtod(line + 2, NULL), NULL);
	case 'b':
		return worksheet_write_boolean(o->sheet, o->row, column,
					       line[2] == '1', NULL);
	case 'd':
	case 't':
		at = moment(line + 2);
		return worksheet_write_datetime(o->sheet, o->row, column, &at,
						line[0] == 'd' ? o->day
							       : o->time);
	default:
		return LXW_NO_ERROR;
	}
}

int
main(int argc, char **argv)
{
	lxw_workbook_options options = {.constant_memory = argc > 2};
	lxw_workbook *book =
		argc < 2 ? NULL : workbook_new_opt(argv[1], &options);
	struct out o = {0};
	char line[4096];

	if (!book)
		return 2;
	o.sheet = workbook_add_worksheet(book, "数据");
	o.day = workbook_add_format(book);
	o.time = workbook_add_format(book);
	format_set_num_format(o.day, "yyyy\"年\"m\"月\"d\"日\"");
	format_set_num_format(o.time, "yyyy/m/d h:mm:ss");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line) {
			o.row++;
			o.column = 0;
		} else if (put_cell(&o, line)) {
			return 1;
		}
	}
	return workbook_close(book) != LXW_NO_ERROR;
}

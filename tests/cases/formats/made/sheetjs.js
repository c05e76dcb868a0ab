/*
 * Made the workbooks beside it by SheetJS (npm xlsx 0.18.5), out of the table
 * that tests/lib/table_forms.py --json prints:
 *
 *   TZ=UTC node sheetjs.js TABLE.json FOLDER
 */
"use strict";
const fs = require("fs");
const XLSX = require("xlsx");

const table = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));

function value(cell, column) {
	const isDay = /^\d{4}-\d\d-\d\d(T|$)/.test(cell);
	if (!isDay || column === 0)
		return cell;
	return new Date(cell.length === 10 ? cell + "T00:00:00" : cell);
}

function write(name, dates, options) {
	const rows = [table.header, ...table.rows.map((row) => row.map(value))];
	const sheet = XLSX.utils.aoa_to_sheet(rows, {
		cellDates: dates,
		dateNF: "yyyy-mm-dd hh:mm:ss",
	});
	const book = XLSX.utils.book_new();
	XLSX.utils.book_append_sheet(book, sheet, "数据");
	XLSX.writeFile(book, process.argv[3] + "/" + name,
		       { compression: true, cellDates: dates, ...options });
}

write("sheetjs.xlsx", false, { bookSST: true });
write("sheetjs-days.xlsx", true, {});
write("sheetjs.xls", false, { bookType: "biff8" });
write("sheetjs-days.ods", true, { bookType: "ods" });

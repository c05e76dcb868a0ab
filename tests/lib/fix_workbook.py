#!/usr/bin/python3
"""Workbooks of a clerk, and what is in those that come back.

  fix_workbook.py make FILE             one with faulty rows
  fix_workbook.py show FILE             what its reader sees, as JSON
  fix_workbook.py set FILE TO CELL=TEXT CELL=#NUMBER -ROW …
                                        corrected as a program saves it
  fix_workbook.py csv FILE TO           saved as CSV instead"""

import csv
import json
import sys

import openpyxl

HEADER = ["代码", "名称", "注册资本", "等级", "上市", "成立日期", "备注"]
ROWS = [
    ["914419000000000017", "一号", 12.5, "A", True, "2012-06-01", "=1+1"],
    ["914419000000000025", None, "many", "B", "是", "2012-06-02", None],
    [914419000000000033, "三号", 3, "E", "maybe", "2012-06-31", "_x005F_x0041_"],
    ["914419000000000041", "四号\n分号", 4, "C", False, "2012-06-04", "x"],
    ["914419000000000041", "五号", 5, "C", None, "2012-06-05", "0012"],
    ["914419000000000068", "六号", 6, "D", "N", "2012-06-06", "#N/A"],
]


def make(path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "June"
    sheet.append(HEADER)
    for row in ROWS:
        sheet.append(row)
    # a text that looks like a formula is one
    sheet["G2"].data_type = "s"
    sheet["G7"].data_type = "e"
    book.save(path)


def show(path):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    cells = [c for row in sheet.iter_rows() for c in row]
    seen = {
        "sheets": book.sheetnames,
        "rows": [[c.value for c in row] for row in sheet.iter_rows()],
        "wrong": [c.coordinate for c in cells
                  if c.fill.fgColor.rgb == "FFFFC7CE"],
        "notes": {c.coordinate: c.comment.text for c in cells if c.comment},
        "formats": sorted({c.number_format for c in cells}),
        "types": sorted({c.data_type for c in cells if c.value is not None}),
        "frozen": sheet.freeze_panes,
        "choices": {str(v.sqref): v.formula1
                    for v in sheet.data_validations.dataValidation},
        "listed": [[c.value for c in row] for s in book.worksheets[1:]
                   for row in s.iter_rows()],
        "narrow": [k for k, d in sheet.column_dimensions.items()
                   if d.width < 8 or d.width > 62],
    }
    json.dump(seen, sys.stdout, ensure_ascii=False)


def change(path, to, changes):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for x in changes:
        if x.startswith("-"):
            sheet.delete_rows(int(x[1:]))
            continue
        cell, value = x.split("=", 1)
        sheet[cell] = int(value[1:]) if value.startswith("#") else value
    book.save(to)


def as_csv(path, to):
    sheet = openpyxl.load_workbook(path).worksheets[0]
    with open(to, "w", encoding="utf-8-sig", newline="") as out:
        for row in sheet.iter_rows(values_only=True):
            csv.writer(out).writerow("" if v is None else v for v in row)


def main():
    verb, path = sys.argv[1:3]
    if verb == "make":
        make(path)
    elif verb == "show":
        show(path)
    elif verb == "csv":
        as_csv(path, sys.argv[3])
    else:
        change(path, sys.argv[3], sys.argv[4:])


if __name__ == "__main__":
    main()

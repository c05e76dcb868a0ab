#!/usr/bin/python3
"""One table in every form in which a department may send it: for the scenario
that compares what is published. Forms that need a library which is not here
are named on standard error and left out.

  table_forms.py FOLDER
  table_forms.py --json     the table itself, for cases/formats/made/sheetjs.js
"""

import datetime
import gzip
import io
import json
import lzma
import os
import subprocess
import sys

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(top, "cases", "formats"))
MADE = os.path.join(top, "cases", "formats", "made")

import packed  # noqa: E402
import workbooks as w  # noqa: E402

HEADER = ["代码", "名称", "注册资本", "成立日期", "职工人数", "上市", "登记时间"]
IDS = ["code", "name", "capital", "founded", "staff", "listed", "registered"]
DAY = datetime.date(2012, 6, 1)


def rows():
    """Values as a program has them; codes are texts, also in a workbook."""
    for i in range(40):
        day = DAY + datetime.timedelta(days=37 * i - 700)
        yield ["91441900%010d" % (i * 7919), "企业 %d, \"甲\"\n乙" % i
               if i % 9 == 0 else "Lücke & Söhne <%d>" % i,
               i * 1000.25 if i % 4 else None, day, i * i,
               i % 3 == 0, datetime.datetime(2012, 6, 1, 9, i, 30)]


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    return repr(value) if isinstance(value, float) else str(value)


def delimited(separator=",", header=None):
    def cell(s):
        if any(c in s for c in (separator, '"', "\n")):
            return '"' + s.replace('"', '""') + '"'
        return s
    lines = [header or HEADER] + [[as_text(v) for v in r] for r in rows()]
    return "".join(separator.join(map(cell, r)) + "\r\n" for r in lines)


def serial(value):
    moment = value if isinstance(value, datetime.datetime) else \
        datetime.datetime(value.year, value.month, value.day)
    days = moment - datetime.datetime(1899, 12, 30)
    return repr(days.days + days.seconds / 86400)


def escaped(s):
    return s.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "&#10;")


def sheet(shared):
    """Cells of the hand-made workbook; texts are put into 'shared' if it is a
    list, else they stand in the cells."""
    def cell(where, v):
        if v is None:
            return ""
        if isinstance(v, bool):
            return w.cell(where, int(v), "b")
        if isinstance(v, datetime.datetime):
            return w.cell(where, serial(v), style=2)
        if isinstance(v, datetime.date):
            return w.cell(where, serial(v), style=1)
        if isinstance(v, (int, float)):
            return w.cell(where, repr(v))
        if shared is None:
            return w.text(where, escaped(v))
        shared.append(f"<t xml:space='preserve'>{escaped(v)}</t>")
        return w.cell(where, len(shared) - 1, "s")
    lines = [HEADER] + list(rows())
    return w.sheet(*[
        (n + 1, [cell("ABCDEFG"[i] + str(n + 1), v)
                 for i, v in enumerate(line)])
        for n, line in enumerate(lines)])


def openpyxl_book():
    import openpyxl
    book = openpyxl.Workbook()
    first = book.active
    first.title = "说明"
    first.append(["说明"])
    table = book.create_sheet("数据")
    for line in [HEADER] + list(rows()):
        table.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def odf_book():
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    def cell(v):
        if v is None:
            return TableCell()
        if isinstance(v, bool):
            return TableCell(valuetype="boolean", booleanvalue=as_text(v))
        if isinstance(v, datetime.date):
            return TableCell(valuetype="date", datevalue=as_text(v))
        if isinstance(v, (int, float)):
            return TableCell(valuetype="float", value=as_text(v))
        made = TableCell(valuetype="string")
        for line in v.split("\n"):
            made.addElement(P(text=line))
        return made
    book = OpenDocumentSpreadsheet()
    table = Table(name="数据")
    for line in [HEADER] + list(rows()):
        row = TableRow()
        for v in line:
            row.addElement(cell(v))
        table.addElement(row)
    book.spreadsheet.addElement(table)
    out = io.BytesIO()
    book.write(out)
    return out.getvalue()


def xlwt_book():
    import xlwt
    book = xlwt.Workbook()
    table = book.add_sheet("数据")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for i, line in enumerate([HEADER] + list(rows())):
        for k, v in enumerate(line):
            if isinstance(v, datetime.datetime):
                table.write(i, k, v, moment)
            elif isinstance(v, datetime.date):
                table.write(i, k, v, day)
            elif v is not None:
                table.write(i, k, v)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def kind_of(v):
    for kind, letter in ((type(None), "-"), (bool, "b"), (str, "s"),
                         (datetime.datetime, "t"), (datetime.date, "d")):
        if isinstance(v, kind):
            return letter
    return "n"


def xlsxwriter_book(*options):
    """By a program of the build, which need not be there."""
    cells = ""
    for line in [HEADER] + list(rows()):
        for v in line:
            text = str(int(v)) if isinstance(v, bool) else as_text(v)
            cells += kind_of(v) + " " + text.replace("\n", "\\n") + "\n"
        cells += "\n"
    program = os.path.join(os.environ.get("top_builddir", "."),
                           "tests/lib/xlsxwriter_table")
    target = os.path.join(sys.argv[1], "xlsxwriter.tmp")
    if not os.path.exists(program):
        raise ImportError(f"no '{program}'")
    subprocess.run([program, target, *options], input=cells.encode(),
                   check=True)
    with open(target, "rb") as f:
        content = f.read()
    os.unlink(target)
    return content


def halves():
    """Two members, in two encodings, under one header each."""
    text = delimited()
    middle = text.index("\r\n914419000000158380") + 2
    first = text.index("\r\n") + 2
    return packed.zipped(("上.csv", text[:middle].encode("gb18030")),
                         ("下.csv", (text[:first] + text[middle:]).encode()))


def made(name):
    with open(os.path.join(MADE, name), "rb") as f:
        return f.read()


def objects(row):
    return [as_text(v) if isinstance(v, datetime.date) else v for v in row]


def forms():
    csv = delimited()
    shared, later = [], []
    yield "utf8.csv", csv.encode
    yield "bom.csv", lambda: b"\xef\xbb\xbf" + csv.encode()
    yield "gb18030.csv", lambda: csv.encode("gb18030")
    yield "utf16.csv", lambda: delimited("\t").encode("utf-16")
    yield "table.tsv", delimited("\t", IDS).encode
    yield "semicolon.csv", delimited(";").encode
    yield "inline.xlsx", lambda: w.workbook([sheet(None)])
    yield "shared.xlsx", lambda: w.workbook([sheet(shared)], shared)
    yield "shared-last.xlsx", lambda: w.workbook(
        [sheet(later)], later, order=lambda n: "sharedStrings" in n)
    yield "openpyxl.xlsx", openpyxl_book
    yield "xlsxwriter.xlsx", xlsxwriter_book
    yield "xlsxwriter-by-row.xlsx", lambda: xlsxwriter_book("row-by-row")
    for name in sorted(os.listdir(MADE)):
        if not name.endswith(".js"):
            yield name, lambda name=name: made(name)
    yield "odfpy.ods", odf_book
    yield "xlwt.xls", xlwt_book
    yield "table.json", lambda: json.dumps(
        [dict(zip(HEADER, objects(r))) for r in rows()],
        ensure_ascii=False, indent=1).encode()
    yield "ids.jsonl", lambda: "".join(
        json.dumps(dict(zip(IDS, objects(r)))) + "\n"
        for r in rows()).encode()
    yield "table.csv.gz", lambda: gzip.compress(csv.encode())
    yield "table.csv.xz", lambda: lzma.compress(csv.encode("gb18030"))
    yield "table.csv.zst", lambda: packed.zstd(csv.encode())
    yield "table.tar.xz", lambda: lzma.compress(
        packed.tarred(("六月.csv", csv.encode("gb18030"))))
    yield "halves.zip", halves
    yield "table.zip", lambda: packed.zipped(("六月.csv", csv.encode()))
    yield "book.zip", lambda: packed.zipped(
        ("六月.xlsx", w.workbook([sheet(None)])))
    yield "table.tar", lambda: packed.tarred(("a.csv", csv.encode()))


def main():
    if sys.argv[1] == "--json":
        print(json.dumps({"header": HEADER,
                          "rows": [objects(r) for r in rows()]}))
        return
    for name, make in forms():
        try:
            content = make()
        except ImportError as e:
            print(f"{name} is left out: {e}", file=sys.stderr)
            continue
        if content is None:
            print(f"{name} is left out: nothing can make it", file=sys.stderr)
            continue
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(content)


if __name__ == "__main__":
    main()

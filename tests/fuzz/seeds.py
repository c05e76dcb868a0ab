#!/usr/bin/python3
"""Writes seeds for fuzz_formats into FOLDER: whole files and single parts, out
of tests/cases/formats. The first byte names the parser.

  seeds.py FOLDER"""

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "cases", "formats"))

import cases  # noqa: E402
import objects  # noqa: E402,F401
import old  # noqa: E402
import packed  # noqa: E402,F401
import workbooks as w  # noqa: E402

WHOLE = ("gz", "xz", "zip-of-several", "tar", "tar-pax-long-name", "xlsx",
         "xlsx-shared-strings", "ods", "json", "json-lines", "xls",
         "zip-streamed")
SHEET = w.sheet(w.HEAD, w.ROW, (4, [
    w.cell("A4", 41061.5, style=2), w.cell("B4", "#REF!", "e")]),
    (5, [w.cell("A5", 0, "s"), '<c r="B5"><f>A1</f><v></v></c>']),
    after='<mergeCells><mergeCell ref="A9:B9"/></mergeCells>')
PARTS = [
    (1, SHEET),
    (2, "<sst><si><t>id</t></si><si><r><t>na</t></r><r><t>me</t></r>"
        "<rPh><t>x</t></rPh></si><si><t>_x000D_</t></si></sst>"),
    (3, '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-804]yyyy'
        '&quot;a&quot;m;@"/></numFmts><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="164"/></cellXfs></styleSheet>'),
    (4, '<workbook><workbookPr date1904="1"/><sheets><sheet name="a" '
        'r:id="r1" state="hidden"/><sheet name="b" r:id="r1"/></sheets>'
        "</workbook>"),
    (5, '<R><Relationship Id="r1" Type="/worksheet" Target="../xl/s.xml"/>'
        "</R>"),
    (6, '<d xmlns:office="o" xmlns:table="t" xmlns:text="x"><spreadsheet>' +
        w.table(w.OHEAD, w.OROW, w.row(
            w.odd("time", ' office:time-value="PT09H30M00S"'),
            w.words("a<text:s text:c='2'/>b", ' table:number-columns-'
                    'repeated="2"'), more=' table:number-rows-repeated="2"')) +
        "</spreadsheet></d>"),
]


def main():
    seeds = [(0, cases.CASES[name][0]) for name in WHOLE]
    seeds += [(kind, part.encode()) for kind, part in PARTS]
    seeds.append((7, old.stream()))
    for number, (kind, content) in enumerate(seeds):
        content = content() if callable(content) else content
        if content is None:
            continue
        with open(os.path.join(sys.argv[1], f"seed-{number:02}"), "wb") as f:
            f.write(bytes([kind]) + content)


main()

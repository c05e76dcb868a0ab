"""B11: a workbook (XLSX) of seven columns, from cp to a readable theme, against
what xlsx2csv needs to write it as CSV, and what inflating its sheet alone
takes."""

import csv
import shutil
import time
import xml.sax.saxutils
import zipfile

from benchlib import Missing, Sample, sha256
from cities import SEVEN, City

NAMES = {"B11": "a workbook into a theme"}
DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
PARTS = {
    "[Content_Types].xml":
        f'<Types xmlns="{PACKAGE}content-types"><Default Extension="xml" '
        'ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships'
        '+xml"/><Override PartName="/xl/workbook.xml" ContentType="application'
        '/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/s.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
        "</Types>",
    "_rels/.rels":
        f'<Relationships xmlns="{PACKAGE}relationships"><Relationship Id="r" '
        f'Type="{DOC}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
    "xl/workbook.xml":
        f'<workbook xmlns="{MAIN}" xmlns:r="{DOC}"><sheets><sheet name="a" '
        'sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels":
        f'<Relationships xmlns="{PACKAGE}relationships"><Relationship Id="r1" '
        f'Type="{DOC}/worksheet" Target="s.xml"/><Relationship Id="r2" '
        f'Type="{DOC}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
}
SHEET = "xl/s.xml"


def is_amount(text):
    """A number that a workbook gives back digit by digit."""
    return text.replace(".", "", 1).isdigit() and len(text) < 12 and \
        not text.startswith("0") and not ("." in text and text[-1] in "0.")


def make_workbook(source, target):
    """The rows of a CSV file, texts as shared strings, amounts as numbers."""
    strings = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in PARTS.items():
            book.writestr(name, content)
        with book.open(SHEET, "w") as out, \
                open(source, encoding="utf-8", newline="") as rows:
            out.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for n, row in enumerate(csv.reader(rows), 1):
                cells = []
                for column, text in zip("ABCDEFG", row):
                    kind, value = "", text
                    if not is_amount(text):
                        kind = ' t="s"'
                        value = strings.setdefault(text, len(strings))
                    if text:
                        cells.append(f'<c r="{column}{n}"{kind}><v>{value}'
                                     "</v></c>")
                out.write(f'<row r="{n}">{"".join(cells)}</row>'.encode())
            out.write(b"</sheetData></worksheet>")
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">' + "".join(
            f"<si><t>{xml.sax.saxutils.escape(s)}</t></si>"
            for s in strings) + "</sst>")


class Load:
    def __init__(self, bench):
        self.bench = bench
        self.rows = bench.sized(200000, 50000, 300)
        self.csv = bench.rows_file("b11.csv", "seven", self.rows)
        self.book = bench.path("b11.xlsx")
        make_workbook(self.csv, self.book)
        self.digests = set()

    def load(self, path):
        city = City(self.bench, "book", ["seven/entries"], [SEVEN])
        city.start()
        try:
            sample = city.measure(lambda: self.timed(city, path))
            self.digests.add(sha256(city.theme("enterprises")))
        finally:
            city.remove()
        return sample

    @staticmethod
    def timed(city, path):
        began = time.monotonic()
        city.wait(city.send(path, "seven/entries"))
        return time.monotonic() - began

    def ours(self):
        return self.load(self.book)

    def xlsx2csv(self):
        if not shutil.which("xlsx2csv"):
            raise Missing("xlsx2csv is not installed")
        return self.bench.run("xlsx2csv", self.book,
                              self.bench.path("b11.out")).sample()

    def inflate(self):
        began = time.monotonic()
        with zipfile.ZipFile(self.book) as book, book.open(SHEET) as sheet:
            while sheet.read(1 << 20):
                pass
        return Sample(time.monotonic() - began)


def run(bench, _):
    load = Load(bench)
    load.load(load.csv)  # what the theme must be
    samples = bench.alternate({"civicfs": load.ours, "inflate": load.inflate,
                               "xlsx2csv": load.xlsx2csv})
    bench.same("the themes of workbook and CSV", *load.digests)
    what = "cp + wait, XLSX of %d rows of 7 columns" % load.rows
    bench.compare("B11", what, "inflating its sheet alone", samples,
                  "civicfs", "inflate", ("<=", 2.0), "time")
    bench.compare("B11", what, "xlsx2csv", samples, "civicfs", "xlsx2csv",
                  ("<=", 0.067), "time")

"""Workbooks: XLSX and ODS, written by hand so that every part can be wrong
(FAULTS F). See cases.py for what a case is."""

from cases import case, done, rejected
from packed import zipped

XML = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
DATES = [14, 22, 20, 164, 165]


def cell(where, value, kind="", style=0, formula=None):
    kind = f' t="{kind}"' if kind else ""
    style = f' s="{style}"' if style else ""
    formula = f"<f>{formula}</f>" if formula else ""
    return f'<c r="{where}"{style}{kind}>{formula}<v>{value}</v></c>'


def text(where, value):
    return f'<c r="{where}" t="inlineStr"><is><t>{value}</t></is></c>'


def sheet(*rows, after="", before="", prefix=""):
    """rows: (number, cells)"""
    body = "".join(f'<row r="{n}">{"".join(cells)}</row>'
                   for n, cells in rows)
    out = (f'<worksheet xmlns="{MAIN}">{before}<sheetData>{body}</sheetData>'
           f"{after}</worksheet>")
    return out


HEAD = (1, [text("A1", "id"), text("B1", "name")])


def workbook(sheets, strings=None, styles=DATES, epoch="", main=MAIN,
             extra=(), order=None, states=(), names=None, top="",
             raw_strings=None):
    """sheets: XML texts of worksheets."""
    names = names or [f"Sheet{i + 1}" for i in range(len(sheets))]
    states = list(states) + [""] * len(sheets)
    listed = "".join(
        f'<sheet name="{n}" sheetId="{i + 1}" r:id="rId{i + 1}"'
        + (f' state="{s}"' if s else "") + "/>"
        for i, (n, s) in enumerate(zip(names, states)))
    related = "".join(
        f'<Relationship Id="rId{i + 1}" Type="{DOC}/worksheet" '
        f'Target="worksheets/sheet{i + 1}.xml"/>' for i in range(len(sheets)))
    related += (f'<Relationship Id="rs" Type="{DOC}/sharedStrings" '
                f'Target="/xl/sharedStrings.xml"/>'
                f'<Relationship Id="rt" Type="{DOC}/styles" '
                f'Target="styles.xml"/>')
    xfs = "".join(f'<xf numFmtId="{n}"/>' for n in [0] + styles)
    parts = [
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", f'<Relationships xmlns="{PACKAGE}"><Relationship '
         f'Id="r1" Type="{DOC}/officeDocument" Target="xl/workbook.xml"/>'
         "</Relationships>"),
        ("xl/workbook.xml",
         f'{top}<workbook xmlns="{main}" xmlns:r="{DOC}">{epoch}<sheets>'
         f"{listed}</sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels",
         f'<Relationships xmlns="{PACKAGE}">{related}</Relationships>'),
        ("xl/styles.xml",
         f'<styleSheet xmlns="{main}"><numFmts>'
         '<numFmt numFmtId="164" formatCode="000000"/>'
         '<numFmt numFmtId="165" formatCode="[$-804]yyyy&quot;年&quot;m'
         '&quot;月&quot;d&quot;日&quot;;@"/></numFmts>'
         '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
         f"<cellXfs>{xfs}</cellXfs></styleSheet>"),
    ]
    if strings is not None or raw_strings:
        parts.append(("xl/sharedStrings.xml", raw_strings or (
            f'<sst xmlns="{MAIN}">' +
            "".join(f"<si>{s}</si>" for s in strings or ()) + "</sst>")))
    parts += [(f"xl/worksheets/sheet{i + 1}.xml", x)
              for i, x in enumerate(sheets)]
    parts += list(extra)
    if order:
        parts.sort(key=lambda p: order(p[0]))
    return zipped(*[(n, x if isinstance(x, bytes) else XML + x.encode())
                    for n, x in parts])


def one(*rows, **more):
    return workbook([sheet(HEAD, *rows)], **more)


ROW = (2, [cell("A2", 1), text("B2", "东莞")])
GOOD = [["1", "东莞"]]

# ---- where texts come from -------------------------------------------------

case("xlsx", one(ROW), done(GOOD))
SHARED = [(1, [cell("A1", 0, "s"), cell("B1", 1, "s")]),
          (2, [cell("A2", 1), cell("B2", 2, "s")])]
STRINGS = ["<t>id</t>", "<t>name</t>",
           "<r><t>东</t></r><r><rPr/><t>莞</t></r>"
           "<rPh sb='0' eb='1'><t>dong</t></rPh>"]
case("xlsx-shared-strings", workbook([sheet(*SHARED)], STRINGS), done(GOOD))
case("xlsx-shared-strings-first",
     workbook([sheet(*SHARED)], STRINGS,
              order=lambda n: 0 if "Strings" in n else 1), done(GOOD))
case("xlsx-shared-strings-last",
     workbook([sheet(*SHARED)], STRINGS,
              order=lambda n: 1 if "Strings" in n else 0), done(GOOD))
case("xlsx-formula-text",
     one((2, [cell("A2", 1), cell("B2", "东莞", "str", formula="A1")])),
     done(GOOD))
case("xlsx-empty-formula-text",
     one((2, [cell("A2", 1), cell("B2", "", "str", formula="A1")])),
     done([["1", ""]]))
case("xlsx-escapes",
     one((2, [text("A2", "a_x000D_b"), text("B2", "_x005F_x0041_ _x12_")])),
     done([["a\rb", "_x0041_ _x12_"]]))
case("xlsx-prefixed",
     zipped(*[(n, x) for n, x in [
         ("[Content_Types].xml", b"<Types/>"),
         ("xl/workbook.xml", f'<x:workbook xmlns:x="{MAIN}" xmlns:r="{DOC}">'
          '<x:sheets><x:sheet name="a" sheetId="1" r:id="r1"/></x:sheets>'
          "</x:workbook>".encode()),
         ("xl/_rels/workbook.xml.rels",
          f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
          f'Type="{DOC}/worksheet" Target="../xl/a.xml"/></Relationships>'
          .encode()),
         ("xl/a.xml", f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row>'
          '<x:c t="inlineStr"><x:is><x:t>id</x:t></x:is></x:c>'
          '<x:c t="inlineStr"><x:is><x:t>name</x:t></x:is></x:c></x:row>'
          "<x:row><x:c><x:v>1</x:v></x:c><x:c t='inlineStr'><x:is><x:t>东莞"
          "</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>".encode()),
     ]]), done(GOOD))
case("xlsx-strict", one(ROW, main=STRICT), done(GOOD))
case("xlsx-utf16",
     workbook([('<?xml version="1.0" encoding="UTF-16"?>' +
                sheet(HEAD, ROW)).encode("utf-16")]), done(GOOD))
case("xlsx-in-zip", zipped(("a.xlsx", one(ROW)), ("b.csv", b"id,name\n2,b\n")),
     done(GOOD + [["2", "b"]], ["a.xlsx", "b.csv"]))

# ---- values ----------------------------------------------------------------


def value(name, got, *args, flaw=None, **more):
    book = more.pop("book", {})
    case(f"xlsx-value-{name}",
         one((2, [cell("A2", *args, **more), text("B2", "x")]), **book),
         done([[got, "x"]]))


E1904 = {"book": {"epoch": '<workbookPr date1904="1"/>'}}
value("true", "true", 1, "b")
value("error", "#REF!", "#REF!", "e")
value("iso-day", "2012-06-01", "2012-06-01T00:00:00.000", "d", 1)
value("iso-time", "2012-06-01T09:30:00", "2012-06-01T09:30:00.000Z", "d", 2)
value("iso-fraction", "2012-06-01T09:30:00.25", "2012-06-01T09:30:00.250", "d",
      2)
value("day", "2012-06-01", 41061, style=1)
value("day-in-chinese", "2012-06-01", 41061, style=5)
value("day-1904", "2012-06-01", 39599, style=1, **E1904)
value("first-day", "1900-01-01", 1, style=1)
value("day-59", "1900-02-28", 59, style=1)
value("day-60", "1900-02-29", 60, style=1)
value("day-61", "1900-03-01", 61, style=1)
value("first-day-1904", "1904-01-01", 0, style=1, **E1904)
value("last-day", "9999-12-31", 2958465, style=1)
value("too-late", "2958466", 2958466, style=1)
value("before-all-days", "-1", -1, style=1)
value("day-and-time", "2012-06-01T09:30:00", "41061.395833333336", style=2)
value("midnight", "2012-06-01T00:00:00", 41061, style=2)
value("almost-midnight", "2012-06-02T00:00:00", "41061.999999999", style=2)
value("time", "09:30:00", "0.39583333333333331", style=3)
value("thousandths", "2012-06-01T09:30:00.250", "41061.395836226850",
      style=2)
value("zeros", "000042", 42, style=4)
value("tenth", "1.1", "1.1000000000000001")
value("sum", "0.3", "0.30000000000000004")
value("fifteen-digits", "123456789012345", "123456789012345")
value("sixteen-digits", "1.23456789012346E+15", "1234567890123456")
value("code-as-number", "9.14419001234568E+17", "9.1441900123456794E+17")
value("huge", "1E+308", "1E+308")
value("blank", "", " ")
value("no-number", "abc", "abc")
case("xlsx-no-value",
     one((2, [text("A2", "1"), '<c r="B2"><f>A1</f><v></v></c>'])),
     done([["1", ""]]))

# ---- rows and columns ------------------------------------------------------

case("xlsx-gaps",
     workbook([sheet((3, [text("A3", "title")]),
                     (5, [text("B5", "name"), text("A5", "id")][::-1]),
                     (7, [cell("A7", 1)]), (9, [text("B9", "b")]),
                     (11, ['<c r="A11" s="1"/>']))]),
     done([[""], ["1", ""], [""], ["", "b"]]))
case("xlsx-dimension-of-all",
     workbook([sheet(HEAD, ROW, before='<dimension ref="A1:XFD1048576"/>')]),
     done(GOOD))
case("xlsx-last-row",
     one(ROW, (1048576, [cell("A1048576", 2)])),
     ("done", None, None, None, []))
case("xlsx-row-beyond", one(ROW, (1048577, [cell("A1048577", 2)])),
     rejected("format-error", "follows row"))
case("xlsx-rows-back", one((3, [cell("A3", 1)]), (2, [cell("A2", 2)])),
     rejected("format-error", "row 2 .*follows row 3"))
case("xlsx-cells-back", one((2, [text("B2", "b"), cell("A2", 1)])),
     rejected("format-error", "cell A2 .*stands twice"))
case("xlsx-column-beyond", one((2, [text("XFE2", "b")])),
     rejected("format-error", "impossible place"))
case("xlsx-column-4097", one((2, [text("FAO2", "b")])),
     rejected("format-error", "cell FAO2 .*beyond column 4096"))
case("xlsx-merged-rows",
     workbook([sheet(HEAD, ROW, (3, [text("B3", "x")]),
                     after='<mergeCells><mergeCell ref="A2:A3"/>'
                     "</mergeCells>")]),
     rejected("format-error", "A2:A3 .*are merged"))
case("xlsx-merged-title",
     workbook([sheet((1, [text("A1", "title")]),
                     (3, [text("A3", "id"), text("B3", "name")]),
                     (4, [cell("A4", 1), text("B4", "东莞")]),
                     after='<mergeCells><mergeCell ref="A1:B2"/>'
                     "</mergeCells>")]), done(GOOD))
case("xlsx-header-twice",
     workbook([sheet((1, [text("A1", "id"), text("B1", "name"),
                          text("C1", "id")]))]),
     rejected("duplicate-label", "columns 1 and 3"))
case("xlsx-header-blank",
     workbook([sheet((1, [text("A1", "id"), text("C1", "name")]))]),
     rejected("extra-label", "column 2 has no name"))

# ---- sheets ----------------------------------------------------------------

OTHER = sheet((1, [text("A1", "other")]))
case("xlsx-second-sheet", workbook([OTHER, sheet(HEAD, ROW)]), done(GOOD))
case("xlsx-hidden-sheet",
     workbook([sheet(HEAD), sheet(HEAD, ROW)], states=["hidden"]),
     done(GOOD))
case("xlsx-very-hidden", workbook([sheet(HEAD, ROW)], states=["veryHidden"]),
     rejected("format-error", "no sheet that can be seen"))
case("xlsx-sheet-by-name",
     workbook([sheet(HEAD), sheet(HEAD, ROW)], names=["a", "数据"]),
     done(GOOD), options=["-s", "数据"])
case("xlsx-hidden-sheet-by-name",
     workbook([sheet(HEAD), sheet(HEAD, ROW)], names=["a", "b"],
              states=["", "hidden"]), done(GOOD), options=["-s", "b"])
case("xlsx-no-such-sheet", one(ROW), rejected("format-error", "no sheet 'z'"),
     options=["-s", "z"])

# ---- hostile and damaged ---------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 9))
case("xlsx-laughs",
     one(ROW, top=f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]>'),
     rejected("format-error", "document type"))
case("xlsx-entity-of-a-file",
     one(ROW, top='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
     rejected("format-error", "document type"))
case("xlsx-entity-of-the-net",
     one(ROW, top='<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">'),
     rejected("format-error", "document type"))
case("xlsx-parameter-entity",
     one(ROW, top='<!DOCTYPE a [<!ENTITY % p "x">%p;]>'),
     rejected("format-error", "document type"))
case("xlsx-deep", workbook([sheet(HEAD, after="<a>" * 20000)]),
     rejected("format-error", "nested too deep"))
case("xlsx-long-attribute",
     lambda: workbook([sheet(HEAD, after=f'<a b="{"x1" * (40 << 20)}"/>')],
                      extra=[("xl/fill", bytes(range(256)) * 4096)]),
     rejected("format-error", "max_ratio|more than 4194304"))
case("xlsx-attribute-flood",
     workbook([sheet(HEAD, after="<a " + " ".join(
         f'b{i}="{i * i}"' for i in range(400000)) + "/>")]),
     rejected("format-error", "more than 4194304"))
for number in ("7", "-1", "4294967296", "18446744073709551617", "x", ""):
    case(f"xlsx-string-{number or 'none'}",
         workbook([sheet(HEAD, (2, [cell("A2", number or " ", "s")]))],
                  STRINGS),
         rejected("format-error", "cell A2 .*text that is not there"))
case("xlsx-damaged-sheet",
     workbook(["<worksheet><sheetData><row r='1'>"]),
     rejected("format-error", "sheet1.xml.*damaged"))
case("xlsx-wrong-encoding",
     workbook([b'<?xml version="1.0" encoding="UTF-8"?><worksheet>'
               b"<sheetData><row><c t='inlineStr'><is><t>\xb6\xab</t></is></c>"
               b"</row></sheetData></worksheet>"]),
     rejected("format-error", "damaged"))
case("xlsx-sheet-missing",
     zipped(("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.xml", f'<workbook xmlns:r="{DOC}"><sheets><sheet '
             'name="a" r:id="r1"/></sheets></workbook>'.encode()),
            ("xl/_rels/workbook.xml.rels",
             f'<Relationships><Relationship Id="r1" Type="{DOC}/worksheet" '
             'Target="a.xml"/></Relationships>'.encode())),
     rejected("format-error", "sheet 'a' of the workbook is missing"))
case("xlsx-no-book", zipped(("[Content_Types].xml", b"<Types/>")),
     rejected("format-error", "no workbook in it"))
case("docx", zipped(("[Content_Types].xml", b""), ("word/document.xml", b"")),
     rejected("format-error", "a Word document"))
case("xlsb", zipped(("[Content_Types].xml", b""), ("xl/workbook.bin", b"")),
     rejected("format-error", "xlsb"))
case("xlsx-external-link",
     one(ROW, extra=[("xl/externalLinks/externalLink1.xml", "<a/>"),
                     ("xl/vbaProject.bin", b"\xd0\xcf")]), done(GOOD))
case("xlsx-cell-of-80-MB",
     lambda: workbook([sheet(HEAD, (2, [text("A2", "x" * (80 << 20))]))]),
     rejected("format-error", "max_ratio"))
case("xlsx-cell-of-2-MB",
     workbook([sheet(HEAD, (2, [text("A2", "x" * (2 << 20))]))]),
     rejected("format-error", "cell A2 .*longer than a mebibyte"))
case("xlsx-shared-string-of-2-MB",
     workbook([sheet(*SHARED)], [f'<t>{"x" * (2 << 20)}</t>']),
     rejected("format-error", "longer than 1048576 bytes"))

# ---- ODS -------------------------------------------------------------------

ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def ods(*tables, styles="", extra=()):
    content = (
        f'<office:document-content xmlns:office="{ODF}office:1.0" '
        f'xmlns:table="{ODF}table:1.0" xmlns:text="{ODF}text:1.0" '
        f'xmlns:style="{ODF}style:1.0" xmlns:calcext="urn:calcext">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f'<office:body><office:spreadsheet>{"".join(tables)}'
        "</office:spreadsheet></office:body></office:document-content>")
    return zipped(("mimetype",
                   b"application/vnd.oasis.opendocument.spreadsheet"),
                  ("content.xml", XML + content.encode()), *extra)


def table(*rows, name="t", style="s1"):
    return (f'<table:table table:name="{name}" table:style-name="{style}">'
            f'{"".join(rows)}</table:table>')


def row(*cells, more=""):
    return f'<table:table-row{more}>{"".join(cells)}</table:table-row>'


def odd(kind="", more="", inner=""):
    kind = f' office:value-type="{kind}"' if kind else ""
    return f"<table:table-cell{kind}{more}>{inner}</table:table-cell>"


def words(s, more=""):
    return odd("string", more, f"<text:p>{s}</text:p>")


OHEAD = row(words("id"), words("name"))
OROW = row(odd("float", ' office:value="1"', "<text:p>1.00</text:p>"),
           words("东莞"))
case("ods", ods(table(OHEAD, OROW)), done(GOOD))
case("ods-repeated",
     ods(table(OHEAD, row(odd(more=' table:number-columns-repeated="1024"'),
                          more=' table:number-rows-repeated="2"'),
               row(words("x", ' table:number-columns-repeated="2"'),
                   more=' table:number-rows-repeated="2"'),
               row(odd(), more=' table:number-rows-repeated="1048570"'))),
     done([[""], [""], ["x", "x"], ["x", "x"]]))
case("ods-values",
     ods(table(OHEAD,
               row(odd("date", ' office:date-value="2012-06-01T00:00:00"'),
                   odd("boolean", ' office:boolean-value="true"')),
               row(odd("time", ' office:time-value="PT09H30M00S"'),
                   odd("percentage", ' office:value="0.15"')),
               row(odd("date", ' office:date-value="2012-06-01T09:30:00.000Z"'),
                   odd("date", ' office:date-value="2012-06-01"')),
               row(odd("float", ' office:value="914419001234567890"'),
                   odd("string", ' calcext:value-type="error"',
                       "<text:p>#REF!</text:p>")),
               row(words("a<text:s text:c='2'/>b<text:span>c</text:span>"
                         "</text:p><text:p>d"),
                   odd("string", "", "<office:annotation><text:p>note"
                       "</text:p></office:annotation><text:p>x</text:p>")),
               row(words("1"), odd("", ' table:formula="of:=1"')))),
     done([["2012-06-01T00:00:00", "true"], ["09:30:00", "0.15"],
           ["2012-06-01T09:30:00", "2012-06-01"],
           ["9.14419001234568E+17", "#REF!"], ["a  bc\nd", "x"],
           ["1", ""]]))
case("ods-hidden-sheet",
     ods(table(OHEAD, name="h", style="s2"), table(OHEAD, OROW),
         styles='<style:style style:name="s2"><style:table-properties '
         'table:display="false"/></style:style>'), done(GOOD))
case("ods-second-sheet",
     ods(table(row(words("other")), name="a"), table(OHEAD, OROW, name="b")),
     done(GOOD))
case("ods-merged-rows",
     ods(table(OHEAD, row(words("1", ' table:number-rows-spanned="2"'),
                          words("x")))),
     rejected("format-error", "cell A2 is merged"))
case("ods-rows-without-end",
     ods(table(OHEAD, row(words("x"), words("y"), more=' table:'
                          'number-rows-repeated="99999999999"'))),
     rejected("format-error", "more than 1048576 rows"))
case("ods-cells-without-end",
     ods(table(OHEAD, row(words("x", ' table:number-columns-repeated='
                                '"99999999999"')))),
     rejected("format-error", "beyond column 4096"))
case("ods-blanks-without-end",
     ods(table(OHEAD, row(words("<text:s text:c='99999999999'/>x")))),
     rejected("format-error", "longer than a mebibyte"))
case("ods-laughs",
     zipped(("content.xml",
             f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a/>'.encode())),
     rejected("format-error", "document type"))
case("ods-password",
     ods(table(OHEAD, OROW), extra=[
         ("META-INF/manifest.xml", b"<m><file><encryption-data/></file></m>")]),
     rejected("format-error", "password"))
case("odt", zipped(("mimetype", b"application/vnd.oasis.opendocument.text"),
                   ("content.xml", b"<document-content/>")),
     rejected("format-error", "no spreadsheet"))

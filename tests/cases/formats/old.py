"""Old workbooks (XLS): made by python3-xlwt, and records by hand. See
cases.py for what a case is."""

import datetime
import io
import struct

from cases import case, done, rejected
from packed import patched, zipped

try:
    import xlwt
except ImportError:
    xlwt = None


def record(kind, content=b""):
    return struct.pack("<HH", kind, len(content)) + content


def words(s, size="<H", wide=True):
    return (struct.pack(size, len(s)) + bytes([wide]) +
            s.encode("utf-16-le" if wide else "latin-1"))


def label(row, column, s):
    return record(0x204, struct.pack("<HHH", row, column, 0) + words(s))


BEGIN = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
END = record(0x0a)


def stream(cells=None, before=b"", begin=BEGIN, state=0, strings=b""):
    """The stream of records of a workbook of one sheet."""
    if cells is None:
        cells = (label(0, 0, "id") + label(0, 1, "name") +
                 record(0x203, struct.pack("<HHHd", 1, 0, 0, 1.0)) +
                 label(1, 1, "东莞"))
    sheet = struct.pack("<BB", state, 0) + words("a", "<B", False)
    rest = before + record(0xe0, bytes(20)) + strings
    at = len(begin) + len(rest) + 4 + 4 + len(sheet) + len(END)
    return (begin + rest + record(0x85, struct.pack("<I", at) + sheet) +
            END + BEGIN + cells + END)


def container(content, name="Workbook"):
    """A compound file of one stream."""
    content = content.ljust(4096, b"\0")
    content += bytes(-len(content) % 512)
    n = len(content) // 512
    fat = [0xfffffffd] + [i + 2 for i in range(n - 1)] + [0xfffffffe] * 2
    assert len(fat) <= 128
    fat += [0xffffffff] * (128 - len(fat))
    head = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) +
            struct.pack("<HHHHH", 0x3e, 3, 0xfffe, 9, 6) + bytes(10) +
            struct.pack("<IIIIIIII", 1, 1 + n, 0, 4096, 0xfffffffe, 0,
                        0xfffffffe, 0) +
            struct.pack("<I", 0) + b"\xff" * 432)
    entry = name.encode("utf-16-le").ljust(64, b"\0")
    entry += struct.pack("<HBB", 2 * len(name) + 2, 2, 0) + bytes(48)
    entry += struct.pack("<IQ", 1, len(content))
    return (head + struct.pack("<128I", *fat) + content +
            entry.ljust(512, b"\0"))


def made(*rows, hidden=False, more=0):
    if not xlwt:
        return None
    book = xlwt.Workbook()
    if hidden:
        other = book.add_sheet("hidden")
        other.visibility = 1
        other.write(0, 0, "id")
        other.write(0, 1, "name")
    sheet = book.add_sheet("数据")
    styles = {k: xlwt.easyxf(num_format_str=k)
              for k in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "000000")}
    lines = [["id", "name"], *rows] + [[i, "名称%d" % i * 9]
                                       for i in range(more)]
    for i, line in enumerate(lines):
        for k, v in enumerate(line):
            if isinstance(v, tuple):
                sheet.write(i, k, v[0], styles[v[1]])
            elif v is not None:
                sheet.write(i, k, v)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


GOOD = [["1", "东莞"]]
case("xls", made([1, "东莞"]), done(GOOD))
case("xls-by-hand", container(stream()), done(GOOD))
case("xls-hidden-sheet", made([1, "东莞"], hidden=True), done(GOOD))
case("xls-of-4000", made(more=4000),
     done([[str(i), "名称%d" % i * 9] for i in range(4000)]))
case("xls-long-text", made(["x" * 9000 + "末", "é" * 9000]),
     done([["x" * 9000 + "末", "é" * 9000]]))
case("xls-values", made(
    [(datetime.date(2012, 6, 1), "yyyy-mm-dd"), True],
    [(datetime.datetime(2012, 6, 1, 9, 30), "yyyy-mm-dd hh:mm"), 0.1 + 0.2],
    [None, None], [(42, "000000"), 914419001234567890], [-7.25, 1e308]),
    done([["2012-06-01", "true"], ["2012-06-01T09:30:00", "0.3"], [""],
          ["000042", "9.14419001234568E+17"], ["-7.25", "1E+308"]]))
if made():
    case("xls-in-zip", zipped(("六月.xls", made([1, "东莞"]))),
         done(GOOD, ["六月.xls"]))
HEAD = label(0, 0, "id") + label(0, 1, "name")


def rk(value):
    return struct.pack("<HI", 0, value)


case("xls-kinds", container(stream(
    HEAD +
    record(0xbd, struct.pack("<HH", 1, 0) + rk(12345 << 2 | 3) +
           rk(0xffffffff & (-5 << 2 | 2)) + struct.pack("<H", 1)) +
    record(0x27e, struct.pack("<HH", 2, 0) +
           rk(struct.unpack("<Q", struct.pack("<d", 1.5))[0] >> 32)) +
    record(0x205, struct.pack("<HHHBB", 2, 1, 0, 0x17, 1)) +
    record(0x06, struct.pack("<HHH", 3, 0, 0) + b"\0\0\0\0\0\0\xff\xff" +
           bytes(6)) + record(0x207, words("文")) +
    record(0x06, struct.pack("<HHHd", 3, 1, 0, 2.5) + bytes(6)) +
    record(0x06, struct.pack("<HHH", 4, 0, 0) + b"\2\0\x07\0\0\0\xff\xff" +
           bytes(6)) +
    record(0x205, struct.pack("<HHHBB", 4, 1, 0, 1, 0)))),
    done([["123.45", "-5"], ["1.5", "#REF!"], ["文", "2.5"],
          ["#DIV/0!", "true"]]))
case("xls-1904", container(stream(
    HEAD + record(0x203, struct.pack("<HHHd", 1, 0, 1, 39599)),
    before=record(0x22, b"\1\0") + record(0xe0, bytes(20)) +
    record(0xe0, struct.pack("<HH", 0, 14) + bytes(16)))),
    done([["2012-06-01", ""]]))
case("xls-half-a-pair", container(stream(
    HEAD + record(0x204, struct.pack("<HHHHB", 1, 0, 0, 2, 1) +
                  b"\x00\xd8A\0"))), done([["\ufffdA", ""]]))
case("xls-password", container(stream(before=record(0x2f, bytes(6)))),
     rejected("format-error", "password"))
case("xls-encrypted-xlsx", container(b"", "EncryptedPackage"),
     rejected("format-error", "password"))
case("xls-word", container(b"", "WordDocument"),
     rejected("format-error", "no workbook"))
case("xls-excel-95", container(stream(begin=record(
    0x809, struct.pack("<HHHH", 0x500, 5, 0, 0))), "Book"),
     rejected("format-error", "Excel 95"))
case("xls-all-hidden", container(stream(state=1)),
     rejected("format-error", "no sheet that can be seen"))
case("xls-merged-rows", container(stream(
    HEAD + label(1, 0, "1") + label(2, 1, "b") +
    record(0xe5, struct.pack("<HHHHH", 1, 1, 2, 0, 0)))),
     rejected("format-error", "rows 2 to 3 .*merged"))
case("xls-rows-back", container(stream(
    HEAD + label(3, 0, "1") + label(2, 0, "1") + label(2, 1, "x"))),
     rejected("format-error", "damaged"))
case("xls-cell-twice", container(stream(HEAD + label(1, 1, "1") +
                                        label(1, 0, "2"))),
     rejected("format-error", "cell A2 .*stands twice"))
case("xls-string-that-is-not-there", container(stream(
    HEAD + record(0xfd, struct.pack("<HHHI", 1, 0, 0, 7)))),
     rejected("format-error", "damaged"))
case("xls-strings-without-end", container(stream(
    strings=record(0xfc, struct.pack("<II", 0xffffffff, 0xffffffff)))),
     rejected("format-error", "damaged"))
case("xls-sheet-without-end", container(stream()[:-8]),
     rejected("format-error", "damaged"))
LOOP = container(stream(HEAD + b"".join(label(i, 1, "东莞" * 9)
                                        for i in range(1, 60))))
case("xls-chain-in-a-loop", patched(LOOP, 512 + 4, struct.pack("<I", 1)),
     rejected("format-error", "damaged"))
case("xls-directory-in-a-loop",
     patched(patched(LOOP, 48, struct.pack("<I", 2)), 512 + 8,
             struct.pack("<I", 2)), rejected("format-error", "damaged"))
case("xls-sectors-of-2-bytes", patched(LOOP, 30, b"\1\0"),
     rejected("format-error", "damaged"))
for i in range(1, 19):
    case(f"xls-cut-{i:02}", LOOP[:len(LOOP) * i // 20],
         rejected("format-error", "damaged|no workbook"))

"""More of what is made to do harm, or looks so: archives (FAULTS E), workbooks
(F). Large ones are made of one compressed block, again and again. See
cases.py for what a case is."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import workbooks as w
from cases import case, done, rejected
from packed import (LONG, ROWS, TABLE, cuts, raw_zip, stored, tarred, zipped,
                    zstd)

MIB = 1 << 20


def deflated(head, block, times, tail):
    """head + times * block + tail, as one stream of deflate."""
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = c.compress(head) + c.flush(zlib.Z_FULL_FLUSH)
    part = c.compress(block) + c.flush(zlib.Z_FULL_FLUSH)
    again = c.compress(block) + c.flush(zlib.Z_FULL_FLUSH)
    return (out + part + again * (times - 1) + c.compress(tail) + c.flush())


def gzipped(packed, end=bytes(8)):
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + packed + end


def large(head, block, times, tail, name=b"a"):
    """An entry of a zip as it comes, 'times' times the block long."""
    return {"local": name, "packed": deflated(head, block, times, tail),
            "size": min(len(head) + len(block) * times + len(tail),
                        0xfffffffe), "crc": 0, "method": 8}


# ---- members that are none ---------------------------------------------------

for kind, mode in (("fifo", 0o010644), ("socket", 0o140755),
                   ("block", 0o060660)):
    case(f"zip-{kind}", raw_zip([stored(b"a", made_by=3,
                                        attributes=mode << 16)]),
         rejected("format-error", "is no file"))
case("zip-file-through-a-link",
     raw_zip([stored(b"a", b"/etc", made_by=3, attributes=0o120777 << 16),
              stored(b"a/passwd")]), rejected("format-error", "is a link"))
case("tar-file-through-a-link",
     tarred(("a", {"type": tarfile.SYMTYPE, "linkname": "/etc"}),
            ("a/b.csv", TABLE)), rejected("format-error", "is a link"))
case("tar-links-of-two-hops",
     tarred(("a", {"type": tarfile.SYMTYPE, "linkname": "b"}),
            ("b", {"type": tarfile.SYMTYPE, "linkname": ".."}),
            ("a/b.csv", TABLE)), rejected("format-error", "is a link"))
case("tar-link-to-shadow",
     tarred(("a.csv", {"type": tarfile.LNKTYPE, "linkname": "/etc/shadow"})),
     rejected("format-error", "is a link"))


def sparse(pax):
    if pax:
        content = b"1\n0\n8\n".ljust(512, b"\0") + b"id,name\n"
        info = tarfile.TarInfo("a.csv")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                            "GNU.sparse.name": "a.csv",
                            "GNU.sparse.realsize": "4096"}
        info.size = len(content)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w",
                          format=tarfile.PAX_FORMAT) as t:
            t.addfile(info, io.BytesIO(content))
        return out.getvalue()
    head = bytearray(tarred(("a.csv", b"id,name\n"),
                            kind=tarfile.GNU_FORMAT))
    head[156:157] = b"S"
    head[386:410] = b"%011o\0%011o\0" % (0, 8)
    head[483:495] = b"%011o\0" % 4096
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head)


case("tar-sparse", sparse(False), rejected("format-error", "holes"))
case("tar-sparse-pax", sparse(True), rejected("format-error", "holes"))

# ---- what is in front, behind, inside ----------------------------------------

case("zip-behind-html", raw_zip([stored(b"a")], prefix=b"<html></html>\n"),
     rejected("format-error", "in front"))
case("zip-behind-csv", raw_zip([stored(b"a")], prefix=TABLE),
     rejected("format-error", "in front"))
case("zip-behind-a-program",
     raw_zip([stored(b"a")], prefix=b"MZ\x90\0\3\0\0\0\4" + bytes(60)),
     rejected("format-error", "in front"))
case("zip-and-more", raw_zip([stored(b"a")]) + b"and more",
     rejected("format-error", "behind"))
case("zip-of-zips-of-zips", zipped(*[(f"{i}.zip", zipped(*[
    (f"{k}.zip", zipped(("a.csv", TABLE))) for k in range(4)]))
    for i in range(4)]),
     rejected("format-error", "inside of an archive",
              [f"{i}.zip" for i in range(4)]))
case("xz-of-several", lzma.compress(TABLE) + lzma.compress(b"3,c\n"),
     done(ROWS + [["3", "c"]]))
case("xz-and-more", lzma.compress(TABLE) + b"and more",
     rejected("format-error", "damaged"))
case("zst-of-several", zstd(TABLE) and zstd(TABLE) + zstd(b"3,c\n"),
     done(ROWS + [["3", "c"]]))
case("zst-and-more", zstd(TABLE) and zstd(TABLE) + b"and more",
     rejected("format-error", "damaged"))
case("gz-and-nuls", gzip.compress(TABLE) + bytes(512),
     rejected("format-error", "damaged"))
case("zip-name-in-cp866",
     raw_zip([stored("июнь.csv".encode("cp866"))]),
     done(ROWS, ["июнь.csv".encode("cp866").decode("gb18030")]))
case("zip-name-in-cp1251",
     raw_zip([stored("июн 1.csv".encode("cp1251"))]),
     rejected("format-error", "neither UTF-8 nor GB18030"))

# ---- too large -----------------------------------------------------------------

ZEROS = bytes(MIB)
case("gz-of-4-GiB",
     lambda: gzipped(deflated(b"", ZEROS, 4096, b"")),
     rejected("format-error", "max_ratio"))
case("zip-of-4-GiB", lambda: raw_zip([large(b"", ZEROS, 4095, b"")]),
     rejected("format-error", "max_ratio"))


def zip64(size):
    """One entry whose sizes stand in the extra field of zip64."""
    extra = struct.pack("<HHQQ", 1, 16, size, size)
    local = struct.pack("<IHHHHHIIIHH", 0x04034b50, 45, 0, 0, 0, 33,
                        zlib.crc32(TABLE), 0xffffffff, 0xffffffff, 1,
                        len(extra)) + b"a" + extra + TABLE
    central = struct.pack("<IBBHHHHHIIIHHHHHII", 0x02014b50, 45, 0, 45, 0, 0,
                          0, 33, zlib.crc32(TABLE), 0xffffffff, 0xffffffff, 1,
                          len(extra), 0, 0, 0, 0, 0) + b"a" + extra
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 1, 1, len(central),
                      len(local), 0)
    return local + central + end


case("zip64", zip64(len(TABLE)), done(ROWS, ["a"]))
case("zip64-claims-a-petabyte", zip64(1 << 50),
     rejected("format-error", "leads out of the file"))
case("zip-of-a-million",
     lambda: raw_zip_of_many(1000000),
     rejected("format-error", "max_members"))
def raw_zip_of_many(n):
    local = raw_zip([stored(b"a", b"")])[:31]
    central = b"".join(
        struct.pack("<IBBHHHHHIIIHHHHHII", 0x02014b50, 20, 0, 20, 0, 0, 0, 33,
                    0, 0, 0, 7, 0, 0, 0, 0, 0, 0) + b"%07d" % i
        for i in range(n))
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, n & 0xffff, n & 0xffff,
                      len(central), len(local), 0)
    return local + central + end


# ---- cut off -------------------------------------------------------------------

cuts("zst-cut", zstd(LONG) or b"", rejected("format-error", "damaged|neither"))
TAR = tarred(("a.csv", LONG[:1500]), ("b.csv", b"id,name\n"), ("c.csv", TABLE))
END = TAR.rindex(b"\n") // 512 * 512 + 512
for at in range(512, END + 1, 512):
    case(f"tar-cut-{at}", TAR[:at],
         rejected("format-error", "damaged|has no end"))
case("tar-with-one-block-of-nuls", TAR[:END + 512],
     ("done", None, None, None, None))
case("tar-with-its-end-cut-off", TAR[:END + 700],
     ("done", None, None, None, None))
case("tar-gz-without-end", gzip.compress(TAR[:END]),
     rejected("format-error", "has no end"))

# ---- workbooks -----------------------------------------------------------------


def book(*rows, **more):
    return w.workbook([w.sheet(w.HEAD, *rows)], **more)


def swapped(content, drop=(), **parts):
    """A workbook without some parts, or with others."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, \
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in drop:
                new.writestr(name, parts.get(name, old.read(name)))
    return out.getvalue()


case("xlsx-quadratic",
     book(w.ROW, top='<!DOCTYPE a [<!ENTITY x "' + "x" * 50000 + '">]>'),
     rejected("format-error", "document type"))
case("xlsx-entity-in-the-sheet",
     w.workbook([b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' +
                 w.sheet(w.HEAD, (2, [w.text("A2", "&x;")])).encode()]),
     rejected("format-error", "document type"))
case("xlsx-entity-unknown",
     w.workbook([w.sheet(w.HEAD, (2, [w.text("A2", "&x;")]))]),
     rejected("format-error", "damaged"))
case("xlsx-deep-a-million",
     lambda: w.workbook([w.sheet(w.HEAD, after="<a>" * 1000000)]),
     rejected("format-error", "nested too deep"))
case("xlsx-cell-of-2-GB", lambda: raw_zip([
    {"local": b"[Content_Types].xml", **large(b"<Types/>", b"", 0, b"",
                                              b"[Content_Types].xml")},
    large(w.XML + w.sheet(w.HEAD).split("</sheetData>")[0].encode() +
          b'<row r="2"><c r="A2" t="inlineStr"><is><t>', b"x" * MIB, 2048,
          b"</t></is></c></row></sheetData></worksheet>",
          b"xl/worksheets/sheet1.xml")]),
     rejected("format-error", "max_ratio|no workbook"))
case("xlsx-link-to-another-program",
     book((2, [w.cell("A2", 1), w.cell("B2", "东莞", "str",
                                       "cmd|'/c calc'!A1")])),
     done(w.GOOD))
case("xlsx-object-inside",
     book(w.ROW, extra=[("xl/embeddings/oleObject1.bin", b"\xd0\xcf" * 99)]),
     done(w.GOOD))
case("xlsx-no-styles", swapped(book(w.ROW), ["xl/styles.xml"]), done(w.GOOD))
case("xlsx-no-strings", w.workbook([w.sheet(*w.SHARED)]),
     rejected("format-error", "cell A1 .*text that is not there"))
case("xlsx-no-relations",
     swapped(book(w.ROW), ["xl/_rels/workbook.xml.rels"]),
     rejected("format-error", "no sheet that can be seen"))
case("xlsx-types-of-something-else",
     swapped(book(w.ROW), **{"[Content_Types].xml": b"<html/>"}),
     done(w.GOOD))
case("xlsx-types-missing", swapped(book(w.ROW), ["[Content_Types].xml"]),
     ("rejected", None, "format-error", "an XML document", None))
case("xlsx-sheet-with-a-mark",
     w.workbook([b"\xef\xbb\xbf" + w.sheet(w.HEAD, w.ROW).encode()]),
     done(w.GOOD))
case("xlsx-utf16-called-utf8",
     w.workbook([('<?xml version="1.0" encoding="UTF-8"?>' +
                  w.sheet(w.HEAD, w.ROW)).encode("utf-16-le")]),
     rejected("format-error", "damaged"))
case("xlsx-in-gb18030",
     w.workbook([('<?xml version="1.0" encoding="GB18030"?>' +
                  w.sheet(w.HEAD, w.ROW)).encode("gb18030")]),
     rejected("format-error", "damaged|encoding"))
case("xlsx-two-tables", w.workbook([w.sheet(w.HEAD, w.ROW), w.sheet(
    w.HEAD, (2, [w.cell("A2", 2), w.text("B2", "x")]))]), done(w.GOOD))

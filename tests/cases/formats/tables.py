"""Tables as text that are not as they should be, or only look so (FAULTS G);
more of them, byte for byte, in ../decode. See cases.py for what a case is."""

from cases import case, done, incomplete, rejected

HEAD = b"id,name\n"
MIB = 1 << 20


def rows(n, last=b""):
    return HEAD + b"".join(b"%d,name %d\n" % (i, i) for i in range(n)) + last


# ---- nothing in it -----------------------------------------------------------

case("csv-of-nothing", b"", incomplete())
case("csv-of-a-line-end", b"\n", rejected("format-error", "names a registered"))
case("csv-of-blanks", b" \r\n\t\r\n,,\r\n",
     rejected("format-error", "names a registered"))
case("csv-of-a-header", HEAD, done([]))

# ---- encodings ---------------------------------------------------------------

TEXT = "id,name\n1,东莞\n"
case("csv-utf32-le", b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"),
     rejected("encoding-error", "UTF-32"))
case("csv-utf32-be", b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"),
     rejected("encoding-error", "UTF-32"))
for name, content in (("overlong", b"\xc0\xaf"), ("overlong-3", b"\xe0\x80\xaf"),
                      ("surrogate", b"\xed\xa0\x80"),
                      ("beyond-unicode", b"\xf5\x80\x80\x80"),
                      ("lone-tail", b"\xbf"), ("cut", "东".encode()[:2])):
    case(f"csv-{name}", HEAD + "1,东\n2,".encode() + content + b"\n3,x\n",
         rejected("encoding-error", "byte at offset"))
case("csv-koi8", "id,name\n1,Москв\n".encode("koi8-r"),
     rejected("encoding-error", "byte at offset"))
case("csv-cp1251", "id,name\n1,Орёл и\n".encode("cp1251"),
     rejected("encoding-error", "byte at offset"))

# ---- lines, quotes, columns ----------------------------------------------------

GOOD = [["1", "a"], ["2", "b"]]
for name, end in (("lf", b"\n"), ("cr-lf", b"\r\n"), ("cr", b"\r")):
    case(f"csv-{name}", end.join((b"id,name", b"1,a", b"2,b", b"")),
         done(GOOD))
case("csv-in-other-order", b"name,id\na,1\nb,2\n", done([["a", "1"],
                                                        ["b", "2"]]))
case("csv-comma-at-the-end", b"id,name\n1,a,\n2,b\n",
     done([["1", "a", ""], ["2", "b"]]))
case("csv-comma-behind-the-header", b"id,name,\n1,a,\n",
     rejected("extra-label", "column 3 has no name"))
FIX = b"id,name,_row,_errors\n1,a,4,name: empty\n"
case("csv-fix-file-of-another-name", FIX,
     rejected("extra-label", "is of a fix file"))
case("csv-fix-file-of-another-name-ignored", FIX,
     rejected("extra-label", "is of a fix file"), options=["-e"])
case("csv-column-row", b"id,name,_row\n1,a,4\n", done([["1", "a", "4"]]),
     options=["-e"])
case("csv-column-row-of-its-own", b"id,_row,_errors\n1,a,b\n",
     done([["1", "a", "b"]]), fields=["id", "_row", "_errors"])
case("csv-open-quote-in-the-last-row", rows(100000, b'x,"never closed\n'),
     ("rejected", None, "format-error", "line 100002|never closed", []))
case("csv-escapes", b"id,name\n\x1b[2J,\x07\r\n", done([["\x1b[2J", "\x07"]]))

# ---- too large -----------------------------------------------------------------

case("csv-line-of-20-MB", lambda: HEAD + b"1," * (10 * MIB),
     ("rejected", [], "format-error", "cells|columns|long", []))
case("csv-cell-of-20-MB", lambda: HEAD + b"1," + b"x" * (20 * MIB) + b"\n",
     ("rejected", [], "format-error", "long|MiB", []))
case("csv-quoted-cell-of-20-MB",
     lambda: HEAD + b'1,"' + b"x\n" * (10 * MIB) + b'"\n',
     ("rejected", [], "format-error", "long|MiB", []))
case("csv-without-any-line-end", lambda: b"x" * (20 * MIB),
     ("rejected", [], "format-error", "long|MiB", []))
case("csv-of-20000-columns",
     b"id,name," + b",".join(b"c%d" % i for i in range(20000)) + b"\n",
     ("rejected", [], "format-error", "cells|columns", []))

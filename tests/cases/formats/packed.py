"""Files that are packed: gzip, xz, zstd, zip, tar; whole ones, damaged ones
and hostile ones (FAULTS E). See cases.py for what a case is."""

import gzip
import io
import lzma
import struct
import subprocess
import tarfile
import zipfile

from cases import case, done, incomplete, rejected

TABLE = "id,name\n1,东莞\n2,\"b, c\"\n".encode()
ROWS = [["1", "东莞"], ["2", "b, c"]]
MORE = b"name,id\nd,3\n"


def zipped(*members, mode=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", mode) as z:
        for name, content in members:
            z.writestr(zipfile.ZipInfo(name, (2012, 6, 1, 0, 0, 0)), content,
                       mode)
    return out.getvalue()


def tarred(*members, kind=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as t:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, dict):
                for key, value in content.items():
                    setattr(info, key, value)
                t.addfile(info)
            else:
                info.size = len(content)
                t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zstd(content):
    try:
        return subprocess.run(["zstd", "-q", "-c"], input=content, check=True,
                              stdout=subprocess.PIPE).stdout
    except FileNotFoundError:
        return None


def patched(content, at, new):
    return content[:at] + new + content[at + len(new):]


def replaced(content, old, new, count=-1):
    assert old in content and len(old) == len(new)
    return content.replace(old, new, count)


def raw_zip(entries, prefix=b"", count=None, gap=b""):
    """entries: (local name, central name, flags, method, packed, size,
    attributes, made by); a place of None means where the first one lies."""
    out = bytearray(prefix)
    central = bytearray()
    first = None
    for e in entries:
        at = len(out)
        if e.get("overlap") and first is not None:
            at = first
        else:
            out += struct.pack("<IHHHHHIIIHH", 0x04034b50, 20,
                               e.get("flags", 0), e.get("method", 0), 0, 33,
                               e["crc"], len(e["packed"]),
                               e.get("size", len(e["packed"])),
                               len(e["local"]), 0)
            out += e["local"] + e["packed"] + gap
        first = at if first is None else first
        name = e.get("central", e["local"])
        central += struct.pack("<IBBHHHHHIIIHHHHHII", 0x02014b50, 20,
                               e.get("made_by", 0), 20, e.get("flags", 0),
                               e.get("method", 0), 0, 33, e["crc"],
                               len(e["packed"]),
                               e.get("size", len(e["packed"])), len(name), 0,
                               0, 0, 0, e.get("attributes", 0), at)
        central += name
    n = len(entries) if count is None else count
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, n, n, len(central),
                      len(out), 0)
    return bytes(out + central + end)


def stored(name, content=TABLE, **more):
    import zlib
    return {"local": name, "packed": content, "crc": zlib.crc32(content),
            **more}


# ---- whole ones ------------------------------------------------------------

case("gz", gzip.compress(TABLE), done(ROWS))
case("gz-of-gb18030", gzip.compress(TABLE.decode().encode("gb18030")),
     done(ROWS))
case("gz-of-several", gzip.compress(TABLE) + gzip.compress(b"3,c\n"),
     rejected("format-error", "several gzip files"))
case("gz-and-more", gzip.compress(TABLE) + b"and more",
     rejected("format-error", "damaged"))
case("xz", lzma.compress(TABLE), done(ROWS))
case("zst", zstd(TABLE), done(ROWS))
case("zip-of-one", zipped(("june.csv", TABLE)), done(ROWS, ["june.csv"]))
case("zip-stored", zipped(("a", TABLE), mode=zipfile.ZIP_STORED),
     done(ROWS, ["a"]))
case("zip-of-several",
     zipped(("a.csv", TABLE), ("sub/", b""), ("sub/b.csv", MORE)),
     done(ROWS + [["d", "3"]], ["a.csv", "sub/b.csv"]))
case("zip-names-in-gb18030",
     replaced(zipped(("abcd.csv", TABLE), ("efgh.csv", MORE)), b"abcd",
              "六月".encode("gbk")),
     done(ROWS + [["d", "3"]], ["六月.csv", "efgh.csv"]))
case("zip-names-in-utf8", zipped(("六月.csv", TABLE)),
     done(ROWS, ["六月.csv"]))
case("zip-of-a-mac",
     zipped(("a.csv", TABLE), ("__MACOSX/._a.csv", b"\0\5\x16\7"),
            (".DS_Store", b"\0\0")), done(ROWS, ["a.csv"]))
case("tar", tarred(("a.csv", TABLE), ("d", {"type": tarfile.DIRTYPE}),
                   ("d/b.csv", MORE)),
     done(ROWS + [["d", "3"]], ["a.csv", "d/b.csv"]))
case("tar-gz", gzip.compress(tarred(("a.csv", TABLE), ("b.csv", MORE))),
     done(ROWS + [["d", "3"]], ["a.csv", "b.csv"]))
case("tar-xz", lzma.compress(tarred(("a.csv", TABLE))), done(ROWS, ["a.csv"]))
case("tar-pax-long-name",
     tarred(("六月/" * 30 + "a.csv", TABLE), kind=tarfile.PAX_FORMAT),
     done(ROWS, ["六月/" * 30 + "a.csv"]))
case("tar-gnu-long-name",
     tarred(("x" * 150, TABLE), kind=tarfile.GNU_FORMAT),
     done(ROWS, ["x" * 150]))


def streamed():
    """A zip whose sizes follow the bytes (E15)."""
    class OneWay(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation

        def tell(self):
            raise io.UnsupportedOperation
    out = OneWay()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.csv", TABLE)
    return out.getvalue()


case("zip-streamed", streamed(), done(ROWS, ["a.csv"]))

# ---- names -----------------------------------------------------------------

for number, name in enumerate(("../../x", "/abs", "C:\\x", "..\\x",
                               "a/../../x", "a/..")):
    case(f"zip-path-{number}", raw_zip([stored(name.encode())]),
         rejected("format-error", "leads elsewhere"))
    case(f"tar-path-{number}", tarred((name, TABLE)),
         rejected("format-error", "leads elsewhere"))
case("zip-name-twice", raw_zip([stored(b"a.csv"), stored(b"a.csv", MORE)]),
     rejected("format-error", "stands twice"))
case("zip-name-twice-in-other-letters",
     raw_zip([stored(b"a.csv"), stored(b"A.CSV", MORE)]),
     rejected("format-error", "stands twice"))
case("zip-two-names-for-one",
     raw_zip([stored(b"a.csv", central=b"b.csv")]),
     rejected("format-error", "two names"))
case("zip-name-with-nul", raw_zip([stored(b"a\0b")]),
     rejected("format-error", "NUL"))
case("zip-name-with-escape", raw_zip([stored(b"a\x1b[2Jb")]),
     rejected("format-error", "control characters"))
case("zip-name-in-no-encoding", raw_zip([stored(b"\xff\xff.csv")]),
     rejected("format-error", "neither UTF-8 nor GB18030"))

# ---- kinds -----------------------------------------------------------------

case("zip-link", raw_zip([stored(b"a", made_by=3,
                                 attributes=0o120777 << 16)]),
     rejected("format-error", "is a link"))
case("zip-device", raw_zip([stored(b"a", made_by=3,
                                   attributes=0o020666 << 16)]),
     rejected("format-error", "is no file"))
case("zip-password", raw_zip([stored(b"a", flags=1)]),
     rejected("format-error", "password"))
case("zip-method-14", raw_zip([stored(b"a", method=14)]),
     rejected("format-error", "unusual way"))
for kind, number in (("symlink", tarfile.SYMTYPE), ("link", tarfile.LNKTYPE)):
    case(f"tar-{kind}", tarred(("a", TABLE),
                               ("b", {"type": number, "linkname": "a"})),
         rejected("format-error", "is a link"))
for kind, number in (("fifo", tarfile.FIFOTYPE), ("char", tarfile.CHRTYPE),
                     ("block", tarfile.BLKTYPE)):
    case(f"tar-{kind}", tarred(("a", {"type": number})),
         rejected("format-error", "is no file"))
case("zip-in-zip", zipped(("a.zip", zipped(("a.csv", TABLE)))),
     rejected("format-error", "inside of an archive", ["a.zip"]))
case("gz-in-zip", zipped(("a.gz", gzip.compress(TABLE))),
     rejected("format-error", "inside of a packed one", ["a.gz"]))
case("gz-in-gz", gzip.compress(gzip.compress(TABLE)),
     rejected("format-error", "compressed twice"))
case("gz-of-zip", gzip.compress(zipped(("a", TABLE))), done(ROWS, ["a"]))
case("zip-of-nothing", zipped(), rejected("format-error", "holds no file"))
case("zip-of-folders", zipped(("a/", b"")),
     rejected("format-error", "holds no file"))
case("zip-of-an-empty-file", zipped(("a.csv", b"")),
     rejected("format-error", "empty or not whole", ["a.csv"]))
case("gz-of-nothing", gzip.compress(b""),
     rejected("format-error", "nothing is packed"))
case("rar-named-zip", b"Rar!\x1a\x07\0", rejected("format-error", "rar"))
case("html-named-xls", b"<html><table>",
     rejected("format-error", "web page"))

# ---- what does not fit together --------------------------------------------

case("zip-overlapping",
     raw_zip([stored(b"a.csv")] + [stored(b"a.csv", overlap=True)] * 1999),
     rejected("format-error", "overlap"))
case("zip-counts-more", raw_zip([stored(b"a")], count=2),
     rejected("format-error", "fewer entries"))
case("zip-counts-less", raw_zip([stored(b"a"), stored(b"b")], count=1),
     rejected("format-error", "more entries"))
case("zip-behind-pdf", raw_zip([stored(b"a")], prefix=b"%PDF-1.4\n"),
     rejected("format-error", "PDF"))
case("zip-behind-zip", b"PK\3\4" + raw_zip([stored(b"a")]),
     rejected("format-error", "in front"))
case("zip-checksum",
     raw_zip([{"local": b"a", "packed": TABLE, "crc": 1}]),
     rejected("format-error", "damaged", ["a"]))
case("zip-two-sizes", raw_zip([stored(b"a", size=5)]),
     rejected("format-error", "two sizes"))
case("zip-size-too-small",
     replaced(zipped(("a", TABLE)), struct.pack("<I", len(TABLE)),
              struct.pack("<I", 5)),
     rejected("format-error", "than the archive says|damaged", ["a"]))
case("zip-claims-a-petabyte",
     replaced(zipped(("a", TABLE)), struct.pack("<I", len(TABLE)),
              struct.pack("<I", 0xfffffffe)),
     rejected("format-error", "max_ratio"))
case("gz-checksum", patched(gzip.compress(TABLE), -8, b"\1\2\3\4"),
     rejected("format-error", "damaged"))

# ---- limits ----------------------------------------------------------------

case("gz-bomb", lambda: gzip.compress(bytes(64 << 20)),
     rejected("format-error", "max_ratio"))
case("xz-bomb", lambda: lzma.compress(bytes(64 << 20)),
     rejected("format-error", "max_ratio"))
case("zip-bomb", lambda: zipped(("a", bytes(64 << 20))),
     rejected("format-error", "max_ratio"))
case("tar-bomb", lambda: gzip.compress(tarred(("a", bytes(64 << 20)))),
     rejected("format-error", "max_ratio"))
case("zip-of-10001", lambda: zipped(*[(str(i), b"") for i in range(10001)]),
     rejected("format-error", "max_members"))
case("tar-of-10001", lambda: gzip.compress(
    tarred(*[(str(i), b"") for i in range(10001)])),
     rejected("format-error", "max_members"))
case("tar-pax-of-100-MB", lambda: gzip.compress(tarred(
    ("a" * (100 << 20), TABLE), kind=tarfile.PAX_FORMAT)),
     rejected("format-error", "max_ratio"))
case("tar-pax-of-20-MB", lambda: tarred(
    ("a" * (20 << 20), TABLE), kind=tarfile.PAX_FORMAT),
     rejected("format-error", "damaged|longer than"))

# ---- several, one of them bad ----------------------------------------------

NINE = [(f"{i}.csv", f"id,name\n{i},n\n".encode()) for i in range(9)]
BAD = ("bad.csv", b"id,name\n1,\"open\n")
GOOD = [[str(i), "n"] for i in range(9)]
case("nine-good-one-bad", zipped(*NINE[:5], BAD, *NINE[5:]),
     rejected("format-error", "never closed",
              [n for n, _ in NINE[:5]] + ["bad.csv"] +
              [n for n, _ in NINE[5:]]))
case("nine-good-one-bad-each", zipped(*NINE[:5], BAD, *NINE[5:]),
     ("some", GOOD, "format-error", "never closed", None), options=["-m"])
case("all-bad-each", zipped(BAD, ("b.csv", b"")),
     rejected("format-error", "never closed", ["bad.csv", "b.csv"]),
     options=["-m"])
case("all-good-each", zipped(*NINE), done(GOOD, [n for n, _ in NINE]),
     options=["-m"])

# ---- cut off, at every hundredth -------------------------------------------


def cuts(name, content, expected):
    for i in range(1, 100):
        case(f"{name}-{i:02}", content[:len(content) * i // 100], expected)


LONG = b"id,name\n" + b"".join(b"%d,%032x\n" % (i, i * i ** 9)
                               for i in range(300))
cuts("gz-cut", gzip.compress(LONG), rejected("format-error", "damaged"))
cuts("xz-cut", lzma.compress(LONG), rejected("format-error", "damaged"))
cuts("zip-cut", zipped(("a.csv", LONG)), incomplete())
cuts("tar-gz-cut", gzip.compress(tarred(("a.csv", LONG), ("b.csv", LONG))),
     rejected("format-error", "damaged"))

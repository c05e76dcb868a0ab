"""JSON and JSON Lines. See cases.py for what a case is."""

import gzip

from cases import case, done, rejected
from packed import zipped

ROWS = [["1", "东莞"], ["122.90", ""]]
LIST = '[{"id": 1, "name": "东莞"},\n {"id": 122.90, "name": null}]'
LINES = '{"id":1,"name":"东莞"}\n{"name":null,"id":122.90}\n'

case("json", LIST.encode(), done(ROWS))
case("json-lines", LINES.encode(), done(ROWS))
case("json-lines-in-one", LINES.replace("\n", " ").encode(), done(ROWS))
case("json-bom", b"\xef\xbb\xbf" + LIST.encode(), done(ROWS))
case("json-gb18030", LIST.encode("gb18030"), done(ROWS))
case("json-gz", gzip.compress(LIST.encode()), done(ROWS))
case("json-zip", zipped(("a.json", LIST.encode()), ("b", LINES.encode())),
     done(ROWS + ROWS, ["a.json", "b"]))
case("json-titles", '[{"编号":1,"名称":"x"}]'.encode(), done([["1", "x"]]),
     fields=["id=编号", "name=名称"])
case("json-missing-key", b'[{"id":1,"name":"a"},{"id":2},{"name":"c"}]',
     done([["1", "a"], ["2", ""], ["", "c"]]))
case("json-key-never", b'[{"id":1},{"id":2}]',
     rejected("missing-label", "'name'"))
case("json-extra-key", b'[{"id":1,"name":"a"},{"id":1,"name":"a","b":2}]',
     rejected("extra-label", "'b'"))
case("json-values",
     rb'[{"id":true,"name":"a\"\\\n\u4e1c"},{"id":-0.5e+3,"name":[1]}]',
     done([["true", 'a"\\\n东'], ["-0.5e+3", ""]]))
case("json-long-numbers",
     b'[{"id":914419001234567890,"name":0.10000000000000000001}]',
     done([["914419001234567890", "0.10000000000000000001"]]))
case("json-empty-list", b"[]", rejected("format-error", "no object"))
for number, bad in enumerate((
        '[{"id":1,"name":"a"}', '[{"id":1,"name":"a"},]',
        '[{"id":1,"name":"a"} {"id":2,"name":"b"}]',
        '{"id":1,"name":"a"},{"id":2,"name":"b"}', '[{"id":1,"name":"a"}]x',
        '[{"id":1,"name":"a"', '[{"id":1,"name":"a\n"}]', '[["id","name"]]',
        '[{"id":01,"name":"a"}]', '[{"id":1.,"name":"a"}]',
        '[{"id":1e,"name":"a"}]', '[{"id":+1,"name":"a"}]',
        '[{"id":NaN,"name":"a"}]', "[{'id':1}]",
        '{"data":[{"id":1}]}}', '[{"id":1,"id":2,"name":"a"}]',
        '[{"id":1,"name":"a\\u0000"}]', '[{"id":1,"name":"\\ud800"}]',
        '[{"id":1,"name":"a"}}]', '[{"id":"1""2","name":"a"}]')):
    case(f"json-bad-{number}", bad.encode(),
         rejected("format-error", "JSON"))
case("json-cut", LIST.encode()[:-1], rejected("format-error", "ends before"))
case("json-nul", b'[{"id":1,"name":"a"},\0 {"id":1,"name":"a"}]',
     rejected("format-error", "NUL"))
case("json-deep", b'[{"id":' + b"[" * 100000 + b"]" * 100000 + b"}]",
     rejected("format-error", "nested too deep"))
case("json-of-20-MB", lambda: b'[{"id":"' + b"x" * (20 << 20) + b'"}]',
     rejected("format-error", "more than 16 MiB"))
case("json-of-5000-keys",
     lambda: b"[{" + b",".join(b'"k%d":1' % i for i in range(5000)) + b"}]",
     rejected("format-error", "more than 4096"))

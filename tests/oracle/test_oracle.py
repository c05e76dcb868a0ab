#!/usr/bin/env python3
"""The oracle's own values against hand-written ones. Fails if a canonical
form, a line number or a rule of the oracle is not what the specification
says; the check digits are compared with python3-stdnum where it is there."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import canonical
import civic_oracle
import table

ZONE = "Asia/Shanghai"

GOOD = [
    ("integer", "007", "7"), ("integer", "-0", "0"), ("integer", "+5", "5"),
    ("integer", "１２３", "123"), ("integer", "1,234,567", "1234567"),
    ("integer", "-000", "0"), ("integer", "-012", "-12"),
    ("number", "122.90", "122.90"), ("number", ".5", "0.5"),
    ("number", "5.", "5"), ("number", "-.50", "-0.50"),
    ("number", "-0.00", "0.00"), ("number", "1.5E3", "1500"),
    ("number", "1.50e1", "15.0"), ("number", "12E-3", "0.012"),
    ("number", "0.00E5", "0"), ("number", "1,234.50", "1234.50"),
    ("number", "1E99", "1" + "0" * 99), ("number", "-0.0001", "-0.0001"),
    ("date", "2012-11-5", "2012-11-05"), ("date", "2012/1/05", "2012-01-05"),
    ("date", "2012.01.05", "2012-01-05"),
    ("date", "2012年1月5日", "2012-01-05"), ("date", "20120229", "2012-02-29"),
    ("datetime", "2012-11-15 08:30", "2012-11-15T08:30:00"),
    ("datetime", "2012-11-15T08:30:01.250", "2012-11-15T08:30:01.250"),
    ("datetime", "2012-11-15T00:30:00Z", "2012-11-15T08:30:00"),
    ("datetime", "2012-11-15 20:30:00+00:00", "2012-11-16T04:30:00"),
    ("datetime", "2012-11-15 8:30:01.5", "2012-11-15T08:30:01.500"),
    ("datetime", "2012-11-15 08:30:01.250000", "2012-11-15T08:30:01.250"),
    ("datetime", "1990-07-01T00:00:00Z", "1990-07-01T09:00:00"),
    ("number", "0" * 500 + "E1", "0"), ("number", "0E99999", "0"),
    ("org-code", "7E5315401", "7E5315401"),
    ("boolean", "是", "true"), ("boolean", "N", "false"),
    ("boolean", "1", "true"), ("boolean", "no", "false"),
    ("uscc", " 91350100m000100y43", "91350100M000100Y43"),
    ("uscc", "９１３５０１００Ｍ０００１００Ｙ４３", "91350100M000100Y43"),
    ("org-code", "D2143569-X", "D2143569X"),
    ("id-number", "11010519491231002x", "11010519491231002X"),
    ("region", "4419 00", "441900"), ("string", "a  b", "a  b"),
]

BAD = [
    ("integer", "1,23", "type-error"), ("integer", "1.0", "type-error"),
    ("integer", "1234,567", "type-error"), ("integer", "", "type-error"),
    ("integer", "1 2", "type-error"), ("number", ".", "type-error"),
    ("number", "1E100", "type-error"), ("number", "NaN", "type-error"),
    ("number", "1,5", "type-error"), ("date", "2013-02-29", "type-error"),
    ("date", "2012-1/2", "type-error"), ("date", "12-01-02", "type-error"),
    ("datetime", "2012-11-15 25:00", "type-error"),
    ("datetime", "2012-11-15 08:30:01.2501", "type-error"),
    ("datetime", "0001-01-01T00:00:00+23:59", "type-error"),
    ("integer", "4.4E+17", "spreadsheet-number"),
    ("integer", "1E5", "spreadsheet-number"), ("integer", "1.5E1", "type-error"),
    ("integer", "12E3", "type-error"), ("integer", "1E1000", "type-error"),
    ("integer", "1" * 1001, "type-error"), ("number", "1E-101", "type-error"),
    ("id-number", "110105170001010014", "type-error"),
    ("org-code", "1.2E+8", "spreadsheet-number"),
    ("boolean", "maybe", "type-error"), ("uscc", "123", "type-error"),
    ("uscc", "9.14419E+17", "spreadsheet-number"),
    ("id-number", "110105491231002", "type-error"),
    ("id-number", "110105194902300020", "type-error"),
    ("region", "12345", "type-error"),
]

THEME = """[theme t]
subject = id
source.r = d/r
field.n = first r.name
"""

DESCRIPTOR = """[resource]
title = t
sharing = unconditional
mode = %s
key = id
subject = id
tolerance = 50%%
[field id]
title = 编号
type = integer
required = yes
[field name]
title = 名称
type = string
[field licence]
title = 许可证
type = string
unique = yes
"""


class Values(unittest.TestCase):
    def test_good(self):
        for kind, raw, expected in GOOD:
            text = canonical.text(raw)
            self.assertEqual(canonical.value(kind, text, ZONE)[0], expected,
                             (kind, raw))

    def test_bad(self):
        for kind, raw, code in BAD:
            with self.assertRaises(canonical.Refused, msg=(kind, raw)) as got:
                canonical.value(kind, raw, ZONE)
            self.assertEqual(got.exception.code, code, (kind, raw))

    def test_text(self):
        self.assertEqual(canonical.text("\u3000 a\r\nb\u00a0\t"), "a\nb")
        self.assertEqual(canonical.text("e\u0301"), "\u00e9")

    def test_sum(self):
        self.assertEqual(canonical.add(["0.10", "-0.1"]), "0.00")
        self.assertEqual(canonical.add(["-5", "2.25"]), "-2.75")
        self.assertEqual(canonical.add(["7"]), "7")

    def test_check_digits(self):
        try:
            from stdnum.cn import ric, uscc
        except ImportError:
            self.skipTest("python3-stdnum is not installed")
        for i in range(200):
            code = "91%06d%09d" % (441900 + i % 60, i * 7919)
            self.assertEqual(canonical.uscc_check(code),
                             uscc.calc_check_digit(code))
            number = "4419001985%02d%02d%03d" % (i % 12 + 1, i % 28 + 1, i)
            self.assertEqual(canonical.id_check(number),
                             ric.calc_check_digit(number + "0"))


class Scanner(unittest.TestCase):
    def test_lines(self):
        text = 'a,b\r\n"x\r\ny",1\n\n"q""r",\n'
        got = [tuple(r) for r in table.scan(text, ",", 1)]
        self.assertEqual(got, [(1, ["a", "b"]), (2, ["x\r\ny", "1"]),
                               (4, [""]), (5, ['q"r', ""])])

    def test_broken(self):
        for text, line in (('a\n"b\nc', 2), ('"a"b\n', 1), ("a\n\0\n", 2)):
            with self.assertRaises(table.Broken) as got:
                list(table.scan(text, ",", 1))
            self.assertEqual(got.exception.line, line)


class Cities(unittest.TestCase):
    def city(self, folder, mode, theme=THEME):
        os.makedirs(os.path.join(folder, "resources.d", "d"))
        with open(os.path.join(folder, "civicfs.conf"), "w") as file:
            file.write("[platform]\nstate = s\n" + theme)
        with open(os.path.join(folder, "resources.d", "d", "r.ini"), "w",
                  encoding="utf-8") as file:
            file.write(DESCRIPTOR % mode)
        return civic_oracle.City(folder)

    def submit(self, city, folder, content):
        path = os.path.join(folder, "x.csv")
        with open(path, "wb") as file:
            file.write(content)
        return city.submit("d/r", path, "2026-01-01")

    def test_snapshot(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "snapshot")
            one = self.submit(city, folder, b"id,name,licence\n1,a,\n2,b,\n"
                              b"3,c,\n4,d,\n")
            self.assertEqual(one.state, "accepted")
            two = self.submit(city, folder, "编号;名称;许可证\n2;B;\n"
                              "x;y;\n\n3;c;\n"
                              .encode("gb18030"))
            self.assertEqual(two.state, "partial")
            self.assertEqual(two.errors, [(2, 3, "id", "type-error")])
            self.assertEqual(two.warnings, [(3, 4, "", "blank-row")])
            self.assertEqual(two.rows["deleted"], 2)
            three = self.submit(city, folder, b"id,name,licence\n")
            self.assertEqual(three.state, "quarantined")
            self.assertEqual(city.themes["t"].files["data.csv"],
                             b"id,n\n2,B\n3,c\n")
            four = self.submit(city, folder,
                               b"id,name,licence\n3,c,\n2,B,\n")
            self.assertEqual(four.state, "unchanged")
            self.assertEqual(three.state, "superseded")
            self.assertEqual(city.themes["t"].changes[1],
                             b"change,id,n\ndelete,1,a\nupdate,2,B\n"
                             b"delete,4,d\n")

    def test_upsert(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "upsert")
            self.submit(city, folder, b"id,name,licence\n1,a,\n2,b,\n")
            one = self.submit(city, folder, b"change,id,name,licence\n"
                              b"Delete,1,,\nINSERT,3,c,\ndelete,9,,\n")
            self.assertEqual(one.rows["deleted"], 1)
            self.assertEqual(one.rows["inserted"], 1)
            self.assertEqual(one.rows["unchanged"], 1)
            self.assertEqual(city.themes["t"].files["data.jsonl"],
                             b'{"id":2,"n":"b"}\n{"id":3,"n":"c"}\n')

    def test_keys_that_differ(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "append")
            one = self.submit(city, folder, b"id,name,licence\n1,a,\n1,a,\n"
                              b"2,b,\n2,c,\n3,d,\n")
            self.assertEqual(one.state, "partial")
            self.assertEqual([e.row for e in one.errors], [3, 4])
            self.assertEqual([w.code for w in one.warnings],
                             ["duplicate-row"])
            self.assertEqual((one.rows["read"], one.rows["accepted"],
                              one.rows["refused"]), (5, 2, 2))
            two = self.submit(city, folder,
                              b"id,name,licence\n1,z,\n3,d,\n")
            self.assertEqual(two.errors, [(1, 2, "", "primary-key")])

    def test_refused_rows_share_keys(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "append")
            one = self.submit(city, folder, b"id,name,licence\n1,a,\n"
                              b"1,a,,more\n2,b\n3,c,\n4,d,\n5,e,\n")
            self.assertEqual(sorted(one.errors), [
                (1, 2, "", "primary-key"), (2, 3, "", "extra-cell"),
                (3, 4, "licence", "missing-cell")])

    def test_unique(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "append")
            one = self.submit(city, folder, b"id,name,licence\n1,a,L\n"
                              b"1,a,L\n2,b,L\n3,c,M\n4,d,\n5,e,\n6,f,N\n")
            self.assertEqual(one.errors, [
                (1, 2, "licence", "constraint-error"),
                (3, 4, "licence", "constraint-error")])
            self.assertEqual(one.rows["accepted"], 4)
            self.assertEqual(one.state, "partial")

    def test_conflicts_by_source(self):
        with tempfile.TemporaryDirectory() as folder:
            city = self.city(folder, "append", CONFLICTS)
            self.submit(city, folder, b"id,name,licence\n1,a,L\n2,a,a\n")
            self.assertEqual(
                city.themes["t"].files["conflicts.csv"],
                b"subject,field,winner_source,winner_value,source,value\n"
                b"1,n,r,a,q,L\n")


CONFLICTS = """[theme t]
subject = id
source.q = d/r
source.r = d/r
field.n = first r.name q.licence r.licence q.name
"""


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""A random small city: configuration and what its departments send.

    generate_city.py SEED OUT [--days N] [--subjects N] [--rows N] [--clean]
                              [--links]

The same seed gives the same bytes. OUT holds civicfs.conf, conf.d/,
resources.d/, days/DAY/… and submissions.list, one 'D/R=FILE' a line in the
order in which they are sent (the form civic_oracle.py --list reads; FILE is
relative to OUT). With --clean every file is whole and free of faults; with
--links many rows have no subject and find one through another source.

What the specification leaves open is not generated: it could not be judged.
"""

import argparse
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import canonical

DEPARTMENTS = [("aic", "工商行政管理局"), ("tax", "税务局"),
               ("env", "环境保护局"), ("人社", "人力资源和社会保障局"),
               ("water_2", "水务局"), ("humen", "虎门镇")]

ODD_KEYS = [
    'say "hi"', "a/b", "100%", "two  blanks", ".hidden", "dot.", "a,b", "a|b",
    "..", ".", "企业一号", "企业一号（分店）", "\u00e9t\u00e9", "a\\b", "c:d",
    "*?<>|", "CON", "😀", "𠮷野家", "line\nbreak", "=1+1", "'", "semi;colon",
    "a，b", "ctl\x01x", "tab\tx", "Key", "key", "%2F", "长" * 90, "x" * 300,
    "-", "--help", "~tilde", "end~", "#hash#", "sha256-00", "0", "00", "a.json",
]

WORDS = ["华为", "鼓楼", "东莞", "虎门", "plain", "with, comma", 'with "quote"',
         "two\nlines", "semi;colon", "全角，逗号", "ends.", "𠮷", "=SUM(A1)",
         "é", "N/A", "null", "0012", "-", "a|b", "100%", "“引号”", "tab\tin"]

GRADES = ["A", "B", "C", "优", "良"]

# name, title, type, further lines of the descriptor
VALUE_FIELDS = [
    ("name", "名称", "string", "max_length = 200\n"),
    ("grade", "等级", "string", "enum = A B C 优 良\n"),
    ("amount", "金额", "number", "min = -1000000\nmax = 1000000000000\n"),
    ("staff", "人数", "integer", "min = 0\n"),
    ("since", "成立日期", "date", ""),
    ("seen", "更新时间", "datetime", ""),
    ("active", "是否有效", "boolean", ""),
    ("remark", "备注", "string", ""),
    ("area", "行政区划", "region", ""),
    ("phone", "联系电话", "string", "sensitivity = personal\n"),
    ("licence", "许可证号", "string", "unique = yes\n"),
    ("holder", "证件号码", "id-number", "sensitivity = personal\n"),
]

# Fields that are no rule's operand.
STRUCTURE = ("subject", "parent", "id", "seq", "ref")


def full_width(text):
    return "".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" else c
                   for c in text)


def uscc(rng):
    code = "91" + "%06d" % rng.choice([441900, 440300, 110000])
    code += "".join(rng.choice(canonical.USCC_SET) for _ in range(9))
    return code + canonical.uscc_check(code)


def org_code(rng):
    code = "".join(rng.choice("0123456789ABCDEF") for _ in range(8))
    return code + canonical.org_check(code)


def id_number(rng):
    code = "441900%04d%02d%02d%03d" % (
        rng.randrange(1930, 2010), rng.randrange(1, 13), rng.randrange(1, 29),
        rng.randrange(1000))
    return code + canonical.id_check(code)


def wrong_check(rng, code):
    """Sometimes a code whose check character is another: it is warned of."""
    if rng.random() < 0.95:
        return code
    return code[:-1] + ("1" if code[-1] != "1" else "2")


class Values:
    """Random canonical values, and the many ways in which they are sent."""

    def __init__(self, rng):
        self.rng = rng
        self.counter = 0

    def canonical(self, name, kind):
        rng = self.rng
        if rng.random() < 0.15:
            return ""
        if name == "licence":
            self.counter += 1
            return "L%d" % self.counter
        if kind == "id-number":
            return wrong_check(rng, id_number(rng))
        if name == "grade":
            return rng.choice(GRADES)
        if name == "phone":
            return "0769-%07d" % rng.randrange(10**7)
        if kind == "string":
            return rng.choice(WORDS)
        if kind == "integer":
            return str(rng.choice([0, 1, 7, 12, 1000, 1234567,
                                   rng.randrange(10**18)]))
        if kind == "number":
            whole = rng.choice(["0", "1", "12", "1234567"])
            sign = rng.choice(["", "", "-"])
            text = whole + rng.choice(["", ".0", ".50", ".125", ".1"])
            return text if not text.strip("0.") else \
                (sign if whole != "1234567" else "") + text
        if kind == "date":
            return "%04d-%02d-%02d" % (rng.randrange(1990, 2026),
                                       rng.randrange(1, 13),
                                       rng.randrange(1, 29))
        if kind == "datetime":
            return "%04d-%02d-%02dT%02d:%02d:%02d%s" % (
                rng.randrange(1985, 2026), rng.randrange(1, 13),
                rng.randrange(1, 29), rng.randrange(24), rng.randrange(60),
                rng.choice([0, 0, rng.randrange(60)]),
                rng.choice(["", "", "", ".250", ".000", ".007"]))
        if kind == "boolean":
            return rng.choice(["true", "false"])
        if kind == "region":
            return rng.choice(["441900", "440300", "441900121",
                               "441900121001"])
        raise ValueError(kind)

    def sent(self, kind, value):
        """One of the forms whose canonical value this is."""
        rng = self.rng
        if value == "":
            return rng.choice(["", "", " ", "\u3000", "\u00a0 "])
        text = value
        if kind in canonical.CODES:
            if kind == "org-code" and rng.random() < 0.4:
                text = text[:8] + "-" + text[8:]
            elif rng.random() < 0.2:
                text = text[:4] + " " + text[4:]
            if rng.random() < 0.2:
                text = text.lower()
            if rng.random() < 0.2:
                text = full_width(text)
        elif kind == "integer":
            text = self.number(text)
        elif kind == "number":
            text = self.number(text)
            if text.startswith("0.") and rng.random() < 0.3:
                text = text[1:]
            elif "." not in text and text[0] in "123456789" and \
                    rng.random() < 0.2:
                text += rng.choice([".", "E0", "e+0"])
        elif kind == "date":
            year, month, day = text.split("-")
            text = rng.choice([
                text, text, "%s/%d/%d" % (year, int(month), int(day)),
                "%s.%s.%s" % (year, month, day),
                "%s年%d月%d日" % (year, int(month), int(day)),
                year + month + day, "%s-%d-%s" % (year, int(month), day)])
        elif kind == "datetime":
            if "." in text and rng.random() < 0.5:
                text = rng.choice([text + "000", text.rstrip("0")])
                text = text + "0" if text.endswith(".") else text
            elif text.endswith(":00") and rng.random() < 0.5:
                text = text[:-3]
            text = text.replace("T", rng.choice(["T", "t", " ", "  "]))
            text += rng.choice(["", "", "", "+08:00", "+0800", " +08", "Z",
                                "-03:30"])
        elif kind == "boolean":
            text = rng.choice(["true", "是", "1", "yes", "Y"]
                              if value == "true" else
                              ["false", "否", "0", "no", "N"])
        elif text == "\u00e9t\u00e9" and rng.random() < 0.5:
            text = "e\u0301te\u0301"
        if rng.random() < 0.1:
            text = rng.choice([" ", "\u3000", "\t", "\u00a0"]) + text + " "
        return text

    def number(self, text):
        rng = self.rng
        roll = rng.random()
        digits, point, rest = text.lstrip("-").partition(".")
        sign = "-" if text.startswith("-") else ""
        if roll < 0.15:
            digits = "{:,}".format(int(digits))
        elif roll < 0.25:
            digits = "00" + digits
        elif roll < 0.35:
            digits = full_width(digits)
        elif roll < 0.4 and not sign:
            sign = "+"
        return sign + digits + point + rest


class Resource:
    def __init__(self, city, name, title, like=None):
        rng = city.rng
        self.city = city
        self.name = name
        self.title = title
        self.like = like
        self.rows = {}
        self.counter = 0
        self.last_file = None
        if like:
            self.key_kind = like.key_kind
            self.fields = like.fields
            self.as_of = like.as_of
        else:
            kinds = ["id", "id", "subject", "composite", "personal", "none"]
            if city.links:
                kinds += ["id"] * 12  # whose rows may lack a subject
            self.key_kind = rng.choice(kinds)
            extra = [self.closed(field) for field in
                     rng.sample(VALUE_FIELDS, rng.randrange(3, 7))]
            self.fields = [("subject", "主体代码", city.subject_kind, "")]
            if rng.random() < 0.4:
                self.fields.append(("parent", "上级代码", city.subject_kind,
                                    ""))
            if self.key_kind == "id":
                self.fields.append(("id", "序号", rng.choice(
                    ["integer", "string"]), ""))
            if self.key_kind in ("composite", "personal"):
                self.fields.append(("seq", "批次", "integer", ""))
            if self.key_kind == "personal" and "phone" not in (
                    field[0] for field in extra):
                extra += [f for f in VALUE_FIELDS if f[0] == "phone"]
            if city.links:
                self.fields.append(("ref", "关联号", "string", ""))
            self.fields += extra
            rng.shuffle(self.fields)
            dated = [f[0] for f in self.fields if f[2] == "date"]
            self.as_of = dated[0] if dated and rng.random() < 0.7 else None
        self.key = {"id": ["id"], "subject": ["subject"],
                    "composite": ["subject", "seq"],
                    "personal": ["phone", "seq"], "none": []}[self.key_kind]
        self.mode = rng.choice(["snapshot", "snapshot", "upsert", "append"])
        if not self.key:
            self.mode = "append"
        self.tolerance = rng.choice(["0%", "10%", "60%", "60%"])
        self.max_shrink = rng.choice(["50%", "100%", "30%"])
        self.extra = rng.choice(["error", "ignore"])
        self.sharing = rng.choice(["unconditional"] * 3 + ["conditional"])
        self.footer = rng.choice(["", "合计 填表人"])
        self.missing = rng.choice(["", "无 / NULL"])

    def closed(self, field):
        """A field that is sometimes shared less than its resource."""
        if self.city.rng.random() > 0.1:
            return field
        return field[:3] + (field[3] + "sharing = conditional\n",)

    def descriptor(self):
        lines = ["[resource]", "title = " + self.title,
                 "abstract = 随机生成", "format = csv",
                 "sharing = " + self.sharing]
        if self.sharing == "conditional":
            lines.append("sharing_condition = 因履行职责需要")
        lines += ["open = no", "update_cycle = daily", "mode = " + self.mode,
                  ("key = " + " ".join(self.key)).strip(),
                  "subject = subject",
                  "tolerance = " + self.tolerance,
                  "max_shrink = " + self.max_shrink, "extra = " + self.extra]
        if self.as_of:
            lines.append("as_of = " + self.as_of)
        if self.footer:
            lines.append("footer = " + self.footer)
        if self.missing:
            lines.append("missing = " + self.missing)
        if self.like:
            lines.append("like = " + self.like.name)
        else:
            for name, title, kind, more in self.fields:
                lines += ["", "[field %s]" % name, "title = " + title,
                          "type = " + kind]
                if name in self.key and name != "subject":
                    lines.append("required = yes")
                if more:
                    lines.append(more.rstrip("\n"))
        return "\n".join(lines) + "\n"

    # --- the world behind the files ----------------------------------------

    def new_row(self):
        rng = self.city.rng
        row = {name: self.city.values.canonical(name, kind)
               for name, _, kind, _ in self.fields
               if name not in STRUCTURE}
        row["subject"] = rng.choice(self.city.subjects)
        row["parent"] = rng.choice(self.city.subjects + [""] * 10)
        if "subject" not in self.key and rng.random() < 0.05:
            row["subject"] = ""
        if self.city.links:
            self.link(row)
        self.counter += 1
        if self.key_kind == "id":
            kind = next(f[2] for f in self.fields if f[0] == "id")
            row["id"] = str(self.counter) if kind == "integer" else \
                "%s-%d" % (rng.choice(["甲", "B", "c/d", 'q"']), self.counter)
        if "seq" in self.key:
            row["seq"] = str(rng.randrange(1, 4))
        if "phone" in self.key:
            row["phone"] = row["phone"] or "0769-%07d" % self.counter
        names = self.key or [field[0] for field in self.fields]
        return tuple(row[name] for name in names), row

    def link(self, row):
        """A value that none, one or several rows of another source have."""
        rng = self.city.rng
        row["ref"] = "R%d" % rng.randrange(15 + self.city.rows)
        if rng.random() < 0.1:
            row["ref"] = ""
        if "subject" not in self.key and rng.random() < 0.4:
            row["subject"] = ""

    def evolve(self, share):
        """What happened since the last file; keys by what became of them."""
        rng = self.city.rng
        touched = {}
        for key in list(self.rows):
            roll = rng.random()
            if roll < share / 3:
                del self.rows[key]
                touched[key] = "delete"
            elif roll < share and self.mode != "append":
                row = dict(self.rows[key])
                name, _, kind, _ = rng.choice(self.fields)
                if name not in self.key and name not in STRUCTURE:
                    row[name] = self.city.values.canonical(name, kind)
                    self.rows[key] = row
                    touched[key] = "update"
                elif self.city.links and self.key:
                    self.link(row)
                    self.rows[key] = row
                    touched[key] = "update"
        few, many = self.city.rows // 20 + 8, self.city.rows + 10
        for _ in range(rng.randrange(1, few) if self.rows else
                       rng.randrange(many, many + 20)):
            key, row = self.new_row()
            if key not in self.rows and key not in touched:
                self.rows[key] = row
                touched[key] = "insert"
        return touched

    def records(self, first):
        """(change, row) of the next file; rows are copies."""
        rng = self.city.rng
        old = {key: dict(row) for key, row in self.rows.items()}
        touched = self.evolve(0 if first else 0.3)
        if self.mode == "snapshot":
            return [("", dict(row)) for row in self.rows.values()]
        out = []
        for key, change in touched.items():
            if change == "delete":
                if self.mode == "upsert":
                    out.append((change, old[key]))
            else:
                out.append((change, dict(self.rows[key])))
        if self.mode == "append":
            for key, row in old.items():
                if key in self.rows and rng.random() < 0.2:
                    out.append(("", row))
        return out


class File:
    """The bytes of one submission."""

    def __init__(self, resource, records):
        city = resource.city
        rng = city.rng
        self.rng = rng
        self.resource = resource
        self.encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "gb18030",
                                    "gb18030", "utf-16-le", "utf-16-be"])
        self.delimiter = rng.choice([",", ",", ";", "\t", "\uff0c"])
        self.newline = rng.choice(["\n", "\r\n"])
        self.quote_all = rng.random() < 0.2
        self.columns = [f[0] for f in resource.fields]
        rng.shuffle(self.columns)
        self.has_change = resource.mode == "upsert" and (
            rng.random() < 0.6 or any(c == "delete" for c, _ in records))
        if self.has_change:
            self.columns.insert(rng.randrange(len(self.columns) + 1), "change")
        if resource.extra == "ignore" and rng.random() < 0.5:
            self.columns.insert(rng.randrange(len(self.columns) + 1), "")
        self.label_by = rng.choice(["id", "title", "mixed"])
        kinds = {f[0]: f[2] for f in resource.fields}
        self.lines = []
        for change, row in records:
            cells = []
            for name in self.columns:
                if name == "change":
                    word = change or "update"
                    cells.append(rng.choice([word, word, word.upper(),
                                             " " + word.title()]))
                elif name == "":
                    cells.append(rng.choice(["", "x", "没人登记"]))
                elif change == "delete" and name not in resource.key:
                    cells.append(rng.choice(["", city.values.sent(
                        kinds[name], row[name])]))
                else:
                    cells.append(self.cell(name, kinds[name], row[name]))
            self.lines.append(cells)
        self.kinds = kinds
        self.header = [self.label(name) for name in self.columns]
        self.bytes = None

    def cell(self, name, kind, value):
        resource = self.resource
        if value == "" and resource.missing and name not in resource.key \
                and self.rng.random() < 0.3:
            return self.rng.choice(resource.missing.split())
        return resource.city.values.sent(kind, value)

    def label(self, name):
        if name == "":
            return "无人登记的列"
        if name == "change":
            return name
        title = next(f[1] for f in self.resource.fields if f[0] == name)
        if self.label_by == "mixed":
            return self.rng.choice([name, title])
        label = title if self.label_by == "title" else name
        return " " + label if self.rng.random() < 0.05 else label

    def at(self, name):
        return self.columns.index(name)

    # --- faults --------------------------------------------------------------

    def break_row(self):
        """Makes one row one that has to be refused."""
        rng = self.rng
        if not self.lines:
            return
        whole = [i for i, cells in enumerate(self.lines)
                 if len(cells) == len(self.columns)
                 and not (self.has_change and "delete" in
                          cells[self.at("change")].lower())]
        if not whole:
            return
        cells = self.lines[rng.choice(whole)]
        typed = [name for name in self.columns if self.kinds.get(name) in (
            "integer", "number", "date", "datetime", "boolean")
            or self.kinds.get(name) in canonical.CODES]
        kind = rng.choice(["type", "type", "key", "extra", "missing", "enum",
                           "sheet", "change"])
        if kind == "key" and self.resource.key:
            cells[self.at(rng.choice(self.resource.key))] = ""
        elif kind == "extra":
            cells.append("more")
        elif kind == "missing":
            del cells[-rng.randrange(1, 4):]
        elif kind == "enum" and "grade" in self.columns:
            cells[self.at("grade")] = "不存在"
        elif kind == "sheet" and typed:
            cells[self.at(rng.choice(typed))] = rng.choice(
                ["9.14419E+17", "4e5", "1E5", "1.5E1", "12E3", "-2E+9",
                 "7E1000", "0E5", "４.４１Ｅ+17"])
        elif kind == "change" and self.has_change:
            cells[self.at("change")] = "replace"
        elif typed:
            cells[self.at(rng.choice(typed))] = rng.choice(
                ["坏", "12x", "--", "2013-02-30", "1,23", "2013-1-1 24:00",
                 "2013-1-1 8:30:01.0001", "110105491231002", "1" * 1001,
                 "110105170001010014", "1E100", "9" * 90 + "E11"])

    def repeat_rows(self):
        """Equal rows, rows of one key that differ, a unique value twice."""
        rng = self.rng
        whole = [cells for cells in self.lines
                 if len(cells) == len(self.columns)]
        if not whole:
            return
        self.lines.insert(rng.randrange(len(self.lines) + 1),
                          list(rng.choice(whole)))
        if rng.random() < 0.5 and "remark" in self.columns and \
                not self.has_change:
            twin = list(rng.choice(whole))
            twin[self.at("remark")] = "另一个说法"
            self.lines.append(twin)
        if rng.random() < 0.5 and "licence" in self.columns:
            cells = rng.choice(whole)
            cells[self.at("licence")] = rng.choice(whole)[self.at("licence")]
        if rng.random() < 0.5:
            for _ in range(3):
                self.break_row()

    # --- bytes ---------------------------------------------------------------

    def text(self, cells):
        out = []
        for cell in cells:
            special = any(c in cell for c in
                          (self.delimiter, '"', "\n", "\r"))
            if special or self.quote_all or self.rng.random() < 0.05:
                cell = '"' + cell.replace('"', '""') + '"'
            out.append(cell)
        return self.delimiter.join(out) + self.newline

    def render(self, decorate=True):
        rng = self.rng
        out = []
        if decorate and self.delimiter != "\uff0c" and rng.random() < 0.1:
            out.append("sep=" + self.delimiter + self.newline)
        if decorate and rng.random() < 0.3:
            out.append(self.text(["东莞市统计表"] +
                                 [""] * (len(self.columns) - 1)))
            if rng.random() < 0.5:
                out.append(self.newline)
        out.append(self.text(self.header))
        for number, cells in enumerate(self.lines):
            if decorate and number and rng.random() < 0.03:
                out.append(rng.choice([
                    self.newline, self.text([""] * len(self.columns)),
                    self.text([" \u3000"] * len(self.columns))]))
            out.append(self.text(cells))
        if decorate and self.resource.footer and rng.random() < 0.5:
            out.append(self.text(["合计", "12"]))
            out.append(self.text(["填表人：张三"]))
        elif decorate and rng.random() < 0.3:
            out.append(self.newline * rng.randrange(1, 4))
        text = "".join(out)
        if rng.random() < 0.2 and text.endswith(self.newline) and \
                text[:-len(self.newline)].strip():
            text = text[:-len(self.newline)]
        data = text.encode(self.encoding)
        if self.encoding == "utf-16-le":
            data = b"\xff\xfe" + data
        elif self.encoding == "utf-16-be":
            data = b"\xfe\xff" + data
        return data

    def ruin(self, data):
        """A file that cannot be read as a whole."""
        rng = self.rng
        kind = rng.choice(["bytes", "quote", "after", "label", "nothing",
                           "nul"])
        if kind == "bytes":
            self.encoding = "utf-8"
            return self.render(False) + b"\xff\xfe\xfa,\x80\n"
        if kind == "label":
            self.header = list(self.header)
            self.header[self.at("subject")] = "错误的列名"
            return self.render(False)
        if kind == "nothing":
            return "这不是表格\n什么也没有\n".encode()
        self.encoding = "utf-8"
        self.lines = self.lines[:3]
        data = self.render(False)
        if not data.endswith(b"\n"):
            data += b"\n"
        return data + {"quote": b'"never closed,1\n', "after": b'"a"b,1\n',
                       "nul": b"a\0b,1\n"}[kind]


class City:
    def __init__(self, seed, days, subjects, rows, clean, links):
        self.rng = random.Random(seed)
        self.rows = rows
        self.links = links
        rng = self.rng
        self.seed = seed
        self.days = days
        self.clean = clean
        self.values = Values(rng)
        self.subject_kind = rng.choice(["string", "string", "uscc",
                                        "org-code", "integer"])
        make = {"uscc": lambda: uscc(rng), "org-code": lambda: org_code(rng),
                "integer": lambda: str(rng.randrange(10**12)),
                "string": lambda: rng.choice(
                    ["企业%d号", "K%04d", "a b %d"]) % rng.randrange(
                        max(1000, 10 * subjects))}
        self.subjects = [make[self.subject_kind]() for _ in range(subjects)]
        if self.subject_kind in canonical.CODES:
            self.subjects = [wrong_check(rng, s) for s in self.subjects]
        if self.subject_kind == "string":
            self.subjects += rng.sample(ODD_KEYS, 20)
        self.departments = rng.sample(DEPARTMENTS, rng.randrange(2, 5))
        self.resources = []
        for number in range(rng.randrange(3, 6)):
            department = rng.choice(self.departments)[0]
            self.resources.append(Resource(
                self, "%s/%s%d" % (department, rng.choice(
                    ["reg", "许可", "tax-roll"]), number),
                "资源%d" % number))
        twin = rng.choice(self.resources)
        self.resources.append(Resource(
            self, "%s/twin" % rng.choice(self.departments)[0], "同构资源",
            twin))
        self.sources = []
        for number, resource in enumerate(self.resources[:-1]):
            parts = [resource]
            if resource is twin:
                parts = rng.sample([resource, self.resources[-1]], 2)
            self.sources.append(("s%d" % number, parts))

    def theme(self, name, based):
        rng = self.rng
        lines = ["[theme %s]" % name, "title = 主题 " + name,
                 "subject = subject"]
        for source, parts in self.sources:
            by = ""
            if rng.random() < 0.5 and "parent" in (
                    field[0] for field in parts[0].fields):
                by = " by parent"
            lines.append("source.%s = %s%s" % (
                source, " ".join(part.name for part in parts), by))
        by_name = {}
        for source, parts in self.sources:
            for field in parts[0].fields:
                if field[0] not in STRUCTURE:
                    by_name.setdefault(field[0], []).append(source)
        number = 0
        kinds = {f[0]: f[2] for f in VALUE_FIELDS}
        for field in sorted(by_name):
            having = list(by_name[field])
            rng.shuffle(having)
            choices = ["first", "latest", "list", "min", "max"]
            if kinds[field] in ("integer", "number"):
                choices += ["sum", "sum"]
            for rule in rng.sample(choices, rng.randrange(1, 4)):
                number += 1
                operands = having if rule in ("first", "latest") \
                    else having[:1]
                lines.append("field.%s_%d = %s %s" % (
                    field, number, rule, " ".join(
                        "%s.%s" % (source, field) for source in operands)))
        for source, _ in self.sources:
            if rng.random() < 0.5:
                lines.append("field.n_%s = count %s" % (source, source))
        lines.append("field.n_all = count s0")
        if based:
            lines.append("base = " + rng.choice(self.sources)[0])
        if self.links:
            names = [source for source, _ in self.sources]
            rng.shuffle(names)
            others = names[:max(1, len(names) // 2)]
            for source in names[len(others):]:
                lines.append("link.%s = ref %s.ref" % (source,
                                                       rng.choice(others)))
        return "\n".join(lines) + "\n"

    def write_config(self, out):
        put(out, "civicfs.conf",
            "[platform]\ntitle = 随机城市 %d\nstate = state\nlanguage = en\n"
            "timezone = Asia/Shanghai\nregistration = automatic\n"
            "settle = 100ms\n" % self.seed)
        text = ""
        for name, title in self.departments:
            text += "[department %s]\ntitle = %s\nmembers = user:root\n\n" % (
                name, title)
        put(out, "conf.d/10-departments.ini", text)
        put(out, "conf.d/20-themes.ini",
            self.theme("all", False) + "\n" + self.theme("based", True) +
            "\n[access]\ncatalogue = departments\ntheme.all = everyone\n"
            "theme.based = everyone\n")
        for resource in self.resources:
            put(out, "resources.d/%s.ini" % resource.name,
                resource.descriptor())

    def send(self, resource, day):
        """The bytes of one file and whether the same is sent again."""
        rng = self.rng
        first = not resource.rows
        roll = rng.random()
        if self.clean:
            roll = 0
        if not first and roll > 0.93:
            return File(resource, []).render(False), False
        records = resource.records(first)
        rng.shuffle(records)
        file = File(resource, records)
        if roll > 0.85:
            return file.ruin(None), False
        if roll > 0.5:
            share = rng.choice([0.03, 0.1, 0.5])
            for _ in range(max(1, int(len(records) * share))):
                file.break_row()
        elif roll > 0.3:
            file.repeat_rows()
        return file.render(), rng.random() < 0.1

    def write(self, out):
        self.write_config(out)
        order = []
        for day in range(1, self.days + 1):
            sending = [r for r in self.resources if rng_yes(self.rng, 0.8)]
            if day == 1:
                sending = list(self.resources)
            self.rng.shuffle(sending)
            for resource in sending:
                data, again = self.send(resource, day)
                name = self.rng.choice([
                    resource.name.partition("/")[2] + ".csv",
                    "第%d天 数据.csv" % day, "day%d.txt" % day, "a b.CSV"])
                for copy in range(2 if again else 1):
                    path = "days/%d/%s/%d/%s" % (
                        day, resource.name.replace("/", "."), copy, name)
                    put(out, path, data)
                    order.append("%s=%s" % (resource.name, path))
        put(out, "submissions.list", "\n".join(order) + "\n")


def rng_yes(rng, share):
    return rng.random() < share


def put(out, name, content):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content.encode("utf-8")
                   if isinstance(content, str) else content)


def main():
    parser = argparse.ArgumentParser(description="write a random city")
    parser.add_argument("seed", type=int)
    parser.add_argument("out")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--subjects", type=int, default=30)
    parser.add_argument("--rows", type=int, default=0,
                        help="this many more in the first file of each "
                        "resource")
    parser.add_argument("--clean", action="store_true",
                        help="only whole files without faults")
    parser.add_argument("--links", action="store_true",
                        help="rows find their subject in another source")
    args = parser.parse_args()
    City(args.seed, args.days, args.subjects, args.rows,
         args.clean, args.links).write(args.out)


if __name__ == "__main__":
    main()

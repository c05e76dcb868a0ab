"""Canonical values and constraints (section 4 of the specification)."""

import datetime
import re
import unicodedata
import zoneinfo
from fractions import Fraction

SPACE = " \t\r\n\u00a0\u3000"

USCC_SET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODES = ("uscc", "org-code", "id-number", "region")

DATE_FORMS = [
    re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII),
    re.compile(r"(\d{4})(年)(\d{1,2})月(\d{1,2})日", re.ASCII),
    re.compile(r"(\d{4})()(\d{2})(\d{2})", re.ASCII),
]
# Thousandths as far as they go; more digits only if they say nothing.
TIME_FORM = re.compile(
    r"(?P<date>.+?)(?:[Tt]|[ ]+)(?P<h>\d{1,2}):(?P<m>\d{2})"
    r"(?::(?P<s>\d{2})(?:\.(?P<f>\d{1,3})0*)?)?[ ]*"
    r"(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?", re.ASCII)
NUMBER_FORM = re.compile(
    r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)?(?:(\.)(\d*))?(?:[Ee]([+-]?\d+))?",
    re.ASCII)
# What a spreadsheet shows of a number that is too long for a cell.
SHORTENED = re.compile(r"[+-]?[1-9](?:\.(\d*))?[Ee]\+?(\d+)", re.ASCII)
NUMBER_LENGTH = 1000
WRITTEN_OUT = 100


class Refused(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


def trim(cell):
    return cell.strip(SPACE)


def text(cell):
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", trim(cell))


def half_width(cell):
    return "".join(
        chr(ord(c) - 0xfee0) if "\uff01" <= c <= "\uff5e" else
        " " if c == "\u3000" else c for c in cell)


def upper(cell):
    """Upper case of the letters that codes have, and no others."""
    return "".join(c.upper() if "a" <= c <= "z" else c for c in cell)


def code_text(cell):
    return upper("".join(c for c in half_width(cell) if c not in SPACE))


def is_shortened(cell):
    """Whether digits were dropped: the exponent is larger than what is
    shown after the point."""
    found = SHORTENED.fullmatch(half_width(cell))
    return bool(found) and len(cell) <= NUMBER_LENGTH and \
        len(found[1] or "") < int(found[2]) < 1000


def uscc_check(code):
    total = sum(USCC_SET.index(c) * pow(3, i, 31)
                for i, c in enumerate(code[:17]))
    return USCC_SET[-total % 31]


def org_check(code):
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(w * (int(c, 36)) for w, c in zip(weights, code))
    return "0123456789X0"[11 - total % 11]


def id_check(code):
    total = sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(code[:17]))
    return "10X98765432"[total % 11]


def code_value(kind, cell, strict):
    """What is no code may be what a spreadsheet has made of one."""
    try:
        return code_checked(kind, code_text(cell), strict)
    except Refused as refused:
        if refused.code == "type-error" and is_shortened(cell):
            raise Refused("spreadsheet-number") from None
        raise


def code_checked(kind, code, strict):
    if kind == "region":
        if not re.fullmatch(r"\d{6}|\d{9}|\d{12}", code, re.ASCII):
            raise Refused("type-error")
        return code, None
    if kind == "uscc":
        if not re.fullmatch(r"[%s]{2}\d{6}[%s]{10}" % (USCC_SET, USCC_SET),
                            code, re.ASCII):
            raise Refused("type-error")
        right = uscc_check(code)
    elif kind == "org-code":
        code = code.replace("-", "", 1) if code[8:9] == "-" else code
        if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", code, re.ASCII):
            raise Refused("type-error")
        right = org_check(code)
    else:
        if not re.fullmatch(r"\d{17}[0-9X]", code, re.ASCII):
            raise Refused("type-error")
        try:
            born = datetime.date(int(code[6:10]), int(code[10:12]),
                                 int(code[12:14]))
        except ValueError:
            raise Refused("type-error") from None
        if not 1800 <= born.year < 2100:
            raise Refused("type-error")
        right = id_check(code)
    if code[-1] == right:
        return code, None
    if strict:
        raise Refused("uscc-checksum")
    return code, "uscc-checksum"


def number(cell, whole):
    """Exact text of an integer or number."""
    found = NUMBER_FORM.fullmatch(half_width(cell))
    if not found or len(cell) > NUMBER_LENGTH:
        raise Refused("type-error")
    sign, before, point, after, exponent = found.groups()
    before = before or ""
    after = after or ""
    if not before and not after:
        raise Refused("type-error")
    if whole and exponent is not None and is_shortened(cell):
        raise Refused("spreadsheet-number")
    if whole and (point or exponent is not None or not before):
        raise Refused("type-error")
    before = before.replace(",", "")
    if exponent is not None:
        before, after = written_out(before, after, int(exponent))
    before = before.lstrip("0") or "0"
    if exponent is not None and len(before + after) > WRITTEN_OUT:
        raise Refused("type-error")
    negative = sign == "-" and (before + after).strip("0") != ""
    return ("-" if negative else "") + before + ("." + after if after else "")


def written_out(before, after, exponent):
    """The digits before and after the point when it is moved."""
    digits = before + after
    scale = len(after) - exponent
    if scale <= 0 and digits.strip("0") == "":
        return "0", ""
    if abs(scale) > 2 * NUMBER_LENGTH:
        raise Refused("type-error")
    if scale <= 0:
        return digits + "0" * -scale, ""
    digits = digits.rjust(scale + 1, "0")
    return digits[:-scale], digits[-scale:]


def date(cell):
    for form in DATE_FORMS:
        found = form.fullmatch(cell)
        if found:
            try:
                day = datetime.date(int(found[1]), int(found[3]),
                                    int(found[4]))
            except ValueError:
                break
            return day.strftime("%%04d-%m-%d") % day.year
    raise Refused("type-error")


def moment(cell, zone):
    found = TIME_FORM.fullmatch(cell)
    if not found:
        raise Refused("type-error")
    day = date(found["date"])
    try:
        local = datetime.datetime.fromisoformat(day).replace(
            hour=int(found["h"]), minute=int(found["m"]),
            second=int(found["s"] or 0))
    except ValueError:
        raise Refused("type-error") from None
    if found["zone"]:
        offset = found["zone"].replace(":", "").upper()
        minutes = 0
        if offset != "Z":
            east = int(offset[1:3]), int(offset[3:5] or 0)
            if east[0] > 23 or east[1] > 59:
                raise Refused("type-error")
            minutes = east[0] * 60 + east[1]
            minutes = -minutes if offset[0] == "-" else minutes
        try:
            utc = local - datetime.timedelta(minutes=minutes)
            local = utc.replace(tzinfo=datetime.timezone.utc).astimezone(
                zoneinfo.ZoneInfo(zone))
        except OverflowError:
            raise Refused("type-error") from None
    return "%04d-%02d-%02dT%02d:%02d:%02d%s" % (
        local.year, local.month, local.day, local.hour, local.minute,
        local.second, "." + found["f"].ljust(3, "0") if found["f"] else "")


def boolean(cell):
    word = half_width(cell).lower()
    if word in ("true", "是", "1", "yes", "y"):
        return "true"
    if word in ("false", "否", "0", "no", "n"):
        return "false"
    raise Refused("type-error")


def value(kind, cell, zone, strict=False):
    """(canonical value, code of a warning or None); raises Refused.

    'cell' is canonical text already and not empty."""
    if kind == "string":
        return cell, None
    if kind in CODES:
        return code_value(kind, cell, strict)
    if kind in ("integer", "number"):
        return number(cell, kind == "integer"), None
    if kind == "date":
        return date(half_width(cell)), None
    if kind == "datetime":
        return moment(half_width(cell), zone), None
    if kind == "boolean":
        return boolean(cell), None
    raise ValueError("no type '%s'" % kind)


def comparable(kind, canonical_text):
    if kind in ("integer", "number"):
        return Fraction(canonical_text)
    return canonical_text.encode("utf-8")


def holds(field, canonical_text, zone):
    """Whether a canonical value keeps the constraints of its field."""
    limits = field.constraints
    if "enum" in limits:
        allowed = {value(field.type, text(word), zone)[0]
                   for word in limits["enum"]}
        if canonical_text not in allowed:
            return False
    if "pattern" in limits and \
            not re.fullmatch(limits["pattern"], canonical_text):
        return False
    if "min_length" in limits and \
            len(canonical_text) < int(limits["min_length"]):
        return False
    if "max_length" in limits and \
            len(canonical_text) > int(limits["max_length"]):
        return False
    for name, sign in (("min", 1), ("max", -1)):
        if name in limits:
            bound = comparable(field.type,
                               value(field.type, limits[name], zone)[0])
            mine = comparable(field.type, canonical_text)
            if (mine < bound) if sign == 1 else (mine > bound):
                return False
    return True


def add(values):
    """Exact sum, with the scale of the finest operand."""
    scale = max(len(v.partition(".")[2]) for v in values)
    total = sum(int(v.replace(".", "") +
                    "0" * (scale - len(v.partition(".")[2])))
                for v in values)
    digits = str(abs(total)).rjust(scale + 1, "0")
    sign = "-" if total < 0 else ""
    if scale == 0:
        return sign + digits
    return sign + digits[:-scale] + "." + digits[-scale:]

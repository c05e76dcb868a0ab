"""From the bytes of a file to records with their exact lines."""

import collections

import canonical

Record = collections.namedtuple("Record", "line cells")
Parsed = collections.namedtuple("Parsed", "columns records encoding")

DELIMITERS = (",", ";", "\t", "\uff0c")
HEADER_RECORDS = 20


class Incomplete(Exception):
    pass


class Rejected(Exception):
    """faults: a list of (line, field, code)."""

    def __init__(self, faults):
        super().__init__(faults)
        self.faults = faults


class Broken(Exception):
    def __init__(self, line):
        super().__init__(line)
        self.line = line


def decode(data):
    """The text, and the name of its encoding."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"),
                       (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            ladder, data = (name,), data[len(mark):]
            break
    else:
        ladder = ("utf-8", "gb18030")
    for name in ladder:
        try:
            return data.decode(name, "strict"), name
        except UnicodeDecodeError:
            pass
    raise Rejected([(0, "", "encoding-error")])


def scan(text, delimiter, line):
    """Yields the records of a text; 'line' is the number of its first line.

    Raises Broken at an unclosed quote, text after a closing quote, or NUL."""
    at = 0
    end = len(text)
    while at < end:
        start = line
        cells = []
        while True:
            if text.startswith('"', at):
                opened = line
                parts = []
                at += 1
                while True:
                    close = text.find('"', at)
                    if close < 0:
                        raise Broken(opened)
                    parts.append(text[at:close])
                    line += breaks(text[at:close])
                    at = close + 1
                    if not text.startswith('"', at):
                        break
                    parts.append('"')
                    at += 1
                cell = "".join(parts)
                if at < end and text[at] not in (delimiter, "\r", "\n"):
                    raise Broken(line)
            else:
                stop = at
                while stop < end and text[stop] not in (delimiter, "\r", "\n"):
                    stop += 1
                cell = text[at:stop]
                at = stop
            if "\0" in cell:
                raise Broken(line)
            cells.append(cell)
            if at < end and text[at] == delimiter:
                at += 1
                continue
            break
        if text.startswith("\r\n", at):
            at += 2
        elif at < end:
            at += 1
        line += 1
        yield Record(start, cells)


def breaks(text):
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def labels(record, config):
    """For each cell of a record: the field it names, or None."""
    names = {}
    for field in config.fields.values():
        names.setdefault(field.title, field.id)
    for field in config.fields.values():
        names[field.id] = field.id
    texts = [canonical.text(cell) for cell in record.cells]
    return texts, [names.get(text) for text in texts]


def find_header(text, delimiter, line, config):
    """(how many fields the best record names, its number)."""
    best = (0, None)
    try:
        for number, record in enumerate(scan(text, delimiter, line)):
            if number == HEADER_RECORDS:
                break
            named = len(set(labels(record, config)[1]) - {None})
            if named > best[0]:
                best = (named, number)
            if named == len(config.fields):
                break
    except Broken:
        pass
    return best


def parse(data, config):
    if not data:
        raise Incomplete
    text, encoding = decode(data)
    if text.endswith("\0"):
        raise Incomplete
    line = 1
    delimiters = DELIMITERS
    if text[:4].lower() == "sep=" and text[5:6] in ("\n", "\r") and \
            text[4] not in "\r\n":
        delimiters = (text[4],)
        text = text[7 if text.startswith("\r\n", 5) else 6:]
        line = 2

    best = (0, None, None)
    for delimiter in delimiters:
        named, number = find_header(text, delimiter, line, config)
        if named > best[0]:
            best = (named, number, delimiter)
        if named == len(config.fields):
            break
    named, number, delimiter = best
    if named == 0:
        raise Rejected([(0, "", "format-error")])

    records = []
    try:
        for record in scan(text, delimiter, line):
            records.append(record)
    except Broken as broken:
        raise Rejected([(broken.line, "", "format-error")]) from None
    header = records[number]
    texts, columns = labels(header, config)
    faults = []
    seen = set()
    for position, (label, name) in enumerate(zip(texts, columns)):
        if name is None and label == "change" and config.mode == "upsert":
            columns[position] = name = "change"
        if name is None:
            if config.extra == "error":
                faults.append((header.line, label, "extra-label"))
        elif name in seen:
            faults.append((header.line, name, "duplicate-label"))
        else:
            seen.add(name)
    for field in config.fields:
        if field not in seen:
            faults.append((header.line, field, "missing-label"))
    if faults:
        raise Rejected(faults)
    return Parsed(columns, records[number + 1:], encoding)

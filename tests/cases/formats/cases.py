"""Cases of the formats: a name, the bytes of a file, and what decoding it must
give. The files are made here, so that it can be seen what is wrong with
them; the programs that read them get bytes alone.

A case is one call of case(); expected is (end, rows, code, words, members):
the end, the rows (None: any), the code of the first fault and a pattern for
its message, the names of the members (None: any)."""

CASES = {}
FIELDS = ["id", "name"]


def case(name, content, expected, fields=None, options=()):
    """'content' is bytes, a function that makes them, or None where a program
    that makes them is missing."""
    assert name not in CASES, name
    CASES[name] = (content, expected, fields or FIELDS, list(options))


def done(rows, members=()):
    return ("done", rows, None, None, list(members))


def rejected(code, words, members=()):
    return ("rejected", None, code, words, list(members))


def incomplete():
    return ("incomplete", [], None, None, [])

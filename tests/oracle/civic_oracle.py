#!/usr/bin/env python3
"""What a civicfs city must look like, computed a second time.

An independent program: written from the specification alone, in another
language, without indexes, increments or databases. Given a configuration
folder and the submissions in the order of their completion, it computes the
verdict on each and the bytes of every theme. The tests compare the mount with
it; where the two differ, one of them has misread the specification.

    civic_oracle.py CONFIG OUT [--list FILE] [D/R=FILE[@YYYY-MM-DD] ...]

OUT then holds submissions.json (a list in order: state, rows, errors,
warnings, published) and themes/THEME/ with data.csv, data.jsonl,
conflicts.csv, orphans.csv, sources/, changes/ and versions.csv.
"""

import argparse
import collections
import datetime
import json
import os
import sys
from fractions import Fraction

import canonical
import cityconf
import table

Fault = collections.namedtuple("Fault", "row line field code")


class Record:
    """One stored row of a resource."""

    __slots__ = ("values", "submission", "day")

    def __init__(self, values, submission, day):
        self.values = values
        self.submission = submission
        self.day = day


def sort_key(parts):
    """Byte order, part by part."""
    return tuple(part.encode("utf-8") for part in parts)


# --- one submission ---------------------------------------------------------


class Verdict:
    def __init__(self, resource, path, day):
        self.resource = resource
        self.path = path
        self.day = day
        self.state = None
        self.rows = dict.fromkeys(
            ("read", "accepted", "refused", "inserted", "updated", "deleted",
             "unchanged"), 0)
        self.errors = []
        self.warnings = []
        self.published = []

    def error(self, row, line, field, code):
        self.errors.append(Fault(row, line, field, code))

    def warn(self, row, line, field, code):
        self.warnings.append(Fault(row, line, field, code))

    def as_json(self):
        return {
            "resource": self.resource, "file": os.path.basename(self.path),
            "day": self.day, "state": self.state, "rows": self.rows,
            "errors": sorted(set(self.errors)),
            "warnings": sorted(set(self.warnings)),
            "published": [{"dataset": d, "version": v}
                          for d, v in self.published],
        }


class Row:
    """One record of a file that was judged."""

    __slots__ = ("number", "line", "values", "change", "key", "good")

    def __init__(self, number, line):
        self.number = number
        self.line = line
        self.values = None
        self.change = "write"
        self.key = None
        self.good = True


def judge_row(resource, columns, record, number, verdict):
    """Judges one record that is neither empty nor a footer."""
    row = Row(number, record.line)
    cells = record.cells

    def refuse(field, code):
        verdict.error(number, record.line, field, code)
        row.good = False

    if len(cells) < len(columns):
        short = [name for name in columns[len(cells):]
                 if name in resource.fields]
        for name in short or [""]:
            refuse(name, "missing-cell")
    if len(cells) > len(columns):
        refuse("", "extra-cell")

    raw = {}
    for name, cell in zip(columns, cells):
        if name is not None:
            raw[name] = cell

    if "change" in raw and resource.mode == "upsert" \
            and "change" not in resource.fields:
        word = canonical.trim(raw["change"]).lower()
        if word == "delete":
            row.change = "delete"
        elif word not in ("insert", "update"):
            refuse("change", "constraint-error")

    values = {}
    readable_key = True
    for field in resource.fields.values():
        in_key = field.id in resource.key
        if row.change == "delete" and not in_key:
            values[field.id] = ""
            continue
        if field.id not in raw:
            readable_key = readable_key and not in_key
            continue
        text = canonical.text(raw[field.id])
        value = ""
        if text != "" and text not in resource.missing:
            try:
                value, warning = canonical.value(
                    field.type, text, resource.zone, field.strict)
            except canonical.Refused as refused:
                refuse(field.id, refused.code)
                readable_key = readable_key and not in_key
                continue
            if warning:
                verdict.warn(number, record.line, field.id, warning)
        if value == "":
            if field.required or in_key:
                refuse(field.id, "constraint-error")
                readable_key = readable_key and not in_key
        elif not canonical.holds(field, value, resource.zone):
            refuse(field.id, "constraint-error")
            readable_key = readable_key and not in_key
        values[field.id] = value
    row.values = values
    names = key_names(resource)
    if readable_key and all(name in values for name in names):
        row.key = tuple(values[name] for name in names)
    return row


def key_names(resource):
    return resource.key or list(resource.fields)


def judge_rows(resource, header, records, verdict):
    """The rows of a file, blank and footer records left out."""
    rows = []
    number = 0
    blanks = []
    for record in records:
        number += 1
        texts = [canonical.trim(cell) for cell in record.cells]
        if all(text == "" for text in texts):
            blanks.append((number, record.line))
            continue
        first = next(text for text in texts if text != "")
        if any(first.startswith(word) for word in resource.footer):
            break
        for blank_number, line in blanks:
            verdict.warn(blank_number, line, "", "blank-row")
        blanks = []
        rows.append(judge_row(resource, header, record, number, verdict))
    return rows


def settle_duplicates(resource, rows, verdict):
    """Equal rows count once; rows of one key that differ are all refused,
    and a row that is refused already differs from every other."""
    groups = collections.OrderedDict()
    for row in rows:
        if row.key is not None:
            groups.setdefault(row.key, []).append(row)
    kept = []
    for group in groups.values():
        contents = {(row.change, tuple(sorted(row.values.items())))
                    for row in group}
        whole = all(row.good for row in group)
        if len(group) > 1 and (len(contents) > 1 or not whole):
            for row in group:
                if row.good:
                    verdict.error(row.number, row.line, "", "primary-key")
                row.good = False
        elif whole:
            kept.append(group[0])
            for row in group[1:]:
                verdict.warn(row.number, row.line, "", "duplicate-row")
    return kept


def refuse_shared(resource, kept, verdict):
    """Rows that share the value of a unique field are all refused."""
    for field in resource.fields.values():
        if not field.unique:
            continue
        holders = collections.defaultdict(list)
        for row in kept:
            if row.change == "write" and row.values[field.id] != "":
                holders[row.values[field.id]].append(row)
        for group in holders.values():
            if len(group) > 1:
                for row in group:
                    verdict.error(row.number, row.line, field.id,
                                  "constraint-error")
                    row.good = False
    return [row for row in kept if row.good]


class Resource:
    """The state of one resource: the fold of its accepted submissions."""

    def __init__(self, config):
        self.config = config
        self.records = {}
        self.quarantined = []

    def apply(self, verdict, submission, day):
        config = self.config
        try:
            with open(verdict.path, "rb") as file:
                parsed = table.parse(file.read(), config)
        except table.Incomplete:
            verdict.state = "incomplete"
            return
        except table.Rejected as rejected:
            verdict.state = "rejected"
            for line, field, code in rejected.faults:
                verdict.error(0, line, field, code)
            return

        rows = judge_rows(config, parsed.columns, parsed.records, verdict)
        kept = settle_duplicates(config, rows, verdict)
        kept = refuse_shared(config, kept, verdict)
        if config.mode == "append":
            kept = self.refuse_rewrites(kept, verdict)

        refused = sum(1 for row in rows if not row.good)
        verdict.rows["read"] = len(rows)
        verdict.rows["refused"] = refused
        verdict.rows["accepted"] = len(kept)

        new = self.fold(kept, rows, submission, day)
        counts = self.difference(new, kept)
        too_many = refused and \
            Fraction(refused, len(rows)) > config.tolerance
        shrinks = not too_many and config.mode == "snapshot" and \
            self.records and \
            Fraction(counts["deleted"], len(self.records)) > config.max_shrink
        if too_many or shrinks:
            verdict.state = "quarantined"
            if shrinks:
                verdict.error(0, 0, "", "shrink")
            self.quarantined.append(verdict)
            return

        verdict.rows.update(counts)
        changed = counts["inserted"] or counts["updated"] or counts["deleted"]
        if refused:
            verdict.state = "partial"
        else:
            verdict.state = "accepted" if changed else "unchanged"
        self.records = new
        if config.mode == "snapshot":
            for older in self.quarantined:
                older.state = "superseded"
            self.quarantined = []
        return {row.key: (row.number, row.line) for row in kept
                if row.change != "delete"}

    def refuse_rewrites(self, kept, verdict):
        """An append may repeat a row, never change one."""
        for row in kept:
            old = self.records.get(row.key)
            if old is not None and old.values != row.values:
                verdict.error(row.number, row.line, "", "primary-key")
                row.good = False
        return [row for row in kept if row.good]

    def fold(self, kept, rows, submission, day):
        """The records after the kept rows."""
        if self.config.mode == "snapshot":
            # What a refused row says of its key is unknown: it stays.
            new = {row.key: self.records[row.key] for row in rows
                   if not row.good and row.key in self.records}
        else:
            new = dict(self.records)
        for row in kept:
            old = self.records.get(row.key)
            if row.change == "delete":
                new.pop(row.key, None)
            elif old is not None and old.values == row.values:
                new[row.key] = old
            else:
                new[row.key] = Record(row.values, submission, day)
        return new

    def difference(self, new, kept):
        old = self.records
        inserted = sum(1 for key in new if key not in old)
        deleted = sum(1 for key in old if key not in new)
        updated = sum(1 for key in new
                      if key in old and new[key] is not old[key])
        return {"inserted": inserted, "updated": updated, "deleted": deleted,
                "unchanged": len(kept) - inserted - updated -
                (deleted if self.config.mode == "upsert" else 0)}

    def key_of(self, record):
        return tuple(record.values[name] for name in key_names(self.config))

    def shown_key(self, key):
        """The parts that readers of a theme's orphans may see."""
        parts = []
        for name, part in zip(key_names(self.config), key):
            hidden = self.config.fields[name].sensitivity in (
                "personal", "secret") and name != self.config.subject
            parts.append("" if hidden else part)
        return "|".join(parts)


# --- one theme --------------------------------------------------------------


def csv_cell(text):
    if "," in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_line(cells):
    if len(cells) == 1 and cells[0] == "":
        return '""\n'
    return ",".join(csv_cell(cell) for cell in cells) + "\n"


def json_text(text):
    return json.dumps(text, ensure_ascii=False)


def json_value(kind, text):
    if text == "":
        return "null"
    if kind in ("integer", "number", "boolean"):
        return text
    return json_text(text)


class Member:
    """A row of a source, seen from a theme."""

    __slots__ = ("position", "key", "record", "own", "subject", "resource")

    def __init__(self, position, key, record, subject, resource):
        self.position = position
        self.key = key
        self.record = record
        self.own = subject  # as the row itself says it
        self.subject = subject
        self.resource = resource

    def order(self):
        return (self.position, sort_key(self.key))

    def as_of(self):
        field = self.resource.config.as_of
        value = self.record.values[field] if field else ""
        return value or self.record.day


class Theme:
    def __init__(self, config, resources):
        self.config = config
        self.resources = resources
        self.files = self.render()
        self.version = 0
        self.changes = []
        self.versions = []

    def members(self, source):
        """The rows of a source in the order of resource and key."""
        found = []
        for position, name in enumerate(source.resources):
            resource = self.resources[name]
            subject = source.by[position] or resource.config.subject
            for record in resource.records.values():
                found.append(Member(position, resource.key_of(record), record,
                                    record.values[subject], resource))
        found.sort(key=Member.order)
        return found

    def linked(self):
        """All members by source name, subjects found through links."""
        rows = {source.name: self.members(source)
                for source in self.config.sources}
        for name, (field, other, other_field) in self.config.links.items():
            index = collections.defaultdict(list)
            for row in rows[other]:
                index[row.record.values[other_field]].append(row)
            for row in rows[name]:
                value = row.record.values[field]
                if row.subject == "" and value != "":
                    found = index.get(value, [])
                    if len(found) == 1:
                        row.subject = found[0].own
        return rows

    def render(self):
        """Every file of the theme, as it must be now."""
        rows = self.linked()
        subjects = collections.defaultdict(lambda: collections.defaultdict(list))
        for name, members in rows.items():
            for row in members:
                if row.subject != "":
                    subjects[row.subject][name].append(row)
        base = self.config.base
        inside = {subject for subject, by_source in subjects.items()
                  if base is None or by_source.get(base)}
        names = [rule.name for rule in self.config.rules]
        header = [self.config.subject] + names
        data = [header]
        conflicts = [["subject", "field", "winner_source", "winner_value",
                      "source", "value"]]
        for subject in sorted(inside, key=lambda s: s.encode("utf-8")):
            line = [subject]
            for rule in self.config.rules:
                value, conflict = self.compute(rule, subjects[subject])
                line.append(value)
                conflicts += [[subject, rule.name] + rest
                              for rest in conflict]
            data.append(line)
        files = {
            "data.csv": csv_text(data),
            "data.jsonl": self.jsonl(header, data[1:]),
            "conflicts.csv": csv_text(conflicts),
            "orphans.csv": csv_text(self.orphans(rows, inside)),
        }
        for name, members in rows.items():
            source = self.config.source(name)
            for position, full in enumerate(source.resources):
                text = self.source_csv(self.resources[full].config, [
                    row for row in members if row.position == position])
                if text is not None:
                    files["sources/%s.csv" % full.replace("/", ".")] = text
        self.data = {line[0]: line for line in data[1:]}
        return {name: text.encode("utf-8") for name, text in files.items()}

    def compute(self, rule, by_source):
        """The value of one field for one subject, and who disagrees."""
        if rule.kind == "count":
            return str(sum(len(by_source.get(source, []))
                           for source, _ in rule.operands)), []
        if rule.kind in ("first", "latest"):
            return self.chosen(rule, by_source)
        values = []
        for source, field in rule.operands:
            for row in by_source.get(source, []):
                if row.record.values[field] != "":
                    values.append(row.record.values[field])
        if not values:
            return "", []
        if rule.kind == "sum":
            return canonical.add(values), []
        if rule.kind == "list":
            return "|".join(sorted(set(values),
                                   key=lambda v: v.encode("utf-8"))), []
        if self.config.kind_of(rule, self.resources) in ("integer", "number"):
            # Of equal numbers the one with the smaller bytes.
            sign = 1 if rule.kind == "min" else -1
            return min(values, key=lambda v: (sign * Fraction(v),
                                              v.encode("utf-8"))), []
        choose = min if rule.kind == "min" else max
        return choose(values, key=lambda v: v.encode("utf-8")), []

    @staticmethod
    def pick(kind, operands, by_source):
        """(source, value) that 'first' or 'latest' says of these operands."""
        best = None
        for source, field in operands:
            for row in by_source.get(source, []):
                value = row.record.values[field]
                if value == "":
                    continue
                when = row.as_of() if kind == "latest" else ""
                if best is None or when > best[0]:
                    best = (when, source, value)
        return best[1:] if best else (None, "")

    def chosen(self, rule, by_source):
        """The value, and the lines of the sources whose own pick differs."""
        winner, value = self.pick(rule.kind, rule.operands, by_source)
        conflicts = []
        for source in self.config.sources:
            own = [operand for operand in rule.operands
                   if operand[0] == source.name]
            _, other = self.pick(rule.kind, own, by_source)
            if other not in ("", value):
                conflicts.append([winner, value, source.name, other])
        return value, conflicts

    def warn_of_orphans(self, name, written, verdict):
        """The rows of a file that the theme does not show."""
        rows = self.linked()
        base = self.config.base
        inside = None if base is None else {
            row.subject for row in rows[base] if row.subject != ""}
        for source, members in rows.items():
            link = self.config.links.get(source)
            for row in members:
                resource = row.resource.config
                if resource.name != name or row.key not in written:
                    continue
                if row.subject != "" and (inside is None
                                          or row.subject in inside):
                    continue
                by = self.config.source(source).by[row.position]
                field = by or resource.subject
                if row.own == "" and link and row.record.values[link[0]]:
                    field = link[0]
                number, line = written[row.key]
                verdict.warn(number, line, field, "orphan")

    def orphans(self, rows, inside):
        lines = [["source", "subject", "key"]]
        for source in self.config.sources:
            lost = [row for row in rows[source.name]
                    if row.subject == "" or row.subject not in inside]
            lost.sort(key=lambda row: (row.subject.encode("utf-8"),
                                       sort_key(row.key), row.position))
            for row in lost:
                lines.append([source.name, row.subject,
                              row.resource.shown_key(row.key)])
        return lines

    @staticmethod
    def source_csv(config, members):
        if config.sharing == "none":
            return None
        shown = [field.id for field in config.fields.values()
                 if field.sensitivity not in ("personal", "secret")
                 and (field.sharing or config.sharing) == config.sharing]
        if not shown:
            return None
        lines = [shown]
        # What a link finds is the theme's, not the record's.
        for row in sorted(members, key=lambda r: (r.own.encode("utf-8"),
                                                  sort_key(r.key))):
            lines.append([row.record.values[name] for name in shown])
        return csv_text(lines)

    def jsonl(self, header, lines):
        kinds = [self.config.subject_kind(self.resources)]
        kinds += [self.config.kind_of(rule, self.resources)
                  for rule in self.config.rules]
        out = []
        for line in lines:
            out.append("{" + ",".join(
                json_text(name) + ":" + json_value(kind, value)
                for name, kind, value in zip(header, kinds, line)) + "}\n")
        return "".join(out)

    def publish(self):
        """The next version, when a byte of any file has changed."""
        before = self.data
        files = self.render()
        if files == self.files:
            return None
        self.files = files
        self.version += 1
        after = self.data
        header = ["change", self.config.subject]
        header += [rule.name for rule in self.config.rules]
        lines = [header]
        counts = {"insert": 0, "update": 0, "delete": 0}
        for subject in sorted(set(before) | set(after),
                              key=lambda s: s.encode("utf-8")):
            if subject not in before:
                change = "insert"
            elif subject not in after:
                change = "delete"
            elif before[subject] != after[subject]:
                change = "update"
            else:
                continue
            counts[change] += 1
            lines.append([change] + after.get(subject, before.get(subject)))
        self.changes.append(csv_text(lines).encode("utf-8"))
        self.versions.append([len(after), counts["insert"], counts["update"],
                              counts["delete"]])
        return self.version


def csv_text(lines):
    return "".join(csv_line(line) for line in lines)


# --- the city ---------------------------------------------------------------


class City:
    def __init__(self, folder):
        self.config = cityconf.load(folder)
        self.resources = {name: Resource(config)
                          for name, config in self.config.resources.items()}
        self.themes = {name: Theme(config, self.resources)
                       for name, config in self.config.themes.items()}
        self.verdicts = []

    def submit(self, name, path, day):
        verdict = Verdict(name, path, day)
        self.verdicts.append(verdict)
        written = self.resources[name].apply(verdict, len(self.verdicts), day)
        if verdict.state in ("accepted", "partial"):
            for theme in self.themes.values():
                if theme.config.uses(name):
                    version = theme.publish()
                    if version is not None:
                        verdict.published.append((theme.config.id, version))
        if verdict.state in ("accepted", "partial", "unchanged"):
            for theme in self.themes.values():
                theme.warn_of_orphans(name, written, verdict)
        return verdict

    def write(self, out):
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "submissions.json"), "w",
                  encoding="utf-8") as file:
            json.dump([verdict.as_json() for verdict in self.verdicts], file,
                      ensure_ascii=False, indent=1)
            file.write("\n")
        for theme in self.themes.values():
            folder = os.path.join(out, "themes", theme.config.id)
            files = dict(theme.files)
            for number, text in enumerate(theme.changes, 1):
                files["changes/%d.csv" % number] = text
            versions = [["version", "rows", "inserted", "updated", "deleted"]]
            for number, counts in enumerate(theme.versions, 1):
                versions.append([str(number)] + [str(n) for n in counts])
            files["versions.csv"] = csv_text(versions).encode("utf-8")
            for name, content in files.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)


def main():
    parser = argparse.ArgumentParser(
        description="compute what a city must look like")
    parser.add_argument("config", help="configuration folder")
    parser.add_argument("out", help="folder for the result")
    parser.add_argument("--list", help="file of 'D/R=FILE[@DAY]' lines")
    parser.add_argument("submissions", nargs="*",
                        metavar="D/R=FILE[@DAY]")
    args = parser.parse_args()

    lines = []
    if args.list:
        with open(args.list, encoding="utf-8") as file:
            lines += [line.rstrip("\n") for line in file if line.strip()]
    lines += args.submissions
    today = datetime.date.today().isoformat()
    city = City(args.config)
    for line in lines:
        name, _, path = line.partition("=")
        day = today
        if len(path) > 11 and path[-11] == "@":
            path, day = path[:-11], path[-10:]
        if name not in city.resources:
            sys.exit("'%s' is not a resource of this city" % name)
        city.submit(name, path, day)
    city.write(args.out)


if __name__ == "__main__":
    main()

"""A civicfs configuration, as far as the computation needs it.

Takes what the specification allows and trusts it: finding mistakes in a
configuration is not the oracle's work."""

import collections
import glob
import os
import re
from fractions import Fraction

Rule = collections.namedtuple("Rule", "name kind operands")
Source = collections.namedtuple("Source", "name resources by")  # by: each


class Field:
    def __init__(self, name, keys):
        self.id = name
        self.title = keys.get("title") or name
        self.type = keys.get("type") or "string"
        self.required = keys.get("required") == "yes"
        self.strict = keys.get("strict") == "yes"
        self.sensitivity = keys.get("sensitivity") or "public"
        self.sharing = keys.get("sharing") or ""
        self.constraints = {name: keys[name] for name in (
            "pattern", "min", "max", "min_length", "max_length")
            if keys.get(name)}
        if keys.get("enum"):
            self.constraints["enum"] = words(keys["enum"])
        self.unique = keys.get("unique") == "yes"


class Resource:
    def __init__(self, name, sections, zone, lookup):
        keys = dict(sections).get("resource", {})
        self.name = name
        self.zone = zone
        self.fields = {}
        for title, options in sections:
            if title.startswith("field "):
                field = Field(title[6:].strip(), options)
                self.fields[field.id] = field
        if keys.get("like"):
            self.fields = dict(lookup(keys["like"]).fields)
        self.mode = keys.get("mode") or "snapshot"
        self.key = words(keys.get("key", ""))
        self.subject = keys.get("subject") or None
        self.as_of = keys.get("as_of") or None
        self.sharing = keys.get("sharing") or "conditional"
        self.extra = keys.get("extra") or "error"
        self.tolerance = percent(keys.get("tolerance") or "0%")
        self.max_shrink = percent(keys.get("max_shrink") or "50%")
        self.missing = set(words(keys.get("missing", "")))
        self.footer = words(keys.get("footer", ""))


class Theme:
    def __init__(self, name, keys):
        self.id = name
        self.subject = keys["subject"]
        self.base = keys.get("base") or None
        self.sources = []
        self.rules = []
        self.links = {}
        for key, value in keys.items():
            kind, _, rest = key.partition(".")
            if kind == "source":
                self.sources.append(source_of(rest, value))
            elif kind == "field":
                parts = words(value)
                operands = [tuple(part.partition(".")[::2])
                            for part in parts[1:]]
                self.rules.append(Rule(rest, parts[0], operands))
            elif kind == "link":
                field, other = words(value)
                self.links[rest] = (field,) + tuple(other.split(".", 1))

    def source(self, name):
        return next(s for s in self.sources if s.name == name)

    def uses(self, resource):
        return any(resource in source.resources for source in self.sources)

    def subject_kind(self, resources):
        source = self.sources[0]
        config = resources[source.resources[0]].config
        return config.fields[source.by[0] or config.subject].type

    def kind_of(self, rule, resources):
        """The type of a theme's field."""
        fixed = {"count": "integer", "sum": "number", "list": "string"}
        if rule.kind in fixed:
            return fixed[rule.kind]
        kinds = set()
        for source, field in rule.operands:
            for name in self.source(source).resources:
                kinds.add(resources[name].config.fields[field].type)
        if kinds == {"integer", "number"}:
            return "number"
        return kinds.pop() if len(kinds) == 1 else "string"


class Config:
    def __init__(self):
        self.zone = "Asia/Shanghai"
        self.resources = {}
        self.themes = {}


def source_of(name, value):
    """D/R … [by FIELD], once a line of the key."""
    resources, by = [], []
    for line in value.split("\n"):
        parts = words(line)
        field = None
        if len(parts) > 2 and parts[-2] == "by":
            field = parts[-1]
            parts = parts[:-2]
        resources += parts
        by += [field] * len(parts)
    return Source(name, resources, by)


def words(value):
    return [word for word in re.split(r"[ \t\n,]+", value) if word]


def percent(value):
    return Fraction(value.rstrip("%").strip()) / 100


def read(path):
    """The sections of one file in order: [(title, {key: value})]."""
    sections = []
    keys = None
    last = None
    with open(path, encoding="utf-8-sig") as file:
        for line in file:
            line = line.rstrip("\r\n")
            bare = line.strip(" \t")
            if bare == "":
                last = None
                continue
            if bare[0] in ";#":
                continue
            bare = re.sub(r"[ \t];.*$", "", bare).rstrip(" \t")
            if line[0] in " \t" and last is not None:
                keys[last] = (keys[last] + " " + bare).strip()
            elif bare.startswith("["):
                keys = {}
                last = None
                sections.append((" ".join(bare[1:bare.index("]")].split()),
                                 keys))
            else:
                last, _, value = bare.partition("=")
                last = last.rstrip(" \t")
                value = value.strip(" \t")
                keys[last] = (keys[last] + "\n" + value).strip() \
                    if last in keys else value
    return sections


def load(folder):
    config = Config()
    files = [os.path.join(folder, "civicfs.conf")]
    files += sorted(glob.glob(os.path.join(folder, "conf.d", "*.ini")),
                    key=os.fsencode)
    sections = [section for path in files if os.path.exists(path)
                for section in read(path)]
    for title, keys in sections:
        if title == "platform" and keys.get("timezone"):
            config.zone = keys["timezone"]
    paths = {}
    for path in glob.glob(os.path.join(folder, "resources.d", "*", "*.ini")):
        department, name = path.split(os.sep)[-2:]
        paths["%s/%s" % (department, name[:-4])] = path

    def lookup(name):
        if name not in config.resources:
            config.resources[name] = Resource(name, read(paths[name]),
                                              config.zone, lookup)
        return config.resources[name]

    for name in sorted(paths):
        lookup(name)
    for title, keys in sections:
        if title.startswith("theme "):
            theme = Theme(title[6:].strip(), keys)
            config.themes[theme.id] = theme
    return config

"""Whether data written with one schema can be read with another (Avro 1.11 specification, "Schema Resolution").

Our own check, because avro-python3 has none. It is stricter than Avro in one way: named types must agree in their
full names. FULL_TRANSITIVE: the current schema can read every released version, and every released version can read
what the current one writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.field_classes import TAGS, NamedTypes, Schema, full_name, kind_of, leaves

_PROMOTIONS = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}


def incompatibilities(reader: Schema, writer: Schema) -> list[str]:
    """Why `reader` could not read everything that `writer` writes, as sentences with paths; empty when it could.

    Both schemas are self-contained.
    """
    return list(_Check(reader, writer).compare(reader, writer, ""))


def check_full_transitive(
    current: Mapping[str, Schema], released_versions: Mapping[str, Mapping[str, Schema]]
) -> list[str]:
    """Every way in which `current` breaks with a released version; empty when none.

    `current` maps event types to their schemas, `released_versions` release numbers to the same. A released type that
    is no longer there is a break as well: its events are still in topics.
    """
    found: list[str] = []
    for version, released in released_versions.items():
        for name, old in released.items():
            new = current.get(name)
            if new is None:
                found.append(f"`{name}` was released in {version} and is gone")
                continue
            found.extend(f"`{name}` cannot read release {version}: {why}" for why in incompatibilities(new, old))
            found.extend(f"release {version} cannot read `{name}`: {why}" for why in incompatibilities(old, new))
            found.extend(f"`{name}` against release {version}: {why}" for why in weakened(new, old))
    return found


def weakened(new: Schema, old: Schema) -> list[str]:
    """Leaves that lost a field class: a projection that withheld them would then deliver them (P-01)."""
    before = {leaf.path: leaf.classes for leaf in leaves(old)}
    return [
        f"`{leaf.path}` lost class {', '.join(sorted(before[leaf.path] - leaf.classes))} in its {TAGS}"
        for leaf in leaves(new)
        if leaf.path in before and before[leaf.path] - leaf.classes
    ]


class _Check:
    def __init__(self, reader: Schema, writer: Schema) -> None:
        self.reader_names = NamedTypes()
        self.reader_names.remember(reader)
        self.writer_names = NamedTypes()
        self.writer_names.remember(writer)
        self.compared: set[tuple[str, str]] = set()

    def compare(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        r, w = self.reader_names.resolve(reader), self.writer_names.resolve(writer)
        r_kind, w_kind = kind_of(r), kind_of(w)
        if w_kind == "union":
            # every branch the writer may have used must be readable
            for branch in w:
                yield from self.compare(r, branch, path)
        elif r_kind == "union":
            yield from self.any_branch(r, w, path)
        elif r_kind != w_kind:
            if r_kind not in _PROMOTIONS.get(w_kind, ()):
                yield f"{_at(path)} is {r_kind}, was written as {w_kind}"
        elif r_kind == "array":
            yield from self.compare(r["items"], w["items"], path + "[]")
        elif r_kind in ("record", "enum", "fixed"):
            yield from self.named(r, w, r_kind, path)

    def named(self, r: Schema, w: Schema, kind: str, path: str) -> Iterator[str]:
        names = (full_name(r), full_name(w))
        if names[0] != names[1]:
            yield f"{_at(path)} is `{names[0]}`, was written as `{names[1]}`"
        elif names in self.compared:
            return
        else:
            self.compared.add(names)
            compare = {"record": self.record, "enum": self.enum, "fixed": self.fixed}[kind]
            yield from compare(r, w, path)

    def any_branch(self, union: list[Any], writer: Any, path: str) -> Iterator[str]:
        """The writer's type must fit one branch; the complaints shown are those of the branch of the same kind."""
        w_kind = kind_of(writer)
        same = [branch for branch in union if kind_of(self.reader_names.resolve(branch)) == w_kind]
        if same:
            yield from self.compare(same[0], writer, path)
        elif not any(self.fits(branch, w_kind) for branch in union):
            kinds = " or ".join(kind_of(self.reader_names.resolve(branch)) for branch in union)
            yield f"{_at(path)} is {kinds}, may have been written as {w_kind}"

    def fits(self, branch: Any, w_kind: str) -> bool:
        return kind_of(self.reader_names.resolve(branch)) in _PROMOTIONS.get(w_kind, ())

    def record(self, r: Schema, w: Schema, path: str) -> Iterator[str]:
        written = {each["name"]: each for each in w["fields"]}
        prefix = path + "." if path else ""
        for each in r["fields"]:
            name = next((n for n in (each["name"], *each.get("aliases", ())) if n in written), None)
            if name is not None:
                yield from self.compare(each["type"], written[name]["type"], prefix + each["name"])
            elif "default" not in each:
                yield f"{_at(prefix + each['name'])} has no default and was not written"

    def enum(self, r: Schema, w: Schema, path: str) -> Iterator[str]:
        lacking = [symbol for symbol in w["symbols"] if symbol not in r["symbols"]]
        if lacking and "default" not in r:
            yield f"{_at(path)} does not know {', '.join(lacking)} and has no default"

    def fixed(self, r: Schema, w: Schema, path: str) -> Iterator[str]:
        if r["size"] != w["size"]:
            yield f"{_at(path)} has {r['size']} bytes, was written with {w['size']}"


def _at(path: str) -> str:
    return f"`{path}`" if path else "the schema"

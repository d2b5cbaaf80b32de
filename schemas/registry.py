"""The event types: catalogue and schemas put together, found by name or by schema fingerprint.

Everything is read from the package's own files. Older released versions stay readable: a value written with one is
found by its fingerprint and read into the current schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

from fastavro.schema import SchemaParseException

from schemas.catalogue import Catalogue, CatalogueEntry, parse_catalogue, read_yaml
from schemas.errors import SchemaError
from schemas.field_classes import Leaf, Schema, full_name, leaves
from schemas.relationships import Declaration
from schemas.resolve import definitions, resolve
from schemas.vocabulary import AgencyCategory, DpRegime, FieldClass, LegalGateway, Purpose, Urgency
from schemas.wire import Wire, wire

__all__ = [
    "RECORD_NAMES",
    "ROUTING_PREFIX_LAST",
    "Catalogue",
    "CatalogueEntry",
    "EventType",
    "EventTypes",
    "RecordName",
    "load_catalogue",
    "load_event_types",
    "load_record_schema",
    "record_wire",
    "released_record_wire",
]

ROUTING_PREFIX_LAST = "settings"  # last envelope field that routing reads; identity and free text follow
RecordName = Literal["audit", "held", "rejected", "receipt", "operation", "transition"]
RECORD_NAMES: tuple[RecordName, ...] = ("audit", "held", "rejected", "receipt", "operation", "transition")


@dataclass(frozen=True, eq=False)
class EventType:
    """One event type: what the catalogue says and its current schema.

    `schema` is self-contained; `fingerprint` is CRC-64-AVRO of its canonical form, 8 bytes as on the wire; `version`
    its `schemaVersion`. Equal only to itself, so it can key a dict.
    """

    name: str
    title: str
    publishers: tuple[AgencyCategory, ...]
    gateways: tuple[LegalGateway, ...]
    clock: str
    urgency: Urgency
    maturity: str
    purposes: tuple[Purpose, ...]
    regimes: tuple[DpRegime, ...]
    requires: tuple[str, ...]
    sensitive: Mapping[FieldClass, str]
    basis: str
    relationships: tuple[Declaration, ...]
    example: Mapping[str, Any] = field(repr=False)
    schema: Schema = field(repr=False)
    leaves: tuple[Leaf, ...] = field(repr=False)
    wire: Wire = field(repr=False)
    record_name: str
    version: int

    @property
    def fingerprint(self) -> bytes:
        return self.wire.fingerprint

    @cached_property
    def leaf_by_path(self) -> Mapping[str, Leaf]:
        """Leaves by path, in schema order."""
        return {leaf.path: leaf for leaf in self.leaves}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Leaf paths in schema order."""
        return tuple(leaf.path for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class Writer:
    """The schema a value was written with: of which event type, and whether it is that type's current one."""

    event_type: EventType
    wire: Wire
    current: bool


class EventTypes(Mapping[str, EventType]):
    """All event types by name, in catalogue order. Iterating gives names; `.values()` gives `EventType`s."""

    def __init__(self, types: Iterable[EventType], older: Mapping[bytes, Traversable] | None = None) -> None:
        """`older` maps fingerprints of released versions to their schema files, read when first needed."""
        self._types = {each.name: each for each in types}
        self._by_record = {each.record_name: each for each in self._types.values()}
        self._writers = {each.fingerprint: Writer(each, each.wire, True) for each in self._types.values()}
        self._older = dict(older or {})

    def __getitem__(self, name: str) -> EventType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def by_fingerprint(self, fingerprint: bytes) -> EventType | None:
        """The event type whose current or released schema has this fingerprint (8 bytes as on the wire)."""
        writer = self.writer(fingerprint)
        return writer.event_type if writer else None

    def writer(self, fingerprint: bytes) -> Writer | None:
        """The schema with this fingerprint, current or released; None when it is not ours."""
        known = self._writers.get(fingerprint)
        if known is None and fingerprint in self._older:
            schema = json.loads(self._older[fingerprint].read_text("utf-8"))
            known = Writer(self._by_record[full_name(schema)], wire(schema), False)
            self._writers[fingerprint] = known
        return known


def load_catalogue() -> Catalogue:
    """The packaged catalogue. Raises `SchemaError` naming the entry and key at fault."""
    return parse_catalogue((files("schemas") / "catalogue.yaml").read_text("utf-8"))


@cache
def load_event_types() -> EventTypes:
    """The packaged event types. Reading package data is pure, so the result is kept.

    Raises `SchemaError` when catalogue and schemas do not fit together.
    """
    root = files("schemas")
    shared = definitions(_read_folder(root / "types"))
    return build_event_types(
        load_catalogue(), _read_folder(root / "events"), shared, released_fingerprints(root / "releases")
    )


def build_event_types(
    catalogue: Catalogue,
    sources: Mapping[str, Schema],
    shared: Mapping[str, Schema],
    older: Mapping[bytes, Traversable] | None = None,
) -> EventTypes:
    """Event types from a catalogue and source schemas by file name (`<event type>.avsc`)."""
    schemas = {file.removesuffix(".avsc"): source for file, source in sources.items()}
    if lacking := sorted(set(catalogue) - set(schemas)):
        raise SchemaError(f"catalogue.yaml has `{lacking[0]}`, but there is no schemas/events/{lacking[0]}.avsc")
    if stray := sorted(set(schemas) - set(catalogue)):
        raise SchemaError(f"schemas/events/{stray[0]}.avsc has no entry in catalogue.yaml")
    return EventTypes((_event_type(entry, schemas[name], shared) for name, entry in catalogue.items()), older)


def _event_type(entry: CatalogueEntry, source: Schema, shared: Mapping[str, Schema]) -> EventType:
    schema = resolve(source, shared)
    if schema.get("eventType") != entry.name:
        raise SchemaError(f"schemas/events/{entry.name}.avsc: `eventType` must be `{entry.name}`")
    try:
        prepared = wire(schema)
    except SchemaParseException as error:
        raise SchemaError(f"schemas/events/{entry.name}.avsc is not valid Avro: {error}") from error
    event_type = EventType(
        **{name: getattr(entry, name) for name in CatalogueEntry.__dataclass_fields__},
        schema=schema,
        leaves=leaves(schema),
        wire=prepared,
        record_name=full_name(schema),
        version=int(schema["schemaVersion"]),
    )
    for path in (*entry.requires, *entry.example):
        _check_path(event_type, path)
    for declaration in entry.relationships:
        _check_declaration(event_type, declaration)
    return event_type


def _check_declaration(event_type: EventType, declaration: Declaration) -> None:
    """Fields that it reads are leaves, and symbols that it asks for exist."""
    for path in declaration.paths:
        _check_path(event_type, path)
    for path, symbols in declaration.when.items():
        if strange := sorted(symbols - set(event_type.leaf_by_path[path].symbols)):
            raise SchemaError(f"catalogue.yaml `{event_type.name}`: `{path}` is never `{strange[0]}`")


def _check_path(event_type: EventType, path: str) -> None:
    if path not in event_type.leaf_by_path and not any(p.startswith(path + ".") for p in event_type.paths):
        raise SchemaError(f"catalogue.yaml `{event_type.name}`: there is no field `{path}`")


@cache
def load_record_schema(name: RecordName) -> Schema:
    """Self-contained schema of one of the exchange's own records. Do not change the returned dict."""
    root = files("schemas")
    source = json.loads((root / "records" / f"{name}.avsc").read_text("utf-8"))
    return resolve(source, definitions(_read_folder(root / "types")))


@cache
def record_wire(name: RecordName) -> Wire:
    """A record's schema ready to read and write."""
    return wire(load_record_schema(name))


@cache
def released_record_wire(name: RecordName, fingerprint: bytes) -> Wire | None:
    """A released version of a record's schema; None when no release has that fingerprint."""
    file = released_fingerprints(files("schemas") / "releases", "records").get(fingerprint)
    if file is None or file.name != f"record.{name}.avsc":
        return None
    return wire(json.loads(file.read_text("utf-8")))


def released_fingerprints(releases: Traversable, part: str = "events") -> dict[bytes, Traversable]:
    """Schema file of every released schema by fingerprint, from each release's `index.yaml`.

    `part` is `events` or `records`.
    """
    found: dict[bytes, Traversable] = {}
    prefix = "record." if part == "records" else ""
    for release in sorted(_entries(releases), key=lambda entry: entry.name):
        index = release / "index.yaml"
        if release.is_dir() and index.is_file():
            for name, digits in read_yaml(index.read_text("utf-8"))[part].items():
                found[bytes.fromhex(digits)] = release / f"{prefix}{name}.avsc"
    return found


def _read_folder(folder: Traversable) -> dict[str, Schema]:
    """Every schema file of a folder by file name, in name order."""
    texts = {entry.name: entry for entry in _entries(folder) if entry.name.endswith(".avsc")}
    return {name: json.loads(texts[name].read_text("utf-8")) for name in sorted(texts)}


def _entries(folder: Traversable) -> list[Traversable]:
    return list(folder.iterdir()) if folder.is_dir() else []

"""The rules that every event schema of the contract keeps, as a checker over the raw files.

It shares no code with the exchange, so that the two cannot be wrong together: only the class names are imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas import vocabulary
from schemas.vocabulary import FieldClass


def words(text: str) -> frozenset[str]:
    """A set of words written as one text."""
    return frozenset(text.split())


ROOT = Path(vocabulary.__file__).parent
TYPES = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "types").glob("*.avsc"))}
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.avsc"))}
NAMED = {f"uk.masa.{name}": node for name, node in TYPES.items()}

NULLABLE_ROUTING = words("envelope.area.gss envelope.supersedes")
FORMATS = words("nhs-number upn urn setting-urn ods gss laestab uprn postcode phone agency-id role-id uuid")
LOCATING_FORMATS = words("urn setting-urn ods gss laestab uprn postcode phone upn")
IDENTITY_FORMATS = words("nhs-number upn")
LOGICAL_TYPES = {"uuid": "string", "timestamp-millis": "long", "date": "int"}
# a value of one of these types tells something of these classes, wherever it stands
CLASSES_OF_TYPE = {
    "uk.masa.Relationship": {"THIRD_PARTY"},
    "uk.masa.RelatedRole": {"THIRD_PARTY"},
    "uk.masa.ContactLevel": {"THIRD_PARTY"},
    "uk.masa.OffenceFamily": {"OFFENCE"},
    "uk.masa.LicenceCondition": {"OFFENCE"},
    "uk.masa.AssessmentFactor": {"HEALTH", "THIRD_PARTY"},
    "uk.masa.PrimaryNeed": {"HEALTH", "THIRD_PARTY"},
}
LOCATING_NAME = re.compile(
    r"address|postcode|uprn|phone|(urn|ods|gss|organisation|route)$|^(line1|unit|org|settingId)$", re.IGNORECASE
)
# types whose recipients need nothing but codes, or where words could give away what must not be known
WITHOUT_NOTE = words(
    """
    identity.identifier-changed identity.severed identity.protection-changed control.correction control.retraction
    control.withheld control.acknowledgement control.escalation social-care.access-notification
    control.notice control.heartbeat
    """
)
MAX_SYMBOLS = 64  # an enum value then takes one byte, which the router's fast path relies on


class Leaf(NamedTuple):
    """One field that can be delivered or withheld."""

    path: str
    field: dict[str, Any]
    node: Any  # its type without null, named types looked up
    type_name: str  # full name of a named type, otherwise the Avro type
    nullable: bool
    in_nullable: bool

    @property
    def tags(self) -> set[str]:
        return set(self.field.get("confluent:tags", ()))


def resolved(node: Any) -> tuple[Any, str]:
    """A type's definition and its name."""
    if isinstance(node, str):
        return NAMED.get(node, node), node
    return node, node.get("name", node["type"])


def kind(node: Any) -> str:
    return node if isinstance(node, str) else node["type"]


def without_null(declared: Any) -> tuple[Any, bool]:
    return (declared[1], True) if isinstance(declared, list) else (declared, False)


def leaves(schema: dict[str, Any], prefix: str = "", in_nullable: bool = False) -> Iterator[Leaf]:
    for field in schema["fields"]:
        inner, nullable = without_null(field["type"])
        node, name = resolved(inner)
        path = prefix + field["name"]
        if kind(node) == "record":
            yield from leaves(node, path + ".", in_nullable or nullable)
        else:
            yield Leaf(path, field, node, name, nullable, in_nullable)


def payload(schema: dict[str, Any]) -> list[Leaf]:
    return [leaf for leaf in leaves(schema) if not leaf.path.startswith("envelope.")]


def faults(event_type: str, schema: dict[str, Any]) -> list[str]:
    """Everything that one event schema breaks."""
    found = [*header_faults(event_type, schema), *note_faults(event_type, schema), *field_faults(schema, "", 1)]
    for leaf in leaves(schema):
        found += [f"{leaf.path}: {fault}" for fault in (*leaf_faults(leaf), *class_faults(leaf))]
    return found


def header_faults(event_type: str, schema: dict[str, Any]) -> Iterator[str]:
    pascal = "".join(word.capitalize() for word in re.split(r"[.-]", event_type))
    if (schema["name"], schema["namespace"]) != (pascal, "uk.masa.event"):
        yield f"must be named uk.masa.event.{pascal}"
    if schema.get("eventType") != event_type or schema.get("schemaVersion") != 1:
        yield "must say its eventType and schemaVersion"
    if not documented(schema):
        yield "has no doc"
    first = schema["fields"][0]
    if (first["name"], first["type"]) != ("envelope", "uk.masa.Envelope"):
        yield "must begin with the envelope"


def note_faults(event_type: str, schema: dict[str, Any]) -> Iterator[str]:
    """Free text: one `note` at most, last, bounded (E-04)."""
    texts = [leaf for leaf in payload(schema) if "NARRATIVE" in leaf.tags]
    if bool(texts) == (event_type in WITHOUT_NOTE):
        yield "must have a note" if not texts else "must not have a note"
    for leaf in texts:
        if leaf.path != "note" or schema["fields"][-1]["name"] != "note":
            yield f"{leaf.path}: free text must be the last field, `note`"
        if leaf.node["maxLength"] > 2000:
            yield f"{leaf.path}: free text must be 2000 characters at most"


def field_faults(record: dict[str, Any], prefix: str, depth: int) -> Iterator[str]:
    """Rules for fields of a record, records included."""
    if depth > 3:
        yield f"{prefix} is nested too deep"
        return
    names = [field["name"] for field in record["fields"]]
    if len(set(names)) != len(names):
        yield f"{prefix} repeats a field name"
    for field in record["fields"]:
        path = prefix + field["name"]
        inner, nullable = without_null(field["type"])
        node, _ = resolved(inner)
        if not re.fullmatch(r"[a-z][A-Za-z0-9]*", field["name"]):
            yield f"{path}: is not lowerCamelCase"
        if not documented(field):
            yield f"{path}: has no doc"
        if isinstance(field["type"], list) and (len(field["type"]) != 2 or field["type"][0] != "null"):
            yield f"{path}: unions are null and one type"
        if nullable != ("default" in field and field["default"] is None):
            yield f"{path}: null and the default null go together"
        if kind(node) == "record":
            if "confluent:tags" in field:
                yield f"{path}: a record has no classes of its own"
            yield from field_faults(node, path + ".", depth + 1)


def leaf_faults(leaf: Leaf) -> Iterator[str]:
    if unknown := leaf.tags - set(FieldClass.__members__):
        yield f"unknown class {unknown}"
    if not leaf.tags:
        yield "has no class"
    if "ROUTING" in leaf.tags and len(leaf.tags) > 1:
        yield "goes to everyone and has another class"
    must_be_nullable = leaf.tags != {"ROUTING"} or leaf.in_nullable
    if must_be_nullable and not leaf.nullable:
        yield "can be withheld and must be nullable"
    if not must_be_nullable and leaf.nullable and leaf.path not in NULLABLE_ROUTING:
        yield "is routing and must not be nullable"
    yield from value_faults(leaf.node)
    if kind(leaf.node) == "array":
        yield from item_faults(leaf)


def value_faults(node: Any) -> Iterator[str]:
    if kind(node) not in {"string", "int", "long", "boolean", "enum", "array"}:
        yield f"type {kind(node)} is not used in events"
    if kind(node) == "enum":
        yield from enum_faults(node)
    elif isinstance(node, dict):
        logical = node.get("logicalType")
        if logical and LOGICAL_TYPES.get(logical) != node["type"]:
            yield f"logical type {logical} does not fit"
    if kind(node) == "string":
        if not isinstance(node, dict) or not 1 <= node.get("maxLength", 0) <= 4000:
            yield "text must say its maxLength"
        elif node.get("masa:format", "uuid") not in FORMATS:
            yield f"unknown format {node['masa:format']}"


def enum_faults(node: dict[str, Any]) -> Iterator[str]:
    symbols = node["symbols"]
    if symbols[0] != "UNKNOWN" or node.get("default") != "UNKNOWN":
        yield "UNKNOWN must be the first symbol and the default"
    if len(set(symbols)) != len(symbols) or not all(re.fullmatch(r"[A-Z][A-Z0-9_]*", each) for each in symbols):
        yield "symbols must be different words in capitals"
    if not 2 <= len(symbols) <= MAX_SYMBOLS:
        yield f"must have 2 to {MAX_SYMBOLS} symbols"
    if not documented(node):
        yield "its enum has no doc"


def item_faults(leaf: Leaf) -> Iterator[str]:
    item, _ = resolved(leaf.node["items"])
    if kind(item) not in {"enum", "string", "record"}:
        yield "lists hold enums, texts or records"
    if kind(item) != "record":
        yield from value_faults(item)
        return
    for field in item["fields"]:
        inner, _ = resolved(without_null(field["type"])[0])
        tags = set(field.get("confluent:tags", ()))
        if not tags or not tags <= leaf.tags:
            yield f"[].{field['name']}: its classes must be among those of the list"
        if not documented(field):
            yield f"[].{field['name']}: has no doc"
        if kind(inner) in {"record", "array"}:
            yield f"[].{field['name']}: is nested inside a list"
        else:
            yield from value_faults(inner)


def class_faults(leaf: Leaf) -> Iterator[str]:
    """A wrong class is a leak: what a format, a type or a name gives away must be in the classes (P-01, P-02)."""
    if leaf.tags == {"CONTROL"} or leaf.path == "envelope.area.gss":
        return
    name = leaf.path.rsplit(".", 1)[-1]
    fmt = leaf.node.get("masa:format") if isinstance(leaf.node, dict) else None
    item = resolved(leaf.node["items"])[1] if kind(leaf.node) == "array" else leaf.type_name
    wanted = set(CLASSES_OF_TYPE.get(item, ()))
    looks_like_a_place = kind(leaf.node) == "string" and LOCATING_NAME.search(name)
    if fmt in LOCATING_FORMATS or looks_like_a_place:
        wanted.add("LOCATING")
    if fmt in IDENTITY_FORMATS:
        wanted.add("IDENTITY")
    if kind(leaf.node) == "string" and name.endswith("Role"):
        wanted.add("WORKER")
    if missing := wanted - leaf.tags:
        yield f"must have the class {sorted(missing)}"


def documented(node: dict[str, Any]) -> bool:
    """A doc is a sentence."""
    return bool(re.fullmatch(r"[A-Z0-9`].{7,}[.?)]", node.get("doc", "")))

"""A schema as its bytes see it: parsed by fastavro once, logical types left out, and its fingerprint.

Logical types are not applied anywhere in the exchange: values are the integers and strings that any Avro reader
sees, so what we decode is what avro-python3 decodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.field_classes import Schema

Datum = dict[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class Wire:
    """One version of a schema, ready to read and write. `fingerprint` is 8 bytes in the order of the wire."""

    schema: Schema = field(repr=False)
    parsed: Any = field(repr=False)
    canonical: str = field(repr=False)
    fingerprint: bytes

    def write(self, datum: Datum) -> bytes:
        """Payload without frame. Raises what fastavro raises when the datum does not fit."""
        out = BytesIO()
        fastavro.schemaless_writer(out, self.parsed, datum, strict_allow_default=True)
        return out.getvalue()

    def read(self, data: bytes, offset: int) -> tuple[Datum, int]:
        """The datum and where it ends. Raises what fastavro raises; lenient, see `schemas.codec`."""
        source = BytesIO(data)
        source.seek(offset)
        datum = cast(Datum, fastavro.schemaless_reader(source, self.parsed, None))
        return datum, source.tell()

    def read_as(self, data: bytes, offset: int, reader: Wire) -> Datum:
        """Read a payload written with this schema into the shape of `reader` (Avro schema resolution)."""
        source = BytesIO(data)
        source.seek(offset)
        return cast(Datum, fastavro.schemaless_reader(source, self.parsed, reader.parsed))


def wire(schema: Schema) -> Wire:
    """Prepare a self-contained schema. Raises fastavro's `SchemaParseException` when it is not valid Avro."""
    parsed = parse_schema(_bare(schema))
    canonical = to_parsing_canonical_form(parsed)
    return Wire(schema, parsed, canonical, bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO")))


def _bare(node: Any) -> Any:
    """The schema without logical types, documentation and our own properties."""
    if isinstance(node, list):
        return [_bare(branch) for branch in node]
    if not isinstance(node, dict):
        return node
    kind = node["type"]
    if kind == "array":
        return {"type": "array", "items": _bare(node["items"])}
    if kind == "record":
        fields = [_bare_field(each) for each in node["fields"]]
        return {**_names(node), "type": "record", "fields": fields}
    if kind == "enum":
        default = {"default": node["default"]} if "default" in node else {}
        return {**_names(node), "type": "enum", "symbols": list(node["symbols"]), **default}
    if kind == "fixed":
        return {**_names(node), "type": "fixed", "size": node["size"]}
    return _bare(kind) if isinstance(kind, (dict, list)) else kind


def _bare_field(each: Schema) -> Schema:
    bare: Schema = {"name": each["name"], "type": _bare(each["type"])}
    if "default" in each:
        bare["default"] = each["default"]
    return bare


def _names(node: Schema) -> Schema:
    return {key: node[key] for key in ("name", "namespace") if node.get(key)}

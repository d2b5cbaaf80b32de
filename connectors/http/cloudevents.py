"""CloudEvents 1.0 over HTTP: structured and binary mode, single and batched, each to a document to publish.

The attributes say nothing that the event does not say itself: `id` and `type` fill in `eventId` and `eventType` where
they are absent and must agree where they are there; `source` may not claim to be another agency of the exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.http.problems import BAD_REQUEST, INVALID, UNSUPPORTED_MEDIA, Problem
from connectors.http.values import FieldProblem

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
SPEC_VERSION = "1.0"
OURS = "urn:masa:"
JSON_TYPES = ("application/json",)
# Which attribute stands for which field of the envelope.
FIELD_OF = {"id": "eventId", "type": "eventType"}


class Unpacked(NamedTuple):
    """An event as a plain document, and where in the body it was."""

    document: Mapping[str, Any]
    below: str  # JSON pointer of the document in the body


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether the request carries its event in binary mode."""
    return "ce-specversion" in headers


def from_headers(headers: Iterable[tuple[str, str]], data: Any, agency: str) -> Unpacked:
    """Binary mode: `ce-` headers and the event as the body. Raises Problem."""
    attributes: dict[str, str] = {}
    for name, value in headers:
        if name.startswith("ce-"):
            if name[3:] in attributes:
                raise Problem(BAD_REQUEST, f"give one `{name}` header")
            attributes[name[3:]] = value
    _check(attributes, agency, {name: f"`ce-{name}` header" for name in ("specversion", *FIELD_OF, "source")})
    return Unpacked(_joined(attributes, data, below="", names=lambda name: f"`ce-{name}` header"), "")


def from_structured(value: Any, agency: str, *, below: str = "") -> Unpacked:
    """Structured mode: attributes and `data` in one JSON object. Raises Problem."""
    if not isinstance(value, Mapping):
        raise Problem(INVALID, "a CloudEvent is a JSON object", errors=[_error(below, "is not an object")])
    if "data_base64" in value:
        raise Problem(UNSUPPORTED_MEDIA, "send the event as JSON in `data`, not as `data_base64`")
    _check(value, agency, {name: f"`{name}`" for name in ("specversion", *FIELD_OF, "source")}, below=below)
    content_type = value.get("datacontenttype", JSON_TYPES[0])
    if not isinstance(content_type, str) or content_type.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise Problem(UNSUPPORTED_MEDIA, "send the event as application/json in `data`")
    document = _joined(value, value.get("data"), below=below, names=lambda name: f"`{name}`")
    return Unpacked(document, below + "/data")


def _check(attributes: Mapping[str, Any], agency: str, names: Mapping[str, str], *, below: str = "") -> None:
    """The required attributes are there and texts; `source` is nobody else of the exchange."""
    errors = []
    for name, shown in names.items():
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            errors.append(_error(f"{below}/{name}", f"{shown} is missing: CloudEvents asks for it"))
    version, source = attributes.get("specversion"), attributes.get("source")
    if not errors and version != SPEC_VERSION:
        errors.append(_error(f"{below}/specversion", f"{names['specversion']} is not {SPEC_VERSION}"))
    if isinstance(source, str) and source.startswith(OURS) and source.rpartition(":")[2] != agency:
        errors.append(_error(f"{below}/source", f"{names['source']} names another agency than the token's"))
    if errors:
        raise Problem(INVALID, "the CloudEvent's attributes are not as they should be", errors=errors)


def _joined(attributes: Mapping[str, Any], data: Any, *, below: str, names: Any) -> Mapping[str, Any]:
    """The document with what the attributes say filled in. Raises Problem where they disagree."""
    if not isinstance(data, Mapping) or not isinstance(data.get("envelope", {}), Mapping):
        return data if isinstance(data, Mapping) else {}  # the contract's check says what is wrong with it
    envelope = dict(data.get("envelope", {}))
    errors = []
    for name, field in FIELD_OF.items():
        stated = envelope.setdefault(field, attributes[name])
        if stated is None:
            envelope[field] = attributes[name]
        elif stated != attributes[name]:
            errors.append(_error(f"{below}/{name}", f"{names(name)} differs from `envelope.{field}`"))
    if errors:
        raise Problem(INVALID, "the CloudEvent's attributes and the event disagree", errors=errors)
    return {**data, "envelope": envelope}


def _error(pointer: str, message: str) -> FieldProblem:
    return FieldProblem(pointer, "MISMATCH", message, "")

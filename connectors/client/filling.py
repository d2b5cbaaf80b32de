"""What is filled in of an event that its publisher leaves open: ids, times and its own particulars.

The one place for it: the gateway fills in for small agencies, the Kafka client for those with an outbox of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.dates import iso_instant
from schemas.registry import EventType

_INDEX = re.compile(r"\[(\d+)\]")


class Identity(NamedTuple):
    """An agency as a publisher: as it stands in its area's rules."""

    agency: str  # id, e.g. `northshire-police`
    area: str  # e.g. `northshire`
    category: str  # e.g. `POLICE`
    scheme: str | None = None  # of `code`, e.g. `GSS`
    code: str | None = None


def filled(
    document: Mapping[str, Any], kind: EventType | None, identity: Identity, *, event_id: str, at: int
) -> dict[str, Any]:
    """The document with an id, times and the publisher's own particulars where it has none. Nothing is overwritten.

    Equal arguments give an equal document, so that a request sent again becomes the very same event. `at` is
    milliseconds since the epoch.
    """
    envelope = document.get("envelope")
    if not isinstance(envelope, Mapping):
        return dict(document)
    published = envelope.get("publishedAt") or iso_instant(at)
    values = {
        "eventId": event_id,
        "masaId": identity.area,
        "sourceOrg": {"category": identity.category, "scheme": identity.scheme, "id": identity.code},
        "publishedAt": published,
        "recordedAt": published,
        "sequence": 1,
    }
    if kind is not None:
        values["schemaVersion"] = kind.version
    missing = {name: value for name, value in values.items() if envelope.get(name) is None}
    return {**document, "envelope": {**envelope, **missing}}


def pointer(path: str) -> str:
    """A dotted path as a JSON pointer (RFC 6901): `envelope.concerns[0]` as `/envelope/concerns/0`."""
    if not path:
        return ""
    return "/" + _INDEX.sub(r".\1", path).replace("~", "~0").replace("/", "~1").replace(".", "/")

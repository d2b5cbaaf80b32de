"""Builders of events: a valid one of any type, changed in the places a test is about."""

from __future__ import annotations

from typing import Any

from schemas.examples import example
from schemas.registry import EventType, load_event_types

NOW_MS = 1_790_935_200_000  # 2026-10-02T10:00:00Z, a Friday in term
EVENT_ID = "01a0fd32-2d00-7000-8000-000000000001"


def event_type(name: str) -> EventType:
    """A packaged event type by name."""
    return load_event_types()[name]


def an_event(of: EventType | str, **changes: Any) -> dict[str, Any]:
    """A valid datum; `changes` are leaf paths with `__` for the dots, e.g. `envelope__urgency="URGENT"`."""
    kind = event_type(of) if isinstance(of, str) else of
    overrides = {path.replace("__", "."): value for path, value in changes.items()}
    return example(kind, now_ms=NOW_MS, event_id=EVENT_ID, overrides=overrides)


def at(datum: Any, path: str) -> Any:
    """The value at a leaf path; None below a null record."""
    for name in path.split("."):
        datum = None if datum is None else datum[name]
    return datum


def put(datum: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set a raw value at a leaf path, unchecked; the records around it must be there."""
    *records, last = path.split(".")
    holder = datum
    for name in records:
        holder = holder[name]
    holder[last] = value
    return datum

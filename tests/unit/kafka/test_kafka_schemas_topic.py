"""Which schemas belong on `masa.schemas`."""

from __future__ import annotations

import json
from typing import Any

from connectors.kafka.reader import Record
from connectors.kafka.schemas_topic import PublishedSchema, missing, packaged_schemas, wanted_schemas
from schemas.registry import load_event_types, load_record_schema
from schemas.release import Release
from schemas.wire import wire


def schema(doc: str, *fields: str) -> dict[str, Any]:
    leaves = [{"name": name, "type": "string"} for name in fields]
    return {"type": "record", "name": "T", "doc": doc, "schemaVersion": len(fields), "fields": leaves}


def release(**events: dict[str, Any]) -> Release:
    return Release("1.0.0", events, {})


def record(entry: PublishedSchema, value: bytes | None = None) -> Record:
    return Record("masa.schemas", 0, 0, 0, entry.fingerprint.encode(), value or entry.text.encode(), ())


def test_the_key_is_what_a_reader_finds_in_front_of_a_value() -> None:
    """Bytes 2 to 10 of a single-object value, in hex, are the key of its schema; every type and record is there."""
    published = packaged_schemas()
    for name, event_type in load_event_types().items():
        entry = published[event_type.fingerprint.hex()]
        assert (entry.name, json.loads(entry.text)) == (name, event_type.schema)
    assert wire(load_record_schema("audit")).fingerprint.hex() in published


def test_older_versions_stay_published() -> None:
    """What was written with a released schema can be read for as long as it is kept."""
    wanted = wanted_schemas(release(t=schema("", "a", "b")), [release(t=schema("", "a"))])
    assert sorted(entry.version or 0 for entry in wanted.values()) == [1, 2]


def test_the_current_words_win_over_a_releases() -> None:
    """A better doc string does not change the fingerprint, and readers get the better one."""
    (entry,) = wanted_schemas(release(t=schema("better", "a")), [release(t=schema("worse", "a"))]).values()
    assert json.loads(entry.text)["doc"] == "better"


def test_only_what_is_missing_or_differs_is_published() -> None:
    """The last record of a key counts, and a complete topic is left alone."""
    wanted = wanted_schemas(release(t=schema("", "a"), u=schema("", "a", "b")), [])
    first, second = (wanted[key] for key in sorted(wanted))
    assert missing(wanted, []) == [first, second]
    assert missing(wanted, [record(first)]) == [second]
    assert missing(wanted, [record(first), record(second), record(first, b"old")]) == [first]
    assert missing(wanted, [record(first, b"old"), record(first), record(second)]) == []

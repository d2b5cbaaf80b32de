"""Releases of the contract: `schemas/releases/<version>/`, one self-contained schema an event type, and the records'.

A release is never changed once written: its events are in topics and archives. `index.yaml` beside the schemas gives
each one's fingerprint, so that a value written with an old version is found without reading every file.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from schemas.catalogue import read_yaml
from schemas.compatibility import check_full_transitive, incompatibilities
from schemas.errors import SchemaError
from schemas.field_classes import Schema, check_classes
from schemas.registry import RECORD_NAMES, EventTypes, load_event_types, load_record_schema
from schemas.wire import wire

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_INDEX = "index.yaml"
_NEED_REASON = frozenset({"HEALTH", "SEXUAL_HEALTH", "SENSITIVE_SERVICE", "OFFENCE"})


@dataclass(frozen=True, slots=True)
class Release:
    """The schemas of one release: event types by name, records by name."""

    version: str
    events: Mapping[str, Schema]
    records: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class ReleaseDifference:
    """What sets the current contract apart from a release, in names of event types and `record:<name>`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def current_release(version: str, event_types: EventTypes | None = None) -> Release:
    """The contract as it stands, under a version number."""
    types = event_types if event_types is not None else load_event_types()
    return Release(
        version,
        {name: each.schema for name, each in types.items()},
        {name: load_record_schema(name) for name in RECORD_NAMES},
    )


def released_versions(root: Traversable | None = None) -> tuple[str, ...]:
    """Version numbers of all releases, oldest first."""
    folder = root if root is not None else files("schemas") / "releases"
    names = [entry.name for entry in folder.iterdir() if (entry / _INDEX).is_file()] if folder.is_dir() else []
    return tuple(sorted(names, key=_order))


def read_release(version: str, root: Traversable | None = None) -> Release:
    """One release as written. Raises `SchemaError` when a file is missing or is not what the index says."""
    folder = (root if root is not None else files("schemas") / "releases") / version
    if not (folder / _INDEX).is_file():
        raise SchemaError(f"there is no release `{version}` in schemas/releases")
    index = read_yaml((folder / _INDEX).read_text("utf-8"))
    events = {name: _read(folder, f"{name}.avsc", digits) for name, digits in index["events"].items()}
    records = {name: _read(folder, f"record.{name}.avsc", digits) for name, digits in index["records"].items()}
    return Release(version, events, records)


def write_release(release: Release, root: Path) -> Path:
    """Write `<root>/<version>/`. Raises `SchemaError` when that version exists, or breaks with an earlier one."""
    folder = root / release.version
    if not _VERSION.fullmatch(release.version):
        raise SchemaError(f"release version `{release.version}` must be three numbers such as `1.0.0`")
    if folder.exists():
        raise SchemaError(f"release `{release.version}` exists and is never changed: choose the next number")
    earlier = {version: read_release(version, root).events for version in released_versions(root)}
    if breaks := check_full_transitive(release.events, earlier):
        raise SchemaError("; ".join(breaks))
    folder.mkdir(parents=True)
    index: dict[str, Any] = {
        "version": release.version,
        "events": {name: _write(folder, f"{name}.avsc", each) for name, each in release.events.items()},
        "records": {name: _write(folder, f"record.{name}.avsc", each) for name, each in release.records.items()},
    }
    (folder / _INDEX).write_text(yaml.safe_dump(index, sort_keys=False), "utf-8")
    return folder


def compare(current: Release, released: Release) -> ReleaseDifference:
    """What is added, gone or changed, be it a doc string only."""
    new, old = _all(current), _all(released)
    return ReleaseDifference(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name in new if name in old and new[name] != old[name]),
    )


def contract_problems(event_types: EventTypes | None = None, root: Traversable | None = None) -> list[str]:
    """Everything that must be mended before the contract can be released; what `masa schemas check` prints."""
    types = event_types if event_types is not None else load_event_types()
    found = [f"`{name}`: {why}" for name, each in types.items() for why in check_classes(each.schema)]
    found.extend(_sensitive_without_reason(types))
    releases = {version: read_release(version, root) for version in released_versions(root)}
    current = current_release("current", types)
    found.extend(check_full_transitive(current.events, {v: each.events for v, each in releases.items()}))
    for version, release in releases.items():
        for name, old in release.records.items():
            why = incompatibilities(current.records[name], old) if name in current.records else ["it is gone"]
            found.extend(f"record `{name}` against release {version}: {reason}" for reason in why)
    if releases:
        found.extend(_unbumped(types, list(releases.values())[-1]))
    return found


def _sensitive_without_reason(types: EventTypes) -> list[str]:
    """Payload classes that need a stated reason (E-12) and have none, or have one and are not there."""
    found: list[str] = []
    for name, each in types.items():
        payload = [leaf for leaf in each.leaves if not leaf.path.startswith("envelope.")]
        present = {str(c) for leaf in payload for c in leaf.classes}
        stated = {str(c) for c in each.sensitive}
        for missing in sorted((present & _NEED_REASON) - stated):
            found.append(f"`{name}`: catalogue.yaml gives no reason for class {missing} (E-12)")
        for stray in sorted(stated - present):
            found.append(f"`{name}`: catalogue.yaml gives a reason for class {stray}, which no payload field has")
    return found


def _unbumped(types: EventTypes, latest: Release) -> list[str]:
    """Types that differ from the latest release in more than words under the same `schemaVersion`."""
    return [
        f"`{name}` differs from release {latest.version}: raise its `schemaVersion` above {each.version}"
        for name, each in types.items()
        if name in latest.events
        and _without_words(latest.events[name]) != _without_words(each.schema)
        and int(latest.events[name]["schemaVersion"]) >= each.version
    ]


def _without_words(node: Any) -> Any:
    """A schema without its docs, which may be bettered at any time."""
    if isinstance(node, list):
        return [_without_words(each) for each in node]
    if isinstance(node, dict):
        return {key: _without_words(each) for key, each in node.items() if key != "doc"}
    return node


def _all(release: Release) -> dict[str, Schema]:
    return {**release.events, **{f"record:{name}": each for name, each in release.records.items()}}


def _read(folder: Traversable, file: str, digits: str) -> Schema:
    path = folder / file
    if not path.is_file():
        raise SchemaError(f"release file `{folder.name}/{file}` is missing")
    schema: Schema = json.loads(path.read_text("utf-8"))
    if wire(schema).fingerprint.hex() != digits:
        raise SchemaError(f"release file `{folder.name}/{file}` was changed: its fingerprint is not the index's")
    return schema


def _write(folder: Path, file: str, schema: Schema) -> str:
    (folder / file).write_text(_text(schema), "utf-8")
    return wire(schema).fingerprint.hex()


def _text(schema: Schema) -> str:
    """JSON with one line a top-level field: short, and still good to compare."""
    head = {key: value for key, value in schema.items() if key != "fields"}
    fields = ",\n".join(_line(each) for each in schema["fields"])
    return f'{_line(head)[:-1]},"fields":[\n{fields}\n]}}\n'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _order(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    if match is None:
        raise SchemaError(f"schemas/releases has `{version}`, which is not a version of three numbers")
    return tuple(int(part) for part in match.groups())


def main(arguments: list[str]) -> int:
    """`python -m schemas.release 1.1.0` writes that release beside the sources of this package."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m schemas.release VERSION\n")
        return 2
    if problems := contract_problems():
        sys.stderr.write("\n".join(problems) + "\n")
        return 1
    try:
        folder = write_release(current_release(arguments[0]), Path(__file__).parent / "releases")
    except SchemaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"wrote {folder.name}: {len(list(folder.glob('*.avsc')))} schemas\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

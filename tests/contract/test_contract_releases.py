"""The contract as released: complete, compatible in every direction, and still readable."""

from __future__ import annotations

import json
from itertools import permutations

import avro.schema
import pytest

from schemas.codec import decode_event, decode_record
from schemas.compatibility import check_full_transitive, incompatibilities
from schemas.event_rules import S213B_FIELDS
from schemas.framing import frame
from schemas.registry import RECORD_NAMES, EventTypes, load_event_types
from schemas.release import contract_problems, current_release, read_release, released_versions
from schemas.vocabulary import LegalGateway
from schemas.wire import wire
from tests.events import an_event, event_type

VERSIONS = released_versions()
RELEASES = {version: read_release(version) for version in VERSIONS}
RELEASED = [(version, name) for version, release in RELEASES.items() for name in release.events]


def test_the_contract_can_be_released() -> None:
    """Every build rule holds, and what differs from the latest release is compatible and has a higher version."""
    assert contract_problems() == []


def test_every_current_schema_is_released_or_newer() -> None:
    """Each type's `schemaVersion` is that of the latest release, or higher; a new type begins with 1."""
    latest = RELEASES[VERSIONS[-1]]
    for name, each in load_event_types().items():
        before = latest.events.get(name)
        assert each.version >= (before["schemaVersion"] if before else 1), name


@pytest.mark.parametrize(("new", "old"), list(permutations(VERSIONS, 2)) or [(VERSIONS[-1], VERSIONS[0])])
def test_all_releases_read_each_other(new: str, old: str) -> None:
    """FULL_TRANSITIVE between any two releases, types that came later aside."""
    common = RELEASES[new].events.keys() & RELEASES[old].events.keys()
    for name in common:
        assert incompatibilities(RELEASES[new].events[name], RELEASES[old].events[name]) == []


def test_the_current_contract_is_fully_transitive() -> None:
    """Against every release, both ways."""
    released = {version: release.events for version, release in RELEASES.items()}
    assert check_full_transitive(current_release("current").events, released) == []


@pytest.mark.parametrize(("version", "name"), RELEASED)
def test_a_released_schema_parses_alone(version: str, name: str) -> None:
    """A consumer with avro-python3 needs nothing but the file."""
    schema = RELEASES[version].events[name]
    assert avro.schema.parse(json.dumps(schema)).fullname == event_type(name).record_name


@pytest.mark.parametrize(("version", "name"), RELEASED)
def test_an_event_of_a_release_is_still_read(version: str, name: str) -> None:
    """Bytes written with any released schema are found by fingerprint and read into the current shape."""
    current, released = event_type(name).wire, wire(RELEASES[version].events[name])
    payload = released.write(current.read_as(current.write(an_event(name)), 0, released))
    decoded = decode_event(frame(released.fingerprint, payload))
    assert decoded.event_type is event_type(name)
    assert decoded.datum["envelope"]["eventId"] == an_event(name)["envelope"]["eventId"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_of_a_release_is_still_read(version: str) -> None:
    """A receipt written by an earlier release is read by this one."""
    assert set(RELEASES[version].records) <= set(RECORD_NAMES)
    receipt = {
        "receiptId": "r1", "deliveryId": "d1", "eventId": "e1", "agency": "a1", "kind": "PICKED_UP", "outcome": None,
        "role": "dsl", "person": None, "at": 1,
    }  # fmt: skip
    released = wire(RELEASES[version].records["receipt"])
    assert decode_record("receipt", frame(released.fingerprint, released.write(receipt)))["receiptId"] == "r1"


def test_released_fingerprints_are_known() -> None:
    """Every released schema's fingerprint leads to its event type."""
    types: EventTypes = load_event_types()
    for release in RELEASES.values():
        for name, schema in release.events.items():
            assert types.by_fingerprint(wire(schema).fingerprint) is types[name]


def test_where_the_housing_duty_may_be_used_its_conditions_can_be_met() -> None:
    """Every type that permits S213B_HOUSING has fields for consent and the chosen authority (L-05)."""
    permitting = [each for each in load_event_types().values() if LegalGateway.S213B_HOUSING in each.gateways]
    assert permitting
    for each in permitting:
        assert set(S213B_FIELDS) <= set(each.leaf_by_path), each.name


def test_where_encompass_may_be_used_a_school_can_be_named() -> None:
    """Every type that permits S49A_DAA has the school's URN among its leaves, and allows it to be empty (R-11)."""
    for each in load_event_types().values():
        if LegalGateway.S49A_DAA in each.gateways:
            assert each.leaf_by_path["envelope.settings.schoolUrn"].nullable

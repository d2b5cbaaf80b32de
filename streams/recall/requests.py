"""What a publisher asks the exchange to take back, read from its event in the exchange's inbox. Pure."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from schemas.registry import load_event_types
from schemas.vocabulary import AddressProtection

EpochMillis = int

HOUR_MS = 3_600_000


class Kind(StrEnum):
    RETRACTION = "RETRACTION"  # it should not have been sent
    CORRECTION = "CORRECTION"  # it was wrong
    PROTECTION = "PROTECTION"  # where the child is has become a secret
    SEVERANCE = "SEVERANCE"  # the identity that it was sent under must not be used any more
    FREEZE = "FREEZE"  # one delivery may have gone to the wrong place


class Refusal(StrEnum):
    """Why a request changed nothing."""

    NAMES_NOTHING = "NAMES_NOTHING"  # no event, or no child that the exchange could know
    NOT_THE_PUBLISHER = "NOT_THE_PUBLISHER"  # only who published an event may take it back


KIND_OF = {
    "control.retraction": Kind.RETRACTION,
    "control.correction": Kind.CORRECTION,
    "identity.protection-changed": Kind.PROTECTION,
    "identity.severed": Kind.SEVERANCE,
}
# Hours by the clock, at night and on holidays too: what must not be held must not be held on Sundays either.
REMOVE_WITHIN_MS = {
    Kind.RETRACTION: 24 * HOUR_MS,
    Kind.CORRECTION: 72 * HOUR_MS,
    Kind.PROTECTION: 24 * HOUR_MS,
    Kind.SEVERANCE: 24 * HOUR_MS,
}
NOT_GIVEN = "GROUND_NOT_GIVEN"
OPEN_TO_ALL = frozenset({AddressProtection.NONE.value, AddressProtection.UNKNOWN.value})


class Request(NamedTuple):
    """One event of a publisher that takes something back; plain JSON values only."""

    kind: str
    event_id: str  # of the request itself
    original: str | None  # the event that it names
    ground: str
    fields: list[str] | None  # leaf paths that were wrong
    replacement: str | None
    level: str | None  # of protection, from now on
    remove_by: EpochMillis | None
    at: EpochMillis


def read(event_type: str, event_id: str, datum: dict[str, Any], at: EpochMillis) -> Request | None:
    """The request in an event; None for one that takes nothing back. `at` is Kafka's time of its arrival."""
    kind = KIND_OF.get(event_type)
    if kind is None:
        return None
    envelope = datum["envelope"]
    return Request(
        kind=kind.value,
        event_id=event_id,
        original=envelope.get("supersedes"),
        ground=_ground(kind, datum),
        fields=_paths_named(datum.get("correctedFields")),
        replacement=datum.get("replacementEventId"),
        level=datum.get("level") or envelope.get("addressProtection"),
        remove_by=_remove_by(kind, datum.get("removeBy") or datum.get("actBefore"), at),
        at=at,
    )


def about_identity(event_type: str) -> bool:
    """Whether events of this type change an identity: what they say of a child holds when all else is taken back."""
    return event_type.startswith("identity.")


def lowers(request: Request) -> bool:
    """Whether it ends a protection: nothing is recalled then."""
    return request.kind == Kind.PROTECTION and (request.level or AddressProtection.PROTECTED.value) in OPEN_TO_ALL


def _paths_named(named: list[str] | None) -> list[str] | None:
    """Those that are fields of the contract: whatever else a publisher wrote there is not kept, let alone told."""
    return None if named is None else [each for each in named if each in _contract_paths()]


@cache
def _contract_paths() -> frozenset[str]:
    return frozenset(path for kind in load_event_types().values() for path in kind.leaf_by_path)


def _ground(kind: Kind, datum: dict[str, Any]) -> str:
    """A ground that may be told. Why an identity was severed or protected is nobody's business."""
    if kind in (Kind.PROTECTION, Kind.SEVERANCE):
        return NOT_GIVEN
    return datum.get("ground") or (NOT_GIVEN if kind is Kind.RETRACTION else "OTHER")


def _remove_by(kind: Kind, asked: EpochMillis | None, at: EpochMillis) -> EpochMillis:
    """As the publisher asked if there is still an hour, else by the exchange's own measure."""
    own = at + REMOVE_WITHIN_MS[kind]
    return own if asked is None or asked < at + HOUR_MS else min(asked, at + 30 * 24 * HOUR_MS)

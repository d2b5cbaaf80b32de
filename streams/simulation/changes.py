"""Changes to an event's content, and the kinds of bad input that are made by one."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from connectors.kafka.publisher import Outgoing
from schemas.vocabulary import RejectReason
from schemas.wire import Datum
from streams.simulation.spoiling import BadKind, Donor, SeenBy, Spoil, get_path, set_path

Change = Callable[[Donor, Datum], bool | None]


def changed(change: Change) -> Spoil:
    """The event changed by `change`, which returns False when this donor cannot show it."""

    def spoil(donor: Donor, rng: Random) -> Outgoing | None:
        del rng
        datum = donor.datum()
        return None if change(donor, datum) is False else donor.republished(datum)

    return spoil


def content_kind(
    name: str, reason: RejectReason, change: Change, path: str | None, *types: str, **more: Any
) -> BadKind:
    spoil = changed(change)
    return BadKind(name=name, reason=reason, seen_by=SeenBy.VALIDATION, spoil=spoil, path=path, types=types, **more)


def put(path: str, value: Any) -> Change:
    def change(donor: Donor, datum: Datum) -> bool:
        del donor
        *records, _ = path.split(".")
        if records and get_path(datum, ".".join(records)) is None:
            return False
        set_path(datum, path, value)
        return True

    return change


def all_of(*changes: Change) -> Change:
    def change(donor: Donor, datum: Datum) -> bool:
        return all(each(donor, datum) is not False for each in changes)

    return change


def shift(path: str, later_than: str, by_ms: int) -> Change:
    """Set one instant relative to another."""

    def change(donor: Donor, datum: Datum) -> None:
        del donor
        set_path(datum, path, get_path(datum, later_than) + by_ms)

    return change

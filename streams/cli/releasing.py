"""What `masa held release` puts back: which held records, for whom, which doubts set aside. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connectors.kafka.publisher import Outgoing
from connectors.operations import Operation
from schemas.pseudonym import Pseudonymiser
from streams.cli.queues import position_of, put_back_record
from streams.policy.facts import AgencyId
from streams.policy.reasons import ReasonCode
from streams.policy.recipients import UNRESOLVED
from streams.policy.release import WAIVABLE
from streams.routing.release import RELEASE_HEADER, Release, release_header

KIND = "held.release"
EVERYBODY = "*"  # in the details of an operation: the event was held as a whole

Held = Mapping[str, Any]  # a record of `masa.held`
Done = frozenset[tuple[str, str]]  # (position, candidate) released before


class Going(NamedTuple):
    """One thing to put back: an event that was held as a whole, or one for a candidate that waited."""

    held: Held
    agency: str  # EVERYBODY, or who waited
    waived: tuple[str, ...] = ()
    resolved: str | None = None  # `<selector>=<agency>`

    @property
    def position(self) -> str:
        return position_of(self.held)


class Left(NamedTuple):
    """What stays where it is, and why."""

    position: str
    agency: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for. `everything` is --all: then only what a doubt no longer holds goes, and nothing twice."""

    everything: bool
    reason: str | None = None
    agencies: Collection[str] = ()  # empty: all
    to: Mapping[str, str] = field(default_factory=dict)  # selector -> agency


@dataclass(frozen=True, kw_only=True)
class By:
    """Who releases, and why."""

    name: str
    role: str | None = None
    because: str | None = None


def sorted_out(records: Iterable[Held], wish: Wish, done: Done) -> tuple[list[Going], list[Left]]:
    """What goes back and what stays, in the order of the records, the newest of each event and candidate alone."""
    going: dict[tuple[str, str], Going] = {}
    left: list[Left] = []
    for datum in records:
        for agency in [EVERYBODY] if datum["whole"] else datum["agencies"]:
            if wish.agencies and agency not in wish.agencies:
                continue
            found = _one(datum, agency, wish, done)
            if isinstance(found, Left):
                left.append(found)
            else:
                key = (position_of(datum) if agency == EVERYBODY else datum["eventId"], agency)
                going.pop(key, None)
                going[key] = found
    return list(going.values()), left


def _one(datum: Held, agency: str, wish: Wish, done: Done) -> Going | Left:
    position = position_of(datum)
    if wish.everything and (position, agency) in done:
        return Left(position, agency, "was released before")
    if agency == EVERYBODY:
        return Going(datum, agency)
    reasons = set(datum["reasons"])
    selector, resolved = agency.removeprefix(UNRESOLVED), None
    if agency.startswith(UNRESOLVED):
        if selector not in wish.to:
            return Left(position, agency, f"nobody was found: say who it is, `--to {agency}=AGENCY`")
        resolved = f"{selector}={wish.to[selector]}"
    elif wish.everything and wish.reason is None and ReasonCode.SHARING_STOPPED not in reasons:
        return Left(position, agency, f"a doubt holds it ({', '.join(sorted(reasons))}): name it with --reason")
    return Going(datum, agency, _waived(reasons, wish), resolved)


def _waived(reasons: set[str], wish: Wish) -> tuple[str, ...]:
    """The doubts that whoever releases has seen: those of records named one by one, or the one given as --reason."""
    named = {wish.reason} if wish.reason is not None else set() if wish.everything else reasons
    return tuple(sorted(reason.value for reason in WAIVABLE if reason in named and reason in reasons))


def put_back(going: Going, pseudonymiser: Pseudonymiser, operation: str) -> Outgoing:
    """The record as it first came, marked with whom it is for."""
    if going.agency == EVERYBODY:
        return put_back_record(going.held)  # with the mark it has, if it was a release that was held as a whole
    return put_back_record(
        marked_for_release(
            going.held,
            pseudonymiser,
            agencies=[going.agency],
            waived=going.waived,
            resolved=[] if going.resolved is None else [going.resolved],
            operation=operation,
        )
    )


def marked_for_release(
    datum: Held,
    pseudonymiser: Pseudonymiser,
    *,
    agencies: Sequence[str] | None = None,
    waived: Sequence[str] = (),
    resolved: Sequence[str] = (),
    operation: str = "",
) -> Held:
    """The held record as it goes back: marked, if only some recipients waited, that it is for them alone."""
    if datum["whole"]:
        return datum
    names = datum["agencies"] if agencies is None else agencies
    release = Release(position_of(datum), tuple(map(AgencyId, names)), tuple(waived), tuple(resolved), operation)
    mark = release_header(pseudonymiser, release, pseudonymiser.digest(datum["value"] or b""))
    kept = [each for each in datum["headers"] if each["name"] != RELEASE_HEADER]
    return {**datum, "headers": [*kept, {"name": RELEASE_HEADER, "value": mark}]}


def operation_of(going: Sequence[Going], by: By, at: int, operation_id: str) -> Operation:
    """What a person did: who was let go, from which positions, and what was set aside or named. No event ids."""
    waived = sorted({reason for each in going for reason in each.waived})
    resolved = sorted({each.resolved for each in going if each.resolved is not None})
    return Operation(
        operation_id=operation_id,
        at=at,
        actor=by.name,
        role=by.role,
        kind=KIND,
        target=going[0].position if len(going) == 1 else f"{len(going)} of masa.held",
        reason=by.because,
        result="DONE",
        details={
            "released": " ".join(f"{each.position}>{each.agency}" for each in going),
            **({"waived": " ".join(waived)} if waived else {}),
            **({"resolved": " ".join(resolved)} if resolved else {}),
        },
    )


def released_by(operation: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(position, candidate) of a record of `masa.operations`; nothing unless it is a release."""
    if operation["kind"] == KIND:
        for detail in operation["details"]:
            if detail["name"] == "released":
                for each in detail["value"].split():
                    position, _, agency = each.partition(">")
                    yield position, agency

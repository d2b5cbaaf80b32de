"""Records of a file decided: published, unchanged, skipped or refused. Pure but for the versions it asks for.

Nothing twice: an event's id is made of the record, its content and its version, under the exchange's key. The same
record with the same content is published once; with other content it is the next version of the same source record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, ParamSpec, TypeVar

from connectors.files.event_plan import EventPlan
from connectors.files.fields import LeafPlan
from connectors.files.journal import Counts, Version
from connectors.files.program import Chosen, Program, Skipped, stamped
from connectors.files.records import Row, Unreadable
from connectors.files.values import ColumnProblem, Wrong
from schemas.codec import encode_event
from schemas.errors import EventInvalid, FieldProblem
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType
from schemas.wire import Datum

P = ParamSpec("P")
T = TypeVar("T")

_CONTENT_BYTES = 16
_STAMPS = frozenset({"envelope.recordedAt", "envelope.publishedAt"})
_OCCURRED, _RECORDED = "envelope.occurredAt", "envelope.recordedAt"
OLDER = Skipped("an older version of the record than the one published")


class Ready(NamedTuple):
    """An event to publish: valid, encoded and framed. `key` is the outbox key of its source record."""

    event_type: EventType
    event_id: str
    key: str
    record: bytes  # key of the record in the journal
    occurred_at: int
    value: bytes


class Unchanged(NamedTuple):
    """This version of the record was published before, as that version."""

    sequence: int


class Refused(NamedTuple):
    """Into quarantine, and why."""

    problems: tuple[ColumnProblem, ...]


Outcome = Ready | Unchanged | Skipped | Refused
Vouch = Callable[[bytes], int | None]  # when a framed event occurred, if everything about it is surely valid
Check = Callable[[EventType, Datum], list[FieldProblem]]  # everything that is wrong with an event
Versions = Callable[[Sequence[bytes]], Mapping[bytes, Version]]


class Batch(NamedTuple):
    """What to do about some records, in their order."""

    outcomes: list[tuple[Row | Unreadable, Outcome]]
    events: list[Ready]
    versions: dict[bytes, Version]
    counts: Counts

    def without(self, refused: Mapping[str, tuple[ColumnProblem, ...]]) -> Batch:
        """As it is after the door refused these events (by id). Their versions were never published."""
        if not refused:
            return self
        outcomes: list[tuple[Row | Unreadable, Outcome]] = [
            (record, Refused(refused[each.event_id]) if isinstance(each, Ready) and each.event_id in refused else each)
            for record, each in self.outcomes
        ]
        events = [event for event in self.events if event.event_id not in refused]
        gone = {event.record for event in self.events if event.event_id in refused}
        versions = {key: version for key, version in self.versions.items() if key not in gone}
        return Batch(outcomes, events, versions, _counted(outcomes))


class _Known(NamedTuple):
    chosen: Chosen
    token: str
    key: bytes
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Decides about records. `vouch` says yes quickly or nothing; `check` says everything."""

    program: Program
    pseudonymiser: Pseudonymiser
    vouch: Vouch
    check: Check

    def batch(self, records: Sequence[Row | Unreadable], versions: Versions, held: Mapping[bytes, Version]) -> Batch:
        """Decide about some records. `held` are versions that are being published and not in the journal yet."""
        chosen = [_guarded(self._identified, record) for record in records]
        known = {**versions([each.key for each in chosen if isinstance(each, _Known)]), **held}
        added: dict[bytes, Version] = {}
        outcomes: list[tuple[Row | Unreadable, Outcome]] = []
        for record, each in zip(records, chosen, strict=True):
            if not isinstance(each, _Known) or not isinstance(record, Row):
                outcomes.append((record, each))  # type: ignore[arg-type]  # only a Row is identified
                continue
            decided = _guarded(self._decided, record, each, added.get(each.key) or known.get(each.key))
            if isinstance(decided, Refused):
                outcomes.append((record, decided))
                continue
            outcome, version = decided
            if version is not None:
                added[each.key] = version
            outcomes.append((record, outcome))
        events = [outcome for _, outcome in outcomes if isinstance(outcome, Ready)]
        return Batch(outcomes, events, added, _counted(outcomes))

    def _identified(self, record: Row | Unreadable) -> _Known | Skipped | Refused:
        if isinstance(record, Unreadable):
            return Refused((ColumnProblem((), "", record.message, record.expected),))
        found = self.program.choose(record.texts)
        if isinstance(found, ColumnProblem):
            return Refused((found,))
        if isinstance(found, Skipped):
            return found
        agency, mapping = self.program.agency.id, self.program.mapping
        kind = found.plan.event_type.name
        token = self.pseudonymiser.record_key(agency, found.reference)
        said = f"file:{agency}:{mapping.mapping}:{mapping.version}:{kind}:{found.reference}:{found.content}"
        digest = self.pseudonymiser.digest(said.encode("utf-8", "surrogatepass"))
        return _Known(found, token, bytes.fromhex(token) + kind.encode(), digest)

    def _decided(self, row: Row, known: _Known, before: Version | None) -> tuple[Outcome, Version | None]:
        content = known.digest[:_CONTENT_BYTES]
        sequence = 1
        plan = known.chosen.plan
        if before is not None:
            if before.content == content:
                return Unchanged(before.sequence), None
            sequence = before.sequence + 1
        recorded = _recorded(plan, row.texts)
        if before is not None and 0 < recorded < before.recorded_at:
            return OLDER, None
        event_id = _event_id(known.digest, sequence)
        texts = stamped(row.texts, known.chosen.reference, event_id, sequence)
        made = self._quickly(plan, texts) or self._surely(plan, texts)
        if isinstance(made, Refused):
            return made, None
        occurred, value = made
        ready = Ready(plan.event_type, event_id, known.token, known.key, occurred, value)
        return ready, Version(content, sequence, recorded)

    def _quickly(self, plan: EventPlan, texts: list[str]) -> tuple[int, bytes] | None:
        try:
            value = plan.quick(texts)
        except Exception:  # noqa: BLE001 - whatever it is, the other way finds it and explains
            return None
        occurred = self.vouch(value)
        return None if occurred is None else (occurred, value)

    def _surely(self, plan: EventPlan, texts: list[str]) -> tuple[int, bytes] | Refused:
        datum, problems = plan.build(texts)
        wrong = {problem.field for problem in problems}
        for found in self.check(plan.event_type, datum):
            if found.path not in wrong and not (problems and found.path in _STAMPS):
                problems.append(_in_columns(plan, found))
        if problems:
            return Refused(tuple(dict.fromkeys(problems)))
        try:
            return datum["envelope"]["occurredAt"], encode_event(plan.event_type, datum)
        except EventInvalid as invalid:
            return Refused(tuple(_in_columns(plan, problem) for problem in invalid.problems))


def _guarded(decide: Callable[P, T], *given: P.args, **more: P.kwargs) -> T | Refused:
    """No record can stop the others: what nobody foresaw is refused, with its bytes kept."""
    try:
        return decide(*given, **more)
    except Exception as error:  # noqa: BLE001 - the message is not told: it could quote the record
        message = f"made the importer fail ({type(error).__name__})"
        return Refused((ColumnProblem((), "", message, "report it to whoever maintains the exchange"),))


def _event_id(digest: bytes, sequence: int) -> str:
    """A UUID of version 8 (RFC 9562), as `schemas.pseudonym.delivery_id`; other versions have other ids."""
    raw = digest.hex() if sequence == 1 else hashlib.sha256(digest + sequence.to_bytes(8)).hexdigest()
    return f"{raw[:8]}-{raw[8:12]}-8{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"


def _recorded(plan: EventPlan, texts: Sequence[str]) -> int:
    """When the supplier wrote this version, 0 when the file does not say or says it wrongly."""
    leaf: LeafPlan | None = plan.recorded
    if leaf is None:
        return 0
    try:
        return int(leaf.read(texts) or 0)
    except Wrong:
        return 0


def _in_columns(plan: EventPlan, problem: FieldProblem) -> ColumnProblem:
    """A problem of a field as one of the columns that it comes from."""
    columns = plan.columns(problem.path)
    if problem.path in _STAMPS and not columns:
        # The moment of taking the file in is not the supplier's fault; what lies after it is.
        said = (_RECORDED, "is later than the file") if plan.recorded else (_OCCURRED, "is in the future")
        return ColumnProblem(plan.columns(said[0]), *said, "a time before the file was made")
    return ColumnProblem(columns, problem.path, problem.message, problem.expected)


def _counted(outcomes: Sequence[tuple[object, Outcome]]) -> Counts:
    kinds = [type(outcome) for _, outcome in outcomes]
    return Counts(*(kinds.count(kind) for kind in (Ready, Unchanged, Skipped, Refused)))

"""Audit records as a rehearsal needs them: what was decided, on what, and which records are alike.

Decoding an audit record in full takes longer than deciding its event (60 µs against 5, most of it withheld field
paths). So the bytes are walked once and cut into pieces; equal pieces mean equal content, and what was worked out for
one record serves for all that are alike. Only what was never seen before is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.codec import decode_record, encode_record
from schemas.errors import ContractError
from schemas.framing import frame
from schemas.paths import expand
from schemas.registry import load_record_schema, record_wire
from schemas.vocabulary import Disposition
from streams.ledger.scan import Scanner, ScanRefused, Take, compile_scanner
from streams.policy.contract import EventTypesLike
from streams.policy.stops import MARK

DECIDING = frozenset(kind.value for kind in (Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD))

# Inputs that no decision asks for; they differ from record to record. A property test holds decisions to that.
NEVER_ASKED = frozenset({"supersedes", "subject", "occurredAt", "publishedAt"})
_OF_THE_DELIVERY = frozenset({"topic", "deliveryId", "ackBy"})


class Pieces(NamedTuple):
    """One audit record in pieces. Two records with equal `asked` were decided on the same facts."""

    kind: str  # Disposition
    decided_at: int  # milliseconds, UTC
    event_id: str | None
    rule_set: str | None
    asked: tuple[bytes, ...] | None  # event type, publisher and inputs; None when nothing was decided
    outcomes: tuple[bytes, ...]  # one for each candidate, without what is its delivery's own


class Recorded(NamedTuple):
    """One candidate's outcome as the record has it."""

    agency: str
    kind: str  # OutcomeKind
    roles: tuple[str, ...]
    clock: str | None
    withheld: tuple[str, ...]  # field paths written short; only of a delivery
    stopped: bool  # a stop had its part in it

    def kept(self, event_types: EventTypesLike, event_type: str) -> frozenset[str]:
        """The fields that were given: those of the schema that were not withheld, none unless it was delivered."""
        known = event_types.get(event_type)
        if self.kind != "DELIVERED" or known is None:
            return frozenset()
        leaves = [leaf.path for leaf in known.leaves]
        return frozenset(leaves).difference(expand(self.withheld, leaves))


class PastReader:
    """Cuts audit records into pieces: fast for those of the current schema, by writing them anew for the rest."""

    def __init__(self) -> None:
        self._head = frame(record_wire("audit").fingerprint, b"")
        self._scan = _scanner()

    def pieces(self, value: bytes | None) -> Pieces | None:
        """None when it is no audit record that this software can read."""
        if value is None:
            return None
        if value.startswith(self._head):
            try:
                return _pieces(self._scan(value, len(self._head)))
            except (ScanRefused, IndexError, UnicodeDecodeError):
                pass  # in doubt
        try:
            plain = encode_record("audit", decode_record("audit", value))
            return _pieces(self._scan(plain, len(self._head)))
        except (ContractError, ScanRefused, IndexError, UnicodeDecodeError):
            return None


def recorded(outcome: Mapping[str, Any]) -> Recorded:
    """From an entry of a decoded audit record's outcomes."""
    withheld = tuple(path for group in outcome["withheld"] for path in group["paths"])
    stopped = any(rule.startswith(MARK) for rule in outcome["rules"])
    return Recorded(outcome["agency"], outcome["outcome"], tuple(outcome["roles"]), outcome["clock"], withheld, stopped)


def _scanner() -> Scanner:
    schema = load_record_schema("audit")
    nullable = {field["name"]: field["type"] for field in schema["fields"]}
    inputs = [field["name"] for field in nullable["inputs"][1]["fields"] if field["name"] not in NEVER_ASKED]
    outcome = [f["name"] for f in nullable["outcomes"]["items"]["fields"] if f["name"] not in _OF_THE_DELIVERY]
    return compile_scanner(
        schema,
        {
            "kind": None,
            "decidedAt": None,
            "eventId": None,
            "eventType": Take.SPAN,
            "source": Take.SPAN,
            "ruleSet": None,
            "inputs": dict.fromkeys(inputs, Take.SPAN),
            "outcomes": dict.fromkeys(outcome, Take.SPAN),
        },
    )


def _pieces(fields: tuple[Any, ...]) -> Pieces:
    kind, decided_at, event_id, named, rule_set, *inputs, outcomes = fields
    asked = None if inputs[0] is None else (named, *inputs)
    return Pieces(kind, decided_at, event_id, rule_set, asked, tuple([span for (span,) in outcomes]))

"""Audit records as a rehearsal needs them: what was decided and on what, read fast.

Decoding an audit record in full takes ten times as long as deciding its event, most of it for withheld field paths,
which are the same again and again. So the bytes are walked once: the inputs are read, and the outcomes are left as
bytes, which are told apart without being read; only an outcome never seen before is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from schemas.codec import decode_record, encode_record
from schemas.errors import ContractError
from schemas.framing import frame
from schemas.registry import load_record_schema, record_wire
from schemas.vocabulary import Disposition
from streams.ledger.replay import input_field
from streams.ledger.scan import ScanRefused, Take, Wanted, compile_scanner
from streams.policy.facts import Exclusion, Facts, Judgement
from streams.policy.stops import MARK

DECIDING = frozenset(kind.value for kind in (Disposition.DECIDED, Disposition.UNROUTED, Disposition.HELD))

_OF_THE_DELIVERY = frozenset({"topic", "deliveryId", "ackBy"})
_NAMED = ("event_id", "event_type", "source")  # facts that the record holds beside its inputs


class Recorded(NamedTuple):
    """One candidate's outcome as the record has it."""

    agency: str
    kind: str  # OutcomeKind
    roles: tuple[str, ...]
    clock: str | None
    withheld: tuple[str, ...]  # field paths written short; only of a delivery
    stopped: bool  # a stop had its part in it


class Past(NamedTuple):
    """One audit record."""

    kind: str  # Disposition
    decided_at: int  # milliseconds, UTC
    event_id: str | None
    event_type: str | None
    rule_set: str | None
    inputs: tuple[Any, ...] | None  # for `PastReader.facts`; None when nothing was decided
    outcomes: tuple[
        bytes, ...
    ]  # one for each candidate, without what is its delivery's own; equal bytes, equal outcome


class PastReader:
    """Reads audit records: fast those of the current schema, by writing them anew the rest."""

    def __init__(self) -> None:
        schema = load_record_schema("audit")
        types = {field["name"]: field["type"] for field in schema["fields"]}
        inputs = types["inputs"][1]["fields"]
        outcome = [f["name"] for f in types["outcomes"]["items"]["fields"] if f["name"] not in _OF_THE_DELIVERY]
        self._head = frame(record_wire("audit").fingerprint, b"")
        self._scan = compile_scanner(
            schema,
            {
                **dict.fromkeys(("kind", "decidedAt", "eventId", "eventType", "source", "ruleSet")),
                "inputs": {field["name"]: _wanted(field["type"]) for field in inputs},
                "outcomes": dict.fromkeys(outcome, Take.SPAN),
            },
        )
        names = [*_NAMED, *(input_field(field["name"]) for field in inputs)]
        self._in_order = itemgetter(*(names.index(name) for name in Facts._fields))
        self._lists = [Facts._fields.index(input_field(f["name"])) for f in inputs if _is_array(f["type"])]
        self._items: dict[int, type[Judgement] | type[Exclusion]] = {
            Facts._fields.index("judgements"): Judgement,
            Facts._fields.index("exclusions"): Exclusion,
        }

    def read(self, value: bytes | None) -> Past | None:
        """None when it is no audit record that this software can read."""
        if value is None:
            return None
        if value.startswith(self._head):
            try:
                return _past(self._scan(value, len(self._head)))
            except (ScanRefused, IndexError, UnicodeDecodeError):
                pass  # in doubt
        try:
            plain = encode_record("audit", decode_record("audit", value))
            return _past(self._scan(plain, len(self._head)))
        except (ContractError, ScanRefused, IndexError, UnicodeDecodeError):
            return None

    def facts(self, inputs: tuple[Any, ...]) -> Facts:
        """What was decided on."""
        values = list(self._in_order(inputs))
        for index in self._lists:
            found = values[index]
            if not found:
                values[index] = ()
            elif index in self._items:
                values[index] = tuple(map(self._items[index]._make, found))
            else:
                values[index] = tuple(found)
        return Facts._make(values)


def recorded(outcome: Mapping[str, Any]) -> Recorded:
    """From an entry of a decoded audit record's outcomes."""
    withheld = tuple(path for group in outcome["withheld"] for path in group["paths"])
    stopped = any(rule.startswith(MARK) for rule in outcome["rules"])
    return Recorded(outcome["agency"], outcome["outcome"], tuple(outcome["roles"]), outcome["clock"], withheld, stopped)


def _past(fields: tuple[Any, ...]) -> Past:
    kind, decided_at, event_id, event_type, source, rule_set, *inputs, outcomes = fields
    asked = None if inputs[0] is None else (event_id, event_type, source, *inputs)
    return Past(kind, decided_at, event_id, event_type, rule_set, asked, tuple([span for (span,) in outcomes]))


def _wanted(node: Any) -> Wanted | Take | None:
    if not _is_array(node):
        return None
    items = node["items"]
    return Take.ALL if items == "string" else dict.fromkeys(field["name"] for field in items["fields"])


def _is_array(node: Any) -> bool:
    return isinstance(node, dict) and node["type"] == "array"

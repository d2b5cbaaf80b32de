"""What the kit delivers: every event type, and every odd case that a supplier's system has to live with.

Everything is fictional. Deliveries are as the router makes them: minimised, named, and valid under their schema.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from schemas.codec import encode_event, encode_payload
from schemas.dates import iso_instant
from schemas.examples import example, new_event_id
from schemas.field_classes import Leaf
from schemas.framing import frame
from schemas.paths import collapse
from schemas.projection import project_datum
from schemas.registry import EventType
from schemas.vocabulary import FieldClass
from schemas.wire import Wire, wire

ANSWER_WITHIN_MS = 60 * 60_000
PROSE = 100  # characters that a field for text takes at least; shorter ones hold codes and times
FUTURE_FIELD = "addedInAFutureVersion"
LONG = "Zażółć gęślą jaźń — 'quoted', <b>not markup</b> & 🙂. "  # every width of UTF-8, and what breaks pages

# Case -> what it is, in the report's words.
CASES: Mapping[str, str] = {
    "type": "each event type, everything shared",
    "withheld": "everything withheld that can be",
    "protected": "a child with a protected address, nothing that locates",
    "symbols": "every symbol of every coded field, UNKNOWN included",
    "long-text": "texts of the greatest length, with every width of character",
    "future-field": "a newer schema with a field and a header that nobody knows yet",
    "several-roles": "one delivery for two roles of the agency",
    "no-answer-due": "a delivery without a time to answer by",
    "duplicate": "the same delivery written twice, and again after it was answered",
    "correction": "a correction of an event that was delivered",
}


class Offer(NamedTuple):
    """One delivery. `again`: written twice, and once more after it was answered; `optional`: no answer is due."""

    case: str
    delivery_id: str
    event_id: str
    event_type: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    again: bool = False
    optional: bool = False


class Addressee(NamedTuple):
    """Whom the deliveries are for."""

    agency: str
    area: str
    roles: tuple[str, ...]


class Maker:
    """Makes deliveries for one agency at one moment."""

    def __init__(self, addressee: Addressee, *, now_ms: int, randbits: Callable[[int], int]) -> None:
        self._to, self._now, self._randbits = addressee, now_ms, randbits

    def all_of(self, kinds: Iterable[EventType]) -> list[Offer]:
        """Every case, in the order of `CASES`. `kinds` are the event types that the agency may receive."""
        chosen = list(kinds)
        richest = richest_of(chosen)
        first = [self._made("type", kind, self._example(kind)) for kind in chosen]
        offers = [*first, *(self._made("withheld", kind, self._example(kind), _withholdable(kind)) for kind in chosen)]
        offers += [self._protected(kind) for kind in chosen if "envelope.addressProtection" in kind.leaf_by_path]
        offers += self._symbols(chosen)
        offers.append(self._long(richest))
        offers.append(self._future(richest))
        roles = (*self._to.roles, "deputy")[:2] if len(self._to.roles) < 2 else self._to.roles[:2]
        offers.append(self._made("several-roles", richest, self._example(richest), roles=roles))
        offers.append(self._made("no-answer-due", richest, self._example(richest), answer=False))
        offers.append(self._made("duplicate", richest, self._example(richest))._replace(again=True))
        offers += [self._correction(kind, first[0].event_id) for kind in chosen if kind.name == "control.correction"]
        return offers

    def _example(self, kind: EventType, **overrides: Any) -> dict[str, Any]:
        given = {path.replace("__", "."): value for path, value in overrides.items()}
        return example(kind, now_ms=self._now, event_id=self._id(), overrides=given)

    def _id(self) -> str:
        return new_event_id(self._now, self._randbits)

    def _made(
        self,
        case: str,
        kind: EventType,
        datum: Mapping[str, Any],
        withheld: Iterable[str] = (),
        *,
        roles: tuple[str, ...] | None = None,
        answer: bool = True,
    ) -> Offer:
        """Minimised as the router does it: instructions to the exchange are never delivered."""
        kept = frozenset(kind.paths) - frozenset(withheld) - _of_class(kind, FieldClass.CONTROL)
        event = project_datum(kind.schema, dict(datum), kept)
        missing = collapse([path for path in kind.paths if path not in kept], kind.paths)
        headers = self._headers(kind.name, event["envelope"], roles or self._to.roles[:1], missing, answer)
        return Offer(
            case, headers["masa-delivery-id"], headers["ce_id"], kind.name, _bytes(headers), encode_event(kind, event),
            optional=not answer,
        )  # fmt: skip

    def _headers(
        self, name: str, envelope: Mapping[str, Any], roles: Iterable[str], missing: Iterable[str], answer: bool
    ) -> dict[str, str]:
        due = {"masa-ack-by": iso_instant(self._now + ANSWER_WITHIN_MS)} if answer else {}
        return {
            "masa-delivery-id": self._id(),
            "ce_id": envelope["eventId"],
            "ce_time": iso_instant(envelope["occurredAt"]),
            "ce_specversion": "1.0",
            "ce_source": f"urn:masa:{self._to.area}",
            "ce_type": name,
            "content-type": "application/avro",
            "masa-recipient": self._to.agency,
            "masa-role": ",".join(roles),
            "masa-rule": "conformance-kit",
            "masa-policy": "0" * 64,
            "masa-basis": "fictional",
            "masa-withheld": ",".join(missing),
        } | due

    def _protected(self, kind: EventType) -> Offer:
        datum = self._example(kind, envelope__addressProtection="PROTECTED")
        return self._made("protected", kind, datum, _of_class(kind, FieldClass.LOCATING) - _always(kind))

    def _symbols(self, kinds: Iterable[EventType]) -> Iterator[Offer]:
        """As few deliveries as show each symbol of each enumeration once."""
        seen: set[tuple[str, str]] = set()
        for kind in kinds:
            coded = [leaf for leaf in kind.leaves if leaf.symbols and leaf.path != "envelope.eventType"]
            while lacking := {
                leaf.path: symbol
                for leaf in coded
                if (symbol := next((s for s in leaf.symbols if (_name(leaf), s) not in seen), None))
            }:
                seen |= {(_name(leaf), lacking[leaf.path]) for leaf in coded if leaf.path in lacking}
                datum = example(kind, now_ms=self._now, event_id=self._id(), overrides=lacking)
                yield self._made("symbols", kind, datum)

    def _long(self, kind: EventType) -> Offer:
        texts = {leaf.path: (LONG * (leaf.max_length or 1))[: leaf.max_length] for leaf in _texts(kind)}
        datum = example(kind, now_ms=self._now, event_id=self._id(), overrides=texts)
        return self._made("long-text", kind, datum)

    def _future(self, kind: EventType) -> Offer:
        datum = self._example(kind)
        known, schema = self._made("future-field", kind, datum), future_schema(kind)
        kept = frozenset(kind.paths) - _of_class(kind, FieldClass.CONTROL)
        event = project_datum(kind.schema, datum, kept) | {FUTURE_FIELD: "something new"}
        value = frame(schema.fingerprint, encode_payload(schema, event))
        return known._replace(value=value, headers=(*known.headers, ("masa-added-in-a-future-version", b"1")))

    def _correction(self, kind: EventType, corrected: str) -> Offer:
        return self._made("correction", kind, self._example(kind, envelope__supersedes=corrected))


def richest_of(kinds: Iterable[EventType]) -> EventType:
    """The one with the most text: odd cases are shown on it."""
    return max(kinds, key=lambda kind: len(_texts(kind)))


def future_schema(kind: EventType) -> Wire:
    """What a later release might be: one nullable field more, at the end."""
    schema = copy.deepcopy(kind.schema)
    schema["schemaVersion"] = kind.version + 1
    schema["fields"].append({
        "name": FUTURE_FIELD, "doc": "Not known yet.", "confluent:tags": ["CIRCUMSTANCE"],
        "type": ["null", {"type": "string", "maxLength": 50}], "default": None,
    })  # fmt: skip
    return wire(schema)


def _bytes(headers: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode()) for name, value in headers.items())


def _of_class(kind: EventType, which: FieldClass) -> frozenset[str]:
    return frozenset(leaf.path for leaf in kind.leaves if which in leaf.classes)


def _always(kind: EventType) -> frozenset[str]:
    return frozenset(leaf.path for leaf in kind.leaves if leaf.is_routing or not leaf.nullable)


def _withholdable(kind: EventType) -> frozenset[str]:
    return frozenset(kind.paths) - _always(kind)


def _texts(kind: EventType) -> list[Leaf]:
    """Texts that people write: of some length, without a format, not routing."""
    return [
        leaf
        for leaf in kind.leaves
        if leaf.kind == "string"
        and (leaf.max_length or 0) >= PROSE
        and leaf.nullable
        and not (leaf.format or leaf.logical or leaf.is_routing or FieldClass.CONTROL in leaf.classes)
    ]


def _name(leaf: Leaf) -> str:
    return str(leaf.node.get("name", leaf.path)) if isinstance(leaf.node, dict) else leaf.path

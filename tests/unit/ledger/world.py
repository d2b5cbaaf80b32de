"""A small exchange in memory, sound by construction, in which tests plant faults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from schemas.codec import decode_record, encode_record
from streams.ledger.audit import audit_row_reader
from streams.ledger.reconcile_view import (
    AuditSeen,
    EventRowSeen,
    InboxSeen,
    KeptSeen,
    LedgerView,
    OutboxSeen,
    OutcomeRowSeen,
    Place,
    View,
)

OUTBOX = "agency.northshire-police.outbox"
NOW = 1_790_000_000_000
RULE_SET = "ab" * 32


def inputs(**changes: Any) -> dict[str, Any]:
    """The typed inputs of a decision."""
    return {
        "sourceCategory": "POLICE", "masaId": "northshire", "areaGss": "E10000099", "gateway": "S16LA",
        "regime": "UKGDPR", "purpose": "SAFEGUARDING", "urgency": "URGENT", "grade": "HIGH", "marking": "OFFICIAL",
        "doNotDiscloseToSubject": False, "sensitiveService": False, "restricted": False, "protection": "NONE",
        "match": "MATCH", "ageYears": 9, "unborn": False, "concerns": ["DOMESTIC_ABUSE"], "school": "a" * 32,
        "gp": None, "communityHealth": None, "placingLa": None, "hostLa": None, "accusedSetting": None,
        "judgements": [], "exclusions": [], "supersedes": None, "subject": "c" * 32, "occurredAt": NOW - 2,
        "publishedAt": NOW - 1, **changes,
    }  # fmt: skip


def delivery_id(event: int, agency: str) -> str:
    return str(UUID(int=event << 64 | int.from_bytes(agency.encode()[-7:], "big")))


def outcome(event: int, agency: str, kind: str = "DELIVERED", **changes: Any) -> dict[str, Any]:
    """One candidate's outcome, as an audit record holds it."""
    delivered = kind == "DELIVERED"
    return {
        "agency": agency,
        "outcome": kind,
        "roles": ["dsl"],
        "rules": ["encompass-dsl"] if delivered else [],
        "reasons": ["RULE" if delivered else "NO_RULE"],
        "basis": "Art 6(1)(c)" if delivered else None,
        "clock": "PT4H" if delivered else None,
        "withheld": [{"reason": "NOT_IN_SHARE", "paths": ["envelope.child.name", "note"]}] if delivered else [],
        "topic": f"agency.{agency}.inbox" if delivered else None,
        "deliveryId": delivery_id(event, agency) if delivered else None,
        "ackBy": NOW + 14_400_000 if delivered else None,
        **changes,
    }


def audit(
    offset: int, kind: str = "DECIDED", outcomes: Iterable[dict[str, Any]] = (), **changes: Any
) -> dict[str, Any]:
    """An audit record of the outbox record at `offset`."""
    return {
        "kind": kind,
        "sourceTopic": OUTBOX,
        "sourcePartition": 0,
        "sourceOffset": offset,
        "receivedAt": NOW,
        "decidedAt": NOW + offset,
        "slot": 0,
        "contentDigest": bytes(32),
        "eventId": str(UUID(int=offset)),
        "eventType": "police.domestic-abuse-incident",
        "source": "northshire-police",
        "ruleSet": RULE_SET,
        "reasons": [],
        "inputs": inputs() if kind not in ("REJECTED", "REPEATED") else None,
        "outcomes": list(outcomes),
        "rejection": {"reason": "FRAMING", "path": None, "explanation": "no frame"} if kind == "REJECTED" else None,
        "firstSeen": None,
        **changes,
    }


@dataclass
class World:
    """Two audit partitions, one outbox, an inbox an agency and the gateway's."""

    outbox: list[OutboxSeen] = field(default_factory=list)
    audits: list[AuditSeen] = field(default_factory=list)
    inbox: list[InboxSeen] = field(default_factory=list)
    held: list[KeptSeen] = field(default_factory=list)
    rejected: list[KeptSeen] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    events: list[EventRowSeen] | None = None
    outcomes: list[OutcomeRowSeen] | None = None

    def publish(self, value: bytes | None = None, key: bytes = b"k") -> int:
        """A record in the outbox; its offset. Offsets have gaps, as transaction markers leave them."""
        offset = 2 * len(self.outbox)
        content = f"event {offset}".encode() if value is None else value
        self.outbox.append(OutboxSeen(OUTBOX, 0, offset, key, content, (("ce_id", b"1"), ("x", None))))
        return offset

    def audited(self, record: dict[str, Any]) -> None:
        """An audit record with all its effects."""
        number = sum(1 for each in self.audits if each.partition == record["sourceOffset"] % 4 // 2)
        partition = record["sourceOffset"] % 4 // 2
        self.audits.append(AuditSeen(partition, 3 * number, NOW, encode_record("audit", record)))
        waiting = [each["agency"] for each in record["outcomes"] if each["outcome"] == "HELD"]
        for each in record["outcomes"]:
            if each["deliveryId"]:
                self.deliver(each)
        if record["kind"] == "REJECTED":
            self.rejected.append(KeptSeen(0, len(self.rejected), self.kept("rejected", record["sourceOffset"])))
        if record["kind"] == "HELD" or waiting:
            kept = self.kept("held", record["sourceOffset"], whole=record["kind"] == "HELD", agencies=waiting)
            self.held.append(KeptSeen(0, len(self.held), kept))

    def deliver(self, each: dict[str, Any], key: bytes = b"subject", **headers: str) -> None:
        named = {"masa-delivery-id": each["deliveryId"], "masa-rule": ",".join(each["rules"])}
        named |= {"masa-recipient": each["agency"], **headers}
        offset = sum(1 for seen in self.inbox if seen.topic == each["topic"])
        encoded = tuple((name, value.encode()) for name, value in named.items())
        self.inbox.append(InboxSeen(each["topic"], 0, offset, key, encoded))

    def kept(self, name: str, offset: int, **changes: Any) -> bytes:
        """A held or rejected record with the outbox record's bytes."""
        source = next(each for each in self.outbox if each.offset == offset)
        common = {
            "sourceTopic": OUTBOX, "sourcePartition": 0, "sourceOffset": offset, "receivedAt": NOW,
            "key": source.key, "value": source.value,
            "headers": [{"name": name, "value": value} for name, value in source.headers],
        }  # fmt: skip
        if name == "rejected":
            return encode_record(
                "rejected",
                common | {"rejectedAt": NOW, "reason": "FRAMING", "path": None, "explanation": "x"} | changes,
            )
        own = {"heldAt": NOW, "eventId": "e", "eventType": "t", "source": None, "ruleSet": None, "whole": False}
        return encode_record("held", common | own | {"agencies": [], "reasons": []} | changes)

    def stored(self) -> None:
        """Fill the ledger from the audits by the ledger's own code."""
        reader = audit_row_reader()
        rows = [reader.rows(each.partition, each.offset, each.timestamp, each.value) for each in self.audits]
        self.events = [
            EventRowSeen(*each.event[:2], _unix(each.event[2]), _unix(each.event[3]), *each.event[4:]) for each in rows
        ]
        self.outcomes = [
            OutcomeRowSeen(*row[:2], _unix(row[2]), *row[3:7], _unix(row[7])) for each in rows for row in each.outcomes
        ]

    def change_audit(self, index: int, **changes: Any) -> None:
        """Write an audit record anew, its effects left as they are."""
        seen = self.audits[index]
        record = decode_record("audit", seen.value or b"") | changes
        self.audits[index] = seen._replace(value=encode_record("audit", record))

    def view(self) -> View:
        ledger = None
        if self.events is not None:
            progress = {n: 1 + max((a.offset for a in self.audits if a.partition == n), default=-1) for n in (0, 1)}
            ledger = LedgerView(
                progress=self.settings.get("progress", progress),
                events=lambda: iter(self.events or []),
                outcomes=lambda: iter(self.outcomes or []),
            )
        known = {name: value for name, value in self.settings.items() if name != "progress"}
        return View(
            audits=lambda: iter(self.audits),
            outbox=lambda: iter(self.outbox),
            inbox=self._inbox,
            held=lambda: iter(self.held),
            rejected=lambda: iter(self.rejected),
            ledger=ledger,
            **known,
        )

    def _inbox(self, only: frozenset[Place] | None) -> Iterable[InboxSeen]:
        return [each for each in self.inbox if only is None or Place(each.topic, each.partition) in only]


def _unix(micros: int | None) -> Any:
    return None if micros is None else micros + 946_684_800_000_000


def sound_world() -> World:
    """Every kind of record: two decided, one partly held, unrouted, held, rejected and repeated; ledger filled."""
    world = World()
    for _ in range(8):
        world.publish()
    gateway = {"topic": "gateway.inbox"}
    world.audited(audit(0, outcomes=[outcome(0, "csc"), outcome(0, "gp", **gateway), outcome(0, "school", **gateway)]))
    world.audited(audit(2, outcomes=[outcome(2, "csc"), outcome(2, "gp", "DENIED")]))
    world.audited(audit(4, outcomes=[outcome(4, "csc"), outcome(4, "unresolved:child.school", "HELD")]))
    world.audited(audit(6, "UNROUTED"))
    world.audited(audit(8, "HELD", ruleSet=None, reasons=["POLICY_ABSENT"]))
    world.audited(audit(10, "REJECTED", eventId=None, eventType=None))
    world.outbox[6] = world.outbox[6]._replace(value=world.outbox[1].value)
    world.audited(audit(12, "REPEATED", firstSeen={"topic": OUTBOX, "partition": 0, "offset": 2}))
    world.audited(audit(14, outcomes=[outcome(14, "csc")]))
    world.stored()
    return world

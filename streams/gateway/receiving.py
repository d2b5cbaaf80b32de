"""Receiving: list, claim, open, acknowledge. Each change and what is told of it are one database transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from connectors.errors import ConnectorFailure
from connectors.http.asked import AcknowledgeAsked, PollAsked
from connectors.http.taken_back import TakenBack
from connectors.http.values import (
    AckAnswer,
    Acknowledged,
    AckOutcome,
    Caller,
    Delivery,
    NoteCode,
    NotFound,
    Summary,
)
from connectors.kafka.publisher import Outgoing
from connectors.postgres import gateway_recalls, gateway_rounds, gateway_store
from connectors.postgres.connection import Connection
from connectors.postgres.gateway_store import DeliveryRow
from connectors.postgres.outbox import enqueue
from streams.gateway import records, shown
from streams.gateway.deputies import Deputies
from streams.gateway.judging import is_theirs, judge, taken_back
from streams.gateway.parts import MALFORMED, UUID, Parts
from streams.ledger import queries

LISTED_AT_MOST = 500  # what waits, not a search: who has more must call colleagues in
CLAIMED_AT_MOST = 100
LEASE_SECONDS = (5, 3_600)  # shortest and longest


class Receiving:
    """Safe from any thread."""

    def __init__(self, parts: Parts, deputies: Deputies, new_lease: Callable[[], str]) -> None:
        """`new_lease` gives a text that nobody can guess."""
        self._parts, self._deputies, self._new_lease = parts, deputies, new_lease

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        """As the port says. Software polls instead."""
        if caller.kind != "person" or "inbox" not in caller.scopes:
            return ()
        force, now = self._parts.rules.now(), self._parts.now()
        with self._parts.pool.transaction() as connection:
            roles = self._deputies.roles(connection, caller)
            rows = gateway_store.listed(connection, caller.agency, roles, limit=LISTED_AT_MOST) if roles else []
        return [shown.summary(row, caller.agency, force, self._parts.event_types, now) for row in rows]

    def poll_together(self, asked: Sequence[PollAsked]) -> list[Sequence[Delivery]]:
        """As the port says. Each claim is on record, because the content leaves the exchange with it."""
        force, now = self._parts.rules.now(), self._parts.now()
        agencies = {each.caller.agency for each in asked if "inbox" in each.caller.scopes}
        with self._parts.pool.connection() as connection:
            busy = gateway_rounds.with_free(connection, agencies, now=now)
        claimed: list[list[DeliveryRow]] = [[] for _ in asked]
        if busy:
            with self._parts.pool.transaction() as connection:
                for index, each in enumerate(asked):
                    if each.caller.agency in busy and "inbox" in each.caller.scopes:
                        claimed[index] = self._claim(connection, each, now)
        total = sum(map(len, claimed))
        if total:
            self._parts.telemetry.gateway_claimed(deliveries=total)
        types, sealer = self._parts.event_types, self._parts.sealer
        return [tuple(shown.delivery(row, sealer, force, types, now) for row in rows) for rows in claimed]

    def _claim(self, connection: Connection, asked: PollAsked, now: int) -> list[DeliveryRow]:
        caller, who = asked.caller, self._parts.actor(asked.caller)
        shortest, longest = LEASE_SECONDS
        rows = gateway_store.claim(
            connection,
            caller.agency,
            roles=self._deputies.roles(connection, caller) if caller.kind == "person" else None,
            limit=max(1, min(asked.limit, CLAIMED_AT_MOST)),
            lease=self._new_lease(),
            holder=who,
            now=now,
            until=now + 1000 * max(shortest, min(asked.lease_seconds, longest)),
        )
        enqueue(connection, (self._told(caller, who, records.CLAIMED, row, now) for row in rows))
        return rows

    def open(self, caller: Caller, delivery_id: str) -> Delivery | TakenBack | None:
        """As the port says."""
        force, now, who = self._parts.rules.now(), self._parts.now(), self._parts.actor(caller)
        gone, asked = None, False
        with self._parts.pool.transaction() as connection:
            row = self._own(connection, caller, delivery_id)
            if row is not None and taken_back(row):
                gone = shown.taken_back(row, gateway_recalls.about(connection, row), force, self._parts.event_types)
                enqueue(connection, [self._told(caller, who, records.ASKED_AFTER_RECALL, row, now)])
            elif row is not None:
                asked = gateway_recalls.asked_to_remove(connection, row) is not None
                told = [self._told(caller, who, records.OPENED, row, now)]
                if row.picked_up_at is None:
                    gateway_store.pick_up(connection, row.delivery_id, at=now, by=who)
                    told.append(records.receipt(row, "PICKED_UP", caller, who, now))
                    row = row._replace(picked_up_at=now)
                enqueue(connection, told)
        if row is None:
            self._refuse(caller, "open", delivery_id)
            return None
        if gone is not None:
            return gone
        found = shown.delivery(row, self._parts.sealer, force, self._parts.event_types, now)
        return self._explained(found._replace(removal_asked=asked), caller.agency)

    def acknowledge_together(self, asked: Sequence[AcknowledgeAsked]) -> list[AckAnswer]:
        """As the port says."""
        now = self._parts.now()
        told: list[Outgoing] = []
        with self._parts.pool.transaction() as connection:
            wanted = {each.delivery_id for each in asked if UUID.fullmatch(each.delivery_id)}
            rows = gateway_rounds.locked(connection, wanted)
            answers = [self._judged(connection, each, rows, told, now) for each in asked]
            done = {each.delivery_id for each in answers if isinstance(each, Acknowledged)}
            gateway_rounds.acknowledge(connection, [rows[each] for each in sorted(done)])
            enqueue(connection, told)
        for each, answer in zip(asked, answers, strict=True):
            if isinstance(answer, NotFound):
                self._refuse(each.caller, "acknowledge", each.delivery_id)
            elif isinstance(answer, Acknowledged):
                self._parts.telemetry.gateway_acknowledged(outcome=each.outcome)
        return answers

    def _judged(
        self,
        connection: Connection,
        asked: AcknowledgeAsked,
        rows: dict[str, DeliveryRow],
        told: list[Outgoing],
        now: int,
    ) -> AckAnswer:
        """The answer; when it is `Acknowledged`, the row becomes what it is to be; `told` grows."""
        caller, who = asked.caller, self._parts.actor(asked.caller)
        row = rows.get(asked.delivery_id)
        if row is None or not is_theirs(row, caller, self._roles(connection, caller)):
            return NotFound(asked.delivery_id)
        answer = judge(row, caller, who, asked.outcome, asked.lease, now)
        if isinstance(answer, Acknowledged):
            told += self._acknowledged(caller, who, row, asked.outcome, asked.note_code, now)
            rows[asked.delivery_id] = row._replace(
                state="ACKNOWLEDGED",
                acknowledged_at=now,
                acknowledged_by=who,
                acknowledged_lease=asked.lease,
                outcome=asked.outcome,
                note=asked.note_code,
                picked_up_at=now if row.picked_up_at is None else row.picked_up_at,
                picked_up_by=who if row.picked_up_by is None else row.picked_up_by,
                lease=None,
                lease_until=None,
            )
        return answer

    def _roles(self, connection: Connection, caller: Caller) -> AbstractSet[str]:
        return self._deputies.roles(connection, caller) if caller.kind == "person" else caller.roles

    def _own(self, connection: Connection, caller: Caller, delivery_id: str) -> DeliveryRow | None:
        """The row, locked, if there is one and it is the caller's."""
        roles = self._roles(connection, caller)
        if not UUID.fullmatch(delivery_id):
            return None
        row = gateway_store.locked(connection, delivery_id)
        return row if row is not None and is_theirs(row, caller, roles) else None

    def _acknowledged(
        self, caller: Caller, who: str, row: DeliveryRow, outcome: AckOutcome, note: NoteCode | None, now: int
    ) -> list[Outgoing]:
        told = []
        if row.picked_up_at is None:  # software acknowledges what it polled without opening it
            told.append(records.receipt(row, "PICKED_UP", caller, who, now))
        told.append(records.receipt(row, "ACKNOWLEDGED", caller, who, now, outcome=outcome))
        details = {"outcome": outcome, **({} if note is None else {"note": note})}
        told.append(
            records.operation(
                caller,
                who,
                records.ACKNOWLEDGED,
                row.delivery_id,
                now,
                operation_id=records.named_id("acknowledged", row.delivery_id),
                details=details,
            )
        )
        return told

    def _told(self, caller: Caller, who: str, kind: str, row: DeliveryRow, now: int) -> Outgoing:
        details = {"eventType": row.event_type}
        return records.operation(
            caller, who, kind, row.delivery_id, now, operation_id=records.new_id(), details=details
        )

    def _refuse(self, caller: Caller, what: str, delivery_id: str) -> None:
        target = delivery_id if UUID.fullmatch(delivery_id) else MALFORMED
        self._parts.refuse_access(caller, what, target)

    def _explained(self, found: Delivery, agency: str) -> Delivery:
        """With the reasons from the ledger, if it has them by now: a delivery is never kept back for want of them."""
        types = self._parts.event_types
        try:
            with self._parts.pool.transaction() as connection:
                audit = queries.found(connection, found.event_id, leaves=queries.leaf_paths(types))
        except ConnectorFailure:
            return found
        if audit is None:
            return found
        return shown.explained(found, agency, audit, self._parts.rules.now(), types)

"""The exchange as the HTTP door sees it: implements `connectors.http.ports.Doors`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorFailure
from connectors.http.asked import AcknowledgeAsked, PollAsked, PublishAsked
from connectors.http.taken_back import Removed, TakenBack
from connectors.http.values import (
    Accepted,
    AckAnswer,
    AckOutcome,
    Caller,
    Delegation,
    Delivery,
    EventOutcome,
    NoteCode,
    NotFound,
    Preview,
    Profile,
    Refused,
    Submission,
    Summary,
    TypeInfo,
)
from streams.gateway.deputies import Deputies
from streams.gateway.outcomes import Outcomes
from streams.gateway.parts import Parts
from streams.gateway.previewing import Previewing
from streams.gateway.publishing import Publishing, Writes
from streams.gateway.receiving import Receiving
from streams.gateway.removing import Removing
from streams.gateway.wording import contacts, councils

_LEASE_BYTES = 18


class Gateway:
    """Safe from any thread. Every method is described in the port."""

    def __init__(self, parts: Parts, kafka: Writes) -> None:
        self._parts, self._kafka = parts, kafka
        self._deputies = Deputies(parts)
        self._publishing = Publishing(parts, kafka, secrets.randbits)
        self._previewing = Previewing(parts)
        self._receiving = Receiving(parts, self._deputies, lambda: secrets.token_urlsafe(_LEASE_BYTES))
        self._removing = Removing(parts, self._deputies)
        self._outcomes = Outcomes(parts)

    def publish(
        self, caller: Caller, document: Mapping[str, Any], *, idempotency_key: str | None
    ) -> Accepted | Refused:
        return self._publishing.publish(caller, [Submission(document, idempotency_key)])[0]

    def publish_batch(self, caller: Caller, submissions: Sequence[Submission]) -> Sequence[Accepted | Refused]:
        return self._publishing.publish(caller, submissions)

    def publish_together(self, asked: Sequence[PublishAsked]) -> Sequence[Accepted | Refused | Exception]:
        return self._publishing.publish_together(asked)

    def preview(self, caller: Caller, document: Mapping[str, Any]) -> Preview | Refused:
        publisher = self._publishing.publisher(caller)
        return publisher if isinstance(publisher, Refused) else self._previewing.preview(publisher, document)

    def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        return self._outcomes.outcome(caller, event_id)

    def poll(self, caller: Caller, *, limit: int, lease_seconds: int) -> Sequence[Delivery]:
        return self._receiving.poll_together([PollAsked(caller, limit, lease_seconds)])[0]

    def poll_together(self, asked: Sequence[PollAsked]) -> Sequence[Sequence[Delivery]]:
        return self._receiving.poll_together(asked)

    def inbox(self, caller: Caller) -> Sequence[Summary]:
        return self._receiving.inbox(caller)

    def open(self, caller: Caller, delivery_id: str) -> Delivery | TakenBack | None:
        return self._receiving.open(caller, delivery_id)

    def acknowledge(
        self,
        caller: Caller,
        delivery_id: str,
        outcome: AckOutcome,
        *,
        lease: str | None,
        note_code: NoteCode | None = None,
    ) -> AckAnswer:
        return self.acknowledge_together([AcknowledgeAsked(caller, delivery_id, outcome, lease, note_code)])[0]

    def acknowledge_together(self, asked: Sequence[AcknowledgeAsked]) -> Sequence[AckAnswer]:
        return self._receiving.acknowledge_together(asked)

    def removed(self, caller: Caller, delivery_id: str) -> Removed | NotFound:
        return self._removing.removed(caller, delivery_id)

    def event_types(self, caller: Caller) -> Sequence[TypeInfo]:
        entry = self._parts.rules.now().agencies.get(caller.agency)
        category = None if entry is None else entry["category"]
        return [
            TypeInfo(
                name=kind.name,
                version=kind.version,
                title=kind.title,
                may_publish=category in kind.publishers,
                urgency=kind.urgency.value,
                gateways=tuple(kind.gateways),
                purposes=tuple(kind.purposes),
                regimes=tuple(kind.regimes),
                requires=kind.requires,
            )
            for _, kind in sorted(self._parts.event_types.items())
        ]

    def profile(self, caller: Caller) -> Profile | None:
        force = self._parts.rules.now()
        entry = force.agencies.get(caller.agency)
        if entry is None:
            return None
        titles = force.role_titles(entry["area"])
        mine = caller.roles
        if caller.kind == "person":
            with self._parts.pool.transaction() as connection:
                mine = self._deputies.roles(connection, caller)
        return Profile(
            agency=caller.agency,
            name=str(entry["name"]),
            category=str(entry["category"]),
            area=str(entry["area"]),
            area_name=force.area_name(entry["area"]) or "",
            identifiers=tuple((scheme, code) for scheme, code in entry["identifiers"]),
            roles={role: titles.get(role, role) for role in entry["roles"]},
            my_roles={role: titles.get(role, role) for role in entry["roles"] if role in mine},
            authorities=tuple(entry["authorities"] or force.areas[entry["area"]]["authorities"]),
            contacts=tuple(contacts(entry, str(entry["name"]))),
            councils=councils(force),
        )

    def delegate(
        self, caller: Caller, role: str, *, to_role: str | None, to_subject: str | None, until: int
    ) -> Delegation | Refused:
        return self._deputies.delegate(caller, role, to_role=to_role, to_subject=to_subject, until=until)

    def delegations(self, caller: Caller) -> Sequence[Delegation]:
        return self._deputies.delegations(caller)

    def end_delegation(self, caller: Caller, delegation_id: str) -> bool:
        return self._deputies.end(caller, delegation_id)

    def unavailable(self) -> str | None:
        if not self._parts.rules.known():
            return "rules in force"
        try:
            with self._parts.pool.connection() as connection:
                connection.execute("SELECT 1")
        except ConnectorFailure:
            return "PostgreSQL"
        return "Kafka" if self._kafka.stalled() else None

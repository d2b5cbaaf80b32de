"""Deliveries: what one recipient gets of one event, as a Kafka record.

All that is the same for every event with the same outcome (topic, projection, most headers, the audit piece) is
prepared once for each distinct outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from connectors.kafka.transaction import Headers
from schemas.cutter import Cuts
from schemas.paths import collapse
from schemas.registry import EventType
from schemas.vocabulary import OutcomeKind
from streams.policy.decision import FieldPlan, Outcome
from streams.policy.facts import AgencyId
from streams.routing.audit_pieces import outcome_piece

_PREPARED_AT_MOST = 50_000
_NO_DELIVERY_END = b"\x00\x00"  # deliveryId and ackBy both null

Short = tuple[tuple[str, tuple[str, ...]], ...]


class RecipientAgency(Protocol):
    @property
    def channel(self) -> str: ...
    @property
    def area(self) -> str: ...


class Prepared(NamedTuple):
    """What is the same for every event with this outcome. `audit` is complete unless it was delivered."""

    outcome: Outcome
    audit: bytes
    topic: str | None
    headers: Headers
    plan: FieldPlan | None
    project: Callable[[bytes, Cuts], bytes]  # of events that were cut
    withheld: Short


class Preparer:
    """Prepares outcomes of one rule set. Relies on equal outcomes being the same object, and is right without."""

    def __init__(
        self,
        agencies: Mapping[AgencyId, RecipientAgency],
        inbox_of: Callable[[AgencyId, str], str],
        rule_set: str,
        projector: Callable[[EventType, FieldPlan], Callable[[bytes, Cuts], bytes]],
    ) -> None:
        """`inbox_of(agency, channel)` names the inbox topic; `projector` compiles a projection."""
        self._projector = projector
        self._agencies = agencies
        self._inbox_of = inbox_of
        self._rule_set = rule_set
        self._prepared: dict[int, Prepared] = {}

    def prepare(self, outcome: Outcome, contract: EventType) -> Prepared:
        known = self._prepared.get(id(outcome))
        if known is not None and known.outcome is outcome:
            return known
        if len(self._prepared) >= _PREPARED_AT_MOST:
            self._prepared.clear()
        made = self._prepared[id(outcome)] = self._make(outcome, contract)
        return made

    def _make(self, outcome: Outcome, contract: EventType) -> Prepared:
        if outcome.kind is not OutcomeKind.DELIVERED or outcome.plan is None:
            return Prepared(outcome, outcome_piece(outcome, (), None) + _NO_DELIVERY_END, None, [], None, _nothing, ())
        withheld = shortened(outcome.plan, contract)
        agency = self._agencies[outcome.agency]
        topic = self._inbox_of(outcome.agency, agency.channel)
        said = {
            "ce_specversion": "1.0",
            # The MASA, never the publisher: a school as source would tell where the child is.
            "ce_source": f"urn:masa:{agency.area}",
            "ce_type": contract.name,
            "content-type": "application/avro",
            "masa-recipient": outcome.agency,
            "masa-role": ",".join(outcome.roles),
            "masa-rule": ",".join(outcome.rules),
            "masa-policy": self._rule_set,
            "masa-basis": outcome.basis or "",
            "masa-withheld": ",".join(path for _, paths in withheld for path in paths),
        }
        headers: Headers = [(name, value.encode()) for name, value in said.items()]
        project = self._projector(contract, outcome.plan)
        audit = outcome_piece(outcome, withheld, topic)
        return Prepared(outcome, audit, topic, headers, outcome.plan, project, withheld)


def _nothing(data: bytes, cuts: Cuts) -> bytes:
    """What a recipient gets to whom nothing is delivered; never called."""
    raise AssertionError("nothing is delivered here")


def shortened(plan: FieldPlan, contract: EventType) -> Short:
    """Withheld fields by reason, written short, in order of first appearance."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in plan.withheld:
        by_reason.setdefault(reason, []).append(path)
    return tuple((reason, collapse(paths, contract.paths)) for reason, paths in by_reason.items())

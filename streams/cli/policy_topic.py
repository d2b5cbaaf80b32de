"""What `masa.policy` says, read to its end: every statement, every rule set, every stop.

A person's view. Routers have their own (streams.routing.policy_feed), which believes nothing that is not signed; with a
list of signatories this one does the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.kafka import topics
from connectors.kafka.reader import Record, read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.signing import verify
from streams.cli.runtime import Refused
from streams.policy.activation import is_activation, read_record
from streams.policy.artefact import Artefact
from streams.policy.facts import RuleSetHash
from streams.policy.gathered import Gathered
from streams.policy.signatories import Signatories
from streams.policy.statement import SIGNERS, Refusal, RefusalReason, SignedStatement, check
from streams.policy.stop_orders import StopOrder, check_order, is_stop, order_from_record
from streams.policy.stops import StopId

SHORTEST_PREFIX = 8  # digits of a hash that a person may give


@dataclass(frozen=True, kw_only=True)
class PolicyTopic:
    """What was found."""

    statements: tuple[SignedStatement, ...]  # lowest sequence first
    published_at: Mapping[int, int]  # sequence -> milliseconds since the epoch
    gathered: Gathered
    stops: Mapping[StopId, StopOrder]
    ignored: tuple[Refusal, ...]  # records that change nothing, oldest first

    def in_force(self, now_ms: int) -> SignedStatement | None:
        """The statement that routers follow now."""
        due = [each for each in self.statements if each.statement.activates_at <= now_ms]
        return next((each for each in reversed(due) if self.gathered.artefact(each.statement.rule_set)), None)

    def artefact_in_force(self, now_ms: int) -> Artefact | None:
        """The rule set that routers follow now."""
        signed = self.in_force(now_ms)
        return None if signed is None else self.gathered.artefact(signed.statement.rule_set)

    def next_sequence(self) -> int:
        """What a new statement must have at least."""
        return max((each.statement.sequence for each in self.statements), default=0) + 1

    def artefact_like(self, wanted: str) -> Artefact:
        """A rule set by its hash or the first digits of it. Raises Refused when none, or several, fit."""
        fitting = [each for each in self.gathered.hashes() if _fits(each, wanted)]
        if len(fitting) > 1:
            raise Refused(f"`{wanted}` fits {len(fitting)} rule sets: give more digits")
        artefact = self.gathered.artefact(fitting[0]) if fitting else None
        if artefact is None:
            raise Refused(f"no rule set `{wanted}` was ever published here: `masa rules history` lists those that were")
        return artefact


def read_policy(kafka: KafkaSettings, signatories: Signatories | None = None) -> PolicyTopic:
    """Read the topic to its end. With `signatories`, only what they signed counts. Raises what the reader raises."""
    return policy_of(read_topic(kafka, [topics.POLICY]), signatories)


def policy_of(records: Iterable[Record], signatories: Signatories | None) -> PolicyTopic:
    """The same from records in the order of the topic."""
    gathered, stops, ignored = Gathered(), dict[StopId, StopOrder](), list[Refusal]()
    published: dict[int, int] = {}
    for record in records:
        try:
            if is_stop(record.key):
                order = _order(record, signatories)
                stops[order.stop.id] = order
            elif is_activation(record.key):
                published.setdefault(_gather(record, signatories, gathered), record.timestamp)
        except Refusal as refusal:
            ignored.append(refusal)
    statements = tuple(reversed(gathered.newest_first()))
    return PolicyTopic(
        statements=statements, published_at=published, gathered=gathered, stops=stops, ignored=tuple(ignored)
    )


def _gather(record: Record, signatories: Signatories | None, gathered: Gathered) -> int:
    """Take in an activation; its sequence. Raises Refusal."""
    activation = read_record(record.key or b"", record.value)
    signed = activation.signed
    if signatories is not None:
        check(signed, signatories, verify)
    elif len({each.signatory for each in signed.signatures}) < SIGNERS:
        raise Refusal(RefusalReason.ONE_SIGNER, "the statement is not signed by two people")
    gathered.add(activation)
    return signed.statement.sequence


def _order(record: Record, signatories: Signatories | None) -> StopOrder:
    order = order_from_record(record.key or b"", record.value)
    if signatories is not None:
        check_order(order, signatories, verify)
    return order


def _fits(found: RuleSetHash, wanted: str) -> bool:
    return found == wanted or (len(wanted) >= SHORTEST_PREFIX and found.startswith(wanted))

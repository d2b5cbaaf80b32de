"""People with their keys: who signs statements, stops and lifts.

`throwaway_signers` and `self_signed` serve one machine only: the demo people of `masa up`, the bench and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connectors.signing import SigningKey, new_key
from streams.policy.activation import PolicyRecord, activation_records
from streams.policy.artefact import Artefact
from streams.policy.signatories import Signatories, Signatory
from streams.policy.statement import Signature, SignedStatement, Statement
from streams.policy.stop_orders import Lift, SignedLift, StopOrder, stop_message
from streams.policy.stops import Stop

DEMO_PEOPLE = (("demo-policy-lead", "policy lead"), ("demo-dpo", "data protection officer"))


class Signer(NamedTuple):
    """A person with a key."""

    name: str
    role: str
    key: SigningKey

    def signatory(self) -> Signatory:
        """Their entry in the list of signatories."""
        return Signatory(name=self.name, role=self.role, key_id=self.key.key_id, public_key=self.key.public_key)

    def signature(self, message: bytes) -> Signature:
        return Signature(signatory=self.name, key_id=self.key.key_id, signature=self.key.sign(message))

    def sign(self, signed: SignedStatement) -> SignedStatement:
        """The statement with this person's signature added."""
        own = self.signature(signed.statement.message())
        return SignedStatement(statement=signed.statement, signatures=(*signed.signatures, own))

    def order(self, area: str, stop: Stop) -> StopOrder:
        """The stop as this person orders it."""
        return StopOrder(area=area, stop=stop, signature=self.signature(stop_message(area, stop)))

    def lift(self, order: StopOrder, lift: Lift) -> StopOrder:
        """The stop as lifted by this person."""
        signature = self.signature(lift.message(order.area))
        return StopOrder(
            area=order.area,
            stop=order.stop,
            signature=order.signature,
            lifted=SignedLift(lift=lift, signature=signature),
        )


def throwaway_signers() -> tuple[Signer, ...]:
    """The two demo people, with new keys."""
    return tuple(Signer(name, role, new_key()) for name, role in DEMO_PEOPLE)


def signatories_of(area: str, signers: Iterable[Signer]) -> Signatories:
    """The list that makes these people the area's signatories."""
    return Signatories(area=area, people=tuple(each.signatory() for each in signers))


def signed_by(statement: Statement, signers: Iterable[Signer]) -> SignedStatement:
    """The statement with the signature of each of them."""
    signed = SignedStatement(statement=statement)
    for each in signers:
        signed = each.sign(signed)
    return signed


def self_signed(area: str, artefact: Artefact, sequence: int, signers: Sequence[Signer]) -> list[PolicyRecord]:
    """The records that put a rule set in force at once, signed by people whose keys are all at hand."""
    statement = Statement(area=area, sequence=sequence, rule_set=artefact.hash, reason="signed on this machine")
    return activation_records(signed_by(statement, signers), artefact)

"""All that `masa.policy` says about rule sets, in the order in which it was written, before anything is chosen."""

from __future__ import annotations

from streams.policy.activation import Activation, unpack
from streams.policy.artefact import Artefact
from streams.policy.facts import RuleSetHash
from streams.policy.statement import Refusal, RefusalReason, SignedStatement


class Gathered:
    """Statements by sequence and compressed rule sets by hash. Whoever adds has checked what should be checked."""

    def __init__(self) -> None:
        self._statements: dict[int, SignedStatement] = {}
        self._packed: dict[RuleSetHash, list[bytes]] = {}

    def add(self, activation: Activation) -> None:
        """Raises Refusal when the sequence was given to another statement: the first one counts."""
        statement = activation.signed.statement
        known = self._statements.setdefault(statement.sequence, activation.signed)
        if known.statement != statement:
            raise Refusal(RefusalReason.OLDER, f"sequence {statement.sequence} was given to another statement before")
        copies = self._packed.setdefault(statement.rule_set, [])
        if activation.packed and activation.packed not in copies:  # a damaged copy must not hide a sound one
            copies.append(activation.packed)

    def newest_first(self) -> list[SignedStatement]:
        return [self._statements[number] for number in sorted(self._statements, reverse=True)]

    def hashes(self) -> list[RuleSetHash]:
        """Of every rule set named, in order."""
        return sorted(self._packed)

    def whole(self, signed: SignedStatement) -> Activation:
        """The statement with its rule set; with a damaged one, or none, when there is nothing better."""
        wanted = signed.statement.rule_set
        copies = self._packed[wanted]
        sound = (each for each in copies if _unpacked(each, wanted) is not None)
        return Activation(signed, next(sound, copies[0] if copies else b""))

    def artefact(self, wanted: RuleSetHash) -> Artefact | None:
        """The rule set with this hash, None when there is no sound copy of it."""
        found = (_unpacked(each, wanted) for each in self._packed.get(wanted, ()))
        return next((each for each in found if each is not None), None)


def _unpacked(packed: bytes, expected: RuleSetHash) -> Artefact | None:
    try:
        return unpack(packed, expected)
    except Refusal:
        return None

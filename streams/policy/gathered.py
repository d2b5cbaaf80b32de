"""All that `masa.policy` says about rule sets, in the order in which it was written, before anything is chosen."""

from __future__ import annotations

from streams.policy.activation import Activation, inflated, unpack
from streams.policy.artefact import Artefact
from streams.policy.facts import RuleSetHash
from streams.policy.statement import Refusal, RefusalReason, SignedStatement


class Gathered:
    """Statements by sequence and sound compressed rule sets by hash. Whoever adds has checked the signatures."""

    def __init__(self) -> None:
        self._statements: dict[int, SignedStatement] = {}
        self._packed: dict[RuleSetHash, bytes] = {}
        self._newest = 0  # sequence of the newest record that brought its rule set

    def add(self, activation: Activation) -> None:
        """Raises Refusal for what a running router refuses: a damaged rule set, a sequence that is taken."""
        statement = activation.signed.statement
        if activation.packed:
            inflated(activation.packed, statement.rule_set)
        known = self._statements.setdefault(statement.sequence, activation.signed)
        if known.statement != statement:
            raise Refusal(RefusalReason.OLDER, f"sequence {statement.sequence} was given to another statement before")
        if activation.packed:
            self._packed[statement.rule_set] = activation.packed
            self._newest = max(self._newest, statement.sequence)

    def newest_first(self) -> list[SignedStatement]:
        """Statements whose rule sets are here; none beyond the newest that brought its own, as running routers wait
        for that."""
        numbers = sorted((number for number in self._statements if number <= self._newest), reverse=True)
        found = [self._statements[number] for number in numbers]
        return [each for each in found if each.statement.rule_set in self._packed]

    def hashes(self) -> list[RuleSetHash]:
        """Of every rule set, in order."""
        return sorted(self._packed)

    def whole(self, signed: SignedStatement) -> Activation:
        """A statement of `newest_first` with its rule set."""
        return Activation(signed, self._packed[signed.statement.rule_set])

    def artefact(self, wanted: RuleSetHash) -> Artefact | None:
        """The rule set with this hash, None when it is not here or of a version that this program cannot read."""
        try:
            return unpack(self._packed[wanted], wanted)
        except (KeyError, Refusal):
            return None

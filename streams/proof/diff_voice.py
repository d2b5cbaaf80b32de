"""What rules say for one recipient, joined, and what it is answered in the end: values of diagrams.

Several rules that speak for one recipient are joined: delivery takes the union of what they share, a rule that waits
makes the recipient wait. The join is a semilattice, which is why alternates can be looked at one at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.vocabulary import OutcomeKind
from streams.policy.clocks import soonest

ABSENT, EXCLUDED, BROKEN, DELIVERED, HELD = range(5)  # ranks of a Voice: the highest decides
NOT_TOLD = "NOT_TOLD"  # DENIED, WITHHELD or no candidate: why nothing is shared makes no difference to sharing
NOTHING: frozenset[Any] = frozenset()


class Voice(NamedTuple):
    """What the rules that speak for one recipient come to. Everything but the rank is empty unless DELIVERED."""

    rank: int
    kept: frozenset[str] = NOTHING
    clock: str = "NONE"
    roles: frozenset[str] = NOTHING
    bases: frozenset[str] = NOTHING


class Answer(NamedTuple):
    """One recipient's outcome, without what differs between rule sets that share alike: rule names and reasons."""

    kind: str  # DELIVERED, HELD or NOT_TOLD
    kept: frozenset[str] = NOTHING
    clock: str | None = None
    roles: frozenset[str] = NOTHING
    bases: frozenset[str] = NOTHING


SILENT = Voice(ABSENT)


def joined(one: Voice, other: Voice) -> Voice:
    """The union of two voices; commutative, associative, idempotent."""
    if one.rank != other.rank or one.rank != DELIVERED:
        return max(one, other, key=lambda voice: voice.rank)
    clock = soonest((one.clock, other.clock))
    return Voice(DELIVERED, one.kept | other.kept, clock, one.roles | other.roles, one.bases | other.bases)


def settled(voice: Voice, barred: bool, whole: bool, partly: bool, holder: bool) -> Answer:
    """As `streams.policy.settle`: judgement, laws, denies, conflict, waiting, delivery."""
    conflict = whole or (partly and voice.rank <= EXCLUDED)
    if barred or conflict or not (voice.rank >= DELIVERED or holder):
        return Answer(NOT_TOLD)
    if holder or voice.rank == HELD:
        return Answer(OutcomeKind.HELD.value)
    return Answer(OutcomeKind.DELIVERED.value, voice.kept, voice.clock, voice.roles, voice.bases)

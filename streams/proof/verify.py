"""Proves invariants for every possible event, or finds one that breaks them.

For each event type the question "is there a valid event, on this day or a later one, that breaks it?" goes to the
solver. No answer is a proof. An answer is made into a real event of the contract, decided by the real `decide` under
the same rule set, and shown only when that breaks the invariant too; anything else is a fault of the proof and said
loudly.

What must never happen is proven from the day on for good. What must always happen is proven for the day, and then it
is said until when it lasts, because agreements end and rules with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import z3

from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import EventType, EventTypes
from streams.policy.artefact import Artefact
from streams.policy.facts import LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.proof.claims import silent, violations
from streams.proof.counterexample import Case, Counterexample, confirmed
from streams.proof.encoding import Encoding
from streams.proof.event import SymbolicEvent
from streams.proof.invariants import Invariant
from streams.proof.laws import Laws
from streams.proof.terms import Term, no, some
from streams.proof.valid import possible
from streams.proof.witness import EVENT_ID, datum_of, nearest, noon_of
from streams.proof.world import World, periods

# Pseudonyms that agree with each other are all a proof needs; none is kept.
_PASSING_KEY = b"proofs about invented events make pseudonyms that are never kept"
LawsOf = Callable[[str], Laws]  # event type -> laws
Progress = Callable[[str], None]  # told each event type that is done


class Status(StrEnum):
    PROVEN = "PROVEN"
    UNTIL = "UNTIL"  # holds on the day; on a later one it does not any more
    VIOLATED = "VIOLATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one invariant. `until`: the first day on which what must always happen does not."""

    invariant: Invariant
    status: Status
    counterexamples: tuple[Counterexample, ...]  # one an event type, in the order of the catalogue
    until: date | None = None
    formulas: int = 0  # questions that went to the solver; the rest the rule set answers by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: a rule set, the contract, and from which day on."""

    artefact: Artefact
    event_types: EventTypes
    first_day: date
    only: tuple[str, ...] | None = None  # event types; None: all
    laws: LawsOf | None = None  # other laws than those of the exchange, to try a proof out


def verify(
    question: Question, invariants: Iterable[Invariant], progress: Progress | None = None
) -> tuple[Verdict, ...]:
    """A verdict for each invariant, in their order. Raises ProofBroken if solver and `decide` disagree."""
    asked = tuple(invariants)
    bench = _Bench(question)
    found: dict[str, list[_Finding]] = {each.id: [] for each in asked}
    for kind in question.event_types.values():
        if question.only is not None and kind.name not in question.only:
            continue
        prover = _Prover(bench, kind)
        for invariant in asked:
            before = min((f.later.day for f in found[invariant.id] if f.later is not None), default=None)
            found[invariant.id].append(prover.ask(invariant, before))
        if progress is not None:
            progress(kind.name)
    return tuple(_verdict(invariant, found[invariant.id]) for invariant in asked)


@dataclass(frozen=True)
class _Finding:
    """About one invariant and event type."""

    formulas: int
    now: Counterexample | None = None
    later: Counterexample | None = None


def _verdict(invariant: Invariant, findings: list[_Finding]) -> Verdict:
    now = tuple(f.now for f in findings if f.now is not None)
    later = tuple(sorted((f.later for f in findings if f.later is not None), key=lambda each: each.day))
    status = Status.VIOLATED if now else Status.UNTIL if later else Status.PROVEN
    return Verdict(
        invariant=invariant,
        status=status,
        counterexamples=now or later[:1],
        until=later[0].day if later and not now else None,
        formulas=sum(f.formulas for f in findings),
    )


class _Bench:
    """What all event types share."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.world = World(question.artefact.document())
        self.days = periods(self.world, question.first_day)
        self.pseudonymiser = Pseudonymiser(_PASSING_KEY)
        self.rules = RuleSet.build(question.artefact, question.event_types, self.token)

    def token(self, scheme: str, code: str) -> LocatorToken:
        return LocatorToken(self.pseudonymiser.locator(scheme, code))


class _Prover:
    """All questions about one event type."""

    def __init__(self, bench: _Bench, kind: EventType) -> None:
        self._bench, self._kind = bench, kind
        self._event = SymbolicEvent(bench.world, bench.days)
        laws = None if bench.question.laws is None else bench.question.laws(kind.name)
        self._encoding = Encoding(bench.world, kind, self._event, laws)
        self._solver = z3.SolverFor("QF_FD")
        self._solver.add(*self._event.laws_of_dimensions(), *_asserted(possible(self._event, kind)))

    def ask(self, invariant: Invariant, before: date | None = None) -> _Finding:
        """What is found; of days to come, only what is earlier than `before`."""
        ways = dict(violations(self._encoding, invariant))
        broken = some(ways.values())
        if broken is False:
            return _Finding(0)
        self._solver.push()
        self._solver.add(*_asserted([broken, *silent(self._event, invariant.claim.when)]))
        try:
            return self._search(invariant, before)
        finally:
            self._solver.pop()

    def _search(self, invariant: Invariant, before: date | None) -> _Finding:
        if self._solver.check() == z3.unsat:
            return _Finding(1)
        if invariant.always is None or self._breaks_on(self._bench.question.first_day):
            return _Finding(1, now=confirmed(self._case(), invariant))
        day = next(day for day in self._event.days[1:] if self._breaks_on(day))
        if before is not None and before <= day:
            return _Finding(1)
        return _Finding(1, later=confirmed(self._case(), invariant))

    def _breaks_on(self, day: date) -> bool:
        return bool(self._solver.check(self._event.day.variables[day]) == z3.sat)

    def _case(self) -> Case:
        found = nearest(self._solver, self._event, self._wishes())
        return Case(
            kind=self._kind,
            datum=datum_of(found, self._event, self._kind),
            found=found,
            artefact=self._bench.question.artefact,
            rules=self._bench.rules,
            world=self._bench.world,
            pseudonymiser=self._bench.pseudonymiser,
        )

    def _wishes(self) -> Iterator[Term]:
        """An early day, and what the type's example says."""
        yield from self._event.day.variables.values()
        datum = example(self._kind, now_ms=noon_of(self._bench.question.first_day), event_id=EVENT_ID)
        stated = datum["envelope"]["sourceOrg"]
        source = self._bench.rules.agency_for(stated["scheme"], stated["id"])
        if source is not None:
            facts = facts_from_datum(self._kind, datum, source.id, self._bench.pseudonymiser)
            yield from self._event.pinned(facts, self._bench.question.first_day, self._bench.token)
        yield from (no(flag) for flag in self._event.flags.values())


def _asserted(terms: Iterable[Term]) -> list[Any]:
    """Terms for the solver: those that hold anyway left out, one that cannot hold as false."""
    return [z3.BoolVal(False) if term is False else term for term in terms if term is not True]

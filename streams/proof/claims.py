"""Whether an invariant is broken: as a formula over all events, and of one decision that was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from schemas.vocabulary import OutcomeKind
from streams.policy.contract import EventTypeLike, LeafLike
from streams.policy.decision import Decision
from streams.policy.facts import Facts
from streams.policy.model import When
from streams.policy.reference_match import answer
from streams.proof.encoding import Encoding
from streams.proof.event import SymbolicEvent
from streams.proof.invariants import Always, Circumstances, Fields, Invariant, Never, Recipient
from streams.proof.naming import Namer
from streams.proof.recipients import Delivered, matched, matches
from streams.proof.terms import Term, every, no, some
from streams.proof.world import Token, World


def violations(encoding: Encoding, invariant: Invariant) -> Iterator[tuple[str | None, Term]]:
    """Every way in which an event of the type can break the invariant: whom it would reach, and when.

    None as the recipient when the event reaches nobody that it must.
    """
    claim = invariant.claim
    if not claim.speaks_of(encoding.kind.name):
        return
    when = circumstances(encoding.namer, claim.when)
    if isinstance(claim, Never):
        leaves = fields_of(encoding.kind, claim.fields)
        for name in agencies_of(encoding.world, invariant):
            term = every([when, _given(encoding, name, claim, leaves)])
            if term is not False:
                yield name, term
    else:
        here = True if invariant.area is None else encoding.namer.home_in(invariant.area)
        reached = [_given(encoding, name, claim, None) for name in encoding.world.agencies]
        if claim.or_from:
            own = (n for n, a in encoding.world.agencies.items() if could_be(encoding.world, a["id"], claim.reaches))
            reached.append(encoding.event.among("source", own))
        yield None, every([when, here, no(some(reached))])


def agencies_of(world: World, invariant: Invariant) -> list[str]:
    """Recipients that the invariant speaks of."""
    return [name for name, entry in world.agencies.items() if invariant.area in (None, entry["area"])]


def _given(encoding: Encoding, name: str, claim: Never | Always, leaves: tuple[LeafLike, ...] | None) -> Term:
    """When the agency, as such a recipient, is delivered any of the fields; None: is delivered at all."""
    delivered = encoding.delivered(name)
    if delivered is False:
        return False
    such = matches(encoding, name, claim.to if isinstance(claim, Never) else claim.reaches)
    if such is False or leaves is None:
        return every([delivered, such])
    return every([delivered, such, some(encoding.kept(name, leaf) for leaf in leaves)])


def could_be(world: World, agency: str, wanted: Recipient) -> bool:
    """Whether the agency has a role that is staffed, or named, as the recipient should be."""
    entry = world.agencies[agency]
    return any(
        (wanted.staffed is None or world.role(entry["area"], role)["staffed"] in wanted.staffed)
        and (not isinstance(wanted.roles, tuple) or role in wanted.roles)
        for role in entry["roles"]
    )


def fields_of(kind: EventTypeLike, fields: Fields | None) -> tuple[LeafLike, ...] | None:
    """The fields of the type that the invariant is about; None: any delivery at all."""
    if fields is None:
        return None

    def named(path: str, among: tuple[str, ...]) -> bool:
        return any(path == each or path.startswith(each + ".") for each in among)

    return tuple(
        leaf
        for leaf in kind.leaves
        if (leaf.classes.intersection(fields.classes) or named(leaf.path, fields.paths))
        and not named(leaf.path, fields.not_paths)
    )


def circumstances(namer: Namer, when: Circumstances) -> Term:
    """When an event is of this kind, for sure."""
    terms = [namer.answer(name, wanted).sure for name, wanted in _as_rule(when)]
    event = namer.event
    if when.gateway is not None:
        terms.append(event.among("gateway", when.gateway))
    if when.regime is not None:
        terms.append(event.among("regime", when.regime))
    if when.protected is not None:
        unprotected = event.among("protection", ("NONE",))
        terms.append(no(unprotected) if when.protected else unprotected)
    if when.home_known is not None:
        terms.append(no(namer.no_home()) if when.home_known else namer.no_home())
    return every(terms)


def silent(event: SymbolicEvent, when: Circumstances) -> list[Term]:
    """That the publisher withholds from nobody, or excludes nobody, of all that the formulas built so far ask about."""
    ruled_out = {"withheld": when.withholding is False, "excluded": when.conflict is False}
    return [no(term) for said, term in event.said.items() if ruled_out.get(said.what, False)]


def _as_rule(when: When) -> list[tuple[str, Any]]:
    """The conditions that a rule can ask too, as a rule set's document has them."""
    found: list[tuple[str, Any]] = []
    for name, info in When.model_fields.items():
        value = getattr(when, name)
        if isinstance(value, (tuple, bool)):
            found.append((str(info.alias), list(map(str, value)) if isinstance(value, tuple) else value))
        elif value is not None:
            found.append((str(info.alias), [value.at_least, value.at_most]))
    return found


def broken_by(
    invariant: Invariant, facts: Facts, decision: Decision, kind: EventTypeLike, world: World, day: date, token: Token
) -> tuple[str, ...]:
    """Agencies whose delivery breaks a `never`; the publisher when an `always` is broken; empty when it holds."""
    claim = invariant.claim
    if not claim.speaks_of(facts.event_type) or not _holds(claim.when, facts, world):
        return ()
    deliveries = [
        Delivered(world, facts, day, outcome, token)
        for outcome in decision.outcomes
        if outcome.kind is OutcomeKind.DELIVERED
    ]
    if isinstance(claim, Always):
        if invariant.area is not None and world.area_of_gss.get(facts.area_gss or "") != invariant.area:
            return ()
        if claim.or_from and facts.source in world.agencies and could_be(world, facts.source, claim.reaches):
            return ()
        return () if any(matched(each, claim.reaches) for each in deliveries) else (facts.source,)
    leaves = fields_of(kind, claim.fields)
    return tuple(
        each.outcome.agency
        for each in deliveries
        if invariant.area in (None, each.agency["area"])
        and matched(each, claim.to)
        and (leaves is None or (each.outcome.plan and any(leaf.path in each.outcome.plan.kept for leaf in leaves)))
    )


def _holds(when: Circumstances, facts: Facts, world: World) -> bool:
    """Whether one event is of this kind, for sure."""
    home = world.area_of_gss.get(facts.area_gss or "") is not None
    return all((
        all(answer(name, wanted, facts) == "yes" for name, wanted in _as_rule(when)),
        when.gateway is None or facts.gateway in when.gateway,
        when.regime is None or facts.regime in when.regime,
        when.protected is None or (facts.protection != "NONE") is when.protected,
        when.home_known is None or home is when.home_known,
        when.withholding is None or all(each.judgement == "CONFIRMED" for each in facts.judgements),
        when.conflict is None or not facts.exclusions,
    ))  # fmt: skip

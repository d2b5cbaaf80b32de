"""Audit records as a router writes them, and a rehearsal of them worked out with pencil and paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.codec import decode_record, encode_record
from schemas.paths import collapse, expand
from streams.ledger.replay import facts_of
from streams.policy.artefact import Artefact
from streams.policy.contract import EventTypesLike
from streams.policy.decision import Decision
from streams.policy.facts import EpochMillis, Facts
from streams.policy.reference import decide_by_reference
from streams.policy.reference_match import Token
from streams.rehearsal.cells import Cell, Kind
from streams.routing.audit_pieces import Origin
from streams.routing.audit_record import audit_datum, outcome_datum

ORIGIN = Origin("agency.north-police.outbox", 0, 7, 1_791_000_000_000, bytes(32))


def audit_of(facts: Facts, decision: Decision, decided_at: int, event_types: EventTypesLike) -> bytes:
    """The record that a router writes."""
    outcomes = []
    for each in decision.outcomes:
        by_reason: dict[str, list[str]] = {}
        for path, reason in each.plan.withheld if each.plan else ():
            by_reason.setdefault(reason, []).append(path)
        leaves = [leaf.path for leaf in event_types[facts.event_type].leaves] if by_reason else []
        short = tuple((reason, collapse(paths, leaves)) for reason, paths in by_reason.items())
        outcomes.append(outcome_datum(each, short, None, None))
    return encode_record(
        "audit",
        audit_datum(
            decision.disposition, ORIGIN, decided_at, 0,
            facts=facts, rule_set=decision.rule_set, reasons=decision.reasons, outcomes=outcomes,
        ),
    )  # fmt: skip


def fields_given(audit: Mapping[str, Any], event_types: EventTypesLike) -> dict[str, set[str]]:
    """What each agency was given, read plainly from a decoded record."""
    given = {}
    for outcome in audit["outcomes"]:
        kind = event_types.get(audit["eventType"])
        leaves = [leaf.path for leaf in kind.leaves] if kind and outcome["outcome"] == "DELIVERED" else []
        withheld = {path for group in outcome["withheld"] for path in expand(group["paths"], leaves)}
        given[outcome["agency"]] = set(leaves) - withheld
    return given


def plainly(
    values: Iterable[bytes], new: Artefact, event_types: EventTypesLike, token: Token, at: EpochMillis | None
) -> tuple[Counter[Cell], int]:
    """The counts as anybody would work them out with pencil and paper, and how many events changed."""
    counts: Counter[Cell] = Counter()
    changed = 0
    for value in values:
        audit = decode_record("audit", value)
        kind = event_types.get(audit["eventType"])
        classes = {leaf.path: leaf.classes for leaf in kind.leaves} if kind else {}
        decision = decide_by_reference(facts_of(audit), new, event_types, token, at or audit["decidedAt"])
        was, now = {o["agency"]: o for o in audit["outcomes"]}, {o.agency: o for o in decision.outcomes}
        had, one = fields_given(audit, event_types), Counter[Cell]()
        name = audit["eventType"]
        if audit["kind"] != decision.disposition:
            one[Cell(Kind.DISPOSITION, name, "", (audit["kind"], decision.disposition.value))] += 1
        for agency in {*was, *now}:
            old, new_one = was.get(agency), now.get(agency)
            before = old["outcome"] if old else "ABSENT"
            after = new_one.kind.value if new_one else "ABSENT"
            old_role = ", ".join(old["roles"]) if old else ""
            new_role = ", ".join(new_one.roles) if new_one else ""
            if before != after:
                role = old_role if before == "DELIVERED" or not new_one else new_role
                one[Cell(Kind.OUTCOME, name, role, (before, after))] += 1
            elif before == "DELIVERED" and old and new_one and old["clock"] != new_one.clock:
                one[Cell(Kind.CLOCK, name, new_role, (old["clock"], str(new_one.clock)))] += 1
            had_it = had.get(agency, set())
            gets = set(new_one.plan.kept) if new_one and new_one.plan else set()
            for each in {each for path in gets - had_it for each in classes[path]}:
                one[Cell(Kind.GAINED, name, new_role, (each.value,))] += 1
            for each in {each for path in had_it - gets for each in classes[path]}:
                one[Cell(Kind.LOST, name, old_role, (each.value,))] += 1
        changed += bool(one)
        counts += one
    return counts, changed

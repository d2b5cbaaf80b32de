"""Why each candidate got what it got, and why any other agency did not, in words a safeguarding lead understands.

The decision comes from the compiled rule set; why a rule did not speak is read from the artefact's document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.paths import collapse
from schemas.vocabulary import Disposition, OutcomeKind
from streams.policy.artefact import Document
from streams.policy.decide import decide
from streams.policy.decision import Decision, Outcome
from streams.policy.explain_words import CLOCK_WORDS, all_of, fact, one_of, selector_words, wish
from streams.policy.facts import AgencyId, EpochMillis, Facts
from streams.policy.fields import ONLY_ROUTING
from streams.policy.index import RuleSet
from streams.policy.reasons import SENTENCES, ReasonCode
from streams.policy.reference_match import Entry, Token, World, answer, concerned, day_of, gateway_answer, named_by

_NEEDED_SCHEME = {"child.school": "URN", "child.gp": "ODS", "child.communityHealth": "ODS"}
_LOCAL = (
    "area", "category:", "child.homeAuthority", "child.placingAuthority", "child.hostAuthority", "child.allocatedTeam",
)  # fmt: skip
_KIND_WORDS = {
    OutcomeKind.DELIVERED: "receives it",
    OutcomeKind.WITHHELD: "is not told: the publisher withholds",
    OutcomeKind.DENIED: "is not told",
    OutcomeKind.HELD: "waits for a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyExplanation:
    agency: str
    name: str
    outcome: str | None  # OutcomeKind, None when the agency is no candidate
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    decision: Decision
    lines: tuple[str, ...]  # about the event as a whole
    agencies: tuple[AgencyExplanation, ...]

    def text(self) -> str:
        """All of it, as indented lines."""
        parts = list(self.lines)
        for each in self.agencies:
            parts.append(f"{each.name} ({each.agency})")
            parts.extend("  " + line for line in each.lines)
        return "\n".join(parts)


def explain(
    facts: Facts, rules: RuleSet, document: Document, token: Token, now: EpochMillis, agency: str | None = None
) -> Explanation:
    """Explain the decision at the instant `now`.

    `document` is that of the artefact `rules` was built from, `token` the same function. With `agency`, that agency
    alone and why every rule that could name it does or does not; it may be no candidate at all.
    """
    decision = decide(facts, rules, now)
    world = World(document, token, facts, day_of(now))
    outcomes = {outcome.agency: outcome for outcome in decision.outcomes}
    wanted = [AgencyId(agency)] if agency is not None else sorted(outcomes)
    explained = []
    for name in wanted:
        outcome = outcomes.get(name)
        lines = list(_outcome_lines(rules, outcome) if outcome else _absent_lines(rules, name))
        if agency is not None and name in rules.agencies:
            lines.extend(_rule_lines(world, world.agencies[name]))
        known = rules.agencies.get(name)
        explained.append(
            AgencyExplanation(
                agency=name,
                name="Not found" if known is None else known.name,
                outcome=outcome.kind.value if outcome else None,
                lines=tuple(lines),
            )
        )
    return Explanation(decision=decision, lines=tuple(_event_lines(world, decision)), agencies=tuple(explained))


def _event_lines(world: World, decision: Decision) -> Iterator[str]:
    areas = [world.areas[name]["name"] for name in concerned(world)]
    if areas:
        yield f"The rules of {' and '.join(areas)} apply."
    else:
        yield "No area that takes part is concerned."
    if world.facts.registered:
        known = all_of([selector_words(f"child.{setting}") for setting in world.facts.registered])
        yield f"The event does not name {known}; the relationship register knew from earlier events."
    if world.facts.released:
        yield f"It was released for {all_of(world.facts.released)} alone; the others had their answer before."
    if decision.disposition is Disposition.DECIDED:
        told = sum(outcome.kind is OutcomeKind.DELIVERED for outcome in decision.outcomes)
        yield f"{told} of {len(decision.outcomes)} possible recipients receive it."
    yield from (SENTENCES[ReasonCode(reason)] for reason in decision.reasons)


def _outcome_lines(rules: RuleSet, outcome: Outcome) -> Iterator[str]:
    yield f"{outcome.kind.value}: {_KIND_WORDS[outcome.kind]}."
    if outcome.agency in rules.agencies and outcome.roles:
        titles = rules.areas[rules.agencies[outcome.agency].area].titles
        yield f"For {', '.join(titles.get(role, role) for role in outcome.roles)}."
    yield from (SENTENCES[ReasonCode(reason)] for reason in outcome.reasons)
    reasons = {rule.id: rule.reason for rule in rules.rules if rule.id in outcome.rules}
    for rule in outcome.rules:
        if rule in reasons:
            yield f"Rule `{rule}`: {reasons[rule]}"
    for stop in rules.stops:
        if stop.mark in outcome.rules:
            yield f"Stopped by {stop.by} (`{stop.id}`): {stop.reason}"
    if outcome.basis:
        yield f"Lawful basis: {outcome.basis}."
    if outcome.clock in CLOCK_WORDS:
        yield f"To be acknowledged {CLOCK_WORDS[outcome.clock]}."
    yield from _field_lines(rules, outcome)


def _field_lines(rules: RuleSet, outcome: Outcome) -> Iterator[str]:
    """What it gets and what not, with a record's name for all its fields."""
    if outcome.plan is None:
        return
    kind = rules.event_types.get(outcome.plan.event_type)
    leaves = [leaf.path for leaf in kind.leaves] if kind else []
    metadata = {leaf.path for leaf in kind.leaves if leaf.classes == ONLY_ROUTING} if kind else set()
    content = collapse(outcome.plan.kept - metadata, leaves)
    yield f"Gets {', '.join(content)}." if content else "Gets no content, only that there is an event."
    by_reason: dict[str, list[str]] = {}
    for field in outcome.plan.withheld:
        by_reason.setdefault(field.reason, []).append(field.path)
    for reason, paths in by_reason.items():
        yield f"Does not get {', '.join(collapse(paths, leaves))}: {SENTENCES[ReasonCode(reason)]}"


def _absent_lines(rules: RuleSet, agency: str) -> Iterator[str]:
    if agency not in rules.agencies:
        yield f"No agency `{agency}` takes part."
        return
    yield "Not told: no rule names it for this event, and neither does the publisher."


def _rule_lines(world: World, agency: Entry) -> Iterator[str]:
    """One line for every rule of this event type that could name the agency."""
    could = False
    for rule in world.document["rules"]:
        if world.facts.event_type in rule["events"] and _could_name(rule, agency):
            could = True
            against = list(_against(world, rule, agency))
            verb = "names it" if rule["effect"] == "allow" else "forbids it"
            said = f"{verb}: {rule['reason']}" if not against else f"does not speak: {'; '.join(against)}."
            yield f"Rule `{rule['id']}` {said}"
    if not could:
        roles = all_of(agency["roles"]) if agency["roles"] else "none"
        yield f"No rule for this kind of event can name it (its roles: {roles})."


def _could_name(rule: Entry, agency: Entry) -> bool:
    """Whether there is any event of the type for which the rule would name the agency."""
    of = rule["to"]["of"]
    if rule["to"]["role"] not in agency["roles"]:
        return False
    if of.startswith(_LOCAL):
        in_category = not of.startswith("category:") or of == "category:" + agency["category"]
        return bool(rule["area"] == agency["area"]) and in_category
    needed = _NEEDED_SCHEME.get(of)
    schemes = [scheme for scheme, _ in agency["identifiers"]]
    return needed is None or needed in schemes or of == "child.communityHealth"


def _against(world: World, rule: Entry, agency: Entry) -> Iterator[str]:
    """Everything that keeps the rule from naming the agency in this event."""
    facts = world.facts
    if rule["area"] not in concerned(world):
        yield f"it is a rule of {world.areas[rule['area']]['name']}, which this event does not concern"
    day = world.day.isoformat()
    if rule["validFrom"] is not None and day < rule["validFrom"]:
        yield f"it begins on {rule['validFrom']}"
    if rule["validUntil"] is not None and day > rule["validUntil"]:
        yield f"it ended on {rule['validUntil']}"
    if gateway_answer(rule, facts) == "no":
        yield f"it holds for the legal gateway {one_of(rule['gateways'])}, the event relies on {facts.gateway}"
    for name, wanted in rule["when"].items():
        if answer(name, wanted, facts) == "no":
            yield f"it asks for {wish(name, wanted)}, {fact(name, facts)}"
    named = named_by(world, rule, unsure=False)
    if agency["id"] not in named:
        of = selector_words(rule["to"]["of"])
        lost = any(name.startswith("unresolved:") for name in named)
        yield f"it is for {of}, which cannot be found from the event" if lost else f"it is for {of}, not this agency"

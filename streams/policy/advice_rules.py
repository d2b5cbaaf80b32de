"""Rules that do nothing: that can never match, that name nobody, that a law or a deny rule takes away altogether."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from streams.policy.event_space import UNKNOWN, Axis, Limit, PublishedType, is_empty, left_over, narrowed
from streams.policy.findings import Findings
from streams.policy.located import Path, Problem
from streams.policy.model import Area, RuleModel, at
from streams.policy.reach import Days, Reached
from streams.policy.words import Effect

_SHOWN = 3  # of several names or reasons


class Dead(NamedTuple):
    """One event type for which a rule does nothing: where in the rule that comes from, why, and what to do."""

    kind: str
    path: Path
    why: str
    hint: str


def rules_advice(findings: Findings) -> Iterator[Problem]:
    """Rules, event types of rules and single values in rules that can never have an effect, with the reason."""
    for area, rule in (*findings.allows(), *findings.denies()):
        late = _out_of_time(findings, area, rule)
        if late is not None:
            yield at(area, "rules", rule.id, late.path, f"{_never(rule)}: {late.why}", late.hint)
            continue
        dead = [each for kind in findings.reach.kinds(rule) for each in _dead(findings, area, rule, kind)]
        yield from _reported(area, rule, dead)
        yield from _values(findings, area, rule, {each.kind for each in dead})


def _reported(area: Area, rule: RuleModel, dead: Sequence[Dead]) -> Iterator[Problem]:
    """One problem for the whole rule where all its types share the reason, else one for each type."""
    wholly = {each.kind for each in dead} == set(rule.events)
    if dead and wholly and len({(each.path, each.why) for each in dead}) == 1:
        yield at(area, "rules", rule.id, dead[0].path, f"{_never(rule)}: {dead[0].why}", dead[0].hint)
        return
    for each in dead:
        path = each.path or ("events", rule.events.index(each.kind))
        yield at(area, "rules", rule.id, path, f"{_never(rule)} of `{each.kind}`: {each.why}", each.hint)


def _never(rule: RuleModel) -> str:
    return f"the rule can never {'deny' if rule.effect is Effect.DENY else 'deliver'} anything"


def _out_of_time(findings: Findings, area: Area, rule: RuleModel) -> Dead | None:
    """Rules whose last day is past, and rules that are in force only when their agreement is not."""
    day, agreement = findings.day, findings.reach.agreement_of(area, rule)
    if rule.valid_until is not None and rule.valid_until < day:
        return Dead("", ("validUntil",), f"its last day was {rule.valid_until}", "remove it, or set a later day")
    if agreement is not None and not findings.reach.days_of(area, rule):
        rule_days = Days(rule.valid_from or day, rule.valid_until or agreement.review_by)
        key = "validFrom" if rule_days.first > agreement.review_by else "under"
        why = (
            f"agreement `{agreement.id}` is in force from {agreement.signed_on} to {agreement.review_by}, "
            f"the rule {'from ' + str(rule.valid_from) if rule.valid_from else 'until ' + str(rule.valid_until)}"
        )
        return Dead("", (key,), why, "name an agreement that is in force on the rule's days")
    return None


def _dead(findings: Findings, area: Area, rule: RuleModel, kind: PublishedType) -> Iterator[Dead]:
    """Why the rule has no effect on this type; nothing when it has one."""
    broken = _unmatched(findings, rule, kind)
    if broken is not None:
        yield Dead(kind.name, broken.path, _unmet(rule, kind, broken), _met(broken, kind))
        return
    found = findings.reach.recipients(area, rule)
    if not found:
        who = f" of category `{rule.to.of.partition(':')[2]}`" if rule.to.of.startswith("category:") else ""
        where = "" if rule.to.of in ("explicit", "source") else f" of `{area.spec.area}`"
        why = f"no agency{who or where} that `{rule.to.of}` could find has role `{rule.to.role}`"
        yield Dead(kind.name, ("to", "role"), why, "give an agency the role, or address another role")
        return
    if rule.effect is Effect.ALLOW:
        reached = [each for each in findings.reached[rule.id] if each.kind.name == kind.name]
        if not any(each.delivered for each in reached):
            yield _taken_away(findings, rule, kind, reached)
    else:
        others = [other.id for other in _stronger(findings, area, rule, kind)]
        if others:
            why = f"{_listed(others)} already {'denies' if len(others) == 1 else 'deny'} all of it"
            yield Dead(kind.name, (), why, "remove one of them")


def _taken_away(findings: Findings, rule: RuleModel, kind: PublishedType, reached: Sequence[Reached]) -> Dead:
    denies = sorted({name for each in reached for name in each.denied_by})
    if denies:
        why = f"{_listed(denies)} {'denies' if len(denies) == 1 else 'together deny'} all of it, and deny wins"
        return Dead(kind.name, (), why, f"narrow {_listed(denies)}, or remove this rule")
    barred = sorted({each.barred for each in reached if each.barred})
    if barred:
        more = f"; and {len(barred) - _SHOWN} more" if len(barred) > _SHOWN else ""
        return Dead(kind.name, ("to",), "; ".join(barred[:_SHOWN]) + more, "address somebody who may have it")
    purposes = findings.space_purposes(rule, kind)
    if not purposes:
        why = f"agreement `{rule.under}` covers no purpose for which it may be shared under this rule"
        return Dead(kind.name, ("under",), why, f"the type is shared for {', '.join(map(str, kind.purposes))}")
    return Dead(kind.name, ("to",), f"`{rule.to.of}` finds nobody in the events that the rule asks for",
                "select another recipient, or ask for other events")  # fmt: skip


def _unmatched(findings: Findings, rule: RuleModel, kind: PublishedType) -> Limit | None:
    """The limit with which the rule's own conditions stop matching any event of the type."""
    space = findings.reach.space
    box = space.of_type(kind)
    for limit in space.limits(rule, deny=rule.effect is Effect.DENY):
        box = narrowed(box, limit.axis, limit.mask)
        if is_empty(box):
            return limit
    if not left_over(box, [space.refused()]):
        return Limit(Axis.SCHOOL, 0, ("when", "hasSchool"))
    return None


def _unmet(rule: RuleModel, kind: PublishedType, limit: Limit) -> str:
    name = limit.path[-1]
    match limit.axis:
        case Axis.PUBLISHER:
            return f"no agency that may publish `{kind.name}` is among its `{name}`"
        case Axis.SCHOOL if limit.mask == 0:
            return "under `S49A_DAA` an event always names a school (L-05)"
        case Axis.GATEWAY | Axis.REGIME | Axis.PURPOSE:
            return f"`{kind.name}` is never published under its `{name}`"
        case Axis.CHILD:
            return f"no child of whom events are accepted meets `{name}`"
        case _:
            return f"no accepted event meets `{name}`"


def _met(limit: Limit, kind: PublishedType) -> str:
    match limit.axis:
        case Axis.PUBLISHER:
            return f"it may be published by {_words(kind.publishers)}"
        case Axis.GATEWAY:
            return f"it may be published under {_words(kind.gateways)}"
        case Axis.REGIME:
            return f"it may be published under {_words(kind.regimes)}"
        case Axis.PURPOSE:
            return f"it may be shared for {_words(kind.purposes)}"
        case Axis.CHILD:
            return "children are unborn or at most 26 years old, and `unborn` and `ageYears` must agree"
        case Axis.SCHOOL if limit.mask == 0:
            return "ask for another gateway, or drop `hasSchool: false`"
        case _:
            return "`UNKNOWN` is refused here: leave the condition out, or name another word"


def _stronger(findings: Findings, area: Area, rule: RuleModel, kind: PublishedType) -> list[RuleModel]:
    """Deny rules with the same recipient that together leave this one nothing; of two equal ones the later is said."""
    reach, names = findings.reach, [each.id for each in area.rules]
    mine = reach.asked(rule, kind)
    same = [
        other
        for _, other in findings.denies_of(area, kind.name)
        if other.id != rule.id and other.to == rule.to and reach.days_of(area, other).contain(reach.days_of(area, rule))
    ]
    covers = [(other, reach.asked(other, kind)) for other in same]
    equal_later = [other for other, box in covers if box == mine and names.index(other.id) > names.index(rule.id)]
    covers = [(other, box) for other, box in covers if other not in equal_later]
    return [other for other, _ in covers] if covers and not left_over(mine, [box for _, box in covers]) else []


def _values(findings: Findings, area: Area, rule: RuleModel, dead: set[str]) -> Iterator[Problem]:
    """Single values of a list that no event of any of the rule's types can have."""
    space = findings.reach.space
    boxes = [space.of_type(kind) for kind in findings.reach.kinds(rule) if kind.name not in dead]
    for limit in space.limits(rule, deny=rule.effect is Effect.DENY) if boxes else ():
        values = _value_list(rule, limit.path)
        for i, value in enumerate(values or ()):
            if rule.effect is Effect.DENY and value == UNKNOWN:
                continue  # said twice: what an event does not say is denied anyhow, and some of it refused before
            mask = space.publishers([value]) if limit.path[-1] == "sourceCategory" else space.mask(limit.axis, [value])
            if all(is_empty(narrowed(box, limit.axis, mask)) for box in boxes):
                what = "no agency of the areas" if limit.path[-1] == "sourceCategory" else "no event of the rule"
                does = "publishes it" if limit.path[-1] in ("source", "sourceCategory") else "can have it"
                yield at(area, "rules", rule.id, (*limit.path, i), f"`{value}` changes nothing: {what} {does}",
                         "remove it, or name the event types that have it")  # fmt: skip


def _value_list(rule: RuleModel, path: Path) -> Sequence[str] | None:
    holder = rule if len(path) == 1 else rule.when
    fields = type(holder).model_fields
    name = next((name for name, info in fields.items() if info.alias == path[-1]), None)
    found = getattr(holder, name) if name else None
    return [str(value) for value in found] if isinstance(found, tuple) else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _words(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))

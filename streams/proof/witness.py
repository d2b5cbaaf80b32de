"""From a model of the solver to a real event: the one nearest to the type's example that breaks an invariant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import z3

from schemas.dates import date_of_days, days_of_date
from schemas.event_rules import ALLEGATION, OLDEST_YEARS, is_address
from schemas.examples import example
from schemas.registry import EventType
from schemas.wire import Datum
from streams.proof.event import OTHER, Said, SymbolicEvent
from streams.proof.terms import Term, no
from streams.proof.valid import sole_codes

EVENT_ID = "01928bd0-0000-7000-8000-0000000c0de5"
NOON = time(12, tzinfo=UTC)
# Codes of the right form, each with room for a digit; the first that belongs to nobody is taken.
_STRANGERS = {
    "area_gss": "E0900009{}",
    "school": "99999{}",
    "gp": "Y9999{}",
    "community_health": "Y9998{}",
    "placing_la": "E0900008{}",
    "host_la": "E0900007{}",
    "accused_setting": "99998{}",
}
_SETTINGS = {
    "school": "schoolUrn",
    "gp": "gpOds",
    "community_health": "communityHealthOds",
    "placing_la": "placingLaGss",
    "host_la": "hostLaGss",
    "accused_setting": "accusedSettingUrn",
}
_PLAIN = {
    "gateway": "legalGateway",
    "regime": "dpRegime",
    "purpose": "purpose",
    "urgency": "urgency",
    "grade": "agencyGrade",
    "marking": "handling.marking",
    "protection": "addressProtection",
    "match": "matchStatus",
    "masa_id": "masaId",
    "source_category": "sourceOrg.category",
}
_FLAGS = {
    "do_not_disclose_to_subject": "handling.doNotDiscloseToSubject",
    "sensitive_service": "handling.sensitiveService",
    "restricted": "handling.restricted",
}


@dataclass(frozen=True)
class Found:
    """An event as the solver found it. `values` by dimension; `said` and `concerns` what is true."""

    day: date
    values: Mapping[str, Any]
    flags: Mapping[str, bool]
    concerns: tuple[str, ...]
    said: tuple[Said, ...]

    @property
    def now_ms(self) -> int:
        """Noon of the day, when the event is published and decided."""
        return noon_of(self.day)


def noon_of(day: date) -> int:
    """Milliseconds of a day's noon, UTC."""
    return round(datetime.combine(day, NOON).timestamp() * 1000)


def nearest(solver: z3.Solver, event: SymbolicEvent, wished: Iterable[Term]) -> Found:
    """The event nearest to what is wished, of those that satisfy the solver, which is satisfiable.

    Wishes are granted one by one, in their order, each as far as those before allow; all else that can be left unsaid
    is left unsaid.
    """
    solver.push()
    quiet = [no(term) for term in (*event.said.values(), *event.concerns.values())]
    for wish in (*wished, z3.And(quiet), *quiet):
        if solver.check(wish) == z3.sat:
            solver.add(wish)
    solver.check()
    found = read(solver.model(), event)
    solver.pop()
    return found


def read(model: Any, event: SymbolicEvent) -> Found:
    def true(term: Term) -> bool:
        return bool(z3.is_true(model.eval(term, True)))

    return Found(
        day=event.day.value_in(model),
        values={name: dimension.value_in(model) for name, dimension in event.dimensions.items()},
        flags={name: true(var) for name, var in event.flags.items()},
        concerns=tuple(code for code, var in event.concerns.items() if true(var)),
        said=tuple(said for said, var in event.said.items() if true(var)),
    )


def datum_of(found: Found, event: SymbolicEvent, kind: EventType) -> Datum:
    """The event itself, in wire form, published at noon of its day."""
    overrides: dict[str, Any] = {f"envelope.{path}": found.values[name] for name, path in _PLAIN.items()}
    overrides |= {f"envelope.{path}": found.flags[name] for name, path in _FLAGS.items()}
    overrides |= {f"envelope.settings.{path}": _code(found, event, name) for name, path in _SETTINGS.items()}
    scheme, code = sole_codes(event.world)[found.values["source"]]
    overrides |= {
        "envelope.area.gss": _code(found, event, "area_gss"),
        "envelope.sourceOrg.scheme": scheme,
        "envelope.sourceOrg.id": code,
        "envelope.concerns": list(found.concerns) or None,
        "envelope.proposedRecipients": _judgements(found.said) or None,
        "envelope.excludeRecipients": _exclusions(found.said) or None,
    }
    if found.values["protection"] == "REFUGE":  # P-03
        overrides |= {leaf.path: None for leaf in kind.leaves if is_address(leaf) and leaf.optional}
    if kind.name == ALLEGATION and found.values["accused_setting"] is None:
        overrides["settingScheme"] = "LOCAL"  # a setting without a URN need not be named
    datum = example(kind, now_ms=found.now_ms, event_id=EVENT_ID, overrides=overrides)
    _born(found, datum)
    return datum


def _code(found: Found, event: SymbolicEvent, name: str) -> str | None:
    value: str | None = found.values[name]
    if value != OTHER:
        return value
    codes = (_STRANGERS[name].format(digit) for digit in range(9, -1, -1))
    return next(code for code in codes if code not in event.dimensions[name].variables)


def _born(found: Found, datum: Datum) -> None:
    """Make the child as old, when the event occurred, as it was found to be."""
    envelope, child, age = datum["envelope"], datum["envelope"]["child"], found.values["age_years"]
    if found.flags["unborn"]:
        due = days_of_date(found.day) + 70
        child.update(dateOfBirth=None, expectedDeliveryDate=due)
        return
    child["expectedDeliveryDate"] = None
    if age is None:
        child["dateOfBirth"] = None
        return
    occurred = date_of_days(envelope["occurredAt"] // 86_400_000)
    if age == OLDEST_YEARS:  # possible on one day only
        envelope["occurredAt"] = envelope["recordedAt"] = envelope["publishedAt"]
        occurred = found.day
    slack = timedelta(days=0 if age == OLDEST_YEARS else 60)
    same_day = occurred - slack
    born = same_day.replace(year=same_day.year - age, day=min(same_day.day, 28))
    child["dateOfBirth"] = days_of_date(born if age != OLDEST_YEARS else occurred.replace(year=occurred.year - age))


def _judgements(said: Iterable[Said]) -> list[dict[str, Any]]:
    return [
        {
            "agency": each.agency,
            "role": each.role,
            "judgement": each.what.upper(),
            "ground": "DETRIMENT" if each.what == "withheld" else None,
            "decidedBy": "NAMED_DECISION_MAKER",
            "reasonDigest": None,
            "reviewOn": None,
        }
        for each in said
        if each.what != "excluded" and (each.agency or each.role)
    ]


def _exclusions(said: Iterable[Said]) -> list[dict[str, Any]]:
    return [
        {"agency": each.agency, "role": each.role, "ground": "CLOSE_TO_PERSON_OF_CONCERN"}
        for each in said
        if each.what == "excluded"
    ]

"""Planted violations: spoilt rule sets and missing laws, each found by a real event that the real decision confirms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.json_form import from_json
from schemas.pseudonym import Pseudonymiser
from schemas.validation import validate
from schemas.vocabulary import FieldClass
from streams.cli.event_check import check_event
from streams.cli.event_file import Document as Read
from streams.gateway.checks import ReadyEvent
from streams.gateway.publishers import Publishers
from streams.policy import fields, judgements, settle, special
from streams.policy.artefact import Artefact
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, EpochMillis, LocatorToken
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.proof.claims import broken_by
from streams.proof.counterexample import Counterexample, ProofBroken
from streams.proof.invariants import Invariant
from streams.proof.laws import Laws, all_laws
from streams.proof.verify import Question, Status, Verdict, verify
from streams.proof.world import World
from tests.unit.proof.shipped import (
    TODAY,
    Document,
    Spoil,
    agency,
    drop_rule,
    library,
    north,
    rule,
    share_also,
    shipped,
    spoilt,
    types,
)

INCIDENT, MOVED, RISK = "police.domestic-abuse-incident", "housing.household-moved", "housing.homelessness-risk"
MISSED, ALLEGATION, SEVERED = "health.was-not-brought", "lado.allegation", "identity.severed"
REQUEST = "control.information-request"
ABSENCE, RETRACTION, EARLY_HELP = "education.absence-concern", "control.retraction", "early-help.episode"
CORRECTION, STATUS, RELEASE = "control.correction", "social-care.status-changed", "prison.release-or-contact-risk"
AWAKE = "immediate-reaches-someone-awake"


@dataclass(frozen=True)
class Planted:
    """A change of the rule set that breaks `invariant` with an event of `event_type`."""

    what: str
    invariant: str
    event_type: str
    change: Spoil


def _to(role: str, of: str, name: str, **more: Any) -> Spoil:
    return lambda document: rule(document, name).update(to={"role": role, "of": of}, **more)


def _roles(name: str, *roles: str) -> Spoil:
    return lambda document: agency(document, name)["roles"].extend(roles)


def _locating(role: str) -> Spoil:
    return lambda document: north(document)["locatingRoles"].append(role)


def _staffed(role: str, when: str) -> Spoil:
    return lambda document: north(document)["roles"][role].update(staffed=when)


def _basis(name: str, basis: str) -> Spoil:
    return lambda document: agency(document, name)["dutyBasis"].update(basis=basis)


def _no_contract(name: str) -> Spoil:
    return lambda document: agency(document, name).pop("contract")


def _only(name: str, **fields: Any) -> Spoil:
    return lambda document: rule(document, name).update(fields)


def _all(*changes: Spoil) -> Spoil:
    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change


def _deny(name: str, event_type: str, role: str, of: str) -> Spoil:
    entry = {"id": name, "area": "northshire", "effect": "deny", "events": [event_type], "when": {}, "gateways": None,
             "regimes": None, "to": {"role": role, "of": of}, "reason": "-", "validFrom": None,
             "validUntil": None}  # fmt: skip
    return lambda document: document["rules"].append(entry)


def _landlord(document: Document) -> None:
    north(document)["agreements"]["housing-protocol"]["parties"].append("category:HOUSING_RP")
    north(document)["roles"]["tenancy-support"]["classes"].append("NARRATIVE")


PLANTED = [
    Planted("a role that serves the family is listed as locating", "protected-location-for-those-who-serve-the-child",
            MOVED, _locating("housing-options")),
    Planted("a school's lead is listed as locating", "northshire-locating-roles", INCIDENT, _locating("dsl")),
    Planted("a surgery's lead is listed as locating", "northshire-locating-roles", MISSED,
            _locating("practice-safeguarding-lead")),
    Planted("Cafcass is entered as under the duty", "duty-outside-the-statute", REQUEST,
            _basis("cafcass-northshire", "S11_BODY")),
    Planted("the fire service is entered as under the duty", "duty-outside-the-statute", REQUEST,
            _basis("northshire-fire", "S11_BODY")),
    Planted("a contractor's entry has lost its contract", "contract-scope-and-dates", REQUEST,
            _no_contract("safe-harbour")),
    Planted("a surgery's entry has lost its contract", "contract-scope-and-dates", MISSED,
            _no_contract("elm-street-surgery")),
    Planted("probation is given the front door's role", "offender-services-no-whereabouts", INCIDENT,
            _roles("northshire-probation", "front-door")),
    Planted("the prison is given the duty team's role", "offender-services-no-whereabouts", ABSENCE,
            _roles("hmp-varley", "emergency-duty-team")),
    Planted("an allegation goes to the child's school", "allegation-lane", ALLEGATION,
            _all(_to("dsl", "child.school", "allegation-lado", under="northshire-dsa"),
                 drop_rule("allegation-never-to-school"))),
    Planted("an allegation goes to a named home", "allegation-lane", ALLEGATION,
            _all(_to("registered-manager", "explicit", "allegation-employer-hr", under="contracts-schedule"),
                 drop_rule("allegation-never-to-placement"),
                 lambda d: agency(d, "larch-house")["contract"]["eventTypes"].append(ALLEGATION))),
    Planted("the rule that wakes the duty team is gone", AWAKE, ABSENCE, drop_rule("immediate-to-duty-team")),
    Planted("the duty team goes home at five", AWAKE, ABSENCE, _staffed("emergency-duty-team", "OFFICE_HOURS")),
    Planted("the rule that wakes the duty team lost a power", AWAKE, ABSENCE,
            _only("immediate-to-duty-team", gateways=["S16LA"])),
    Planted("the rule that wakes the duty team asks for a school", AWAKE, EARLY_HELP,
            _only("immediate-to-duty-team", when={"urgency": ["IMMEDIATE"], "hasSchool": True})),
    Planted("the rule that wakes the duty team ends", AWAKE, ABSENCE,
            _only("immediate-to-duty-team", validUntil="2026-10-04")),
    Planted("a deny rule takes the duty team away", AWAKE, ABSENCE,
            _deny("never", ABSENCE, "emergency-duty-team", "area")),
    Planted("Port Varley has no duty team", AWAKE, RISK,
            lambda d: agency(d, "port-varley-csc")["roles"].remove("emergency-duty-team")),
    Planted("a name stands beside a severed number", "severed-identity-no-link", SEVERED,
            share_also("identifier-severed", SEVERED, "envelope.child.name")),
    Planted("the living number stands beside the severed one", "severed-identity-no-link", SEVERED,
            share_also("identifier-severed", SEVERED, "envelope.child.nhsNumber")),
    Planted("a recall says that the child was adopted", "adoption-never", RETRACTION,
            share_also("exchange-word", RETRACTION, "protectedGround", "safeguarding-contact", classes=("ADOPTION",))),
    Planted("the exchange is given the name of the child", "partnership-reads-no-child", RETRACTION,
            share_also("recall-order", RETRACTION, "envelope.child.name", "exchange-desk", classes=("IDENTITY",))),
    Planted("nobody keeps sensitive services from nurseries", "northshire-sensitive-services-not-to-settings",
            EARLY_HELP, drop_rule("sensitive-services-never-to-settings")),
    Planted("a family hub is addressed in its other role", "northshire-sensitive-services-not-to-settings",
            EARLY_HELP, _to("ey-safeguarding-lead", "explicit", "sensitive-services-never-to-settings")),
    Planted("a landlord reads an account of the family", "northshire-no-account-to-landlords", RISK,
            _all(_to("tenancy-support", "explicit", "homelessness-housing-authority"), _landlord,
                 drop_rule("homelessness-never-to-landlord"), share_also("housing", RISK, "note"))),
]  # fmt: skip


def asked(
    artefact: Artefact, invariant: str, event_type: str, *, day: date = TODAY, laws: Callable[[str], Laws] | None = None
) -> Verdict:
    question = Question(artefact=artefact, event_types=types(), first_day=day, only=(event_type,), laws=laws)
    return verify(question, [library()[invariant]])[0]


def decided_again(found: Counterexample, invariant: Invariant, artefact: Artefact) -> tuple[str, ...]:
    """Whom the counterexample's event, read from its JSON as any publisher's, reaches against the invariant."""
    kind, key = types()[found.event_type], Pseudonymiser(b"another key than that of the proof...")
    now = EpochMillis(round(datetime.fromisoformat(found.at.replace("Z", "+00:00")).timestamp() * 1000))
    ready = check_event(Read(line=1, value=dict(found.event)), types(), Publishers.of_rule_set(artefact.document()),
                        agency=None, received_at_ms=now)  # fmt: skip
    assert isinstance(ready, ReadyEvent), ready
    assert validate(kind, from_json(kind, found.event), received_at_ms=now) == []

    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(key.locator(scheme, code))

    facts = facts_from_datum(kind, ready.datum, AgencyId(ready.publisher.id), key)
    decision = decide(facts, RuleSet.build(artefact, types(), token), now)
    day = datetime.fromtimestamp(now / 1000, UTC).date()
    return broken_by(invariant, facts, decision, kind, World(artefact.document()), day, token)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.what)
def test_a_spoilt_rule_set_is_found_out(planted: Planted) -> None:
    """The invariant is broken under the spoilt rules by an event that `masa rules explain` accepts, and else holds."""
    invariant, artefact = library()[planted.invariant], spoilt(planted.change)
    verdict = asked(artefact, planted.invariant, planted.event_type)
    assert verdict.status is Status.VIOLATED
    (found,) = verdict.counterexamples
    assert found.day == TODAY
    assert found.lines
    culprits = decided_again(found, invariant, artefact)
    assert culprits
    assert found.agency in (None, *culprits)
    assert not decided_again(found, invariant, shipped())


def _drop_law(patch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    """Take laws out of the real decision."""
    for table in ("AGENCY_LAWS", "HIT_LAWS"):
        kept = tuple(law for law in getattr(settle, table) if law.__name__ not in names)
        patch.setattr(settle, table, kept)


def _drop_field_law(patch: pytest.MonkeyPatch, **blind: Any) -> None:
    """Let the real decision give fields as if the recipient were another, or the child not protected."""
    real = fields.taken_away

    def lenient(leaf: Any, grant: Any, *, protected: bool) -> Any:
        seen = blind.get("protected", protected)
        view = grant.view._replace(**blind.get("view", {}))
        return real(leaf, grant._replace(view=view, **blind.get("grant", {})), protected=seen)

    patch.setattr(fields, "taken_away", lenient)


def _drop_withholding(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judgements.Judged, "withheld", lambda self, agency, hits: ())


def _drop_conflicts(patch: pytest.MonkeyPatch) -> None:
    for module in (settle, special):
        patch.setattr(module, "excludes", lambda excluded, hit: False)
    patch.setattr(settle, "conflicted", lambda candidate: False)
    patch.setattr(special, "_add_alternates", lambda *given: None)


def _drop_control(patch: pytest.MonkeyPatch) -> None:
    real = fields._reason

    def lenient(leaf: Any, grants: Any, *, protected: bool) -> Any:
        if FieldClass.CONTROL in leaf.classes and any(leaf.path in grant.share for grant in grants):
            return None
        return real(leaf, grants, protected=protected)

    patch.setattr(fields, "_reason", lenient)


def _laws(*names: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: _drop_law(patch, names)


def _nothing(document: Document) -> None:
    pass


def _contract_ended(document: Document) -> None:
    agency(document, "elm-street-surgery")["contract"]["until"] = "2026-10-04"


@dataclass(frozen=True)
class Missing:
    """A law without which the rule set (changed or not) would break `invariant`."""

    invariant: str
    event_type: str
    laws: tuple[str, ...]
    from_decision: Callable[[pytest.MonkeyPatch], None]
    change: Spoil = _nothing
    day: date = TODAY


MISSING = [
    Missing("protected-location", INCIDENT, ("PROTECTED_ADDRESS",), lambda p: _drop_field_law(p, protected=False)),
    Missing("withheld-wins", INCIDENT, ("withholding",), _drop_withholding),
    Missing("duty-needs-a-basis", REQUEST, ("NO_DUTY_BASIS",), _laws("duty_basis")),
    Missing("duty-commenced", CORRECTION, ("DUTY_NOT_COMMENCED", "RULE_NOT_COMMENCED"),
            _laws("duty_commenced", "duty_basis", "rule_area_commenced"), day=date(2026, 9, 20)),
    Missing("contract-scope-and-dates", MISSED, ("CONTRACT_EXPIRED",), _laws("contract_in_time"), _contract_ended),
    Missing("contract-scope-and-dates", EARLY_HELP, ("OUT_OF_CONTRACT_SCOPE",), _laws("contract_in_scope"),
            lambda d: agency(d, "home-start-varley")["contract"]["eventTypes"].remove(EARLY_HELP)),
    Missing("person-of-concern-no-whereabouts", RELEASE, ("PERSON_OF_CONCERN_SERVICE",),
            lambda p: _drop_field_law(p, view={"person_of_concern": False}),
            share_also("offender-side", RELEASE, "envelope.contact.phone", "offender-manager",
                       classes=("CONTACT", "WORKER", "LOCATING"))),
    Missing("sensitive-service-by-decision-only", MISSED, ("SENSITIVE_SERVICE",),
            lambda p: _drop_field_law(p, grant={"confirmed": True})),
    Missing("sensitive-service-event-by-decision-only", INCIDENT, ("SENSITIVE_SERVICE_UNCONFIRMED",),
            _laws("sensitive_service")),
    Missing("allegation-not-to-the-accused", INCIDENT, ("ACCUSED_SETTING",), _laws("accused_setting")),
    Missing("restricted-lane", INCIDENT, ("RESTRICTED_LANE",), _laws("restricted_lane")),
    Missing("conflict-of-interest", INCIDENT, ("conflicts",), _drop_conflicts),
    Missing("instructions-stay", INCIDENT, ("control",), _drop_control,
            share_also("front-door", INCIDENT, "envelope.proposedRecipients", "front-door", classes=("CONTROL",))),
]  # fmt: skip


@pytest.mark.parametrize("missing", MISSING, ids=lambda missing: f"{missing.invariant}-{missing.laws[0]}")
def test_each_law_is_what_its_invariant_rests_on(missing: Missing, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the law the invariant is proven; without it, in formulas and decision alike, it is broken."""
    artefact = spoilt(missing.change)
    assert asked(artefact, missing.invariant, missing.event_type, day=missing.day).status is Status.PROVEN

    def without(event_type: str) -> Laws:
        laws = all_laws(event_type)
        for name in (*missing.laws, *(("NO_DUTY_BASIS",) if "DUTY_NOT_COMMENCED" in missing.laws else ())):
            laws = laws.without(name)
        return laws

    missing.from_decision(monkeypatch)
    verdict = asked(artefact, missing.invariant, missing.event_type, day=missing.day, laws=without)
    assert verdict.status is Status.VIOLATED
    assert decided_again(verdict.counterexamples[0], library()[missing.invariant], artefact)


def test_a_proof_that_the_decision_does_not_bear_out_is_no_verdict() -> None:
    """An encoding that forgot a law accuses nobody: it is caught by the real decision and said loudly."""

    def without(event_type: str) -> Laws:
        return all_laws(event_type).without("RESTRICTED_LANE")

    with pytest.raises(ProofBroken, match=r"`restricted-lane`.* the decision does not"):
        asked(shipped(), "restricted-lane", INCIDENT, laws=without)


def test_what_must_always_happen_is_said_to_last_until_a_day() -> None:
    """The agreement ends on a day, so the invariant holds until the day after, with an event of that day."""
    change: Spoil = _only("immediate-to-duty-team", validUntil="2027-03-31")
    verdict = asked(spoilt(change), AWAKE, ABSENCE)
    assert (verdict.status, verdict.until) == (Status.UNTIL, date(2027, 4, 1))
    assert verdict.counterexamples[0].at == "2027-04-01T12:00:00.000Z"


def test_what_must_never_happen_is_looked_for_on_later_days_too() -> None:
    """A role becomes a locating one only through a rule that begins next year: the proof of today finds it."""
    change = _all(_basis("cafcass-northshire", "S11_BODY"), _only("request-to-named-agency", validFrom="2027-06-01"))
    verdict = asked(spoilt(change), "duty-outside-the-statute", REQUEST)
    assert (verdict.status, verdict.counterexamples[0].day) == (Status.VIOLATED, date(2027, 6, 1))

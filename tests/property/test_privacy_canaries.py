"""No canary where it may not be: the router's own planning, on every case of the shipped areas and on random rule sets.

What a delivery may hold is read from the rule set's document (`tests.entitlements`), not from the policy code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connectors.kafka import topics
from schemas.codec import encode_record
from schemas.examples import example, new_event_id
from schemas.registry import EventType, load_event_types
from schemas.validation import validate
from schemas.vocabulary import FieldClass
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet
from streams.policy.load import load_areas
from streams.policy.model import Area
from tests.canaries import Brood, Canary, Planted, Search, not_null
from tests.entitlements import HOME_AUTHORITY, Entitlements
from tests.events import an_event, at, put
from tests.planned import PSEUDONYMS, Arrived, Delivery, Desk, Planned, key_and_headers, sent
from tests.property.policy_worlds import AGREEMENTS, NORTH_AGENCIES, rule
from tests.unit.policy.builders import ABSENCE, INCIDENT, area, east

AREAS = Path(__file__).parents[2] / "deploy" / "areas"
TODAY = date(2026, 10, 1)
TYPES = load_event_types()
SETTINGS = tuple(
    f"envelope.settings.{name}"
    for name in ("schoolUrn", "gpOds", "communityHealthOds", "placingLaGss", "hostLaGss", "accusedSettingUrn")
)
# These decide who receives, so that a test of many recipients keeps them: they are searched for like the canaries.
DECIDING = (*SETTINGS, "envelope.sourceOrg.id")
PROTECTED = ("PROTECTED", "REFUGE", "PLACEMENT")
CANARY_CLASSES = frozenset({FieldClass.LOCATING, FieldClass.NARRATIVE, FieldClass.IDENTITY})


@cache
def shipped() -> Sequence[Area]:
    return tuple(load_areas(AREAS / "northshire", TODAY))


@cache
def artefact() -> Artefact:
    return compile_areas(shipped(), TYPES, TODAY)


@cache
def rules() -> RuleSet:
    return built(artefact())


@cache
def entitlements() -> Entitlements:
    return Entitlements(artefact().document())


@cache
def desk() -> Desk:
    return Desk(rules())


def built(made: Artefact) -> RuleSet:
    return RuleSet.build(made, TYPES, lambda scheme, code: LocatorToken(PSEUDONYMS.locator(scheme, code)))


@dataclass(frozen=True)
class Story:
    """An event of a case file: who publishes it, when, and what it says."""

    name: str
    event_type: EventType
    agency: str
    gateway: bool
    at_ms: int
    datum: dict[str, Any]

    def told(self, datum: Mapping[str, Any], offset: int = 0) -> Arrived:
        return sent(
            self.event_type, dict(datum), agency=self.agency, gateway=self.gateway, offset=offset, at=self.at_ms
        )

    def planned(self, datum: Mapping[str, Any]) -> Planned:
        return desk().plan([self.told(datum)], now=self.at_ms, commit=False)

    def protected(self, level: str) -> dict[str, Any]:
        """The event about a child whose address is protected. A refuge has no address to tell (P-03)."""
        overrides = {"envelope.addressProtection": level}
        if level == "REFUGE":
            overrides |= {path: None for path in ("newAddress",) if self.event_type.name == "housing.household-moved"}
        return self.with_values(overrides)

    def with_values(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = json.loads(json.dumps(self.datum))
        for path, value in overrides.items():
            put(changed, path, value)
        return changed


@cache
def stories() -> tuple[Story, ...]:
    """Every event of every case of the shipped areas, and the example of every type: all that the rules speak about."""
    made = [story for each in shipped() for case in each.cases if (story := told_in(case)) is not None]
    return (*made, *map(told_in_example, TYPES.values()))


def told_in(case: Any) -> Story | None:
    kind = TYPES[case.event.type]
    millis = round(case.at.timestamp() * 1000)
    overrides = dict(case.event.set)
    if case.event.source is not None:
        publisher = rules().agencies[case.event.source]
        scheme, code = publisher.identifiers[0]
        stated = {"category": publisher.category, "scheme": scheme, "id": code}
        overrides = {f"envelope.sourceOrg.{name}": value for name, value in stated.items()} | overrides
        overrides = {"envelope.masaId": publisher.area} | overrides
    datum = example(kind, now_ms=millis, event_id=new_event_id(millis, 1), overrides=overrides)
    return story_of(case.name, kind, millis, datum, case.event.source)


def told_in_example(kind: EventType) -> Story:
    datum = an_event(kind)
    story = story_of(kind.name, kind, datum["envelope"]["publishedAt"], datum, None)
    assert story is not None
    return story


def story_of(name: str, kind: EventType, millis: int, datum: dict[str, Any], source: str | None) -> Story | None:
    stated = datum["envelope"]["sourceOrg"]
    publisher = rules().agencies.get(source) if source else rules().agency_for(stated["scheme"], stated["id"])  # type: ignore[call-overload]
    if publisher is None or validate(kind, datum, received_at_ms=millis):
        return None
    return Story(name, kind, publisher.id, publisher.channel == "gateway", millis, datum)


def planted(story: Story, datum: Mapping[str, Any], start: int, *, keep: tuple[str, ...] = DECIDING) -> Planted:
    """With canaries; still valid, or the test would look at a rejection and be content."""
    made = Brood(start).plant(story.event_type, datum, keep)
    assert all(len(canary.paths) == 1 or set(canary.paths) <= set(keep) for canary in made.canaries)
    assert validate(story.event_type, made.datum, received_at_ms=story.at_ms) == [], story.name
    return made


def leaks(made: Planted, planned: Planned, allowed: Entitlements, *, protected: bool) -> Iterator[str]:
    """Everything in a plan's outputs that may not be there, as sentences."""
    search = Search(made.canaries)
    for canary in search.plainly(key_and_headers(planned.outputs)):
        yield f"{named(canary)} in a key or header"
    for _, value, _, _ in planned.to(topics.AUDIT):
        yield from (
            f"{named(canary)} in the audit record" for canary in search.plainly(value or b"") if searchable(canary)
        )
    for audit in planned.audits:
        text = json.dumps({**audit, "contentDigest": None}, default=str).encode()
        yield from (f"{named(canary)} in the audit record" for canary in search.plainly(text))
    for kept in (*planned.held, *planned.rejected):
        said = json.dumps({**kept, "value": None}, default=str).encode()
        yield from (f"{named(canary)} beside a kept payload" for canary in search.plainly(said))
    for delivery in planned.deliveries:
        yield from leaks_of(delivery, search, allowed, protected=protected)
        if protected:
            yield from homes_told(delivery, at(made.datum, HOME_AUTHORITY), allowed)


def homes_told(delivery: Delivery, home: str | None, allowed: Entitlements) -> Iterator[str]:
    """A protected child's home authority, by whatever field, outside the fields of a locating role."""
    code = (home or "no authority stated").encode()
    if code in key_and_headers([delivery.output]):
        yield f"the home authority in a key or header to {delivery.agency}"
    if code in (delivery.output[1] or b"") and not allowed.is_locating(delivery.agency, delivery.roles):
        yield f"the home authority delivered to {delivery.agency} as {', '.join(delivery.roles)}"


def named(canary: Canary) -> str:
    return " and ".join(canary.paths)


def searchable(canary: Canary) -> bool:
    """Three characters stand in any digest by chance; the decoded record is searched for those."""
    return len(canary.value) >= 6


def leaks_of(delivery: Delivery, search: Search, allowed: Entitlements, *, protected: bool) -> Iterator[str]:
    kind = delivery.event_type
    may = allowed.fields(kind, delivery.agency, delivery.roles, delivery.rules, protected=protected)
    to = f"{delivery.agency} as {', '.join(delivery.roles)} by {', '.join(delivery.rules)}"
    for path in not_null(kind, delivery.datum) - may:
        yield f"{path} delivered to {to}"
    values = delivery.output[1] or b""
    for canary in search.plainly(values):
        if may.isdisjoint(canary.paths) and searchable(canary):
            yield f"the canary of {named(canary)} delivered to {to}"
        if (
            protected
            and FieldClass.LOCATING in canary.classes
            and not allowed.is_locating(delivery.agency, delivery.roles)
        ):
            yield f"where the child is ({named(canary)}) delivered to {to}"


def test_the_stories_reach_every_rule_and_every_event_type() -> None:
    """Each allow rule of both areas delivers in one of them at least, so every projection is looked at.

    But those for the team of an open case, whom no event names; what they share is shared by other rules too.
    """
    spoke: set[str] = set()
    types: set[str] = set()
    for story in stories():
        for delivery in story.planned(story.datum).deliveries:
            spoke |= set(delivery.rules)
            types.add(story.event_type.name)
    assert entitlements().allow_rules() - spoke == entitlements().rules_to("child.allocatedTeam")
    assert {story.event_type.name for story in stories()} == set(TYPES)
    assert set(TYPES) - types <= {"control.withheld"}


@pytest.mark.parametrize("level", ["AS_IT_IS", *PROTECTED])
def test_no_canary_is_where_it_may_not_be(level: str) -> None:
    """Every case and example, with a canary in every field: deliveries hold what their rules share, and the place of a
    protected child only for locating roles; audit records, keys and headers hold none at all."""
    found: list[str] = []
    seen: Counter[FieldClass] = Counter()
    for number, story in enumerate(stories()):
        datum = story.datum if level == "AS_IT_IS" else story.protected(level)
        made = planted(
            story, datum, number * 101, keep=DECIDING if level != "REFUGE" else (*DECIDING, *addresses(story))
        )
        planned = story.planned(made.datum)
        assert not planned.rejected, (story.name, planned.rejected[0]["explanation"])
        protected = made.datum["envelope"]["addressProtection"] != "NONE"
        found += [f"{story.name}: {leak}" for leak in leaks(made, planned, entitlements(), protected=protected)]
        search = Search(made.canaries)
        for delivery in planned.deliveries:
            for canary in search.plainly(delivery.output[1] or b""):
                seen.update(canary.classes)
    assert found == []
    assert set(seen) >= CANARY_CLASSES, "the search finds what is allowed, so it would find what is not"


def addresses(story: Story) -> tuple[str, ...]:
    """Fields that must stay empty for a child in a refuge."""
    return tuple(path for path in story.event_type.paths if path.startswith("newAddress."))


@pytest.mark.parametrize("level", PROTECTED)
def test_codes_of_settings_nobody_knows_are_no_more_visible(level: str) -> None:
    """School, GP, 0-19 provider and authorities that no agency has: the event is held or falls back, without their
    codes."""
    found: list[str] = []
    held = 0
    for number, story in enumerate(stories()):
        empty = tuple(path for path in SETTINGS if at(story.datum, path) is None)
        keep = (*empty, "envelope.sourceOrg.id", *addresses(story))
        made = planted(story, story.protected(level), number * 101, keep=keep)
        planned = story.planned(made.datum)
        held += len(planned.held)
        found += [f"{story.name}: {leak}" for leak in leaks(made, planned, entitlements(), protected=True)]
    assert found == []
    assert held > 50


def test_nothing_at_all_arrives_where_the_publisher_withholds() -> None:
    """Each recipient in turn, and then all of them: no record, no trace in another recipient's record."""
    turns = 0
    for number, story in enumerate(stories()):
        made = planted(story, story.protected("PROTECTED"), number * 101)
        before = [delivery.agency for delivery in story.planned(made.datum).deliveries]
        for withheld in [*([agency] for agency in before[:2]), before][: 3 if before else 0]:
            turns += 1
            datum = withholding(made.datum, withheld)
            planned = story.planned(datum)
            assert not planned.rejected
            assert {each.agency for each in planned.deliveries}.isdisjoint(withheld), story.name
            (audit,) = planned.audits
            outcomes = {each["agency"]: each["outcome"] for each in audit["outcomes"]}
            assert {outcomes[agency] for agency in withheld} == {"WITHHELD"}
            for output in planned.outputs:
                if output[0].endswith("inbox"):
                    assert output[0] not in {topics.inbox(agency) for agency in withheld}
                    assert not any(agency.encode() in key_and_headers([output]) for agency in withheld), story.name
            assert list(leaks(made, planned, entitlements(), protected=True)) == []
    assert turns > 300


def withholding(datum: Mapping[str, Any], agencies: Sequence[str]) -> dict[str, Any]:
    """The event with the publisher's judgement against each agency (s16LA(3)); what it said of others stays."""
    changed: dict[str, Any] = json.loads(json.dumps(datum))
    envelope = changed["envelope"]
    said = [each for each in envelope["proposedRecipients"] or [] if each["agency"] not in agencies]
    judgement = {"role": None, "judgement": "WITHHELD", "ground": "DETRIMENT", "decidedBy": "NAMED_DECISION_MAKER"}
    empty = {"reasonDigest": None, "reviewOn": None}
    envelope["proposedRecipients"] = [*said, *({"agency": agency, **judgement, **empty} for agency in agencies)]
    return changed


def test_unknown_protection_is_delivered_to_nobody() -> None:
    """A publisher that does not say whether the address is protected is asked to: the event is rejected, whole."""
    for number, story in enumerate(stories()):
        made = planted(story, story.datum, number * 101)
        planned = story.planned(put(made.datum, "envelope.addressProtection", "UNKNOWN"))
        assert planned.deliveries == []
        (rejected,) = planned.rejected
        assert (rejected["reason"], rejected["path"]) == ("REQUIRED_FIELD", "envelope.addressProtection")
        assert list(leaks(made, planned, entitlements(), protected=True)) == []


def test_a_refuge_address_never_gets_in() -> None:
    """Any address field of any type filled for a child in a refuge: rejected, whole."""
    tried = 0
    for story in stories():
        if any(at(story.datum, path) is not None for path in addresses(story)):
            planned = story.planned(story.with_values({"envelope.addressProtection": "REFUGE"}))
            tried += 1
            assert planned.deliveries == []
            assert [each["reason"] for each in planned.rejected] == ["REFUGE_ADDRESS"]
    assert tried


@pytest.mark.parametrize(
    "setting", ["oakfield-primary", "kingsmere-academy", "varley-college", "little-acorns-nursery"]
)
def test_an_allegation_never_reaches_the_setting_of_the_accused(setting: str) -> None:
    """LADO lane (P-16): whoever publishes, and even when the publisher confirms the setting by name."""
    accused = rules().agencies.get(setting)  # type: ignore[call-overload]
    if accused is None:
        pytest.fail(f"no agency `{setting}` in the shipped areas")
    code = next((code for scheme, code in accused.identifiers if scheme in ("URN", "OFSTED_URN")), None)
    allegations = [story for story in stories() if story.event_type.name == "lado.allegation"]
    assert len(allegations) >= 5
    for number, story in enumerate(allegations):
        made = planted(story, story.with_values({"envelope.excludeRecipients": None}), number * 101)
        put(made.datum, "envelope.settings.accusedSettingUrn", code)
        for confirmed in ([], [setting]):
            datum = confirming(made.datum, confirmed)
            planned = story.planned(datum)
            assert not planned.rejected
            assert setting not in {each.agency for each in planned.deliveries}
            assert not any(setting.encode() in key_and_headers([o]) for o in planned.outputs if o[0].endswith("inbox"))
        assert list(leaks(made, planned, entitlements(), protected=False)) == []


def confirming(datum: Mapping[str, Any], agencies: Sequence[str]) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(datum))
    envelope = changed["envelope"]
    judgement = {"role": None, "judgement": "CONFIRMED", "ground": None, "decidedBy": "NAMED_DECISION_MAKER"}
    empty = {"reasonDigest": None, "reviewOn": None}
    more = [{"agency": agency, **judgement, **empty} for agency in agencies]
    envelope["proposedRecipients"] = [*(envelope["proposedRecipients"] or []), *more] or None
    return changed


def test_a_sensitive_service_tells_only_whom_the_publisher_confirmed() -> None:
    """P-09: nobody receives an event of a sensitive service without being confirmed, and no field of sexual health or
    of a sensitive service goes to anybody else."""
    delivered = 0
    for number, story in enumerate(stories()):
        flagged = story.with_values({"envelope.handling.sensitiveService": True, "envelope.proposedRecipients": None})
        made = planted(story, flagged, number * 101)
        before = story.planned(made.datum)
        assert before.deliveries == [], story.name
        candidates = [each["agency"] for each in before.audits[0]["outcomes"] if each["agency"] in rules().agencies]
        for agency in candidates[:2]:
            planned = story.planned(confirming(made.datum, [agency]))
            assert {each.agency for each in planned.deliveries} <= {agency}
            delivered += len(planned.deliveries)
            protected = made.datum["envelope"]["addressProtection"] != "NONE"
            assert list(leaks(made, planned, entitlements(), protected=protected)) == []
    assert delivered > 30


def test_sensitive_fields_need_a_confirmation() -> None:
    """Without one, SEXUAL_HEALTH and SENSITIVE_SERVICE fields are null in every delivery, whatever the rule shares."""
    sensitive = {FieldClass.SEXUAL_HEALTH, FieldClass.SENSITIVE_SERVICE}
    filled = 0
    for story in stories():
        fields = [leaf.path for leaf in story.event_type.leaves if leaf.classes & sensitive]
        if not fields:
            continue
        plain = {"envelope.proposedRecipients": None, "envelope.handling.sensitiveService": False}
        datum = story.with_values(plain | {path: something(story.event_type, path) for path in fields})
        filled += 1
        for delivery in story.planned(datum).deliveries:
            assert [path for path in fields if at(delivery.datum, path) is not None] == []
    assert filled


def something(event_type: EventType, path: str) -> Any:
    """A word of a coded field, or a list of one."""
    leaf = event_type.leaf_by_path[path]
    return [leaf.node["items"]["symbols"][1]] if leaf.kind == "array" else leaf.symbols[1]


REAL_SHARES: dict[str, Any] = {
    "clinic": {"reason": "health", "common": ["envelope.child.name"], "events": {ABSENCE: ["sessionsMissed"]}},
    "everything": {
        "reason": "all",
        "common": ["envelope.settings", "envelope.relatedPersons", "envelope.contact", "envelope.child",
                   "envelope.sourceOrg.id", "envelope.sourceSystem", "envelope.relevanceReason",
                   "envelope.safeContact"],
        "events": {INCIDENT: ["policeRef", "incidentDate", "note"], ABSENCE: ["sessionsMissed", "note"]},
    },
    "name-only": {"reason": "who", "common": ["envelope.child.name"]},
    "school": {
        "reason": "school",
        "common": ["envelope.child.name", "envelope.child.upn", "envelope.settings", "envelope.sourceOrg.id"],
        "events": {INCIDENT: ["incidentDate", "note"], ABSENCE: ["sessionsMissed", "note"]},
    },
}  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_no_rule_set_can_leak(seed: int) -> None:
    """Random rules, roles and locating roles: what the document names is all that arrives, and locating fields of a
    protected child only in a locating role."""
    rnd = Random(seed)
    spec = {"locatingRoles": rnd.choice([[], ["front-door"], ["front-door", "dsl"], ["gp-lead", "sealed-desk"]])}
    made_rules = [rule(rnd, f"rule-{n:02}") for n in range(rnd.randint(4, 12))]
    here = area(made_rules, spec=spec, agencies=NORTH_AGENCIES, agreements=AGREEMENTS, projections=REAL_SHARES)
    made = compile_areas([here, east([], projections=REAL_SHARES)], TYPES, TODAY)
    rule_set, allowed = built(made), Entitlements(made.document())
    desk = Desk(rule_set)
    delivered = 0
    for number in range(6):
        story = random_story(rnd)
        datum = story.with_values({"envelope.addressProtection": rnd.choice(["NONE", *PROTECTED])})
        planted_in = planted(story, datum, rnd.randrange(10**5))
        planted_in.datum["envelope"]["eventId"] = new_event_id(story.at_ms, rnd.getrandbits)
        planned = desk.plan([story.told(planted_in.datum, offset=number)], now=story.at_ms)
        assert not planned.rejected, planned.rejected[0]["explanation"]
        protected = datum["envelope"]["addressProtection"] != "NONE"
        assert list(leaks(planted_in, planned, allowed, protected=protected)) == []
        delivered += len(planned.deliveries)
    assume(delivered)


def random_story(rnd: Random) -> Story:
    """An event of one of the two types that the random rules are about, by the police of their area."""
    name = rnd.choice([INCIDENT, INCIDENT, ABSENCE])
    kind = TYPES[name]
    source = (
        ("oak-school", "SCHOOL", "URN", "990001") if name == ABSENCE else ("north-police", "POLICE", "GSS", "E23000099")
    )
    agency, category, scheme, code = source
    datum = an_event(
        kind,
        envelope__masaId="north",
        envelope__sourceOrg__category=category,
        envelope__sourceOrg__scheme=scheme,
        envelope__sourceOrg__id=code,
        envelope__legalGateway=rnd.choice([str(each) for each in kind.gateways if each != "S213B_HOUSING"]),
        envelope__settings__schoolUrn=rnd.choice(["990001", "990002", "990004"]),
        envelope__settings__gpOds=rnd.choice(["Z99001", "Z99002"]),
        envelope__matchStatus=rnd.choice(["MATCH", "MATCH", "NO_MATCH", "MANY_MATCH"]),
        envelope__handling__restricted=rnd.random() < 0.1,
    )
    return Story(name, kind, agency, False, datum["envelope"]["publishedAt"], datum)


def test_the_search_finds_what_is_planted() -> None:
    """Plain, in an event's bytes, in JSON, compressed, in hexadecimal and in base 64; not inside a longer number."""
    import base64
    import zlib

    code = Canary(("a",), frozenset({FieldClass.LOCATING}), "981234")
    text = Canary(("b",), frozenset({FieldClass.NARRATIVE}), Brood().value(None, 100) or "")
    search = Search([code, text])
    for canary in (code, text):
        around = b'{"urn": "' + canary.value.encode() + b'", "more": "and some more of it"}'
        event = b"\x02\x0c" + canary.value.encode() + b"\x00\x02"
        for form in (around, event, zlib.compress(around), around.hex().encode(), base64.b64encode(around)):
            assert search.found(b"lead in " + form if form[:1] != b"x" else form) == {canary}
    assert search.found(b"7b981234ce") == set()
    assert search.found(b"1798123456789") == set()


def test_the_leak_check_finds_planted_leaks() -> None:
    """A delivery with one field too many, a header and an audit record with a canary: each is named."""
    story = told_in_example(TYPES[INCIDENT])
    made = planted(story, story.protected("PROTECTED"), 7)
    planned = story.planned(made.datum)
    assert list(leaks(made, planned, entitlements(), protected=True)) == []
    school = next(each for each in planned.deliveries if each.agency == "oakfield-primary")
    whole = story.told(made.datum).value()
    opened = Planned(((school.output[0], whole, school.output[2], school.output[3]),), ())
    found = list(leaks(made, opened, entitlements(), protected=True))
    assert any("envelope.contact.phone delivered to oakfield-primary" in each for each in found)
    assert any("where the child is (envelope.contact.phone)" in each for each in found)
    assert any("the home authority delivered to oakfield-primary" in each for each in found)
    name = at(made.datum, "envelope.child.name")
    spoken = Planned(((school.output[0], school.output[1], name, school.output[3]),), ())
    assert "envelope.child.name in a key or header" in list(leaks(made, spoken, entitlements(), protected=True))
    audit = {**planned.audits[0], "reasons": [str(name)]}
    telling = Planned(((topics.AUDIT, encode_record("audit", audit), None, None),), ())
    assert "envelope.child.name in the audit record" in list(leaks(made, telling, entitlements(), protected=True))


def test_nearly_every_case_is_a_story() -> None:
    """Left out are only cases whose publisher is not in the rule set."""
    cases = sum(len(each.cases) for each in shipped())
    assert len(stories()) >= 0.98 * cases + len(TYPES)

"""Stops: what a person halts at once waits, and only that (R-10)."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.vocabulary import Disposition
from streams.policy.decide import decide
from streams.policy.explain import explain
from streams.policy.facts import EpochMillis, Facts
from streams.policy.stops import Stop, StopId, stop_from_document
from tests.unit.policy.builders import (
    ABSENCE,
    INCIDENT,
    NOW,
    allow,
    area,
    artefact,
    deny,
    facts,
    judgement,
    rule_set,
    token,
)

SCHOOL = allow("to-school", "dsl", "child.school", share="school")
GP = allow("to-gp", "gp-lead", "child.gp")
GP_ALSO = allow("to-gp-also", "gp-lead", "area")
HOME = allow("to-home", "front-door", "child.homeAuthority", share="everything")
RULES = rule_set(area([SCHOOL, GP, GP_ALSO, HOME]))
STOPPED = ("SHARING_STOPPED",)


def stop(identity: str = "s1", **parts: Any) -> Stop:
    return Stop(id=StopId(identity), reason="inbox read by a stranger", by="A. Lead", since=EpochMillis(0), **parts)


def said(*stops: Stop, event: Facts | None = None) -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    decision = decide(event or facts(), RULES.with_stops(stops), NOW)
    return {o.agency: (o.kind.value, o.rules, o.reasons) for o in decision.outcomes}


def test_a_stopped_recipient_waits_and_nobody_else() -> None:
    """A stop of an agency holds what it would receive; the event stays decided, so the rest goes out."""
    now = said(stop(agency="elm-surgery"))
    assert now.pop("elm-surgery") == ("HELD", ("to-gp", "to-gp-also", "stop:s1"), STOPPED)
    assert {name: told for name, told in said().items() if name != "elm-surgery"} == now
    decision = decide(facts(), RULES.with_stops([stop(agency="elm-surgery")]), NOW)
    assert (decision.disposition, decision.rule_set) == (Disposition.DECIDED, RULES.hash)


def test_a_stopped_publisher_reaches_nobody() -> None:
    """Every would-be delivery of its events waits; those of other publishers do not."""
    own = said(stop(agency="north-police"))
    assert {kind for kind, _, _ in own.values()} == {"HELD"}
    others = said(stop(agency="north-police"), event=facts(source="north-probation"))
    assert others == said(event=facts(source="north-probation"))


def test_a_stopped_event_type_reaches_nobody() -> None:
    """Only of that type."""
    assert {kind for kind, _, _ in said(stop(event_type=INCIDENT)).values()} == {"HELD"}
    assert said(stop(event_type=ABSENCE)) == said()


def test_a_stopped_rule_is_missed_only_where_no_other_stands() -> None:
    """Where another rule shares with the same recipient it goes on, with that one's fields; the stop is named."""
    now = said(stop(rule="to-gp"))
    assert now["elm-surgery"] == ("DELIVERED", ("to-gp-also", "stop:s1"), ("ALLOWED",))
    both = said(stop(rule="to-gp"), stop("s2", rule="to-gp-also"))
    assert both["elm-surgery"] == ("HELD", ("to-gp", "to-gp-also", "stop:s1", "stop:s2"), STOPPED)
    assert both["oak-school"] == said()["oak-school"]


def test_every_named_part_must_match() -> None:
    """A narrow stop halts no more than it says."""
    assert said(stop(rule="to-gp", agency="oak-school")) == said()
    assert said(stop(agency="oak-school", event_type=ABSENCE)) == said()
    assert said(stop(rule="to-school", agency="oak-school", event_type=INCIDENT))["oak-school"][0] == "HELD"


def test_withheld_and_denied_stay_as_they_are() -> None:
    """A stop is weaker than the publisher's judgement and the law: what is refused does not begin to wait."""
    withheld = facts(judgements=(judgement("oak-school", "WITHHELD", ground="DETRIMENT"),))
    stops = [stop(event_type=INCIDENT)]
    assert said(*stops, event=withheld)["oak-school"] == said(event=withheld)["oak-school"]
    denied = rule_set(area([SCHOOL, deny("no-school", "dsl", "child.school")]))
    assert decide(facts(), denied.with_stops(stops), NOW) == decide(facts(), denied, NOW)


def test_a_stop_never_sets_free_what_waits() -> None:
    """The rule that made a recipient wait is stopped: the recipient keeps waiting, as before."""
    unsure = facts(match="MANY_MATCH")
    before, now = said(event=unsure)["elm-surgery"], said(stop(rule="to-gp"), event=unsure)["elm-surgery"]
    assert now == before == ("HELD", ("to-gp", "to-gp-also"), ("LOW_MATCH_STATUS",))


def test_stops_are_replaced_and_lifted() -> None:
    """`with_stops` says which stops hold, whatever held before; none gives the first decision again."""
    stopped = RULES.with_stops([stop(event_type=INCIDENT)])
    decide(facts(), stopped, NOW)
    assert decide(facts(), stopped.with_stops(()), NOW) == decide(facts(), RULES, NOW)


def test_an_explanation_names_the_stop_and_who_ordered_it() -> None:
    """A safeguarding lead reads why the school waits."""
    here = area([SCHOOL])
    rules, document = rule_set(here).with_stops([stop(rule="to-school")]), artefact(here).document()
    told = explain(facts(), rules, document, token, NOW).text()
    assert "HELD: waits for a person." in told
    assert "Stopped by A. Lead (`s1`): inbox read by a stranger" in told


def test_a_stop_goes_through_json() -> None:
    """What is published is what was ordered."""
    ordered = stop(rule="to-gp", event_type=INCIDENT)
    assert stop_from_document(ordered.as_document()) == ordered


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agency": None}, "`agency` of a stop must be a text"),
        ({"since": "today"}, "`since` of a stop must be an instant"),
        ({"agencies": ["oak-school"]}, "a stop has no `agencies`"),
        ({"id": "Stop 1"}, "`Stop 1` is no id of a stop"),
    ],
)
def test_a_stop_that_could_be_misread_is_refused(changes: dict[str, Any], message: str) -> None:
    """An unknown or mistyped part would stop too much or too little."""
    with pytest.raises(ValueError, match=message):
        stop_from_document({**stop(agency="oak-school").as_document(), **changes})


def test_a_stop_names_something() -> None:
    """A stop of everything by a forgotten option is no stop that anybody ordered."""
    with pytest.raises(ValueError, match="name a rule, an agency or an event type"):
        stop()

"""Every decision about an event is made again as it was: under the rule set and the stops of then."""

from __future__ import annotations

from functools import cache

from connectors.kafka.reader import Record
from schemas.examples import example
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.cli.explain_event import replayed
from streams.cli.policy_topic import PolicyTopic, policy_of
from streams.ledger.replay import PastDecision, decision_of
from streams.policy.artefact import Artefact
from streams.policy.decide import decide
from streams.policy.facts import AgencyId, Facts, LocatorToken, RuleId
from streams.policy.facts_from import facts_from_datum
from streams.policy.index import RuleSet
from streams.policy.stops import Stop, StopId
from streams.routing.audit_record import inputs_datum, outcome_datum
from streams.routing.deliveries import shortened
from streams.routing.signers import self_signed, throwaway_signers
from tests.integration.masa_command import NORTHSHIRE
from tests.unit.policy.builders import NOW

INCIDENT = "police.domestic-abuse-incident"
PSEUDONYMISER = Pseudonymiser(b"a key of this test's own, 32 byte")
SCHOOL = AgencyId("oakfield-primary")
STOP = Stop(id=StopId("s-1"), agency=SCHOOL, reason="inbox lost", by="asha", since=NOW)


def token(scheme: str, code: str) -> LocatorToken:
    return LocatorToken(PSEUDONYMISER.locator(scheme, code))


@cache
def artefact() -> Artefact:
    return compile_area(NORTHSHIRE).artefact


@cache
def policy() -> PolicyTopic:
    """The topic with Northshire's rules on it, and no stop."""
    records = self_signed("northshire", artefact(), 1, throwaway_signers())
    return policy_of((Record("masa.policy", 0, at, NOW, r.key, r.value, ()) for at, r in enumerate(records)), None)


@cache
def rules() -> RuleSet:
    return RuleSet.build(artefact(), load_event_types(), token)


def facts() -> Facts:
    kind = load_event_types()[INCIDENT]
    datum = example(kind, now_ms=NOW, event_id="0192d5a4-7c1e-7000-8000-3c5e12ab9f01", overrides={})
    return facts_from_datum(kind, datum, AgencyId("northshire-police"), PSEUDONYMISER)


def past(rule_set: RuleSet | None) -> PastDecision:
    """What the record says of the decision under these rules."""
    asked, kind = facts(), load_event_types()[INCIDENT]
    decision = decide(asked, rule_set, NOW)
    outcomes = [
        outcome_datum(each, shortened(each.plan, kind) if each.plan else (), None, None) for each in decision.outcomes
    ]
    return decision_of({
        "kind": decision.disposition.value, "decidedAt": NOW, "eventId": asked.event_id, "eventType": INCIDENT,
        "source": asked.source, "ruleSet": decision.rule_set, "reasons": list(decision.reasons),
        "inputs": inputs_datum(asked), "outcomes": outcomes,
    })  # fmt: skip


def test_a_held_event_and_its_later_decision_both_replay() -> None:
    """Without rules it waited, later it was decided; the last decision is the one explained."""
    answer = replayed([past(None), past(rules())], policy(), PSEUDONYMISER, None)
    assert (answer.warnings, answer.faithful) == ((), True)
    assert SCHOOL in {each.agency for each in answer.explanation.agencies}


def test_an_event_that_still_waits_for_rules_is_explained() -> None:
    """There is no rule set to replay it under, and none is needed."""
    answer = replayed([past(None)], policy(), PSEUDONYMISER, None)
    assert (answer.rule_set, answer.faithful) == ("none", True)
    assert answer.explanation.lines == (
        "No rules are in force, so nothing is shared and the event waits for a person.",
    )


def test_a_difference_says_which_of_several_decisions_it_is_about() -> None:
    """A rule that never spoke, in the second one."""
    decided = past(rules())
    outcome = decided.outcomes[SCHOOL]
    altered = decided._replace(outcomes={**decided.outcomes, SCHOOL: outcome._replace(rules=(RuleId("forged"),))})
    answer = replayed([decided, altered], policy(), PSEUDONYMISER, None)
    assert not answer.faithful
    assert [warning.split(", with other rules: forged")[0] for warning in answer.warnings] == [
        f"decision 2 of 2: `{SCHOOL}` is DELIVERED as before"
    ]


def test_a_stop_that_is_lost_is_told() -> None:
    """The outcome names a stop that the topic no longer has, so it comes out otherwise."""
    answer = replayed([past(rules().with_stops([STOP]))], policy(), PSEUDONYMISER, None)
    assert not answer.faithful
    assert answer.warnings[0] == "stop `s-1` is not on `masa.policy` any more"
    assert f"`{SCHOOL}` was HELD, and would be DELIVERED" in answer.warnings

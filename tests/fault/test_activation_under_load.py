"""Rule sets change while traffic flows: nothing is lost, doubled, or decided by a mixture of two.

`MASA_FAULT_SIZE=full` (`make fault`) activates eight times.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connectors.kafka.log_ends import LogEnds
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import AUDIT
from schemas.codec import decode_record
from schemas.pseudonym import Pseudonymiser
from schemas.registry import load_event_types
from streams.cli.areas import compile_area
from streams.ledger.replay import decision_of, differences
from streams.policy.artefact import Artefact
from streams.policy.decide import decide
from streams.policy.facts import LocatorToken
from streams.policy.index import RuleSet
from tests.fault.running import audited_of, await_routed, reconciled
from tests.fault.traffic import Publishers
from tests.integration.masa_command import NORTHSHIRE, Exchange
from tests.signed_policy import SignedPolicy
from tests.support import wait_for

pytestmark = pytest.mark.fault


class Size(NamedTuple):
    activations: int
    between: int  # events published between one activation and the next


RATE = 1_000.0  # events a second, or what the machine gives
MOST_EVENTS = 1_000_000
SIZES = {"ci": Size(2, 400), "full": Size(8, 1_000)}
SIZE = SIZES[os.environ.get("MASA_FAULT_SIZE", "ci")]
SEED = 20261005


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    made = Exchange(tmp_path / "data")
    yield made
    made.close()


CHANGES = {  # of the rules about domestic abuse incidents: who is told of fewer, and by when
    "grade: [HIGH, MEDIUM, UNGRADED, UNKNOWN]": "grade: [HIGH]",
    "clock: NEXT_SCHOOL_DAY": "clock: PT4H",
    "clock: 1WD": "clock: PT72H",
}


def stricter(folder: Path) -> Artefact:
    """The shipped area with these changes: a rule set that decides otherwise."""
    shutil.copytree(NORTHSHIRE.parent, folder)
    rules = folder / NORTHSHIRE.name / "rules" / "police-domestic-abuse.yaml"
    text = rules.read_text()
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    rules.write_text(text)
    return compile_area(folder / NORTHSHIRE.name).artefact


@pytest.mark.timeout(1_200)
def test_activation_under_load_loses_doubles_and_mixes_nothing(
    exchange: Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two slots, two rule sets in turn, every bad artefact in between: each decision is that of the one it names."""
    exchange.start("--slots", "2")
    policy = SignedPolicy(exchange.data_dir)
    both = [stricter(tmp_path / "areas"), policy.artefact()]
    publishers = Publishers(exchange.data_dir, events=MOST_EVENTS, rate=RATE, seed=SEED)
    began = time.monotonic()
    publishers.start()
    try:
        took = [_activate(policy, publishers, both[turn % 2]) for turn in range(SIZE.activations)]
        _more(publishers)
    finally:
        publishers.stop()
    publishers.check()
    published_in = time.monotonic() - began
    await_routed(exchange.data_dir, publishers.ends(), published=publishers.positions)

    reconciled(exchange)
    audits = list(_audits(policy.kafka))
    assert audited_of(policy.kafka, publishers.positions).positions == Counter(publishers.positions)
    assert _mixed(audits, both, policy) == []
    assert _wrongly_named(audits, policy.kafka) == []
    decided = Counter(each["ruleSet"] for each in audits if each["ruleSet"])
    assert set(decided) == {each.hash for each in both}
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what somebody runs the full size for
            f"\n{len(audits)} records in {published_in:.1f} s ({publishers.done / published_in:.0f} events/s), "
            f"{SIZE.activations} activations, every slot following "
            f"after {max(took):.2f} s at most, decisions by rule set {sorted(decided.values())}, "
            f"refused {policy.refused()}"
        )


def _more(publishers: Publishers) -> None:
    """Return when so many more events have been published."""
    goal = publishers.done + SIZE.between

    def there() -> bool:
        publishers.check()
        return publishers.done >= goal

    wait_for(there, 300, what=f"{SIZE.between} more events published")


def _activate(policy: SignedPolicy, publishers: Publishers, artefact: Artefact) -> float:
    """Amid traffic, after an attack; seconds until every slot followed."""
    _more(publishers)
    policy.publish_bad(artefact)
    began = time.monotonic()
    policy.activate(artefact)
    return time.monotonic() - began


def _audits(kafka: KafkaSettings) -> Iterator[dict[str, Any]]:
    return (decode_record("audit", record.value or b"") for record in read_topic(kafka, [AUDIT]))


def _mixed(audits: list[dict[str, Any]], both: list[Artefact], policy: SignedPolicy) -> list[str]:
    """Every way in which a decision differs from the one that the rule set it names would make."""
    types, pseudonymiser = load_event_types(), Pseudonymiser(policy.found.pseudonym_key())

    def token(scheme: str, code: str) -> LocatorToken:
        return LocatorToken(pseudonymiser.locator(scheme, code))

    rules = {each.hash: RuleSet.build(each, types, token) for each in both}
    found = []
    for audit in audits:
        if audit["kind"] in ("DECIDED", "UNROUTED", "HELD"):
            past = decision_of(audit)
            assert past.rule_set is not None, "an event met no rule set"
            again = decide(past.facts, rules[past.rule_set], past.decided_at)
            found += [f"{past.facts.event_id}: {each}" for each in differences(past, again, types)]
    return found


def _wrongly_named(audits: list[dict[str, Any]], kafka: KafkaSettings) -> list[str]:
    """Deliveries whose header names another rule set than the audit record that promised them."""
    promised = {
        outcome["deliveryId"]: audit["ruleSet"]
        for audit in audits
        for outcome in audit["outcomes"]
        if outcome["outcome"] == "DELIVERED"
    }
    inboxes = sorted({each.topic for each in LogEnds(kafka).partitions(lambda name: name.endswith(".inbox"))})
    named = {record.header("masa-delivery-id"): record.header("masa-policy") for record in read_topic(kafka, inboxes)}
    assert named.keys() == promised.keys()
    return [str(name) for name, rule_set in named.items() if promised[name] != rule_set]

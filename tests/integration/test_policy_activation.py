"""Rule sets signed by two, activated, refused, rolled back and stopped on a running exchange."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.cli.areas import compile_area
from streams.cli.people import demo_key_file
from streams.cli.proposals import Proposal, write_proposal
from streams.cli.slots import SlotState
from streams.policy.facts import EpochMillis
from streams.policy.statement import Statement
from streams.routing.signers import DEMO_PEOPLE, signed_by
from tests.integration.live_exchange import LiveExchange
from tests.integration.masa_command import NORTHSHIRE
from tests.signed_policy import AREA, SignedPolicy
from tests.support import wait_for

(LEAD, _), (DPO, _) = DEMO_PEOPLE
EVENT = "police.domestic-abuse-incident"


class Policy(SignedPolicy):
    """The policy of the shared exchange, and commands about it."""

    def __init__(self, live: LiveExchange) -> None:
        super().__init__(live.data_dir)
        self.live = live

    def slot(self) -> SlotState:
        return self.slots()[0]

    def sign(self, who: str, target: str, *more: str) -> None:
        key = str(demo_key_file(self.live.data_dir, who))
        done = self.live.call("rules", "sign", target, "--as", who, "--key", key, *more)
        assert done.exit_code == 0, done.stderr

    def event(self) -> dict[str, Any]:
        """What became of an event published now."""
        published = self.live.answers("publish", "-", stdin=self.live.example(EVENT))[0]
        return self.live.answers("ledger", "show", published["eventId"], "--json", "--wait", "60")[0]


@pytest.fixture
def policy(live: LiveExchange) -> Iterator[Policy]:
    """The shared exchange; whatever a test activates, the rule set before it is in force again afterwards."""
    policy = Policy(live)
    before = policy.artefact()
    yield policy
    if policy.in_force().statement.rule_set != before.hash:
        policy.activate(before)


def changed_area(folder: Path) -> Path:
    """The shipped area with one reason reworded: another rule set that decides alike."""
    shutil.copytree(NORTHSHIRE.parent, folder)
    rules = folder / AREA / "rules" / "health.yaml"
    rules.write_text(rules.read_text().replace("Paediatric liaison:", "Paediatric liaison (reworded):"))
    return folder / AREA


def test_a_change_is_signed_twice_activated_and_rolled_back(policy: Policy, tmp_path: Path) -> None:
    """By commands alone; the next event follows it, history and operations tell who did what and why."""
    live, file, first = policy.live, str(tmp_path / "p.json"), policy.in_force().statement
    policy.sign(LEAD, str(changed_area(tmp_path / "areas")), "--reason", "reworded", "-o", file)
    half = live.call("rules", "activate", file)
    assert (half.exit_code, "one-signer" in str(half.exception)) == (1, True)
    policy.sign(DPO, file)
    activated = live.answers("rules", "activate", file, "--json")[0]
    assert (activated["sequence"], activated["slots"]) == (first.sequence + 1, ["router-0"])
    assert live.call("rules", "activate", file).exit_code == 1, "a statement is used once"
    assert policy.event()["ruleSet"] == activated["ruleSet"] != first.rule_set

    key = str(demo_key_file(live.data_dir, DPO))
    why = ("--reason", "on reflection", "-o", file)
    back = live.call("rules", "rollback", "--to", str(first.sequence), "--as", DPO, "--key", key, *why)
    assert back.exit_code == 0, back.stderr
    policy.sign(LEAD, file)
    assert live.answers("rules", "activate", file, "--json")[0]["ruleSet"] == first.rule_set
    assert policy.event()["ruleSet"] == first.rule_set

    newest, before, *_ = live.answers("rules", "history", "--json")
    assert (newest["state"], newest["signedBy"], newest["reason"]) == ("in force", [DPO, LEAD], "on reflection")
    assert (before["state"], before["ruleSet"]) == ("past", activated["ruleSet"])
    done = wait_for(
        lambda: live.answers("ledger", "operations", "--json", "--target", first.rule_set, "--kind", "rules"),
        what="the operation in the ledger",
    )
    assert (done[0]["kind"], done[0]["actor"], done[0]["reason"]) == (
        "rules.activate",
        f"{DPO}, {LEAD}",
        "on reflection",
    )


def test_a_scheduled_activation_is_held_by_every_slot_and_taken_at_its_time(policy: Policy, tmp_path: Path) -> None:
    """Nothing has to arrive for it."""
    live, file, first = policy.live, tmp_path / "p.json", policy.in_force().statement
    artefact = compile_area(changed_area(tmp_path / "areas")).artefact
    at = datetime.now(UTC) + timedelta(seconds=10)
    statement = Statement(
        area=AREA,
        sequence=first.sequence + 1,
        rule_set=artefact.hash,
        activates_at=EpochMillis(int(at.timestamp() * 1000)),
        reason="from tonight",
    )
    write_proposal(file, Proposal(signed_by(statement, policy.signers), artefact))
    activated = live.answers("rules", "activate", str(file), "--json")[0]
    slot = policy.slot()
    assert activated["scheduled"]
    assert (slot.version, slot.scheduled) == (first.sequence, activated["sequence"])
    assert live.answers("rules", "history", "--json")[0]["state"] == "scheduled"
    wait_for(lambda: policy.slot().version == activated["sequence"], what="the scheduled version")
    assert datetime.now(UTC) >= at - timedelta(milliseconds=1)
    assert policy.event()["ruleSet"] == activated["ruleSet"]


def test_every_bad_artefact_is_refused_with_an_alarm_and_routing_goes_on(policy: Policy) -> None:
    """Under the head's own key, past the command line; also after a restart the last good one is in force."""
    first = policy.in_force().statement
    policy.publish_bad(policy.artefact())
    assert policy.slot().version == first.sequence
    assert policy.event()["ruleSet"] == first.rule_set
    policy.live.kill_child("router-0")
    assert policy.event()["ruleSet"] == first.rule_set


def test_a_stop_holds_once_the_command_returns_and_is_lifted_as_deliberately(policy: Policy) -> None:
    """One person, one command; what it holds back is not lost, and both are on record."""
    live, keys = policy.live, {who: str(demo_key_file(policy.live.data_dir, who)) for who in (LEAD, DPO)}
    delivered = {each["agency"]: each["outcome"] for each in policy.event()["outcomes"]}
    agency = next(name for name, outcome in sorted(delivered.items()) if outcome == "DELIVERED")
    reason = ("--reason", "an inbox is compromised")
    mistyped = live.call("rules", "stop", "--agency", agency + "x", "--as", LEAD, "--key", keys[LEAD], *reason)
    assert (mistyped.exit_code, f"did you mean `{agency}`" in str(mistyped.exception)) == (1, True)

    stopped = live.answers("rules", "stop", "--agency", agency, "--as", LEAD, "--key", keys[LEAD], *reason, "--json")
    assert policy.slot().stops == 1
    held = policy.event()
    outcome = next(each for each in held["outcomes"] if each["agency"] == agency)
    assert (outcome["outcome"], outcome["reasons"][0]) == ("HELD", "SHARING_STOPPED")
    assert f"stop:{stopped[0]['id']}" in outcome["rules"]
    assert [each["id"] for each in live.answers("rules", "stops", "--json")] == [stopped[0]["id"]]

    lifting = ("rules", "lift", stopped[0]["id"], "--as", DPO, "--key", keys[DPO], "--reason", "a new mailbox")
    assert live.answers(*lifting, "--json")[0]["liftedBy"] == DPO
    assert live.call(*lifting).exit_code == 1, "it is lifted once"
    assert live.answers("rules", "stops", "--json") == []
    assert next(each for each in policy.event()["outcomes"] if each["agency"] == agency)["outcome"] == "DELIVERED"
    kinds = wait_for(
        lambda: {row["kind"] for row in live.answers("ledger", "operations", "--target", stopped[0]["id"], "--json")},
        what="the operations in the ledger",
    )
    assert "rules.stop" in kinds

    who = ("--as", DPO, "--because", "a new mailbox")
    assert live.answers("held", "release", "--all", "--reason", "SHARING_STOPPED", *who)
    told = ("ledger", "deliveries", "--agency", agency, "--outcome", "DELIVERED", "--json")
    wait_for(
        lambda: [row for row in live.answers(*told) if row["eventId"] == held["eventId"]],
        what="what was held, delivered after its release",
    )

"""The rule set in force: the newest sound one; a broken one changes nothing and is told."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import pytest

from connectors.errors import RetryLater
from connectors.kafka.compacted import Entry
from streams.policy.artefact import Artefact
from streams.routing.policy_feed import RULE_SET_KEY, PolicyFeed, artefact_of, policy_record
from tests.unit.policy.builders import EVENT_TYPES, allow, area, artefact


@dataclass
class Topic:
    """Stands in for the reader of `masa.policy`: what each poll brings, or an error that it raises."""

    polls: list[list[Entry] | RetryLater]
    ends_after: int = 0

    def poll(self, wait_seconds: float) -> list[Entry]:
        brought = self.polls.pop(0) if self.polls else []
        if isinstance(brought, RetryLater):
            raise brought
        self.ends_after -= 1
        return brought

    def caught_up(self) -> bool:
        return self.ends_after <= 0


@dataclass
class Told:
    """What the feed tells telemetry."""

    activated: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def policy_activated(self, *, version: int, rule_set: str) -> None:
        self.activated.append(rule_set)

    def policy_refused(self, *, reason: str, explanation: str) -> None:
        self.refused.append(explanation)


def made(*names: str) -> Artefact:
    return artefact(area([allow(name, "front-door", "area") for name in names]))


def entry(of: Artefact, **changes: object) -> Entry:
    record = policy_record(of)
    headers = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in record.headers}
    return Entry(record.key, record.value, headers, 0)._replace(**changes)


def feed(*polls: list[Entry] | RetryLater, ends_after: int = 0) -> tuple[PolicyFeed, Told]:
    told = Told()
    reader = Topic(list(polls), ends_after)
    return PolicyFeed(reader, EVENT_TYPES, lambda scheme, code: f"{scheme}:{code}", told), told  # type: ignore[arg-type]


def test_a_published_rule_set_is_read_back_as_it_was() -> None:
    """Content and hash survive the record."""
    of = made("one")
    assert artefact_of(entry(of)) == of


def test_the_newest_sound_rule_set_is_in_force() -> None:
    """Of two that come together, the later; the change is told."""
    first, second = made("one"), made("one", "two")
    following, told = feed([entry(first), entry(second)])
    assert following.refresh(0.0)
    assert following.rules is not None
    assert following.rules.hash == second.hash
    assert told.activated == [first.hash, second.hash]


def test_the_same_rule_set_again_changes_nothing() -> None:
    """Compaction and retries may bring it twice."""
    of = made("one")
    following, told = feed([entry(of)], [entry(of)])
    assert following.refresh(0.0)
    before = following.rules
    assert not following.refresh(0.0)
    assert following.rules is before
    assert told.activated == [of.hash]


BROKEN = {
    "a tombstone": lambda good: entry(good, value=None),
    "not compressed": lambda good: entry(good, value=b"nonsense"),
    "cut short": lambda good: entry(good, value=policy_record(good).value[:-9]),
    "another hash in the header": lambda good: entry(good, headers={"masa-policy": b"0" * 64}),
    "no hash": lambda good: entry(good, headers={}),
    "not a rule set": lambda good: entry(good, value=zlib.compress(b'{"version": 99}')),
    "changed on the way": lambda good: entry(good, value=zlib.compress(good.content.replace(b"because", b"beca use"))),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_set_leaves_the_last_good_one_in_force(name: str) -> None:
    """And is told, once, without raising."""
    good, other = made("one"), made("one", "two")
    following, told = feed([entry(good)], [BROKEN[name](other)])
    following.refresh(0.0)
    assert not following.refresh(0.0)
    assert following.rules is not None
    assert following.rules.hash == good.hash
    assert len(told.refused) == 1
    assert told.refused[0]


def test_a_broken_first_rule_set_means_none() -> None:
    """So that events are held, not routed by half a rule set."""
    following, told = feed([BROKEN["cut short"](made("one"))])
    assert not following.refresh(0.0)
    assert following.rules is None
    assert told.refused


def test_other_keys_of_the_topic_are_none_of_its_business() -> None:
    """The topic may carry more than rule sets."""
    following, told = feed([entry(made("one"), key=b"something-else")])
    assert not following.refresh(0.0)
    assert (following.rules, told.refused) == (None, [])
    assert RULE_SET_KEY != b"something-else"


def test_reading_to_the_end_outlives_a_broker_that_is_not_there_yet() -> None:
    """Two failures, then the rule set, then the end."""
    of = made("one")
    following, _ = feed(RetryLater("no broker"), RetryLater("no broker"), [], [entry(of)], ends_after=2)
    assert following.read_to_end(5, lambda: None)
    assert following.rules is not None


def test_reading_to_the_end_gives_up_in_time() -> None:
    """Without a topic it says so, and the router does not start: it would hold what may well be routed."""
    following, _ = feed(*[RetryLater("no broker")] * 10, ends_after=1)
    assert not following.read_to_end(3, lambda: None)
    assert following.rules is None

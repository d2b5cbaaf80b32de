"""The rule set in force: the newest that two people signed; what is wrong changes nothing and is told by its reason."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from connectors.errors import RetryLater
from connectors.kafka.compacted import Entry
from streams.policy.activation import HEAD, Activation, activation_records, pack, to_value
from streams.policy.artefact import Artefact
from streams.policy.facts import EpochMillis
from streams.policy.statement import Signature, SignedStatement, Statement
from streams.policy.stop_orders import Lift, StopOrder
from streams.policy.stops import Stop, StopId
from streams.routing.policy_feed import PolicyFeed
from streams.routing.signers import Signer, signatories_of, signed_by, throwaway_signers
from tests.unit.policy.builders import EVENT_TYPES, allow, area, artefact

AREA = "north"
PEOPLE = throwaway_signers()
ONE, TWO = PEOPLE
STRANGER = Signer("somebody-else", "nobody", throwaway_signers()[0].key)
NOW = EpochMillis(1_800_000_000_000)


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

    activated: list[tuple[int, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)
    scheduled: int = 0
    offset: int = -1
    stops: int = 0

    def policy_activated(self, *, version: int, rule_set: str) -> None:
        self.activated.append((version, rule_set))

    def policy_refused(self, *, reason: str, explanation: str) -> None:
        self.refused.append(reason)
        self.explained.append(explanation)

    def policy_scheduled(self, *, version: int) -> None:
        self.scheduled = version

    def policy_read(self, *, offset: int) -> None:
        self.offset = offset

    def stops_changed(self, *, in_force: int) -> None:
        self.stops = in_force


@dataclass
class Clock:
    ms: int = NOW

    def __call__(self) -> float:
        return self.ms / 1000


def made(*names: str) -> Artefact:
    return artefact(area([allow(name, "front-door", "area") for name in names]))


A, B, C = made("one"), made("one", "two"), made("one", "two", "three")


def statement(of: Artefact, sequence: int, at: int = 0, where: str = AREA) -> Statement:
    return Statement(area=where, sequence=sequence, rule_set=of.hash, activates_at=EpochMillis(at), reason="agreed")


def activation(of: Artefact, sequence: int, at: int = 0, signers: Sequence[Signer] = PEOPLE) -> list[Entry]:
    """The three records of one activation, in their order."""
    records = activation_records(signed_by(statement(of, sequence, at), signers), of)
    return [Entry(each.key, each.value, {}, 0) for each in records]


def head(signed: SignedStatement, packed: bytes) -> list[Entry]:
    """A head that was put together by hand."""
    return [Entry(HEAD, to_value(Activation(signed, packed)), {}, 0)]


def feed(*polls: list[Entry] | RetryLater, ends_after: int = 0, clock: Clock | None = None) -> tuple[PolicyFeed, Told]:
    told = Told()
    reader = Topic(list(polls), ends_after)
    return PolicyFeed(
        reader,  # type: ignore[arg-type]
        EVENT_TYPES,
        lambda scheme, code: f"{scheme}:{code}",
        told,
        signatories=signatories_of(AREA, PEOPLE),
        clock=clock or Clock(),
    ), told


def in_force(following: PolicyFeed) -> str | None:
    return following.rules.hash if following.rules is not None else None


def test_what_two_listed_people_signed_is_in_force() -> None:
    """Its version is its sequence."""
    following, told = feed(activation(A, 1))
    assert following.refresh(0.0)
    assert in_force(following) == A.hash
    assert told.activated == [(1, A.hash)]


def test_the_highest_sequence_is_in_force_and_older_ones_are_not_even_built() -> None:
    """However much history the topic holds."""
    following, told = feed([*activation(A, 1), *activation(B, 2), *activation(C, 3)])
    assert following.refresh(0.0)
    assert told.activated == [(3, C.hash)]


def test_a_change_is_taken_over_and_a_repetition_is_not_one() -> None:
    """Compaction and retries may bring it twice."""
    following, told = feed(activation(A, 1), activation(B, 2), activation(B, 2))
    assert [following.refresh(0.0) for _ in range(3)] == [True, True, False]
    assert told.activated == [(1, A.hash), (2, B.hash)]
    assert told.refused == []


def test_a_rollback_is_a_higher_sequence_with_an_older_hash() -> None:
    """And is taken over like any other."""
    following, told = feed(activation(A, 1), activation(B, 2), activation(A, 3))
    for _ in range(3):
        following.refresh(0.0)
    assert told.activated[-1] == (3, A.hash)


GOOD = signed_by(statement(B, 2), PEOPLE)
ALIAS = Signature(signatory=TWO.name, key_id=TWO.key.key_id, signature=ONE.key.sign(GOOD.statement.message()))
BY_ONE_FOR_BOTH = replace(GOOD, signatures=(GOOD.signatures[0], ALIAS))


def spoilt(content: bytes) -> bytes:
    return zlib.compress(content.replace(b"because", b"beca use"))


BAD: dict[str, tuple[str, list[Entry]]] = {
    "nobody signed": ("unsigned", activation(B, 2, signers=())),
    "one signed": ("one-signer", activation(B, 2, signers=[ONE])),
    "one signed twice": ("one-signer", activation(B, 2, signers=[ONE, ONE])),
    "one signed in the name of both": ("tampered", head(BY_ONE_FOR_BOTH, pack(B))),
    "one and a stranger signed": ("one-signer", activation(B, 2, signers=[ONE, STRANGER])),
    "strangers signed": ("unknown-signatory", activation(B, 2, signers=[STRANGER])),
    "a listed name with a key that is not listed": (
        "unknown-signatory",
        activation(B, 2, signers=[Signer(ONE.name, ONE.role, STRANGER.key), STRANGER]),
    ),
    "the sequence was changed": ("tampered", head(replace(GOOD, statement=statement(B, 9)), pack(B))),
    "the time was changed": ("tampered", head(replace(GOOD, statement=statement(B, 2, at=1)), pack(B))),
    "another rule set under the statement": ("tampered", head(GOOD, pack(C))),
    "the rule set was changed": ("tampered", head(GOOD, spoilt(B.content))),
    "an older sequence": ("older", activation(C, 1)),
    "the same sequence for another rule set": ("older", head(signed_by(statement(C, 1), PEOPLE), pack(C))),
    "cut short in the rule set": ("truncated", head(GOOD, pack(B)[:-9])),
    "cut short in the statement": ("truncated", [Entry(HEAD, to_value(Activation(GOOD, b""))[:60], {}, 0)]),
    "cut short after the statement": ("truncated", head(GOOD, b"")),
    "cut to nothing": ("truncated", [Entry(HEAD, b"", {}, 0)]),
    "a tombstone": ("unreadable", [Entry(HEAD, None, {}, 0)]),
    "nonsense": ("unreadable", [Entry(HEAD, b"nonsense", {}, 0)]),
    "not compressed": ("unreadable", head(GOOD, b"nonsense")),
    "another area's statement": (
        "wrong-area",
        head(signed_by(statement(B, 2, where="south"), PEOPLE), pack(B)),
    ),
    "under the key of another rule set": ("tampered", [activation(B, 2)[1]._replace(key=b"artefact:" + b"0" * 64)]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_leaves_the_last_good_rule_set_in_force(name: str) -> None:
    """It is counted once by its reason, without raising; a sound one after it is still taken."""
    reason, entries = BAD[name]
    following, told = feed(activation(A, 1), entries, activation(C, 3))
    following.refresh(0.0)
    assert not following.refresh(0.0)
    assert in_force(following) == A.hash
    assert (told.refused, bool(told.explained[0])) == ([reason], True)
    assert following.refresh(0.0)
    assert in_force(following) == C.hash


@pytest.mark.parametrize("name", [name for name, (reason, _) in BAD.items() if reason != "older"])
def test_a_bad_head_does_not_keep_a_restarted_router_from_the_last_good_rule_set(name: str) -> None:
    """Compaction left the bad head only, but statement and rule set stand under keys of their own."""
    following, told = feed([*activation(A, 1)[:2], *BAD[name][1]])
    assert following.refresh(0.0)
    assert in_force(following) == A.hash
    assert told.refused


def test_a_restarted_router_believes_no_more_than_a_running_one() -> None:
    """Two people signed a return to the first rule set, but its record is damaged: a known hash does not mend it."""
    back = signed_by(statement(A, 3), PEOPLE)
    bare = [Entry(b"statement:3", to_value(Activation(back, b"")), {}, 0)]
    for damaged in (head(back, pack(A)[:-9]), bare):
        history = [*activation(A, 1), *activation(B, 2)]
        running, restarted = feed(history, damaged)[0], feed([*history, *damaged])[0]
        for each in (running, running, restarted):
            each.refresh(0.0)
        assert in_force(running) == in_force(restarted) == B.hash


def test_a_bad_first_rule_set_means_none() -> None:
    """So that events are held, not routed by half a rule set."""
    following, told = feed(BAD["cut short in the rule set"][1])
    assert not following.refresh(0.0)
    assert following.rules is None
    assert told.refused == ["truncated"]


def test_a_scheduled_rule_set_waits_for_its_time() -> None:
    """The one before it stays until then; nothing has to arrive for the change."""
    clock = Clock()
    following, told = feed(activation(A, 1), activation(B, 2, at=NOW + 5_000), clock=clock)
    following.refresh(0.0)
    assert not following.refresh(0.0)
    assert (in_force(following), told.scheduled) == (A.hash, 2)
    clock.ms = NOW + 4_999
    assert not following.refresh(0.0)
    clock.ms = NOW + 5_000
    assert following.refresh(0.0)
    assert (in_force(following), told.scheduled) == (B.hash, 0)
    assert told.activated == [(1, A.hash), (2, B.hash)]


def test_a_router_that_starts_while_one_waits_finds_the_one_in_force() -> None:
    """Even when the waiting one is the head and has the hash of an earlier one."""
    clock = Clock()
    compacted = [
        *activation(A, 1)[:1],
        *activation(B, 2)[:2],
        *activation(C, 3, at=NOW + 1_000)[:2],
        *activation(B, 4, at=NOW + 2_000),
    ]
    following, told = feed(compacted, clock=clock)
    assert following.refresh(0.0)
    assert (in_force(following), told.scheduled) == (B.hash, 4)
    clock.ms = NOW + 1_000
    following.refresh(0.0)
    assert in_force(following) == C.hash
    clock.ms = NOW + 2_000
    following.refresh(0.0)
    assert told.activated == [(2, B.hash), (3, C.hash), (4, B.hash)]


def test_a_newer_statement_overtakes_one_that_waits() -> None:
    """That is how a scheduled change is called off."""
    clock = Clock()
    following, told = feed(activation(A, 1), activation(B, 2, at=NOW + 1_000), activation(A, 3), clock=clock)
    for _ in range(3):
        following.refresh(0.0)
    clock.ms = NOW + 9_000
    assert not following.refresh(0.0)
    assert told.activated == [(1, A.hash), (3, A.hash)]


STOP = Stop(id=StopId("s1"), event_type="police.domestic-abuse-incident", reason="a leak", by=ONE.name, since=NOW)
ORDER = ONE.order(AREA, STOP)
LIFT = Lift(stop=STOP.id, at=NOW, by=TWO.name, reason="mended")
LIFTED = TWO.lift(ORDER, LIFT)


def stopping(order: StopOrder) -> list[Entry]:
    return [Entry(order.key(), order.to_value(), {}, 0)]


def test_a_stop_that_one_listed_person_signed_holds_until_it_is_lifted() -> None:
    """The rule set keeps its hash; the lifted stop stays on record."""
    following, told = feed(activation(A, 1), stopping(ORDER), stopping(LIFTED))
    following.refresh(0.0)
    assert following.refresh(0.0)
    assert following.rules is not None
    assert (following.rules.stops, following.rules.hash, told.stops) == ((STOP,), A.hash, 1)
    assert following.refresh(0.0)
    assert (following.rules.stops, told.stops) == ((), 0)


def test_a_stop_outlives_an_activation_and_a_restart() -> None:
    """It is no part of any rule set."""
    following, _ = feed([*stopping(ORDER), *activation(A, 1)], activation(B, 2))
    for wanted in (A, B):
        following.refresh(0.0)
        assert following.rules is not None
        assert (following.rules.hash, following.rules.stops) == (wanted.hash, (STOP,))


BAD_STOPS: dict[str, tuple[str, list[Entry]]] = {
    "a tombstone": ("unsigned", [Entry(ORDER.key(), None, {}, 0)]),
    "nonsense": ("unreadable", [Entry(ORDER.key(), b"nonsense", {}, 0)]),
    "a stranger's lift": ("unknown-signatory", stopping(STRANGER.lift(ORDER, replace(LIFT, by=STRANGER.name)))),
    "a lift in another's name": ("tampered", stopping(TWO.lift(ORDER, replace(LIFT, by=ONE.name)))),
    "another stop's lift": ("tampered", stopping(replace(LIFTED, stop=replace(STOP, reason="another")))),
    "another area's": ("wrong-area", stopping(ONE.order("south", STOP))),
    "under another key": ("tampered", [stopping(LIFTED)[0]._replace(key=b"stop:s2")]),
}


@pytest.mark.parametrize("name", BAD_STOPS)
def test_a_bad_stop_or_lift_changes_nothing(name: str) -> None:
    """A stop in force stays in force."""
    reason, entries = BAD_STOPS[name]
    following, told = feed([*activation(A, 1), *stopping(ORDER)], entries)
    following.refresh(0.0)
    assert not following.refresh(0.0)
    assert following.rules is not None
    assert (following.rules.stops, told.refused) == ((STOP,), [reason])


def test_a_strangers_stop_stops_nothing() -> None:
    """Or whoever can write to the topic could halt sharing."""
    following, told = feed([*activation(A, 1), *stopping(STRANGER.order(AREA, replace(STOP, by=STRANGER.name)))])
    following.refresh(0.0)
    assert following.rules is not None
    assert (following.rules.stops, told.refused) == ((), ["unknown-signatory"])


def test_other_keys_of_the_topic_are_none_of_its_business() -> None:
    """The topic may carry more than rule sets; how far it was read is told all the same."""
    following, told = feed([activation(A, 1)[2]._replace(key=b"something-else", offset=41)])
    assert not following.refresh(0.0)
    assert (following.rules, told.refused, told.offset) == (None, [], 41)


FLAKY: list[Callable[[], list[Entry] | RetryLater]] = [lambda: RetryLater("no broker")] * 2


def test_reading_to_the_end_outlives_a_broker_that_is_not_there_yet() -> None:
    """Two failures, then the rule set, then the end."""
    following, _ = feed(*[make() for make in FLAKY], [], activation(A, 1), ends_after=2)
    assert following.read_to_end(5, lambda: None)
    assert following.rules is not None


def test_reading_to_the_end_gives_up_in_time() -> None:
    """Without a topic it says so, and the router does not start: it would hold what may well be routed."""
    following, _ = feed(*[RetryLater("no broker")] * 10, ends_after=1)
    assert not following.read_to_end(3, lambda: None)
    assert following.rules is None

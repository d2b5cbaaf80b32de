"""Three months of one area through the real sweep on a real PostgreSQL, against a calculation of the test's own.

October to December 2026: half term, the night the clocks go back, Christmas and its substitute bank holiday, and into
the new year. Time is compressed: the sweep is told what time it is, every quarter of an hour. The calculation below
shares no code with the ladders: it counts days with a loop over a list of holidays written down here.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from connectors.kafka import topics
from connectors.postgres import followup_ladder, followup_store
from connectors.postgres.connection import Connection, connect
from connectors.postgres.followup_store import Delivery, EarlyReceipt
from connectors.postgres.migrate import migrate
from schemas.codec import decode_event, decode_record
from schemas.registry import load_event_types
from streams.followup import life
from streams.followup.ladders import Ladders
from streams.followup.sweep import Sweeper
from streams.policy.artefact import Document, compile_areas
from streams.policy.clocks import ack_by as product_says
from streams.policy.facts import EpochMillis
from streams.policy.follow_up_build import build_follow_up
from streams.policy.load import load_areas

AREAS = Path(__file__).parents[2] / "deploy" / "areas"
LONDON = ZoneInfo("Europe/London")
BEGIN, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC)
PUBLISH_UNTIL = datetime(2026, 12, 31, tzinfo=UTC)
QUARTER = 15 * 60_000
DELIVERIES = 4_000
DAY_MS = 86_400_000

# (event type, urgency, clock, agency, roles): each ladder of the area, and schools with days of their own.
KINDS = (
    ("police.domestic-abuse-incident", "URGENT", "NEXT_SCHOOL_DAY", "oakfield-primary", ["dsl", "deputy-dsl"]),
    ("police.domestic-abuse-incident", "URGENT", "NEXT_SCHOOL_DAY", "hallam-house-school", ["dsl"]),
    ("police.domestic-abuse-incident", "URGENT", "NEXT_SCHOOL_DAY", "kingsmere-academy", ["dsl"]),
    ("missing.episode-started", "IMMEDIATE", "PT1H", "northshire-csc", ["front-door"]),
    ("police.public-protection-notice", "URGENT", "1WD", "northshire-csc", ["front-door"]),
    ("education.absence-concern", "ROUTINE", "2WD", "northshire-attendance", ["attendance-officer"]),
    ("education.cp-file-transfer", "ROUTINE", "5SD", "kingsmere-academy", ["dsl"]),
    ("health.was-not-brought", "ROUTINE", "PT72H", "elm-street-surgery", ["practice-safeguarding-lead"]),
    ("send.status", "INFORMATION", "5WD", "oakfield-primary", ["dsl"]),
    ("control.information-request", "ROUTINE", "2WD", "northshire-community-health", ["safeguarding-contact"]),
)


# --- the independent calculation ---------------------------------------------------------------------------------

HOLIDAYS = {date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)}
# Office-hours ladders wait; (clock after the step before, reason) of each rung that is not the pick-up rung.
_HOUR = 3_600_000
EXPECTED_LADDERS: dict[str, tuple[int | str | None, bool, list[tuple[str, int | str]]]] = {
    "IMMEDIATE": (QUARTER, False, [("REMINDER", 0), ("DEPUTY", QUARTER), ("NAMED_LEAD", _HOUR),
                                   ("DELEGATED_PARTNER", 4 * _HOUR), ("LEAD_PARTNER", 4 * _HOUR)]),
    "SCHOOL": (None, False, [("REMINDER", 0), ("DEPUTY", _HOUR), ("NAMED_LEAD", 4 * _HOUR),
                             ("DELEGATED_PARTNER", "1WD"), ("LEAD_PARTNER", "2WD")]),
    "REQUEST": ("1WD", True, [("REMINDER", 0), ("NAMED_LEAD", "1WD"), ("DELEGATED_PARTNER", "2WD"),
                              ("LEAD_PARTNER", "5WD")]),
    "INFORMATION": (None, True, [("REMINDER", 0), ("NAMED_LEAD", "5WD")]),
    "ORDINARY": (None, True, [("REMINDER", 0), ("DEPUTY", 4 * _HOUR), ("NAMED_LEAD", "1WD"),
                              ("DELEGATED_PARTNER", "2WD"), ("LEAD_PARTNER", "5WD")]),
}  # fmt: skip


def working(day: date) -> bool:
    return day.isoweekday() <= 5 and day not in HOLIDAYS


def midnight_after(at: int, working_days: int) -> int:
    day = datetime.fromtimestamp(at / 1000, LONDON).date()
    while working_days:
        day += timedelta(days=1)
        working_days -= working(day)
    following = day + timedelta(days=1)
    return int(datetime(following.year, following.month, following.day, tzinfo=LONDON).timestamp() * 1000)


TERMS = {
    "hallam-house-school": [("2026-09-03", "2026-10-16"), ("2026-11-02", "2026-12-11"), ("2027-01-05", "2027-02-05")],
    "others": [("2026-09-02", "2026-10-23"), ("2026-11-02", "2026-12-18"), ("2027-01-04", "2027-02-12")],
}
PUPILS_AT_HOME = {"2026-11-02", "2027-01-04"}


def schooling(day: date, school: str) -> bool:
    terms = TERMS.get(school, TERMS["others"])
    own = {"2026-11-27"} if school == "kingsmere-academy" else set()
    in_term = any(first <= day.isoformat() <= last for first, last in terms)
    return working(day) and in_term and day.isoformat() not in PUPILS_AT_HOME | own


def deadline(clock: str, agency: str, at: int) -> int:
    """Until when a delivery must be acknowledged."""
    if clock.startswith("PT"):
        return at + int(clock[2:-1]) * _HOUR
    if clock.endswith("WD"):
        return midnight_after(at, int(clock[0]))
    moment = datetime.fromtimestamp(at / 1000, LONDON)
    day, left = moment.date(), 1 if clock == "NEXT_SCHOOL_DAY" else int(clock[:-2])
    if clock == "NEXT_SCHOOL_DAY" and moment.hour < 8 and schooling(day, agency):
        left = 0
    while left:
        day += timedelta(days=1)
        left -= schooling(day, agency)
    if clock == "NEXT_SCHOOL_DAY":
        return int(datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).timestamp() * 1000)
    following = day + timedelta(days=1)
    return int(datetime(following.year, following.month, following.day, tzinfo=LONDON).timestamp() * 1000)


def office(at: int) -> int:
    moment = datetime.fromtimestamp(at / 1000, LONDON)
    if working(moment.date()) and 9 <= moment.hour < 17:
        return at
    day = moment.date() if moment.hour < 9 else moment.date() + timedelta(days=1)
    while not working(day):
        day += timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, 9, tzinfo=LONDON).timestamp() * 1000)


def later(at: int, after: int | str) -> int:
    return at + after if isinstance(after, int) else midnight_after(at, int(after[0]))


def ladder_name(kind: tuple[Any, ...]) -> str:
    if kind[1] == "IMMEDIATE":
        return "IMMEDIATE"
    if kind[2] == "NEXT_SCHOOL_DAY":
        return "SCHOOL"
    if kind[0] == "control.information-request":
        return "REQUEST"
    return "INFORMATION" if kind[1] == "INFORMATION" else "ORDINARY"


class Story(NamedTuple):
    """One delivery, and what its recipient does with it; None: never."""

    delivery_id: str
    kind: tuple[Any, ...]
    available_at: int
    ack_by: int
    picked_up_at: int | None
    acknowledged_at: int | None
    answered_at: int | None


def expected(story: Story) -> set[tuple[str, int]]:
    """(delivery, rung) of every step that must be taken before END: its first sweep finds nobody has acted."""
    pick_up, waits, rungs = EXPECTED_LADDERS[ladder_name(story.kind)]
    end = ladder_end(story)
    found = set()
    due = story.ack_by
    first = office(due) if waits else due
    if pick_up is not None:
        by = later(story.available_at, pick_up)
        at = office(by) if waits else by
        if by < story.ack_by and at < first and unread(story, swept(at)):
            found.add((story.delivery_id, 0))
    for number, (_, after) in enumerate(rungs, 1):
        due = later(due, after) if after else due
        due = office(due) if waits else due
        if swept(due) < min(end, int(END.timestamp() * 1000)):
            found.add((story.delivery_id, number))
    return found


def swept(due: int) -> int:
    """The first sweep at or after an instant."""
    return -(-due // QUARTER) * QUARTER


def unread(story: Story, sweep: int) -> bool:
    seen = [at for at in (story.picked_up_at, story.acknowledged_at) if at is not None]
    return all(at > sweep for at in seen) and ladder_end(story) > sweep


def ladder_end(story: Story) -> int:
    """From when on nobody is escalated: receipts of an instant are read before the sweep of that instant."""
    ends = story.answered_at if ladder_name(story.kind) == "REQUEST" else story.acknowledged_at
    return 2**62 if ends is None else ends


# --- the simulation ------------------------------------------------------------------------------------------------


@cache
def document() -> Document:
    return compile_areas(
        load_areas(AREAS / "northshire", date(2026, 10, 1)), load_event_types(), date(2026, 10, 1)
    ).document()


def stories(seed: int) -> list[Story]:
    """Half are acknowledged late or never, the rest in time; instants are whole seconds, off the quarters."""
    chance = random.Random(seed)
    begin, until = int(BEGIN.timestamp() * 1000), int(PUBLISH_UNTIL.timestamp() * 1000)
    made = []
    for number in range(DELIVERIES):
        kind = KINDS[number % len(KINDS)]
        at = chance.randrange(begin // 1000, until // 1000) * 1000 + 1
        ack_by = deadline(kind[2], kind[3], at)
        span = ack_by - at
        acknowledged = at + int(span * chance.uniform(0.05, 0.95)) if chance.random() < 0.5 else None
        if acknowledged is None and chance.random() < 0.8:
            acknowledged = ack_by + int(chance.expovariate(1 / (2.5 * DAY_MS))) + 2
        picked_up = None
        if acknowledged is not None and chance.random() < 0.7:
            picked_up = at + int((acknowledged - at) * chance.random())
        answered = acknowledged + chance.randrange(4 * DAY_MS) if acknowledged and chance.random() < 0.7 else None
        identity = f"{number:08d}-0000-5000-8000-{chance.randrange(16**12):012x}"
        made.append(Story(identity, kind, at, ack_by, picked_up, acknowledged, answered))
    return made


def delivery_of(story: Story) -> Delivery:
    event_type, urgency, clock, agency, roles = story.kind
    return Delivery(
        story.delivery_id, f"e{story.delivery_id[1:]}", event_type, agency, "northshire-police", list(roles),
        "northshire", clock, urgency, "NONE", False, None, story.available_at, story.ack_by, None, "AVAILABLE",
        None, None, None, None, 0, None, None, None,
    )  # fmt: skip


def receipts_of(story: Story) -> Iterator[tuple[int, EarlyReceipt]]:
    for kind, outcome, at in (
        ("PICKED_UP", None, story.picked_up_at),
        ("ACKNOWLEDGED", "NOTED", story.acknowledged_at),
    ):
        if at is not None:
            event = f"e{story.delivery_id[1:]}"
            agency = story.kind[3]
            yield (
                at,
                EarlyReceipt("t", 0, at, story.delivery_id, story.delivery_id, event, agency, kind, outcome, None, at),
            )


class Simulation:
    """Plays the stories into the database, sweeping every quarter of an hour at which something may have come due."""

    def __init__(self, connection: Connection, told: list[Story]) -> None:
        self.connection = connection
        types = load_event_types()
        self.ladders = Ladders(lambda: ("one", document()))
        self.sweep = Sweeper(self.ladders.current, types)
        self.steps = 0
        self.by_quarter: dict[int, list[tuple[int, int, Any]]] = defaultdict(list)
        for story in told:
            self._at(story.available_at, 0, delivery_of(story))
            for at, receipt in receipts_of(story):
                self._at(at, 1, receipt)
            if story.answered_at is not None and ladder_name(story.kind) == "REQUEST":
                self._at(story.answered_at, 2, story)

    def _at(self, at: int, rank: int, what: Any) -> None:
        self.by_quarter[swept(at)].append((at, rank, what))

    def run(self) -> None:
        for now in range(int(BEGIN.timestamp() * 1000), int(END.timestamp() * 1000), QUARTER):
            happened = sorted(self.by_quarter.get(now, ()), key=lambda each: each[:2])
            with self.connection.transaction():
                self._play([what for _, _, what in happened])
                self.steps += self.sweep(self.connection, now)

    def _play(self, happened: list[Any]) -> None:
        new = [self.ladders.schedule(each) for each in happened if isinstance(each, Delivery)]
        followup_store.insert(self.connection, new)
        receipts = [each for each in happened if isinstance(each, EarlyReceipt)]
        rows = followup_store.locked(self.connection, {each.delivery_id for each in receipts}) if receipts else {}
        for receipt in receipts:
            after = life.receive(rows[receipt.delivery_id], receipt).delivery
            rows[receipt.delivery_id] = self.ladders.schedule(after) if after.state in life.OPEN else after
        followup_store.update(self.connection, rows.values())
        answers = [each for each in happened if isinstance(each, Story)]
        followup_ladder.answer(
            self.connection,
            [followup_ladder.Answer(f"e{a.delivery_id[1:]}", a.kind[3], "r", a.answered_at or 0) for a in answers],
        )


@pytest.fixture(scope="module")
def played(postgres: str) -> Iterator[tuple[Simulation, list[Story]]]:
    migrate(postgres)
    told = stories(20261125)
    with connect(postgres, application="test") as connection:
        simulation = Simulation(connection, told)
        simulation.run()
        yield simulation, told


def taken(connection: Connection) -> Counter[tuple[str, int]]:
    """(delivery, rung) of the transitions that wait in the outbox."""
    rows = connection.execute("SELECT value FROM outbox WHERE topic = %s", (topics.TRANSITIONS,)).fetchall()
    data = [decode_record("transition", bytes(value)) for (value,) in rows]
    return Counter((each["deliveryId"], int(each["cause"].removeprefix("sweep:"))) for each in data)


def test_the_deadlines_are_those_that_the_exchange_gives(played: tuple[Simulation, list[Story]]) -> None:
    """What the test counts by hand is what a router writes on the delivery."""
    follow_up = build_follow_up(document())
    for story in played[1]:
        days = follow_up.calendar_of(story.kind[3])
        assert days is not None
        assert product_says(story.kind[2], EpochMillis(story.available_at), days) == story.ack_by


def test_every_missed_deadline_is_escalated_once_and_nothing_else(played: tuple[Simulation, list[Story]]) -> None:
    """The steps taken are those of the independent calculation, each exactly once."""
    simulation, told = played
    found = taken(simulation.connection)
    wanted = set().union(*map(expected, told))
    assert len(wanted) > DELIVERIES  # the months are not quiet
    assert sorted(wanted - set(found)) == []
    assert sorted(set(found) - wanted) == []
    assert set(found.values()) == {1}
    assert simulation.steps == len(wanted)


def test_what_was_acknowledged_in_time_is_never_escalated(played: tuple[Simulation, list[Story]]) -> None:
    """Beyond a reminder to open it, nobody hears of a delivery that was acknowledged in time."""
    simulation, told = played
    in_time = {
        story.delivery_id
        for story in told
        if story.acknowledged_at is not None
        and story.acknowledged_at <= story.ack_by
        and ladder_name(story.kind) != "REQUEST"
    }
    assert len(in_time) > DELIVERIES * 0.4
    assert [step for step in taken(simulation.connection) if step[0] in in_time and step[1] > 0] == []


def test_each_step_is_told_alone_or_in_a_digest(played: tuple[Simulation, list[Story]]) -> None:
    """Notices are escalations and digests to the exchange's own outbox; storms were gathered; none holds more than
    references."""
    simulation, _ = played
    rows = simulation.connection.execute(
        "SELECT value FROM outbox WHERE topic = 'agency.northshire-exchange.outbox' ORDER BY seq"
    ).fetchall()
    types = load_event_types()
    events = [decode_event(bytes(value), schema_ids=None, event_types=types).datum for (value,) in rows]
    kinds = Counter(event["envelope"]["eventType"] for event in events)
    assert set(kinds) == {"control.escalation", "control.notice"}
    assert kinds["control.escalation"] > 1000
    assert kinds["control.notice"] > 10
    assert len({event["envelope"]["eventId"] for event in events}) == len(events)
    digests = [event for event in events if event["envelope"]["eventType"] == "control.notice"]
    assert all(event["kind"] == "DIGEST" and event["count"] >= 1 and event["eventIds"] for event in digests)
    assert all(event["envelope"]["child"]["nhsNumber"] is None for event in events)


def test_nothing_is_left_that_should_have_been_done(played: tuple[Simulation, list[Story]]) -> None:
    """After the last sweep no clock is overdue and no digest is."""
    simulation, _ = played
    now = int(END.timestamp() * 1000) - QUARTER
    assert followup_store.due(simulation.connection, now, 10) == []
    overdue = simulation.connection.execute(
        "SELECT count(*) FROM followup.gathered WHERE flush_at <= %s", (now,)
    ).fetchone()
    assert overdue == (0,)

"""The bench's table: what is measured, in which order, and how each figure relates to the raw pass-through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from statistics import median
from typing import NamedTuple

from schemas.acceleration import PLAIN, Acceleration
from schemas.registry import EventTypes
from streams.bench import following
from streams.bench.compiling import compiled
from streams.bench.decisions import decision_micros
from streams.bench.latency import latencies
from streams.bench.planning import plan_micros
from streams.bench.relationships import publish_relationships
from streams.bench.scenario import Size, area_of
from streams.bench.stage import Progress, Ran, Stage

LATENCY_RATE = 1_000
MANY_AGENCIES = 25_000
MANY_RULES = 100_000
MANY_RELATIONSHIPS = 1_000_000
OPEN_CLOCKS = 500_000
_HOUR_MS = 3_600_000
START_STEPS = 2  # ready, and in its group


class Row(NamedTuple):
    """One figure. `ratio_to_raw` is the median over rounds of the ratio within each round."""

    measure: str
    value: float
    unit: str
    ratio_to_raw: float | None = None


class Plan(NamedTuple):
    """How much is measured."""

    events: int = 60_000
    rounds: int = 5
    latency_seconds: int = 15
    growth: bool = True  # whether sizes that take minutes to compile are measured


class Clocks(NamedTuple):
    """What the bench may not fetch for itself."""

    now: datetime
    monotonic: Callable[[], float]
    nanoseconds: Callable[[], int]
    pause: Callable[[float], object]


def throughput(stage: Stage, plan: Plan, progress: Progress) -> Iterator[Row]:
    """Raw, router with one and two slots, ledger: interleaved rounds on the same broker and events."""
    raw: list[Ran] = []
    one: list[Ran] = []
    two: list[Ran] = []
    for number in range(plan.rounds):
        progress(f"round {number + 1} of {plan.rounds}: raw pass-through, router with one and two slots")
        raw.append(stage.run("raw", plan.events))
        one.append(stage.router(plan.events))
        two.append(stage.router(plan.events, slots=2))
    yield Row("raw", _rate(raw), "ev/s", 1.0)
    yield Row("raw-cpu", _cpu(raw), "µs/event")
    for name, ran in (("router-1", one), ("router-2", two)):
        yield Row(name, _rate(ran), "ev/s", median(a.rate / b.rate for a, b in zip(ran, raw, strict=True)))
        yield Row(f"{name}-cpu", _cpu(ran), "µs/event")
    yield Row("router-1-memory", median(r.rss_bytes for r in one) / 2**20, "MiB")
    progress("ledger: the audit records of those rounds")
    audits = plan.events * plan.rounds * 2
    ledger = stage.run("ledger", audits, database=stage.database())
    yield Row("ledger", ledger.rate, "ev/s", ledger.rate / _rate(raw))
    yield Row("ledger-to-router", ledger.rate / _rate(one), "ratio")
    yield Row("ledger-cpu", ledger.cpu_micros, "µs/event")


def latency(stage: Stage, plan: Plan, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """p50 and p99 at 1,000 events a second."""
    progress(f"latency at {LATENCY_RATE} events a second for {plan.latency_seconds} s")
    spent = latencies(
        stage,
        rate=LATENCY_RATE,
        seconds=plan.latency_seconds,
        now=clocks.now,
        clock=clocks.monotonic,
        pause=clocks.pause,
    )
    for name, share in (("latency-p50", 0.5), ("latency-p99", 0.99)):
        yield Row(name, spent[int(len(spent) * share)] * 1000, "ms")


def metrics_cost(stage: Stage, plan: Plan, progress: Progress) -> Iterator[Row]:
    """What metrics cost a router: its CPU time and its throughput with them to those without, interleaved rounds."""
    on: list[Ran] = []
    off: list[Ran] = []
    for number in range(plan.rounds):
        progress(f"round {number + 1} of {plan.rounds}: router with metrics, scraped every second, and without")
        first, second = ("watched", "silent") if number % 2 else ("silent", "watched")
        ran = {engine: stage.router(plan.events, engine=engine) for engine in (first, second)}
        on.append(ran["watched"])
        off.append(ran["silent"])
    cpu = median(a.cpu_micros / b.cpu_micros for a, b in zip(on, off, strict=True))
    rate = median(a.rate / b.rate for a, b in zip(on, off, strict=True))
    yield Row("metrics-cost", cpu, "CPU with/without")
    yield Row("metrics-cost-rate", rate, "ev/s with/without")


def memory(stage: Stage, plan: Plan, progress: Progress) -> Iterator[Row]:
    """A slot's resident memory with a national number of agencies."""
    if not plan.growth:
        return
    progress(f"a rule set of {MANY_AGENCIES:,} agencies")
    stage.put_in_force(Size(schools=MANY_AGENCIES))
    ran = stage.run("router", min(plan.events, 20_000))
    stage.put_in_force(Size())
    yield Row(f"router-memory-{MANY_AGENCIES}-agencies", ran.rss_bytes / 2**20, "MiB")


def register(stage: Stage, plan: Plan, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """A slot's start, from its first step until it may decide, with and without a national relationship register."""
    count = MANY_RELATIONSHIPS if plan.growth else MANY_RELATIONSHIPS // 100
    progress("starting a router slot with an empty register")
    empty = stage.run("start", START_STEPS)
    publish_relationships(stage.settings, count, int(clocks.now.timestamp() * 1000), progress)
    progress(f"starting a router slot with {count:,} relationships")
    full = stage.run("start", START_STEPS)
    yield Row("register-0", empty.seconds, "s")
    yield Row("register-0-memory", empty.rss_bytes / 2**20, "MiB")
    yield Row(f"register-{count}", full.seconds, "s")
    yield Row(f"register-{count}-memory", full.rss_bytes / 2**20, "MiB")


def decisions(stage: Stage, plan: Plan, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """Microseconds a decision as rules, agencies and recipients grow."""
    many = (1_000, 10_000, 100_000) if plan.growth else (1_000,)
    sizes = [(f"decide-{rules}", Size(rules=rules)) for rules in (100, *many)]
    if plan.growth:
        sizes += [(f"decide-{count}-agencies", Size(schools=count, rules=100)) for count in (10, 1_000, MANY_AGENCIES)]
        sizes += [(f"decide-{n}-recipients", Size(rules=100, recipients=n)) for n in (1, 10, 30)]
    for name, size in sizes:
        progress(f"decisions: {name}")
        yield Row(name, decision_micros(size, stage.event_types, clocks.now, clocks.nanoseconds), "µs")


def planning(event_types: EventTypes, built: Acceleration, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """Microseconds to plan an event of the standard scenario: three deliveries and an audit record, without a broker.

    `plan` is what the router does here; `plan-plain` without the compiled modules; `plan-new` when no event is about
    the same settings as another, so that nothing that was worked out serves again.
    """
    progress("planning, without a broker")
    for name, modules, practices in (("plan", built, False), ("plan-new", built, True), ("plan-plain", PLAIN, False)):
        micros = plan_micros(event_types, modules, clocks.now, clocks.nanoseconds, practices=practices)
        yield Row(name, micros, "µs/event")


def compiling(event_types: EventTypes, plan: Plan, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """Seconds to compile a national rule set and to make a router's index of it."""
    rules = MANY_RULES if plan.growth else MANY_RULES // 100
    progress(f"compiling {rules:,} rules")
    found = compiled(rules, event_types, clocks.nanoseconds)
    yield Row(f"compile-{rules}", found.compile_seconds, "s")
    yield Row(f"index-{rules}", found.index_seconds, "s")
    yield Row(f"artefact-{rules}", found.megabytes, "MiB")


def _rate(ran: list[Ran]) -> float:
    return median(each.rate for each in ran)


def _cpu(ran: list[Ran]) -> float:
    return median(each.cpu_micros for each in ran)


def follow_up(stage: Stage, plan: Plan, clocks: Clocks, progress: Progress) -> Iterator[Row]:
    """With half a million open clocks: how soon a new follow-up is back, and how many receipts it takes in."""
    progress("follow-up: open clocks, then receipts")
    now_ms = int(clocks.now.timestamp() * 1000)
    count = OPEN_CLOCKS if plan.growth else plan.events
    url, agency = stage.database(), area_of(Size()).agencies[0].id
    following.prepare(url, stage.settings, agency, count, now_ms, progress)
    back = following.seconds_to_be_back(stage.settings, url, stage.event_types, now_ms, clocks.monotonic)
    yield Row(f"followup-open-{count}", back, "s")
    receipts = min(count, 2 * plan.events)
    following.publish_receipts(stage.settings, agency, receipts, now_ms, progress)
    rate = following.receipts_a_second(
        stage.settings, url, stage.event_types, now_ms + _HOUR_MS, receipts, clocks.monotonic
    )
    yield Row("followup-receipts", rate, "1/s")

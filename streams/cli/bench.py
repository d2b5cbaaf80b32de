"""`masa bench`: measured, not promised."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.bench_gateway import gateway_rows
from streams.cli.runtime import DEFAULT_DATA_DIR, AsJson, DataDir, Exit, compiled_modules, emit, say

if TYPE_CHECKING:
    from streams.bench.table import Clocks, Plan, Row


class Part(StrEnum):
    """What can be measured by itself."""

    COMPILE = "compile"
    REGISTER = "register"
    PLAN = "plan"
    GATEWAY = "gateway"
    METRICS = "metrics"
    FOLLOWUP = "followup"


def bench(
    events: Annotated[int, typer.Option("--events", min=5_000, help="Events in each round.")] = 60_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Interleaved rounds; medians are shown.")] = 5,
    quick: Annotated[
        bool, typer.Option("--quick", help="One small round and no growth: does it all still run?")
    ] = False,
    only: Annotated[
        Part | None, typer.Option("--only", help="One part only. `compile` needs no broker.", show_default=False)
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="With `--only gateway`: how long.")] = 60,
    rate: Annotated[float, typer.Option("--rate", min=1, help="With `--only gateway`: publishes a second.")] = 500,
    pollers: Annotated[int, typer.Option("--pollers", min=0, help="With `--only gateway`: at once.")] = 200,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Measure this machine: raw librdkafka, the exactly-once router, the ledger, latency, decisions, compiling.

    Everything runs on one broker of its own in one go, and ratios are taken within each round, because
    machines are noisy. After each measurement the outputs are counted: one audit record and three deliveries
    an event, or the figure does not count.

    The raw pass-through writes the very records that the router writes, without looking at what it reads and
    without a transaction: it is the limit, not a rival.

    [bold]Examples[/bold]

    \b
      masa bench
      masa bench --events 200000 --rounds 3 --json
      masa bench --only compile       # 100,000 rules
      masa bench --only plan          # an event without a broker, with and without the compiled modules
      masa bench --only gateway --seconds 600  # the HTTP door of the exchange that runs here
      masa bench --only metrics       # what counting and scraping cost a router
      masa bench --only register      # a router's start with 1,000,000 relationships
      masa bench --only followup      # receipts a second; a start with 500,000 open clocks
    """
    from datetime import UTC, datetime

    from streams.bench import table
    from streams.bench.stage import Incomplete

    plan = table.Plan(5_000, 1, latency_seconds=3, growth=False) if quick else table.Plan(events, rounds)
    clocks = table.Clocks(datetime.now(UTC), time.monotonic, time.perf_counter_ns, time.sleep)
    rows: list[table.Row] = []
    try:
        measured = (
            gateway_rows(data_dir, seconds=seconds, rate=rate, pollers=pollers)
            if only is Part.GATEWAY
            else _measured(plan, clocks, only)
        )
        for row in measured:
            rows.append(row)
            if as_json:
                emit(row._asdict())
    except Incomplete as failure:
        say(str(failure))
        raise typer.Exit(Exit.NO) from None
    if not as_json:
        _show(rows)


def _measured(plan: Plan, clocks: Clocks, only: Part | None) -> Iterator[Row]:
    """The rows, as they are measured. Raises Incomplete."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from schemas.registry import load_event_types
    from streams.bench import table
    from streams.bench.scenario import Size
    from streams.bench.stage import stage

    types = load_event_types()
    if only in (None, Part.PLAN):
        yield from table.planning(types, compiled_modules(), clocks, say)
    if only in (None, Part.COMPILE):
        yield from table.compiling(types, plan, clocks, say)
    if only in (Part.PLAN, Part.COMPILE):
        return
    with TemporaryDirectory(prefix="masa-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the database server runs as a user of its own
        with stage(Path(folder), types, say) as ready:
            ready.put_in_force(Size())
            if only is Part.REGISTER:
                yield from table.register(ready, plan, clocks, say)
                return
            if only is Part.FOLLOWUP:
                yield from table.follow_up(ready, plan, clocks, say)
                return
            ready.publish(plan.events, clocks.now, say)
            if only is Part.METRICS:
                yield from table.metrics_cost(ready, plan, say)
                return
            yield from table.throughput(ready, plan, say)
            if plan.growth:
                yield from table.metrics_cost(ready, plan, say)
            yield from table.memory(ready, plan, say)
            yield from table.latency(ready, plan, clocks, say)
            yield from table.decisions(ready, plan, clocks, say)
            yield from table.register(ready, plan, clocks, say)
            yield from table.follow_up(ready, plan, clocks, say)


def _show(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table("measure", "value", "unit", "ratio to raw")
    for column in shown.columns[1::2]:
        column.justify = "right"
    for measure, value, unit, ratio in rows:
        shown.add_row(
            measure, f"{value:,.2f}" if value < 100 else f"{value:,.0f}", unit, f"{ratio:.2f}" if ratio else ""
        )
    Console().print(shown)

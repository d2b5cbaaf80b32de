"""A running exchange seen from outside, and what fault tests do to its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from connectors import pid_files
from connectors.errors import ConnectorFailure
from connectors.kafka.log_ends import LogEnds
from connectors.kafka.partition import Partition
from connectors.kafka.reader import read_topic
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.topics import AUDIT
from connectors.postgres.connection import connect
from connectors.settings import Settings
from schemas.codec import decode_record
from tests.fault.traffic import Position
from tests.integration.masa_command import MASA, Exchange
from tests.support import wait_for

ROUTER_GROUP = "masa-router"
SETTLED_SECONDS = 240.0


class NotThroughError(AssertionError):
    """The exchange did not come through. Says what and shows the ends of the logs."""


class Victims:
    """The processes of a running exchange, by the names `masa up` gives them: `router-0`, `ledger`, `kafka` …

    Counts what was done to them in `done`.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._paused: list[psutil.Process] = []
        self._until = 0.0
        self.done: Counter[str] = Counter()

    def pid(self, name: str) -> int | None:
        """The process that runs under that name now."""
        for entry in pid_files.entries(self.data_dir / pid_files.RUN_DIR):
            if entry.name == name and pid_files.is_running(entry.pid, entry.started_at):
                return entry.pid
        return None

    def kill(self, name: str) -> None:
        """`kill -9` once it runs (it may be on its way back from the last time)."""
        pid = wait_for(lambda: self.pid(name), 90, what=f"the process `{name}`")
        os.kill(pid, signal.SIGKILL)
        self.done[f"kill {name.partition('-')[0]}"] += 1

    def pause(self, name: str, seconds: float) -> None:
        """SIGSTOP, for so long."""
        process = psutil.Process(wait_for(lambda: self.pid(name), 90, what=f"the process `{name}`"))
        process.suspend()
        self._paused.append(process)
        self._until = time.monotonic() + seconds
        self.done["pause router"] += 1

    @property
    def asleep(self) -> bool:
        return bool(self._paused)

    def slept_enough(self) -> bool:
        """Whether what is paused has been for as long as it should."""
        return self.asleep and time.monotonic() >= self._until

    def resume(self) -> None:
        """SIGCONT to all that were paused."""
        while self._paused:
            self._paused.pop().resume()


class AddedSlot:
    """A router slot beside those of `masa up`, as an operator adds one. Restarted by the test when killed."""

    def __init__(self, data_dir: Path, slot: int) -> None:
        self._command = [*MASA, "router", "--slot", str(slot), "--data-dir", str(data_dir)]
        self._log = data_dir / f"router-{slot}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=dict(os.environ))

    def kill_and_start(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self.start()

    def keep_running(self) -> None:
        """As a supervisor: start it again when it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def partitions_owned(self) -> int:
        """The most partitions it ever had."""
        owned = [line.get("partitions", 0) for line in log_lines(self._log)]
        return max(owned, default=0)


def log_lines(log: Path) -> list[dict[str, Any]]:
    """A process's structured log; lines that are not JSON (cut short by a kill) are passed over."""
    lines = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def processes_of(data_dir: Path, word: str = "") -> list[psutil.Process]:
    """Every process whose command line names the data directory, whoever its parent is; the caller's own left out."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        living = process.info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
        if living and str(data_dir) in line and word in line:
            found.append(process)
    return found


def amid_a_transaction(data_dir: Path) -> None:
    """Return while some router's transaction is open, as the audit topic shows it; or after a while without any."""
    ends = LogEnds(Settings.load(data_dir, {}).kafka())
    audits = ends.partitions(lambda name: name == AUDIT)
    deadline = time.monotonic() + 10

    def now() -> bool:
        return ends.written(audits) != ends.settled(audits) or time.monotonic() > deadline

    wait_for(now, 20, what="an open transaction")


def logs_said(data_dir: Path) -> str:
    """The ends of all logs, for the message of a test that failed."""
    tails = (
        f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        for log in sorted(data_dir.glob("*.log"))
        if log.name.partition(".")[0] not in ("kafka", "postgres")
    )
    return "\n".join(tails)


def await_routed(data_dir: Path, ends: Mapping[tuple[str, int], int], *, published: Collection[Position]) -> None:
    """Wait until the routers have committed past these outbox ends and the ledger has a row of each record published.

    Asks anew through fresh clients: broker and database may have come back at other addresses.
    """
    began = time.monotonic()

    def routed() -> bool:
        try:
            found = Settings.load(data_dir, {})
            committed = LogEnds(found.kafka()).committed(ROUTER_GROUP)
            behind = {where: at for where, at in ends.items() if committed.get(Partition(*where), 0) < at}
            return not behind and _rows(found.database(), published) >= len(published)
        except ConnectorFailure:
            return False

    try:
        wait_for(routed, SETTLED_SECONDS, what="the routing of everything published")
    except AssertionError as error:
        raise NotThroughError(f"{error} ({time.monotonic() - began:.0f} s)\n{logs_said(data_dir)}") from None


_OF_THESE = """
SELECT count(*) FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS published (topic, number, at)
JOIN ledger.event ON source_topic = topic AND source_partition = number AND source_offset = at
"""


def _rows(url: str, published: Collection[Position]) -> int:
    columns = [list(column) for column in zip(*published, strict=True)]
    with connect(url) as connection:
        row: Any = connection.execute(_OF_THESE, columns).fetchone()
        return int(row[0])


def reconciled(exchange: Exchange) -> dict[str, Any]:
    """What `masa ledger reconcile` says once the ledger is not behind; everything must agree at any time.

    The exchange itself goes on speaking (heartbeats, notices), so that the ledger may be behind for a moment.
    """

    def report() -> dict[str, Any] | None:
        done = exchange.masa("ledger", "reconcile", "--json")
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        differences = {verdict: found[verdict][:5] for verdict in ("missing", "duplicate", "unexplained")}
        assert not any(differences.values()), (found["totals"], found["laws"], differences)
        assert done.returncode == 0
        return found if found["ledger"]["behind"] == 0 else None

    return wait_for(report, 60, what="a ledger that is not behind")


class Audited(NamedTuple):
    """What the audit stream says: the plainest possible second opinion."""

    positions: Counter[Position]  # of what was published: how often each is audited
    own: int  # audit records of what the exchange itself said meanwhile (notices, heartbeats)
    promised: Counter[str]  # how often each delivery id is promised


def audited_of(kafka: KafkaSettings, published: Collection[Position]) -> Audited:
    """Whatever was not published here must be the exchange's own."""
    positions: Counter[Position] = Counter()
    promised: Counter[str] = Counter()
    theirs, own = set(published), 0
    for record in read_topic(kafka, [AUDIT]):
        audit = decode_record("audit", record.value or b"")
        position = audit["sourceTopic"], audit["sourcePartition"], audit["sourceOffset"]
        if position in theirs:
            positions[position] += 1
        else:
            assert is_own(audit), position
            own += 1
        promised.update(each["deliveryId"] for each in audit["outcomes"] if each["outcome"] == "DELIVERED")
    return Audited(positions, own, promised)


def is_own(audit: Mapping[str, Any]) -> bool:
    """Whether it may be about something that the exchange itself said."""
    return (audit["source"] or "").endswith(("-exchange", "-probe"))


def delivered_as_promised(kafka: KafkaSettings, promised: Counter[str], published: Collection[Position]) -> None:
    """Every promised delivery is in an inbox once, and nothing else is, but what the exchange has said since."""
    assert set(promised.values()) == {1}
    delivered = delivered_ids(kafka)
    assert promised <= delivered, sorted(promised - delivered)[:5]
    unexplained = delivered - audited_of(kafka, published).promised
    assert not unexplained, sorted(unexplained)[:5]


def delivered_ids(kafka: KafkaSettings) -> Counter[str]:
    """How often each delivery id stands in any inbox."""
    inboxes = {each.topic for each in LogEnds(kafka).partitions(lambda name: name.endswith(".inbox"))}
    return Counter(record.header("masa-delivery-id") or "" for record in read_topic(kafka, sorted(inboxes)))

"""A running exchange, its command line called without starting a process each time, and everything it keeps, raw."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from psycopg import sql
from typer.testing import CliRunner

from schemas.json_form import to_json
from schemas.registry import EventType
from streams.cli.main import app
from tests.integration.masa_command import MASA, Exchange
from tests.support import wait_for

ROUTED_WITHIN_SECONDS = 120.0
READ_WITHIN_SECONDS = 120.0


class RawRecord(NamedTuple):
    """A record as bytes."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def header(self, name: str) -> str:
        return next((value or b"" for key, value in self.headers if key == name), b"").decode()


class LiveExchange(Exchange):
    """`masa up` and ways to look behind it."""

    def call(self, *arguments: str, stdin: str = "") -> Any:
        """One `masa` command inside this process: the same code, without a second of start-up."""
        where = () if arguments[0] == "schemas" else ("--data-dir", str(self.data_dir))
        return CliRunner().invoke(app, [*arguments, *where], input=stdin.encode())

    def answers(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        """The JSON lines that a command prints."""
        done = self.call(*arguments, stdin=stdin)
        assert done.exit_code == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def publish(self, events: Sequence[tuple[EventType, dict[str, Any]]], *more: str) -> list[dict[str, Any]]:
        """Publish data as a person would, as JSON lines; where each went."""
        lines = [json.dumps(to_json(event_type, datum)) for event_type, datum in events]
        return self.answers("publish", "-", *more, stdin="\n".join(lines))

    def pipe(self, first: str, second: str) -> str:
        """`masa FIRST | masa SECOND` in a shell; what it prints."""
        masa = shlex.join(MASA)
        line = f"set -o pipefail; {masa} {first} | {masa} {second} --data-dir {shlex.quote(str(self.data_dir))}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def in_the_ledger(self, event_ids: Sequence[str]) -> None:
        """Wait until each event has its row."""
        wanted = list(event_ids)

        def all_there() -> bool:
            with psycopg.connect(self.database) as connection:
                query = "SELECT count(DISTINCT event_id) FROM ledger.event WHERE event_id = ANY(%s)"
                row = connection.execute(query, (wanted,)).fetchone()
            return row is not None and row[0] == len(set(wanted))

        wait_for(all_there, ROUTED_WITHIN_SECONDS, what=f"{len(wanted)} events in the ledger")

    @property
    def database(self) -> str:
        return str(self.connection()["database"])

    def topics(self) -> list[str]:
        """Every topic of the broker, the internal ones too."""
        consumer = Consumer({"bootstrap.servers": self.connection()["kafka"], "group.id": "unused"})
        try:
            return sorted(consumer.list_topics(timeout=20).topics)
        finally:
            consumer.close()

    def records(self, topics: Sequence[str], *, isolation: str = "read_committed") -> Iterator[RawRecord]:
        """Every record of these topics from their beginning to their end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.connection()["kafka"],
                "group.id": "unused",
                "isolation.level": isolation,
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        try:
            found = consumer.list_topics(timeout=20).topics
            parts = [(topic, number) for topic in topics for number in found[topic].partitions]
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in parts])
            open_parts = set(parts)
            until = time.monotonic() + READ_WITHIN_SECONDS
            while open_parts:
                assert time.monotonic() < until, f"not read to the end: {sorted(open_parts)[:3]}"
                for message in consumer.consume(1_000, 1.0):
                    error = message.error()
                    if error is None:
                        yield _raw(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        open_parts.discard((message.topic(), message.partition()))
        finally:
            consumer.close()

    def tables(self) -> list[tuple[str, str]]:
        """Every table of the database, PostgreSQL's own too."""
        query = (
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'm') ORDER BY 1, 2"
        )
        with psycopg.connect(self.database) as connection:
            return [(str(schema), str(table)) for schema, table in connection.execute(query).fetchall()]

    def rows_of(self, schema: str, table: str) -> Iterator[bytes]:
        """Each row of a table as bytes: texts as they are, `bytea` unescaped."""
        query = sql.SQL("SELECT * FROM {}.{}").format(sql.Identifier(schema), sql.Identifier(table))
        with psycopg.connect(self.database) as connection:
            for row in connection.execute(query):
                yield b"\n".join(each if isinstance(each, bytes) else str(each).encode() for each in row)

    def logs(self) -> dict[str, bytes]:
        """Every log file of the data directory; Kafka calls the segments of its topics `*.log` too."""
        files = [path for path in self.data_dir.rglob("*.log") if path.is_file() and not path.stem.isdigit()]
        return {str(path): path.read_bytes() for path in files}

    def metrics(self) -> dict[str, bytes]:
        """Every metrics page."""
        pages = {}
        for url in self.connection()["metrics"]:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
                pages[url] = answer.read()
        return pages


def _raw(message: Any) -> RawRecord:
    return RawRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )

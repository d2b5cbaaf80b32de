"""The audit stream reaches PostgreSQL exactly once, whatever is killed, on a real broker and database."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from connectors.errors import ChangeSettings
from connectors.kafka.offset_consumer import OffsetLost
from connectors.kafka.settings import KafkaSettings
from connectors.postgres.connection import connect
from connectors.postgres.embedded import EmbeddedPostgres
from connectors.postgres.migrate import migrate
from connectors.waiting import wait_until
from tests.integration.ledger_support import Auditor, audit_topic, await_rows, count, run_until_it_ends, running, stored

pytestmark = pytest.mark.integration


@pytest.fixture
def ledger(postgres: str) -> str:
    """A migrated, empty ledger."""
    migrate(postgres)
    with connect(postgres) as connection:
        connection.execute("TRUNCATE ledger.event, ledger.outcome, ledger.progress, ledger.chain")
    return postgres


@pytest.fixture
def topic(kafka: KafkaSettings) -> Iterator[str]:
    return audit_topic(kafka)


def sources(url: str) -> list[int]:
    return sorted(source for _, _, source, _ in stored(url))


def test_committed_records_become_rows_and_aborted_ones_do_not(kafka: KafkaSettings, ledger: str, topic: str) -> None:
    """Every committed audit record has one row and its outcomes; nothing else has."""
    auditor = Auditor(kafka, topic)
    auditor.write(range(50))
    auditor.write(range(50, 80), commit=False)
    auditor.write(range(100, 130))
    with running(kafka, ledger, topic) as told:
        await_rows(ledger, 80)
        auditor.write(range(200, 210))
        await_rows(ledger, 90)
        wait_until(lambda: told.behind == 0, timeout=10, what="nothing behind")
    assert sources(ledger) == [*range(50), *range(100, 130), *range(200, 210)]
    assert {outcomes for *_, outcomes in stored(ledger)} == {3}
    assert (told.committed, told.failures) == (90, [])


def test_a_restarted_loop_goes_on_where_the_database_says(kafka: KafkaSettings, ledger: str, topic: str) -> None:
    """Nothing is read twice or left out between two runs."""
    auditor = Auditor(kafka, topic)
    auditor.write(range(40))
    with running(kafka, ledger, topic):
        await_rows(ledger, 40)
    auditor.write(range(40, 70))
    with running(kafka, ledger, topic) as told:
        await_rows(ledger, 70)
    assert told.committed == 30
    assert sources(ledger) == list(range(70))


def test_killed_again_and_again_it_stores_everything_once(kafka: KafkaSettings, ledger: str, topic: str) -> None:
    """kill -9 at random moments of a run leaves neither gaps nor doubles."""
    total, chance = 6_000, random.Random(7)
    auditor = Auditor(kafka, topic)
    for start in range(0, total, 1_000):
        auditor.write(range(start, start + 1_000))
    command = [sys.executable, "-m", "tests.integration.ledger_support", kafka.bootstrap_servers, ledger, topic]
    kills = 0
    for share in sorted(chance.uniform(0.02, 0.9) for _ in range(5)):
        process = subprocess.Popen(command)
        await_rows(ledger, int(total * share))
        process.kill()
        process.wait(10)
        kills += count(ledger) < total
    assert kills >= 3
    with running(kafka, ledger, topic):
        await_rows(ledger, total)
    assert sources(ledger) == list(range(total))
    assert {outcomes for *_, outcomes in stored(ledger)} == {3}


def test_two_instances_never_write_twice(kafka: KafkaSettings, ledger: str, topic: str) -> None:
    """The second waits, says so, and takes over when the first ends."""
    auditor = Auditor(kafka, topic)
    auditor.write(range(100))
    with running(kafka, ledger, topic) as second_told:
        await_rows(ledger, 100)
        with running(kafka, ledger, topic) as waiting_told:
            wait_until(lambda: waiting_told.failures, timeout=10, what="the second instance's complaint")
            auditor.write(range(100, 200))
            await_rows(ledger, 200)
        assert set(waiting_told.failures) == {"AnotherWriter"}
        assert waiting_told.committed == 0
    assert second_told.committed == 200
    with running(kafka, ledger, topic):
        auditor.write(range(200, 300))
        await_rows(ledger, 300)
    assert sources(ledger) == list(range(300))


def test_a_database_restart_is_survived(kafka: KafkaSettings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """PostgreSQL killed and started again in mid-run: the loop goes on by itself and stores everything once."""
    server = EmbeddedPostgres(data_dir=tmp_path_factory.mktemp("restarted") / "postgres")
    url = server.start()
    try:
        migrate(url)
        topic = audit_topic(kafka)
        auditor = Auditor(kafka, topic)
        for start in range(0, 6_000, 1_000):
            auditor.write(range(start, start + 1_000))
        with running(kafka, url, topic, batch_records=50) as told:
            for wanted in (300, 2_000):
                await_rows(url, wanted)
                server.kill()
                assert server.start() == url
            await_rows(url, 6_000)
        assert sources(url) == list(range(6_000))
        assert set(told.failures) == {"RetryLater"}
    finally:
        server.remove()


def test_an_offset_that_the_log_lost_stops_the_loop(kafka: KafkaSettings, ledger: str, topic: str) -> None:
    """A topic made anew must not be taken for the old one: an operator decides."""
    Auditor(kafka, topic).write(range(10))
    with connect(ledger) as connection:
        connection.execute("INSERT INTO ledger.progress VALUES (%s, 0, 500)", (topic,))
    with pytest.raises(OffsetLost, match="the stored offset is not in the log"):
        run_until_it_ends(kafka.bootstrap_servers, ledger, topic)
    assert all(partition != 0 for partition, *_ in stored(ledger))


def test_a_missing_topic_is_named(kafka: KafkaSettings, ledger: str) -> None:
    """The operator is told what makes it."""
    with pytest.raises(ChangeSettings, match="topic `nowhere` does not exist"):
        run_until_it_ends(kafka.bootstrap_servers, ledger, "nowhere")

"""The whole exchange, used through the command line only, on real Kafka and PostgreSQL."""

from __future__ import annotations

import json
import stat
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from connectors.waiting import wait_until
from schemas.registry import load_event_types
from streams.cli.ledger_view import event_or_none
from tests.integration.masa_command import Exchange

pytestmark = pytest.mark.integration

ENCOMPASS = "police.domestic-abuse-incident"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    running = Exchange(tmp_path_factory.mktemp("exchange") / "data")
    try:
        running.start()
        yield running
    finally:
        running.close()


def test_where_things_are_is_written_down(exchange: Exchange) -> None:
    """connection.json has its promised keys, is private, and every metrics URL answers."""
    connection = exchange.connection()
    assert {"kafka", "database", "gateway", "prometheus", "metrics"} <= set(connection)
    assert stat.S_IMODE((exchange.data_dir / "connection.json").stat().st_mode) == 0o600
    for url in connection["metrics"]:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            assert b"masa_process_ready 1.0" in answer.read()


def test_processes_are_separate_and_log_into_the_data_directory(exchange: Exchange) -> None:
    """A router's command line says so, and each process has a log of its own."""
    assert "router" in psutil.Process(exchange.children()["router-0"].pid).cmdline()
    logs = {path.name for path in exchange.data_dir.glob("*.log")}
    assert {"kafka.log", "ledger.log", "postgres.log", "router-0.log", "up.log"} <= logs
    for name in ("ledger.log", "router-0.log", "up.log"):
        lines = (exchange.data_dir / name).read_text().splitlines()
        assert all({"at", "level", "event"} <= set(json.loads(line)) for line in lines), name


def test_doctor_is_content_with_a_running_exchange(exchange: Exchange) -> None:
    """Nothing fails, and what it looked at includes broker, topics, database and processes."""
    rows = exchange.rows("doctor", "--json")
    assert [row for row in rows if row["state"] == "fail"] == []
    assert {"kafka", "topics", "database", "process"} <= {row["check"] for row in rows}


def test_every_event_type_is_accepted_and_every_candidate_has_one_outcome_with_a_reason(exchange: Exchange) -> None:
    """The example of each type is published, audited once, and the ledger says who was told what and why."""
    names = list(load_event_types())
    text = "".join(exchange.example(name) for name in names)
    published = exchange.rows("publish", "-", stdin=text)
    assert len(published) == len(names)
    url = exchange.connection()["database"]
    for name, row in zip(names, published, strict=True):
        event = event_or_none(url, row["eventId"], wait_seconds=30)
        assert event is not None, name
        assert (event["eventId"], event["eventType"]) == (row["eventId"], name)
        assert event["kind"] in ("DECIDED", "UNROUTED"), event
        assert (event["repeats"], event["others"]) == ([], [])
        agencies = Counter(outcome["agency"] for outcome in event["outcomes"])
        assert max(agencies.values(), default=1) == 1
        assert all(outcome["reasons"] for outcome in event["outcomes"])


def test_a_delivery_is_read_acknowledged_and_listed(exchange: Exchange) -> None:
    """The school reads what was shared with it and nothing else, and answers."""
    (published,) = exchange.rows("publish", "-", stdin=exchange.example(ENCOMPASS))
    exchange.rows("ledger", "show", published["eventId"], "--json", "--wait", "30")
    (delivery,) = exchange.rows("inbox", "oakfield-primary", "--json", "--event", published["eventId"])
    assert delivery["event"]["envelope"]["child"]["name"]
    assert delivery["event"]["envelope"]["child"]["nhsNumber"] is None
    assert "envelope.child.nhsNumber" in delivery["headers"]["masa-withheld"].split(",")
    (receipt,) = exchange.rows("ack", delivery["deliveryId"], "NOTED", "--role", "dsl")
    assert (receipt["agency"], receipt["topic"]) == ("oakfield-primary", "gateway.receipts")
    listed = exchange.rows("ledger", "deliveries", "--agency", "oakfield-primary", "--json")
    assert delivery["deliveryId"] in {row["deliveryId"] for row in listed}


def test_only_the_addressee_may_acknowledge(exchange: Exchange) -> None:
    """Another agency's answer is refused with status 1, an unknown outcome with status 2."""
    (delivery,) = exchange.rows("inbox", "oakfield-primary", "--json", "--max", "1")
    answer = exchange.masa("ack", delivery["deliveryId"], "NOTED", "--agency", "northshire-csc")
    assert answer.returncode == 1
    assert exchange.masa("ack", delivery["deliveryId"], "DONE").returncode == 2


def test_nothing_is_published_when_one_event_is_wrong(exchange: Exchange, tmp_path: Path) -> None:
    """Every problem is named by file, line and field; the outbox is as before."""
    good = exchange.example(ENCOMPASS)
    bad = exchange.example(ENCOMPASS, **{"envelope.child.nhsNumber": "9434765918"})
    spoofed = exchange.example(ENCOMPASS, **{"envelope.sourceOrg.id": "E23000097"})
    misspelt = good.replace('"urgency"', '"urgancy"')
    file = tmp_path / "events.ndjson"
    file.write_text(good + bad + spoofed + misspelt + "{\n")
    done = exchange.masa("publish", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr
    assert f"{file}:2: envelope.child.nhsNumber: " in said
    assert f"{file}:3: envelope.sourceOrg: " in said
    assert f"{file}:4: envelope.urgancy: is not a field of the schema: did you mean `urgency`" in said
    assert f"{file}:5: " in said
    assert "9434765918" not in said
    kept = exchange.rows("publish", str(file), "--keep-going", status=1)
    assert len(kept) == 1


def test_an_agency_on_the_gateway_publishes_through_it(exchange: Exchange) -> None:
    """Its event goes to the shared outbox, is believed, and decided."""
    example = exchange.example("education.absence-concern")
    (published,) = exchange.rows("publish", "-", "--agency", "oakfield-primary", stdin=example)
    assert published["topic"] == "gateway.outbox"
    (event,) = exchange.rows("ledger", "show", published["eventId"], "--json", "--wait", "30")
    assert (event["source"], event["kind"]) == ("oakfield-primary", "DECIDED")


def test_bad_input_is_kept_listed_and_can_be_put_back(exchange: Exchange) -> None:
    """What the router refuses has its reason, and replaying it has it refused again under the same reason."""
    (made,) = exchange.rows("simulate", "--events", "60", "--seed", "4", "--bad", "1")
    bad = sum(made["bad"].values())
    assert bad >= 50

    def settled() -> bool:
        return len(exchange.rows("rejected", "list", "--json")) >= bad

    wait_until(settled, timeout=60, what="the rejection of all bad input")
    rows = exchange.rows("rejected", "list", "--json")
    assert all(row["reason"] and row["explanation"] for row in rows)
    first = rows[0]
    (back,) = exchange.rows("rejected", "replay", first["position"])
    assert back["from"] == first["position"]

    def again() -> bool:
        position = f"{back['topic']}:{back['partition']}:{back['offset']}"
        found = {row["position"]: row["reason"] for row in exchange.rows("rejected", "list", "--json")}
        return found.get(position) == first["reason"]

    wait_until(again, timeout=60, what="the second rejection")


def test_a_past_decision_is_explained_and_comes_out_the_same(exchange: Exchange) -> None:
    """From the inputs on record, under the rule set that decided, every outcome is what it was."""
    (published,) = exchange.rows("publish", "-", stdin=exchange.example(ENCOMPASS))
    exchange.rows("ledger", "show", published["eventId"], "--json", "--wait", "30")
    (told,) = exchange.rows("rules", "explain", published["eventId"], "--json")
    assert told["warnings"] == []
    assert {each["agency"] for each in told["agencies"] if each["outcome"] == "DELIVERED"} >= {"oakfield-primary"}


def test_the_books_agree(exchange: Exchange) -> None:
    """After all of the above, nothing is missing, duplicate or unexplained."""
    (report,) = exchange.rows("ledger", "reconcile", "--json")
    assert report["events"] == report["audited"] > 60
    assert (report["missing"], report["duplicate"], report["unexplained"]) == ([], [], [])


def test_topics_are_as_planned(exchange: Exchange) -> None:
    """A provisioned broker needs no change."""
    assert exchange.rows("topics", "plan", "--json") == []

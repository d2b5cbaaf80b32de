"""Webhooks: what is pushed, how it is signed, to where never, and what a failure means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors.errors import ChangeSettings
from connectors.http.webhook_post import Outcome, is_public, post
from connectors.http.webhooks import Hook, Notice, Pusher, pause_after, read_hooks, signed_headers
from tests.support import wait_for

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_790_000_000.0
NOTICE = Notice("0a5c9a4e-0000-5000-8000-000000000001", "oakfield-primary", 2, None, 1, int(NOW * 1000))


class Kept:
    """Notices in memory."""

    def __init__(self, *due: Notice) -> None:
        self.due = list(due)
        self.done: list[tuple[str, str]] = []
        self.later: list[int] = []

    def claim(self, agencies: list[str], *, now: int, since: int, lease_until: int) -> list[Notice]:
        found = [each for each in self.due if each.agency in agencies]
        self.due = [each for each in self.due if each not in found]
        return found

    def told(self, delivery_id: str) -> None:
        self.done.append((delivery_id, "told"))

    def give_up(self, delivery_id: str) -> None:
        self.done.append((delivery_id, "given up"))

    def postpone(self, delivery_id: str, until: int) -> None:
        self.later.append(until)


class Heard:
    def __init__(self) -> None:
        self.results: list[str] = []

    def webhook_attempted(self, *, agency: str, result: str, attempt: int) -> None:
        self.results.append(result)


def pusher(kept: Kept, outcome: Outcome = "told", *, clock: float = NOW, sent: list[bytes] | None = None) -> Pusher:
    def answer(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        if sent is not None:
            sent.append(body)
        return outcome

    hooks = {"oakfield-primary": Hook(url="https://mis.example/hook", secret=SECRET)}
    heard = Heard()
    return Pusher(hooks, kept, answer, gateway="https://masa.example", telemetry=heard, clock=lambda: clock)


def test_a_notification_is_a_reference_and_nothing_else() -> None:
    """No event type, nobody's name: an id, how urgent it is, and where to fetch it."""
    sent: list[bytes] = []
    pusher(Kept(), sent=sent).push(NOTICE)
    body = json.loads(sent[0])
    assert set(body) == {"type", "timestamp", "data"}
    assert body["data"] == {
        "deliveryId": NOTICE.delivery_id,
        "urgency": "URGENT",
        "ackBy": None,
        "url": f"https://masa.example/v1/deliveries/{NOTICE.delivery_id}",
    }


def test_the_signature_is_standard_webhooks_own() -> None:
    """Worked out here anew: HMAC-SHA-256 over id, time and body, in Base64, with its version."""
    headers = signed_headers(SECRET, "id-1", b"{}", at=1_790_000_000)
    digest = hmac.new(bytes(range(32)), b"id-1.1790000000.{}", hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("id-1", "1790000000")


@pytest.mark.parametrize(
    ("outcome", "made_ago", "done", "later"),
    [
        ("told", 0, "told", None),
        ("failed", 0, None, 5),
        ("refused-address", 0, None, 5),
        ("gone", 0, "given up", None),
        ("failed", 90_000, "given up", None),
    ],
)
def test_a_failure_is_tried_again_later_and_given_up_after_a_day(
    outcome: Outcome, made_ago: int, done: str | None, later: int | None
) -> None:
    """A receiver that says 410 wants none any more."""
    kept = Kept()
    pusher(kept, outcome, clock=NOW + made_ago).push(NOTICE)
    assert kept.done == ([(NOTICE.delivery_id, done)] if done else [])
    assert kept.later == ([int(NOW + later) * 1000] if later else [])
    pauses = [pause_after(attempt) for attempt in range(1, 30)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 3600


def test_one_agency_that_does_not_answer_holds_up_no_other() -> None:
    """While the first is still being told, the second has been."""
    release, told = threading.Event(), threading.Event()
    slow, quick = NOTICE, NOTICE._replace(agency="kingsmere-academy", delivery_id="other")
    kept, stopping = Kept(slow, quick), threading.Event()

    def answer(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        if "slow" in url:
            assert release.wait(30)
        else:
            told.set()
        return "told"

    hooks = {
        "oakfield-primary": Hook(url="https://slow.example/", secret=SECRET),
        "kingsmere-academy": Hook(url="https://quick.example/", secret=SECRET),
    }
    made = Pusher(hooks, kept, answer, gateway="https://masa.example", telemetry=Heard(), clock=lambda: NOW)
    work = threading.Thread(target=made.keep_pushing, args=(stopping.wait, stopping.is_set))
    work.start()
    try:
        assert told.wait(30)
        wait_for(lambda: kept.done == [("other", "told")], what="the quick one's being told")
    finally:
        release.set()
        stopping.set()
        work.join(30)
    assert (slow.delivery_id, "told") in kept.done


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - not bound to
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address: str, public: bool) -> None:
    """Private, link-local, metadata and disguised ones are not."""
    assert is_public(address) is public


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An HTTP server on the loopback address; the headers of what it was sent. `/302` and `/410` answer so."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response({"/302": 302, "/410": 410, "/500": 500}.get(self.path, 204))
            self.send_header("Location", "/")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


def test_a_private_address_is_never_posted_to_unless_allowed(receiver: tuple[str, list[dict[str, str]]]) -> None:
    """Nor is a redirect followed; the receiver sees its own name as the host."""
    url, seen = receiver
    headers = {"webhook-id": "id-1"}
    assert post(url, b"{}", headers) == "refused-address"
    assert post("https://no-such-name.invalid/", b"{}", headers) == "refused-address"
    assert seen == []
    outcomes = [post(url + path, b"{}", headers, allow_private=True) for path in ("/", "/302", "/410", "/500")]
    assert outcomes == ["told", "failed", "gone", "failed"]
    assert seen[0]["host"] == url.removeprefix("http://")
    assert post("http://127.0.0.1:9/", b"{}", headers, allow_private=True) == "failed"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[a]\nurl = 'https://a.example'\nsecret = 'short'\n", "secret"),
        ("[a]\nurl = 'https://a.example'\nsecret = 'whsec_c2hvcnQ='\n", "shorter"),
        (f"[a]\nurl = 'http://a.example'\nsecret = '{SECRET}'\n", "https"),
        (f"[a]\nurl = 'https://a.example'\nsecret = '{SECRET}'\nmore = 1\n", "more"),
        ("[a\n", "cannot be read"),
    ],
)
def test_a_settings_file_with_a_weak_secret_or_no_https_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """And the secret is not repeated."""
    file = tmp_path / "hooks.toml"
    file.write_text(text)
    with pytest.raises(ChangeSettings, match=named) as refused:
        read_hooks(file, allow_private=False)
    assert SECRET not in str(refused.value)
    file.write_text(f"[oakfield-primary]\nurl = 'https://mis.example/hook'\nsecret = '{SECRET}'\n")
    assert set(read_hooks(file, allow_private=False)) == {"oakfield-primary"}

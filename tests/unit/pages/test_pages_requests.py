"""Requests without a browser's good manners: forged forms, strangers' messages, guesses, tricks with addresses."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp

from connectors.errors import RetryLater
from connectors.http.app import create_app
from connectors.http.door import Door
from connectors.http.pages.oidc import SignInRefused, challenge_of
from connectors.http.pages.router import SPOTS, pages_router
from connectors.http.pages.sessions import COOKIE, IDLE_MS, SIGN_IN_COOKIE, SignIn
from connectors.http.tokens import TokenVerifier
from connectors.http.values import Caller
from connectors.telemetry import Telemetry
from tests.inbox_double import InboxDouble, SessionsDouble, encompass, id_of
from tests.pages_site import Clock, settings_of
from tests.unit.pages.test_pages_form import ABSENCE, an_example, typed_all

URL, ISSUER = "https://masa.example.org", "https://sign-in.example.org"
DSL = Caller(
    "oakfield-primary", "dsl@oakfield-primary", "person", frozenset({"dsl"}),
    frozenset({"publish", "inbox", "outcome"}), "A. Lead",
)  # fmt: skip
HTML = {"accept": "text/html,application/xhtml+xml"}  # as browsers ask
MINE, THEIRS = id_of(1001), id_of(1050)


class IdentityDouble:
    """Vouches for `caller` when the code is `good`."""

    def __init__(self) -> None:
        self.caller = DSL
        self.asked: list[SignIn] = []
        self.used: list[SignIn] = []

    def way_there(self, sign_in: SignIn) -> str:
        self.asked.append(sign_in)
        return f"{ISSUER}/authorize?state={sign_in.state}&code_challenge={challenge_of(sign_in.verifier)}"

    def who(self, code: str, sign_in: SignIn) -> Caller:
        if code == "away":
            raise RetryLater("the issuer `idp-1.internal` is away")
        if code != "good" or sign_in in self.used:  # an issuer takes its code once
            raise SignInRefused("code-refused", "the sign-in took too long")
        self.used.append(sign_in)
        return self.caller

    def way_out(self) -> str | None:
        return f"{ISSUER}/end-session"


class NoKeys:
    def fetch(self) -> Mapping[str, Any]:
        raise RetryLater("no keys here")


class InProcess(httpx.BaseTransport):
    """Requests to an app in this process, its event loop in a thread of its own."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._inner, self._portal = httpx.ASGITransport(app), portal  # type: ignore[arg-type]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._answer, request.method, request.url, request.headers, request.read())

    async def _answer(self, method: str, url: httpx.URL, headers: httpx.Headers, body: bytes) -> httpx.Response:
        answer = await self._inner.handle_async_request(httpx.Request(method, url, headers=headers, content=body))
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Stage:
    """The app, a browser that is not signed in yet, and everything behind."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.doors, self.sessions = InboxDouble(), SessionsDouble()
        self.clock, self.identity = Clock(), IdentityDouble()
        settings = settings_of(URL, ISSUER)
        verifier = TokenVerifier(settings, NoKeys(), clock=self.clock, monotonic=time.monotonic)
        self.telemetry = Telemetry(process="pages", clock=self.clock)
        door = Door(
            self.doors, settings, verifier, telemetry=self.telemetry, clock=self.clock, monotonic=time.monotonic
        )
        app = create_app(door, routers=[pages_router(self.sessions, lambda _: self.identity)])
        self.browser = httpx.Client(transport=InProcess(app, portal), base_url=URL, headers=HTML)

    def signed_in(self) -> httpx.Client:
        there = self.browser.get("/sign-in/go")
        state = httpx.URL(there.headers["location"]).params["state"]
        back = self.browser.get("/auth/callback", params={"code": "good", "state": state})
        assert back.status_code == 303
        return self.browser

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.browser.get("/cover").text)
        assert found
        return found[1]

    def refusals(self) -> str:
        return self.telemetry.exposition()[1].decode()


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as started:
        yield started


@pytest.fixture
def stage(portal: BlockingPortal) -> Stage:
    return Stage(portal)


def concrete(path: str) -> str:
    return path.format(delivery_id=MINE, event_type="education.absence-concern", event_id=id_of(1))


def test_nothing_is_shown_or_done_without_a_session(stage: Stage) -> None:
    """Every page leads to the sign-in, and back to itself when it is one to look at."""
    for spot in SPOTS:
        data = {"csrf": "x"} if spot.method == "POST" else None
        answer = stage.browser.request(spot.method, concrete(spot.path), data=data)
        assert answer.status_code == 303
        back = concrete(spot.path) if spot.method == "GET" else "/inbox"
        assert httpx.URL(answer.headers["location"]).params["to"] == back
    assert stage.doors.opened == []


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        (None, {}),
        ("wrong", {}),
        ("right", {"origin": "https://evil.example"}),
        ("right", {"origin": "null"}),
        ("right", {"sec-fetch-site": "cross-site"}),
        ("right", {"sec-fetch-site": "same-site"}),
    ],
)
def test_a_form_from_elsewhere_does_nothing(stage: Stage, token: str | None, headers: Mapping[str, str]) -> None:
    """No token, another token, another origin: refused on every form, counted, nothing recorded or sent."""
    browser = stage.signed_in()
    data = {} if token is None else {"csrf": stage.csrf() if token == "right" else "wrong"}
    full = {**data, "outcome": "NOTED", "step": "send", "role": "dsl"}
    for path in (*(spot.path for spot in SPOTS if spot.method == "POST"), "/sign-out"):
        assert browser.post(concrete(path), data=full, headers=dict(headers)).status_code == 403
    assert 'reason="csrf"' in stage.refusals()
    assert not stage.doors.published
    assert not stage.doors.given
    assert all(each.acknowledged is None for each in stage.doors.waiting["oakfield-primary"].values())
    assert browser.get("/inbox").status_code == 200


def test_anothers_message_looks_like_one_that_does_not_exist(stage: Stage) -> None:
    """Same status, same page; and both are known to have been refused."""
    browser = stage.signed_in()
    theirs, nobodys = browser.get(f"/inbox/{THEIRS}"), browser.get(f"/inbox/{id_of(7777)}")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text == nobodys.text
    assert [each for _, each in stage.doors.refused_accesses] == [THEIRS, id_of(7777)]
    answered = browser.post(f"/inbox/{THEIRS}/answer", data={"csrf": stage.csrf(), "outcome": "NOTED"})
    assert answered.status_code == 404
    assert browser.get(f"/sent/{id_of(50)}").status_code == 404


def test_opening_is_recorded_only_when_a_person_opens(stage: Stage) -> None:
    """A browser that loads ahead on a guess, or asks for the head alone, opens nothing; the list opens nothing."""
    browser = stage.signed_in()
    browser.get("/inbox")
    assert browser.get(f"/inbox/{MINE}", headers={"sec-purpose": "prefetch;prerender"}).status_code == 204
    assert browser.head(f"/inbox/{MINE}").status_code == 405
    assert stage.doors.opened == []
    browser.get(f"/inbox/{MINE}")
    assert stage.doors.opened == [(DSL.subject, MINE)]


def test_the_list_tells_nothing_of_any_child(stage: Stage) -> None:
    """Neither name nor number; and there is nothing to search with (P-10)."""
    page = stage.signed_in().get("/inbox").text
    assert not [word for word in ("Ellery", "Maya", "9991002340", 'type="search"') if word in page]


def test_an_address_that_does_not_exist_is_said_plainly_to_people(stage: Stage) -> None:
    """To programs it stays a problem document, and the API keeps its own answers."""
    page = stage.browser.get("/no/such/page")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page" in page.text
    assert "no-store" in page.headers["cache-control"]
    program = stage.browser.get("/no/such/page", headers={"accept": "*/*"})
    assert program.headers["content-type"] == "application/problem+json"
    for path in ("/v1/nothing", "/health/nothing"):
        assert stage.browser.get(path).headers["content-type"] == "application/problem+json"
    assert stage.browser.get("/v1/events").status_code == 405


def test_what_others_wrote_is_text_and_never_markup(stage: Stage) -> None:
    """A script in a child's words stays words."""
    bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    stage.doors.waiting["oakfield-primary"] = {MINE: encompass(1)}
    event = stage.doors.waiting["oakfield-primary"][MINE].event
    assert event is not None
    event["envelope"]["childVoice"]["words"] = bad  # type: ignore[index]
    event["envelope"]["child"]["name"] = bad  # type: ignore[index]
    page = stage.signed_in().get(f"/inbox/{MINE}").text
    assert not [each for each in ("<script>alert", "<img") if each in page]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_cookies_and_headers_are_as_strict_as_can_be(stage: Stage) -> None:
    """`__Host-`, HttpOnly, Secure, SameSite; nothing kept, framed, sniffed or loaded from elsewhere."""
    there = stage.browser.get("/sign-in/go")
    state = httpx.URL(there.headers["location"]).params["state"]
    back = stage.browser.get("/auth/callback", params={"code": "good", "state": state})
    for answer, name in ((there, SIGN_IN_COOKIE), (back, COOKIE)):
        cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(name + "="))
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    headers = stage.browser.get("/inbox").headers
    policy = headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert {"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "max-age" in headers["strict-transport-security"]


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "/a?x=1", "javascript:x"])
def test_signing_in_leads_to_our_own_pages_only(stage: Stage, to: str) -> None:
    """What a link asks to return to is taken only when it is a plain path here."""
    stage.browser.get("/sign-in/go", params={"to": to})
    assert stage.identity.asked[-1].back_to == "/inbox"
    assert to not in stage.browser.get("/sign-in", params={"to": to}).text


def test_a_sign_in_that_was_not_begun_here_is_refused(stage: Stage) -> None:
    """Without its cookie, with another state, from another issuer, with a bad code, or a second time (login CSRF)."""

    def begin() -> str:
        return str(httpx.URL(stage.browser.get("/sign-in/go").headers["location"]).params["state"])

    def back(**query: str) -> httpx.Response:
        answer: httpx.Response = stage.browser.get("/auth/callback", params=query)
        return answer

    assert back(code="good", state="made-up").status_code == 403
    begin()
    assert back(code="good", state="made-up").status_code == 403
    assert back(code="good", state=begin(), iss="https://other.example").status_code == 403
    assert back(code="bad", state=begin()).status_code == 403
    assert back(error="access_denied", state=begin()).status_code == 403
    state = begin()
    token = stage.browser.cookies[SIGN_IN_COOKIE]
    assert back(code="good", state=state).status_code == 303
    stage.browser.cookies.set(SIGN_IN_COOKIE, token, domain="masa.example.org")
    assert back(code="good", state=state).status_code == 403
    assert 'reason="sign-in-wrong-state"' in stage.refusals()


def test_a_new_sign_in_ends_the_session_before_it(stage: Stage) -> None:
    """And takes another cookie, whatever the browser came with."""
    browser = stage.signed_in()
    old = browser.cookies[COOKIE]
    stage.signed_in()
    assert browser.cookies[COOKIE] != old
    browser.cookies.clear()
    browser.cookies.set(COOKIE, old, domain="masa.example.org")
    assert browser.get("/inbox").status_code == 303


def test_a_session_that_ended_says_so(stage: Stage) -> None:
    """The person is told why to sign in again, and the cookie goes."""
    browser = stage.signed_in()
    stage.clock.seconds += IDLE_MS / 1000
    answer = browser.get("/inbox")
    assert httpx.URL(answer.headers["location"]).params["why"] == "ended"
    assert COOKIE not in browser.cookies
    assert "You were signed out" in browser.get(answer.headers["location"]).text


def test_what_is_away_is_said_plainly_and_names_no_machine(stage: Stage) -> None:
    """503 with Retry-After, for the exchange and for the identity issuer."""
    browser = stage.signed_in()
    stage.doors.away = True
    answers = [browser.get("/inbox"), browser.get("/sign-in/go")]
    state = httpx.URL(answers[1].headers["location"]).params["state"]
    answers[1] = browser.get("/auth/callback", params={"code": "away", "state": state})
    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "internal" not in answer.text
        assert "does not answer at the moment" in answer.text


def test_a_person_without_a_scope_is_not_offered_it_and_may_not_take_it(stage: Stage) -> None:
    """Somebody who may only read neither sees the way to send nor gets there."""
    stage.identity.caller = DSL._replace(scopes=frozenset({"inbox"}))
    browser = stage.signed_in()
    assert 'href="/send"' not in browser.get("/inbox").text
    assert browser.get("/send").status_code == 403
    assert (
        browser.post("/send/education.absence-concern", data={"csrf": stage.csrf(), "step": "send"}).status_code == 403
    )


def test_the_same_form_sent_twice_publishes_once(stage: Stage) -> None:
    """A second press, or a reload, finds the same event."""
    browser = stage.signed_in()
    answers = typed_all(ABSENCE, an_example(ABSENCE))
    step = {"csrf": [stage.csrf()], "draft": [id_of(3)], "step": ["send"], "recorded": ["2026-11-24T15:15:00.000Z"]}
    seen = {"seen": [";;"]}
    address = f"/send/{ABSENCE.name}"
    first, second = (browser.post(address, data={**answers, **step, **seen}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"] == f"/sent/{id_of(3)}"
    assert len(stage.doors.published) == 1
    changed = browser.post(address, data={**answers, **step, **seen, "sessionsMissed": ["3"]})
    assert changed.status_code == 409


def test_decisions_changed_since_they_were_looked_at_are_shown_before_anything_is_sent(stage: Stage) -> None:
    """What goes is what the person saw."""
    browser = stage.signed_in()
    answers = typed_all(ABSENCE, an_example(ABSENCE))
    step = {"csrf": [stage.csrf()], "draft": [id_of(3)], "step": ["send"], "tell:elm-surgery": ["withhold.DETRIMENT"]}
    answer = browser.post(f"/send/{ABSENCE.name}", data={**answers, **step, "seen": [";;"]})
    assert answer.status_code == 200
    assert "You changed who will be told" in answer.text
    assert stage.doors.published == {}


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=%ff", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join([b"a=1"] * 1001), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=" + b"x" * 300_000, 413),
    ],
)
def test_a_form_that_is_none_is_refused(stage: Stage, headers: Mapping[str, str], body: bytes, status: int) -> None:
    """Another content type, not UTF-8, too many fields, too large."""
    assert stage.signed_in().post("/cover", content=body, headers=dict(headers)).status_code == status


def test_signing_out_ends_the_session_and_offers_the_issuers_way_out(stage: Stage) -> None:
    """Only by a form of ours: no link from elsewhere can sign a person out."""
    browser = stage.signed_in()
    token = browser.cookies[COOKIE]
    assert browser.get("/sign-out").status_code == 404
    page = browser.post("/sign-out", data={"csrf": stage.csrf()})
    assert f"{ISSUER}/end-session" in page.text
    browser.cookies.set(COOKIE, token, domain="masa.example.org")
    assert browser.get("/inbox").status_code == 303

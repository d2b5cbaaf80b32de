"""From a request to a page and back: who is signed in, whether the form is ours, what goes out with the answer.

`serve` is synchronous and runs in a worker thread, because sessions and the exchange may block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment

from connectors.http.door import Door
from connectors.http.pages.answers import Form, first
from connectors.http.pages.asking import SAYINGS, Answer, Ask, Show, Spot
from connectors.http.pages.oidc import Identity, SignInRefused
from connectors.http.pages.sessions import (
    ABSOLUTE_MS,
    COOKIE,
    IDLE_MS,
    SIGN_IN_COOKIE,
    SIGN_IN_MS,
    Session,
    SessionDesk,
    new_sign_in,
    same,
    sign_in_cookie,
    sign_in_of,
)
from connectors.http.values import Caller

SIGN_IN, INBOX = "/sign-in", "/inbox"
_PATH = re.compile(r"/(?:[A-Za-z0-9_.~-]+(?:/[A-Za-z0-9_.~-]+)*)?")
_OWN_SITE = frozenset({"same-origin", "none"})


class Came(NamedTuple):
    """A request without anything of the framework."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    cookies: Mapping[str, str]
    origin: str | None
    fetch_site: str | None
    request_id: str
    route: str


class Sent(NamedTuple):
    """An answer without anything of the framework. `cookies`: name -> value and seconds to live; 0 forgets it."""

    status: int
    html: str = ""
    location: str | None = None
    cookies: Mapping[str, tuple[str, int]] = {}
    agency: str | None = None  # for the access log
    retry_after: int | None = None


class Site:
    """The pages of one gateway process."""

    def __init__(self, door: Door, desk: SessionDesk, identity: Identity, templates: Environment) -> None:
        self.door = door
        self.desk = desk
        self.identity = identity
        self.templates = templates

    def now(self) -> int:
        return round(self.door.clock() * 1000)

    # --- pages of signed-in people ---

    def serve(self, spot: Spot, came: Came) -> Sent:
        """Answer a request for a page that needs a person."""
        now = self.now()
        token = came.cookies.get(COOKIE, "")
        session = self.desk.find(token, now) if token else None
        if session is None:
            return self._to_sign_in(came, ended=bool(token))
        if came.method == "POST" and not self._is_ours(came, session):
            return self.plain("stale.html", "This page was open for too long", 403, session=session)
        wait = self.door.by_agency.take(session.caller.agency)
        if wait:
            return self.busy(wait)
        profile = self.door.doors.profile(session.caller)
        if profile is None:
            return self.plain("unknown.html", "Your organisation does not take part", 403, session=session)
        if spot.scope is not None and spot.scope not in session.caller.scopes:
            self._refused("no-scope", came, session.caller.agency)
            return self.plain("forbidden.html", "You may not do this here", 403, session=session, profile=profile)
        ask = Ask(self.door.doors, session, profile, came.params, came.form, now)
        return self._answered(ask, spot.page(ask))

    def _answered(self, ask: Ask, answer: Answer) -> Sent:
        if not isinstance(answer, Show):
            if answer.say is not None:
                self.desk.say(ask.session, answer.say, ask.now)
            return Sent(303, location=answer.to, agency=ask.caller.agency)
        if ask.session.said is not None:
            self.desk.say(ask.session, None, ask.now)
        values = {**answer.values, "said": SAYINGS.get(ask.session.said or "")}
        html = self._html(answer.template, answer.title, values, session=ask.session, profile=ask.profile)
        return Sent(answer.status, html, agency=ask.caller.agency)

    def _is_ours(self, came: Came, session: Session) -> bool:
        """Whether a form was sent from one of our pages: by its token, and by what the browser says of its origin."""
        token_fits = same(first(came.form, "csrf"), session.csrf)
        right_origin = came.origin is None or came.origin == self.door.settings.public_url
        right_site = came.fetch_site is None or came.fetch_site in _OWN_SITE
        if token_fits and right_origin and right_site:
            return True
        self._refused("csrf", came, session.caller.agency)
        return False

    def _to_sign_in(self, came: Came, *, ended: bool) -> Sent:
        back = came.path if came.method == "GET" else INBOX
        query = {"to": back} | ({"why": "ended"} if ended else {})
        return Sent(303, location=f"{SIGN_IN}?{urlencode(query)}", cookies={COOKIE: ("", 0)} if ended else {})

    # --- signing in and out ---

    def welcome(self, came: Came) -> Sent:
        """The page before anybody is signed in."""
        back = came.query.get("to", INBOX)
        values = {"to": back if _PATH.fullmatch(back) else INBOX, "why": came.query.get("why", "")}
        return Sent(200, self._html("sign-in.html", "Sign in", values))

    def leave_for_issuer(self, came: Came) -> Sent:
        """To the identity issuer, with a state that only this browser can bring back."""
        back = came.query.get("to", INBOX)
        sign_in = new_sign_in(back if _PATH.fullmatch(back) else INBOX, self.now())
        address = self.identity.way_there(sign_in)
        return Sent(303, location=address, cookies={SIGN_IN_COOKIE: (sign_in_cookie(sign_in), SIGN_IN_MS // 1000)})

    def come_back(self, came: Came) -> Sent:
        """Back from the identity issuer: a new session, or why not."""
        now = self.now()
        try:
            caller, back_to = self._vouched(came, now)
        except SignInRefused as refused:
            self._refused(f"sign-in-{refused.reason}", came, None)
            html = self._html("sign-in.html", "Sign in", {"to": INBOX, "why": "refused", "refused": str(refused)})
            return Sent(403, html, cookies={SIGN_IN_COOKIE: ("", 0)})
        if COOKIE in came.cookies:
            self.desk.end(came.cookies[COOKIE])
        session = self.desk.begin(caller, now)
        cookies = {COOKIE: (session.token, ABSOLUTE_MS // 1000), SIGN_IN_COOKIE: ("", 0)}
        return Sent(303, location=back_to, cookies=cookies, agency=caller.agency)

    def _vouched(self, came: Came, now: int) -> tuple[Caller, str]:
        """Who came back from the issuer, and where to. Raises SignInRefused."""
        sign_in = sign_in_of(came.cookies.get(SIGN_IN_COOKIE, ""), now)
        if sign_in is None or not same(came.query.get("state", ""), sign_in.state):
            raise SignInRefused("wrong-state", "the sign-in took too long, or was begun in another window")
        if came.query.get("iss", self.door.settings.issuer) != self.door.settings.issuer:  # RFC 9207
            raise SignInRefused("wrong-issuer", "the answer came from another sign-in service")
        if "code" not in came.query:
            raise SignInRefused("no-code", "your organisation's sign-in did not let you in")
        back = sign_in.back_to if _PATH.fullmatch(sign_in.back_to) else INBOX
        return self.identity.who(came.query["code"], sign_in), back

    def sign_out(self, came: Came) -> Sent:
        """End the session here, then at the issuer if it offers that."""
        token = came.cookies.get(COOKIE, "")
        session = self.desk.find(token, self.now()) if token else None
        if session is not None and not self._is_ours(came, session):
            return self.plain("stale.html", "This page was open for too long", 403, session=session)
        if session is not None:
            self.desk.end(token)
        here = f"{self.door.settings.public_url}{SIGN_IN}?why=out"
        out = self.identity.way_out() if session is not None else None
        query = urlencode({"client_id": self.door.settings.client_id, "post_logout_redirect_uri": here})
        # A form may not lead elsewhere (the policy says so), so the way out is a link on a page of ours.
        html = self._html("signed-out.html", "You are signed out", {"out": f"{out}?{query}" if out else None})
        return Sent(200, html, cookies={COOKIE: ("", 0)})

    # --- pages that need nobody ---

    def plain(self, template: str, title: str, status: int = 200, **known: Any) -> Sent:
        """A page that says one thing."""
        session: Session | None = known.get("session")
        agency = session.caller.agency if session else None
        return Sent(status, self._html(template, title, {}, **known), agency=agency)

    def unavailable(self) -> Sent:
        return self.plain("away.html", "The exchange does not answer at the moment", 503)._replace(retry_after=5)

    def busy(self, wait: float) -> Sent:
        sent = self.plain("busy.html", "Too many requests", 429)
        return sent._replace(retry_after=max(1, int(wait + 0.999)))

    def _html(
        self,
        template: str,
        title: str,
        values: Mapping[str, Any],
        *,
        session: Session | None = None,
        profile: Any = None,
    ) -> str:
        caller = session.caller if session else None
        return self.templates.get_template(template).render(
            **{
                "said": None,
                "title": title,
                "csrf": session.csrf if session else "",
                "person": caller,
                "profile": profile,
                "idle_minutes": IDLE_MS // 60_000,
                **values,
            }
        )

    def _refused(self, reason: str, came: Came, agency: str | None) -> None:
        self.door.telemetry.http_refused(reason=reason, route=came.route, request_id=came.request_id, agency=agency)

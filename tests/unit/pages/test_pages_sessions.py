"""Sessions: worth nothing without the cookie, and not for long."""

from __future__ import annotations

import json

import pytest

from connectors.http.pages.sessions import (
    ABSOLUTE_MS,
    IDLE_MS,
    SIGN_IN_MS,
    SessionDesk,
    new_sign_in,
    sign_in_cookie,
    sign_in_of,
)
from connectors.http.values import Caller
from tests.inbox_double import NOW, SessionsDouble

DSL = Caller("oakfield-primary", "dsl@oakfield-primary", "person", frozenset({"dsl"}), frozenset({"inbox"}), "A. Lead")


@pytest.fixture
def store() -> SessionsDouble:
    return SessionsDouble()


@pytest.fixture
def desk(store: SessionsDouble) -> SessionDesk:
    return SessionDesk(store)


def test_a_session_comes_back_as_it_was(desk: SessionDesk) -> None:
    """Who, with which roles and scopes, and the token of its forms."""
    session = desk.begin(DSL, NOW)
    assert desk.find(session.token, NOW + 1) == session


def test_what_is_stored_tells_nothing_and_opens_nothing(desk: SessionDesk, store: SessionsDouble) -> None:
    """Neither the person nor the cookie can be read from the table."""
    session = desk.begin(DSL, NOW)
    (key, (row, _)) = next(iter(store.rows.items()))
    kept = json.dumps(dict(row.data)) + key.hex()
    assert not [word for word in ("oakfield", "dsl", "Lead", session.token, session.csrf) if word in kept]


def test_a_record_put_under_another_cookie_is_nobodys(desk: SessionDesk, store: SessionsDouble) -> None:
    """Who can write to the table cannot make themselves somebody else."""
    mine, theirs = desk.begin(DSL, NOW), desk.begin(DSL._replace(agency="kingsmere-academy"), NOW)
    (a, first), (b, second) = store.rows.items()
    store.rows[a], store.rows[b] = second, first
    assert desk.find(mine.token, NOW + 1) is None
    assert desk.find(theirs.token, NOW + 1) is None


def test_a_session_ends_when_nobody_uses_it(desk: SessionDesk) -> None:
    """Each page keeps it alive for half an hour more."""
    session = desk.begin(DSL, NOW)
    assert desk.find(session.token, NOW + IDLE_MS - 1)
    assert desk.find(session.token, NOW + 2 * IDLE_MS - 2)
    assert desk.find(session.token, NOW + 3 * IDLE_MS) is None


def test_a_session_ends_with_the_day(desk: SessionDesk) -> None:
    """However much it is used, and whatever was said on its pages meanwhile."""
    session = desk.begin(DSL, NOW)
    at = NOW
    while at + IDLE_MS // 2 < NOW + ABSOLUTE_MS:
        at += IDLE_MS // 2
        assert desk.find(session.token, at)
        desk.say(session, "sent", at)
    assert desk.find(session.token, NOW + ABSOLUTE_MS) is None


def test_signing_out_ends_it_at_once(desk: SessionDesk) -> None:
    """A copy of the cookie is worth nothing then."""
    session = desk.begin(DSL, NOW)
    desk.end(session.token)
    assert desk.find(session.token, NOW + 1) is None


def test_a_sign_in_is_remembered_briefly_by_its_cookie_alone(desk: SessionDesk, store: SessionsDouble) -> None:
    """Nobody who is not signed in writes to the store; what is no such cookie is none, and it is no session."""
    sign_in = new_sign_in("/inbox", NOW)
    cookie = sign_in_cookie(sign_in)
    assert sign_in_of(cookie, NOW + SIGN_IN_MS - 1) == sign_in
    assert sign_in_of(cookie, NOW + SIGN_IN_MS) is None
    assert sign_in_of(cookie, NOW - 1) is None
    assert [sign_in_of(bad, NOW) for bad in ("", "x", "WzFd", "bnVsbA", cookie[:-6], "é", "W10" * 9000)] == [None] * 7
    assert desk.find(cookie, NOW) is None
    assert store.rows == {}

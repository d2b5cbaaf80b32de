"""The local issuer in memory: OAuth 2 and OpenID Connect as a real one does them, for people who do not exist."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.errors import ChangeSettings
from connectors.http.issuer import DemoAgency, Issuer, client_secret, ensure_secret, read_secret
from connectors.http.issuer_app import create_issuer_app
from connectors.http.tokens import TokenVerifier
from tests.http_door import SCHOOL, Client, settings

URL = "http://127.0.0.1:8080"  # the address that `Client` calls
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
GATEWAY = settings(issuer=URL, public_url="http://127.0.0.1:9090")
AGENCIES = [
    DemoAgency(SCHOOL, "Oakfield & Sons <Primary>", "SCHOOL", {"dsl": "Designated lead", "deputy-dsl": "Deputy"}),
    DemoAgency("kingsmere-academy", "Kingsmere Academy", "SCHOOL", {"dsl": "Designated lead"}),
]
ASKED = {
    "response_type": "code",
    "client_id": GATEWAY.client_id,
    "redirect_uri": GATEWAY.callback_url,
    "state": "state-1",
    "nonce": "nonce-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "scope": "openid",
}


class At(NamedTuple):
    client: Client
    secret: str  # of the school's system
    verifier: TokenVerifier
    now: list[float]


@pytest.fixture
def at(tmp_path: Path) -> At:
    ensure_secret(tmp_path)
    secret, now = read_secret(tmp_path), [time.time()]
    issuer = Issuer(
        URL,
        secret,
        AGENCIES,
        audience=GATEWAY.audience,
        client_id=GATEWAY.client_id,
        gateway_url=GATEWAY.public_url,
        callback_url=GATEWAY.callback_url,
        clock=lambda: now[0],
    )

    class Here:
        def fetch(self) -> dict[str, object]:
            return issuer.keys()

    verifier = TokenVerifier(GATEWAY, Here(), clock=lambda: now[0], monotonic=time.monotonic)
    return At(Client(create_issuer_app(issuer)), client_secret(secret, SCHOOL), verifier, now)


def choice(at: At) -> str:
    page = at.client.get("/authorize", params=ASKED)
    found = re.search('name="choice" value="([^"]+)"', page.text)
    assert found
    return found[1]


def code(at: At, person: str = f"dsl@{SCHOOL}") -> str:
    answer = at.client.post("/authorize", data={"choice": choice(at), "person": person})
    assert answer.status_code == 303
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == GATEWAY.callback_url
    query = parse_qs(back.query)
    assert (query["state"], query["iss"]) == (["state-1"], [URL])
    return query["code"][0]


def redeem(at: At, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": GATEWAY.client_id,
        "redirect_uri": GATEWAY.callback_url,
        "code_verifier": VERIFIER,
    } | changes
    return at.client.post("/token", data=form)


def test_a_person_signs_in_with_a_code_and_pkce(at: At) -> None:
    """The access token names agency and role, the ID token carries the nonce; both last ten minutes."""
    answer = redeem(at, code=code(at)).json()
    caller = at.verifier.verify(answer["access_token"]).caller
    assert (caller.agency, caller.kind, caller.roles) == (SCHOOL, "person", {"dsl"})
    assert caller.scopes == {"publish", "inbox", "outcome"}
    identity = at.verifier.claims(answer["id_token"], audience=GATEWAY.client_id)
    assert (identity["nonce"], identity["sub"]) == ("nonce-1", f"dsl@{SCHOOL}")
    assert answer["expires_in"] == 600


def test_a_code_is_good_once_for_a_minute_and_for_who_asked(at: At) -> None:
    """Another verifier, client, address, a second use or a late one gets nothing, and spends the code."""
    for changes in (
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"client_id": "another"},
        {"redirect_uri": "http://127.0.0.1:9090/elsewhere"},
    ):
        spent = code(at)
        assert redeem(at, code=spent, **changes).json()["error"] == "invalid_grant"
        assert redeem(at, code=spent).json()["error"] == "invalid_grant"
    late = code(at)
    at.now[0] += 61
    assert redeem(at, code=late).json()["error"] == "invalid_grant"
    assert redeem(at).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/auth/callback"},
        {"redirect_uri": GATEWAY.callback_url + ".evil.example"},
        {"client_id": "another"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
def test_nobody_is_sent_anywhere_for_a_request_that_is_not_ours(at: At, changes: dict[str, str]) -> None:
    """A page that says so, and no redirect."""
    answer = at.client.get("/authorize", params=ASKED | changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_page_lists_everybody_safely_and_its_form_is_ours_alone(at: At) -> None:
    """Names are escaped, the gateway may be returned to, and a form that is forged or old is refused."""
    page = at.client.get("/authorize", params=ASKED | {"login_hint": SCHOOL})
    assert "Oakfield &amp; Sons &lt;Primary&gt;" in page.text
    assert "for one machine" in page.text
    assert page.text.count("<details open>") == 1
    policy = page.headers["content-security-policy"]
    assert f"form-action 'self' {GATEWAY.public_url}" in policy
    assert "script" not in policy + page.text
    made = choice(at)
    for form in (
        {"choice": made[:-4] + "AAAA", "person": f"dsl@{SCHOOL}"},
        {"choice": "", "person": f"dsl@{SCHOOL}"},
        {"choice": made, "person": "head@oakfield-primary"},
    ):
        assert at.client.post("/authorize", data=form).status_code == 400
    at.now[0] += 601
    assert at.client.post("/authorize", data={"choice": made, "person": f"dsl@{SCHOOL}"}).status_code == 400


def test_a_system_gets_a_token_for_its_own_secret_only(at: At) -> None:
    """By HTTP Basic or in the form; for the scopes it asks for; never for another agency."""
    grant = {"grant_type": "client_credentials", "scope": "inbox"}
    for how in (
        {"auth": (SCHOOL, at.secret), "data": grant},
        {"data": grant | {"client_id": SCHOOL, "client_secret": at.secret}},
    ):
        caller = at.verifier.verify(at.client.post("/token", **how).json()["access_token"]).caller
        assert (caller.agency, caller.kind, caller.scopes) == (SCHOOL, "system", {"inbox"})
    for who, secret in ((SCHOOL, "x"), ("kingsmere-academy", at.secret), ("nobody", at.secret), ("", "")):
        answer = at.client.post("/token", auth=(who, secret), data=grant)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    asked = at.client.post("/token", auth=(SCHOOL, at.secret), data=grant | {"scope": "admin"})
    assert asked.json()["error"] == "invalid_scope"
    assert at.client.post("/token", data={"grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_it_answers_to_its_own_name_only(at: At) -> None:
    """A site of any other name cannot reach it by pointing that name here."""
    assert at.client.get("/jwks", headers={"host": "evil.example"}).status_code == 400
    assert at.client.get("/jwks").json()["keys"][0].keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_after_signing_out_one_returns_to_the_gateway_and_nowhere_else(at: At) -> None:
    """Nor to an address that only begins like it."""
    for target, status in (
        (GATEWAY.public_url, 303),
        (GATEWAY.public_url + "/signed-out", 303),
        (GATEWAY.public_url + ".evil.example/", 200),
        ("https://evil.example/", 200),
        ("", 200),
    ):
        answer = at.client.get("/end-session", params={"post_logout_redirect_uri": target})
        assert answer.status_code == status


def test_without_the_data_directorys_secret_there_is_no_issuer(tmp_path: Path) -> None:
    """It is made once, for its owner's eyes only, and never made anew."""
    with pytest.raises(ChangeSettings, match="part of `masa up`"):
        read_secret(tmp_path)
    path = ensure_secret(tmp_path)
    before = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert ensure_secret(tmp_path).read_bytes() == before
    path.write_text("{}")
    with pytest.raises(ChangeSettings):
        read_secret(tmp_path)

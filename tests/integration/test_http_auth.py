"""Who one is at a running exchange: the local issuer signs in people and systems, and starts nowhere else."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from connectors.http.settings import CALLBACK_PATH
from tests.integration.live_exchange import LiveExchange
from tests.integration.masa_command import MASA
from tests.support import wait_for

pytestmark = pytest.mark.integration
VERIFIER = "v" * 64


def test_a_person_signs_in_at_the_issuer_and_the_gateway_knows_them(live: LiveExchange) -> None:
    """Code and PKCE over the wire; the token is good at the gateway, the ID token is not."""
    where = live.connection()
    issuer = httpx.Client(base_url=where["issuer"], timeout=30)
    found = issuer.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == where["issuer"]
    back = where["gateway"] + CALLBACK_PATH
    digest = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": "masa-inbox", "redirect_uri": back, "state": "s", "nonce": "n"}
    page = issuer.get("/authorize", params=asked | {"code_challenge": digest, "code_challenge_method": "S256"})
    choice = re.search('name="choice" value="([^"]+)"', page.text)
    assert choice
    sent = issuer.post("/authorize", data={"choice": choice[1], "person": "dsl@oakfield-primary"})
    code = httpx.URL(sent.headers["location"]).params["code"]
    form = {"grant_type": "authorization_code", "client_id": "masa-inbox", "redirect_uri": back, "code": code}
    tokens = issuer.post("/token", data=form | {"code_verifier": VERIFIER}).json()

    def me(token: str) -> httpx.Response:
        return httpx.get(where["gateway"] + "/v1/me", headers={"authorization": f"Bearer {token}"}, timeout=30)

    assert me(tokens["access_token"]).json() | {"scopes": []} == {
        "agency": "oakfield-primary",
        "kind": "person",
        "roles": ["dsl"],
        "scopes": [],
    }
    assert me(tokens["id_token"]).status_code == 401
    assert me(tokens["access_token"][:-6] + "AAAAAA").status_code == 401


def test_the_issuer_starts_as_a_part_of_masa_up_only(live: LiveExchange, tmp_path: Path) -> None:
    """Not in a directory without a running exchange, not without the flag, whatever secret lies there."""

    def refused(data_dir: Path, *arguments: str) -> bool:
        command = [*MASA, "issuer", "--port", "29999", "--data-dir", str(data_dir), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 2 and "masa up" in done.stderr

    assert refused(live.data_dir)
    copied = tmp_path / "copied"
    (copied / "secrets").mkdir(parents=True)
    for name in ("connection.json", "secrets/issuer.json"):
        (copied / name).write_bytes((live.data_dir / name).read_bytes())
    assert refused(copied, "--part-of-masa-up")
    assert (live.data_dir / "secrets" / "issuer.json").stat().st_mode & 0o077 == 0


def test_masa_token_says_what_a_client_needs(live: LiveExchange) -> None:
    """Client id, secret and addresses; no token for an agency that there is not."""
    (given,) = live.answers("token", "oakfield-primary", "--credentials")
    assert set(given) == {"clientId", "clientSecret", "tokenEndpoint", "gateway"}
    form = {"grant_type": "client_credentials", "scope": "inbox"}
    answer = httpx.post(given["tokenEndpoint"], data=form, auth=(given["clientId"], given["clientSecret"]), timeout=30)
    assert answer.json()["scope"] == "inbox"
    assert live.call("token", "no-such-agency").exit_code != 0


def test_a_killed_gateway_and_a_killed_issuer_come_back_as_they_were(live: LiveExchange) -> None:
    """On the same addresses, with the same keys: a token from before is still good."""
    where, children = live.connection(), live.children()
    headers = {"authorization": f"Bearer {live.call('token', 'oakfield-primary').stdout.strip()}"}

    def answers(path: str) -> bool:
        try:
            return httpx.get(where["gateway"] + path, headers=headers, timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    assert answers("/v1/me")
    for name in ("gateway", "issuer"):
        live.kill_child(name)
    names = ("gateway", "issuer")
    wait_for(
        lambda: all(name in live.children() and live.children()[name].pid != children[name].pid for name in names),
        60,
        what="the restart of both",
    )
    wait_for(lambda: answers("/v1/me") and answers("/health/ready"), 60, what="the gateway's return")
    wait_for(lambda: live.call("token", "oakfield-primary").exit_code == 0, 60, what="the issuer's return")

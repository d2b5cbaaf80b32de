"""Access tokens: only those of the issuer, for us, valid now and of the right shape stand for anybody."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from connectors.errors import ChangeSettings, RetryLater
from connectors.http.settings import VARIABLES
from connectors.http.tokens import Keys, TokenRefused, TokenVerifier
from tests import http_door
from tests.http_door import ISSUER, SCHOOL, Source, bearer, door_at_hand, key, settings

NOW = int(time.time())


def claims(agency: str = SCHOOL, **changes: Any) -> dict[str, Any]:
    return http_door.claims(agency, at=NOW, **changes)


def token(**changes: Any) -> str:
    return http_door.token(at=NOW, **changes)


def verifier(source: Source | None = None, **changes: Any) -> TokenVerifier:
    return TokenVerifier(settings(**changes), source or Source(), clock=lambda: float(NOW), monotonic=time.monotonic)


def test_a_good_token_stands_for_the_agency_roles_and_scopes_of_its_claims() -> None:
    """Unknown scopes mean nothing here."""
    caller = verifier().verify(token(scope="publish openid inbox", roles=["dsl", "deputy-dsl"])).caller
    assert (caller.agency, caller.kind, caller.scopes) == (SCHOOL, "system", {"publish", "inbox"})
    assert caller.roles == {"dsl", "deputy-dsl"}


@pytest.mark.parametrize(
    ("signer", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "r"}), "RS256"),
        (OKPKey.generate_key("Ed25519", {"kid": "o"}), "Ed25519"),
        (OKPKey.generate_key("Ed25519", {"kid": "o"}), "EdDSA"),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_other_two_kinds_of_signature_are_good_too(signer: Any, algorithm: str) -> None:
    """RS256, and EdDSA by both of its names."""
    made = jwt.encode({"alg": algorithm, "kid": signer.kid}, claims(), signer, algorithms=[algorithm])
    assert verifier(Source(signer)).verify(made).caller.agency == SCHOOL


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 31}, "expired"),
        ({"exp": None}, "expired"),
        ({"nbf": NOW + 60}, "not-yet"),
        ({"iat": NOW + 60}, "not-yet"),
        ({"exp": NOW + 4000}, "too-long-lived"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"iss": "https://elsewhere.example"}, "wrong-issuer"),
        ({"iss": None}, "wrong-issuer"),
        ({"aud": "another"}, "wrong-audience"),
        ({"aud": ["another", "third"]}, "wrong-audience"),
        ({"aud": None}, "wrong-audience"),
        ({"agency": None}, "no-agency"),
        ({"agency": "Oakfield Primary"}, "no-agency"),
        ({"agency": "../northshire-csc"}, "no-agency"),
        ({"agency": ["oakfield-primary"]}, "no-agency"),
        ({"sub": None}, "malformed"),
        ({"sub": ""}, "malformed"),
        ({"kind": "admin"}, "malformed"),
        ({"roles": "dsl"}, "malformed"),
        ({"roles": ["dsl", 7]}, "malformed"),
        ({"roles": ["r"] * 65}, "malformed"),
        ({"scope": ["publish"]}, "malformed"),
        ({"cnf": {"jkt": "x"}}, "malformed"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Each for its own reason, which is a closed word."""
    with pytest.raises(TokenRefused) as refused:
        verifier().verify(token(**changes))
    assert refused.value.reason == reason


def test_clocks_may_differ_by_half_a_minute() -> None:
    """Not more."""
    assert verifier().verify(token(exp=NOW - 5, iat=NOW - 605))
    assert verifier().verify(token(nbf=NOW + 20))


def forged() -> dict[str, str]:
    """Tokens that somebody without the issuer's key could make."""
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    head, body, signature = token().split(".")
    public = json.dumps(key().as_dict(private=False))
    richer = base64.urlsafe_b64encode(json.dumps(claims("northshire-csc")).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    own = {"alg": "ES256", "jwk": other.as_dict(private=False), "kid": "k1"}
    return {
        "another key under the same id": token(signed_with=other),
        "no signature": f"{none}.{body}.",
        "other claims": f"{head}.{richer}.{signature}",
        "public key as a shared secret": jwt.encode(
            {"alg": "HS256", "kid": "k1"}, claims(), OctKey.import_key(public), algorithms=["HS256"]
        ),
        "its own key in the header": jwt.encode(own, claims(), other),
        "half": f"{head}.{body}",
        "five parts": f"{head}.{body}.{signature}.{head}.{body}",
        "not base64": "a.b.c",
        "nothing": "..",
        "huge": "a" * 9000,
        "not ascii": "é.é.é",
    }


@pytest.mark.parametrize("name", sorted(forged()))
def test_a_forged_token_is_refused(name: str) -> None:
    """Whatever it claims."""
    with pytest.raises(TokenRefused) as refused:
        verifier().verify(forged()[name])
    assert refused.value.reason in {"forged", "malformed"}


def test_a_verified_token_is_known_until_it_expires() -> None:
    """The issuer's keys are not asked for again, and time runs on."""
    now = [float(NOW)]
    checker = TokenVerifier(settings(), Source(), clock=lambda: now[0], monotonic=time.monotonic)
    made = token()
    assert checker.known(made) is None
    checker.verify(made)
    assert checker.known(made) is not None
    now[0] += 631
    assert checker.known(made) is None
    with pytest.raises(TokenRefused):
        checker.verify(made)


def test_new_keys_are_fetched_when_a_token_names_one_but_not_for_every_guess() -> None:
    """A key that the issuer took up is good at once; a thousand made-up ids cost one question."""
    now, source = [0.0], Source(key("k1"))
    keys = Keys(source, monotonic=lambda: now[0])
    keys.for_token("k1")
    source.keys.append(key("k2"))
    now[0] += 11
    assert any(each.kid == "k2" for each in keys.for_token("k2").keys)
    asked = source.asked
    for guess in range(1000):
        keys.for_token(f"guess-{guess}")
    assert source.asked == asked


def test_keys_outlive_an_issuer_that_is_away() -> None:
    """Those at hand stay good; without any nobody can be let in, and that is a matter of later."""
    now, source = [0.0], Source()
    keys = Keys(source, monotonic=lambda: now[0])
    keys.for_token("k1")
    source.away, now[0] = True, 3600.0
    assert keys.for_token("k1")
    with pytest.raises(RetryLater):
        Keys(source, monotonic=lambda: now[0]).for_token("k1")


def test_a_bound_token_needs_its_certificate_from_the_trusted_proxy() -> None:
    """Of the certificate's own holder, through the proxy, and from nobody else."""
    der = b"certificate"
    shown = ":" + base64.b64encode(der).decode() + ":"
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    proxy = {"trusted_proxy_header": "client-cert", "trusted_proxy_addresses": ("127.0.0.1/32",)}
    bound = bearer(cnf={"x5t#S256": thumbprint})
    behind = door_at_hand(**proxy, require_client_certificate=True)
    elsewhere = door_at_hand(**proxy | {"trusted_proxy_addresses": ("192.0.2.1/32",)})
    assert behind.client.get("/v1/me", headers=bound | {"client-cert": shown}).status_code == 200
    assert behind.client.get("/v1/me", headers=bound).status_code == 401
    assert behind.client.get("/v1/me", headers=bound | {"client-cert": ":b3RoZXI=:"}).status_code == 401
    assert behind.client.get("/v1/me", headers=bearer()).status_code == 401
    assert elsewhere.client.get("/v1/me", headers=bound | {"client-cert": shown}).status_code == 401
    assert elsewhere.told.refused == ["spoofed-header"]
    assert door_at_hand().client.get("/v1/me", headers=bound | {"client-cert": shown}).status_code == 401


def test_every_variable_of_the_gateway_is_in_the_readme() -> None:
    """An operator finds it there."""
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in readme] == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"MASA_OIDC_ISSUER": "http://sign-in.example.org"}, "MASA_OIDC_ISSUER: use https"),
        ({"MASA_GATEWAY_URL": "gateway"}, "MASA_GATEWAY_URL"),
        ({"MASA_TRUSTED_PROXY_HEADER": "client-cert"}, "together"),
        ({"MASA_TRUSTED_PROXY_HEADER": "x-forwarded-user"}, "MASA_TRUSTED_PROXY_HEADER"),
        ({"MASA_TRUSTED_PROXY_ADDRESSES": "anywhere", "MASA_TRUSTED_PROXY_HEADER": "client-cert"}, "ADDRESSES"),
        ({"MASA_REQUIRE_CLIENT_CERTIFICATE": "true"}, "trusted proxy"),
        ({"MASA_RATE_PER_SECOND": "0"}, "MASA_RATE_PER_SECOND"),
    ],
)
def test_settings_that_are_unsafe_or_half_refuse_to_start(changes: dict[str, str], named: str) -> None:
    """By the variable's own name."""
    from connectors.http.settings import GatewaySettings

    env = {"MASA_GATEWAY_URL": "https://masa.example.org", "MASA_OIDC_ISSUER": ISSUER} | changes
    with pytest.raises(ChangeSettings, match=named):
        GatewaySettings.load(env)

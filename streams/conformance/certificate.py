"""A certificate: what was tried and passed, signed with the operator's key (Ed25519, RFC 8032).

A file in JSON; canonical JSON of `certificate` behind a prefix is what is signed. The key in the file says which one
was used; whether it is to be trusted is for whoever verifies to know.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from schemas.dates import iso_instant
from schemas.registry import EventTypes
from streams.conformance.judge import CHECKS, Checked
from streams.conformance.offers import CASES
from streams.policy.artefact import canonical

PREFIX = b"masa-conformance-v1\n"
KIT = 1  # raised whenever cases or checks change what a certificate means

Verify = Callable[[bytes, bytes, bytes], bool]  # (public key, signature, message) -> whether it is genuine


class Signer(Protocol):
    @property
    def public_key(self) -> bytes: ...
    @property
    def key_id(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...


class NotGenuine(ValueError):  # noqa: N818 - an answer, not a fault of ours
    """The file is no certificate of that key. `str()` says why."""


def report(
    checked: Sequence[Checked],
    *,
    agency: str,
    door: str,
    types: EventTypes,
    received: int,
    published: Sequence[str],
    at_ms: int,
) -> dict[str, Any]:
    """What happened, as JSON: the content of a certificate when everything passed."""  # fmt: skip
    contract = hashlib.sha256(b"".join(sorted(each.fingerprint for each in types.values()))).hexdigest()
    return {
        "kit": KIT,
        "agency": agency,
        "door": door,
        "contract": contract,
        "at": iso_instant(at_ms),
        "result": "PASSED" if all(each.passed for each in checked) else "FAILED",
        "deliveries": received,
        "published": list(published),
        "cases": list(CASES),
        "checks": [
            {
                "check": each.code,
                "asks": CHECKS[each.code],
                "passed": each.passed,
                "lookedAt": each.looked_at,
                "findings": list(each.findings),
            }
            for each in checked
        ],
    }


def signed(content: Mapping[str, Any], signer: Signer) -> str:
    """The certificate's file. Raises ValueError unless everything passed."""
    if content["result"] != "PASSED":
        raise ValueError("a certificate is for a system that passed every check")
    signature = {
        "keyId": signer.key_id,
        "publicKey": b64encode(signer.public_key).decode(),
        "signature": b64encode(signer.sign(PREFIX + canonical(dict(content)))).decode(),
    }
    return json.dumps({"certificate": content, "signature": signature}, indent=2, ensure_ascii=False) + "\n"


def verified(text: str, public_key: bytes, verify: Verify) -> dict[str, Any]:
    """The content of a certificate that this key signed. Raises NotGenuine."""
    try:
        file = json.loads(text)
        content, given = file["certificate"], b64decode(file["signature"]["signature"], validate=True)
        message = PREFIX + canonical(content)
    except (ValueError, KeyError, TypeError, NotBase64):
        raise NotGenuine("the file is no certificate of `masa conformance`") from None
    if not verify(public_key, given, message):
        raise NotGenuine("the signature is not that key's, or the certificate was changed after it was signed")
    if content.get("result") != "PASSED":
        raise NotGenuine("the certificate does not say that every check was passed")
    return dict(content)

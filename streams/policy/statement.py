"""What two people sign to put a rule set in force, and whether they did (requirements R-01, R-02, R-08).

A statement names an area, the next version number of its policy, a rule set by its hash, the instant it takes effect
and why. Its canonical JSON behind a prefix is what is signed, so a signature for one purpose cannot be taken for
another. Rolling back is a new statement, with a higher sequence, that names an older hash.

Pure: the signature scheme (Ed25519, connectors.signing) comes in as a function.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streams.policy.artefact import canonical
from streams.policy.facts import EpochMillis, RuleSetHash
from streams.policy.signatories import Signatories, Signatory

PREFIX = b"masa-policy-v1\n"
AT_ONCE = EpochMillis(0)
SIGNERS = 2  # different people with different keys
MAX_REASON = 500  # characters
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FIELDS: Mapping[str, type] = {"area": str, "sequence": int, "ruleSet": str, "activatesAt": int, "reason": str}

Verify = Callable[[bytes, bytes, bytes], bool]  # (public key, signature, message) -> whether it is genuine


class RefusalReason(StrEnum):
    """Why a router does not accept a record of `masa.policy`: the labels of `masa_policy_refused_total`."""

    UNSIGNED = "unsigned"
    ONE_SIGNER = "one-signer"
    UNKNOWN_SIGNATORY = "unknown-signatory"
    TAMPERED = "tampered"
    OLDER = "older"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    WRONG_AREA = "wrong-area"


class Refusal(ValueError):  # noqa: N818 - an answer, not a fault of ours
    """A record that changes nothing; the last good one stays in force. `str()` is the explanation."""

    def __init__(self, reason: RefusalReason, explanation: str) -> None:
        super().__init__(explanation)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is signed."""

    area: str
    sequence: int  # the policy's version: 1, 2, 3 …
    rule_set: RuleSetHash
    activates_at: EpochMillis = AT_ONCE
    reason: str

    def __post_init__(self) -> None:
        if self.sequence < 1:
            raise ValueError(f"sequence `{self.sequence}` must be 1 or more")
        if self.activates_at < 0:
            raise ValueError(f"activatesAt `{self.activates_at}` must be 0 (at once) or an instant after 1970")
        if not _HASH.fullmatch(self.rule_set):
            raise ValueError(f"`{self.rule_set[:80]}` is no rule-set hash: 64 hexadecimal digits")
        if not self.reason.strip() or len(self.reason) > MAX_REASON:
            raise ValueError(f"a reason must have 1 to {MAX_REASON} characters")

    def message(self) -> bytes:
        """The bytes that a signature is over."""
        return PREFIX + canonical(self.as_document())

    def as_document(self) -> dict[str, Any]:
        return {
            "area": self.area,
            "sequence": self.sequence,
            "ruleSet": self.rule_set,
            "activatesAt": self.activates_at,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One person's signature. Name and key id say whose it claims to be; the list of signatories decides."""

    signatory: str
    key_id: str
    signature: bytes

    def as_document(self) -> dict[str, str]:
        return {
            "signatory": self.signatory,
            "keyId": self.key_id,
            "signature": b64encode(self.signature).decode("ascii"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A statement and who signed it so far; complete only when `check` says nothing against it."""

    statement: Statement
    signatures: tuple[Signature, ...] = ()

    def as_document(self) -> dict[str, Any]:
        return {
            "statement": self.statement.as_document(),
            "signatures": [each.as_document() for each in self.signatures],
        }


def signed_from_document(document: Any) -> SignedStatement:
    """Read what `as_document` wrote. Raises ValueError naming the key that is wrong."""
    parts = keys_of(document, {"statement": dict, "signatures": list}, "a signed statement")
    fields = keys_of(parts["statement"], _FIELDS, "a statement")
    statement = Statement(
        area=fields["area"],
        sequence=fields["sequence"],
        rule_set=RuleSetHash(fields["ruleSet"]),
        activates_at=EpochMillis(fields["activatesAt"]),
        reason=fields["reason"],
    )
    return SignedStatement(
        statement=statement, signatures=tuple(signature_from_document(each) for each in parts["signatures"])
    )


def signature_from_document(document: Any) -> Signature:
    """Read what `Signature.as_document` wrote. Raises ValueError naming the key that is wrong."""
    fields = keys_of(document, {"signatory": str, "keyId": str, "signature": str}, "a signature")
    try:
        content = b64decode(fields["signature"], validate=True)
    except (NotBase64, ValueError):
        raise ValueError("`signature` is not base64") from None
    return Signature(signatory=fields["signatory"], key_id=fields["keyId"], signature=content)


def keys_of(document: Any, wanted: Mapping[str, type], what: str) -> dict[str, Any]:
    """The document, once it has exactly these keys with values of these types. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError(f"{what} must be an object with {', '.join(wanted)}")  # noqa: TRY004 - of a file, not a call
    for name, kind in wanted.items():
        if type(document.get(name)) is not kind:
            raise ValueError(f"`{name}` of {what} is missing or of the wrong type")
    for name in document:
        if name not in wanted:
            raise ValueError(f"{what} has no `{str(name)[:80]}`: it has {', '.join(wanted)}")
    return document


def json_object(content: bytes) -> Any:
    """The JSON in these bytes. Raises ValueError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not readable as JSON") from None


def check(signed: SignedStatement, signatories: Signatories, verify: Verify) -> None:
    """Accept a statement signed by two different listed people with different keys. Raises Refusal.

    Signatures that do not count make it no better and no worse, except a false one by somebody listed: that means that
    what was signed is not what is here.
    """
    statement = signed.statement
    if statement.area != signatories.area:
        raise Refusal(
            RefusalReason.WRONG_AREA,
            f"the statement is for area `{statement.area}`, the list of signatories for `{signatories.area}`",
        )
    if not signed.signatures:
        raise Refusal(RefusalReason.UNSIGNED, f"nobody signed it: {SIGNERS} people must")
    people = {each.name: each for each in genuine_signers(statement.message(), signed.signatures, signatories, verify)}
    if len({each.public_key for each in people.values()}) >= SIGNERS:
        return
    if people:
        raise Refusal(
            RefusalReason.ONE_SIGNER,
            f"only {_named(people)} signed it: {SIGNERS} different people with different keys must",
        )
    raise Refusal(RefusalReason.UNKNOWN_SIGNATORY, "nobody of the area's list of signatories signed it")


def genuine_signers(
    message: bytes, signatures: Iterable[Signature], signatories: Signatories, verify: Verify
) -> list[Signatory]:
    """The listed people among the signers, each with a genuine signature.

    Raises Refusal when a signature claims to be of somebody listed and is not over this message.
    """
    people = []
    for each in signatures:
        person = signatories.find(each.signatory, each.key_id)
        if person is None:
            continue
        if not verify(person.public_key, each.signature, message):
            raise Refusal(
                RefusalReason.TAMPERED,
                f"the signature of `{person.name}` is not over this statement: one of the two was changed",
            )
        people.append(person)
    return people


def _named(people: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in people)

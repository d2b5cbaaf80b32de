"""The records of `masa.policy` that carry rule sets: what is published, and how it is read.

    key `activation`        the head: the newest statement, its signatures and the rule set it names
    key `artefact:<hash>`   the same bytes, so that any rule set that was ever in force is found by its hash for ever
    key `statement:<n>`     the statement with sequence n and its signatures, without the rule set: who signed what, for
                            ever; and what is in force now while the head waits for its time

    value  `masa-activation-v1` LF, signed statement as canonical JSON, LF, rule set compressed by zlib (or nothing)

All three are written in one transaction.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import NamedTuple

from streams.policy.artefact import Artefact, ArtefactBroken, canonical
from streams.policy.facts import RuleSetHash
from streams.policy.signatories import Signatories
from streams.policy.statement import (
    Refusal,
    RefusalReason,
    SignedStatement,
    Verify,
    check,
    json_object,
    signed_from_document,
)

HEAD = b"activation"
_ARTEFACT = b"artefact:"
_STATEMENT = b"statement:"
_MAGIC = b"masa-activation-v1\n"
_MAX_ARTEFACT_BYTES = 512 * 1024 * 1024  # a decompression bomb stops here
_KEY = re.compile(rb"activation|artefact:[0-9a-f]{64}|statement:[1-9][0-9]{0,17}")


class PolicyRecord(NamedTuple):
    """One record to publish on `masa.policy`."""

    key: bytes
    value: bytes
    headers: list[tuple[str, str | bytes | None]]


class Activation(NamedTuple):
    """A record as read: `packed` is the compressed rule set, empty in a `statement:` record."""

    signed: SignedStatement
    packed: bytes


def activation_records(signed: SignedStatement, artefact: Artefact) -> list[PolicyRecord]:
    """What to publish, in one transaction, to put `artefact` in force as `signed` says."""
    statement = signed.statement
    if statement.rule_set != artefact.hash:
        raise ValueError(f"the statement names rule set `{statement.rule_set}`, not `{artefact.hash}`")
    whole = to_value(Activation(signed, pack(artefact)))
    headers: list[tuple[str, str | bytes | None]] = [("masa-policy", artefact.hash.encode())]
    return [
        PolicyRecord(_STATEMENT + str(statement.sequence).encode(), to_value(Activation(signed, b"")), headers),
        PolicyRecord(_ARTEFACT + artefact.hash.encode(), whole, headers),
        PolicyRecord(HEAD, whole, headers),
    ]


def is_activation(key: bytes | None) -> bool:
    """Whether a record of `masa.policy` is one of those that this module describes."""
    return key is not None and _KEY.fullmatch(key) is not None


def to_value(activation: Activation) -> bytes:
    return _MAGIC + canonical(activation.signed.as_document()) + b"\n" + activation.packed


def read_record(key: bytes, value: bytes | None) -> Activation:
    """A record as it stands, without believing it yet. Raises Refusal.

    A record under the key of another rule set or sequence would hide that one; only a `statement:` goes without its
    rule set.
    """
    activation = _from_value(value)
    statement = activation.signed.statement
    own = {_ARTEFACT + statement.rule_set.encode(), _STATEMENT + str(statement.sequence).encode(), HEAD}
    if key not in own:
        raise Refusal(RefusalReason.TAMPERED, "the record stands under the key of another rule set or sequence")
    if not activation.packed and not key.startswith(_STATEMENT):
        raise Refusal(RefusalReason.TRUNCATED, "the record is cut short after its statement")
    return activation


def _from_value(value: bytes | None) -> Activation:
    if value is None:
        raise Refusal(RefusalReason.UNREADABLE, "the record is a tombstone: publish another rule set instead")
    if not value.startswith(_MAGIC):
        short = _MAGIC.startswith(value)
        reason = RefusalReason.TRUNCATED if short else RefusalReason.UNREADABLE
        raise Refusal(reason, "the record is cut short" if short else "the record is not an activation")
    head, separator, packed = value[len(_MAGIC) :].partition(b"\n")
    if not separator:
        raise Refusal(RefusalReason.TRUNCATED, "the record is cut short within its statement")
    try:
        signed = signed_from_document(json_object(head))
    except ValueError as error:
        raise Refusal(RefusalReason.UNREADABLE, f"the record's statement: {error}") from None
    return Activation(signed, packed)


def pack(artefact: Artefact) -> bytes:
    return zlib.compress(artefact.content, 6)


def unpack(packed: bytes, expected: RuleSetHash) -> Artefact:
    """The rule set in compressed bytes, once it is whole and the one that was signed. Raises Refusal."""
    content = inflated(packed, expected)
    try:
        return Artefact.from_bytes(content)
    except ArtefactBroken as error:
        raise Refusal(RefusalReason.UNREADABLE, str(error)) from None


def inflated(packed: bytes, expected: RuleSetHash) -> bytes:
    """The content of compressed bytes, once it has this hash. Raises Refusal."""
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(packed, _MAX_ARTEFACT_BYTES)
    except zlib.error:
        raise Refusal(RefusalReason.UNREADABLE, "the rule set is not compressed as it should be") from None
    if not inflate.eof:
        raise Refusal(RefusalReason.TRUNCATED, "the rule set is cut short or too large")
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise Refusal(RefusalReason.TAMPERED, f"the rule set has hash `{found}`, the statement names `{expected}`")
    return content


def admitted(activation: Activation, signatories: Signatories, verify: Verify) -> Artefact:
    """The rule set of a record that may be put in force. Raises Refusal. Signatures come first: nothing that strangers
    wrote is unpacked."""
    check(activation.signed, signatories, verify)
    statement = activation.signed.statement
    artefact = unpack(activation.packed, statement.rule_set)
    if statement.area not in artefact.document()["areas"]:
        raise Refusal(RefusalReason.WRONG_AREA, f"the rule set has no area `{statement.area}`")
    return artefact

"""Bad input as JSON text, for `masa publish` and HTTP: what a careless or broken exporter sends.

Each kind says the problem's code and path; `schemas.json_form` or `schemas.validation` must find exactly that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.vocabulary import RejectReason

JsonObject = dict[str, Any]
_DEEP = 100_000


@dataclass(frozen=True, kw_only=True)
class BadJsonKind:
    """One kind. `spoil` takes the JSON form of a good event and gives the text, which may not even be UTF-8.

    `path` is where the problem is, empty when the text cannot be read at all.
    """

    name: str
    reason: RejectReason
    path: str
    spoil: Callable[[JsonObject], bytes]


def _text(obj: JsonObject) -> bytes:
    return json.dumps(obj).encode()


def _changed(change: Callable[[JsonObject], object]) -> Callable[[JsonObject], bytes]:
    def spoil(obj: JsonObject) -> bytes:
        fresh: JsonObject = json.loads(json.dumps(obj))
        change(fresh)
        return _text(fresh)

    return spoil


def _set(path: str, value: Any) -> Callable[[JsonObject], bytes]:
    def change(obj: JsonObject) -> None:
        *parents, last = path.split(".")
        holder = obj
        for name in parents:
            holder = holder[name]
        holder[last] = value

    return _changed(change)


def _renamed(parent: str, old: str, new: str) -> Callable[[JsonObject], bytes]:
    def change(obj: JsonObject) -> None:
        obj[parent][new] = obj[parent].pop(old)

    return _changed(change)


def _repeated_key(obj: JsonObject) -> bytes:
    return b'{"envelope": {}, ' + _text(obj)[1:]


def _nested(obj: JsonObject) -> bytes:
    del obj
    return b'{"envelope": ' * _DEEP + b"1" + b"}" * _DEEP


def _latin1(obj: JsonObject) -> bytes:
    return _changed(lambda o: o["envelope"].update(relevanceReason="cafe"))(obj).replace(b"cafe", b"caf\xe9")


_R = RejectReason
_E = "envelope."


def _kind(name: str, reason: RejectReason, path: str, spoil: Callable[[JsonObject], bytes]) -> BadJsonKind:
    return BadJsonKind(name=name, reason=reason, path=path, spoil=spoil)


BAD_JSON_KINDS: tuple[BadJsonKind, ...] = (
    _kind("not-json", _R.UNDECODABLE, "", lambda obj: b"eventId,eventType\n1,2"),
    _kind("cut-short", _R.UNDECODABLE, "", lambda obj: _text(obj)[:-20]),
    _kind("deeply-nested", _R.UNDECODABLE, "", _nested),
    _kind("repeated-key", _R.UNDECODABLE, "", _repeated_key),
    _kind("not-a-number", _R.UNDECODABLE, "", _set(_E + "sequence", float("nan"))),
    _kind("not-utf8", _R.TEXT_NOT_UTF8, "", _latin1),
    _kind("half-a-surrogate", _R.TEXT_NOT_UTF8, _E + "relevanceReason", _set(_E + "relevanceReason", "\ud83d")),
    _kind("unknown-key", _R.TYPE_MISMATCH, _E + "urgencyLevel", _set(_E + "urgencyLevel", "URGENT")),
    _kind("misspelt-key", _R.TYPE_MISMATCH, _E + "childs", _renamed("envelope", "child", "childs")),
    _kind("text-for-a-number", _R.TYPE_MISMATCH, _E + "sequence", _set(_E + "sequence", "1")),
    _kind("number-for-text", _R.TYPE_MISMATCH, _E + "child.nhsNumber", _set(_E + "child.nhsNumber", 9434765919)),
    _kind("fraction", _R.TYPE_MISMATCH, _E + "sequence", _set(_E + "sequence", 1.5)),
    _kind("number-too-large", _R.TYPE_MISMATCH, _E + "schemaVersion", _set(_E + "schemaVersion", 2**40)),
    _kind(
        "text-for-true",
        _R.TYPE_MISMATCH,
        _E + "handling.restricted",
        _set(_E + "handling.restricted", "false"),
    ),
    _kind("list-for-an-object", _R.TYPE_MISMATCH, _E + "settings", _set(_E + "settings", [])),
    _kind("object-for-a-list", _R.TYPE_MISMATCH, _E + "concerns", _set(_E + "concerns", {"0": "OTHER"})),
    _kind("null-where-required", _R.REQUIRED_FIELD, _E + "masaId", _set(_E + "masaId", None)),
    _kind("key-missing", _R.REQUIRED_FIELD, _E + "urgency", _changed(lambda obj: obj["envelope"].pop("urgency"))),
    _kind("unknown-word", _R.UNKNOWN_ENUM, _E + "urgency", _set(_E + "urgency", "ASAP")),
    _kind("word-in-lower-case", _R.UNKNOWN_ENUM, _E + "legalGateway", _set(_E + "legalGateway", "s16la")),
    _kind("unknown-word-in-a-list", _R.UNKNOWN_ENUM, _E + "concerns[1]", _set(_E + "concerns", ["OTHER", "WORRIED"])),
    _kind("instant-without-zone", _R.TIME, _E + "occurredAt", _set(_E + "occurredAt", "2026-10-01T08:30:00")),
    _kind("instant-as-a-number", _R.TYPE_MISMATCH, _E + "recordedAt", _set(_E + "recordedAt", 1_790_000_000_000)),
    _kind("british-date", _R.TIME, _E + "child.dateOfBirth", _set(_E + "child.dateOfBirth", "01/10/2016")),
    _kind("day-that-does-not-exist", _R.TIME, _E + "child.dateOfBirth", _set(_E + "child.dateOfBirth", "2019-02-29")),
)

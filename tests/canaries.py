"""Canaries: a different, recognisable value in every field that can hold one, and a search that finds them anywhere."""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from schemas.field_classes import FORMAT, string_rules, without_null
from schemas.registry import EventType
from schemas.vocabulary import FieldClass
from streams.simulation.synthetic_ids import nhs_numbers, upn
from tests.events import at

_SHORTEST_TEXT = 24  # characters; a field for less holds a code, not a text
_TEXT_HEAD, _TEXT_TAIL = b"Canary", b"TellsWhereTheChildIs"
_ENCODED_RUN = re.compile(rb"[0-9A-Za-z+/_=-]{24,}")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{2}){12,}")


class Canary(NamedTuple):
    """One planted value. It stands in several fields only when a test keeps a code that does."""

    paths: tuple[str, ...]
    classes: frozenset[FieldClass]
    value: str

    @property
    def is_code(self) -> bool:
        """Short enough to stand by chance inside a digest."""
        return len(self.value) < _SHORTEST_TEXT


class Planted(NamedTuple):
    datum: dict[str, Any]
    canaries: tuple[Canary, ...]


class Brood:
    """Makes values that are all different and each valid in its field."""

    def __init__(self, start: int = 0) -> None:
        self._next = start
        self._numbers = nhs_numbers(500_000 + start)

    def plant(self, event_type: EventType, datum: Mapping[str, Any], keep: Iterable[str] = ()) -> Planted:
        """A copy of `datum` with a canary in every text and code that may be withheld.

        The fields in `keep` keep their value, which then is their canary, unless it is the home authority's code: that
        is metadata (of a protected child it is looked for on its own, since the audit record keeps it).
        """
        planted, kept = copy.deepcopy(dict(datum)), frozenset(keep)
        found: list[Canary] = []
        for leaf in event_type.leaves:
            if leaf.is_routing:
                continue
            holder, name = _holder(planted, leaf.path)
            if holder is None:
                continue
            if leaf.path in kept:
                home = planted["envelope"]["area"]["gss"]
                found += [Canary((leaf.path,), leaf.classes, text) for text in _texts(holder[name]) if text != home]
            elif leaf.kind == "string":
                value = self.value(leaf.format, leaf.max_length or 0)
                if value is not None:
                    holder[name] = value
                    found.append(Canary((leaf.path,), leaf.classes, value))
            elif leaf.kind == "array":
                holder[name], values = self._array(leaf.node["items"], holder[name])
                found += [Canary((leaf.path,), leaf.classes, value) for value in values]
        return Planted(planted, _merged(found))

    def value(self, fmt: str | None, longest: int) -> str | None:
        """A value nobody else has; None when the field is too short for one."""
        number = self._next
        self._next += 1
        match fmt:
            case None:
                return f"{_TEXT_HEAD.decode()}{_letters(number)}{_TEXT_TAIL.decode()}" if longest >= 36 else None
            case "nhs-number":
                return next(self._numbers)
            case "upn":
                return upn("998", f"{4000 + number // 1000:04d}", 26, number % 1000)
            case "urn":
                return f"{980_000 + number % 10_000:06d}"
            case "setting-urn":
                return f"EY{970_000 + number % 10_000:06d}"
            case "ods":
                return f"QJ{number:06d}"
            case "gss":
                return f"E07{770_000 + number % 10_000:06d}"
            case "uprn":
                return f"{970_000_000_000 + number}"
            case "postcode":
                return f"ZZ{number // 36_000 % 9}{number // 3_600 % 10} {number % 9}{_inward(number)}"
            case "phone":
                return f"01632 9{number:05d}"
            case "uuid":
                return f"0ca9a417-0000-7000-8000-{number:012d}"
            case "role-id" | "agency-id":
                return f"canary-{_letters(number).lower()}-of-the-field"
        raise AssertionError(f"no canary for {fmt}")

    def _array(self, items: Any, value: list[Any] | None) -> tuple[list[Any] | None, list[str]]:
        if (isinstance(items, dict) and items.get("type") == "string") or items == "string":
            made = self.value(items.get(FORMAT) if isinstance(items, dict) else None, 64)
            return [made], [made or ""]
        if isinstance(items, dict) and items.get("type") == "record" and value:
            texts: list[str] = []
            for each in items["fields"]:
                node, _ = without_null(each["type"])
                is_text = node == "string" or (isinstance(node, dict) and node.get("type") == "string")
                fmt, longest = string_rules(each, node) if is_text else ("", 0)
                if is_text and fmt is None:  # ids of agencies and roles in there decide who receives
                    for item in value:
                        item[each["name"]] = self.value(None, longest)
                        texts.append(item[each["name"]])
            return value, texts
        return value, []


class Search:
    """Finds canaries in bytes, whether plain, compressed, in hexadecimal or in base 64.

    A short code counts only where it is not part of a longer number or digest.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._by_value: dict[bytes, Canary] = {each.value.encode(): each for each in canaries}
        known = self._by_value.items()
        codes = {_shape(value) for value, each in known if each.is_code}
        texts = {_shape(value) for value, each in known if not each.is_code}
        parts = [b"|".join(sorted(texts))] if texts else []
        if codes:  # the longest first: one may be the beginning of another
            parts.append(rb"(?<![0-9a-f])(?:" + b"|".join(sorted(codes, key=len, reverse=True)) + rb")(?![0-9a-f])")
        self._pattern = re.compile(b"|".join(parts) or rb"(?!)")

    def found(self, data: bytes) -> set[Canary]:
        return {canary for form in disguises(data) for canary in self.plainly(form)}

    def plainly(self, data: bytes) -> set[Canary]:
        """Without looking behind compression and encodings: for our own bytes, of which there are many."""
        return {self._by_value[hit] for hit in self._pattern.findall(data) if hit in self._by_value}


def _shape(value: bytes) -> bytes:
    """A pattern for all values of the same shape: one pattern for thousands of canaries keeps the search quick."""
    if value.startswith(_TEXT_HEAD):
        return re.escape(_TEXT_HEAD) + b"[A-Z]{4}" + re.escape(_TEXT_TAIL)
    signs = (
        b"[0-9]" if 48 <= sign < 58 else b"[A-Z]" if 65 <= sign < 91 else re.escape(bytes((sign,))) for sign in value
    )
    return b"".join(signs)


def _merged(canaries: Iterable[Canary]) -> tuple[Canary, ...]:
    """Each value once, with all the fields that hold it."""
    merged: dict[str, Canary] = {}
    for each in canaries:
        known = merged.get(each.value, Canary((), frozenset(), each.value))
        merged[each.value] = Canary((*known.paths, *each.paths), known.classes | each.classes, each.value)
    return tuple(merged.values())


def disguises(data: bytes) -> Iterator[bytes]:
    """The data, and what it says when it is inflated or decoded."""
    yield data
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(data)
    for run in _HEX_RUN.findall(data):
        yield bytes.fromhex(run.decode())
    for run in _ENCODED_RUN.findall(data):
        try:
            yield base64.b64decode(run + b"=" * (-len(run) % 4), altchars=b"-_" if b"-" in run or b"_" in run else None)
        except binascii.Error:
            continue


def not_null(event_type: EventType, datum: Mapping[str, Any]) -> set[str]:
    """Paths of the leaves that hold anything."""
    return {leaf.path for leaf in event_type.leaves if at(datum, leaf.path) is not None}


def _holder(datum: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    *records, name = path.split(".")
    here: Any = datum
    for record in records:
        here = here[record]
        if here is None:
            return None, name
    return here, name


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []


def _letters(number: int) -> str:
    """A number in letters that no hexadecimal digit is among."""
    out = ""
    for _ in range(4):
        number, rest = divmod(number, 16)
        out = "GHJKLMNPQRSTUWXY"[rest] + out
    return out


def _inward(number: int) -> str:
    signs = "ABDEFGHJLNPQRSTUWXYZ"
    return signs[number // 9 % 20] + signs[number // 180 % 20]

"""Who may sign for an area: the router's root of trust, kept outside the rule set that they sign.

The file `signatories.yaml` is handed to each router by whoever runs it, as its keys are:

    area: northshire
    signatories:
      - name: asha-patel
        role: policy lead
        keyId: 5f0c2a9be1d34c77
        publicKey: base64 of the 32 bytes of an Ed25519 public key
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from dataclasses import dataclass

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic.alias_generators import to_camel

PUBLIC_KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


class SignatoriesInvalid(ValueError):  # noqa: N818 (a state, not an error of ours)
    """The file is no list of signatories. `str()` says which entry is wrong and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """A person who may sign."""

    name: str
    role: str
    key_id: str
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatories:
    """The people of one area; no two share a name, a key id or a key."""

    area: str
    people: tuple[Signatory, ...]

    def find(self, name: str, key_id: str) -> Signatory | None:
        """The person with this name and this key, None when there is none."""
        return next((each for each in self.people if (each.name, each.key_id) == (name, key_id)), None)

    def named(self, name: str) -> Signatory | None:
        return next((each for each in self.people if each.name == name), None)

    def to_yaml(self) -> str:
        entries = [
            {
                "name": each.name,
                "role": each.role,
                "keyId": each.key_id,
                "publicKey": b64encode(each.public_key).decode("ascii"),
            }
            for each in self.people
        ]
        return yaml.safe_dump({"area": self.area, "signatories": entries}, sort_keys=False, allow_unicode=True)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True)

    name: str
    role: str
    key_id: str
    public_key: str

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"`{value[:80]}` is no name here: use lower-case letters, digits and hyphens, at most 64")
        return value

    @field_validator("public_key")
    @classmethod
    def _key(cls, value: str) -> str:
        try:
            size = len(b64decode(value, validate=True))
        except (NotBase64, ValueError):
            size = -1
        if size != PUBLIC_KEY_BYTES:
            raise ValueError(f"must be base64 of the {PUBLIC_KEY_BYTES} bytes of an Ed25519 public key")
        return value


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, strict=True)

    area: str
    signatories: list[_Entry]


def parse_signatories(text: str, where: str) -> Signatories:
    """The list in a file's text; `where` names the file. Raises SignatoriesInvalid."""
    try:
        file = _File.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SignatoriesInvalid(f"{where}{line}: not readable as YAML") from None
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SignatoriesInvalid(f"{where}: `{at}`: {first['msg'].removeprefix('Value error, ')}") from None
    people = tuple(
        Signatory(name=each.name, role=each.role, key_id=each.key_id, public_key=b64decode(each.public_key))
        for each in file.signatories
    )
    _refuse_doubles(where, "name", [each.name for each in people])
    _refuse_doubles(where, "keyId", [each.key_id for each in people])
    _refuse_doubles(where, "publicKey", [b64encode(each.public_key).decode() for each in people])
    return Signatories(area=file.area, people=people)


def _refuse_doubles(where: str, key: str, values: Iterable[str]) -> None:
    """One person with two entries could sign twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise SignatoriesInvalid(f"{where}: `{key}` `{value}` stands twice: each person has one entry and one key")
        seen.add(value)

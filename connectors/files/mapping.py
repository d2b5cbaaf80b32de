"""A supplier's mapping: which column becomes which field of which event. Data, checked when it is compiled.

The words here are the keys of the YAML files in `deploy/mappings`; the vocabulary is closed on purpose, so that a
mapping can be checked, explained and compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.files.times import Zone


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Word = Annotated[str, Field(pattern=r"[a-z0-9][a-z0-9.-]{0,63}")]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=False, alias_generator=to_camel, populate_by_name=True
    )


class Test(_Model):
    """A condition on one column; all that are given must hold."""

    is_: Texts = Field(default=(), alias="is", description="One of these texts, capitals and spaces aside.")
    is_not: Texts = Field(default=(), description="None of these texts.")
    at_least: int | None = Field(default=None, description="A whole number, at least this.")
    below: int | None = Field(default=None, description="A whole number, less than this.")
    empty: bool | None = Field(default=None, description="Whether the column is empty.")


def _as_test(value: Any) -> Any:
    return {"is": value} if isinstance(value, (str, list)) else value


Condition = Mapping[str, Annotated[Test, BeforeValidator(_as_test)]]  # column -> test; all must hold


class FieldSpec(_Model):
    """Where a field's value comes from: a constant, the publishing agency's entry, or one or more columns."""

    const: Any = Field(default=None, description="The same value for every record, in the event's JSON form.")
    agency: Literal["name", "contact", "phone"] | None = Field(
        default=None, description="From the publishing agency's entry: its name, its office's contact and telephone."
    )
    from_: Texts = Field(default=(), alias="from", description="Column, or columns to be joined.")
    join: str = Field(default=" ", description="What stands between joined columns; empty ones are left out.")
    codes: Mapping[str, str | None] | None = Field(
        default=None, description="Text of the column -> word of the contract; null: deliberately not passed on."
    )
    otherwise: str | None = Field(default=None, description="Word for texts that are not in `codes`; else refused.")
    split: str | None = Field(default=None, min_length=1, description="What separates the values of a list.")
    day: Texts = Field(default=(), description="Form or forms of a day, such as `%d/%m/%Y`.")
    instant: Texts = Field(default=(), description="Form or forms of a time, such as `%d/%m/%Y %H:%M`.")
    yes: Texts = Field(default=(), description="Texts that mean true.")
    no: Texts = Field(default=(), description="Texts that mean false.")
    remove: str = Field(default="", description="Characters to be left out, such as the spaces of an NHS number.")
    upper: bool = Field(default=False, description="In capitals.")
    required: bool = Field(default=False, description="Refuse the record when this is empty.")
    default: Any = Field(default=None, description="Value when the column is empty, in the event's JSON form.")
    when: Condition | None = Field(default=None, description="Only for records that meet this; else empty.")
    items: tuple[Mapping[str, FieldInput], ...] | None = Field(
        default=None, description="Records of a list; one whose columns are all empty is left out."
    )

    @property
    def is_constant(self) -> bool:
        return not self.from_ and self.items is None


def _as_spec(value: Any) -> Any:
    if isinstance(value, list):
        return {"items": value}
    return {"from": value} if isinstance(value, str) else value


FieldInput = Annotated[FieldSpec, BeforeValidator(_as_spec)]  # a text alone is a column, a list its items


class Format(_Model):
    """How the file is written."""

    kind: Literal["csv", "json", "ndjson", "xml"]
    encoding: Literal["utf-8", "windows-1252"] = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="CSV: between columns.")
    records: str | None = Field(
        default=None, description="JSON: path of the array. XML: path of the repeated element, from the root."
    )
    suffixes: Texts = Field(default=(), description="Endings of file names that are taken; default: the kind's own.")

    @property
    def endings(self) -> tuple[str, ...]:
        return tuple(each.lower() for each in self.suffixes) or (f".{self.kind}",)


class PublisherCheck(_Model):
    """Columns that say whose file it is; a record of another agency is refused."""

    from_: Texts = Field(alias="from", min_length=1)
    scheme: str = Field(description="Identifier scheme of the agency's entry, such as URN or LAESTAB.")


class EventSpec(_Model):
    """One kind of event, made of records that meet `when`."""

    type: str
    when: Condition | None = None
    fields: Mapping[str, FieldInput] = Field(default_factory=dict)


class Skip(_Model):
    """Records of which deliberately no event is made."""

    when: Condition
    reason: str = Field(min_length=1, description="Said in the report.")


class SupplierMapping(_Model):
    """One supplier's kind of file."""

    mapping: Word = Field(description="Name of the mapping; part of every event id, so do not change it.")
    title: str
    version: int = Field(
        default=1, ge=1, description="Raise it to have records that were sent already sent again, as next versions."
    )
    format: Format
    zone: Zone = Field(default="Europe/London", description="Zone of times that state none.")
    record: Texts = Field(min_length=1, description="Column or columns that identify the supplier's record.")
    publisher: PublisherCheck | None = None
    ignored: Texts = Field(default=(), description="Columns that are known and deliberately not read.")
    optional: Texts = Field(default=(), description="Columns that a file may lack.")
    fields: Mapping[str, FieldInput] = Field(default_factory=dict, description="Fields that all events have.")
    events: tuple[EventSpec, ...] = Field(min_length=1)
    skip: tuple[Skip, ...] = ()


class FileAgency(NamedTuple):
    """Who publishes: the agency's entry in the rule set in force."""

    id: str
    name: str
    area: str
    category: str
    identifiers: tuple[tuple[str, str], ...]  # (scheme, code)
    contact: str | None = None
    phone: str | None = None


class MappingProblem(NamedTuple):
    """One thing wrong with a mapping; `path` leads to it through the keys of its file."""

    path: tuple[str | int, ...]
    message: str
    suggestion: str | None = None


class MappingInvalid(Exception):  # noqa: N818 - it names what is the matter, as `EventInvalid` does
    """The mapping cannot be used. The caller shows `problems` to its author."""

    def __init__(self, problems: list[MappingProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{'.'.join(map(str, p.path))}: {p.message}" for p in problems))


FieldSpec.model_rebuild()

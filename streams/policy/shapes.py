"""The base of all models of area files, and the kinds of text that they share."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Gss = Annotated[str, StringConstraints(min_length=1, max_length=9)]  # the format itself: schemas.identifiers


def _only_dates(value: object) -> object:
    """Pydantic would read `0` as 1 January 1970; a date here is a YAML date or `2026-09-30`."""
    if isinstance(value, (str, date)) and not isinstance(value, datetime):
        return value
    raise ValueError("should be a date such as `2026-09-30`")


Day = Annotated[date, BeforeValidator(_only_dates)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Term(Model):
    """A school term, both days included."""

    from_: Day = Field(alias="from")
    to: Day

"""Invariants as data: what must never, and what must always, come of any event.

The shipped library is `invariants.yaml` beside this module; an area may add its own in its folder. The vocabulary is
small and closed, so that every invariant can be proven and read aloud:

- `never`: no event (of these `types`, in these circumstances `when`) is delivered to such a recipient (`to`) with any
  of these `fields`. Without `fields`, not even its existence is told.
- `always`: every such event reaches (`reaches`) at least one such recipient; `orFrom` lets the publisher be one.

All that is said of circumstances or of a recipient must hold together. A recipient is an agency with the roles that
its delivery is addressed to. An area's own invariants speak of that area's agencies and children only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path as File
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from schemas.vocabulary import AgencyCategory, DpRegime, FieldClass, LegalGateway
from streams.policy.contract import EventTypesLike
from streams.policy.located import AreaInvalid, Located, Path, Problem, nearest, problem_at, read_yaml
from streams.policy.model import Model, Slug, Text, When
from streams.policy.shape_problems import shape_problem
from streams.policy.words import Serves, Staffed
from streams.proof.world import World

FILE = "invariants.yaml"
LOCATING_ROLES = "locatingRoles"  # stands for the roles that the recipient's own area lists
T = TypeVar("T")
Roles = tuple[Slug, ...] | Literal["locatingRoles"]


class Circumstances(When):
    """As a rule's `when`, and more. A condition holds when the event says so for sure."""

    gateway: tuple[LegalGateway, ...] | None = Field(default=None, min_length=1)
    regime: tuple[DpRegime, ...] | None = Field(default=None, min_length=1)
    protected: bool | None = None  # address protection is anything but NONE
    home_known: bool | None = None  # the child's home authority is stated and belongs to an area that takes part
    withholding: Literal[False] | None = None  # the publisher withholds from nobody
    conflict: Literal[False] | None = None  # nobody is excluded for a conflict of interest


class Recipient(Model):
    agencies: tuple[Slug, ...] | None = Field(default=None, min_length=1)
    areas: tuple[Slug, ...] | None = Field(default=None, min_length=1)
    categories: tuple[AgencyCategory, ...] | None = Field(default=None, min_length=1)
    not_categories: tuple[AgencyCategory, ...] | None = Field(default=None, min_length=1)
    roles: Roles | None = None  # addressed to one of them
    not_roles: Roles | None = None  # addressed to none of them
    serves: tuple[Serves, ...] | None = Field(default=None, min_length=1)  # addressed to a role that serves these
    staffed: tuple[Staffed, ...] | None = Field(default=None, min_length=1)  # addressed to a role staffed so
    cleared: bool | None = None  # every addressed role may see restricted events
    under_duty: bool | None = None  # has a basis of the duty on the day
    duty_commenced: bool | None = None  # the duty is in force in its area on the day
    within_contract: bool | None = None  # not contracted, or the type is in scope and the contract runs
    confirmed: bool | None = None  # the publisher confirmed it, or a role that rules address there
    withheld: bool | None = None  # the publisher withholds from it, or from a role that rules address there
    excluded: bool | None = None  # excluded for a conflict of interest, or such a role is
    accused_setting: bool | None = None  # it is the setting of the accused
    source: bool | None = None  # it published the event


class Fields(Model):
    classes: tuple[FieldClass, ...] = ()  # fields of any of these classes
    paths: tuple[str, ...] = ()  # and these fields, or all fields of these records
    not_paths: tuple[str, ...] = ()  # but not these


class _Claim(Model):
    types: tuple[str, ...] | None = Field(default=None, min_length=1)
    except_types: tuple[str, ...] = ()
    when: Circumstances = Circumstances()

    def speaks_of(self, event_type: str) -> bool:
        return event_type not in self.except_types and (self.types is None or event_type in self.types)


class Never(_Claim):
    to: Recipient = Recipient()
    fields: Fields | None = None


class Always(_Claim):
    reaches: Recipient
    or_from: bool = False


class Invariant(Model):
    id: Slug
    title: Text
    source: Text  # requirement, statute or guidance
    reason: Text
    never: Never | None = None
    always: Always | None = None
    area: Slug | None = None  # whose own it is; set on reading

    @property
    def claim(self) -> Never | Always:
        claim = self.never or self.always
        if claim is None:
            raise ValueError(f"invariant `{self.id}` claims nothing")
        return claim


def shipped_invariants() -> tuple[Invariant, ...]:
    """The library that comes with the software. Raises AreaInvalid if it is damaged."""
    return _parsed((files("streams.proof") / FILE).read_text("utf-8"), FILE, None)


def area_invariants(folder: File) -> tuple[Invariant, ...]:
    """An area's own invariants; none without a file. Raises AreaInvalid with every located problem."""
    file = folder / FILE
    if not file.is_file():
        return ()
    return _parsed(file.read_text("utf-8"), f"{folder.name}/{FILE}", folder.name)


def _parsed(text: str, shown: str, area: str | None) -> tuple[Invariant, ...]:
    located = read_yaml(text, shown)
    problems = list(located.problems)
    found: list[Invariant] = []
    listed = located.value.get("invariants") if isinstance(located.value, dict) else None
    if not isinstance(listed, list):
        hint = "start the file with `invariants:`"
        raise AreaInvalid([*problems, _at(located, ("invariants",), "should hold a list named `invariants`", hint)])
    for place, raw in enumerate(listed):
        try:
            entry = Invariant.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                at, message, hint_ = shape_problem(Invariant, detail)
                problems.append(_at(located, ("invariants", place, *at), message, hint_))
            continue
        for path, message, hint_ in _meaning(entry, found):
            problems.append(_at(located, ("invariants", place, *path), message, hint_))
        found.append(entry.model_copy(update={"area": area}))
    if problems:
        raise AreaInvalid(problems)
    return tuple(found)


def _meaning(entry: Invariant, before: Iterable[Invariant]) -> Iterator[tuple[Path, str, str | None]]:
    if (entry.never is None) == (entry.always is None):
        yield (), "should say either `never` or `always`", "keep one of the two"
    if entry.area is not None:
        yield ("area",), "unknown key `area`", "the folder of the file says whose invariant it is"
    if entry.id in {each.id for each in before}:
        yield ("id",), f"`{entry.id}` is defined twice", "choose another"


def _at(located: Located, path: Path, message: str, suggestion: str | None) -> Problem:
    return problem_at(located.file, located.marks, path, message, suggestion)


def check_names(invariants: Iterable[Invariant], world: World, types: EventTypesLike) -> list[str]:
    """Sentences about roles, agencies, areas, event types and fields that do not exist; empty when all is well.

    A misspelt name would make an invariant that is proven because it is about nothing. The shipped library names
    nothing of a single area, and of the contract only what the contract has.
    """
    roles = {role for area in world.areas.values() for role in area["roles"]}
    paths = {leaf.path for kind in types.values() for leaf in kind.leaves}
    problems: list[str] = []
    for entry in invariants:
        to = entry.claim.reaches if isinstance(entry.claim, Always) else entry.claim.to
        fields = entry.claim.fields if isinstance(entry.claim, Never) else None
        given_roles = [r for given in (to.roles, to.not_roles) if isinstance(given, tuple) for r in given]
        wanted = [
            ("event type", [*(entry.claim.types or ()), *entry.claim.except_types], set(types)),
            ("role", given_roles, roles),
            ("agency", [*(to.agencies or ()), *(entry.claim.when.source or ())], set(world.agencies)),
            ("area", list(to.areas or ()), set(world.areas)),
        ]
        problems += [_unknown(entry, what, name, known) for what, names, known in wanted for name in names
                     if name not in known]  # fmt: skip
        for path in (*fields.paths, *fields.not_paths) if fields else ():
            if path not in paths and not any(each.startswith(path + ".") for each in paths):
                problems.append(_unknown(entry, "field", path, paths))
    return problems


def _unknown(entry: Invariant, what: str, name: str, known: set[str]) -> str:
    hint = nearest(name, known)
    return f"invariant `{entry.id}`: there is no {what} `{name}`{f'; {hint}' if hint else ''}"

"""Reads area folders into `Area` models, or says everything that is wrong in them at once.

A folder holds `area.yaml`, `agreements.yaml`, `projections.yaml`, `follow-up.yaml` (may be left out),
`agencies/*.yaml`, `rules/*.yaml`, `cases/*.yaml`.
Reading files is the only I/O of this package; nothing else in it touches the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path as File
from typing import Any, TypeVar

import holidays
from pydantic import BaseModel, ValidationError

from streams.policy.checks import check_area
from streams.policy.follow_up import FollowUpFile
from streams.policy.located import AreaInvalid, Located, Marks, Path, Place, Problem, nearest, problem_at, read_yaml
from streams.policy.model import (
    AgencyModel,
    AgreementModel,
    Area,
    AreaFile,
    CaseModel,
    ProjectionModel,
    RuleModel,
)
from streams.policy.shape_problems import shape_problem

M = TypeVar("M", bound=BaseModel)

_LISTS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("agencies", AgencyModel, "id"),
    ("rules", RuleModel, "id"),
    ("cases", CaseModel, "name"),
)

# The last is read by the prover.
_FILES = ("area.yaml", "agreements.yaml", "projections.yaml", "follow-up.yaml", "invariants.yaml")
_FOLDERS = tuple(kind for kind, _, _ in _LISTS)


def load_areas(folder: File, today: date) -> tuple[Area, ...]:
    """The area in `folder` and, from its sibling folders, every neighbour it reaches, ordered by id.

    Raises AreaInvalid with every problem of every folder read.
    """
    areas, problems = read_areas(folder, today)
    if problems:
        raise AreaInvalid(problems)
    return areas


def load_area(folder: File, today: date) -> Area:
    """One area folder. Raises AreaInvalid naming file, line, column and key of each problem."""
    area, problems = read_area(folder, today)
    if area is None or problems:
        raise AreaInvalid(problems)
    return area


def read_areas(folder: File, today: date) -> tuple[tuple[Area, ...], tuple[Problem, ...]]:
    """As `load_areas`, but what could be read and what is wrong with the rest. With problems, only to look for more."""
    areas: dict[str, Area] = {}
    problems: list[Problem] = []
    waiting = [folder]
    seen: set[str] = set()
    while waiting:
        here = waiting.pop()
        if here.name in seen:
            continue
        seen.add(here.name)
        area, found = read_area(here, today)
        problems.extend(found)
        if area is None:
            continue
        areas[area.spec.area] = area
        waiting.extend(here.parent / n for n in area.spec.neighbours if (here.parent / n).is_dir())
        problems.extend(_missing_neighbours(area, here))
    return tuple(areas[name] for name in sorted(areas)), tuple(problems)


def read_area(folder: File, today: date) -> tuple[Area | None, tuple[Problem, ...]]:
    """One folder's entries that are well formed, and every problem; no area when `area.yaml` is not."""
    reading = _Reading(folder)
    spec = reading.single("area.yaml", AreaFile)
    agreements = reading.entries("agreements.yaml", "agreements", AgreementModel, "id")
    projections = reading.mapping("projections.yaml", ProjectionModel)
    follow_up = reading.optional("follow-up.yaml", FollowUpFile, "follow-up")
    lists: dict[str, list[Any]] = {}
    for kind, model, key in _LISTS:
        lists[kind] = []
        for file in sorted((folder / kind).glob("*.y*ml")):
            lists[kind].extend(reading.entries(f"{kind}/{file.name}", kind, model, key))
    if spec is None:
        return None, tuple(reading.problems)
    area = Area(
        spec=spec,
        agencies=tuple(lists["agencies"]),
        agreements=tuple(agreements),
        projections=projections,
        rules=tuple(lists["rules"]),
        cases=tuple(lists["cases"]),
        follow_up=follow_up,
        bank_holidays=_bank_holidays(spec),
        places=reading.places,
        marks=reading.marks,
        broken=frozenset(reading.broken),
    )
    wrong = (*reading.problems, *_strangers(folder), *_folder_name(area, folder), *check_area(area, today))
    return area, wrong


@dataclass(slots=True)
class _Reading:
    """What has been read of one folder so far."""

    folder: File
    problems: list[Problem]
    places: dict[tuple[str, str], Place]
    marks: dict[str, Marks]
    broken: set[tuple[str, str]]  # (kind, identity) of entries of the wrong shape

    def __init__(self, folder: File) -> None:
        self.folder, self.problems, self.places, self.marks, self.broken = folder, [], {}, {}, set()

    def single(self, name: str, model: type[M], kind: str = "area") -> M | None:
        located = self._read(name)
        if located is None:
            return None
        self.places[(kind, "")] = Place(located.file, ())
        return self._validate(located, model, located.value, ())

    def optional(self, name: str, model: type[M], kind: str) -> M | None:
        """As `single`, of a file that an area may do without."""
        return self.single(name, model, kind) if (self.folder / name).is_file() else None

    def entries(self, name: str, key: str, model: type[M], identity: str) -> list[M]:
        """The list under the file's one top key; entries of the wrong shape become problems."""
        located = self._read(name)
        if located is None:
            return []
        listed = located.value.get(key) if isinstance(located.value, dict) else None
        extra = [k for k in located.value if k != key] if isinstance(located.value, dict) else []
        for unknown in extra:
            self._add(located, (unknown,), f"unknown key `{unknown}`", f"this file holds one key, `{key}`")
        if not isinstance(listed, list):
            self._add(located, (key,), f"should hold a list named `{key}`", f"start the file with `{key}:`")
            return []
        out: list[M] = []
        for i, raw in enumerate(listed):
            entry = self._validate(located, model, raw, (key, i))
            if entry is not None:
                out.append(entry)
                self._place(key, str(getattr(entry, identity)), located, (key, i))
            elif isinstance(raw, dict):
                self.broken.add((key, str(raw.get(identity))))
        return out

    def mapping(self, name: str, model: type[M]) -> Mapping[str, M]:
        located = self._read(name)
        if located is None:
            return {}
        if not isinstance(located.value, dict):
            self._add(located, (), "should be a mapping from projection name to projection", None)
            return {}
        out: dict[str, M] = {}
        for key, raw in located.value.items():
            entry = self._validate(located, model, raw, (key,))
            if entry is not None:
                out[key] = entry
                self._place("projections", key, located, (key,))
            else:
                self.broken.add(("projections", key))
        return out

    def _read(self, name: str) -> Located | None:
        path = self.folder / name
        shown = f"{self.folder.name}/{name}"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.problems.append(
                Problem(file=shown, line=1, column=1, key="", message="there is no such file",
                        suggestion=f"an area folder holds `{name}`")
            )  # fmt: skip
            return None
        except UnicodeDecodeError:
            self.problems.append(Problem(file=shown, line=1, column=1, key="", message="is not UTF-8 text"))
            return None
        located = read_yaml(text, shown)
        self.marks[shown] = located.marks
        self.problems.extend(located.problems)
        if located.value is None and not located.problems:
            self._add(located, (), "is empty", "see the area next door for an example")
        return located if located.value is not None else None

    def _validate(self, located: Located, model: type[M], raw: Any, path: Path) -> M | None:
        try:
            return model.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                at, message, suggestion = shape_problem(model, detail)
                self._add(located, (*path, *at), message, suggestion)
            return None

    def _place(self, kind: str, identity: str, located: Located, path: Path) -> None:
        if (kind, identity) in self.places:
            first = self.places[(kind, identity)]
            line = self.marks[first.file][first.path][0]
            self._add(located, path, f"`{identity}` is defined twice",
                      f"it is already at {first.file}:{line}; choose another")  # fmt: skip
        else:
            self.places[(kind, identity)] = Place(located.file, path)

    def _add(self, located: Located, path: Path, message: str, suggestion: str | None) -> None:
        self.problems.append(problem_at(located.file, located.marks, path, message, suggestion))


def _strangers(folder: File) -> Iterable[Problem]:
    """YAML files that nothing reads, most often under a misspelt name: what they say would have no effect, silently."""
    for path in sorted(folder.rglob("*.y*ml")):
        inside = path.relative_to(folder)
        if inside.as_posix() in _FILES or (len(inside.parts) == 2 and inside.parts[0] in _FOLDERS):
            continue
        known = _FILES if len(inside.parts) == 1 else [f"{name}/{inside.name}" for name in _FOLDERS]
        yield Problem(file=f"{folder.name}/{inside.as_posix()}", line=1, column=1, key="",
                      message="nothing reads this file", suggestion=nearest(inside.as_posix(), known))  # fmt: skip


def _folder_name(area: Area, folder: File) -> Iterable[Problem]:
    if area.spec.area != folder.name:
        file = f"{folder.name}/area.yaml"
        message = f"area `{area.spec.area}` stands in the folder `{folder.name}`"
        yield problem_at(file, area.marks[file], ("area",), message, "give both the same name")


def _missing_neighbours(area: Area, folder: File) -> Iterable[Problem]:
    file = f"{folder.name}/area.yaml"
    for i, name in enumerate(area.spec.neighbours):
        if not (folder.parent / name).is_dir():
            yield problem_at(
                file, area.marks[file], ("neighbours", i), f"there is no area folder `{name}`",
                "folders beside this one: " + ", ".join(_siblings(folder)),
            )  # fmt: skip


def _siblings(folder: File) -> Sequence[str]:
    return sorted(p.parent.name for p in folder.parent.glob("*/area.yaml"))


def _bank_holidays(spec: AreaFile) -> tuple[date, ...]:
    """English bank holidays for as long as the area's rules may be in force, or the days the file lists."""
    return english_bank_holidays(spec) if spec.bank_holidays == "england" else tuple(sorted(spec.bank_holidays))


def english_bank_holidays(spec: AreaFile) -> tuple[date, ...]:
    """Of every year in which the area's rules may be in force, and the one after."""
    years = range(spec.duty_commenced_on.year, spec.review_by.year + 2)
    return tuple(sorted(holidays.country_holidays("GB", subdiv="ENG", years=years)))

"""Everything that can be said about an area folder: what is wrong in it, or, when nothing is, what to look at.

Errors are looked for in one go, also behind errors: an author who has misspelt a key in one rule and a field in another
hears of both. Advice needs an area that compiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path as File

from schemas.registry import EventTypes
from streams.policy.advice import advise
from streams.policy.artefact import Artefact, compile_areas
from streams.policy.contract_checks import check_contract
from streams.policy.cross_checks import check_together
from streams.policy.load import read_areas
from streams.policy.located import AreaInvalid, Problem, Severity
from streams.policy.model import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """`artefact` is None when there are errors. `problems` are in order of file and line."""

    areas: tuple[Area, ...]
    artefact: Artefact | None
    problems: tuple[Problem, ...]

    def of(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is severity)


def inspect_folder(folder: File, event_types: EventTypes, day: date) -> Inspection:
    """Read, compile and advise on the area in `folder` and its neighbours, as of `day`."""
    areas, wrong = read_areas(folder, day)
    if wrong:
        more = [each for area in areas for each in check_contract(area, event_types)]
        found = {*wrong, *check_together(areas), *more}
        return Inspection(areas=areas, artefact=None, problems=AreaInvalid(found).problems)
    try:
        artefact = compile_areas(areas, event_types, day)
    except AreaInvalid as invalid:
        return Inspection(areas=areas, artefact=None, problems=invalid.problems)
    return Inspection(areas=areas, artefact=artefact, problems=advise(areas, event_types, day))

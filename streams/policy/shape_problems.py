"""Says what is wrong with the shape of an entry, in words, from pydantic's findings."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from streams.policy.located import Path, nearest

_MESSAGES = {
    "string_type": ("should be text", "put it in quotes"),
    "bool_parsing": ("should be true or false", None),
    "bool_type": ("should be true or false", None),
    "int_parsing": ("should be a whole number", None),
    "int_type": ("should be a whole number", None),
    "tuple_type": ("should be a list", "write it as `[a, b]` or as lines that start with `- `"),
    "dict_type": ("should be a mapping of keys to values", None),
    "mapping_type": ("should be a mapping of keys to values", None),
    "model_type": ("should be a mapping of keys to values", None),
    "too_short": ("should not be empty", "name at least one, or leave the key out"),
    "string_too_short": ("should not be empty", None),
    "date_from_datetime_parsing": ("is not a date", "write it as `2026-09-30`"),
    "date_parsing": ("is not a date", "write it as `2026-09-30`"),
    "date_type": ("is not a date", "write it as `2026-09-30`"),
    "datetime_type": ("is not an instant", "write it as `2026-10-05T18:00:00Z`"),
    "datetime_parsing": ("is not an instant", "write it as `2026-10-05T18:00:00Z`"),
    "datetime_from_date_parsing": ("is not an instant", "write it as `2026-10-05T18:00:00Z`"),
    "timezone_aware": ("has no time zone", "write it as `2026-10-05T18:00:00Z`"),
}


def shape_problem(model: type[BaseModel], detail: Mapping[str, Any]) -> tuple[Path, str, str | None]:
    """(path, message, suggestion) for one of pydantic's findings."""
    loc: Path = tuple(p for p in detail["loc"] if not _union_step(p))
    kind, given = str(detail["type"]), detail.get("input")
    if kind == "extra_forbidden":
        return loc, f"unknown key `{loc[-1]}`", nearest(str(loc[-1]), _keys(_at(model, loc[:-1])))
    if kind == "missing":
        return loc, f"`{loc[-1]}` is missing", f"add `{loc[-1]}:`"
    if kind in ("enum", "literal_error"):
        return loc, f"`{given}` is not known here", nearest(str(given), _words(_at(model, loc)))
    if kind == "string_pattern_mismatch":
        return loc, f"`{given}` is not a valid name", "use lower-case letters, digits and hyphens"
    if kind == "value_error":
        return loc, f"`{given}` {detail['ctx']['error']}", "write it as `2026-09-30`"
    message, suggestion = _MESSAGES.get(kind, (str(detail["msg"]).lower(), None))
    shown = f"`{given}` {message}" if isinstance(given, (str, int, float)) else message
    return loc, shown, suggestion


def _union_step(part: Any) -> bool:
    """Pydantic names the branch of a union inside the path; it is no key of the file."""
    return isinstance(part, str) and (part.startswith(("literal[", "tuple[", "constrained-", "function-")))


def _at(model: Any, path: Path) -> Any:
    """The annotation that stands at `path` below `model`."""
    here: Any = model
    for part in path:
        here = _core(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = next((f.annotation for f in here.model_fields.values() if f.alias == part), None)
        else:
            args = [a for a in get_args(here) if a is not Ellipsis]
            here = args[-1] if args else None
    return _core(here)


def _core(annotation: Any) -> Any:
    """Without Optional, Annotated and the like; of a union with a list, the list."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _core(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return _core(rest[-1]) if rest else None
    return annotation


def _keys(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [str(f.alias) for f in annotation.model_fields.values()]
    return []


def _words(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation if member.value != "UNKNOWN"]
    if get_origin(annotation) is Literal:
        return list(map(str, get_args(annotation)))
    return []
